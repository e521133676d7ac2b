/**
 * Reads Kafka's primitive types from a buffer, big endian. Nothing is copied: `bytes()` gives slices of the buffer that
 * was handed in, valid as long as that buffer is. Every read checks its bounds, so malformed bytes end in a
 * `CorruptError` with the position and never in a wrong value, an exception of the runtime or a large allocation.
 */
import { CorruptError } from './kafka-error.ts';
import { textOf } from './known-texts.ts';
import { type Uuid, uuidFromBytes } from './uuid.ts';

const TWO_POW_32 = 4294967296;

export class ByteReader {
  readonly buffer: Buffer;
  /** The next byte to read, counted from the start of `buffer`. */
  position: number;
  /** Reading stops before this byte. */
  end: number;
  /**
   * Array elements that decoders may still make. A peer pays two bytes for the smallest element and we pay fifty for
   * the object, so the bytes that are left alone do not bound memory. No message of a sane cluster comes near.
   */
  elementsLeft = 5_000_000;

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  /** Bytes left before `end`. */
  get remaining(): number {
    return this.end - this.position;
  }

  int8(): number {
    return (this.uint8() << 24) >> 24;
  }

  uint8(): number {
    const position = this.position;
    if (position >= this.end) this.#underflow(1);
    this.position = position + 1;
    return this.buffer[position];
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  uint16(): number {
    const position = this.position;
    if (this.end - position < 2) this.#underflow(2);
    this.position = position + 2;
    return (this.buffer[position] << 8) | this.buffer[position + 1];
  }

  int32(): number {
    const position = this.position;
    if (this.end - position < 4) this.#underflow(4);
    this.position = position + 4;
    const buffer = this.buffer;
    return (buffer[position] << 24) | (buffer[position + 1] << 16) | (buffer[position + 2] << 8) | buffer[position + 3];
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** Values beyond ±`MAX_SAFE_INTEGER` saturate there: no offset or timestamp of a sane peer is that large. */
  int64(): number {
    if (this.end - this.position < 8) this.#underflow(8);
    const high = this.int32();
    const low = this.int32() >>> 0;
    return saturate(high, low);
  }

  /** 64 bits that are no number, as 16 hex digits. */
  hash64(): string {
    return this.bytes(8).toString('hex');
  }

  float64(): number {
    if (this.end - this.position < 8) this.#underflow(8);
    const value = this.buffer.readDoubleBE(this.position);
    this.position += 8;
    return value;
  }

  /** Zigzag varint of 32 bits. */
  varint(): number {
    const raw = this.unsignedVarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** Unsigned varint of 32 bits, at most five bytes; bits beyond the 32nd are dropped as Kafka does. */
  unsignedVarint(): number {
    let byte = this.uint8();
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = this.uint8();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new CorruptError(`varint longer than 5 bytes at position ${this.position - 5}`, {
      position: this.position - 5,
    });
  }

  /** Zigzag varint of 64 bits, at most ten bytes; saturates like `int64`. */
  varlong(): number {
    const start = this.position;
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.uint8();
      low |= (byte & 127) << shift;
      if (byte < 128) return (low >>> 1) ^ -(low & 1);
    }
    return this.#longVarlong(start);
  }

  /** The next `length` bytes as a slice of the buffer: borrowed, not copied. */
  bytes(length: number): Buffer {
    const start = this.position;
    if (length < 0 || length > this.end - start) this.#underflow(length);
    this.position = start + length;
    return this.buffer.subarray(start, start + length);
  }

  /** The next 16 bytes as a uuid. */
  uuid(): Uuid {
    const start = this.position;
    if (this.end - start < 16) this.#underflow(16);
    this.position = start + 16;
    return uuidFromBytes(this.buffer, start);
  }

  /** The next `length` bytes as text; bytes that are not UTF-8 become U+FFFD, as in Java. */
  utf8(length: number): string {
    const start = this.position;
    if (length < 0 || length > this.end - start) this.#underflow(length);
    this.position = start + length;
    return length === 0 ? '' : textOf(this.buffer, start, length);
  }

  skip(length: number): void {
    if (length < 0 || length > this.end - this.position) this.#underflow(length);
    this.position += length;
  }

  #longVarlong(start: number): number {
    this.position = start;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.uint8();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        const raw = BigInt.asUintN(64, value);
        const high = BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
        return saturate(Number(high >> 32n), Number(high & 0xffffffffn));
      }
    }
    throw new CorruptError(`varlong longer than 10 bytes at position ${start}`, { position: start });
  }

  #underflow(wanted: number): never {
    const position = this.position;
    const text = wanted < 0 ? `negative length ${wanted}` : `${wanted} bytes wanted, ${this.end - position} left`;
    throw new CorruptError(`${text} at position ${position}`, { position });
  }
}

function saturate(high: number, low: number): number {
  const value = high * TWO_POW_32 + low;
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return value;
}
