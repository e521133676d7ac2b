/** `partition.metadata`: whose records lie in the folder of a partition, by the id of its topic. */
import { CorruptError, type Logger, type Uuid, ZERO_UUID } from '#core';
import type { Disk } from '../disk/disk.ts';
import { formatPartitionMetadata, parsePartitionMetadata } from './checkpoint-format.ts';

export const PARTITION_METADATA_FILE = 'partition.metadata';

/** At once, and not durable yet. */
export function writePartitionMetadata(disk: Disk, folder: string, topicId: Uuid): void {
  const file = disk.openSync(pathIn(folder), { create: true });
  try {
    file.truncateSync(0);
    file.writeSync([Buffer.from(formatPartitionMetadata(topicId))], 0);
  } finally {
    file.close();
  }
}

/** Makes the file durable; its name is when the folder is synced. */
export async function syncPartitionMetadata(disk: Disk, folder: string): Promise<void> {
  const file = disk.openSync(pathIn(folder), { create: false });
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/** ZERO_UUID when the file is missing or damaged: the topic's metadata knows the id and brings it back. */
export async function readTopicId(disk: Disk, folder: string, logger: Logger): Promise<Uuid> {
  const path = pathIn(folder);
  try {
    return parsePartitionMetadata((await disk.readFile(path))?.toString('utf8') ?? '', path);
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    logger.warn({ file: path }, 'The topic id of this partition is missing; it is kept until its topic is known');
    return ZERO_UUID;
  }
}

function pathIn(folder: string): string {
  return `${folder}/${PARTITION_METADATA_FILE}`;
}
