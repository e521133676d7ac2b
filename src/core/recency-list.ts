/**
 * Things in the order of their last use. They are linked to each other, so that a use is a few assignments: a Set, from which each is
 * taken and put back, has to be made anew again and again. ◇
 */

/** What is in a list; a thing is in one list at most. Guarded by: only the list writes these. */
export interface Recent<T> {
  newer: T | undefined;
  older: T | undefined;
}

export class RecencyList<T extends Recent<T>> {
  #newest: T | undefined;
  #oldest: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The one whose last use was longest ago; those after it are its `newer` ones. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** `item` is used now, and in the list from now on. */
  touch(item: T): void {
    if (item === this.#newest) return;
    this.remove(item);
    item.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
    this.#size++;
  }

  /** One that is not in the list is left alone. */
  remove(item: T): void {
    const { newer, older } = item;
    if (older === undefined && item !== this.#oldest) return;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    item.newer = undefined;
    item.older = undefined;
    this.#size--;
  }
}
