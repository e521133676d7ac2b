/**
 * What the transaction machine is asked and what it answers: data only. `token` names the asker and comes back with the answer.
 *
 * Producer ids are taken outside: where an answer is `needsProducerId`, nothing has happened, and the same question is to be asked again
 * with a `newProducerId` that nobody has had.
 */
import type { KafkaErrorRow } from '#protocol';
import type { ProducerIdentity, TimerEvent } from '../coordination/machine.ts';
import type { TopicPartition } from './partition-set.ts';
import type { TransactionState } from './states.ts';

interface Asked<Type extends string> {
  readonly type: Type;
  readonly token: number;
}

interface AskedByProducer<Type extends string> extends Asked<Type>, ProducerIdentity {
  readonly transactionalId: string;
}

/** InitProducerId with a transactional id. */
export interface InitProducerIdEvent extends Asked<'init-producer-id'> {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  /** What the producer believes to be. @see KIP-360 */
  readonly expected: ProducerIdentity | undefined;
  readonly newProducerId?: number;
}

export interface AddPartitionsEvent extends AskedByProducer<'add-partitions'> {
  readonly partitions: readonly TopicPartition[];
  /** `transaction.version` by which the client speaks: 2 for partitions that join with their first batch, else 0. */
  readonly clientVersion: number;
}

/** Are these partitions in the transaction? @see KIP-890 */
export interface VerifyPartitionsEvent extends AskedByProducer<'verify-partitions'> {
  readonly partitions: readonly TopicPartition[];
}

export interface EndTransactionEvent extends AskedByProducer<'end-transaction'> {
  readonly isCommit: boolean;
  readonly clientVersion: number;
  readonly newProducerId?: number;
}

export interface DescribeTransactionEvent extends Asked<'describe-transaction'> {
  readonly transactionalId: string;
}

/** Filters that are empty let all pass. */
export interface ListTransactionsEvent extends Asked<'list-transactions'> {
  readonly states: readonly string[];
  readonly producerIds: readonly number[];
  /** Open for longer than this; below 0 all pass. */
  readonly durationMs: number;
  readonly matches: (transactionalId: string) => boolean;
}

/** Markers of a prepared transaction are committed, or need not be written any more. */
export interface MarkersWrittenEvent extends ProducerIdentity {
  readonly type: 'markers-written';
  readonly transactionalId: string;
  readonly partitions: readonly TopicPartition[];
}

/** All records have been replayed. */
export interface LoadedEvent {
  readonly type: 'loaded';
  /** Level of the feature. */
  readonly transactionVersion: number;
}

/** The level of the feature has changed. */
export interface TransactionVersionEvent {
  readonly type: 'transaction-version';
  readonly transactionVersion: number;
}

export type TransactionRequestEvent =
  | InitProducerIdEvent
  | AddPartitionsEvent
  | VerifyPartitionsEvent
  | EndTransactionEvent
  | DescribeTransactionEvent
  | ListTransactionsEvent;

export type TransactionEvent =
  | TransactionRequestEvent
  | MarkersWrittenEvent
  | LoadedEvent
  | TransactionVersionEvent
  | TimerEvent;

/** The answer to InitProducerId and EndTxn; -1 where there is nothing to tell. */
export interface ProducerReply extends ProducerIdentity {
  readonly error: KafkaErrorRow;
  readonly needsProducerId: boolean;
}

export interface ErrorReply {
  readonly error: KafkaErrorRow;
}

/** One for each partition that was asked for, in order. */
export interface VerifyReply {
  readonly errors: readonly KafkaErrorRow[];
}

export interface TransactionDescription extends ProducerIdentity {
  readonly transactionalId: string;
  readonly state: TransactionState;
  readonly timeoutMs: number;
  readonly startMs: number;
  readonly partitions: readonly TopicPartition[];
}

/** Undefined when nothing is known of it. */
export interface DescribeReply {
  readonly transaction: TransactionDescription | undefined;
}

export interface ListReply {
  readonly transactions: readonly {
    readonly transactionalId: string;
    readonly producerId: number;
    readonly state: TransactionState;
  }[];
}

/** Markers to be written. What was written before must not be written again for the worse: that is for the partitions to see. */
export interface MarkerOrder extends ProducerIdentity {
  readonly transactionalId: string;
  readonly type: 'commit' | 'abort';
  readonly partitions: readonly TopicPartition[];
  readonly transactionVersion: number;
}
