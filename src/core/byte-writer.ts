/**
 * Writes Kafka's primitive types, big endian, into a buffer that grows. Large slices can be borrowed: they are kept by
 * reference, so a Fetch response of 50 MB costs its few hundred bytes of framing and no copy.
 *
 *     chunks():  [ own bytes ][ borrowed slice ][ own bytes ] …      position counts all of them
 *
 * A writer is used once: after `finish()` or `chunks()` its memory belongs to the result.
 */
import { AssertionError, assert } from './assert.ts';
import { putUuid, type Uuid } from './uuid.ts';

const TWO_POW_32 = 4294967296;
/** Below this a copy is cheaper than one more element in a `writev`. */
const BORROW_BYTES_MIN = 1024;
/** Up to this length a loop over characters beats the call into the runtime's UTF-8 encoder. */
const SHORT_TEXT_CHARS = 24;

export class ByteWriter {
  #buffer: Buffer;
  /** First own byte that is not yet in `#chunks`. */
  #start = 0;
  /** Next own byte to write. */
  #at = 0;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(Math.max(initialBytes, 16));
  }

  /** Bytes so far, borrowed ones included. */
  get position(): number {
    return this.#chunkBytes + this.#at - this.#start;
  }

  int8(value: number): void {
    if (this.#at === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#at++] = value;
  }

  uint8(value: number): void {
    this.int8(value);
  }

  int16(value: number): void {
    const at = this.#reserve(2);
    const buffer = this.#buffer;
    buffer[at] = value >> 8;
    buffer[at + 1] = value;
  }

  uint16(value: number): void {
    this.int16(value);
  }

  int32(value: number): void {
    const at = this.#reserve(4);
    put32(this.#buffer, at, value);
  }

  uint32(value: number): void {
    this.int32(value | 0);
  }

  /**
   * `value` must be a safe integer. ±`MAX_SAFE_INTEGER`, where `ByteReader` saturates, stands for "no limit" and is
   * written as Java's largest and smallest long, so that such values survive a round trip.
   */
  int64(value: number): void {
    if (!Number.isSafeInteger(value)) unsafeInteger('int64', value);
    const at = this.#reserve(8);
    if (value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER) {
      put32(this.#buffer, at, value > 0 ? 0x7fffffff : 0x80000000);
      put32(this.#buffer, at + 4, value > 0 ? 0xffffffff : 0);
      return;
    }
    const high = Math.floor(value / TWO_POW_32);
    put32(this.#buffer, at, high);
    put32(this.#buffer, at + 4, value - high * TWO_POW_32);
  }

  /** 16 hex digits. */
  hash64(hash: string): void {
    assert(hash.length === 16, `"${hash}" is no hash: it must be 16 hex digits`);
    this.bytes(Buffer.from(hash, 'hex'));
  }

  float64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  /** Zigzag varint of 32 bits. */
  varint(value: number): void {
    this.unsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Unsigned varint of 32 bits. */
  unsignedVarint(value: number): void {
    let rest = value >>> 0;
    if (this.#buffer.length - this.#at < 5) this.#grow(5);
    const buffer = this.#buffer;
    let at = this.#at;
    while (rest > 127) {
      buffer[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.#at = at;
  }

  /** Zigzag varint of 64 bits; `value` must be a safe integer. */
  varlong(value: number): void {
    if (value >= -0x40000000 && value < 0x40000000) {
      this.varint(value);
      return;
    }
    if (!Number.isSafeInteger(value)) unsafeInteger('varlong', value);
    let rest = value >= 0 ? BigInt(value) << 1n : (BigInt(-value) << 1n) - 1n;
    while (rest > 127n) {
      this.int8(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.int8(Number(rest));
  }

  uuid(uuid: Uuid): void {
    const at = this.#reserve(16);
    putUuid(uuid, this.#buffer, at);
  }

  /** Copies `bytes`. */
  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Keeps `bytes` by reference when they are large: nobody may change them until the result is used up. */
  borrow(bytes: Buffer): void {
    if (bytes.length < BORROW_BYTES_MIN) {
      this.bytes(bytes);
      return;
    }
    this.#closeChunk();
    this.#chunks.push(bytes);
    this.#chunkBytes += bytes.length;
  }

  /** Writes the UTF-8 bytes of `text`, without a length. Returns how many. */
  utf8(text: string): number {
    const written = text.length <= SHORT_TEXT_CHARS ? this.#shortAscii(text) : -1;
    if (written >= 0) return written;
    const length = Buffer.byteLength(text);
    const at = this.#reserve(length);
    this.#buffer.write(text, at, length, 'utf8');
    return length;
  }

  /** Overwrites the int32 at `position`, which must have been written by this writer. */
  patchInt32(position: number, value: number): void {
    const own = position - this.#chunkBytes;
    if (own >= 0) {
      assert(this.#start + own + 4 <= this.#at, 'patch beyond the end');
      put32(this.#buffer, this.#start + own, value);
      return;
    }
    let from = 0;
    for (const chunk of this.#chunks) {
      if (position < from + chunk.length) {
        assert(position + 4 <= from + chunk.length, 'patch across chunks');
        put32(chunk, position - from, value);
        return;
      }
      from += chunk.length;
    }
  }

  /** Everything as one buffer; copies only when something was borrowed. */
  finish(): Buffer {
    if (this.#chunks.length === 0) return this.#buffer.subarray(0, this.#at);
    return Buffer.concat(this.chunks(), this.position);
  }

  /** Everything in order, borrowed slices as they are, for a `writev`. */
  chunks(): Buffer[] {
    this.#closeChunk();
    return this.#chunks;
  }

  #closeChunk(): void {
    if (this.#at === this.#start) return;
    this.#chunks.push(this.#buffer.subarray(this.#start, this.#at));
    this.#chunkBytes += this.#at - this.#start;
    this.#start = this.#at;
  }

  #shortAscii(text: string): number {
    const length = text.length;
    if (this.#buffer.length - this.#at < length) this.#grow(length);
    const buffer = this.#buffer;
    const at = this.#at;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return -1;
      buffer[at + i] = code;
    }
    this.#at = at + length;
    return length;
  }

  /** Makes room for `length` bytes and returns where they start. */
  #reserve(length: number): number {
    if (this.#buffer.length - this.#at < length) this.#grow(length);
    const at = this.#at;
    this.#at = at + length;
    return at;
  }

  /** Closed chunks keep the old buffer; only the open piece moves. */
  #grow(length: number): void {
    const open = this.#at - this.#start;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, open + length + 64));
    this.#buffer.copy(grown, 0, this.#start, this.#at);
    this.#buffer = grown;
    this.#start = 0;
    this.#at = open;
  }
}

/** Apart, so that its text is made only when it is wanted. */
function unsafeInteger(kind: string, value: number): never {
  throw new AssertionError(`${kind} must be a safe integer, not ${value}`);
}

function put32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}
