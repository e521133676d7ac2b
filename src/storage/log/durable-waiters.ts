/** Callbacks that wait until a log is durable up to an offset, in order of that offset; without a promise for each. */

export type DurableCallback = (error?: Error) => void;

interface Waiter {
  readonly endOffset: number;
  readonly callback: DurableCallback;
}

export class DurableWaiters {
  #waiters: Waiter[] = [];

  get count(): number {
    return this.#waiters.length;
  }

  /** Nearly always the largest offset so far; those with equal offsets keep their order. */
  add(endOffset: number, callback: DurableCallback): void {
    let index = this.#waiters.length;
    while (index > 0 && this.#waiters[index - 1].endOffset > endOffset) index--;
    if (index === this.#waiters.length) this.#waiters.push({ endOffset, callback });
    else this.#waiters.splice(index, 0, { endOffset, callback });
  }

  /** Calls all that wait for `durableEndOffset` or less. */
  advance(durableEndOffset: number): void {
    const waiters = this.#waiters;
    let count = 0;
    while (count < waiters.length && waiters[count].endOffset <= durableEndOffset) count++;
    if (count === 0) return;
    for (const { callback } of waiters.splice(0, count)) callback();
  }

  /** Those that wait for more than `endOffset` wait in vain. */
  failAbove(endOffset: number, error: Error): void {
    const first = this.#waiters.findIndex((waiter) => waiter.endOffset > endOffset);
    if (first < 0) return;
    for (const { callback } of this.#waiters.splice(first)) callback(error);
  }

  fail(error: Error): void {
    for (const { callback } of this.#waiters.splice(0)) callback(error);
  }
}
