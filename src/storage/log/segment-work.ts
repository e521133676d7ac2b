/**
 * What is done to whole segments of a log: retention takes them away, the swap that ends a compaction replaces them, one thing after the
 * other, beside appends and reads, which see the log before or after it; the scrub reads them through.
 */
import { errorText } from '#core';
import { swapSegments } from '../compaction/segment-swap.ts';
import type { TopicConfig } from '../config.ts';
import type { CheckpointedLog } from '../directory/directory-checkpoints.ts';
import { planRetention, type RetentionPlan, type RetentionReason } from '../retention/retention.ts';
import type { Segment } from '../segment/segment.ts';
import { renameDeleted } from '../segment/segment-removal.ts';
import type { LogHome } from './log-home.ts';
import type { LogReads } from './log-reads.ts';
import type { LogSegments } from './log-segments.ts';
import type { LogSync } from './log-sync.ts';
import type { LogTrail } from './log-trail.ts';
import type { LogWriter } from './log-writer.ts';

/** Segments that retention took away. */
export interface RemovedSegments {
  /** Why, of each. */
  readonly reasons: readonly RetentionReason[];
  readonly sizeInBytes: number;
  /** Where the log starts now. */
  readonly logStartOffset: number;
  /** Their files, under the names under which they wait for removal. */
  readonly paths: readonly string[];
}

/** The log that is worked on. */
export interface WorkedLog extends CheckpointedLog {
  readonly name: string;
  readonly folder: string;
  readonly config: TopicConfig;
  readonly logEndOffset: number;
  readonly isReadOnly: boolean;
  /** Takes no more records, soon nothing. */
  readonly isClosing: boolean;
  readonly isClosed: boolean;
  moveLogStart(offset: number): void;
}

/** What has to do with segments. */
export interface SegmentParts {
  readonly segments: LogSegments;
  readonly sync: LogSync;
  readonly trail: LogTrail;
  readonly reads: LogReads;
  readonly writer: LogWriter;
}

export class SegmentWork {
  readonly #home: LogHome;
  readonly #log: WorkedLog;
  readonly #segments: LogSegments;
  readonly #sync: LogSync;
  readonly #trail: LogTrail;
  readonly #reads: LogReads;
  readonly #writer: LogWriter;
  /** Settled when nothing is under way. */
  #last: Promise<unknown> = Promise.resolve();
  #firstFileOffset: number;

  constructor(home: LogHome, log: WorkedLog, parts: SegmentParts) {
    this.#home = home;
    this.#log = log;
    this.#segments = parts.segments;
    this.#sync = parts.sync;
    this.#trail = parts.trail;
    this.#reads = parts.reads;
    this.#writer = parts.writer;
    this.#firstFileOffset = parts.segments.first.baseOffset;
  }

  /** The lowest offset that the folder may have a file for: it trails the first segment until names are durable. */
  get firstFileOffset(): number {
    return this.#firstFileOffset;
  }

  /**
   * Takes away the oldest segments whose time has come, at most `countMax`; the log start offset moves up behind them, durably, before
   * their files are renamed. Undefined when there was none. Not to be called again before it has ended. Rejects when the disk refuses;
   * the segments are out of the log then, and their files go at a later start.
   */
  retain(wallMs: number, usesTime: boolean, countMax: number): Promise<RemovedSegments | undefined> {
    return this.#next(() => this.#retain(wallMs, usesTime, countMax));
  }

  /**
   * Puts `fresh`, complete and synced in files that end in `.cleaned`, in the place of `replaced`: closed segments whose indexes are
   * loaded. Reads go on; those under way may still see the old ones. False: the log has changed meanwhile or was closed, and the files
   * of `fresh` are the caller's to remove. Rejects when the disk does; after the new segment was to be seen, the directory is offline.
   */
  replace(replaced: readonly Segment[], fresh: Segment): Promise<boolean> {
    return this.#next(() => this.#swap(replaced, fresh));
  }

  /** Reads all of a closed segment and notes what is damaged. `spent`: waited for after each read of so many bytes. */
  verify(segment: Segment, spent: (bytes: number) => Promise<void>): Promise<void> {
    return this.#segments.verify(segment, spent);
  }

  /** Sees to it that the indexes of `segment` are in memory. */
  loadIndexes(segment: Segment): Promise<void> {
    return this.#segments.loadIndexes(segment);
  }

