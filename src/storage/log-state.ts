/**
 * What a log knows besides its batches, put together when it is opened: leader epochs (from their file, completed from the headers
 * of batches) and producer state (from the newest good snapshot, completed in the same way). Damaged files are replaced by reading
 * more headers, so they cost time and never data.
 */
import { CorruptError, type Logger } from '#core';
import { readBatchHeader } from '#protocol';
import { baseOffsetAt } from './batch-frame.ts';
import { scanBatches } from './batch-scan.ts';
import { type EpochEntry, parseEpochs } from './checkpoint-format.ts';
import type { Disk } from './disk/disk.ts';
import { baseOffsetOf, SNAPSHOT_SUFFIX } from './file-names.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { decodeProducerSnapshot } from './producer-snapshot.ts';
import { ProducerState } from './producer-state.ts';
import type { Segment } from './segment.ts';

export interface LogContent {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
}

export const EPOCH_FILE = 'leader-epoch-checkpoint';

const LEADER_EPOCH_POSITION = 12;
const PRODUCER_ID_POSITION = 43;

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
  return epochs;
}

/** Also removes snapshots that are of no use any more: damaged, or beyond the end of the log. */
export async function restoreProducers(content: LogContent): Promise<ProducerState> {
  const producers = new ProducerState();
  const snapshotOffset = await restoreSnapshot(content, producers);
  await walkHeaders(content, snapshotOffset ?? content.logStartOffset, (buffer, at) => {
    if (buffer.readInt32BE(at + PRODUCER_ID_POSITION) < 0) return;
    const header = readBatchHeader(buffer, at);
    producers.update(header, header.baseOffset);
  });
  return producers;
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
  const { disk, folder, logger, logEndOffset } = content;
  for (const offset of await snapshotOffsets(disk, folder)) {
    const path = `${folder}/${String(offset).padStart(20, '0')}${SNAPSHOT_SUFFIX}`;
    try {
      if (offset > logEndOffset) throw new CorruptError(`${path} lies beyond the end of the log`);
      const bytes = await disk.readFile(path);
      for (const entry of decodeProducerSnapshot(bytes ?? Buffer.alloc(0), path)) producers.restore(entry);
      return offset;
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      logger.warn({ file: path }, `A producer snapshot is not used: ${error.message}`);
      await disk.remove(path);
    }
  }
  return undefined;
}

/** Newest first. */
export async function snapshotOffsets(disk: Disk, folder: string): Promise<number[]> {
  const names = (await disk.list(folder)).map(({ name }) => baseOffsetOf(name, SNAPSHOT_SUFFIX));
  return names.filter((offset) => offset !== undefined).sort((a, b) => b - a);
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
