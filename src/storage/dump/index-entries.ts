/**
 * The entries of an index file as Kafka's tool counts them: every whole entry of the file, padding included. The indexes that the
 * engine uses (`offset-index.ts`, `time-index.ts`) have no padding; here it is part of what is shown. ◇
 */
import { CorruptError } from '#core';
import { OFFSET_ENTRY_BYTES } from '../segment/offset-index.ts';
import { TIME_ENTRY_BYTES } from '../segment/time-index.ts';

/** Entries at the end that Kafka searches first, because their pages are likely in memory. */
const WARM_BYTES = 8192;

export class OffsetEntries {
  readonly baseOffset: number;
  readonly count: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, baseOffset: number) {
    this.#bytes = bytes;
    this.baseOffset = baseOffset;
    this.count = Math.floor(bytes.length / OFFSET_ENTRY_BYTES);
  }

  offset(index: number): number {
    return this.baseOffset + this.#bytes.readInt32BE(index * OFFSET_ENTRY_BYTES);
  }

  position(index: number): number {
    return this.#bytes.readInt32BE(index * OFFSET_ENTRY_BYTES + 4);
  }

  /** Position of the last entry at or below `offset`, found by Kafka's search, also where the entries are not in order. */
  floorPosition(offset: number): number {
    if (this.count === 0) return 0;
    const firstWarm = Math.max(0, this.count - 1 - WARM_BYTES / OFFSET_ENTRY_BYTES);
    if (this.offset(firstWarm) < offset) return this.position(this.#search(offset, firstWarm, this.count - 1));
    if (this.offset(0) > offset) return 0;
    return this.position(this.#search(offset, 0, firstWarm));
  }

  /** Throws what Kafka says of an index that it rebuilds when it starts. */
  checkSanity(file: string): void {
    const lastOffset = this.count === 0 ? this.baseOffset : this.offset(this.count - 1);
    if (lastOffset < this.baseOffset) {
      throw new CorruptError(
        `Corrupt index found, index file ${file} has non-zero size but the last offset is ${lastOffset} which is less than the base offset ${this.baseOffset}`,
        { file },
      );
    }
    const length = this.#bytes.length;
    if (length % OFFSET_ENTRY_BYTES !== 0) throw new CorruptError(unevenText('Index', file, length, 8), { file });
  }

  #search(offset: number, begin: number, end: number): number {
    let [low, high] = [begin, end];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const found = this.offset(middle);
      if (found === offset) return middle;
      if (found > offset) high = middle - 1;
      else low = middle;
    }
    return low;
  }
}

export class TimeEntries {
  readonly baseOffset: number;
  readonly count: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, baseOffset: number) {
    this.#bytes = bytes;
    this.baseOffset = baseOffset;
    this.count = Math.floor(bytes.length / TIME_ENTRY_BYTES);
  }

  timestamp(index: number): bigint {
    return this.#bytes.readBigInt64BE(index * TIME_ENTRY_BYTES);
  }

  offset(index: number): number {
    return this.baseOffset + this.#bytes.readInt32BE(index * TIME_ENTRY_BYTES + 8);
  }

  checkSanity(file: string): void {
    const last = this.count - 1;
    if (last >= 0 && this.timestamp(last) < this.timestamp(0)) {
      throw new CorruptError(
        `Corrupt time index found, time index file (${file}) has non-zero size but the last timestamp is ${this.timestamp(last)} which is less than the first timestamp ${this.timestamp(0)}`,
        { file },
      );
    }
    if (last >= 0 && this.offset(last) < this.baseOffset) {
      throw new CorruptError(
        `Corrupt time index found, time index file (${file}) has non-zero size but the last offset is ${this.offset(last)} which is less than the first offset ${this.baseOffset}`,
        { file },
      );
    }
    const length = this.#bytes.length;
    if (length % TIME_ENTRY_BYTES !== 0) throw new CorruptError(unevenText('Time index', file, length, 12), { file });
  }
}

function unevenText(kind: string, file: string, length: number, entryBytes: number): string {
  return `${kind} file ${file} is corrupt, found ${length} bytes which is neither positive nor a multiple of ${entryBytes}`;
}
