/** DescribeTransactions and ListTransactions. What the caller may see is the handler's to say. @see KIP-664, KIP-994, KIP-1152 */
import type { TransactionCoordinator, TransactionTurn } from './coordinator.ts';
import type { DescribeReply, DescribeTransactionEvent, ListReply, ListTransactionsEvent } from './events.ts';
import { listPartitions } from './partition-set.ts';
import { isPrepared } from './states.ts';
import type { Transaction } from './transaction.ts';

/** Answers with what is known of one id; of a prepared transaction those partitions are told that have no marker yet. */
export function describeTransaction(
  { transactions, unmarked }: TransactionCoordinator,
  { transactionalId, token }: DescribeTransactionEvent,
  turn: TransactionTurn,
): void {
  const known = transactions.get(transactionalId);
  if (known === undefined) {
    turn.reply(token, { transaction: undefined } satisfies DescribeReply);
    return;
  }
  const { producerId, producerEpoch, state, timeoutMs, startMs } = known;
  const partitions = isPrepared(state) ? (unmarked.get(transactionalId) ?? known.partitions) : known.partitions;
  const transaction = { transactionalId, producerId, producerEpoch, state, timeoutMs, startMs };
  turn.reply(token, {
    transaction: { ...transaction, partitions: listPartitions(partitions) },
  } satisfies DescribeReply);
}

export function listTransactions(
  { transactions }: TransactionCoordinator,
  event: ListTransactionsEvent,
  turn: TransactionTurn,
): void {
  const states = new Set(event.states);
  const producerIds = new Set(event.producerIds);
  const isListed = ({ transactionalId, producerId, state, startMs }: Transaction) =>
    (producerIds.size === 0 || producerIds.has(producerId)) &&
    (states.size === 0 || states.has(state)) &&
    (event.durationMs < 0 || turn.now.wallMs - startMs > event.durationMs) &&
    event.matches(transactionalId);
  const listed = [...transactions.values()]
    .filter(isListed)
    .map(({ transactionalId, producerId, state }) => ({ transactionalId, producerId, state }));
  turn.reply(event.token, { transactions: listed } satisfies ListReply);
}
