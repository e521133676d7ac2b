/**
 * `.index`: from offsets to positions in the `.log` file, sparse. ◇
 *
 *   entry (8 bytes, big endian):  int32 last offset of a batch − base offset  |  int32 position of that batch
 *
 * Both columns grow strictly. A batch gets an entry when more than `index.interval.bytes` were appended since the last one, so
 * position 0 never has one, and an entry of zeros is padding.
 */
import { EntryTable, withoutPadding } from './entry-table.ts';

export const OFFSET_ENTRY_BYTES = 8;

/** A batch by its last offset. */
export interface OffsetEntry {
  readonly offset: number;
  readonly position: number;
}

export class OffsetIndex {
  readonly baseOffset: number;
  readonly #table: EntryTable;

  constructor(baseOffset: number, bytesMax: number, content: Buffer = Buffer.alloc(0)) {
    this.baseOffset = baseOffset;
    this.#table = new EntryTable(OFFSET_ENTRY_BYTES, bytesMax, withoutPadding(content, OFFSET_ENTRY_BYTES));
  }

  get entryCount(): number {
    return this.#table.entryCount;
  }

  /** Whether a file of `bytesMax` bytes takes no further entry. */
  isFull(bytesMax: number): boolean {
    return this.#table.entryCount >= Math.floor(bytesMax / OFFSET_ENTRY_BYTES);
  }

  /** The content of the file, borrowed until the next `append`. */
  content(): Buffer {
    return this.#table.content();
  }

  truncate(entryCount: number): void {
    this.#table.truncate(entryCount);
  }

  append(lastOffset: number, position: number): void {
    const index = this.#table.grow();
    this.#table.setInt32(index, 0, lastOffset - this.baseOffset);
    this.#table.setInt32(index, 4, position);
  }

  /** The last entry whose batch ends at or below `offset`, or the one so many steps before it. */
  floorEntry(offset: number, stepsBack = 0): OffsetEntry | undefined {
    return this.entry(this.#floor(offset) - stepsBack);
  }

  /** Where a batch begins that lies behind the one that holds `offset`: the nearest that entries tell of, if any. */
  positionBehind(offset: number): number | undefined {
    return this.entry(this.#floor(offset) + 2)?.position;
  }

  /** Last offset of the last indexed batch that begins at or before `position`; undefined when no entry is that low. */
  offsetAt(position: number): number | undefined {
    const index = this.#table.floor(position, (i) => this.#table.int32(i, 4));
    return index < 0 ? undefined : this.baseOffset + this.#table.int32(index, 0);
  }

  lastEntry(): OffsetEntry | undefined {
    return this.entry(this.#table.entryCount - 1);
  }

  /** Undefined where there is none. */
  entry(index: number): OffsetEntry | undefined {
    if (index < 0 || index >= this.#table.entryCount) return undefined;
    return { offset: this.baseOffset + this.#table.int32(index, 0), position: this.#table.int32(index, 4) };
  }

  /** How many entries name batches that end below `offset`. */
  countBelow(offset: number): number {
    return this.#floor(offset - 1) + 1;
  }

  /** How many entries there are before the first whose columns do not grow strictly or leave the segment. */
  soundCount(logBytes: number): number {
    let lastRelative = -1;
    let lastPosition = 0;
    for (let i = 0; i < this.#table.entryCount; i++) {
      const relative = this.#table.int32(i, 0);
      const position = this.#table.int32(i, 4);
      if (relative <= lastRelative || position <= lastPosition || position >= logBytes) return i;
      lastRelative = relative;
      lastPosition = position;
    }
    return this.#table.entryCount;
  }

  #floor(offset: number): number {
    return this.#table.floor(offset - this.baseOffset, (i) => this.#table.int32(i, 0));
  }
}
