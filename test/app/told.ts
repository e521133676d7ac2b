/** What listeners tell, in order, and a way to wait for it. */
export class Told {
  readonly #seen: string[] = [];
  #waiting: { count: number; done: (seen: string[]) => void } | undefined;

  add(text: string): void {
    this.#seen.push(text);
    if (this.#waiting !== undefined && this.#seen.length >= this.#waiting.count) this.#waiting.done([...this.#seen]);
  }

  /** Resolves when so many texts were told. */
  first(count: number): Promise<string[]> {
    return new Promise((done) => {
      if (this.#seen.length >= count) done([...this.#seen]);
      else this.#waiting = { count, done };
    });
  }
}
