/** `flush.ms`: has a log synced so long after the first record that is not, though nobody waits for it. Off by default. */
import type { Clock, Timer } from '#core';

/** What Kafka's largest long, its "never", is here. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

export class FlushTimer {
  readonly #clock: Clock;
  readonly #flush: () => void;
  #timer: Timer | undefined;
  /** When the first record after the last flush was seen; undefined while there is none, or nobody counts. */
  #dirtySinceMs: number | undefined;
  #dueMs = 0;

  constructor(clock: Clock, flush: () => void) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** The log was written to or synced, or `flush.ms` has changed. */
  update(isDirty: boolean, flushMs: number): void {
    if (!isDirty || flushMs === NEVER_MS) {
      this.#dirtySinceMs = undefined;
      this.cancel();
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    this.#dirtySinceMs ??= nowMs;
    const dueMs = this.#dirtySinceMs + flushMs;
    if (this.#timer !== undefined && this.#dueMs === dueMs) return;
    this.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.setTimer(Math.max(0, dueMs - nowMs), () => this.#fire(), { unref: true });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
    this.#flush();
  }
}
