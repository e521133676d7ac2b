/**
 * Cuts a stream of bytes into frames: int32 size, then that many bytes. A size that cannot be is refused as soon as its
 * four bytes are there; memory is only held for bytes that came. A frame within one chunk is a slice of it, no copy; a
 * frame over several is put together once. A frame that lies in memory of `takeBuffer` holds it: who is done with it may release it.
 */
import { CorruptError, hold, KafkaError, release, takeBuffer } from '#core';

const SIZE_BYTES = 4;
/** Of a stream that is refused. */
const SHOWN_BYTES = 16;
/** Chunks below this are put together while they wait: a byte in a buffer of its own costs a hundred. */
const MERGED_BYTES_MAX = 32 * 1024;

export class FrameReader {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  /** Bytes of the first chunk that are used up. */
  #used = 0;
  #length = 0;
  /** Size of the frame at the front, once its four bytes were there. */
  #size = -1;

  /** `bytesMax`: the largest frame allowed, without its size field. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that wait for the rest of their frame. */
  get bufferedBytes(): number {
    return this.#length;
  }

  /** Takes over the next bytes of the stream. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#mergeSmall();
  }

  /**
   * The next whole frame without its size, or undefined until more bytes come. Throws INVALID_REQUEST when the size is
   * negative or beyond the limit; the stream is of no use then.
   */
  next(): Buffer | undefined {
    if (this.#size < 0) {
      if (this.#length < SIZE_BYTES) return undefined;
      this.#size = this.#takeSize();
    }
    if (this.#length < this.#size) return undefined;
    const frame = this.#take(this.#size);
    this.#size = -1;
    return frame;
  }

  /** Chunks that wait; few, however small the pieces are in which a frame trickles in. */
  get chunkCount(): number {
    return this.#chunks.length;
  }

  /** Merges neighbours of similar size, as a binary counter carries, so that a byte is copied about log n times. */
  #mergeSmall(): void {
    const chunks = this.#chunks;
    while (chunks.length > 2) {
      const last = chunks[chunks.length - 1];
      const before = chunks[chunks.length - 2];
      if (before.length >= MERGED_BYTES_MAX || before.length > 2 * last.length) return;
      chunks.splice(chunks.length - 2, 2, Buffer.concat([before, last]));
    }
  }

  /** Takes the size of the frame at the front, whose four bytes are there. */
  #takeSize(): number {
    const first = this.#chunks[0];
    const isTogether = first.length - this.#used >= SIZE_BYTES;
    const size = isTogether ? first.readInt32BE(this.#used) : this.#front(SIZE_BYTES).readInt32BE(0);
    if (size < 0 || size > this.#bytesMax) throw this.#refusal(size);
    this.#length -= SIZE_BYTES;
    this.#used += SIZE_BYTES;
    while (this.#chunks.length > 0 && this.#used >= this.#chunks[0].length) {
      const chunk = this.#chunks.shift() as Buffer;
      this.#used -= chunk.length;
      release(chunk);
    }
    return size;
  }

  /** The next `length` bytes, which are there, held. */
  #take(length: number): Buffer {
    this.#length -= length;
    const first = this.#chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    const start = this.#used;
    if (first.length - start > length) {
      this.#used = start + length;
      return hold(first.subarray(start, start + length));
    }
    if (first.length - start === length) {
      this.#chunks.shift();
      this.#used = 0;
      return start === 0 ? first : first.subarray(start);
    }
    return this.#gather(length);
  }

  #gather(length: number): Buffer {
    const gathered = takeBuffer(length);
    let at = 0;
    let index = 0;
    while (at < length) {
      const chunk = this.#chunks[index];
      const copied = chunk.copy(gathered, at, this.#used, Math.min(chunk.length, this.#used + length - at));
      at += copied;
      this.#used += copied;
      if (this.#used < chunk.length) break;
      this.#used = 0;
      release(chunk);
      index++;
    }
    this.#chunks.splice(0, index);
    return gathered;
  }

  /** A copy of the next bytes, `length` at most. */
  #front(length: number): Buffer {
    const parts = this.#chunks.map((chunk, index) => chunk.subarray(index === 0 ? this.#used : 0).subarray(0, length));
    return Buffer.concat(parts).subarray(0, length);
  }

  #refusal(size: number): KafkaError {
    const start = this.#front(SHOWN_BYTES);
    const limit = size < 0 ? 'a negative size' : `more than the ${this.#bytesMax} bytes allowed`;
    const text = `frame of ${size} bytes refused, ${limit}; first bytes ${start.toString('hex')}${guess(start)}`;
    return new KafkaError('INVALID_REQUEST', text, { errorCode: 42, cause: new CorruptError(text) });
  }
}

/** What people send to a Kafka port by mistake. */
function guess(start: Buffer): string {
  if (/^(GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT|PRI \*|HTTP)/.test(start.toString('latin1'))) {
    return ' (this is HTTP, not the Kafka protocol)';
  }
  if (start[0] === 0x16 && start[1] === 3) return ' (this is a TLS handshake; the other side speaks plaintext here)';
  return '';
}
