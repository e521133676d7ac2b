/**
 * The way out of a connection: replies are handed to it in portions, and wait here while the client does not read what was written
 * before. So a slow reader is told from a dead one, and what waits can be counted. Memory that slices of a reply hold is given back when
 * everything has left.
 */
import { release } from '#core';
import type { Connection } from '#net';

/** A portion of replies: no more slices are added to it once it has so many bytes. */
const PORTION_BYTES_MIN = 256 * 1024;
/** Slices that are longer are cut. */
const SLICE_BYTES_MAX = 1024 * 1024;

export class ReplyWriter {
  readonly #connection: Connection;
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  /** All of what was written since everything had left. */
  #held: Buffer[] = [];
  #isCongested = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The client does not read what was written; nothing more is until `drained`. */
  get isCongested(): boolean {
    return this.#isCongested;
  }

  /** Everything has been handed to the connection. */
  get isEmpty(): boolean {
    return this.#unsentBytes === 0;
  }

  /** What waits, here and in the connection. */
  get waitingBytes(): number {
    return this.#unsentBytes + this.#connection.queuedBytes;
  }

  /** Takes over the holds of `chunks`. */
  write(chunks: Buffer[]): void {
    this.#giveBack();
    for (const chunk of chunks) {
      this.#unsentBytes += chunk.length;
      this.#held.push(chunk);
    }
    this.#unsent = this.#unsent.length === 0 ? chunks : [...this.#unsent, ...chunks];
    this.#send();
  }

  /** The client has read everything that was written. */
  drained(): void {
    this.#isCongested = false;
    this.#send();
  }

  /** The connection has ended; what the system still has of it is left to the garbage collector. */
  drop(): void {
    this.#unsent = [];
    this.#held = [];
    this.#unsentBytes = 0;
  }

  #send(): void {
    while (this.#unsent.length > 0 && !this.#isCongested) {
      if (!this.#connection.write(this.#takePortion())) this.#isCongested = true;
    }
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#held.length === 0 || this.waitingBytes > 0) return;
    for (const chunk of this.#held) release(chunk);
    this.#held = [];
  }

  #takePortion(): Buffer[] {
    const chunks = this.#unsent;
    let count = 0;
    let bytes = 0;
    while (count < chunks.length && bytes < PORTION_BYTES_MIN) bytes += chunks[count++].length;
    const last = chunks[count - 1];
    const isCut = last.length > SLICE_BYTES_MAX;
    if (isCut) {
      chunks[count - 1] = last.subarray(0, SLICE_BYTES_MAX);
      bytes += SLICE_BYTES_MAX - last.length;
    }
    this.#unsentBytes -= bytes;
    if (count === chunks.length && !isCut) {
      this.#unsent = [];
      return chunks;
    }
    const portion = chunks.slice(0, count);
    this.#unsent = isCut ? [last.subarray(SLICE_BYTES_MAX), ...chunks.slice(count)] : chunks.slice(count);
    return portion;
  }
}
