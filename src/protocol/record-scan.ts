/**
 * Walks the records of a batch without making them: what a broker must know before it takes the batch. Every length and count is
 * followed, so bytes that pass can be read by any client; nothing is allocated per record.
 *
 * Hot path of every produce request: about 150 µs per MB of 100-byte records, 15 of 1 KB records (a checksum takes 70). Varints of
 * one byte are decoded in place, longer ones in a function that leaves behind in `next` where the varint ended: an object that holds
 * the position took half as long again. Reading past the end gives 0 here, and the position then is not where the record said it ends.
 */
import { ByteReader, CorruptError } from '#core';
import type { BatchHeader } from './record-batch.ts';

/** What a walk over all records of a batch found out. */
export interface RecordScan {
  /** The largest timestamp, at least -1. */
  readonly maxTimestamp: number;
  /** The smallest timestamp other than -1, which is none; Infinity when there is none. */
  readonly minTimestamp: number;
  readonly hasNullKey: boolean;
  /** Whether offset deltas are 0, 1, 2, …, as producers must send them. */
  readonly isConsecutive: boolean;
}

/** Attributes, two deltas, key length, value length, header count: one byte each at least. */
const BODY_BYTES_MIN = 6;
/** And the length in front of them. */
export const RECORD_BYTES_MIN = BODY_BYTES_MIN + 1;
/** A header of two bytes becomes an object of a hundred in who reads it, so a record may not have any number of them. */
export const HEADER_COUNT_MAX = 1_000_000;

/** Where the varint ended that was decoded last. */
let next = 0;

/**
 * @param records what `recordsOf` gives
 * @param bodyBytesMax the most bytes that one record may have behind its length
 * @throws CorruptError when these are not just the records that `header` announces
 */
export function scanRecords(records: Buffer, header: BatchHeader, bodyBytesMax = Number.MAX_SAFE_INTEGER): RecordScan {
  const { recordCount, baseTimestamp } = header;
  let maxTimestamp = -1;
  let minTimestamp = Number.POSITIVE_INFINITY;
  let hasNullKey = false;
  let isConsecutive = true;
  let at = 0;
  for (let index = 0; index < recordCount; index++) {
    let raw = records[at++];
    if (raw > 127) {
      raw = longVarint(records, at, raw);
      at = next;
    }
    const bodyBytes = (raw >>> 1) ^ -(raw & 1);
    const end = at + bodyBytes;
    if (bodyBytes < BODY_BYTES_MIN || end > records.length || bodyBytes > bodyBytesMax)
      throw wrongLength(index, bodyBytes, records.length - at, bodyBytesMax);
    at++; // attributes
    raw = records[at++];
    let timestamp = baseTimestamp;
    if (raw > 127) {
      timestamp += longVarlong(records, at, raw);
      at = next;
    } else timestamp += (raw >>> 1) ^ -(raw & 1);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (timestamp < minTimestamp && timestamp !== -1) minTimestamp = timestamp;
    raw = records[at++];
    if (raw > 127) {
      raw = longVarint(records, at, raw);
      at = next;
    }
    if (((raw >>> 1) ^ -(raw & 1)) !== index) isConsecutive = false;
    raw = records[at++];
    if (raw > 127) {
      raw = longVarint(records, at, raw);
      at = next;
    }
    if ((raw & 1) === 0) at += raw >>> 1;
    else hasNullKey = true;
    raw = records[at++];
    if (raw > 127) {
      raw = longVarint(records, at, raw);
      at = next;
    }
    if ((raw & 1) === 0) at += raw >>> 1;
    if (records[at++] !== 0) at = headersEnd(records, at - 1, end);
    if (at !== end) throw damaged(index, `ends at byte ${at}, not at ${end} as it said`);
  }
  if (at !== records.length)
    throw new CorruptError(`${records.length - at} bytes after the last record of a batch`, { position: at });
  return { maxTimestamp, minTimestamp, hasNullKey, isConsecutive };
}

/** A varint of 32 bits whose first byte, before `at`, is `first`; bits beyond the 32nd are dropped as Kafka does. */
function longVarint(bytes: Buffer, at: number, first: number): number {
  let value = first & 127;
  for (let shift = 7; shift <= 28; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte > 127) continue;
    next = at;
    return value;
  }
  throw new CorruptError(`varint longer than 5 bytes at byte ${at - 5}`, { position: at - 5 });
}

/** A zigzag varint of 64 bits whose first byte, before `at`, is `first`. */
function longVarlong(bytes: Buffer, at: number, first: number): number {
  const start = at - 1;
  let value = first & 127;
  for (let shift = 7; shift <= 21; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    if (byte > 127) continue;
    next = at;
    return (value >>> 1) ^ -(value & 1);
  }
  const reader = new ByteReader(bytes, start);
  const delta = reader.varlong();
  next = reader.position;
  return delta;
}

/** Where the headers end whose count is at `at`. */
function headersEnd(records: Buffer, at: number, end: number): number {
  const reader = new ByteReader(records, at, end);
  const count = reader.varint();
  if (count < 0 || count > HEADER_COUNT_MAX || count * 2 > reader.remaining)
    throw new CorruptError(`record with ${count} headers, ${reader.remaining} bytes left`, { position: at });
  for (let left = count; left > 0; left--) {
    reader.skip(reader.varint());
    const valueBytes = reader.varint();
    if (valueBytes > 0) reader.skip(valueBytes);
  }
  return reader.position;
}

function wrongLength(index: number, bodyBytes: number, bytesLeft: number, bodyBytesMax: number): CorruptError {
  if (bodyBytes > bodyBytesMax) return damaged(index, `has ${bodyBytes} bytes, ${bodyBytesMax} are allowed`);
  return damaged(index, `has ${bodyBytes} bytes as it says, ${bytesLeft} are left`);
}

function damaged(index: number, problem: string): CorruptError {
  return new CorruptError(`record ${index} ${problem}`);
}
