/**
 * The cleaner of a log directory: looks every `log.cleaner.backoff.ms` for the dirtiest log that is due, compacts it, and goes on until
 * none is due. One log at a time, in the background of the loop. What is clean is kept in `cleaner-offset-checkpoint`, in Kafka's
 * format; it is a hint, for a log that is cleaned again stays the same. A damaged segment is left as it is, and with it those before it.
 * A log that cannot be cleaned for any other reason is told once and left alone until the next start: its records are all there.
 */
import { type Clock, CorruptError, errorText, KafkaError, type Logger } from '#core';
import { CheckpointFile, CLEANER_FILE } from '../directory/directory-checkpoints.ts';
import type { Turns } from '../directory/turns.ts';
import type { Disk } from '../disk/disk.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { MAX_TIMESTAMP_POSITION, maxTimestampAt } from '../segment/batch-frame.ts';
import { LOG_SUFFIX, partitionFolderName } from '../segment/file-names.ts';
import type { Segment } from '../segment/segment.ts';
import { dirtiness, firstDirtyOffset, isDue, isTooYoung, type LogSummary, settledCount } from './cleanable.ts';
import { type CleaningResult, cleanLog } from './log-cleaning.ts';
import { isStop, Pace, pause } from './pace.ts';

/** What the broker's `log.cleaner.*` keys say. */
export interface CleanerConfig {
  /** Pause when no log is due. */
  readonly backoffMs: number;
  readonly dedupeBufferBytes: number;
  /** Share of the buffer that may be filled. */
  readonly dedupeLoadFactor: number;
  readonly ioBufferBytes: number;
  /** Read and written together. */
  readonly ioBytesPerSecondMax: number;
}

export interface LogCleanerOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: CleanerConfig;
  /** Shared with the cleaners of other directories: one log is compacted at a time. */
  readonly turns: Turns;
  logs(): Iterable<PartitionLog>;
}

/** A log that is due, and what of it. */
interface Candidate {
  readonly log: PartitionLog;
  readonly segments: readonly Segment[];
  readonly endOffset: number;
  readonly firstDirty: number;
  /** The oldest of them is the oldest of the log. */
  readonly isWhole: boolean;
  readonly ratio: number;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #checkpoint: CheckpointFile;
  #config: CleanerConfig;
  readonly #uncleanable = new WeakSet<PartitionLog>();
  /** Not before the next pause is over. */
  #skipped = new WeakSet<PartitionLog>();
  readonly #stopping = new AbortController();
  #running: Promise<void>;

  /** Begins with a pause. */
  static async start(options: LogCleanerOptions): Promise<LogCleaner> {
    const checkpoint = new CheckpointFile(options.disk, options.path, CLEANER_FILE, options.logger);
    await checkpoint.load();
    checkpoint.keepOnly(new Set([...options.logs()].map(({ name }) => name)));
    return new LogCleaner(options, checkpoint);
  }

  private constructor(options: LogCleanerOptions, checkpoint: CheckpointFile) {
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#config = options.config;
    this.#running = this.#run();
  }

  /** Ends what is under way, between two batches; resolves when nothing is. Idempotent, never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** From the next log on, or the next pause. */
  reconfigure(config: CleanerConfig): void {
    this.#config = config;
  }

  /** `log` is deleted; the next one of its name has nothing that is clean. */
  forget(log: PartitionLog): void {
    this.#checkpoint.set(log, undefined);
  }

  storeCheckpoint(): Promise<void> {
    return this.#checkpoint.store();
  }

  async #run(): Promise<void> {
    const { clock, logger, turns } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await pause(clock, this.#config.backoffMs, signal);
        this.#skipped = new WeakSet();
        while (await turns.take(() => !signal.aborted && this.#cleanDirtiest()));
      } catch (error) {
        if (isStop(error)) return;
        logger.error({ err: error }, `The log cleaner tries again later: ${errorText(error)}`);
      }
    }
  }

