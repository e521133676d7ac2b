/** One after the other: work that must not run twice at a time, whoever asks for it. ◇ */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything that asked before has ended, however it ended. */
  take<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
