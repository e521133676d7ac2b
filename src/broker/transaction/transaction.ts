/**
 * A transactional id as its last record tells it, and the changes it can go through. Each change is a function from one to the next; when
 * it is allowed is said elsewhere.
 *
 * Epochs: 32766 is the last that a producer is given; 32767 is left to fence it. A producer of transactions v2 takes a new epoch with the
 * end of each transaction, and where they are used up a new producer id, which counts from the moment the markers of the old one are
 * written. @see KIP-98, KIP-360, KIP-890
 */
import { NO_PARTITIONS, type PartitionSet, type TopicPartition, withPartitions } from './partition-set.ts';
import type { TransactionState } from './states.ts';

export interface Transaction {
  readonly transactionalId: string;
  readonly producerId: number;
  /** As it was before the last change. */
  readonly previousProducerId: number;
  /** Of the producer when this transaction is complete; -1 when it keeps the present one. */
  readonly nextProducerId: number;
  /** -1: never written. */
  readonly producerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  readonly partitions: PartitionSet;
  /** When the first partition was added, wall time; -1 before. */
  readonly startMs: number;
  /** Of the last change, wall time. */
  readonly updateMs: number;
  /** `transaction.version` by which the client has spoken last. */
  readonly clientVersion: number;
}

export const NO_PRODUCER_ID = -1;
export const NO_EPOCH = -1;
const EPOCH_MAX = 32767;
/** The last one that a client is given. */
export const CLIENT_EPOCH_MAX: number = EPOCH_MAX - 1;
/** The first version in which the end of a transaction takes a new epoch. */
export const EPOCH_BUMP_VERSION = 2;

export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= CLIENT_EPOCH_MAX;
}

/** One that nothing was ever written of. */
export function newTransaction(transactionalId: string, producerId: number): Transaction {
  return {
    transactionalId,
    producerId,
    previousProducerId: NO_PRODUCER_ID,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: NO_EPOCH,
    timeoutMs: 0,
    state: 'Empty',
    partitions: NO_PARTITIONS,
    startMs: -1,
    updateMs: -1,
    clientVersion: 0,
  };
}

/** InitProducerId: a producer begins, or begins anew. */
export function initialized(
  transaction: Transaction,
  { producerId, producerEpoch }: { readonly producerId: number; readonly producerEpoch: number },
  timeoutMs: number,
  wallMs: number,
): Transaction {
  const partitions = NO_PARTITIONS;
  const next = change(transaction, 'Empty', wallMs);
  return { ...next, producerId, producerEpoch, timeoutMs, partitions, startMs: -1 };
}

/** Partitions join, the first of them opens the transaction. */
export function added(
  transaction: Transaction,
  partitions: readonly TopicPartition[],
  clientVersion: number,
  wallMs: number,
): Transaction {
  const startMs = transaction.state === 'Ongoing' ? transaction.startMs : wallMs;
  const all = withPartitions(transaction.partitions, partitions);
  return { ...change(transaction, 'Ongoing', wallMs), partitions: all, startMs, clientVersion };
}

/** Its outcome is decided. `nextProducerId` where the epochs of the present one are used up. */
export function prepared(
  transaction: Transaction,
  state: 'PrepareCommit' | 'PrepareAbort',
  { clientVersion, nextProducerId }: { readonly clientVersion: number; readonly nextProducerId: number },
  wallMs: number,
): Transaction {
  const producerEpoch =
    clientVersion >= EPOCH_BUMP_VERSION ? nextEpoch(transaction.producerEpoch) : transaction.producerEpoch;
  const startMs = transaction.state === 'Ongoing' ? transaction.startMs : wallMs;
  return { ...change(transaction, state, wallMs), producerEpoch, startMs, clientVersion, nextProducerId };
}

/** Decided to abort without its producer, which is fenced by the epoch it takes. */
export function fenced(transaction: Transaction, clientVersion: number, wallMs: number): Transaction {
  const producerEpoch = nextEpoch(transaction.producerEpoch);
  return {
    ...change(transaction, 'PrepareAbort', wallMs),
    producerEpoch,
    clientVersion,
    nextProducerId: NO_PRODUCER_ID,
  };
}

/** All its markers are written. */
export function completed(transaction: Transaction, wallMs: number): Transaction {
  const state = transaction.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort';
  const next = { ...change(transaction, state, wallMs), partitions: NO_PARTITIONS, nextProducerId: NO_PRODUCER_ID };
  return { ...next, ...producerAfter(transaction) };
}

/** The id and epoch that the producer goes on with when this prepared transaction is complete. */
export function producerAfter({ producerId, producerEpoch, nextProducerId, clientVersion }: Transaction) {
  const isRotated = clientVersion >= EPOCH_BUMP_VERSION && nextProducerId !== NO_PRODUCER_ID;
  return isRotated ? { producerId: nextProducerId, producerEpoch: 0 } : { producerId, producerEpoch };
}

function change(transaction: Transaction, state: TransactionState, updateMs: number): Transaction {
  return { ...transaction, state, updateMs, previousProducerId: transaction.producerId };
}

function nextEpoch(producerEpoch: number): number {
  return Math.min(producerEpoch + 1, EPOCH_MAX);
}
