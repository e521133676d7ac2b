/**
 * Compacts one log once: notes the last offset of every key in the dirty part, then rewrites all segments from the oldest one to the
 * end of that part, group by group, without what a later record has replaced and without aborted transactions. When the map of keys is full, the part ends there, and
 * the rest is the next round's. A crash, a stop or an error between groups leaves a right log that is cleaned again.
 */
import { CorruptError, errorText, KafkaError } from '#core';
import { type BatchHeader, NO_PRODUCER_ID, readTransactionMarker } from '#protocol';
import type { Disk } from '../disk/disk.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { levelOf } from '../log/stored-batch.ts';
import { DECOMPRESSED_BATCH_BYTES_MAX, lastOffsetAt, maxTimestampAt } from '../segment/batch-frame.ts';
import {
  CLEANED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from '../segment/file-names.ts';
import type { Segment } from '../segment/segment.ts';
import { BatchCleaning, type BatchFate, type CleaningRules, type LastOfProducer } from './batch-cleaning.ts';
import { OffsetMap } from './offset-map.ts';
import type { Pace } from './pace.ts';
import { sliceRecords } from './record-slices.ts';
import { type BatchReading, readBatches } from './segment-batches.ts';
import { type GroupMember, groupSegments } from './segment-groups.ts';
import { TransactionCleaning } from './transaction-cleaning.ts';

export interface CleaningOptions {
  readonly disk: Disk;
  readonly log: PartitionLog;
  /** Closed segments, one behind the other, as many as may be cleaned. */
  readonly segments: readonly Segment[];
  /** Where the last of `segments` ends. */
  readonly endOffset: number;
  readonly firstDirtyOffset: number;
  /** Nothing before `segments` was left out. Else older values may lie there, so no tombstone and no marker gets a time to go. */
  readonly isWhole: boolean;
  readonly wallMs: number;
  readonly dedupeBufferBytes: number;
  readonly dedupeLoadFactor: number;
  readonly ioBufferBytes: number;
  readonly pace: Pace;
}

export interface CleaningResult {
  /** Dirty from here on now. */
  readonly firstDirtyOffset: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** False: other work on the log came in between, and the rest waits for the next round. */
  readonly isComplete: boolean;
}

/** What one pass over the dirty part has found. */
interface DirtyRange {
  readonly latest: OffsetMap;
  /** Records below were looked at. */
  readonly rangeEnd: number;
  readonly lastOffset: number;
}

interface Member extends GroupMember {
  readonly segment: Segment;
}

/** What the rewriting of all groups has in common. */
interface Rewriting {
  readonly rules: CleaningRules;
  readonly transactions: TransactionCleaning;
}

/** Batches that were accepted when `max.message.bytes` was larger are read as well, up to the size of a request. */
const BATCH_BYTES_MAX = 100 * 1024 * 1024;
/** Positions in the indexes are int32. */
const SEGMENT_BYTES_MAX = 2 ** 31 - 1;
/** So many records are looked at between two looks at the clock. */
const RECORDS_PER_STEP = 256;
const FILE_SUFFIXES = [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX];

/**
 * Rejects with a CorruptError when a segment is damaged, with ABORTED when the pace was stopped, or with what the disk says. Nothing
 * was lost then, and what was written and not yet in place is removed.
 */
export async function cleanLog(options: CleaningOptions): Promise<CleaningResult> {
  const range = await readDirtyRange(options);
  const startOffset = options.isWhole ? 0 : options.segments[0].baseOffset;
  const rewriting = { rules: rulesOf(options, range), transactions: new TransactionCleaning(startOffset) };
  const members = await membersOf(options, range.rangeEnd);
  let bytesBefore = 0;
  let bytesAfter = 0;
  for (const group of groupSegments(members, options.log.config)) {
    const fresh = group[0].segment.emptyCopy(CLEANED_SUFFIX);
    const isInPlace = await replaceGroup(options, rewriting, group, fresh);
    if (!isInPlace) return { firstDirtyOffset: options.firstDirtyOffset, bytesBefore, bytesAfter, isComplete: false };
    bytesBefore += group.reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0);
    bytesAfter += fresh.sizeInBytes;
  }
  return { firstDirtyOffset: range.rangeEnd, bytesBefore, bytesAfter, isComplete: true };
}

