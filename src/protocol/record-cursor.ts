/**
 * Reads the records of one batch, one at a time. A compressed batch is decompressed once, within a bound; keys, values
 * and header values are slices of the batch or of what it was decompressed into.
 */
import { ByteReader, CorruptError, decompress } from '#core';
import { BATCH_HEADER_BYTES, type BatchHeader, readBatchHeader } from './record-batch.ts';
import type { RecordHeader } from './record-format.ts';
import { HEADER_COUNT_MAX, RECORD_BYTES_MIN } from './record-scan.ts';

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

/** Opens the batch at `position`, which must be whole. Its checksum is not looked at: see `verifyBatchCrc`. */
export function readRecords(buffer: Buffer, position: number, options: ReadOptions): RecordCursor {
  const header = readBatchHeader(buffer, position);
  return new RecordCursor(header, recordsOf(buffer, position, header, options));
}

export class RecordCursor {
  readonly header: BatchHeader;
  readonly #reader: ByteReader;
  #left: number;

  /** @param records what `recordsOf` gives */
  constructor(header: BatchHeader, records: Buffer) {
    this.header = header;
    this.#reader = new ByteReader(records);
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

/**
 * The bytes of the records of the batch at `position`, which must be whole: a slice, or decompressed within the bound.
 *
 * @throws KafkaError MESSAGE_TOO_LARGE beyond the bound; CorruptError when they cannot be decompressed, or are too few for the count
 */
export function recordsOf(buffer: Buffer, position: number, header: BatchHeader, options: ReadOptions): Buffer {
  const end = position + header.sizeInBytes;
  if (end > buffer.length) {
    throw new CorruptError(`batch of ${header.sizeInBytes} bytes, ${buffer.length - position} left`, { position });
  }
  const section = buffer.subarray(position + BATCH_HEADER_BYTES, end);
  const isPlain = header.compression === 'none';
  const records = isPlain ? section : decompress(header.compression, section, options.decompressedBytesMax);
  if (header.recordCount * RECORD_BYTES_MIN > records.length) {
    throw new CorruptError(`batch of ${header.recordCount} records in ${records.length} bytes`, { position });
  }
  return records;
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

/** Any negative length is null, as Kafka reads it. */
function sized(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.bytes(length);
}
