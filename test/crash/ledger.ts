/**
 * The books of the kill loop. The client numbers its records 0, 1, 2 … and sends number n to partition n % count, so with order
 * kept, nothing lost and nothing repeated, offset o of partition p holds number p + o × count: whatever else is there is a violation.
 */
export interface Acknowledged {
  readonly number: number;
  readonly partition: number;
  readonly offset: number;
}

export class Ledger {
  readonly #partitionCount: number;
  /** Per partition: the number at the last offset seen, and the offset after it. */
  readonly #lastNumbers: number[];
  readonly #endOffsets: number[];
  #acknowledgedCount = 0;
  readonly violations = { lost: 0, outOfOrder: 0, duplicate: 0 };
  /** The first ones, in words. */
  readonly examples: string[] = [];

  constructor(partitionCount: number) {
    this.#partitionCount = partitionCount;
    this.#lastNumbers = Array.from({ length: partitionCount }, (_, partition) => partition - partitionCount);
    this.#endOffsets = Array.from({ length: partitionCount }, () => 0);
  }

  get acknowledgedCount(): number {
    return this.#acknowledgedCount;
  }

  get storedCount(): number {
    return this.#endOffsets.reduce((sum, offset) => sum + offset, 0);
  }

  get violationCount(): number {
    return Object.values(this.violations).reduce((sum, count) => sum + count, 0);
  }

  /** Where reading goes on. */
  endOffset(partition: number): number {
    return this.#endOffsets[partition];
  }

  /** The next record of a partition, in the order of its offsets. */
  stored(partition: number, offset: number, number: number): void {
    const expectedOffset = this.#endOffsets[partition];
    const last = this.#lastNumbers[partition];
    const where = `partition ${partition}, offset ${offset}, number ${number}`;
    if (offset !== expectedOffset) this.#violated('lost', `${where}: offset ${expectedOffset} was expected`);
    if (number === last) this.#violated('duplicate', `${where}: it comes again`);
    else if (number < last) this.#violated('outOfOrder', `${where}: it comes after ${last}`);
    else if (number !== last + this.#partitionCount) this.#violated('lost', `${where}: it comes after ${last}`);
    this.#lastNumbers[partition] = Math.max(last, number);
    this.#endOffsets[partition] = offset + 1;
  }

  /** An answer the client had before the partition was read up to `endOffsets`. */
  acknowledged({ number, partition, offset }: Acknowledged, endOffsets: readonly number[]): void {
    this.#acknowledgedCount++;
    const where = `number ${number} was acknowledged at partition ${partition}, offset ${offset}`;
    if (offset >= endOffsets[partition])
      this.#violated('lost', `${where}, and the partition ends at ${endOffsets[partition]}`);
    else if (number !== partition + offset * this.#partitionCount)
      this.#violated('lost', `${where}, where another number lies`);
  }

  #violated(kind: keyof Ledger['violations'], text: string): void {
    this.violations[kind]++;
    if (this.examples.length < 10) this.examples.push(`${kind}: ${text}`);
  }
}
