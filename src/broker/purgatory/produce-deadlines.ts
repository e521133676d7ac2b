/**
 * Produce requests wait for the high watermark as long as their client says, not longer. One timer for all of them, coarse on purpose:
 * in a healthy broker nobody ever reaches the deadline, so it must cost nothing per request.
 */
import type { Clock, Timer } from '#core';

/** How late a deadline may be noticed. */
const CHECK_MS = 500;

export interface Expiring {
  /** Monotonic milliseconds. */
  readonly deadlineMs: number;
  /** Called at most once, and not after `remove`. */
  expired(): void;
}

export class ProduceDeadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Expiring>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(waiting: Expiring): void {
    this.#waiting.add(waiting);
    this.#timer ??= this.#clock.setTimer(CHECK_MS, () => this.#check(), { unref: true });
  }

  remove(waiting: Expiring): void {
    this.#waiting.delete(waiting);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #check(): void {
    const nowMs = this.#clock.now().monotonicMs;
    for (const waiting of this.#waiting) {
      if (waiting.deadlineMs > nowMs) continue;
      this.#waiting.delete(waiting);
      waiting.expired();
    }
    this.#timer =
      this.#waiting.size === 0 ? undefined : this.#clock.setTimer(CHECK_MS, () => this.#check(), { unref: true });
  }
}
