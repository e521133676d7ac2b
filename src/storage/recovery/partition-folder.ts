/** What lies in the folder of a partition, once what a crash left unfinished is ended or removed. */
import type { Logger } from '#core';
import { finishSwaps } from '../compaction/swap-recovery.ts';
import type { Disk } from '../disk/disk.ts';
import { isSnapshotGood } from '../producers/producer-replay.ts';
import {
  baseOffsetOf,
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SNAPSHOT_SUFFIX,
  TEMPORARY_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from '../segment/file-names.ts';
import type { TransactionFile } from '../segment/segment.ts';

export interface PartitionFolder {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly folder: string;
}

export interface FolderContents {
  /** Base offsets of the segments, in order. */
  readonly bases: readonly number[];
  /** Those with a `.txnindex`. */
  readonly transactionBases: ReadonlySet<number>;
  /** Newest first. */
  readonly snapshots: readonly number[];
}

/** Ends or removes what a crash left unfinished. */
export async function tidyFolder({ disk, folder, logger }: PartitionFolder): Promise<FolderContents> {
  await finishSwaps({ disk, folder, logger });
  const entries = await disk.list(folder);
  for (const { name, kind } of entries) {
    if (kind !== 'other') continue;
    logger.warn({ file: `${folder}/${name}` }, 'This is no file and is ignored');
    if (name.endsWith(TEMPORARY_SUFFIX)) await disk.remove(`${folder}/${name}`);
  }
  const files = entries.filter(({ kind }) => kind === 'file').map(({ name }) => name);
  const bases = files.map((name) => baseOffsetOf(name, LOG_SUFFIX)).filter((base) => base !== undefined);
  for (const name of files) {
    const isLeftOver = [DELETED_SUFFIX, CLEANED_SUFFIX, TEMPORARY_SUFFIX].some((suffix) => name.endsWith(suffix));
    if (isLeftOver) await disk.remove(`${folder}/${name}`);
    const suffix = [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX].find((each) => name.endsWith(each));
    const base = suffix === undefined ? undefined : baseOffsetOf(name, suffix);
    if (base === undefined || bases.includes(base)) continue;
    logger.warn({ file: `${folder}/${name}` }, 'An index without its log was removed');
    await disk.remove(`${folder}/${name}`);
  }
  const snapshots = files.map((name) => baseOffsetOf(name, SNAPSHOT_SUFFIX)).filter((offset) => offset !== undefined);
  const transactionBases = new Set(files.map((name) => baseOffsetOf(name, TXN_INDEX_SUFFIX) ?? -1));
  return { bases: bases.sort((a, b) => a - b), transactionBases, snapshots: snapshots.sort((a, b) => b - a) };
}

/** A snapshot is stored when all that is to be known of the segment that ends there has been. Kafka stores none of an empty log. */
export function transactionFileOf(
  { snapshots, transactionBases }: FolderContents,
  baseOffset: number,
  endOffset: number | undefined,
): TransactionFile {
  const isKnown = endOffset === baseOffset || (endOffset !== undefined && snapshots.includes(endOffset));
  if (!isKnown) return 'doubtful';
  return transactionBases.has(baseOffset) ? 'whole' : 'none';
}

/** Where that begins which a power cut may have taken. A snapshot that cannot be read proves nothing. */
export async function durableOffsetOf(
  place: PartitionFolder,
  { snapshots }: FolderContents,
  recoveryPoint: number,
): Promise<number> {
  const newer = snapshots.filter((offset) => offset > recoveryPoint);
  return (await newestGood(place, newer)) ?? recoveryPoint;
}

/** The first good one of `snapshots`. */
export async function newestGood(
  { disk, folder }: PartitionFolder,
  snapshots: readonly number[],
): Promise<number | undefined> {
  for (const offset of snapshots) if (await isSnapshotGood(disk, folder, offset)) return offset;
  return undefined;
}
