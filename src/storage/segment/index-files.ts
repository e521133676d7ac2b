/**
 * Brings the indexes of a segment into memory: from their files when these are there and sound, else by reading the batches. (Kafka
 * trusts files after a clean stop; one with random bytes made its readers skip thousands of records.) What makes files sound: whole
 * entries, all columns growing and within the segment, the last entry of each true to the batch that it names, and nothing younger
 * than the last time behind the last offset. Entries in between are verified by whoever uses them.
 */
import { type Clock, errorText, KafkaError, type Logger } from '#core';
import type { TopicConfig } from '../config.ts';
import type { Disk } from '../disk/disk.ts';
import { baseOffsetAt, lastOffsetAt, maxTimestampAt } from './batch-frame.ts';
import { type BatchVisitor, type DamagedPlace, scanBatches, scanThrough } from './batch-scan.ts';
import { INDEX_SUFFIX, TIME_INDEX_SUFFIX } from './file-names.ts';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import type { Segment, SegmentIndexes } from './segment.ts';
import { anchorOf } from './segment-lookup.ts';
import { TIME_ENTRY_BYTES, TimeIndex, type TimestampOffset } from './time-index.ts';

/** What bringing indexes into memory needs. */
export interface IndexHome {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Batches behind the last entry may have as many bytes more than the interval; a segment that has more was not indexed to its end. */
const TAIL_BYTES_MAX = 1024 * 1024;

/** The indexes in the files of the sealed `segment`, which holds offsets below `endOffset`; undefined when they cannot be used. */
export async function readSealedIndexes(
  disk: Disk,
  segment: Segment,
  endOffset: number,
  config: TopicConfig,
): Promise<SegmentIndexes | undefined> {
  const contents = await readFiles(disk, segment);
  if (contents === undefined || !areWhole(contents)) return undefined;
  const indexes = indexesOf(segment, contents, config);
  const { offsets, times } = indexes;
  if (offsets.soundCount(segment.writtenBytes) < offsets.entryCount) return undefined;
  if (times.soundCount(endOffset) < times.entryCount) return undefined;
  const isTrue = await isTrueToLog(segment, indexes, endOffset, config);
  return isTrue ? indexes : undefined;
}

/**
 * Gives `segment`, which may be written to, the entries of its index files for what lies below `offset`.
 *
 * @param isComplete the files are those of a clean stop: what of them is not in order is a reason to believe none of it
 * @returns the batch from which on the indexes must be told more; undefined when that is the first one, `lost` when the files are not
 *   what they should be
 */
export async function adoptIndexesBelow(
  disk: Disk,
  segment: Segment,
  offset: number,
  config: TopicConfig,
  isComplete: boolean,
): Promise<{ position: number; nextOffset: number } | 'lost' | undefined> {
  const contents = await readFiles(disk, segment);
  if (contents === undefined || (isComplete && !areWhole(contents))) return 'lost';
  const { offsets, times } = indexesOf(segment, wholeEntries(contents), config);
  const soundCount = offsets.soundCount(segment.writtenBytes);
  if (isComplete && soundCount < offsets.entryCount) return 'lost';
  if (times.soundCount(Number.POSITIVE_INFINITY) < times.entryCount) return 'lost';
  offsets.truncate(Math.min(soundCount, offsets.countBelow(offset)));
  const last = offsets.lastEntry();
  if (last === undefined) return undefined;
  const anchor = await anchorOf(segment, offsets, last.offset);
  times.truncate(times.soundCount(last.offset + 1));
  const lastTime = times.lastEntry();
  const isTrue = lastTime === undefined || (await isTimeTrue(segment, offsets, lastTime, offset));
  if (anchor.wrongCount > 0 || !isTrue) return 'lost';
  segment.adoptIndexes({ offsets, times }, anchor.position);
  return { position: anchor.position, nextOffset: anchor.baseOffset };
}

/**
 * Builds the indexes anew from the batches that are right, and leaves them in `segment`.
 *
 * @returns what else was found
 */
export async function rebuildIndexes(
  segment: Segment,
  endPosition: number,
  endOffset: number,
  config: TopicConfig,
): Promise<readonly DamagedPlace[]> {
  segment.startIndexes(config['segment.index.bytes']);
  const places: DamagedPlace[] = [];
  const range = { position: 0, endPosition, nextOffset: segment.baseOffset, endOffset };
  await scanThrough(segment.file(), range, noteInto(segment, config), (place) => {
    places.push(place);
    segment.skip(place.endPosition - place.position);
    return false;
  });
  return places;
}

/** Tells `segment` of every batch that is walked. */
export function noteInto(segment: Segment, config: TopicConfig): BatchVisitor {
  return (buffer, at, sizeInBytes) => {
    const lastOffset = lastOffsetAt(buffer, at);
    segment.note(lastOffset, maxTimestampAt(buffer, at), sizeInBytes, config['index.interval.bytes'], true);
    return false;
  };
}

/** For a sealed segment at its first use. `endOffset`: base offset of the next one. */
export async function loadSealedIndexes(
  home: IndexHome,
  segment: Segment,
  endOffset: number,
  config: TopicConfig,
): Promise<void> {
  const indexes = await readSealedIndexes(home.disk, segment, endOffset, config);
  if (indexes !== undefined) segment.adoptIndexes(indexes, segment.writtenBytes);
  else await rebuildSealedIndexes(home, segment, endOffset, config);
}

/** Builds the indexes of a sealed segment anew and replaces their files. */
export async function rebuildSealedIndexes(
  { clock, logger }: IndexHome,
  segment: Segment,
  endOffset: number,
  config: TopicConfig,
): Promise<void> {
  const fileBytes = segment.writtenBytes;
  const copy = segment.emptyCopy();
  await rebuildIndexes(copy, fileBytes, endOffset, config);
  copy.finish();
  logger.warn({ file: segment.path(INDEX_SUFFIX) }, 'The index of a segment was missing or wrong and was built anew');
  copy.close();
  if (copy.indexes !== undefined) segment.adoptIndexes(copy.indexes, fileBytes);
  try {
    // Else the names of its files belong to another segment by now.
    if (!segment.isRetired) await segment.replaceIndexFiles(clock);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    logger.warn({ file: segment.path(INDEX_SUFFIX) }, `The new index could not be stored: ${errorText(error)}`);
  }
}

interface IndexContents {
  readonly offsets: Buffer;
  readonly times: Buffer;
}

async function readFiles(disk: Disk, segment: Segment): Promise<IndexContents | undefined> {
  const [offsets, times] = await Promise.all([
    disk.readFile(segment.path(INDEX_SUFFIX)),
    disk.readFile(segment.path(TIME_INDEX_SUFFIX)),
  ]);
  return offsets === undefined || times === undefined ? undefined : { offsets, times };
}

function areWhole({ offsets, times }: IndexContents): boolean {
  return offsets.length % OFFSET_ENTRY_BYTES === 0 && times.length % TIME_ENTRY_BYTES === 0;
}

function wholeEntries({ offsets, times }: IndexContents): IndexContents {
  return {
    offsets: offsets.subarray(0, offsets.length - (offsets.length % OFFSET_ENTRY_BYTES)),
    times: times.subarray(0, times.length - (times.length % TIME_ENTRY_BYTES)),
  };
}

function indexesOf({ baseOffset }: Segment, { offsets, times }: IndexContents, config: TopicConfig): SegmentIndexes {
  const bytesMax = config['segment.index.bytes'];
  return {
    offsets: new OffsetIndex(baseOffset, bytesMax, offsets),
    times: new TimeIndex(baseOffset, bytesMax, times),
  };
}

async function isTrueToLog(
  segment: Segment,
  indexes: SegmentIndexes,
  endOffset: number,
  config: TopicConfig,
): Promise<boolean> {
  const { offsets, times } = indexes;
  const anchor = await anchorOf(segment, offsets, Number.POSITIVE_INFINITY);
  if (anchor.wrongCount > 0) return false;
  const lastTime = times.lastEntry();
  if (lastTime !== undefined && !(await isTimeTrue(segment, offsets, lastTime, endOffset))) return false;
  let isTrue = true;
  const tailBytesMax = config['index.interval.bytes'] + TAIL_BYTES_MAX;
  const range = { position: anchor.position, endPosition: segment.writtenBytes, nextOffset: anchor.baseOffset };
  await scanBatches(segment.file(), { ...range, endOffset }, (buffer, at, _, position) => {
    const isYounger = maxTimestampAt(buffer, at) > (lastTime?.timestamp ?? -1);
    if (isYounger || position - anchor.position > tailBytesMax) isTrue = false;
    return !isTrue;
  });
  return isTrue;
}

/** Whether the batch that holds the offset of a time entry has its timestamp. */
export async function isTimeTrue(
  segment: Segment,
  offsets: OffsetIndex,
  { timestamp, offset }: TimestampOffset,
  endOffset: number,
): Promise<boolean> {
  const anchor = await anchorOf(segment, offsets, offset);
  const range = { position: anchor.position, endPosition: segment.writtenBytes, nextOffset: anchor.baseOffset };
  let isTrue = false;
  await scanBatches(segment.file(), { ...range, endOffset }, (buffer, at) => {
    if (lastOffsetAt(buffer, at) < offset) return false;
    isTrue = baseOffsetAt(buffer, at) <= offset && maxTimestampAt(buffer, at) === timestamp;
    return true;
  });
  return isTrue;
}
