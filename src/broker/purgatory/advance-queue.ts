/**
 * Parked fetches that have something to do run together when the present task ends: whatever else becomes readable in it, on other
 * partitions, goes into the same answer, and nobody's stack grows out of somebody else's append. Not in the next turn: what all logs have
 * written in this one is readable by then, and who waits for records should not wait for a look at the sockets as well.
 */

/** Something that was woken. It may be woken again later. */
export interface Wakeable {
  run(): void;
}

export class AdvanceQueue {
  #woken = new Set<Wakeable>();

  /** Runs `wakeable` at the end of the task; once, however often it is woken until then. */
  wake(wakeable: Wakeable): void {
    if (this.#woken.size === 0) void Promise.resolve().then(this.#drain);
    this.#woken.add(wakeable);
  }

  readonly #drain = (): void => {
    const woken = this.#woken;
    this.#woken = new Set();
    for (const wakeable of woken) wakeable.run();
  };
}
