/**
 * Notices when the event loop of the broker stood still: a blocking handler of the application on the same loop, a suspended laptop, a
 * stopped process. Heartbeats that arrived meanwhile still lie in the sockets, so that time must not count against members. A tick is
 * due every `TICK_MS`; what it comes late beyond `TOLERANCE_MS` is a stall. Whoever is about to act on a due timer calls `observe`
 * first, because after a stall timers fire before sockets are read and possibly before the tick itself.
 */
import type { Clock, Timer } from '#core';

const TICK_MS = 200;
const TOLERANCE_MS = 100;

export class StallMeter {
  readonly #clock: Clock;
  readonly #listeners = new Set<(stalledMs: number) => void>();
  #lastTickMs = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `listener` with the length of each stall, milliseconds, until the returned function is called. Ticks only while somebody listens. */
  onStall(listener: (stalledMs: number) => void): () => void {
    this.#listeners.add(listener);
    if (this.#timer === undefined) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  /** Looks now. Listeners have heard of every stall up to this moment when it returns. */
  observe(): void {
    if (this.#timer === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const lateMs = nowMs - this.#lastTickMs - TICK_MS;
    if (lateMs <= TOLERANCE_MS) return;
    this.#lastTickMs = nowMs;
    for (const listener of this.#listeners) listener(lateMs);
  }

  #start(): void {
    this.#lastTickMs = this.#clock.monotonicMs();
    this.#arm();
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(TICK_MS, () => this.#tick(), { unref: true });
  }

  #tick(): void {
    this.observe();
    this.#lastTickMs = this.#clock.monotonicMs();
    this.#arm();
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
