/**
 * The three checkpoint files of a log directory: recovery points, log start offsets, high watermarks. They are hints that recovery
 * can do without, so a damaged one is a warning and not an error. What a round of storing costs depends on how many logs have changed,
 * but for the files themselves, which are written whole.
 */
import { CorruptError, type Logger } from '#core';
import type { Disk } from '../disk/disk.ts';
import { partitionFolderName } from '../segment/file-names.ts';
import { AtomicFile } from './atomic-file.ts';
import {
  formatLines,
  formatOffsetCheckpoint,
  offsetOfCheckpoint,
  parseOffsetCheckpoints,
} from './checkpoint-format.ts';

export const CLEANER_FILE = 'cleaner-offset-checkpoint';
export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint';
export const HIGH_WATERMARK_FILE = 'replication-offset-checkpoint';

/** What is stored of a log. */
export interface CheckpointedLog {
  readonly topic: string;
  readonly partition: number;
  readonly recoveryPoint: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly firstBaseOffset: number;
  /** The recovery point that is durable itself. Set here. */
  storedRecoveryPoint: number;
  /** Keeps what a start after a crash has to read small. */
  mark(): void;
  /** Resolves when the epochs of all segments but the active one are in their file. */
  epochsStored(): Promise<void>;
}

export class DirectoryCheckpoints {
  readonly #recoveryPoints: CheckpointFile;
  readonly #logStarts: CheckpointFile;
  readonly #highWatermarks: CheckpointFile;
  /** Only read here: the cleaner's. */
  readonly #cleaned: CheckpointFile;
  #areGood = true;
  #isCleanedGood = true;
  /** Logs whose recovery point or high watermark is not what was stored last. */
  #changed = new Set<CheckpointedLog>();
  readonly #gone = new WeakSet<CheckpointedLog>();
  #logStartsStored: Promise<void> | undefined;

  constructor(disk: Disk, path: string, logger: Logger) {
    this.#recoveryPoints = new CheckpointFile(disk, path, RECOVERY_POINT_FILE, logger);
    this.#logStarts = new CheckpointFile(disk, path, 'log-start-offset-checkpoint', logger);
    this.#highWatermarks = new CheckpointFile(disk, path, HIGH_WATERMARK_FILE, logger);
    this.#cleaned = new CheckpointFile(disk, path, CLEANER_FILE, logger);
  }

