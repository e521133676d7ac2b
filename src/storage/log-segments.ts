/** The segments of a log together with what they hold: handles, indexes in memory, names in the folder. */

import type { AbortedTxn } from '#protocol';
import type { TopicConfig } from './config.ts';
import { loadSealedIndexes, rebuildSealedIndexes } from './index-files.ts';
import type { LogHome } from './log-home.ts';
import type { SegmentSource } from './log-reader.ts';
import { RetiredSegments } from './retired-segments.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { loadTransactions } from './transaction-files.ts';
import type { TransactionIndex } from './transaction-index.ts';

export interface SegmentsOwner {
  readonly folder: string;
  readonly config: TopicConfig;
  readonly logEndOffset: number;
}

export class LogSegments extends SegmentList implements SegmentSource {
  readonly #home: LogHome;
  readonly #owner: SegmentsOwner;
  readonly #retired: RetiredSegments;
  #isClosed = false;

  constructor(home: LogHome, owner: SegmentsOwner, segments: readonly Segment[]) {
    super(segments);
    this.#home = home;
    this.#owner = owner;
    this.#retired = new RetiredSegments(home);
  }

  /** Begins the next segment at the end of the log; the former one is finished. Touches the disk at once. */
  roll(wallMs: number): void {
    const { disk, random } = this.#home;
    const { folder, logEndOffset, config } = this.#owner;
    const next = new Segment(disk, folder, logEndOffset, wallMs, random.float());
    next.create(config);
    this.add(next);
  }

  floorSegment(offset: number): Segment | undefined {
    return this.floor(offset);
  }

  segmentAfter(segment: Segment): Segment | undefined {
    return this.after(segment);
  }

  async loadIndexes(segment: Segment): Promise<void> {
    const { config, logEndOffset } = this.#owner;
    const endOffset = this.endOffsetOf(segment, logEndOffset);
    await loadSealedIndexes(this.#home, segment, endOffset, config);
    this.holdIndexes(segment);
  }

  async rebuildIndexes(segment: Segment): Promise<void> {
    if (segment === this.active) return;
    await rebuildSealedIndexes(this.#home, segment, this.#owner.config);
    this.holdIndexes(segment);
  }

  /**
   * The aborted transactions that have records from `offset` on and below `endOffset`, in the order of their markers. A promise when
   * an index must be loaded.
   */
  abortedIn(offset: number, endOffset: number): AbortedTxn[] | Promise<AbortedTxn[]> {
    const found: AbortedTxn[] = [];
    for (const segment of this.from(offset)) {
      if (!segment.isTransactionsLoaded) return this.#loadAborted(offset, endOffset);
      if (segment.transactions?.collect(offset, endOffset, found) === true) break;
    }
    return found;
  }

  /** The aborted transactions that end in `segment`. */
  async transactionsOf(segment: Segment): Promise<TransactionIndex | undefined> {
    if (segment.isTransactionsLoaded) return segment.transactions;
    const { disk, logger } = this.#home;
    const { folder, logEndOffset } = this.#owner;
    const endOffset = this.endOffsetOf(segment, logEndOffset);
    const index = await loadTransactions({ disk, folder, logger, segments: this.all }, segment, endOffset);
    this.holdIndexes(segment);
    return index;
  }

  async #loadAborted(offset: number, endOffset: number): Promise<AbortedTxn[]> {
    const found: AbortedTxn[] = [];
    for (const segment of this.from(offset)) {
      const index = await this.transactionsOf(segment);
      if (index?.collect(offset, endOffset, found) === true) break;
    }
    return found;
  }

  /** The indexes of `segment` count against the memory of the directory, which may take them back. */
  holdIndexes(segment: Segment): void {
    if (!this.#isClosed && this.has(segment)) segment.holdIndexes(this.#home.budget);
  }

  /** `fresh` is in the place of `replaced`: their files go after `file.delete.delay.ms`. */
  retire(replaced: readonly Segment[], fresh: Segment): void {
    this.holdIndexes(fresh);
    this.#retired.add(replaced, fresh, this.#owner.config['file.delete.delay.ms']);
  }

  /** For good; the segment is out of the log, or the log at its end. */
  closeSegment(segment: Segment): void {
    segment.close();
    this.#home.budget.leave(segment, segment.shed());
  }

  close(): void {
    this.#isClosed = true;
    for (const segment of this.all) this.closeSegment(segment);
    this.#retired.clear();
  }
}
