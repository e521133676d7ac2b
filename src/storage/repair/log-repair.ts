/**
 * Ends the damage of one log the way a person has chosen, in a directory that no broker uses: the lock is held from `open` to `close`.
 *
 *   truncate   the log ends where the damage begins; what comes after is put aside, and its offsets are given to new records
 *   skip       the damaged bytes are put aside, and batches without records hold their place: readers pass over these offsets
 *   keep       the files stay; the damaged offsets go on being CORRUPT_MESSAGE, and new records come after all that was there
 *
 * Nothing is deleted. What is put aside lies in `<partition>.corrupt-<time>/`. A repair that is cut off can be begun again.
 */
import { KafkaError } from '#core';
import { topicConfig } from '../config.ts';
import { CheckpointFile, HIGH_WATERMARK_FILE, RECOVERY_POINT_FILE } from '../directory/directory-checkpoints.ts';
import { LOCK_FILE } from '../directory/log-directory.ts';
import type { DiskLock } from '../disk/disk.ts';
import type { DamagedRange } from '../recovery/damage-book.ts';
import { cutOff } from '../recovery/partition-recovery.ts';
import { Quarantine } from '../recovery/quarantine.ts';
import { LEADER_EPOCH_POSITION } from '../segment/batch-frame.ts';
import { scanThrough } from '../segment/batch-scan.ts';
import {
  corruptFolderName,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SNAPSHOT_SUFFIX,
  segmentFileName,
  TEMPORARY_SUFFIX,
  TIME_INDEX_SUFFIX,
} from '../segment/file-names.ts';
import { Segment } from '../segment/segment.ts';
import { emptyBatches } from './empty-batch.ts';
import { type Inspection, inspectLog, type RepairTarget } from './inspection.ts';

export type RepairChoice = 'truncate' | 'skip' | 'keep';

export interface RepairOutcome {
  readonly logEndOffset: number;
  /** Where what was put aside lies. Undefined: nothing was. */
  readonly corruptFolder: string | undefined;
}

const COPY_BYTES = 1024 * 1024;

export class LogRepair {
  readonly inspection: Inspection;
  readonly #target: RepairTarget;
  readonly #lock: DiskLock;
  readonly #corruptFolder: string;

