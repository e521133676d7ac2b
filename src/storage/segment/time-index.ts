/**
 * `.timeindex`: from timestamps to offsets, sparse. ◇
 *
 *   entry (12 bytes, big endian):  int64 largest timestamp so far  |  int32 last offset of the batch that has it − base offset
 *
 * Timestamps grow strictly: an entry is added together with one of the offset index, but only when the largest timestamp has
 * grown. When a segment is closed its largest timestamp is added, so the last entry of a closed segment is its maximum.
 */
import { EntryTable, withoutPadding } from './entry-table.ts';

export const TIME_ENTRY_BYTES = 12;

export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
}

export class TimeIndex {
  readonly baseOffset: number;
  readonly #table: EntryTable;

  constructor(baseOffset: number, bytesMax: number, content: Buffer = Buffer.alloc(0)) {
    this.baseOffset = baseOffset;
    this.#table = new EntryTable(TIME_ENTRY_BYTES, bytesMax, withoutPadding(content, TIME_ENTRY_BYTES));
  }

  get entryCount(): number {
    return this.#table.entryCount;
  }

  /** Whether a file of `bytesMax` bytes takes no further entry; one is kept free for the one that closing forces in. */
  isFull(bytesMax: number): boolean {
    return this.#table.entryCount >= Math.floor(bytesMax / TIME_ENTRY_BYTES) - 1;
  }

  /** The content of the file, borrowed until the next `maybeAppend`. */
  content(): Buffer {
    return this.#table.content();
  }

  truncate(entryCount: number): void {
    this.#table.truncate(entryCount);
  }

  maybeAppend(timestamp: number, offset: number): void {
    const last = this.lastEntry();
    if (timestamp <= (last?.timestamp ?? -1)) return;
    const index = this.#table.grow();
    this.#table.setInt64(index, 0, timestamp);
    this.#table.setInt32(index, 8, offset - this.baseOffset);
  }

  lastEntry(): TimestampOffset | undefined {
    return this.#entry(this.#table.entryCount - 1);
  }

  /** The last entry with a smaller timestamp, or the one so many steps before it. */
  entryBelow(timestamp: number, stepsBack = 0): TimestampOffset | undefined {
    return this.#entry(this.#table.floor(timestamp - 1, (index) => this.#table.int64(index, 0)) - stepsBack);
  }

  /** How many entries there are before the first whose timestamp does not grow, or whose offset falls or leaves the segment. */
  soundCount(endOffset: number): number {
    let last: TimestampOffset = { timestamp: -1, offset: this.baseOffset };
    for (let i = 0; i < this.#table.entryCount; i++) {
      const entry = this.#entry(i) as TimestampOffset;
      if (entry.timestamp <= last.timestamp || entry.offset < last.offset || entry.offset >= endOffset) return i;
      last = entry;
    }
    return this.#table.entryCount;
  }

  #entry(index: number): TimestampOffset | undefined {
    if (index < 0) return undefined;
    return { timestamp: this.#table.int64(index, 0), offset: this.baseOffset + this.#table.int32(index, 8) };
  }
}
