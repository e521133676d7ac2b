/**
 * `.txnindex`: the aborted transactions of a segment, those whose markers are in it. ◇
 *
 *   entry (34 bytes, big endian):  int16 version = 0  |  int64 producerId  |  int64 first offset of the transaction  |
 *                                  int64 offset of its marker  |  int64 last stable offset when the marker was written
 *
 * Entries stand in the order of markers. Whatever is decided after an entry began at or above its last stable offset, so a search
 * for transactions that begin below an offset ends at the first entry whose last stable offset is no less. Kafka makes the file with
 * its first entry, and so do we.
 */
import type { AbortedTxn } from '#protocol';
import { EntryTable } from './entry-table.ts';

export const ABORTED_TXN_BYTES = 34;

const VERSION = 0;
const PRODUCER_ID = 2;
const FIRST_OFFSET = 10;
const LAST_OFFSET = 18;
const LAST_STABLE_OFFSET = 26;

export class TransactionIndex {
  readonly #table: EntryTable;

  /** `content`: whole entries. */
  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#table = new EntryTable(ABORTED_TXN_BYTES, Number.POSITIVE_INFINITY, content);
  }

  get entryCount(): number {
    return this.#table.entryCount;
  }

  /** The content of the file, borrowed until the next `append`. */
  content(): Buffer {
    return this.#table.content();
  }

  entry(index: number): AbortedTxn {
    return {
      producerId: this.#table.int64(index, PRODUCER_ID),
      firstOffset: this.#table.int64(index, FIRST_OFFSET),
      lastOffset: this.#lastOffset(index),
      lastStableOffset: this.#table.int64(index, LAST_STABLE_OFFSET),
    };
  }

  append({ producerId, firstOffset, lastOffset, lastStableOffset }: AbortedTxn): void {
    const index = this.#table.grow();
    this.#table.setInt64(index, PRODUCER_ID, producerId);
    this.#table.setInt64(index, FIRST_OFFSET, firstOffset);
    this.#table.setInt64(index, LAST_OFFSET, lastOffset);
    this.#table.setInt64(index, LAST_STABLE_OFFSET, lastStableOffset);
  }

  truncate(entryCount: number): void {
    this.#table.truncate(entryCount);
  }

  /** Forgets those whose markers lie at or above `offset`. */
  truncateFrom(offset: number): void {
    this.#table.truncate(this.#firstFrom(offset));
  }

  /**
   * Adds to `found` the transactions that have records in a range: those that ended at or above `offset` and began below `endOffset`.
   *
   * @returns whether that is all; false: later segments may have more
   */
  collect(offset: number, endOffset: number, found: AbortedTxn[]): boolean {
    for (let index = this.#firstFrom(offset); index < this.entryCount; index++) {
      const aborted = this.entry(index);
      if (aborted.firstOffset < endOffset) found.push(aborted);
      if (aborted.lastStableOffset >= endOffset) return true;
    }
    return false;
  }

  /** Whether this can be the index of a segment with offsets from `baseOffset` on and below `endOffset`. */
  isSound(baseOffset: number, endOffset: number): boolean {
    let markerMin = baseOffset;
    for (let index = 0; index < this.entryCount; index++) {
      const { producerId, firstOffset, lastOffset, lastStableOffset } = this.entry(index);
      const isInside = lastOffset >= markerMin && lastOffset < endOffset;
      const isTransaction = producerId >= 0 && firstOffset >= 0 && firstOffset < lastOffset;
      const isStable = lastStableOffset >= 0 && lastStableOffset <= lastOffset + 1;
      const isOfVersion = this.#table.int16(index, 0) === VERSION;
      if (!isInside || !isTransaction || !isStable || !isOfVersion) return false;
      markerMin = lastOffset + 1;
    }
    return true;
  }

  /** Index of the first entry whose marker lies at or above `offset`. */
  #firstFrom(offset: number): number {
    return this.#table.floor(offset - 1, (index) => this.#lastOffset(index)) + 1;
  }

  #lastOffset(index: number): number {
    return this.#table.int64(index, LAST_OFFSET);
  }
}