  /** False when no log is due. */
  async #cleanDirtiest(): Promise<boolean> {
    const candidate = await this.#dirtiest();
    if (candidate === undefined) return false;
    const { log, segments, endOffset, firstDirty, isWhole } = candidate;
    const { disk, clock, logger } = this.#options;
    const config = this.#config;
    let result: CleaningResult;
    try {
      result = await cleanLog({
        ...config,
        disk,
        log,
        segments,
        endOffset,
        firstDirtyOffset: firstDirty,
        isWhole,
        wallMs: this.#wallMs,
        pace: new Pace({ clock, bytesPerSecondMax: config.ioBytesPerSecondMax, signal: this.#stopping.signal }),
      });
    } catch (error) {
      if (await this.#isDamaged(log, segments, error)) this.#skipped.add(log);
      else this.#failed(log, segments, error);
      return true;
    }
    const name = partitionFolderName(log.topic, log.partition);
    logger.debug({ log: name, firstDirty, ...result }, `${name} was compacted up to offset ${result.firstDirtyOffset}`);
    return this.#cleaned(log, result);
  }

  /** The disk may do better next time (it was full); bytes that are wrong stay wrong. */
  #failed(log: PartitionLog, segments: readonly Segment[], error: unknown): void {
    if (isStop(error)) throw error;
    if (log.isClosed) return;
    // Retention has taken segments away that were being read.
    if (!segments.every((segment) => segment.isRetired || log.closedSegments.includes(segment))) {
      this.#skipped.add(log);
      return;
    }
    const name = partitionFolderName(log.topic, log.partition);
    const { logger } = this.#options;
    if (error instanceof KafkaError && error.code === 'STORAGE_FAILED') {
      this.#skipped.add(log);
      logger.warn({ log: name, err: error }, `${name} is compacted later: ${errorText(error)}`);
      return;
    }
    this.#uncleanable.add(log);
    logger.error({ log: name, err: error }, `${name} is not compacted any more: ${errorText(error)}`);
  }

  /** Whether `error` tells of damage that is now noted in the log: from the next round on these segments are left alone. */
  async #isDamaged(log: PartitionLog, segments: readonly Segment[], error: unknown): Promise<boolean> {
    const segment = segments.find((each) => error instanceof CorruptError && error.file === each.path(LOG_SUFFIX));
    if (segment === undefined || log.isClosed) return false;
    const { clock } = this.#options;
    const config = this.#config;
    const pace = new Pace({ clock, bytesPerSecondMax: config.ioBytesPerSecondMax, signal: this.#stopping.signal });
    await log.segmentWork.verify(segment, (bytes) => pace.spent(bytes));
    return log.damage.some(({ file }) => file === segment.path(LOG_SUFFIX));
  }

  async #cleaned(log: PartitionLog, { firstDirtyOffset, isComplete }: CleaningResult): Promise<boolean> {
    // Something else works on this log; it gets a pause to end.
    if (!isComplete) this.#skipped.add(log);
    // Else it was deleted, and another one may have its name.
    else if (!log.isClosed) this.#checkpoint.set(log, firstDirtyOffset);
    await this.#checkpoint.store();
    return true;
  }

  async #dirtiest(): Promise<Candidate | undefined> {
    let best: Candidate | undefined;
    for (const log of [...this.#options.logs()]) {
      if (this.#stopping.signal.aborted) return undefined;
      const candidate = await this.#judge(log);
      if (candidate !== undefined && candidate.ratio > (best?.ratio ?? -1)) best = candidate;
    }
    return best;
  }

  /** Undefined when it is not due. Most logs are judged without a look at the disk. */
  async #judge(log: PartitionLog): Promise<Candidate | undefined> {
    if (log.isClosed || log.isReadOnly || !log.isConfigured || !log.config['cleanup.policy'].includes('compact'))
      return undefined;
    if (log.segmentCount < 2 || this.#uncleanable.has(log) || this.#skipped.has(log)) return undefined;
    const summary = summaryOf(log);
    const firstDirty = firstDirtyOffset(this.#checkpoint.find(log.topic, log.partition), summary);
    const settled = settledCount(summary);
    if (settled === 0 || summary.segments[settled - 1].endOffset <= firstDirty) return undefined;
    const closedSegments = log.closedSegments.slice(0, settled);
    try {
      const old = await oldEnough(log, closedSegments, firstDirty, this.#wallMs);
      const first = firstBehindDamage(log, summary.segments.slice(0, old.length));
      const segments = old.slice(first);
      const cleanable = summary.segments.slice(first, old.length);
      const endOffset = cleanable.at(-1)?.endOffset ?? 0;
      if (endOffset <= firstDirty) return undefined;
      const dirty = dirtiness(cleanable, firstDirty);
      const oldest = await oldestTimestamp(
        log,
        segments,
        cleanable.findIndex((each) => each.endOffset > firstDirty),
      );
      if (!isDue(dirty, oldest, this.#wallMs, log.config)) return undefined;
      return { log, segments, endOffset, firstDirty, isWhole: first === 0, ratio: dirty.ratio };
    } catch (error) {
      this.#failed(log, closedSegments, error);
      return undefined;
    }
  }

  get #wallMs(): number {
    return this.#options.clock.now().wallMs;
  }
}

function summaryOf(log: PartitionLog): LogSummary {
  // The stored one: recovery takes a gap above it for what a power cut took.
  const { closedSegments, logStartOffset, lastStableOffset, storedRecoveryPoint: recoveryPoint } = log;
  const segments = closedSegments.map(({ baseOffset, sizeInBytes }, index) => ({
    baseOffset,
    sizeInBytes,
    endOffset: closedSegments[index + 1]?.baseOffset ?? log.activeBaseOffset,
  }));
  return { segments, logStartOffset, lastStableOffset, recoveryPoint };
}

/** Index of the first segment behind the last damaged one: what cannot be read must not be rewritten. */
function firstBehindDamage({ damage }: PartitionLog, segments: LogSummary['segments']): number {
  const isDamaged = ({ baseOffset, endOffset }: LogSummary['segments'][number]): boolean =>
    damage.some((range) => range.startOffset < endOffset && range.endOffset > baseOffset);
  return damage.length === 0 ? 0 : segments.findLastIndex(isDamaged) + 1;
}

/** Without the first dirty one that `min.compaction.lag.ms` protects, and all behind it. */
async function oldEnough(
  log: PartitionLog,
  segments: readonly Segment[],
  firstDirty: number,
  wallMs: number,
): Promise<readonly Segment[]> {
  if (log.config['min.compaction.lag.ms'] === 0) return segments;
  for (const [index, segment] of segments.entries()) {
    if (index + 1 < segments.length && segments[index + 1].baseOffset <= firstDirty) continue;
    if (segment.indexes === undefined) await log.segmentWork.loadIndexes(segment);
    if (isTooYoung(segment.maxTimestamp.timestamp, wallMs, log.config)) return segments.slice(0, index);
  }
  return segments;
}

/** Largest timestamp of the first dirty batch; only read where `max.compaction.lag.ms` asks for it. */
async function oldestTimestamp(
  log: PartitionLog,
  segments: readonly Segment[],
  index: number,
): Promise<number | undefined> {
  if (log.config['max.compaction.lag.ms'] === Number.MAX_SAFE_INTEGER || index < 0) return undefined;
  const head = Buffer.alloc(MAX_TIMESTAMP_POSITION + 8);
  if ((await segments[index].file().read(head, 0)) < head.length) return undefined;
  const timestamp = maxTimestampAt(head, 0);
  return timestamp < 0 ? undefined : timestamp;
}
