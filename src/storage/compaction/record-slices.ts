/**
 * Walks the records of a batch as byte ranges, so that those that stay can be copied as they are: a batch keeps its base offset and
 * base timestamp, and with them every delta in its records stays right. ◇
 */
import { ByteReader, CorruptError, decompress } from '#core';
import { BATCH_HEADER_BYTES, type BatchHeader } from '#protocol';

/** Length, attributes, two deltas, key length, value length, header count: one byte each at least. */
const RECORD_BYTES_MIN = 7;

export class RecordSlices {
  /** The ranges below lie in it. */
  readonly bytes: Buffer;
  /** Of the record that `next` came to. */
  start = 0;
  end = 0;
  /** Where its attributes begin: behind the length. */
  bodyStart = 0;
  /** Where its offset delta begins: behind the timestamp delta. */
  deltaEnd = 0;
  timestamp = 0;
  offset = 0;
  /** Borrowed. */
  key: Buffer | null = null;
  isTombstone = false;
  readonly #header: BatchHeader;
  readonly #reader: ByteReader;
  #left: number;

  /** @param bytes `recordCount` records as they are in a batch with this header, decompressed; borrowed */
  constructor(bytes: Buffer, header: BatchHeader, recordCount: number) {
    this.bytes = bytes;
    this.#header = header;
    this.#reader = new ByteReader(bytes);
    this.#left = recordCount;
  }

  /** False after the last record. Throws a CorruptError when the bytes are no record. */
  next(): boolean {
    const reader = this.#reader;
    if (this.#left === 0) {
      if (reader.remaining !== 0) throw new CorruptError(`${reader.remaining} bytes after the last record of a batch`);
      return false;
    }
    this.#left--;
    this.start = reader.position;
    const length = reader.varint();
    if (length < RECORD_BYTES_MIN - 1 || length > reader.remaining) {
      throw new CorruptError(`a record of ${length} bytes where ${reader.remaining} are left`);
    }
    this.bodyStart = reader.position;
    this.end = this.bodyStart + length;
    reader.skip(1);
    const { timestampType, maxTimestamp, baseTimestamp, baseOffset } = this.#header;
    const timestampDelta = reader.varlong();
    this.timestamp = timestampType === 'append' ? maxTimestamp : baseTimestamp + timestampDelta;
    this.deltaEnd = reader.position;
    this.offset = baseOffset + reader.varint();
    const keyBytes = reader.varint();
    this.key = keyBytes < 0 ? null : reader.bytes(keyBytes);
    this.isTombstone = reader.varint() < 0;
    if (this.offset > this.#header.lastOffset || reader.position > this.end) {
      throw new CorruptError(`the record at offset ${this.offset} does not fit into its batch`);
    }
    reader.skip(this.end - reader.position);
    return true;
  }
}

/** The records of a whole batch. A slice of it, or a fresh buffer when they were compressed. Throws a CorruptError when they cannot be. */
export function sliceRecords(batch: Buffer, header: BatchHeader, decompressedBytesMax: number): RecordSlices {
  const section = batch.subarray(BATCH_HEADER_BYTES, header.sizeInBytes);
  const isPlain = header.compression === 'none' || header.recordCount === 0;
  const bytes = isPlain ? section : decompress(header.compression, section, decompressedBytesMax);
  return new RecordSlices(bytes, header, header.recordCount);
}
