/**
 * The one thing that a waiting `poll()` waits on. Whoever changes something that poll could act on raises the signal;
 * a raise without a waiter is remembered, so nothing is missed between looking and waiting.
 */
import type { Clock } from '#core';

/** At most one waiter at a time (poll refuses to run twice). No timer or promise exists while nobody waits. */
export class Signal {
  readonly #clock: Clock;
  #isRaised = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  raise(): void {
    this.#isRaised = true;
    this.#wake?.();
  }

  /** Forgets earlier raises: to be called before looking at the state, so that later raises count. */
  lower(): void {
    this.#isRaised = false;
  }

  /** Resolves when the signal is raised, at once if it is already, or after `timeoutMs`. */
  wait(timeoutMs: number): Promise<void> {
    if (this.#isRaised) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(Math.max(1, timeoutMs), () => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        timer.cancel();
        resolve();
      };
    });
  }
}
