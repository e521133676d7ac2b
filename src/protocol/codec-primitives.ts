/**
 * The variable-length types of the wire: what both codecs (compiled and closures) are built of. "Compact" is the form
 * of flexible versions: an unsigned varint of length + 1, where 0 means null (KIP-482).
 */
import { type ByteReader, ByteWriter, CorruptError, KafkaError } from '#core';

const NO_BYTES = Buffer.alloc(0);
const STRING_BYTES_MAX = 32767;

export function noBytes(): Buffer {
  return NO_BYTES;
}

/** Length of a string, -1 for null. */
function stringLength(reader: ByteReader, isCompact: boolean): number {
  const length = isCompact ? reader.unsignedVarint() - 1 : reader.int16();
  if (length > STRING_BYTES_MAX) {
    throw new CorruptError(`string of length ${length} at position ${reader.position}`, { position: reader.position });
  }
  return checkLength(reader, length, 'string');
}

function bytesLength(reader: ByteReader, isCompact: boolean): number {
  const length = isCompact ? reader.unsignedVarint() - 1 : reader.int32();
  return checkLength(reader, length, 'byte field');
}

function checkLength(reader: ByteReader, length: number, what: string): number {
  if (length < -1 || length > reader.remaining) {
    throw new CorruptError(
      `${what} of length ${length} at position ${reader.position}, ${reader.remaining} bytes left`,
      {
        position: reader.position,
      },
    );
  }
  return length;
}

/**
 * Count of an array, -1 for null: Kafka takes every negative count for null, we take the others for damage. A count
 * is believed only as far as the bytes left and the reader's budget of elements allow it.
 */
export function readCount(reader: ByteReader, isCompact: boolean, elementBytesMin: number): number {
  const count = isCompact ? reader.unsignedVarint() - 1 : reader.int32();
  if (count < -1 || count * elementBytesMin > reader.remaining) {
    throw new CorruptError(
      `array of ${count} elements of at least ${elementBytesMin} bytes at position ${reader.position}, ${reader.remaining} bytes left`,
      { position: reader.position },
    );
  }
  reader.elementsLeft -= count;
  if (reader.elementsLeft < 0) {
    throw new CorruptError(`too many array elements in one message, at position ${reader.position}`, {
      position: reader.position,
    });
  }
  return count;
}

export function writeCount(writer: ByteWriter, isCompact: boolean, count: number): void {
  if (isCompact) writer.unsignedVarint(count + 1);
  else writer.int32(count);
}

export function unexpectedNull(reader: ByteReader): never {
  throw new CorruptError(`null where a value must be, at position ${reader.position}`, { position: reader.position });
}

export function readString(reader: ByteReader): string {
  const length = stringLength(reader, false);
  return length < 0 ? unexpectedNull(reader) : reader.utf8(length);
}

export function readNullableString(reader: ByteReader): string | null {
  const length = stringLength(reader, false);
  return length < 0 ? null : reader.utf8(length);
}

export function readCompactString(reader: ByteReader): string {
  const length = stringLength(reader, true);
  return length < 0 ? unexpectedNull(reader) : reader.utf8(length);
}

export function readCompactNullableString(reader: ByteReader): string | null {
  const length = stringLength(reader, true);
  return length < 0 ? null : reader.utf8(length);
}

export function readBytes(reader: ByteReader): Buffer {
  const length = bytesLength(reader, false);
  return length < 0 ? unexpectedNull(reader) : reader.bytes(length);
}

export function readNullableBytes(reader: ByteReader): Buffer | null {
  const length = bytesLength(reader, false);
  return length < 0 ? null : reader.bytes(length);
}

export function readCompactBytes(reader: ByteReader): Buffer {
  const length = bytesLength(reader, true);
  return length < 0 ? unexpectedNull(reader) : reader.bytes(length);
}

export function readCompactNullableBytes(reader: ByteReader): Buffer | null {
  const length = bytesLength(reader, true);
  return length < 0 ? null : reader.bytes(length);
}