  /** Throws LOCKED while a broker uses the directory, INVALID_ARGUMENT when it has no such partition. */
  static async open(target: RepairTarget): Promise<LogRepair> {
    const { disk, path } = target;
    if ((await disk.list(path)).length === 0) throw new KafkaError('INVALID_ARGUMENT', `${path} is no data folder`);
    const lock = await disk.lock(`${path}/${LOCK_FILE}`, () => {});
    try {
      return new LogRepair(target, lock, await inspectLog(target));
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(target: RepairTarget, lock: DiskLock, inspection: Inspection) {
    this.inspection = inspection;
    this.#target = target;
    this.#lock = lock;
    const { topic, partition } = inspection;
    this.#corruptFolder = `${target.path}/${corruptFolderName(topic, partition, target.clock.now().wallMs)}`;
  }

  /** Once, and only where there is damage. */
  async apply(choice: RepairChoice): Promise<RepairOutcome> {
    if (this.inspection.damage.length === 0)
      throw new KafkaError('INVALID_ARGUMENT', `${this.inspection.folder} is not damaged: there is nothing to repair`);
    const logEndOffset = choice === 'truncate' ? await this.#truncate() : await this.#goOn(choice);
    await this.#storeCheckpoints(logEndOffset);
    const { disk, path } = this.#target;
    const names = (await disk.list(path)).map(({ name }) => name);
    const isThere = names.includes(this.#corruptFolder.slice(path.length + 1));
    return { logEndOffset, corruptFolder: isThere ? this.#corruptFolder : undefined };
  }

  async close(): Promise<void> {
    for (const segment of this.inspection.segments) segment.close();
    await this.#lock.release();
  }

  async #truncate(): Promise<number> {
    const { damage, segments, contents, folder } = this.inspection;
    const [{ startOffset, position, damage: what }] = damage;
    const index = this.#indexOf(damage[0]);
    await this.#quarantine.moveFiles(
      folder,
      contents.snapshots
        .filter((offset) => offset > startOffset)
        .map((offset) => segmentFileName(offset, SNAPSHOT_SUFFIX)),
    );
    await this.#cut(segments, { index, position, damage: what }, startOffset);
    await this.#settle(segments.slice(0, index + 1), [segments[index]]);
    return startOffset;
  }

  /** Everything that is right stays, with its offset. */
  async #goOn(choice: 'skip' | 'keep'): Promise<number> {
    const { damage, segments, survey } = this.inspection;
    const { logEndOffset, last } = survey;
    const kept = segments.slice(0, last + 1);
    // What the next start would cut: it never was durable.
    const end = { index: last, position: segments[last].writtenBytes, damage: 'it lies behind the end of the log' };
    const isLonger = segments[last].file().sizeSync() > end.position || kept.length < segments.length;
    if (isLonger) await this.#cut(segments, end, logEndOffset);
    const damaged = [...new Set(damage.map((range) => kept[this.#indexOf(range)]))];
    if (choice === 'skip') for (const segment of damaged) await this.#bridge(segment);
    await this.#settle(kept, choice === 'skip' ? damaged : []);
    if (choice === 'keep') await this.#beginSegment(logEndOffset);
    return logEndOffset;
  }

  /** Writes the segment anew, with empty batches where it is damaged. */
  async #bridge(segment: Segment): Promise<void> {
    const { disk } = this.#target;
    const path = segment.path(LOG_SUFFIX);
    const ranges = this.inspection.damage.filter(({ file }) => file === path);
    const epochs = await epochsBefore(segment, ranges);
    const fresh = disk.openSync(path + TEMPORARY_SUFFIX, { create: true });
    let position = 0;
    let written = 0;
    const append = (bytes: Buffer): void => {
      fresh.writeSync([bytes], written);
      written += bytes.length;
    };
    const copyTo = async (end: number): Promise<void> => {
      for (; position < end; position += COPY_BYTES) {
        const chunk = Buffer.allocUnsafe(Math.min(COPY_BYTES, end - position));
        await segment.file().read(chunk, position);
        append(chunk);
      }
    };
    try {
      fresh.truncateSync(0);
      for (const [index, range] of ranges.entries()) {
        await this.#quarantine.copyTail(segment, range.position, range.endPosition);
        await copyTo(range.position);
        append(emptyBatches(range.startOffset, range.endOffset, epochs[index]));
        position = range.endPosition;
      }
      await copyTo(segment.writtenBytes);
      await fresh.sync();
    } finally {
      fresh.close();
    }
    // They lead to places of the old file.
    for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX]) await disk.remove(segment.path(suffix));
    await disk.syncDirectory(segment.folder);
    segment.releaseFile();
    await disk.rename(path + TEMPORARY_SUFFIX, path);
  }

  /** So that the damaged segment is a closed one, which a start has no need to read. */
  async #beginSegment(baseOffset: number): Promise<void> {
    const { disk, clock } = this.#target;
    const { folder, segments } = this.inspection;
    if (segments.some((segment) => segment.baseOffset === baseOffset)) return;
    const segment = new Segment(disk, folder, baseOffset, clock.now().wallMs, 0);
    segment.create(topicConfig());
    await segment.sync(clock);
    segment.close();
    await disk.syncDirectory(folder);
  }

  /** Everything of `kept` is durable; of the `changed` ones the index files are built anew by the next start or read. */
  async #settle(kept: readonly Segment[], changed: readonly Segment[]): Promise<void> {
    const { disk, clock } = this.#target;
    for (const segment of changed)
      for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX]) await disk.remove(segment.path(suffix));
    for (const segment of kept) {
      await segment.sync(clock);
      segment.releaseFile();
    }
    await disk.syncDirectory(this.inspection.folder);
  }

  /** From here on nothing of the log asks for more than there is. */
  async #storeCheckpoints(logEndOffset: number): Promise<void> {
    const { disk, path, logger } = this.#target;
    const { topic, partition, highWatermark } = this.inspection;
    const offsets = {
      [RECOVERY_POINT_FILE]: logEndOffset,
      [HIGH_WATERMARK_FILE]: Math.min(highWatermark, logEndOffset),
    };
    for (const [name, offset] of Object.entries(offsets)) {
      const file = new CheckpointFile(disk, path, name, logger);
      await file.load();
      file.set({ topic, partition }, offset);
      await file.store();
    }
  }

  async #cut(
    segments: readonly Segment[],
    cut: { index: number; position: number; damage: string },
    logEndOffset: number,
  ): Promise<void> {
    const { disk, logger } = this.#target;
    const plan = { disk, logger, folder: this.inspection.folder, corruptFolder: this.#corruptFolder };
    await cutOff(plan, segments, cut, logEndOffset);
  }

  #indexOf(range: DamagedRange): number {
    return this.inspection.segments.findIndex((segment) => segment.path(LOG_SUFFIX) === range.file);
  }

  get #quarantine(): Quarantine {
    return new Quarantine(this.#target.disk, this.#corruptFolder, this.#target.logger);
  }
}

/** Of each damaged range the leader epoch of the batch before it; that of the first batch after, where there is none. */
async function epochsBefore(segment: Segment, ranges: readonly DamagedRange[]): Promise<number[]> {
  const known: { position: number; epoch: number }[] = [];
  const range = { position: 0, endPosition: segment.writtenBytes, nextOffset: segment.baseOffset };
  await scanThrough(
    segment.file(),
    range,
    (buffer, at, _, position) => {
      const epoch = buffer.readInt32BE(at + LEADER_EPOCH_POSITION);
      if (known.at(-1)?.epoch !== epoch) known.push({ position, epoch });
      return false;
    },
    () => false,
  );
  return ranges.map(({ position }) => {
    const before = known.findLast((each) => each.position < position) ?? known.at(0);
    return before?.epoch ?? 0;
  });
}
