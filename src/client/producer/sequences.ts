/**
 * ◇ The numbers that make sends idempotent (KIP-98, KIP-360): the broker takes a producer's batches of one partition only in
 * sequence, so a batch that was written twice is noticed and one that was lost leaves a gap.
 *
 *     batch:  new ──leaves──▶ in flight ──NONE──▶ completed
 *                               │  ▲
 *                               │  └──retry (same numbers, queue kept in order)
 *                               ├──final error──▶ failed: a gap, so the epoch is bumped
 *                               └──delivery timeout──▶ expired: nobody knows; unresolved until the later ones tell
 *
 *     bump: epoch + 1 (or a new id after 32767); batches in flight of the partitions that asked for it are numbered from 0 again,
 *     other partitions change over when nothing of theirs is in flight.
 *
 * "In flight" here lasts from the first sending to the final result, waiting for a retry included. Holds no queue: the
 * accumulator keeps batches, this says which of them may leave and what an answer means.
 */
import { assert } from '#core';
import { addToSequence, Errors } from '#protocol';

const NONE = -1;
const SEQUENCE_MAX = 0x7fffffff;
const SEQUENCE_HALF = 0x40000000;
const EPOCH_MAX = 0x7fff;

/** What a batch carries of this. `baseSequence` is -1 until it is assigned. */
export interface SequencedBatch {
  readonly recordCount: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  /** Numbered anew since it left: an answer that is still to come is about numbers it no longer has. */
  isSequenceReset: boolean;
}

/** Numbers of one partition. Owned by `Sequences`; made by the partition's queue. */
export class PartitionSequences<B extends SequencedBatch> {
  producerId = NONE;
  producerEpoch = NONE;
  nextSequence = 0;
  lastAckedSequence = NONE;
  lastAckedOffset = NONE;
  /** In the order of their sequences. */
  inFlight: B[] = [];
}

/** What the broker said about a batch. */
export interface Refusal {
  errorCode: number;
  /** -1: the broker did not say. */
  logStartOffset: number;
  isRetriable: boolean;
}

export class Sequences<B extends SequencedBatch> {
  #producerId = NONE;
  #producerEpoch = NONE;
  #isBumpWanted = false;
  readonly #toRewrite = new Set<PartitionSequences<B>>();
  readonly #unresolved = new Set<PartitionSequences<B>>();

  get producerId(): number {
    return this.#producerId;
  }

  get producerEpoch(): number {
    return this.#producerEpoch;
  }

  /** False: InitProducerId has to be asked first, nothing may leave. */
  get hasProducerId(): boolean {
    return this.#producerId !== NONE;
  }

  /** Takes the answer of InitProducerId. */
  begin(producerId: number, producerEpoch: number): void {
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
    this.#rewrite();
  }

