/**
 * The end of a log: puts batches behind the last one, writes them, begins the next segment, and takes back what cannot be written.
 * Appending is synchronous and touches no file: a batch is queued as it was received behind a fresh head of 16 bytes; one writev for
 * everything that was queued in a turn follows in the next, and for a lot at the end of the task that appended it. `writevSync` and not
 * the thread pool: into the page cache it was measured as cheap for large and cheaper for 16 KiB frames, and it keeps the order without
 * any waiting (it blocks only while the kernel throttles dirty pages).
 *
 *   appended ──writePending──▶ written (`LogDurability` goes on from here)
 *      └──── no room ────────▶ taken back: to where the log ended when it was written last
 */
import { KafkaError } from '#core';
import type { TopicConfig } from '../config.ts';
import { isShortage } from '../directory/shortage.ts';
import { encodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import type { ProducerState } from '../producers/producer-state.ts';
import { HEAD_BYTES, STAMPED_HEAD_BYTES } from '../segment/batch-frame.ts';
import type { Segment, SegmentMark } from '../segment/segment.ts';
import type { AppendOptions } from './append-result.ts';
import type { EpochStore } from './epoch-store.ts';
import { HeadWriter } from './head-writer.ts';
import type { ParsedBatch } from './incoming-batches.ts';
import type { LogDurability } from './log-durability.ts';
import type { LogHome, UnwrittenLog } from './log-home.ts';
import type { LogSegments } from './log-segments.ts';
import type { LogSync } from './log-sync.ts';
import { type LogTrail, storeSnapshot } from './log-trail.ts';
import type { MemoryTail } from './memory-tail.ts';

/** The log at whose end it writes. */
export interface WrittenLog {
  readonly folder: string;
  readonly config: TopicConfig;
  readonly isClosed: boolean;
  /** Records from `endOffset` on could not be written for want of room, and are no more. Called before their senders hear. */
  takenBack(endOffset: number): void;
}

/** What follows the batches, or knows something of them. */
export interface WriterParts {
  readonly segments: LogSegments;
  readonly tail: MemoryTail;
  readonly producers: ProducerState;
  readonly epochs: EpochStore;
  readonly trail: LogTrail;
  readonly sync: LogSync;
  readonly durability: LogDurability;
}

export class LogWriter implements UnwrittenLog {
  /** @see UnwrittenLog */
  isWriteDue = false;
  readonly #home: LogHome;
  readonly #log: WrittenLog;
  readonly #segments: LogSegments;
  readonly #tail: MemoryTail;
  readonly #producers: ProducerState;
  readonly #epochs: EpochStore;
  readonly #trail: LogTrail;
  readonly #sync: LogSync;
  readonly #durability: LogDurability;
  readonly #heads = new HeadWriter();
  #logEndOffset: number;
  /** Where the log goes back to when what was appended since cannot be written; undefined when nothing was. */
  #revertPoint: { readonly endOffset: number; readonly mark: SegmentMark } | undefined;
  /** Where the log ended when its last stop had left nothing to do, and closing it has nothing to do either; else undefined. */
  #sealedEndOffset: number | undefined;

  constructor(
    home: LogHome,
    log: WrittenLog,
    parts: WriterParts,
    loaded: { readonly logEndOffset: number; readonly isSealed: boolean },
  ) {
    this.#home = home;
    this.#log = log;
    this.#segments = parts.segments;
    this.#tail = parts.tail;
    this.#producers = parts.producers;
    this.#epochs = parts.epochs;
    this.#trail = parts.trail;
    this.#sync = parts.sync;
    this.#durability = parts.durability;
    this.#logEndOffset = loaded.logEndOffset;
    this.#sealedEndOffset = loaded.isSealed ? loaded.logEndOffset : undefined;
  }

  /** The offset of the next record; what is appended and not written yet is included. */
  get logEndOffset(): number {
    return this.#logEndOffset;
  }

  /** Appends all of `batches`, or none: then returns why the disk had no room for the segment that they needed, or is offline now. */
  append(batches: readonly ParsedBatch[], options: AppendOptions, wallMs: number): KafkaError | undefined {
    this.#revertPoint ??= { endOffset: this.#logEndOffset, mark: this.#segments.active.mark() };
    let sizeInBytes = 0;
    try {
      for (const batch of batches) {
        this.#append(batch, options, wallMs);
        sizeInBytes += batch.bytes.length;
      }
    } catch (error) {
      // Rolling touches the disk.
      if (!(error instanceof KafkaError)) throw error;
      return this.#refused(error);
    }
    this.#home.scheduleWrite(this, sizeInBytes);
    return undefined;
  }

  /** Writes what is queued; called by the directory. */
  writePending(): void {
    if (this.#log.isClosed || this.#home.failure !== undefined) return;
    try {
      this.#segments.active.writePending();
    } catch (error) {
      this.#refused(error);
      return;
    }
    this.#wrote();
    this.#durability.settleWritten();
  }

  /** Closes the active segment and begins the next one, though nothing wants to be in it. Throws what the disk says. */
  roll(wallMs: number): void {
    try {
      this.#roll(wallMs);
    } catch (error) {
      throw this.#refused(error);
    }
  }

  /**
   * Keeps what a start after a crash has to read of this log small: where much has come since its indexes and producers were stored last,
   * they are stored as they are now.
   */
  mark(): void {
    const { active } = this.#segments;
    if (!this.#durability.isSynced || !this.#trail.isIdle || active.unindexedBytes < this.#home.markBytes) return;
    this.#epochs.store();
    this.#leaveTrail(active, true);
    this.#trail.synced(this.#durability.recoveryPoint);
  }

  /** Syncs everything, and stores what a start would else have to find out by reading. Nothing may be appended any more. */
  async seal(): Promise<void> {
    if (this.#sealedEndOffset === this.#logEndOffset) return this.#epochs.settled();
    this.#epochs.store();
    await this.flush();
    await this.#trail.settled();
    const { disk, clock } = this.#home;
    const { folder } = this.#log;
    const { active } = this.#segments;
    active.finish();
    await active.storeIndexes(clock);
    await storeSnapshot(disk, folder, this.#logEndOffset, this.#snapshot());
    return disk.syncDirectory(folder);
  }

  /** Writes and syncs everything appended so far. */
  async flush(): Promise<void> {
    this.writePending();
    await this.#durability.flush(() => this.#epochs.settled());
  }

  #append({ bytes, header, marker }: ParsedBatch, options: AppendOptions, wallMs: number): void {
    const { config } = this.#log;
    const isCopied = options.origin === 'log';
    const isStamped = !isCopied && config['message.timestamp.type'] === 'LogAppendTime';
    const baseOffset = isCopied ? header.baseOffset : this.#logEndOffset;
    const leaderEpoch = isCopied ? header.partitionLeaderEpoch : options.leaderEpoch;
    const lastOffset = baseOffset + header.lastOffsetDelta;
    const maxTimestamp = isStamped ? wallMs : header.maxTimestamp;
    const { sizeInBytes } = header;
    if (this.#segments.active.shouldRoll({ sizeInBytes, lastOffset, maxTimestamp }, config, wallMs)) this.#roll(wallMs);
    if (leaderEpoch > (this.#epochs.epochs.latest?.epoch ?? -1)) this.#epochs.assign(leaderEpoch, baseOffset);
    const head = isStamped
      ? this.#heads.stampedHead(bytes, baseOffset, leaderEpoch, wallMs)
      : this.#heads.head(baseOffset, sizeInBytes, leaderEpoch);
    const body = bytes.subarray(isStamped ? STAMPED_HEAD_BYTES : HEAD_BYTES);
    const { active } = this.#segments;
    active.note(lastOffset, maxTimestamp, sizeInBytes, config['index.interval.bytes'], false);
    active.queue(head, body);
    this.#tail.push(baseOffset, lastOffset, head, body);
    if (header.producerId >= 0) {
      const aborted = this.#producers.update(header, baseOffset, marker, maxTimestamp, wallMs);
      if (aborted !== undefined) active.noteAborted(aborted);
    }
    this.#logEndOffset = lastOffset + 1;
  }

  /** Rare, so it may touch the disk at once. */
  #roll(wallMs: number): void {
    const { active } = this.#segments;
    active.writePending();
    this.#wrote();
    this.#revertPoint = { endOffset: this.#logEndOffset, mark: active.mark() };
    active.finish();
    this.#epochs.store();
    this.#segments.roll(wallMs);
    this.#leaveTrail(active, false);
    this.#revertPoint = { endOffset: this.#logEndOffset, mark: this.#segments.active.mark() };
    this.#sealedEndOffset = undefined;
    this.#sync.rolled(active);
    this.#durability.requestSync();
  }

  /** Everything appended so far is in the file. */
  #wrote(): void {
    this.#revertPoint = undefined;
    this.#durability.written(this.#logEndOffset);
    this.#producers.written();
    this.#tail.written(this.#logEndOffset);
    this.#home.shortage.wrote();
  }

  /** Has indexes and producers stored as they are now, once what they speak of is synced. */
  #leaveTrail(segment: Segment, isMark: boolean): void {
    const { indexCounts: counts } = segment;
    this.#trail.add({ endOffset: this.#logEndOffset, segment, counts, snapshot: this.#snapshot(), isMark });
  }

  #snapshot(): Buffer {
    return encodeProducerSnapshot(this.#producers.entries());
  }

  /** What follows when the disk has refused something. Returns what to tell those who asked for it. */
  #refused(error: unknown): KafkaError {
    if (isShortage(error)) return this.#takeBack(error);
    this.#home.fail(error);
    return this.#durability.goneError();
  }

  /** There is no room (or no handle) for what was appended and not written: it never was. */
  #takeBack(cause: KafkaError): KafkaError {
    const error = this.#home.shortage.began(cause);
    const point = this.#revertPoint;
    if (point === undefined) return error;
    this.#revertPoint = undefined;
    try {
      this.#segments.active.revert(point.mark);
    } catch (truncateError) {
      this.#home.fail(truncateError);
      return error;
    }
    this.#tail.clear();
    this.#trail.revert(point.endOffset);
    this.#producers.revert(point.endOffset);
    // A leader may have been announced at the end of the log, so an epoch that begins there stays.
    this.#epochs.truncateFromEnd(point.endOffset + 1);
    this.#logEndOffset = point.endOffset;
    this.#log.takenBack(point.endOffset);
    this.#durability.takenBack(point.endOffset, error);
    return error;
  }
}
