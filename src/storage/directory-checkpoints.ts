/**
 * The three checkpoint files of a log directory: recovery points, log start offsets, high watermarks. They are hints that recovery
 * can do without, so a damaged one is a warning and not an error.
 */
import { CorruptError, type Logger } from '#core';
import { AtomicFile } from './atomic-file.ts';
import { formatOffsetCheckpoints, type OffsetCheckpoint, parseOffsetCheckpoints } from './checkpoint-format.ts';
import type { Disk } from './disk/disk.ts';
import { partitionFolderName } from './file-names.ts';

export const CLEANER_FILE = 'cleaner-offset-checkpoint';

/** What is stored of a log. */
export interface CheckpointedLog {
  readonly topic: string;
  readonly partition: number;
  readonly recoveryPoint: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly firstBaseOffset: number;
}

export class DirectoryCheckpoints {
  readonly #recoveryPoints: CheckpointFile;
  readonly #logStarts: CheckpointFile;
  readonly #highWatermarks: CheckpointFile;
  /** Only read here: the cleaner's. */
  readonly #cleaned: CheckpointFile;
  #areGood = true;

  constructor(disk: Disk, path: string, logger: Logger) {
    this.#recoveryPoints = new CheckpointFile(disk, path, 'recovery-point-offset-checkpoint', logger);
    this.#logStarts = new CheckpointFile(disk, path, 'log-start-offset-checkpoint', logger);
    this.#highWatermarks = new CheckpointFile(disk, path, 'replication-offset-checkpoint', logger);
    this.#cleaned = new CheckpointFile(disk, path, CLEANER_FILE, logger);
  }

  /** False when one of the files was damaged; its offsets count as 0. */
  async load(): Promise<boolean> {
    const files = [this.#recoveryPoints, this.#logStarts, this.#highWatermarks, this.#cleaned];
    const [isPointGood, areStartsGood, areMarksGood, isCleanedGood] = await Promise.all(
      files.map((file) => file.load()),
    );
    this.#areGood = isPointGood && isCleanedGood;
    return isPointGood && areStartsGood && areMarksGood;
  }

  recoveryPoint(topic: string, partition: number): number {
    return this.#recoveryPoints.get(topic, partition);
  }

  /** Below this offset compaction may have taken records away, also whole ends of segments. Infinity where nobody can tell. */
  compactedTo(topic: string, partition: number): number {
    if (!this.#areGood) return Number.POSITIVE_INFINITY;
    return Math.max(this.recoveryPoint(topic, partition), this.#cleaned.get(topic, partition));
  }

  logStartOffset(topic: string, partition: number): number {
    return this.#logStarts.get(topic, partition);
  }

  highWatermark(topic: string, partition: number): number {
    return this.#highWatermarks.get(topic, partition);
  }

  /** Writes the files whose content has changed. */
  async store(logs: readonly CheckpointedLog[]): Promise<void> {
    await Promise.all([
      this.#recoveryPoints.store(entriesOf(logs, (log) => log.recoveryPoint)),
      this.storeLogStarts(logs),
      this.#highWatermarks.store(entriesOf(logs, (log) => log.highWatermark)),
    ]);
  }

  /** Writes where logs start, of those that start above their first file. */
  storeLogStarts(logs: readonly CheckpointedLog[]): Promise<void> {
    const moved = logs.filter((log) => log.logStartOffset > log.firstBaseOffset);
    return this.#logStarts.store(entriesOf(moved, (log) => log.logStartOffset));
  }
}

function entriesOf(logs: readonly CheckpointedLog[], offsetOf: (log: CheckpointedLog) => number): OffsetCheckpoint[] {
  return logs.map((log) => ({ topic: log.topic, partition: log.partition, offset: offsetOf(log) }));
}

/** One file of offsets by partition. */
export class CheckpointFile {
  readonly #file: AtomicFile;
  readonly #logger: Logger;
  readonly #offsets = new Map<string, number>();
  /** What the file holds, or is being given. */
  #text = '';

  constructor(disk: Disk, path: string, name: string, logger: Logger) {
    this.#file = new AtomicFile(disk, path, name);
    this.#logger = logger;
  }

  /** False when it was damaged; then nothing is known. */
  async load(): Promise<boolean> {
    const text = (await this.#file.read()) ?? '';
    try {
      for (const { topic, partition, offset } of parseOffsetCheckpoints(text, this.#file.path)) {
        this.#offsets.set(partitionFolderName(topic, partition), offset);
      }
      this.#text = text;
      return true;
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      this.#logger.warn({ file: this.#file.path }, `A damaged checkpoint is not used: ${error.message}`);
      return false;
    }
  }

  /** As loaded. */
  get(topic: string, partition: number): number {
    return this.find(topic, partition) ?? 0;
  }

  find(topic: string, partition: number): number | undefined {
    return this.#offsets.get(partitionFolderName(topic, partition));
  }

  /** Writes the file if its content has changed. */
  async store(entries: readonly OffsetCheckpoint[]): Promise<void> {
    const text = formatOffsetCheckpoints(entries);
    if (text === this.#text) return this.#file.settled();
    this.#text = text;
    try {
      await this.#file.write(text);
    } catch (error) {
      this.#text = '';
      throw error;
    }
    return undefined;
  }
}