  /** Whether `batch`, the first of its queue, may leave now. */
  mayLeave(partition: PartitionSequences<B>, batch: B): boolean {
    if (!this.hasProducerId || this.#toRewrite.has(partition)) return false;
    const first = partition.inFlight[0];
    // A batch that waits for its retry leaves alone: only when everything before it is settled.
    if (batch.baseSequence !== NONE) return first === undefined || first === batch;
    if (first === undefined) return !this.#unresolved.has(partition);
    // A new epoch starts at sequence 0, which must not overtake what is under way in the old one.
    if (this.#isStale(partition)) return false;
    // A broker without state of this producer takes any sequence: were the first batch refused for a while, the second one would
    // be written before it. So the first one goes alone.
    if (partition.lastAckedSequence === NONE) return false;
    return !this.#unresolved.has(partition);
  }

  /** Notes that a batch leaves, and gives it its numbers the first time. From now on answers are about the numbers it has. */
  leaves(partition: PartitionSequences<B>, batch: B): void {
    batch.isSequenceReset = false;
    if (batch.baseSequence !== NONE) return;
    assert(this.hasProducerId, 'a sequence was asked for before there was a producer id');
    if (this.#isStale(partition)) this.#changeOver(partition);
    batch.producerId = partition.producerId;
    batch.producerEpoch = partition.producerEpoch;
    batch.baseSequence = partition.nextSequence;
    partition.nextSequence = addToSequence(partition.nextSequence, batch.recordCount);
    partition.inFlight.push(batch);
  }

  /** The broker has the batch. `lastOffset` is -1 when it did not say where. */
  completed(partition: PartitionSequences<B>, batch: B, lastOffset: number): void {
    this.#remove(partition, batch);
    const isCurrent = batch.producerId === partition.producerId && batch.producerEpoch === partition.producerEpoch;
    if (!isCurrent) return;
    const lastSequence = addToSequence(batch.baseSequence, batch.recordCount - 1);
    if (!isAtOrBefore(lastSequence, partition.lastAckedSequence)) partition.lastAckedSequence = lastSequence;
    if (lastOffset > partition.lastAckedOffset) partition.lastAckedOffset = lastOffset;
  }

  /** Whether sending a refused batch again can succeed; asks for a bump when that is what it takes. */
  mayRetry(partition: PartitionSequences<B>, batch: B, refusal: Refusal): boolean {
    if (refusal.errorCode === Errors.UNKNOWN_PRODUCER_ID.code) {
      // The broker lost this producer's state, most often with the log's head. Without a log start it has to be asked again.
      const isSettled = refusal.logStartOffset === NONE || batch.isSequenceReset;
      if (!isSettled) this.#wantBump(partition);
      return true;
    }
    if (refusal.errorCode === Errors.OUT_OF_ORDER_SEQUENCE_NUMBER.code) {
      const isUnresolved = this.#unresolved.has(partition);
      const isNext = batch.baseSequence === addToSequence(partition.lastAckedSequence, 1);
      // A later one is written already, by a broker that had forgotten this producer: its number will never fit again.
      const isPassed = !batch.isSequenceReset && isAtOrBefore(batch.baseSequence, partition.lastAckedSequence);
      // One before it is still under way: it waits. As the next in line it met a real gap.
      if (!isUnresolved && !isPassed && (batch.isSequenceReset || !isNext)) return true;
      if (!isUnresolved || isPassed || partition.inFlight[0] === batch) this.#wantBump(partition);
      return true;
    }
    return refusal.isRetriable;
  }

  /** The batch was refused for good and leaves a gap in the sequence. */
  failed(partition: PartitionSequences<B>, batch: B): void {
    if (batch.baseSequence === NONE) return;
    this.#remove(partition, batch);
    this.#wantBump(partition);
  }

  /** The batch was given up on; if it ever left, nobody knows whether it was written. */
  expired(partition: PartitionSequences<B>, batch: B): void {
    if (batch.baseSequence === NONE) return;
    this.#remove(partition, batch);
    this.#unresolved.add(partition);
  }

  /** `parts` stand for `batch` from now on, with its numbers. */
  split(partition: PartitionSequences<B>, batch: B, parts: readonly B[]): void {
    if (batch.baseSequence === NONE) return;
    let sequence = batch.baseSequence;
    for (const part of parts) {
      part.producerId = batch.producerId;
      part.producerEpoch = batch.producerEpoch;
      part.baseSequence = sequence;
      part.isSequenceReset = batch.isSequenceReset;
      sequence = addToSequence(sequence, part.recordCount);
    }
    const index = partition.inFlight.indexOf(batch);
    assert(index >= 0, 'a batch that is split has been in flight');
    partition.inFlight.splice(index, 1, ...parts);
  }

  /** Whether `batch` comes before `other` in the order of sequences; batches without one come last. */
  isBefore(partition: PartitionSequences<B>, batch: B, other: B): boolean {
    if (other.baseSequence === NONE) return true;
    return partition.inFlight.indexOf(batch) < partition.inFlight.indexOf(other);
  }

  /**
   * Draws the consequences of everything above; to be called before batches are chosen.
   *
   * @returns whether something changed, so that queues that had to wait may have become free
   */
  settle(): boolean {
    let isChanged = false;
    for (const partition of this.#unresolved) {
      if (partition.inFlight.length > 0) continue;
      isChanged = true;
      this.#unresolved.delete(partition);
      // Later batches succeeded, so the one that was given up on had been written. Otherwise it may turn up at any time.
      if (addToSequence(partition.lastAckedSequence, 1) !== partition.nextSequence) this.#wantBump(partition);
    }
    if (!this.#isBumpWanted) return isChanged;
    this.#bump();
    return true;
  }

  #bump(): void {
    this.#isBumpWanted = false;
    if (!this.hasProducerId) return;
    if (this.#producerEpoch < EPOCH_MAX) {
      this.#producerEpoch++;
      this.#rewrite();
    } else {
      this.#producerId = NONE;
      this.#producerEpoch = NONE;
    }
  }

  #wantBump(partition: PartitionSequences<B>): void {
    this.#isBumpWanted = true;
    this.#toRewrite.add(partition);
  }

  /** Numbers what is in flight from 0 again, in the new epoch. */
  #rewrite(): void {
    for (const partition of this.#toRewrite) {
      this.#changeOver(partition);
      this.#unresolved.delete(partition);
      for (const batch of partition.inFlight) {
        batch.producerId = partition.producerId;
        batch.producerEpoch = partition.producerEpoch;
        batch.baseSequence = partition.nextSequence;
        batch.isSequenceReset = true;
        partition.nextSequence = addToSequence(partition.nextSequence, batch.recordCount);
      }
    }
    this.#toRewrite.clear();
  }

  #changeOver(partition: PartitionSequences<B>): void {
    partition.producerId = this.#producerId;
    partition.producerEpoch = this.#producerEpoch;
    partition.nextSequence = 0;
    partition.lastAckedSequence = NONE;
  }

  #isStale(partition: PartitionSequences<B>): boolean {
    return partition.producerId !== this.#producerId || partition.producerEpoch !== this.#producerEpoch;
  }

  #remove(partition: PartitionSequences<B>, batch: B): void {
    const index = partition.inFlight.indexOf(batch);
    if (index >= 0) partition.inFlight.splice(index, 1);
  }
}

/** Whether `sequence` does not come after `other`, across the wrap; nothing is before `NONE`. */
function isAtOrBefore(sequence: number, other: number): boolean {
  return other !== NONE && ((other - sequence) & SEQUENCE_MAX) < SEQUENCE_HALF;
}
