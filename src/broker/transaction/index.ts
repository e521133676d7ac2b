/**
 * The transaction coordinator ◇: transactional ids, their producers and their transactions as a pure machine, one per partition of
 * `__transaction_state`. It promises Kafka's answers and Kafka's records, and that a machine replayed from its records goes on where the
 * one that wrote them was. Leaves to others: the log and its timers, producer ids, markers (the shell in `../coordination`), authorization
 * and topics (the handlers). Imports core and protocol.
 */
export { type TransactionSettings, transactionConfigTable, transactionSettings } from './config.ts';
export type {
  DescribeReply,
  ErrorReply,
  ListReply,
  MarkerOrder,
  ProducerReply,
  TransactionDescription,
  TransactionEvent,
  TransactionRequestEvent,
  VerifyReply,
} from './events.ts';
export { TransactionMachine } from './machine.ts';
export { listPartitions, type TopicPartition } from './partition-set.ts';
export { type ReadTransactionRecord, readTransactionRecord, transactionRecord } from './records.ts';
export { transactionStates } from './states.ts';
export type { Transaction } from './transaction.ts';
