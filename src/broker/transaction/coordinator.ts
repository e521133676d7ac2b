/** What the rules of the transaction machine share: its state, and the one way to change it. */
import { assert } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import type { ProducerIdentity } from '../coordination/machine.ts';
import type { Turn } from '../coordination/turn.ts';
import type { TransactionSettings } from './config.ts';
import type { MarkerOrder, ProducerReply } from './events.ts';
import { listPartitions, type PartitionSet } from './partition-set.ts';
import { transactionRecord } from './records.ts';
import { mayFollow } from './states.ts';
import { completed, NO_EPOCH, NO_PRODUCER_ID, type Transaction } from './transaction.ts';

export type TransactionTurn = Turn<MarkerOrder>;

export interface TransactionCoordinator {
  readonly settings: TransactionSettings;
  /** Stored state: only replay writes. By transactional id. */
  readonly transactions: Map<string, Transaction>;
  /**
   * The epoch before the present one, where the producer that has it may go on: a retry of what gave it the present one. By transactional id.
   * Ephemeral, as in Kafka: such a retry after a restart is fenced.
   */
  readonly lastEpochs: Map<string, number>;
  /** Partitions of prepared transactions whose markers are not written yet. Ephemeral: markers that come again do no harm. */
  readonly unmarked: Map<string, PartitionSet>;
  /** Level of the feature `transaction.version`. */
  transactionVersion: number;
}

/** Proposes that `next` be the state of its id, and then what follows it; false when their records have no room in the batch. */
export function propose(
  coordinator: TransactionCoordinator,
  next: readonly Transaction[],
  turn: TransactionTurn,
): boolean {
  let from = coordinator.transactions.get(next[0].transactionalId)?.state ?? 'Empty';
  for (const { transactionalId, state } of next) {
    assert(mayFollow(from, state), `${transactionalId} must not go from ${from} to ${state}`);
    from = state;
  }
  return turn.propose(next.map((transaction) => transactionRecord(transaction, coordinator.transactionVersion)));
}

/** Proposes a prepared state, and has its markers written; without partitions the transaction is complete at once. */
export function prepare(coordinator: TransactionCoordinator, next: Transaction, turn: TransactionTurn): boolean {
  if (next.partitions.size === 0) return propose(coordinator, [next, completed(next, turn.now.wallMs)], turn);
  if (!propose(coordinator, [next], turn)) return false;
  orderMarkers(coordinator, next, turn);
  return true;
}

/** Proposes that a prepared transaction without markers left be complete; false when that has no room in the batch. */
export function complete(coordinator: TransactionCoordinator, prepared: Transaction, turn: TransactionTurn): boolean {
  const unmarked = coordinator.unmarked.get(prepared.transactionalId) ?? prepared.partitions;
  return unmarked.size > 0 || propose(coordinator, [completed(prepared, turn.now.wallMs)], turn);
}

/** Has the markers of a prepared transaction written, all of them. */
export function orderMarkers({ unmarked }: TransactionCoordinator, prepared: Transaction, turn: TransactionTurn): void {
  unmarked.set(prepared.transactionalId, prepared.partitions);
  turn.orders.push(markerOrder(prepared));
}

function markerOrder(transaction: Transaction): MarkerOrder {
  const { transactionalId, producerId, producerEpoch, state, partitions, clientVersion } = transaction;
  return {
    transactionalId,
    producerId,
    producerEpoch,
    type: state === 'PrepareCommit' ? 'commit' : 'abort',
    partitions: listPartitions(partitions),
    transactionVersion: clientVersion,
  };
}

export function producerReply(error: KafkaErrorRow, producer?: ProducerIdentity): ProducerReply {
  const { producerId, producerEpoch } = producer ?? { producerId: NO_PRODUCER_ID, producerEpoch: NO_EPOCH };
  return { error, producerId, producerEpoch, needsProducerId: false };
}

export const NEEDS_PRODUCER_ID: ProducerReply = { ...producerReply(Errors.NONE), needsProducerId: true };
