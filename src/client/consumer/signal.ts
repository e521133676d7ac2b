/**
 * What waiting calls wait on. Whoever changes something that a waiter could act on raises the signal. A waiter notes the
 * `version` before it looks at the state and hands it to `wait`, so nothing is missed between looking and waiting.
 */
import type { Clock } from '#core';

/** No timer and no promise exist while nobody waits. */
export class Signal {
  readonly #clock: Clock;
  #version = 0;
  #waiters: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get version(): number {
    return this.#version;
  }

  raise(): void {
    this.#version += 1;
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Resolves once the version is another than `seenVersion`, or after `timeoutMs`. */
  wait(seenVersion: number, timeoutMs: number): Promise<void> {
    if (this.#version !== seenVersion) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        resolve();
      };
      const timer = this.#clock.setTimer(Math.max(1, timeoutMs), () => {
        this.#waiters.splice(this.#waiters.indexOf(wake), 1);
        resolve();
      });
      this.#waiters.push(wake);
    });
  }
}
