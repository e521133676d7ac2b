/**
 * Records that cannot go into a batch yet, because their topic is not known or `buffer.memory` is used up. They keep their order:
 * per topic while they wait for metadata, all together while they wait for memory. Each waits `max.block.ms` at most, and
 * no more than `WAITING_SENDS_MAX` wait at once.
 */
import { type Clock, KafkaError, type Timer } from '#core';
import type { RecordHeader } from '#protocol';
import type { ProducerRecord } from '#serde';
import { Fifo } from './fifo.ts';
import type { SendCallback, SendHandle } from './send-handle.ts';

/** A caller that goes on sending although nothing moves is told so after this many records. */
export const WAITING_SENDS_MAX = 250_000;

/** A record in bytes, on its way into a batch. */
export interface Outgoing {
  record: ProducerRecord;
  key: Buffer | null;
  value: Buffer | null;
  headers: RecordHeader[];
  boundBytes: number;
  handle: SendHandle;
  callback: SendCallback | undefined;
}

export interface Waiting {
  outgoing: Outgoing;
  /** Monotonic ms. */
  deadlineMs: number;
}

/** Records that wait for memory, in the order of their sends. */
export class MemoryWaiters {
  readonly #clock: Clock;
  readonly #expired: (waiting: Waiting) => void;
  readonly #queue = new Fifo<Waiting>();
  #timer: Timer | undefined;

  /** `expired` gets records whose time is over. */
  constructor(clock: Clock, expired: (waiting: Waiting) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  get length(): number {
    return this.#queue.length;
  }

  push(waiting: Waiting): void {
    this.#queue.push(waiting);
    if (this.#timer === undefined) this.#setTimer(waiting.deadlineMs);
  }

  /** Takes records from the front as long as `place` finds room for them. */
  release(place: (outgoing: Outgoing) => boolean): void {
    for (let first = this.#queue.first; first !== undefined && place(first.outgoing); first = this.#queue.first) {
      this.#queue.shift();
    }
    if (this.#queue.length === 0) this.#stopTimer();
  }

  takeAll(): Waiting[] {
    this.#stopTimer();
    return this.#queue.takeAll();
  }

  toArray(): Waiting[] {
    return this.#queue.toArray();
  }

  #setTimer(deadlineMs: number): void {
    const delayMs = Math.max(1, Math.ceil(deadlineMs - this.#clock.now().monotonicMs));
    this.#timer = this.#clock.setTimer(delayMs, () => this.#onTimer());
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #onTimer(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now().monotonicMs;
    let first = this.#queue.first;
    for (; first !== undefined && first.deadlineMs <= nowMs; first = this.#queue.first) {
      this.#queue.shift();
      this.#expired(first);
    }
    if (first !== undefined) this.#setTimer(first.deadlineMs);
  }
}

/** The error of a record that found no memory in time. */
export function bufferExhausted(memoryBytes: number, maxBlockMs: number): KafkaError {
  return new KafkaError(
    'BUFFER_EXHAUSTED',
    `buffer.memory=${memoryBytes} stayed used up for max.block.ms=${maxBlockMs}: the brokers take records more slowly than ` +
      'they are sent. Wait for earlier sends, or give the producer more memory',
    { retriable: true },
  );
}

/** The error of a record beyond `WAITING_SENDS_MAX`. */
export function tooManyWaiting(): KafkaError {
  return new KafkaError(
    'BUFFER_EXHAUSTED',
    `${WAITING_SENDS_MAX} sends wait for metadata or memory already. Await some of them before sending more`,
    { retriable: true },
  );
}