async function readDirtyRange(options: CleaningOptions): Promise<DirtyRange> {
  const { firstDirtyOffset, endOffset, pace, dedupeBufferBytes: bytesMax, dedupeLoadFactor: loadFactor } = options;
  const latest = new OffsetMap({ bytesMax, loadFactor });
  let rangeEnd = endOffset;
  let lastOffset = -1;
  let nextOffset = 0;
  const transactions = new TransactionCleaning(0);
  const visit = async (batch: Buffer, header: BatchHeader): Promise<boolean> => {
    const fate = fateOf(batch, header, transactions);
    if (header.lastOffset < firstDirtyOffset) return false;
    lastOffset = header.lastOffset;
    if (fate !== 'records') return false;
    const records = sliceRecords(batch, header, DECOMPRESSED_BATCH_BYTES_MAX);
    for (let count = 1; records.next(); count++) {
      const { key, offset } = records;
      if (offset >= firstDirtyOffset && key !== null && !latest.put(key, offset)) {
        rangeEnd = offset;
        return true;
      }
      if (count % RECORDS_PER_STEP === 0 && pace.isSliceOver) await pace.yieldTurn();
    }
    return false;
  };
  for (const [index, segment] of options.segments.entries()) {
    if (rangeEnd < endOffset) break;
    const segmentEnd = options.segments.at(index + 1)?.baseOffset ?? endOffset;
    if (segmentEnd <= firstDirtyOffset && index + 1 < options.segments.length) continue;
    transactions.expect(await options.log.abortedIn(segment.baseOffset, segmentEnd));
    nextOffset = Math.max(nextOffset, segment.baseOffset);
    nextOffset = 1 + (await inFile(segment, () => readBatches(segment, nextOffset, readingOf(options), visit)));
  }
  if (rangeEnd <= firstDirtyOffset) {
    throw new KafkaError('INVALID_CONFIG', `log.cleaner.dedupe.buffer.size=${bytesMax} has no room for a single key`);
  }
  return { latest, rangeEnd, lastOffset };
}

function rulesOf(
  { log, wallMs, isWhole }: CleaningOptions,
  { latest, rangeEnd, lastOffset }: DirtyRange,
): CleaningRules {
  const { config, producers } = log;
  const lastOfProducer = new Map<number, LastOfProducer>();
  for (const { producerId, batches, epoch } of producers.entries())
    lastOfProducer.set(producerId, { lastOffset: batches.at(-1)?.lastOffset, epoch });
  return {
    latest,
    rangeEnd,
    lastOffset,
    lastOfProducer,
    wallMs,
    mayForget: isWhole,
    deleteRetentionMs: config['delete.retention.ms'],
    decompressedBytesMax: DECOMPRESSED_BATCH_BYTES_MAX,
    compressionLevel: (codec) => levelOf(codec, config),
  };
}

/** The segments that reach below `rangeEnd`, with their indexes loaded: nobody can find these once the files have other names. */
async function membersOf({ log, segments, endOffset }: CleaningOptions, rangeEnd: number): Promise<Member[]> {
  const members: Member[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment.baseOffset >= rangeEnd) break;
    if (segment.indexes === undefined) await log.segmentWork.loadIndexes(segment);
    members.push({
      segment,
      baseOffset: segment.baseOffset,
      endOffset: segments[index + 1]?.baseOffset ?? endOffset,
      sizeInBytes: segment.sizeInBytes,
      offsetIndexBytes: segment.indexes?.offsets.content().length ?? 0,
      timeIndexBytes: segment.indexes?.times.content().length ?? 0,
    });
  }
  return members;
}

