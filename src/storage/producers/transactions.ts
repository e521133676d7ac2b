/**
 * The transactions of a log that readers of committed records wait for. ◇
 *
 *   open      its first batch is in the log, its marker is not
 *   decided   its marker is in the log, at or above the high watermark: who leads next may not have it
 *
 * The first offset of all of them is the first unstable offset; below it, and below the high watermark, all is stable.
 */
import { assert } from '#core';

interface DecidedTransaction {
  readonly firstOffset: number;
  /** That of the marker. */
  readonly lastOffset: number;
}

export class Transactions {
  /** First offsets, ascending. */
  #open = new Set<number>();
  /** Ascending by `lastOffset`. */
  #decided: DecidedTransaction[] = [];

  /** Undefined when there is no transaction to wait for. */
  firstUnstableOffset(highWatermark: number): number | undefined {
    let first = this.#firstOpen();
    for (let index = this.#decided.length - 1; index >= 0; index--) {
      const { firstOffset, lastOffset } = this.#decided[index];
      if (lastOffset < highWatermark) break;
      if (first === undefined || firstOffset < first) first = firstOffset;
    }
    return first;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** A transaction begins at `firstOffset`, above all that have begun. */
  begin(firstOffset: number): void {
    this.#open.add(firstOffset);
  }

  /**
   * The marker of the open transaction that began at `firstOffset` is at `lastOffset`.
   *
   * @returns the first offset of the other open ones; `lastOffset` + 1 when there is none
   */
  end(firstOffset: number, lastOffset: number): number {
    assert(this.#open.delete(firstOffset), `no transaction is open that began at offset ${firstOffset}`);
    this.#decided.push({ firstOffset, lastOffset });
    return this.#firstOpen() ?? lastOffset + 1;
  }

  /** What lies below `highWatermark`, which does not go back, is committed. */
  committed(highWatermark: number): void {
    let count = 0;
    while (count < this.#decided.length && this.#decided[count].lastOffset < highWatermark) count++;
    if (count > 0) this.#decided.splice(0, count);
  }

  /** Nothing from `endOffset` on was ever there; it was not committed. */
  revert(endOffset: number): void {
    const reopened = this.#decided.filter(({ lastOffset }) => lastOffset >= endOffset);
    if (reopened.length > 0) this.#decided.splice(-reopened.length);
    const firstOffsets = [...this.#open, ...reopened.map(({ firstOffset }) => firstOffset)];
    this.#open = new Set(firstOffsets.filter((offset) => offset < endOffset).sort((a, b) => a - b));
  }

  #firstOpen(): number | undefined {
    return this.#open.values().next().value;
  }
}
