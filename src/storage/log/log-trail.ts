/**
 * What follows the batches of a log onto the disk: entries of index files and producer snapshots, each only when all that it speaks of
 * is synced. So what recovery finds of them proves something: below the offset in the name of a snapshot everything was durable once,
 * and no index entry leads to bytes that a power cut took. Nobody waits for them; what cannot be written for want of room is left out,
 * and rebuilt when it is needed.
 *
 * They follow when a segment is finished, and where a segment is large now and then before that (marks), so that a start after a crash
 * reads no more than what came since.
 */
import { errorText, KafkaError } from '#core';
import { isShortage, withHandle } from '../directory/shortage.ts';
import type { Disk } from '../disk/disk.ts';
import { SNAPSHOT_SUFFIX, segmentFileName } from '../segment/file-names.ts';
import type { IndexCounts, Segment } from '../segment/segment.ts';
import type { LogHome } from './log-home.ts';

/** One place of the log to which index files and producer state are to be stored. */
export interface TrailPoint {
  /** Everything below must be synced first. */
  readonly endOffset: number;
  /** Undefined: it is out of the log. */
  readonly segment: Segment | undefined;
  /** Entries of its indexes that lie below `endOffset`. */
  readonly counts: IndexCounts;
  /** Producer state at `endOffset`, encoded. */
  readonly snapshot: Buffer;
  /** Nothing ends there: the snapshot is of use until there is a newer one. */
  readonly isMark: boolean;
}

export class LogTrail {
  readonly #home: LogHome;
  readonly #folder: string;
  readonly #epochsStored: () => Promise<void>;
  readonly #onStored: (segment: Segment) => void;
  /** In order of their offsets. */
  #due: TrailPoint[] = [];
  #syncedOffset = 0;
  #running: Promise<void> | undefined;
  /** Offset of the last snapshot that a newer one replaces. */
  #lastMark: number | undefined;
  #isStopped = false;

  /**
   * @param epochsStored resolves when the epochs that were to be stored are in their file: a snapshot vouches for them too
   * @param onStored the index files of a finished segment are complete, or will not be
   */
  constructor(home: LogHome, folder: string, epochsStored: () => Promise<void>, onStored: (segment: Segment) => void) {
    this.#home = home;
    this.#folder = folder;
    this.#epochsStored = epochsStored;
    this.#onStored = onStored;
  }

  /** Whether nothing waits to be stored. */
  get isIdle(): boolean {
    return this.#due.length === 0 && this.#running === undefined;
  }

  add(point: TrailPoint): void {
    this.#due.push(point);
  }

  /** Everything below `offset` is durable. */
  synced(offset: number): void {
    this.#syncedOffset = Math.max(this.#syncedOffset, offset);
    if (this.#isDue) this.#running ??= this.#run();
  }

  /** What lies above `endOffset` never was. */
  revert(endOffset: number): void {
    this.#due = this.#due.filter((point) => point.endOffset <= endOffset);
  }

  /** `segments` are out of the log; what producers did in them still counts. */
  forget(segments: readonly Segment[]): void {
    this.#due = this.#due.map((point) =>
      point.segment !== undefined && segments.includes(point.segment) ? { ...point, segment: undefined } : point,
    );
  }

  /** Resolves when nothing is being written. Never rejects. */
  settled(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#isStopped = true;
    this.#due = [];
  }

  get #isDue(): boolean {
    if (this.#isStopped || this.#home.failure !== undefined) return false;
    return this.#due.length > 0 && this.#due[0].endOffset <= this.#syncedOffset;
  }

  async #run(): Promise<void> {
    while (this.#isDue) {
      const point = this.#due.shift() as TrailPoint;
      await this.#store(point);
      if (point.segment !== undefined && !point.isMark) this.#onStored(point.segment);
    }
    this.#running = undefined;
  }

  async #store({ segment, counts, snapshot, endOffset, isMark }: TrailPoint): Promise<void> {
    const { disk, clock, logger } = this.#home;
    try {
      await segment?.storeIndexes(clock, counts);
      await this.#epochsStored();
      await withHandle(clock, () => storeSnapshot(disk, this.#folder, endOffset, snapshot));
      await withHandle(clock, () => disk.syncDirectory(this.#folder));
      if (this.#lastMark !== undefined && this.#lastMark !== endOffset)
        await disk.remove(snapshotPath(this.#folder, this.#lastMark));
      this.#lastMark = isMark ? endOffset : undefined;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      if (this.#isStopped) return;
      if (!isShortage(error)) this.#home.fail(error);
      const text = `Indexes of ${this.#folder} could not be stored and are built again when they are needed`;
      logger.warn({ folder: this.#folder, endOffset }, `${text}: ${errorText(error)}`);
    }
  }
}

export function snapshotPath(folder: string, offset: number): string {
  return `${folder}/${segmentFileName(offset, SNAPSHOT_SUFFIX)}`;
}

/** Durable but for its name. What comes of a cut in between has a wrong checksum. */
export async function storeSnapshot(disk: Disk, folder: string, offset: number, snapshot: Buffer): Promise<void> {
  const file = disk.openSync(snapshotPath(folder, offset), { create: true });
  try {
    file.truncateSync(0);
    file.writeSync([snapshot], 0);
    await file.sync();
  } finally {
    file.close();
  }
}
