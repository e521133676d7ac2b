/**
 * What a partition remembers of one producer, and how a batch or a marker changes that. Entries never change in place, so who has
 * kept one has the state of that time. ◇
 */
import type { BatchHeader, TransactionMarker } from '#protocol';

export interface ProducerBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Largest timestamp of the batch. */
  readonly timestamp: number;
}

export interface ProducerEntry {
  readonly producerId: number;
  /** -1: nothing of it is in the log. */
  readonly epoch: number;
  /** The last `CACHED_BATCHES_MAX` of this epoch, oldest first. */
  readonly batches: readonly ProducerBatch[];
  /** Of the coordinator that wrote its last marker; -1: none did. */
  readonly coordinatorEpoch: number;
  /** When it wrote last, as far as that is known: expiration counts from here. Never goes back. */
  readonly lastTimestamp: number;
  /** First offset of the transaction under way, -1 for none. */
  readonly currentTxnFirstOffset: number;
}

/** A client has as many requests under way at most. */
export const CACHED_BATCHES_MAX = 5;

export function newProducer(producerId: number): ProducerEntry {
  return { producerId, epoch: -1, batches: [], coordinatorEpoch: -1, lastTimestamp: -1, currentTxnFirstOffset: -1 };
}

/** @param timestamp the largest of the batch; `wallMs`: when it came */
export function afterBatch(
  entry: ProducerEntry,
  header: BatchHeader,
  baseOffset: number,
  timestamp: number,
  wallMs: number,
): ProducerEntry {
  const { baseSequence, lastSequence, lastOffsetDelta, producerEpoch } = header;
  const batch = { baseSequence, lastSequence, baseOffset, lastOffset: baseOffset + lastOffsetDelta, timestamp };
  const batches = entry.epoch === producerEpoch ? entry.batches.slice(1 - CACHED_BATCHES_MAX) : [];
  batches.push(batch);
  const isBeginning = header.isTransactional && entry.currentTxnFirstOffset < 0;
  return {
    producerId: entry.producerId,
    epoch: producerEpoch,
    batches,
    coordinatorEpoch: entry.coordinatorEpoch,
    lastTimestamp: Math.max(entry.lastTimestamp, timestamp, wallMs),
    currentTxnFirstOffset: isBeginning ? baseOffset : entry.currentTxnFirstOffset,
  };
}

/** @param marker undefined where compaction has left no more than the header: its transaction is gone, its epoch counts */
export function afterControlBatch(
  entry: ProducerEntry,
  { producerEpoch }: BatchHeader,
  marker: TransactionMarker | undefined,
  timestamp: number,
): ProducerEntry {
  return {
    producerId: entry.producerId,
    epoch: producerEpoch,
    batches: entry.epoch === producerEpoch ? entry.batches : [],
    coordinatorEpoch: marker?.coordinatorEpoch ?? entry.coordinatorEpoch,
    lastTimestamp: Math.max(entry.lastTimestamp, timestamp),
    currentTxnFirstOffset: marker === undefined ? entry.currentTxnFirstOffset : -1,
  };
}
