/**
 * Members sorted by load, then by index: the least loaded first. Members are indexes into a list sorted by id, so equal loads are ordered
 * by id. A member's place is found by binary search, which is why its load may change only through this class.
 */
export class LoadOrder {
  readonly #loads: Uint32Array;
  readonly #order: number[] = [];

  constructor(memberCount: number) {
    this.#loads = new Uint32Array(memberCount);
  }

  /** How many members take part. */
  get count(): number {
    return this.#order.length;
  }

  load(member: number): number {
    return this.#loads[member];
  }

  /** Sets the load of a member that is not (yet) in the order. */
  setLoad(member: number, load: number): void {
    this.#loads[member] = load;
  }

  /** The member at `rank`, 0 being the least loaded. */
  at(rank: number): number {
    return this.#order[rank];
  }

  /** The most loaded member. */
  last(): number {
    return this.#order[this.#order.length - 1];
  }

  add(member: number): void {
    this.#order.splice(this.#rankOf(member), 0, member);
  }

  remove(member: number): void {
    this.#order.splice(this.#rankOf(member), 1);
  }

  /** Changes a member's load by `delta` and its rank with it. */
  move(member: number, delta: number): void {
    this.remove(member);
    this.#loads[member] += delta;
    this.add(member);
  }

  /** Sum of the load differences of all pairs: 0 is perfect. */
  imbalance(): number {
    let sum = 0;
    let loadsBefore = 0;
    for (const [rank, member] of this.#order.entries()) {
      sum += this.#loads[member] * rank - loadsBefore;
      loadsBefore += this.#loads[member];
    }
    return sum;
  }

  #rankOf(member: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#order[middle];
      if (this.#loads[other] < this.#loads[member] || (this.#loads[other] === this.#loads[member] && other < member)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
