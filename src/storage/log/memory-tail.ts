/**
 * The last batches of a log, as the slices they arrived in: what consumers that keep up read, without touching the disk. A slice
 * keeps the whole ArrayBuffer it lies in alive, so whole ArrayBuffers are what the limits count (one that several logs share
 * counts in each of them), and the tail holds (`takeBuffer` of core) until a batch is evicted. Batches that are not written yet stay, whatever the limits say: at most one turn's worth.
 */
import { assert, hold, release } from '#core';
import type { MemoryBudget, MemoryHolder } from '../directory/memory-budget.ts';
import type { LogRead } from './log-read.ts';

interface TailBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly sizeInBytes: number;
  readonly head: Buffer | undefined;
  readonly body: Buffer;
  /** What the limits count for this batch: ArrayBuffers that no later batch lies in. */
  heldBytes: number;
}

/** The array is cut when this many evicted batches lie in front. */
const EVICTED_COUNT_MAX = 256;

export class MemoryTail implements MemoryHolder {
  readonly #bytesMax: number;
  readonly #budget: MemoryBudget;
  #batches: TailBatch[] = [];
  /** Batches before this index are evicted. */
  #first = 0;
  #heldBytes = 0;
  newer: MemoryHolder | undefined = undefined;
  older: MemoryHolder | undefined = undefined;
  /** Batches from this offset on are not on disk. */
  #writtenOffset = 0;

  constructor(bytesMax: number, budget: MemoryBudget) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get batchCount(): number {
    return this.#batches.length - this.#first;
  }

  /** Keeps a batch: `head` (if any) followed by `body`. The slices must not change while they are here. */
  push(baseOffset: number, lastOffset: number, head: Buffer | undefined, body: Buffer): void {
    const sizeInBytes = (head?.length ?? 0) + body.length;
    const heldBytes = body.buffer.byteLength + (head?.buffer.byteLength ?? 0);
    const newBytes = heldBytes - this.#takeOver(head, body);
    this.#batches.push({ baseOffset, lastOffset, sizeInBytes, head, body: hold(body), heldBytes });
    this.#heldBytes += newBytes;
    this.#budget.take(this, newBytes);
  }

  /** What lies below `offset` is on disk now, and may be evicted. */
  written(offset: number): void {
    this.#writtenOffset = offset;
    while (this.#heldBytes > this.#bytesMax) {
      const shedBytes = this.shed();
      if (shedBytes === 0) break;
      this.#budget.give(shedBytes);
    }
    if (this.#budget.heldBytes > this.#budget.bytesMax) this.#budget.trim();
  }

  shed(): number {
    let shedBytes = 0;
    while (shedBytes === 0 && this.#first < this.#batches.length) {
      const batch = this.#batches[this.#first];
      if (batch.lastOffset >= this.#writtenOffset) return 0;
      this.#first++;
      release(batch.body);
      shedBytes = batch.heldBytes;
    }
    this.#heldBytes -= shedBytes;
    if (this.#first >= EVICTED_COUNT_MAX || this.batchCount === 0) this.#compact();
    return shedBytes;
  }

  /** Whole batches from the one that holds `offset` on, or undefined when that one is not here. */
  read(offset: number, bytesMax: number, endOffsetMax: number, atLeastOneBatch: boolean): LogRead | undefined {
    let index = this.#indexOf(offset);
    if (index < 0) return undefined;
    const records: Buffer[] = [];
    let sizeInBytes = 0;
    let endOffset = offset;
    for (; index < this.#batches.length; index++) {
      const batch = this.#batches[index];
      if (batch.lastOffset >= endOffsetMax) break;
      const isWelcome = sizeInBytes + batch.sizeInBytes <= bytesMax || (sizeInBytes === 0 && atLeastOneBatch);
      if (!isWelcome) break;
      if (batch.head !== undefined) records.push(batch.head);
      records.push(hold(batch.body));
      sizeInBytes += batch.sizeInBytes;
      endOffset = batch.lastOffset + 1;
    }
    return { error: undefined, records, sizeInBytes, endOffset };
  }

  /** Forgets what is written and lies below `offset`: the disk has something else there now. */
  forget(offset: number): void {
    const end = Math.min(offset, this.#writtenOffset);
    while (this.#first < this.#batches.length && this.#batches[this.#first].lastOffset < end) {
      const { heldBytes } = this.#batches[this.#first++];
      this.#heldBytes -= heldBytes;
      this.#budget.give(heldBytes);
    }
    if (this.#first >= EVICTED_COUNT_MAX || this.batchCount === 0) this.#compact();
  }

  /** Forgets everything, written or not. */
  clear(): void {
    this.#budget.leave(this, this.#heldBytes);
    this.#batches = [];
    this.#first = 0;
    this.#heldBytes = 0;
  }

  /** Index of the batch that holds `offset` (or, after a gap, the next one); -1 when it is older than the tail. */
  #indexOf(offset: number): number {
    if (this.batchCount === 0 || offset < this.#batches[this.#first].baseOffset) return -1;
    let low = this.#first;
    let high = this.#batches.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#batches[middle].lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return this.#batches[low].lastOffset >= offset ? low : -1;
  }

  /** An ArrayBuffer goes when the last batch in it goes, so that one carries it: its bytes move from the batch before. */
  #takeOver(head: Buffer | undefined, body: Buffer): number {
    if (this.batchCount === 0) return 0;
    const last = this.#batches[this.#batches.length - 1];
    let movedBytes = 0;
    if (last.body.buffer === body.buffer) movedBytes += body.buffer.byteLength;
    if (head !== undefined && last.head?.buffer === head.buffer) movedBytes += head.buffer.byteLength;
    last.heldBytes -= movedBytes;
    return movedBytes;
  }

  #compact(): void {
    assert(this.#first <= this.#batches.length, 'more batches evicted than kept');
    this.#batches.splice(0, this.#first);
    this.#first = 0;
  }
}
