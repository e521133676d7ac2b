/**
 * `springtide dump-log --verify`: checks a whole log directory offline. Nothing is written, not even a lock; a live broker changes
 * files while they are read, so the caller asks `lockOwnerPid` first. Findings come in the order of the names, whoever ran where.
 */
import { CorruptError } from '#core';
import { parseOffsetCheckpoints } from '../directory/checkpoint-format.ts';
import { parseMetaProperties } from '../directory/meta-properties.ts';
import type { Disk } from '../disk/disk.ts';
import { isCorruptFolder, parsePartitionFolder, partitionFolderName } from '../segment/file-names.ts';
import type { Finding } from './findings.ts';
import {
  type PartitionSummary,
  type ReportOn,
  verifyMetadataSnapshot,
  verifyPartition,
  verifySmallFile,
} from './verify-partition.ts';

export interface FolderSummary {
  readonly partitionCount: number;
  readonly segmentCount: number;
  readonly batchCount: number;
  /** Of the `.log` files. */
  readonly sizeInBytes: number;
  readonly damageCount: number;
  readonly warningCount: number;
  /** Whether the broker that wrote it was stopped in order. */
  readonly isCleanlyStopped: boolean;
}

/** What the offsets of a checkpoint file mean; each must lie within the log. */
const CHECKPOINTS: Readonly<Record<string, string>> = {
  'recovery-point-offset-checkpoint': 'the recovery point',
  'log-start-offset-checkpoint': 'the start of the log',
  'replication-offset-checkpoint': 'the high watermark',
  'cleaner-offset-checkpoint': 'the end of what is compacted',
};

const CLEAN_FILE = '.kafka_cleanshutdown';

export async function verifyFolder(
  disk: Disk,
  path: string,
  found: (finding: Finding) => void,
): Promise<FolderSummary> {
  const counts = { damage: 0, warning: 0 };
  const reportOn: ReportOn = (file) => (level, text, position) => {
    counts[level]++;
    found({ level, file, position, text });
  };
  const names = (await disk.list(path)).map(({ name }) => name).sort();
  if (names.length === 0) throw new CorruptError(`${path} is no folder, or holds nothing`, { file: path });
  await verifySmallFile(disk, path, 'meta.properties', reportOn, parseMetaProperties);
  const isCleanlyStopped = names.includes(CLEAN_FILE) && (await isCleanFileGood(disk, path, reportOn));
  const partitions = new Map<string, PartitionSummary>();
  for (const name of names) {
    if (isCorruptFolder(name)) reportOn(name)('warning', 'holds what a recovery cut off a partition');
    if (name === 'bootstrap.checkpoint') await verifyMetadataSnapshot(disk, path, name, reportOn(name));
    // The name of what a recovery cut off may also be read as one of a partition.
    if (isCorruptFolder(name) || parsePartitionFolder(name) === undefined) continue;
    const reportOnFile: ReportOn = (file) => reportOn(`${name}/${file}`);
    const summary = await verifyPartition(disk, `${path}/${name}`, isCleanlyStopped, reportOnFile);
    partitions.set(name, summary);
  }
  for (const name of Object.keys(CHECKPOINTS))
    if (names.includes(name)) await verifyCheckpoint(disk, path, name, partitions, reportOn);
  return { ...totalOf(partitions), damageCount: counts.damage, warningCount: counts.warning, isCleanlyStopped };
}

async function isCleanFileGood(disk: Disk, path: string, reportOn: ReportOn): Promise<boolean> {
  const marker = await verifySmallFile(disk, path, CLEAN_FILE, reportOn, (text): unknown => JSON.parse(text));
  return marker !== undefined;
}

async function verifyCheckpoint(
  disk: Disk,
  path: string,
  name: string,
  partitions: ReadonlyMap<string, PartitionSummary>,
  reportOn: ReportOn,
): Promise<void> {
  const entries = (await verifySmallFile(disk, path, name, reportOn, parseOffsetCheckpoints)) ?? [];
  for (const { topic, partition, offset } of entries) {
    const folder = partitionFolderName(topic, partition);
    const summary = partitions.get(folder);
    if (summary === undefined) reportOn(name)('warning', `${folder} is not there`);
    else if (offset > summary.endOffset)
      reportOn(name)(
        'damage',
        `${CHECKPOINTS[name]} of ${folder} is ${offset}, but its log ends at ${summary.endOffset}`,
      );
  }
}

function totalOf(partitions: ReadonlyMap<string, PartitionSummary>) {
  const total = { partitionCount: partitions.size, segmentCount: 0, batchCount: 0, sizeInBytes: 0 };
  for (const { segmentCount, batchCount, sizeInBytes } of partitions.values()) {
    total.segmentCount += segmentCount;
    total.batchCount += batchCount;
    total.sizeInBytes += sizeInBytes;
  }
  return total;
}

/** The line after the findings. */
export function summaryLine(summary: FolderSummary): string {
  const { partitionCount, segmentCount, batchCount, sizeInBytes, damageCount, warningCount } = summary;
  const checked = `partitions: ${partitionCount}, segments: ${segmentCount}, batches: ${batchCount}, bytes: ${sizeInBytes}`;
  const stop = summary.isCleanlyStopped ? 'stopped cleanly' : 'not stopped cleanly';
  return `${checked}; damage: ${damageCount}, warnings: ${warningCount}; ${stop}`;
}
