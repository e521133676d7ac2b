/**
 * The way into a connection: bytes → frames, one at a time. A frame that may not be begun yet is held, and nothing is taken out behind it.
 * What the client sent first is kept for the line that says why its bytes were refused.
 */
import { type Clock, errorText, type KafkaError } from '#core';
import { FrameReader } from '#protocol';
import { guessProtocol } from './request-frame.ts';

/** Bytes of a wrong first message that are shown in the log. */
const SHOWN_BYTES = 16;

export class FrameIntake {
  readonly #clock: Clock;
  readonly #frames: FrameReader;
  #held: Buffer | undefined;
  #heldSinceMs = -1;
  #firstBytes = Buffer.alloc(0);

  /** @param frameBytesMax the largest request */
  constructor(frameBytesMax: number, clock: Clock) {
    this.#frames = new FrameReader(frameBytesMax);
    this.#clock = clock;
  }

  /** What is there of a frame that is not complete. */
  get partialBytes(): number {
    return this.#frames.bufferedBytes;
  }

  get isHolding(): boolean {
    return this.#held !== undefined;
  }

  /** Of everything that was not begun. */
  get pendingBytes(): number {
    return this.#frames.bufferedBytes + (this.#held?.length ?? 0);
  }

  /** Takes over the next bytes. @throws KafkaError when they are none of Kafka's protocol */
  push(chunk: Buffer): void {
    const missing = SHOWN_BYTES - this.#firstBytes.length;
    if (missing > 0) this.#firstBytes = Buffer.concat([this.#firstBytes, chunk.subarray(0, missing)]);
    this.#frames.push(chunk);
  }

  /** The frame that is held, or the next one if it is complete. @throws KafkaError when what comes is no frame */
  next(): Buffer | undefined {
    return this.#held ?? this.#frames.next();
  }

  /** `frame`, which `next` gave, has to wait. */
  hold(frame: Buffer): void {
    if (this.#held === undefined) this.#heldSinceMs = this.#clock.monotonicMs();
    this.#held = frame;
  }

  /** The frame that `next` gave is begun. @returns since when it was held, monotonic milliseconds; -1: it was not */
  begun(): number {
    if (this.#held === undefined) return -1;
    this.#held = undefined;
    return this.#heldSinceMs;
  }

  /** Forgets the frame that is held. */
  drop(): void {
    this.#held = undefined;
  }

  /** What to tell people of a connection whose bytes were refused with `error`. */
  refusal(error: KafkaError, request: string): { readonly reason: string; readonly firstBytes: string } {
    const reason = guessProtocol(this.#firstBytes) ?? `${errorText(error)}${request}`;
    return { reason, firstBytes: this.#firstBytes.toString('hex') };
  }
}
