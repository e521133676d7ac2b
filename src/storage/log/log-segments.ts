/** The segments of a log together with what they hold: handles, indexes in memory, names in the folder, and what of them is damaged. */

import type { AbortedTxn } from '#protocol';
import type { TopicConfig } from '../config.ts';
import { DamageBook, type DamagedRange, damageText } from '../recovery/damage-book.ts';
import { lastOffsetAt } from '../segment/batch-frame.ts';
import { type DamagedPlace, scanThrough } from '../segment/batch-scan.ts';
import { LOG_SUFFIX } from '../segment/file-names.ts';
import { loadSealedIndexes, rebuildSealedIndexes } from '../segment/index-files.ts';
import { RetiredSegments } from '../segment/retired-segments.ts';
import { Segment } from '../segment/segment.ts';
import { SegmentList } from '../segment/segment-list.ts';
import { type Location, lookUp } from '../segment/segment-lookup.ts';
import { loadTransactions } from '../segment/transaction-files.ts';
import type { TransactionIndex } from '../segment/transaction-index.ts';
import type { LogHome } from './log-home.ts';
import type { SegmentSource } from './log-reader.ts';
import type { TimedSegments } from './time-lookup.ts';

export interface SegmentsOwner {
  readonly folder: string;
  readonly config: TopicConfig;
  readonly logEndOffset: number;
  /** As its folder is called. */
  readonly name: string;
  /** Below this offset compaction may have taken records away, also the last ones of a segment. */
  readonly compactedTo: number;
  /** Nothing of it may be changed. */
  readonly isReadOnly: boolean;
}

export class LogSegments extends SegmentList implements SegmentSource, TimedSegments {
  readonly #home: LogHome;
  readonly #owner: SegmentsOwner;
  readonly #retired: RetiredSegments;
  readonly damage: DamageBook;
  #isClosed = false;

  constructor(home: LogHome, owner: SegmentsOwner, segments: readonly Segment[], damage: readonly DamagedRange[] = []) {
    super(segments);
    this.damage = new DamageBook(damage);
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

  get config(): TopicConfig {
    return this.#owner.config;
  }

  /** Where `segment` ends. */
  endOffset(segment: Segment): number {
    return this.endOffsetOf(segment, this.#owner.logEndOffset);
  }

  async loadIndexes(segment: Segment): Promise<void> {
    await loadSealedIndexes(this.#home, segment, this.endOffset(segment), this.config);
    this.holdIndexes(segment);
  }

  /** Those of the active segment are those that were written. */
  async rebuildIndexes(segment: Segment): Promise<void> {
    if (segment === this.active) return;
    await rebuildSealedIndexes(this.#home, segment, this.endOffset(segment), this.config);
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
    const { folder, isReadOnly } = this.#owner;
    const files = { disk, folder, logger, segments: this.all, isReadOnly };
    const index = await loadTransactions(files, segment, this.endOffset(segment));
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

  isDamaged(offset: number): boolean {
    return this.damage.at(offset) !== undefined;
  }

  async lookUp(segment: Segment, offset: number): Promise<Location> {
    // Another segment has its offsets.
    if (segment.isRetired) return { kind: 'end', nextOffset: segment.baseOffset };
    const endOffset = this.endOffset(segment);
    if (segment.indexes === undefined) await this.loadIndexes(segment);
    const { location, places, isIndexWrong } = await lookUp(segment, offset, endOffset);
    if (segment.isRetired) return location;
    for (const place of places) this.noteDamage(segment, place);
    if (isIndexWrong) await this.rebuildIndexes(segment);
    const place = location.kind === 'end' ? this.#checkEnd(segment, location.nextOffset) : undefined;
    return place === undefined ? location : { kind: 'damage', place };
  }

  /** Reads all of the closed `segment` and notes what is damaged. `spent`: waited for after each read of so many bytes. */
  async verify(segment: Segment, spent: (bytes: number) => Promise<void>): Promise<void> {
    const endOffset = this.endOffset(segment);
    const range = { position: 0, endPosition: segment.writtenBytes, nextOffset: segment.baseOffset, endOffset, spent };
    let lastEnd = segment.baseOffset;
    await scanThrough(
      segment.file(),
      range,
      (buffer, at) => {
        lastEnd = lastOffsetAt(buffer, at) + 1;
        return false;
      },
      (place) => {
        lastEnd = place.endOffset;
        if (!segment.isRetired) this.noteDamage(segment, place);
        return false;
      },
    );
    if (!segment.isRetired) this.#checkEnd(segment, lastEnd);
  }

  /** Whether records between `nextOffset` and the next segment are missing, where compaction has not taken them; that is noted. */
  #checkEnd(segment: Segment, nextOffset: number): DamagedPlace | undefined {
    const next = this.after(segment);
    if (next === undefined || next.baseOffset <= Math.max(nextOffset, this.#owner.compactedTo)) return undefined;
    const endOffset = next.baseOffset;
    const position = segment.writtenBytes;
    const damage = `it ends with offset ${nextOffset - 1}, and the next segment begins with offset ${endOffset}`;
    const place = { position, endPosition: position, startOffset: nextOffset, endOffset, damage };
    this.noteDamage(segment, place);
    return place;
  }

  /** What was found damaged in `segment` is told, and no read looks at it again. */
  noteDamage(segment: Segment, place: DamagedPlace): void {
    const range = { ...place, file: segment.path(LOG_SUFFIX) };
    segment.doubt(place.position);
    if (this.#isClosed || !this.has(segment) || !this.damage.note(range)) return;
    this.#home.logger.error({ log: this.#owner.name, ...range }, `${this.#owner.name}: ${damageText(range)}`);
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
