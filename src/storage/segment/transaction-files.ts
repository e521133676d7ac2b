/**
 * Brings the transaction index of a segment into memory: from its file when that is sound and complete, else from the batches,
 * beginning with what was known of producers where the segment begins.
 */
import { errorText, KafkaError, type Logger } from '#core';
import { replaceFile } from '../directory/atomic-file.ts';
import type { Disk } from '../disk/disk.ts';
import { storeSnapshot } from '../log/log-trail.ts';
import { readSnapshot, replayBatch } from '../producers/producer-replay.ts';
import { encodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import { ProducerState } from '../producers/producer-state.ts';
import { baseOffsetOf, SNAPSHOT_SUFFIX, segmentFileName, TXN_INDEX_SUFFIX } from './file-names.ts';
import { walkLog } from './log-walk.ts';
import type { Segment } from './segment.ts';
import { ABORTED_TXN_BYTES, TransactionIndex } from './transaction-index.ts';

export interface LogFiles {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  /** All of the log, oldest first. */
  readonly segments: readonly Segment[];
  /** What is found is kept in memory alone: a snapshot would say that all before it was durable. */
  readonly isReadOnly: boolean;
}

/** Undefined when the file cannot be used. `endOffset`: where the segment ends. */
export async function readTransactionFile(
  disk: Disk,
  segment: Segment,
  endOffset: number,
): Promise<TransactionIndex | undefined> {
  const content = await disk.readFile(segment.path(TXN_INDEX_SUFFIX));
  if (content === undefined || content.length % ABORTED_TXN_BYTES !== 0) return undefined;
  const index = new TransactionIndex(content);
  return index.isSound(segment.baseOffset, endOffset) ? index : undefined;
}

/** For a segment that takes no more batches. Leaves the index in `segment`, from where it may be shed at any time; the answer stays. */
export async function loadTransactions(
  files: LogFiles,
  segment: Segment,
  endOffset: number,
): Promise<TransactionIndex> {
  const isWhole = segment.transactionFile === 'whole';
  const stored = isWhole ? await readTransactionFile(files.disk, segment, endOffset) : undefined;
  if (stored !== undefined) segment.adoptTransactions(stored);
  return stored ?? rebuildTransactions(files, segment, endOffset);
}

/** Whole or not at all: nothing would tell a half of the file from the whole. Removes it when there are no entries. */
export async function storeTransactions(disk: Disk, segment: Segment, index: TransactionIndex): Promise<void> {
  const { folder, baseOffset } = segment;
  const name = segmentFileName(baseOffset, TXN_INDEX_SUFFIX);
  if (index.entryCount > 0) await replaceFile(disk, folder, name, index.content());
  else if (segment.transactionFile !== 'none') {
    await disk.remove(`${folder}/${name}`);
    await disk.syncDirectory(folder);
  }
  segment.adoptTransactions(index);
}

/** Stores what it finds, so that the next start need not read the batches again. */
async function rebuildTransactions(files: LogFiles, segment: Segment, endOffset: number): Promise<TransactionIndex> {
  const { disk, folder, logger } = files;
  const path = segment.path(TXN_INDEX_SUFFIX);
  logger.warn({ file: path }, 'A transaction index was missing or wrong and is built anew');
  const { index, producers } = await readTransactions(files, segment);
  segment.transactions = index;
  try {
    // Those of a retired segment are the names of another one by now.
    if (!segment.isRetired && !files.isReadOnly) {
      await storeTransactions(disk, segment, index);
      await storeSnapshot(disk, folder, endOffset, encodeProducerSnapshot(producers.entries()));
      await disk.syncDirectory(folder);
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    logger.warn({ file: path }, `The new transaction index could not be stored: ${errorText(error)}`);
  }
  return index;
}

/** From the newest good snapshot at or below the segment on. */
async function readTransactions(
  files: LogFiles,
  segment: Segment,
): Promise<{ index: TransactionIndex; producers: ProducerState }> {
  const { logger, segments } = files;
  const producers = new ProducerState();
  const fromOffset = (await restoreBelow(files, segment.baseOffset, producers)) ?? segments[0].baseOffset;
  const index = new TransactionIndex();
  const first = segments.findLastIndex(({ baseOffset }) => baseOffset <= fromOffset);
  for (const each of segments.slice(Math.max(0, first))) {
    if (each.baseOffset > segment.baseOffset) break;
    await walkLog(each, fromOffset, (buffer, at) => {
      const aborted = replayBatch(producers, buffer, at, logger);
      if (aborted !== undefined && each.baseOffset === segment.baseOffset) index.append(aborted);
    });
  }
  return { index, producers };
}

async function restoreBelow(files: LogFiles, offsetMax: number, producers: ProducerState): Promise<number | undefined> {
  const names = (await files.disk.list(files.folder)).map(({ name }) => name);
  const offsets = names.map((name) => baseOffsetOf(name, SNAPSHOT_SUFFIX)).filter((offset) => offset !== undefined);
  for (const offset of offsets.sort((a, b) => b - a)) {
    const entries = offset > offsetMax ? undefined : await readSnapshot(files, offset);
    if (entries === undefined) continue;
    producers.restore(entries);
    return offset;
  }
  return undefined;
}
