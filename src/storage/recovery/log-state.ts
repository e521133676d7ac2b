/**
 * What a log knows besides its batches, put together when it is opened: leader epochs (from their file, completed from the headers
 * of batches), producer state (from the newest good snapshot, completed in the same way) and with it the aborted transactions of
 * segments whose indexes are not to be trusted. Damaged files are replaced by reading more batches, so they cost time and never data.
 */
import { type Clock, CorruptError, type Logger, silentLogger } from '#core';
import type { TopicConfig } from '../config.ts';
import { AtomicFile } from '../directory/atomic-file.ts';
import { type EpochEntry, formatEpochs, parseEpochs } from '../directory/checkpoint-format.ts';
import type { Disk } from '../disk/disk.ts';
import { LeaderEpochs } from '../log/leader-epochs.ts';
import { snapshotPath, storeSnapshot } from '../log/log-trail.ts';
import { readSnapshot, replayBatch } from '../producers/producer-replay.ts';
import { encodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import { ProducerState } from '../producers/producer-state.ts';
import { baseOffsetAt, LEADER_EPOCH_POSITION } from '../segment/batch-frame.ts';
import { loadSealedIndexes } from '../segment/index-files.ts';
import { walkLog } from '../segment/log-walk.ts';
import type { Segment } from '../segment/segment.ts';
import { storeTransactions } from '../segment/transaction-files.ts';
import { TransactionIndex } from '../segment/transaction-index.ts';
import type { UntoldTransactions } from './untold-transactions.ts';

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
  /** Nothing of the log may be changed, and no snapshot removed: what it is to be judged by is in their names. */
  readonly isReadOnly: boolean;
}

export interface RestoredProducers {
  readonly producers: ProducerState;
  /** Where the snapshot stands that it began with; without a good one, where the log begins. */
  readonly snapshotOffset: number;
}

export const EPOCH_FILE = 'leader-epoch-checkpoint';

/** Five batches of the default size of three producers. */
const RECENT_BYTES = 256 * 1024;

export interface RestoredEpochs {
  readonly epochs: LeaderEpochs;
  /** Their file says the same. */
  readonly areStored: boolean;
}

/** `newFrom`: batches from this offset on may have epochs that the file does not know. */
export async function restoreEpochs(content: LogContent, newFrom: number): Promise<RestoredEpochs> {
  const known = await readEpochFile(content);
  const epochs = new LeaderEpochs(known ?? []);
  epochs.truncateFromEnd(content.logEndOffset);
  const fromOffset = known === undefined ? content.logStartOffset : newFrom;
  const found = new FoundEpochs(epochs);
  for (const segment of reaching(content, fromOffset)) {
    await walkLog(segment, fromOffset, (buffer, at) =>
      found.batch(buffer.readInt32BE(at + LEADER_EPOCH_POSITION), baseOffsetAt(buffer, at)),
    );
  }
  found.end();
  epochs.truncateFromStart(content.logStartOffset);
  const text = formatEpochs(epochs.entries);
  // An epoch without records says nothing, and is forgotten by every start.
  if (formatEpochs(before(content.logEndOffset, known ?? [])) === text) return { epochs, areStored: true };
  // The recovery point moves on from now, and those of the last segment alone are always read again.
  const lastOffset = content.segments[content.segments.length - 1].baseOffset;
  const isNeeded = formatEpochs(before(lastOffset, known ?? [])) !== formatEpochs(before(lastOffset, epochs.entries));
  if (isNeeded) await new AtomicFile(content.disk, content.folder, EPOCH_FILE).write(text);
  return { epochs, areStored: isNeeded };
}

function before(offset: number, entries: readonly EpochEntry[]): EpochEntry[] {
  return entries.filter(({ startOffset }) => startOffset < offset);
}

/** Epochs as batches tell them, which have theirs outside of the checksum: one that is larger than that of the next batch is none. */
class FoundEpochs {
  readonly #epochs: LeaderEpochs;
  #new: EpochEntry | undefined;

  constructor(epochs: LeaderEpochs) {
    this.#epochs = epochs;
  }

