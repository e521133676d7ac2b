/** Producer state from files: a snapshot, and then the batches behind it. */
import { CorruptError, type Logger } from '#core';
import { type AbortedTxn, readBatchHeader, readTransactionMarker, type TransactionMarker } from '#protocol';
import type { Disk } from '../disk/disk.ts';
import { snapshotPath } from '../log/log-trail.ts';
import type { ProducerEntry } from './producer-entry.ts';
import { decodeProducerSnapshot } from './producer-snapshot.ts';
import type { ProducerState } from './producer-state.ts';

const PRODUCER_ID_POSITION = 43;

/** The entries of the snapshot at `offset`; undefined, and told, when it is damaged or not there. */
export async function readSnapshot(
  { disk, folder, logger }: { readonly disk: Disk; readonly folder: string; readonly logger: Logger },
  offset: number,
): Promise<ProducerEntry[] | undefined> {
  const path = snapshotPath(folder, offset);
  try {
    return decodeProducerSnapshot((await disk.readFile(path)) ?? Buffer.alloc(0), path);
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    logger.warn({ file: path }, `A producer snapshot is not used: ${error.message}`);
    return undefined;
  }
}

/** Whether the snapshot at `offset` is there and whole. */
export async function isSnapshotGood(disk: Disk, folder: string, offset: number): Promise<boolean> {
  const path = snapshotPath(folder, offset);
  const content = await disk.readFile(path);
  try {
    return content !== undefined && decodeProducerSnapshot(content, path).length >= 0;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    return false;
  }
}

/**
 * Tells `producers` of the batch at `at`, which is in the log, when it is of a producer. A marker that cannot be read is passed over:
 * its transaction stays open, and nothing of it is served as committed.
 *
 * @returns the transaction that it aborts, when that has records
 */
export function replayBatch(
  producers: ProducerState,
  buffer: Buffer,
  at: number,
  logger: Logger,
): AbortedTxn | undefined {
  if (buffer.readInt32BE(at + PRODUCER_ID_POSITION) < 0) return undefined;
  const header = readBatchHeader(buffer, at);
  if (!header.isControl) return producers.replay(header, undefined);
  let marker: TransactionMarker | undefined;
  try {
    marker = readTransactionMarker(buffer, at, header);
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    const { producerId, baseOffset: offset } = header;
    logger.error({ producerId, offset }, `A transaction has no end that could be read: ${error.message}`);
  }
  return producers.replay(header, marker);
}