/** False when the log has changed meanwhile. */
async function replaceGroup(
  options: CleaningOptions,
  rewriting: Rewriting,
  group: readonly Member[],
  fresh: Segment,
): Promise<boolean> {
  const replaced = group.map(({ segment }) => segment);
  let isInPlace = false;
  try {
    await removeFiles(options.disk, fresh);
    fresh.create(options.log.config);
    await copyGroup(options, rewriting, group, fresh);
    fresh.finish();
    await fresh.storeIndexes(options.pace.clock);
    await fresh.sync(options.pace.clock);
    isInPlace = await options.log.segmentWork.replace(replaced, fresh);
  } finally {
    if (!isInPlace && !isSeen(options.log, fresh)) {
      fresh.close();
      // What cannot be removed now is removed by the next start.
      await removeFiles(options.disk, fresh).catch(() => {});
    }
  }
  return isInPlace;
}

function isSeen(log: PartitionLog, fresh: Segment): boolean {
  return log.closedSegments.includes(fresh);
}

async function copyGroup(
  options: CleaningOptions,
  { rules, transactions }: Rewriting,
  group: readonly Member[],
  fresh: Segment,
): Promise<void> {
  const { pace, ioBufferBytes, log } = options;
  const indexIntervalBytes = log.config['index.interval.bytes'];
  let nextOffset = 0;
  const write = async (): Promise<void> => {
    const bytes = fresh.sizeInBytes - fresh.writtenBytes;
    fresh.writePending();
    await pace.spent(bytes);
  };
  const visit = async (batch: Buffer, header: BatchHeader): Promise<undefined> => {
    const fate = fateOf(batch, header, transactions, fresh);
    const cleaning = new BatchCleaning(batch, header, rules, fate);
    while (!cleaning.advance(RECORDS_PER_STEP)) if (pace.isSliceOver) await pace.yieldTurn();
    const left = cleaning.result();
    if (left === undefined) return;
    if (fresh.sizeInBytes + left.length > SEGMENT_BYTES_MAX) {
      throw new KafkaError(
        'INVALID_CONFIG',
        `segment.bytes is too large: ${fresh.path(LOG_SUFFIX)} would grow beyond ${SEGMENT_BYTES_MAX} bytes`,
      );
    }
    fresh.note(lastOffsetAt(left, 0), maxTimestampAt(left, 0), left.length, indexIntervalBytes, false);
    fresh.queue(undefined, left);
    if (fresh.sizeInBytes - fresh.writtenBytes >= ioBufferBytes) await write();
  };
  for (const { segment, baseOffset, endOffset } of group) {
    transactions.expect(await log.abortedIn(baseOffset, endOffset));
    nextOffset = Math.max(nextOffset, baseOffset);
    nextOffset = 1 + (await inFile(segment, () => readBatches(segment, nextOffset, readingOf(options), visit)));
  }
  await write();
}

/** Tells `transactions` of the next batch. `fresh` is told of the aborted transactions that end in it and still have batches. */
function fateOf(batch: Buffer, header: BatchHeader, transactions: TransactionCleaning, fresh?: Segment): BatchFate {
  if (!header.isControl) return transactions.batch(header) ? 'dropped' : 'records';
  if (header.producerId === NO_PRODUCER_ID) return 'stays';
  if (header.recordCount === 0) return 'dropped';
  const marker = readTransactionMarker(batch, 0, header);
  const needed = marker === undefined || transactions.marker(header, marker);
  if (typeof needed === 'object') fresh?.noteAborted(needed);
  return needed === false ? 'spent' : 'stays';
}

function readingOf({ pace, ioBufferBytes, log }: CleaningOptions): BatchReading {
  const batchBytesMax = Math.max(log.config['max.message.bytes'], BATCH_BYTES_MAX);
  return { chunkBytes: ioBufferBytes, batchBytesMax, pace };
}

/** Damage inside of a batch is told with its file. */
async function inFile<T>(segment: Segment, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CorruptError) || error.file !== undefined) throw error;
    const file = segment.path(LOG_SUFFIX);
    throw new CorruptError(`${file} is damaged: ${errorText(error)}`, { file, cause: error });
  }
}

async function removeFiles(disk: Disk, segment: Segment): Promise<void> {
  for (const suffix of FILE_SUFFIXES) await disk.remove(segment.path(suffix));
}
