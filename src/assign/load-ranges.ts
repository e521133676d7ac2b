/**
 * The readers of a topic in the order of their loads, with two ranges that grow towards each other: those with the fewest partitions, who are
 * given one each before the range rises by one and takes in the next, and those with the most, who give one each before it falls by one.
 *
 *     load │ least          most      ##   readers that have nothing to give lie
 *          │ loaded        [##<-   ]##     right of the range
 *          │ [...->  ]   ##[#######]##
 *          │ [#######]#####[#######]##
 *          └───────────────────────────
 *
 * Loads are the caller's and change while the ranges are walked: each step is followed by a move.
 */
export class LoadRanges {
  /** Largest load minus smallest, at the beginning. */
  readonly imbalance: number;
  readonly #sorted: number[];
  readonly #loads: readonly number[];
  #leastEnd = 0;
  #leastLoad: number;
  #nextLeast = 0;
  #mostStart: number;
  #mostEnd: number;
  #mostLoad: number;
  #nextMost: number;

  /** `readers`: indexes into `loads`, ascending, at least one. */
  constructor(readers: readonly number[], loads: readonly number[]) {
    this.#loads = loads;
    this.#sorted = [...readers].sort((left, right) => loads[left] - loads[right] || left - right);
    const { length } = this.#sorted;
    this.#leastLoad = loads[this.#sorted[0]] - 1;
    this.#mostLoad = loads[this.#sorted[length - 1]] + 1;
    this.#mostStart = length;
    this.#mostEnd = length;
    this.#nextMost = length - 1;
    this.imbalance = this.#mostLoad - this.#leastLoad - 2;
  }

  get isBalanced(): boolean {
    return this.#mostLoad - this.#leastLoad <= 1;
  }

  /** The reader that is to be given a partition. */
  nextLeastLoaded(): number {
    if (this.#nextLeast >= this.#leastEnd) {
      this.#leastLoad++;
      while (this.#leastEnd < this.#sorted.length && this.#loads[this.#sorted[this.#leastEnd]] === this.#leastLoad) {
        this.#leastEnd++;
      }
      this.#nextLeast = 0;
    }
    return this.#sorted[this.#nextLeast++];
  }

  /** The reader that is to give one, -1 when nobody is left. */
  nextMostLoaded(): number {
    if (this.#nextMost < this.#mostStart) {
      const isEmptied = this.#mostEnd <= this.#mostStart && this.#mostStart > 0;
      this.#mostLoad = isEmptied ? this.#loads[this.#sorted[this.#mostStart - 1]] : this.#mostLoad - 1;
      while (this.#mostStart > 0 && this.#loads[this.#sorted[this.#mostStart - 1]] === this.#mostLoad) {
        this.#mostStart--;
      }
      this.#nextMost = this.#mostEnd - 1;
    }
    return this.#nextMost < 0 ? -1 : this.#sorted[this.#nextMost--];
  }

  /** Takes the reader that `nextMostLoaded` gave last out of the range: it has nothing to give. */
  excludeMostLoaded(): void {
    const at = this.#nextMost + 1;
    const last = this.#mostEnd - 1;
    const excluded = this.#sorted[at];
    this.#sorted[at] = this.#sorted[last];
    this.#sorted[last] = excluded;
    this.#mostEnd--;
  }
}
