/**
 * Reads the records of one batch, one at a time. A compressed batch is decompressed once, within a bound; keys, values
 * and header values are slices of the batch or of what it was decompressed into.
 */
import { ByteReader, CorruptError, decompress } from '#core';
import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader } from './record-batch.ts';
import type { RecordHeader } from './record-format.ts';

export interface RawRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeader[];
}

export interface ReadOptions {
  /** Most bytes that the records may have once decompressed; more is refused with MESSAGE_TOO_LARGE. */
  decompressedBytesMax: number;
}

/** Length, attributes, two deltas, key length, value length, header count: one byte each at least. */
const RECORD_BYTES_MIN = 7;
/** A header of two bytes becomes an object of a hundred, so a record may not have any number of them. */
const HEADER_COUNT_MAX = 1_000_000;

/** Opens the batch at `position`, which must be whole. Its checksum is not looked at: see `verifyBatchCrc`. */
export function readRecords(buffer: Buffer, position: number, options: ReadOptions): RecordCursor {
  return new RecordCursor(readBatchHeader(buffer, position), buffer, position, options);
}

export class RecordCursor {
  readonly header: BatchHeader;
  readonly #reader: ByteReader;
  #left: number;

  constructor(header: BatchHeader, buffer: Buffer, position: number, options: ReadOptions) {
    this.header = header;
    this.#reader = recordsReader(header, buffer, position, options);
    this.#left = header.recordCount;
  }

  /** The next record, or undefined after the last one. Throws a `CorruptError` when the bytes are not a record. */
  next(): RawRecord | undefined {
    const reader = this.#reader;
    if (this.#left === 0) {
      checkAllRead(reader);
      return undefined;
    }
    this.#left--;
    const end = recordEnd(reader);
    reader.skip(1);
    const timestampDelta = reader.varlong();
    const offsetDelta = reader.varint();
    const key = sized(reader);
    const value = sized(reader);
    const headers = readHeaders(reader);
    checkRecordEnd(reader, end);
    const { header } = this;
    return {
      offset: header.baseOffset + offsetDelta,
      timestamp: header.timestampType === 'append' ? header.maxTimestamp : header.baseTimestamp + timestampDelta,
      key,
      value,
      headers,
    };
  }
}

/** What a walk over all records of a batch found out, without making them. */
export interface RecordScan {
  readonly maxTimestamp: number;
  readonly minTimestamp: number;
  /** Offset delta of the first record that has `maxTimestamp`. */
  readonly maxTimestampOffsetDelta: number;
  /** Index of the first record without a key; -1 when all have one. */
  readonly firstNullKeyIndex: number;
  /** Whether offset deltas are 0, 1, 2, …, as producers must send them. */
  readonly isConsecutive: boolean;
}

/** Walks lengths and deltas of every record; allocates nothing per record. Damage is a `CorruptError`. */
export function scanRecords(buffer: Buffer, position: number, header: BatchHeader, options: ReadOptions): RecordScan {
  const reader = recordsReader(header, buffer, position, options);
  let maxTimestamp = -1;
  let minTimestamp = Number.MAX_SAFE_INTEGER;
  let maxTimestampOffsetDelta = 0;
  let firstNullKeyIndex = -1;
  let isConsecutive = true;
  for (let index = 0; index < header.recordCount; index++) {
    const end = recordEnd(reader);
    reader.skip(1);
    const timestamp = header.baseTimestamp + reader.varlong();
    const offsetDelta = reader.varint();
    if (timestamp > maxTimestamp || index === 0) {
      maxTimestamp = timestamp;
      maxTimestampOffsetDelta = offsetDelta;
    }
    if (timestamp < minTimestamp) minTimestamp = timestamp;
    if (offsetDelta !== index) isConsecutive = false;
    if (skipSized(reader) && firstNullKeyIndex < 0) firstNullKeyIndex = index;
    skipSized(reader);
    skipHeaders(reader);
    checkRecordEnd(reader, end);
  }
  checkAllRead(reader);
  return { maxTimestamp, minTimestamp, maxTimestampOffsetDelta, firstNullKeyIndex, isConsecutive };
}

function recordsReader(header: BatchHeader, buffer: Buffer, position: number, options: ReadOptions): ByteReader {
  const start = position + BATCH_HEADER_BYTES;
  const end = position + header.sizeInBytes;
  if (end > buffer.length) {
    throw new CorruptError(`batch of ${header.sizeInBytes} bytes, ${buffer.length - position} left`, { position });
  }
  const reader =
    header.compression === 'none'
      ? new ByteReader(buffer, start, end)
      : new ByteReader(decompress(header.compression, buffer.subarray(start, end), options.decompressedBytesMax));
  if (header.recordCount * RECORD_BYTES_MIN > reader.remaining) {
    throw new CorruptError(`batch of ${header.recordCount} records in ${reader.remaining} bytes`, { position });
  }
  return reader;
}

/** Reads the length of a record and says where it ends. */
function recordEnd(reader: ByteReader): number {
  const length = reader.varint();
  if (length < RECORD_BYTES_MIN - 1 || length > reader.remaining) {
    throw new CorruptError(`record of ${length} bytes at position ${reader.position}, ${reader.remaining} left`, {
      position: reader.position,
    });
  }
  return reader.position + length;
}

function checkRecordEnd(reader: ByteReader, end: number): void {
  if (reader.position === end) return;
  throw new CorruptError(`record ends at position ${reader.position}, not at ${end} as it said`, {
    position: reader.position,
  });
}

function checkAllRead(reader: ByteReader): void {
  if (reader.remaining === 0) return;
  throw new CorruptError(`${reader.remaining} bytes after the last record of a batch`, { position: reader.position });
}

function readHeaders(reader: ByteReader): RecordHeader[] {
  const count = headerCount(reader);
  const headers: RecordHeader[] = [];
  for (let i = 0; i < count; i++) {
    const keyBytes = reader.varint();
    headers.push({ key: reader.utf8(keyBytes), value: sized(reader) });
  }
  return headers;
}

function skipHeaders(reader: ByteReader): void {
  for (let left = headerCount(reader); left > 0; left--) {
    reader.skip(reader.varint());
    skipSized(reader);
  }
}

/** Every header takes two bytes at least; more than a million of them in a record are refused. */
function headerCount(reader: ByteReader): number {
  const count = reader.varint();
  if (count >= 0 && count <= HEADER_COUNT_MAX && count * 2 <= reader.remaining) return count;
  throw new CorruptError(
    `record with ${count} headers at position ${reader.position}, ${reader.remaining} bytes left`,
    {
      position: reader.position,
    },
  );
}

/** Only -1 is null. */
function sized(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length === -1 ? null : reader.bytes(length);
}

/** True for null. */
function skipSized(reader: ByteReader): boolean {
  const length = reader.varint();
  if (length === -1) return true;
  reader.skip(length);
  return false;
}
