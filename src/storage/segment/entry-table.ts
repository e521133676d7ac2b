/**
 * Fixed-size entries back to back in one buffer, as the index files of a segment hold them: what is in memory is the content of
 * the file. Grows by doubling up to the limit of entries. ◇
 */
import { assert } from '#core';

const FIRST_ENTRIES = 64;

export class EntryTable {
  readonly entryBytes: number;
  readonly entryCountMax: number;
  #bytes: Buffer;
  #entryCount: number;

  /** `content` holds whole entries and is not copied until the table grows past it. */
  constructor(entryBytes: number, bytesMax: number, content: Buffer) {
    assert(
      content.length % entryBytes === 0,
      `an index of ${content.length} bytes has no whole entries of ${entryBytes}`,
    );
    this.entryBytes = entryBytes;
    this.entryCountMax = Math.floor(bytesMax / entryBytes);
    this.#bytes = content;
    this.#entryCount = content.length / entryBytes;
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  /** The entries so far, borrowed: valid until the next `grow`. */
  content(): Buffer {
    return this.#bytes.subarray(0, this.#entryCount * this.entryBytes);
  }

  int16(index: number, at: number): number {
    return this.#bytes.readInt16BE(index * this.entryBytes + at);
  }

  int32(index: number, at: number): number {
    return this.#bytes.readInt32BE(index * this.entryBytes + at);
  }

  int64(index: number, at: number): number {
    const position = index * this.entryBytes + at;
    return this.#bytes.readInt32BE(position) * 0x1_0000_0000 + this.#bytes.readUInt32BE(position + 4);
  }

  setInt32(index: number, at: number, value: number): void {
    this.#bytes.writeInt32BE(value, index * this.entryBytes + at);
  }

  setInt64(index: number, at: number, value: number): void {
    const position = index * this.entryBytes + at;
    this.#bytes.writeInt32BE(Math.floor(value / 0x1_0000_0000), position);
    this.#bytes.writeUInt32BE(value >>> 0, position + 4);
  }

  /** Makes room for one more entry and returns its index; the caller sets its fields. */
  grow(): number {
    const index = this.#entryCount++;
    if (this.#entryCount * this.entryBytes > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(this.#bytes.length * 2, FIRST_ENTRIES * this.entryBytes));
      this.#bytes.copy(grown);
      this.#bytes = grown;
    }
    return index;
  }

  truncate(entryCount: number): void {
    assert(entryCount <= this.#entryCount, `cannot truncate ${this.#entryCount} entries to ${entryCount}`);
    this.#entryCount = entryCount;
  }

  /** Index of the last entry whose `fieldOf` is at most `target`, -1 when the first one is larger already. */
  floor(target: number, fieldOf: (index: number) => number): number {
    let low = 0;
    let high = this.#entryCount - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (fieldOf(middle) <= target) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}

/**
 * The part of an index file that holds entries. Kafka makes the file of an active segment as large as it may become, and cuts it
 * when the segment is closed; after a crash the rest is zeros. `isPadding` tells a zero that is no entry.
 */
export function withoutPadding(content: Buffer, entryBytes: number): Buffer {
  let end = content.length - (content.length % entryBytes);
  while (end > 0 && isZero(content, end - entryBytes, end)) end -= entryBytes;
  return content.subarray(0, end);
}

function isZero(content: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (content[i] !== 0) return false;
  return true;
}
