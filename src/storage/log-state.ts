/**
 * What a log knows besides its batches, put together when it is opened: leader epochs (from their file, completed from the headers
 * of batches) and producer state (from the newest good snapshot, completed in the same way). Damaged files are replaced by reading
 * more headers, so they cost time and never data.
 */
import { type Clock, CorruptError, type Logger } from '#core';
import { readBatchHeader } from '#protocol';
import { AtomicFile } from './atomic-file.ts';
import { baseOffsetAt, LEADER_EPOCH_POSITION } from './batch-frame.ts';
import { scanBatches } from './batch-scan.ts';
import { type EpochEntry, formatEpochs, parseEpochs } from './checkpoint-format.ts';
import type { TopicConfig } from './config.ts';
import type { Disk } from './disk/disk.ts';
import { SNAPSHOT_SUFFIX } from './file-names.ts';
import { loadSealedIndexes } from './index-files.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { decodeProducerSnapshot } from './producer-snapshot.ts';
import { ProducerState } from './producer-state.ts';
import type { Segment } from './segment.ts';

export interface LogContent {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly folder: string;
  readonly logger: Logger;
  readonly config: TopicConfig;
  readonly segments: readonly Segment[];
  /** Offsets of the producer snapshots in the folder, newest first. */
  readonly snapshots: readonly number[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
}

export interface RestoredProducers {
  readonly producers: ProducerState;
  /** The offset of the snapshot that it began with; undefined when there was none that is good. */
  readonly snapshotOffset: number | undefined;
}

export const EPOCH_FILE = 'leader-epoch-checkpoint';

const PRODUCER_ID_POSITION = 43;
/** Five batches of the default size of three producers. */
const RECENT_BYTES = 256 * 1024;

/** `newFrom`: batches from this offset on may have epochs that the file does not know. */
export async function restoreEpochs(content: LogContent, newFrom: number): Promise<LeaderEpochs> {
  const known = await readEpochFile(content);
  const epochs = new LeaderEpochs(known ?? []);
  epochs.truncateFromEnd(content.logEndOffset);
  await walkHeaders(content, known === undefined ? content.logStartOffset : newFrom, (buffer, at) => {
    const epoch = buffer.readInt32BE(at + LEADER_EPOCH_POSITION);
    if (epoch > (epochs.latest?.epoch ?? -1)) epochs.assign(epoch, baseOffsetAt(buffer, at));
  });
  epochs.truncateFromStart(content.logStartOffset);
  await storeEpochs(content, epochs);
  return epochs;
}

/** When the file says something else: the recovery point, which moves on from now, counts on it. */
async function storeEpochs({ disk, folder }: LogContent, epochs: LeaderEpochs): Promise<void> {
  const file = new AtomicFile(disk, folder, EPOCH_FILE);
  const text = formatEpochs(epochs.entries);
  const stored = await file.read();
  if (stored !== text && !(stored === undefined && epochs.entries.length === 0)) await file.write(text);
}

/**
 * A snapshot holds the last batch of each producer, but a client may repeat one of its last five after a restart. So the headers of
 * the last `RECENT_BYTES` are read as well, where there are producers at all. Removes snapshots that are damaged or beyond the end, and
 * of those that a stop left (others stand where a segment begins) all but the newest.
 */
export async function restoreProducers(content: LogContent): Promise<RestoredProducers> {
  const producers = new ProducerState();
  const restored = await restoreSnapshot(content, producers);
  const snapshotOffset = restored ?? content.logStartOffset;
  const recent = new ProducerState();
  const recentOffset = producers.producerCount === 0 ? snapshotOffset : await recentStart(content);
  await walkHeaders(content, Math.min(snapshotOffset, recentOffset), (buffer, at) => {
    if (buffer.readInt32BE(at + PRODUCER_ID_POSITION) < 0) return;
    const header = readBatchHeader(buffer, at);
    if (header.baseOffset >= snapshotOffset) producers.update(header, header.baseOffset);
    recent.update(header, header.baseOffset);
  });
  for (const entry of recent.entries()) producers.complete(entry);
  return { producers, snapshotOffset: restored };
}

/** An offset about `RECENT_BYTES` before the end of the log. */
async function recentStart({ disk, clock, config, logger, segments, logStartOffset }: LogContent): Promise<number> {
  let bytesLeft = RECENT_BYTES;
  let index = segments.length - 1;
  while (index > 0 && segments[index].sizeInBytes < bytesLeft) bytesLeft -= segments[index--].sizeInBytes;
  const segment = segments[index];
  if (segment.indexes === undefined) {
    await loadSealedIndexes({ disk, clock, logger }, segment, segments[index + 1].baseOffset, config);
  }
  const offset = segment.indexes?.offsets.offsetAt(segment.sizeInBytes - bytesLeft) ?? segment.baseOffset;
  return Math.max(offset, logStartOffset);
}

/** Undefined when the file is not there or damaged, though the log has batches. */
async function readEpochFile({ disk, folder, logger, logEndOffset }: LogContent): Promise<EpochEntry[] | undefined> {
  const path = `${folder}/${EPOCH_FILE}`;
  const text = (await disk.readFile(path))?.toString('utf8') ?? '';
  try {
    const entries = parseEpochs(text, path);
    return entries.length === 0 && logEndOffset > 0 ? undefined : entries;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    logger.warn({ file: path }, `The epochs are read from the batches again: ${error.message}`);
    return undefined;
  }
}

async function restoreSnapshot(content: LogContent, producers: ProducerState): Promise<number | undefined> {
  const { disk, folder, logger, logEndOffset, segments, snapshots } = content;
  const bases = new Set(segments.map(({ baseOffset }) => baseOffset));
  let restored: number | undefined;
  for (const offset of snapshots) {
    const path = `${folder}/${String(offset).padStart(20, '0')}${SNAPSHOT_SUFFIX}`;
    if (restored !== undefined) {
      if (!bases.has(offset)) await disk.remove(path);
      continue;
    }
    try {
      if (offset > logEndOffset) throw new CorruptError(`${path} lies beyond the end of the log`);
      const bytes = await disk.readFile(path);
      for (const entry of decodeProducerSnapshot(bytes ?? Buffer.alloc(0), path)) producers.restore(entry);
      restored = offset;
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      logger.warn({ file: path }, `A producer snapshot is not used: ${error.message}`);
      await disk.remove(path);
      // If it came back after the next crash, it would tell of a history that is none.
      await disk.syncDirectory(folder);
    }
  }
  return restored;
}

/** Visits the batches that begin at or after `fromOffset`. Stops silently at damage: the bytes behind it are in no state. */
async function walkHeaders(
  { segments, logEndOffset }: LogContent,
  fromOffset: number,
  visit: (buffer: Buffer, at: number) => void,
): Promise<void> {
  if (fromOffset >= logEndOffset) return;
  const first = Math.max(
    0,
    segments.findLastIndex((segment) => segment.baseOffset <= fromOffset),
  );
  for (const segment of segments.slice(first)) {
    const position = segment.indexes?.offsets.floorPosition(fromOffset) ?? 0;
    const range = {
      position,
      endPosition: segment.writtenBytes,
      offsetMin: 0,
      crcFromOffset: Number.POSITIVE_INFINITY,
    };
    await scanBatches(segment.file(), range, (buffer, at) => {
      if (baseOffsetAt(buffer, at) >= fromOffset) visit(buffer, at);
      return false;
    });
  }
}
