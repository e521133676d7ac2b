/** ◇ A queue that stays fast when it is long: taking from the front moves an index, not the elements. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Everything, oldest first; the queue is empty afterwards. */
  takeAll(): T[] {
    const all = this.toArray();
    this.#items = [];
    this.#head = 0;
    return all;
  }

  toArray(): T[] {
    return this.#items.slice(this.#head) as T[];
  }
}
