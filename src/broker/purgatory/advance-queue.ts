/**
 * Parked fetches that have something to do run together in the next turn of the loop: whatever else becomes readable in this turn, on
 * other partitions, goes into the same answer, and nobody's stack grows out of somebody else's append.
 */
import type { Clock } from '#core';

/** Something that was woken. It may be woken again later. */
export interface Wakeable {
  run(): void;
}

export class AdvanceQueue {
  readonly #clock: Clock;
  #woken = new Set<Wakeable>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `wakeable` in the next turn; once, however often it is woken until then. */
  wake(wakeable: Wakeable): void {
    if (this.#woken.size === 0) this.#clock.nextTurn(() => this.#drain());
    this.#woken.add(wakeable);
  }

  #drain(): void {
    const woken = this.#woken;
    this.#woken = new Set();
    for (const wakeable of woken) wakeable.run();
  }
}