  /** Closes the active segment, so that it can be worked on. Throws when the disk refuses. */
  roll(wallMs: number): void {
    this.#writer.roll(wallMs);
  }

  /** Nothing below `endOffset` is served from memory any more. */
  forgetBelow(endOffset: number): void {
    this.#reads.forgetBelow(endOffset);
  }

  /** Resolves when nothing is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #next<T>(run: () => Promise<T>): Promise<T> {
    const work = this.#last.then(run);
    this.#last = work.catch(() => {});
    return work;
  }

  async #retain(wallMs: number, usesTime: boolean, countMax: number): Promise<RemovedSegments | undefined> {
    const log = this.#log;
    const plan = await this.#plan(wallMs, { usesTime, countMax });
    if (plan === undefined || plan.reasons.length === 0) return undefined;
    const removed = this.#detach(plan, wallMs);
    try {
      await this.#home.checkpoints.storeLogStarts();
    } catch (error) {
      // A full disk must not keep retention from making room: at worst a power cut brings the segments back until the next round.
      const reason = errorText(error);
      this.#home.logger.warn({ log: log.name }, `Where logs start could not be stored: ${reason}`);
    }
    // What began before has files of these segments open, or is about to.
    await this.#sync.settled();
    await this.#trail.settled();
    for (const segment of removed) {
      await segment.settled();
      this.#segments.closeSegment(segment);
    }
    if (log.isClosed) return undefined;
    const baseOffsets = removed.map((segment) => segment.baseOffset);
    const firstOffset = this.#segments.first.baseOffset;
    const paths = await renameDeleted(this.#home.disk, log.folder, baseOffsets, firstOffset);
    this.#firstFileOffset = firstOffset;
    this.#home.checkpoints.startMoved(log);
    const sizeInBytes = removed.reduce((sum, segment) => sum + segment.sizeInBytes, 0);
    return { reasons: plan.reasons, sizeInBytes, logStartOffset: log.logStartOffset, paths };
  }

  /** Asks segments for their largest timestamp where that decides. Undefined when the log is closing or its disk has failed. */
  async #plan(wallMs: number, options: { usesTime: boolean; countMax: number }): Promise<RetentionPlan | undefined> {
    while (this.#home.failure === undefined && !this.#log.isClosing) {
      const { logStartOffset, logEndOffset, highWatermark, config, isReadOnly } = this.#log;
      const segments = this.#segments.all;
      // The last segment of a log that takes no records stays: there would be none for the next.
      const countMax = isReadOnly ? Math.min(options.countMax, segments.length - 1) : options.countMax;
      const limits = { ...options, countMax };
      const plan = planRetention({ segments, logStartOffset, logEndOffset, highWatermark, config }, wallMs, limits);
      const unknown = plan.unknown === undefined ? undefined : segments[plan.unknown];
      if (unknown === undefined) return plan;
      await this.#segments.loadIndexes(unknown);
    }
    return undefined;
  }

  /** From here on nobody finds these segments, and the log starts behind them. */
  #detach(plan: RetentionPlan, wallMs: number): Segment[] {
    if (plan.rollsActive) this.roll(wallMs);
    const removed = this.#segments.removeFirst(plan.reasons.length);
    this.#sync.forget(removed);
    this.#trail.forget(removed);
    this.#log.moveLogStart(plan.logStartOffset);
    return removed;
  }

  async #swap(replaced: readonly Segment[], fresh: Segment): Promise<boolean> {
    let isInstalled = false;
    const install = (): boolean => {
      if (this.#log.isClosing || this.#home.failure !== undefined || !this.#segments.holds(replaced)) return false;
      for (const segment of replaced) segment.isRetired = true;
      this.#segments.replace(replaced, fresh);
      this.forgetBelow(this.#segments.endOffsetOf(fresh, this.#log.logEndOffset));
      isInstalled = true;
      return true;
    };
    try {
      await this.#trail.settled();
      await swapSegments({ disk: this.#home.disk, folder: this.#log.folder, replaced, fresh, install });
      if (isInstalled) this.#segments.retire(replaced, fresh);
    } catch (error) {
      if (isInstalled) this.#home.fail(error);
      throw error;
    }
    return isInstalled;
  }
}
