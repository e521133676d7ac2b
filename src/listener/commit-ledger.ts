/**
 * The commit ledger: which records were delivered, which are handled, and therefore up to where a partition may be committed.
 * Pure. Its one promise, the base of all ack modes: **a position is committable only when every delivered record below it is
 * handled**, in whatever order they finish.
 *
 *     delivered   10 11 12 15 16        (13, 14 never existed: compacted, or transaction markers)
 *     handled      x  x     x
 *     committable       12
 *
 * A partition's page lives from its assignment (or rewind) to its loss; completions that arrive for a closed page, or for a
 * record that was rewound meanwhile, are late and count for nothing.
 */
import { assert } from '#core';
import { PartitionMap, type TopicPartition, type TopicPartitionLike } from '#serde';

/** One partition's part of the ledger. */
export class LedgerPage {
  readonly topicPartition: TopicPartition;
  /** Delivered and not yet below the committable position, in offset order from `head` on. */
  private offsets: number[] = [];
  private head = 0;
  private readonly handledAhead = new Set<number>();
  /** The position up to which everything is handled; -1 when nothing is known. */
  private next = -1;
  private committedNext = -1;
  private countSinceCommit = 0;
  private closed = false;

  constructor(topicPartition: TopicPartition) {
    this.topicPartition = topicPartition;
  }

  /** A record is about to be handed to the listener. Offsets rise. */
  deliver(offset: number): void {
    const last = this.lastDelivered();
    assert(offset > last, `${this.topicPartition}: offset ${offset} delivered after ${last}`);
    this.offsets.push(offset);
  }

  /** A record is handled. Returns false when it is not expected here (late, or handled before). */
  handle(offset: number): boolean {
    if (this.closed) return false;
    const { offsets } = this;
    if (this.head < offsets.length && offsets[this.head] === offset) {
      this.head++;
      this.advanceOverHandled();
      this.next = offsets[this.head - 1] + 1;
      if (this.head === offsets.length) this.forgetHandled();
      else if (this.head > 1024) this.trim();
    } else {
      if (!this.isOutstanding(offset) || this.handledAhead.has(offset)) return false;
      this.handledAhead.add(offset);
    }
    this.countSinceCommit++;
    return true;
  }

  /** As if every delivered record up to and including `offset` were handled (Spring's highest-ack rule). */
  handleUpTo(offset: number): boolean {
    let isKnown = false;
    while (this.head < this.offsets.length && this.offsets[this.head] <= offset) {
      isKnown = this.handle(this.offsets[this.head]) || isKnown;
    }
    return isKnown;
  }

  /** Whether `offset` comes after everything delivered so far; if not, the partition was rewound and needs a fresh page. */
  follows(offset: number): boolean {
    return offset > this.lastDelivered();
  }

  /** Delivered and not yet handled. */
  get outstandingCount(): number {
    return this.offsets.length - this.head - this.handledAhead.size;
  }

  get oldestOutstanding(): number | undefined {
    return this.head < this.offsets.length ? this.offsets[this.head] : undefined;
  }

  /** Handled records since the last commit (those that wait behind a gap included). */
  get handledCount(): number {
    return this.countSinceCommit;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** The position to commit, when it is beyond the last committed one. */
  committable(): number | undefined {
    return !this.closed && this.next > this.committedNext ? this.next : undefined;
  }

  committed(next: number): void {
    if (next > this.committedNext) this.committedNext = next;
    this.countSinceCommit = 0;
  }

  /** What was reported as committed was not: it is committable again. */
  recommit(): void {
    this.committedNext = -1;
    this.countSinceCommit++;
  }

  close(): void {
    this.closed = true;
  }

  private lastDelivered(): number {
    return this.head < this.offsets.length ? this.offsets[this.offsets.length - 1] : this.next - 1;
  }

  private isOutstanding(offset: number): boolean {
    let low = this.head;
    let high = this.offsets.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.offsets[middle] === offset) return true;
      if (this.offsets[middle] < offset) low = middle + 1;
      else high = middle - 1;
    }
    return false;
  }

  private advanceOverHandled(): void {
    while (this.handledAhead.size > 0 && this.handledAhead.delete(this.offsets[this.head])) this.head++;
  }

  private forgetHandled(): void {
    this.offsets.length = 0;
    this.head = 0;
  }

  private trim(): void {
    this.offsets = this.offsets.slice(this.head);
    this.head = 0;
  }
}

export class CommitLedger {
  private readonly pages = new PartitionMap<LedgerPage>();

  /** The open page of a partition; a fresh one when there is none. */
  page(of: TopicPartition): LedgerPage {
    return this.pages.getOrSet(of, () => new LedgerPage(of));
  }

  /** The page to deliver a record at `offset` on: a fresh one when the partition was rewound. */
  pageFor(of: TopicPartition, offset: number): LedgerPage {
    const page = this.page(of);
    if (page.follows(offset)) return page;
    this.close(of);
    return this.page(of);
  }

  find(of: TopicPartitionLike): LedgerPage | undefined {
    return this.pages.get(of);
  }

  /** The partition is gone, or will be read again from an earlier position: nothing that was delivered counts any more. */
  close(of: TopicPartitionLike): void {
    this.pages.get(of)?.close();
    this.pages.delete(of);
  }

  closeAll(): void {
    for (const [of] of [...this.pages]) this.close(of);
  }

  /** Positions that may be committed now, of all partitions or of those given. */
  committable(only?: readonly TopicPartitionLike[]): PartitionMap<number> {
    const positions = new PartitionMap<number>();
    for (const page of only === undefined ? this.pages.values() : only.map((of) => this.pages.get(of))) {
      const next = page?.committable();
      if (page !== undefined && next !== undefined) positions.set(page.topicPartition, next);
    }
    return positions;
  }

  /** These positions were committed. */
  committed(positions: PartitionMap<number>): void {
    for (const [of, next] of positions) this.pages.get(of)?.committed(next);
  }

  /** A commit of these positions failed after it had been reported. */
  recommit(positions: PartitionMap<number>): void {
    for (const [of] of positions) this.pages.get(of)?.recommit();
  }

  /** Handled since the last commit, over all partitions. */
  get handledCount(): number {
    let count = 0;
    for (const [, page] of this.pages) count += page.handledCount;
    return count;
  }

  get outstandingCount(): number {
    let count = 0;
    for (const [, page] of this.pages) count += page.outstandingCount;
    return count;
  }

  /** The oldest record of each partition that waits to be handled. */
  oldestOutstanding(): PartitionMap<number> {
    const oldest = new PartitionMap<number>();
    for (const [of, page] of this.pages)
      if (page.oldestOutstanding !== undefined) oldest.set(of, page.oldestOutstanding);
    return oldest;
  }
}
