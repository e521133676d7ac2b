/**
 * Memory that many connections share. Each has a share that it keeps up to date; when the budget is used up, whoever needs more waits,
 * and is called when there is room. The first of those that wait may go on all the same while everything that is used belongs to
 * those that wait: nobody else would ever give anything back. So the budget is exceeded by what one of them needs at most. ◇
 */

/** What one connection uses of a budget. */
export interface BudgetShare {
  /** Only the budget writes it. */
  bytes: number;
  /** Called when `admits` may answer true now. */
  resume(): void;
}

export class ByteBudget {
  readonly bytesMax: number;
  #usedBytes = 0;
  /** Of those that wait. */
  #waitingBytes = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<BudgetShare>();
  #isWaking = false;
  #isWakeDue = false;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.bytesMax - this.#usedBytes);
  }

  get isFull(): boolean {
    return this.#usedBytes >= this.bytesMax;
  }

  /** `share` uses so many bytes from now on. */
  set(share: BudgetShare, bytes: number): void {
    const more = bytes - share.bytes;
    if (more === 0) return;
    share.bytes = bytes;
    this.#usedBytes += more;
    if (this.#waiting.has(share)) this.#waitingBytes += more;
    if (more < 0) this.#wake();
  }

  /** May `share` take more? If not, it waits until `resume` is called. */
  admits(share: BudgetShare): boolean {
    if (!this.isFull) {
      if (this.#waiting.size > 0) this.#stopWaiting(share);
      return true;
    }
    if (!this.#waiting.has(share)) {
      this.#waiting.add(share);
      this.#waitingBytes += share.bytes;
    }
    if (this.#isFirstOfAll(share)) return true;
    // The last one that did not wait may have come to wait: then it is the first one's turn.
    this.#wake();
    return false;
  }

  /** Needs nothing more for now. */
  release(share: BudgetShare): void {
    if (this.#stopWaiting(share)) this.#wake();
  }

  #isFirstOfAll(share: BudgetShare): boolean {
    const [first] = this.#waiting;
    return first === share && this.#waitingBytes === this.#usedBytes;
  }

  #stopWaiting(share: BudgetShare): boolean {
    if (!this.#waiting.delete(share)) return false;
    this.#waitingBytes -= share.bytes;
    return true;
  }

  /** Those that are called may give back or take: that is looked at when all were called, not within. */
  #wake(): void {
    this.#isWakeDue = true;
    if (this.#isWaking) return;
    this.#isWaking = true;
    while (this.#isWakeDue) {
      this.#isWakeDue = false;
      const [first] = this.#waiting;
      if (!this.isFull) for (const share of [...this.#waiting]) share.resume();
      else if (first !== undefined && this.#isFirstOfAll(first)) first.resume();
    }
    this.#isWaking = false;
  }
}
