/**
 * The bytes of one record within a batch, written straight into a buffer: sizes first, then the fields. This is the
 * innermost loop of every producer, so it works on plain indexes.
 */
import { assert } from '#core';

export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

export const VARLONG_BYTES_MAX = 10;
/** Up to this length a loop beats the call that copies bytes. */
const LOOP_BYTES_MAX = 24;

/** Bytes of a zigzag varint. */
export function sizeOfVarint(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 128) return 1;
  if (raw < 16384) return 2;
  if (raw < 2097152) return 3;
  return raw < 268435456 ? 4 : 5;
}

/** Bytes of a zigzag varint of 64 bits. */
export function sizeOfVarlong(value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return sizeOfVarint(value);
  let rest = value >= 0 ? BigInt(value) << 1n : (BigInt(-value) << 1n) - 1n;
  let size = 1;
  for (; rest > 127n; rest >>= 7n) size++;
  return size;
}

/** Bytes of a record after its length field. */
export function recordBodyBytes(
  timestampDelta: number,
  offsetDelta: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: readonly RecordHeader[],
): number {
  let size = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta);
  size += key === null ? 1 : sizeOfVarint(key.length) + key.length;
  size += value === null ? 1 : sizeOfVarint(value.length) + value.length;
  return size + (headers.length === 0 ? 1 : headersBytes(headers));
}

function headersBytes(headers: readonly RecordHeader[]): number {
  let size = sizeOfVarint(headers.length);
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key);
    size += sizeOfVarint(keyBytes) + keyBytes;
    size += value === null ? 1 : sizeOfVarint(value.length) + value.length;
  }
  return size;
}

/** Writes a record at `at`, where there is room for it. Returns where it ends. */
export function putRecord(
  buffer: Buffer,
  at: number,
  bodyBytes: number,
  timestampDelta: number,
  offsetDelta: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  headers: readonly RecordHeader[],
): number {
  let next = putVarint(buffer, at, bodyBytes);
  buffer[next++] = 0;
  next = putVarlong(buffer, next, timestampDelta);
  next = putVarint(buffer, next, offsetDelta);
  next = putSized(buffer, next, key);
  next = putSized(buffer, next, value);
  next = putVarint(buffer, next, headers.length);
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    const keyBytes = Buffer.byteLength(header.key);
    next = putVarint(buffer, next, keyBytes);
    next += buffer.write(header.key, next, keyBytes, 'utf8');
    next = putSized(buffer, next, header.value);
  }
  return next;
}

function putSized(buffer: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    buffer[at] = 1;
    return at + 1;
  }
  const length = bytes.length;
  const start = putVarint(buffer, at, length);
  if (length > LOOP_BYTES_MAX) buffer.set(bytes, start);
  else for (let i = 0; i < length; i++) buffer[start + i] = bytes[i];
  return start + length;
}

function putVarint(buffer: Buffer, at: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let next = at;
  while (rest > 127) {
    buffer[next++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[next] = rest;
  return next + 1;
}

function putVarlong(buffer: Buffer, at: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return putVarint(buffer, at, value);
  assert(Number.isSafeInteger(value), `varlong must be a safe integer, not ${value}`);
  let rest = value >= 0 ? BigInt(value) << 1n : (BigInt(-value) << 1n) - 1n;
  let next = at;
  for (; rest > 127n; rest >>= 7n) buffer[next++] = Number(rest & 127n) | 128;
  buffer[next] = Number(rest);
  return next + 1;
}
