/** How late timers fire: what the loop was busy with meanwhile is what every client waited for. Measured only where somebody reads it regularly. */
import { type Clock, Histogram, type Timer } from '#core';

const TICK_MS = 500;

export class LoopLag {
  readonly lateMs = new Histogram();
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    const dueMs = this.#clock.monotonicMs() + TICK_MS;
    this.#timer = this.#clock.setTimer(TICK_MS, () => this.#tick(dueMs), { unref: true });
  }

  #tick(dueMs: number): void {
    this.lateMs.record(Math.max(0, this.#clock.monotonicMs() - dueMs));
    this.#arm();
  }
}
