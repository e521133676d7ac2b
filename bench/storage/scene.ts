/** What every bench of the storage engine needs: a folder that is removed at the end, log directories in it, and batches. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom } from '#core';
import { buildBatch } from '#protocol';
import {
  type Durability,
  LogDirectory,
  type LogDirectoryOptions,
  nodeDisk,
  type PartitionLog,
  type TopicConfig,
  topicConfig,
} from '#storage';

export interface BenchOptions {
  /** Temporary data goes into folders of their own under it. */
  readonly folder: string;
  readonly rounds: number;
  /** The sizes that the targets are stated for, where those take minutes. */
  readonly isFull: boolean;
}

export const MIB = 1024 * 1024;
const TOPIC_ID = 'BFW8RU_yRPugVunx2YS_IA';

/** A fresh folder for the time of `run`. */
export async function inFolder<T>(parent: string, run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(parent, 'springtide-bench-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function openLogs(
  path: string,
  durability: Durability,
  more: Partial<LogDirectoryOptions> = {},
): Promise<LogDirectory> {
  return LogDirectory.open({
    disk: nodeDisk(),
    path,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    nodeId: 1,
    durability,
    ...more,
  });
}

export function createLogs(
  directory: LogDirectory,
  topic: string,
  partitionCount: number,
  config: TopicConfig = topicConfig(),
): PartitionLog[] {
  return Array.from({ length: partitionCount }, (_, index) => directory.create(topic, index, TOPIC_ID, config));
}

/** Batches as producers send them, each in an ArrayBuffer of its own, as large ones arrive from a socket. */
export interface Batches {
  readonly list: readonly Buffer[];
  readonly recordCount: number;
  readonly sizeInBytes: number;
}

/** @param keyOf the key of the record with this number; none by default */
export function makeBatches(
  recordBytes: number,
  batchBytes: number,
  batchCount: number,
  keyOf: (record: number) => Buffer | null = () => null,
): Batches {
  const recordCount = recordsIn(recordBytes, batchBytes);
  const timestamp = Date.now();
  const list = Array.from({ length: batchCount }, (_, batch) => {
    const records = Array.from({ length: recordCount }, (__, index) => ({
      key: keyOf(batch * recordCount + index),
      value: Buffer.alloc(recordBytes, index),
      timestamp,
      headers: [],
    }));
    const built = buildBatch(records);
    const own = Buffer.allocUnsafeSlow(built.length);
    built.copy(own);
    return own;
  });
  return { list, recordCount, sizeInBytes: list[0].length };
}

/** Records that fill a batch of this size: each has about 8 bytes of its own. */
export function recordsIn(recordBytes: number, batchBytes: number): number {
  return Math.max(1, Math.floor((batchBytes - 61) / (recordBytes + 8)));
}

/** Appends one batch and resolves when it is durable. */
export function appendDurably(log: PartitionLog, batch: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const { error, errorMessage, lastOffset } = log.append(batch, { leaderEpoch: 0, origin: 'client' });
    if (error !== undefined) reject(new Error(errorMessage));
    else log.whenDurable(lastOffset + 1, (failure) => (failure === undefined ? resolve() : reject(failure)));
  });
}

/** Has the page cache forget a file, as far as it is synced, without disturbing others; false where that cannot be done. */
export function forgetPages(file: string): boolean {
  const args = [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'];
  return process.platform === 'linux' && spawnSync('dd', args, { stdio: 'ignore' }).status === 0;
}
