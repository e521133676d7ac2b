/** The timers of a machine, by the names it gave them. */
import type { Clock, Timer } from '#core';
import type { TimerChange } from './machine.ts';

export class MachineTimers {
  readonly #clock: Clock;
  readonly #fire: (name: string) => void;
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock, fire: (name: string) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  change({ name, delayMs }: TimerChange): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    if (delayMs === null) return;
    const fired = (): void => {
      this.#timers.delete(name);
      this.#fire(name);
    };
    this.#timers.set(name, this.#clock.setTimer(delayMs, fired, { unref: true }));
  }

  clear(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