export function writeString(writer: ByteWriter, text: string): void {
  const length = Buffer.byteLength(text);
  if (length > STRING_BYTES_MAX) {
    throw new KafkaError(
      'INVALID_REQUEST',
      `a string of ${length} bytes is longer than the ${STRING_BYTES_MAX} allowed`,
    );
  }
  writer.int16(length);
  writer.utf8(text);
}

export function writeCompactString(writer: ByteWriter, text: string): void {
  const length = Buffer.byteLength(text);
  if (length > STRING_BYTES_MAX) {
    throw new KafkaError(
      'INVALID_REQUEST',
      `a string of ${length} bytes is longer than the ${STRING_BYTES_MAX} allowed`,
    );
  }
  writer.unsignedVarint(length + 1);
  writer.utf8(text);
}

export function writeBytes(writer: ByteWriter, bytes: Buffer): void {
  writer.int32(bytes.length);
  writer.borrow(bytes);
}

export function writeCompactBytes(writer: ByteWriter, bytes: Buffer): void {
  writer.unsignedVarint(bytes.length + 1);
  writer.borrow(bytes);
}

/** Records may come in slices that lie one after the other. */
export function writeRecords(writer: ByteWriter, records: Buffer | readonly Buffer[]): void {
  writer.int32(recordsLength(records));
  borrowRecords(writer, records);
}

export function writeCompactRecords(writer: ByteWriter, records: Buffer | readonly Buffer[]): void {
  writer.unsignedVarint(recordsLength(records) + 1);
  borrowRecords(writer, records);
}

function recordsLength(records: Buffer | readonly Buffer[]): number {
  if (Buffer.isBuffer(records)) return records.length;
  let length = 0;
  for (const slice of records) length += slice.length;
  return length;
}

function borrowRecords(writer: ByteWriter, records: Buffer | readonly Buffer[]): void {
  if (Buffer.isBuffer(records)) writer.borrow(records);
  else for (const slice of records) writer.borrow(slice);
}

/** Number of tagged fields that follow; each needs two bytes at least. */
export function readTagCount(reader: ByteReader): number {
  const count = reader.unsignedVarint();
  if (count * 2 > reader.remaining) {
    throw new CorruptError(`${count} tagged fields at position ${reader.position}, ${reader.remaining} bytes left`, {
      position: reader.position,
    });
  }
  return count;
}

/** Where the tagged field that begins here ends. */
export function readTagEnd(reader: ByteReader): number {
  const size = reader.unsignedVarint();
  if (size > reader.remaining) {
    throw new CorruptError(`tagged field of ${size} bytes at position ${reader.position}, ${reader.remaining} left`, {
      position: reader.position,
    });
  }
  return reader.position + size;
}

/** After a tagged field that we know was read up to `tagEnd`. */
export function checkTagEnd(reader: ByteReader, tagEnd: number): void {
  if (reader.position === tagEnd) return;
  throw new CorruptError(`tagged field ends at position ${reader.position}, not at ${tagEnd} as it said`, {
    position: reader.position,
  });
}

/** One tagged field: number, size, then what `write` writes. */
export function writeTagged(writer: ByteWriter, tag: number, write: (writer: ByteWriter) => void): void {
  const content = new ByteWriter(128);
  write(content);
  writer.unsignedVarint(tag);
  writer.unsignedVarint(content.position);
  for (const chunk of content.chunks()) writer.borrow(chunk);
}

/** For integers that do not fit their type, and for what is not a number at all: a bug or a bad argument of a caller. */
export function badValue(where: string, kind: string, value: unknown): never {
  throw new KafkaError('INVALID_REQUEST', `${where} must be ${kind}, not ${String(value)}`);
}

export function unsupportedField(where: string, version: number): never {
  throw new KafkaError('UNSUPPORTED_VERSION', `${where} cannot be set at version ${version}, which does not have it`);
}
