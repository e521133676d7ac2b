/**
 * Produce requests wait for the high watermark as long as their client says, not longer. One timer for all of them, coarse on purpose:
 * in a healthy broker nobody ever reaches the deadline, so it must cost nothing per request.
 *
 * Those who wait are linked to each other, and whoever leaves forgets its neighbours: with a Set that was emptied as fast as it was filled
 * each scavenge found a quarter of the young objects alive (a table of the Set that has grown old leads to the next one, and to all
 * that waited in it), which took 20 ms instead of 2.
 */
import type { Clock, Timer } from '#core';

/** How late a deadline may be noticed. */
const CHECK_MS = 500;

export interface Expiring {
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  /** Called at most once, and not after `remove`. */
  expired(): void;
  /** Its neighbours while it waits; guarded by: only `ProduceDeadlines` writes them. */
  waitsAfter: Expiring | undefined;
  waitsBefore: Expiring | undefined;
}

export class ProduceDeadlines {
  readonly #clock: Clock;
  #first: Expiring | undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait; they are counted when somebody asks. */
  get size(): number {
    let count = 0;
    for (let waiting = this.#first; waiting !== undefined; waiting = waiting.waitsBefore) count++;
    return count;
  }

  add(waiting: Expiring): void {
    waiting.waitsBefore = this.#first;
    if (this.#first !== undefined) this.#first.waitsAfter = waiting;
    this.#first = waiting;
    this.#timer ??= this.#clock.setTimer(CHECK_MS, () => this.#check(), { unref: true });
  }

  /** One that does not wait is left alone. */
  remove(waiting: Expiring): void {
    const { waitsAfter, waitsBefore } = waiting;
    if (waitsAfter !== undefined) waitsAfter.waitsBefore = waitsBefore;
    else if (this.#first === waiting) this.#first = waitsBefore;
    if (waitsBefore !== undefined) waitsBefore.waitsAfter = waitsAfter;
    waiting.waitsAfter = undefined;
    waiting.waitsBefore = undefined;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#first = undefined;
  }

  #check(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const waiting of this.#overdue(nowMs)) {
      // What the ones before were answered with may have ended its wait.
      if (waiting !== this.#first && waiting.waitsAfter === undefined) continue;
      this.remove(waiting);
      waiting.expired();
    }
    this.#timer =
      this.#first === undefined ? undefined : this.#clock.setTimer(CHECK_MS, () => this.#check(), { unref: true });
  }

  #overdue(nowMs: number): Expiring[] {
    const overdue: Expiring[] = [];
    for (let waiting = this.#first; waiting !== undefined; waiting = waiting.waitsBefore) {
      if (waiting.deadlineMs <= nowMs) overdue.push(waiting);
    }
    return overdue;
  }
}