  batch(epoch: number, startOffset: number): void {
    if (this.#new !== undefined && epoch < this.#new.epoch) this.#new = undefined;
    this.end();
    if (epoch > (this.#epochs.latest?.epoch ?? -1)) this.#new = { epoch, startOffset };
  }

  end(): void {
    if (this.#new !== undefined) this.#epochs.assign(this.#new.epoch, this.#new.startOffset);
    this.#new = undefined;
  }
}

/**
 * A snapshot holds the last batch of each producer, but a client may repeat one of its last five after a restart. So the headers of
 * the last `RECENT_BYTES` are read as well, where there are producers at all. Removes snapshots that are damaged or beyond the end, and
 * of those that a stop left (others stand where a segment begins) all but the newest; stores those that are missing on the way.
 *
 * @param untold segments that are told their aborted transactions
 */
export async function restoreProducers(content: LogContent, untold: UntoldTransactions): Promise<RestoredProducers> {
  const { disk, folder, logger, snapshots, isReadOnly } = content;
  const producers = new ProducerState();
  const restored = await restoreSnapshot(content, producers, untold.snapshotMax);
  const snapshotOffset = restored ?? content.segments[0].baseOffset;
  const recent = new ProducerState();
  const recentOffset = producers.producerCount === 0 ? snapshotOffset : await recentStart(content);
  const fromOffset = Math.min(snapshotOffset, recentOffset);
  let isFolderDirty = false;
  let isComplete = !isReadOnly;
  for (const segment of reaching(content, fromOffset)) {
    const { baseOffset } = segment;
    if (isComplete && baseOffset > snapshotOffset && !snapshots.includes(baseOffset)) {
      await storeSnapshot(disk, folder, baseOffset, encodeProducerSnapshot(producers.entries()));
      isFolderDirty = true;
    }
    const isDoubtful = segment.transactionFile === 'doubtful';
    const isUntold = !isReadOnly && isDoubtful && (baseOffset >= snapshotOffset || untold.segments.has(segment));
    // A snapshot at its end would say that all of it has been told.
    isComplete = !isReadOnly && isDoubtful === isUntold;
    const transactions = segment.transactions ?? new TransactionIndex();
    if (isUntold) transactions.truncateFrom(snapshotOffset);
    await walkLog(segment, fromOffset, (buffer, at) => {
      replayBatch(recent, buffer, at, silentLogger);
      if (baseOffsetAt(buffer, at) < snapshotOffset) return;
      const aborted = replayBatch(producers, buffer, at, logger);
      if (aborted !== undefined && isUntold) transactions.append(aborted);
    });
    if (isUntold) await storeTransactions(disk, segment, transactions);
  }
  // The log ends where it begins.
  for (const segment of untold.segments)
    if (!segment.isTransactionsLoaded) await storeTransactions(disk, segment, new TransactionIndex());
  if (isFolderDirty) await disk.syncDirectory(folder);
  for (const entry of recent.entries()) producers.complete(entry);
  producers.written();
  return { producers, snapshotOffset };
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

/** The newest one at or below `offsetMax`. */
async function restoreSnapshot(
  content: LogContent,
  producers: ProducerState,
  offsetMax: number,
): Promise<number | undefined> {
  const { disk, folder, logger, logEndOffset, segments, snapshots, isReadOnly } = content;
  const bases = new Set(segments.map(({ baseOffset }) => baseOffset));
  let restored: number | undefined;
  for (const offset of snapshots) {
    const path = snapshotPath(folder, offset);
    const isBeyond = offset > logEndOffset;
    if (!isBeyond && (restored !== undefined || offset > offsetMax)) {
      if (!isReadOnly && !bases.has(offset)) await disk.remove(path);
      continue;
    }
    if (isBeyond) logger.warn({ file: path }, 'A producer snapshot is not used: it lies beyond the end of the log');
    const entries = isBeyond ? undefined : await readSnapshot(content, offset);
    if (entries !== undefined) {
      producers.restore(entries);
      restored = offset;
      continue;
    }
    if (isReadOnly) continue;
    await disk.remove(path);
    // If it came back after the next crash, it would tell of a history that is none.
    await disk.syncDirectory(folder);
  }
  return restored;
}

/** The segments with offsets from `fromOffset` on; none when the log ends there. */
function reaching({ segments, logEndOffset }: LogContent, fromOffset: number): readonly Segment[] {
  if (fromOffset >= logEndOffset) return [];
  const first = segments.findLastIndex((segment) => segment.baseOffset <= fromOffset);
  return segments.slice(Math.max(0, first));
}