  /** False when one of the files was damaged; its offsets count as 0. */
  async load(): Promise<boolean> {
    const files = [this.#recoveryPoints, this.#logStarts, this.#highWatermarks, this.#cleaned];
    const [isPointGood, areStartsGood, areMarksGood, isCleanedGood] = await Promise.all(
      files.map((file) => file.load()),
    );
    this.#areGood = isPointGood && isCleanedGood;
    this.#isCleanedGood = isCleanedGood;
    return isPointGood && areStartsGood && areMarksGood;
  }

  recoveryPoint(topic: string, partition: number): number {
    return this.#recoveryPoints.find(topic, partition) ?? 0;
  }

  /** Below this offset compaction may have taken records away, also whole ends of segments. Infinity where nobody can tell. */
  compactedTo(topic: string, partition: number): number {
    if (!this.#areGood) return Number.POSITIVE_INFINITY;
    return Math.max(this.recoveryPoint(topic, partition), this.#cleaned.find(topic, partition) ?? 0);
  }

  /** Where the cleaner has come to. Infinity where nobody can tell. */
  cleanedTo(topic: string, partition: number): number {
    return this.#isCleanedGood ? (this.#cleaned.find(topic, partition) ?? 0) : Number.POSITIVE_INFINITY;
  }

  logStartOffset(topic: string, partition: number): number {
    return this.#logStarts.find(topic, partition) ?? 0;
  }

  highWatermark(topic: string, partition: number): number {
    return this.#highWatermarks.find(topic, partition) ?? 0;
  }

  /**
   * These are the logs of the directory, by the names of their folders: of all others the files have nothing from now on.
   *
   * @returns whether they had
   */
  begin(logs: ReadonlyMap<string, CheckpointedLog>): boolean {
    const files = [this.#recoveryPoints, this.#logStarts, this.#highWatermarks];
    const hadMore = files.filter((file) => file.keepOnly(logs)).length > 0;
    for (const log of logs.values()) {
      this.startMoved(log);
      const { topic, partition, recoveryPoint, storedRecoveryPoint, highWatermark } = log;
      const isStored =
        recoveryPoint === storedRecoveryPoint &&
        recoveryPoint === this.#recoveryPoints.find(topic, partition) &&
        highWatermark === this.#highWatermarks.find(topic, partition);
      if (!isStored) this.changed(log);
    }
    return hadMore;
  }

  /** The recovery point or the high watermark of `log` has moved: the next round stores it. */
  changed(log: CheckpointedLog): void {
    this.#changed.add(log);
  }

  /** The log start offset has moved, or the first file: only logs that start above their first file are in the file. */
  startMoved(log: CheckpointedLog): void {
    if (this.#gone.has(log)) return;
    this.#logStarts.set(log, log.logStartOffset > log.firstBaseOffset ? log.logStartOffset : undefined);
  }

  /** `log` is deleted; the next round leaves it out. */
  forget(log: CheckpointedLog): void {
    this.#gone.add(log);
    for (const file of [this.#recoveryPoints, this.#logStarts, this.#highWatermarks]) file.set(log, undefined);
  }

  /** One round: writes the files whose content has changed. Rejects when the disk refuses; the next round tries again. */
  async store(): Promise<void> {
    const logs = [...this.#changed];
    this.#changed.clear();
    for (const log of logs) log.mark();
    // Taken first: an epoch that comes while others are stored must not lie below the recovery point.
    const points = logs.map((log) => log.recoveryPoint);
    try {
      await Promise.all(logs.map((log) => log.epochsStored()));
      for (const [index, log] of logs.entries()) {
        if (this.#gone.has(log)) continue;
        this.#recoveryPoints.set(log, points[index]);
        this.#highWatermarks.set(log, log.highWatermark);
      }
      await Promise.all([this.#recoveryPoints.store(), this.#logStarts.store(), this.#highWatermarks.store()]);
    } catch (error) {
      for (const log of logs) this.#changed.add(log);
      throw error;
    }
    for (const [index, log] of logs.entries()) log.storedRecoveryPoint = points[index];
  }

  /** Resolves when the file holds where all logs start now. All who ask in one turn share a write. */
  storeLogStarts(): Promise<void> {
    this.#logStartsStored ??= Promise.resolve().then(() => {
      this.#logStartsStored = undefined;
      return this.#logStarts.store();
    });
    return this.#logStartsStored;
  }
}

/** One file of offsets by partition. */
export class CheckpointFile {
  readonly #file: AtomicFile;
  readonly #logger: Logger;
  /** By the names of their folders, as they stand in the file. */
  readonly #lines = new Map<string, string>();
  /** The file does not hold these lines, and is not being given them. */
  #isStale = true;

  constructor(disk: Disk, path: string, name: string, logger: Logger) {
    this.#file = new AtomicFile(disk, path, name);
    this.#logger = logger;
  }

  /** False when it was damaged; then nothing is known. */
  async load(): Promise<boolean> {
    const text = (await this.#file.read()) ?? '';
    try {
      for (const entry of parseOffsetCheckpoints(text, this.#file.path)) {
        this.#lines.set(partitionFolderName(entry.topic, entry.partition), formatOffsetCheckpoint(entry));
      }
      this.#isStale = text === '';
      return true;
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      this.#logger.warn({ file: this.#file.path }, `A damaged checkpoint is not used: ${error.message}`);
      return false;
    }
  }

  find(topic: string, partition: number): number | undefined {
    const line = this.#lines.get(partitionFolderName(topic, partition));
    return line === undefined ? undefined : offsetOfCheckpoint(line);
  }

  /** What the file is to hold of a partition; undefined: nothing. */
  set({ topic, partition }: { topic: string; partition: number }, offset: number | undefined): void {
    const name = partitionFolderName(topic, partition);
    if (offset === undefined) {
      if (this.#lines.delete(name)) this.#isStale = true;
      return;
    }
    const line = formatOffsetCheckpoint({ topic, partition, offset });
    if (this.#lines.get(name) === line) return;
    this.#lines.set(name, line);
    this.#isStale = true;
  }

  /** Forgets all partitions but those whose folders have these names; returns whether there were others. */
  keepOnly(names: { has(name: string): boolean }): boolean {
    const countBefore = this.#lines.size;
    for (const name of this.#lines.keys()) {
      if (names.has(name)) continue;
      this.#lines.delete(name);
      this.#isStale = true;
    }
    return this.#lines.size < countBefore;
  }

  /** Writes the file if its content has changed. */
  async store(): Promise<void> {
    if (!this.#isStale) return this.#file.settled();
    this.#isStale = false;
    try {
      await this.#file.write(formatLines([...this.#lines.values()]));
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
    return undefined;
  }
}
