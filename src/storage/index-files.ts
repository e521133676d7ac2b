/**
 * Brings the indexes of a segment into memory: from their files when these are there and sound, else by reading the batches. What
 * makes a file sound: whole entries, both columns growing, everything within the segment, and the last entry pointing at the batch
 * that it names. (Kafka trusts files after a clean stop; one with random bytes made its readers skip thousands of records.)
 */
import { type Clock, errorText, KafkaError, type Logger } from '#core';
import { lastOffsetAt, MAGIC, MAGIC_POSITION, maxTimestampAt, PLACE_BYTES } from './batch-frame.ts';
import { type BatchVisitor, type ScanEnd, scanBatches } from './batch-scan.ts';
import type { TopicConfig } from './config.ts';
import type { Disk } from './disk/disk.ts';
import { INDEX_SUFFIX, TIME_INDEX_SUFFIX } from './file-names.ts';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import type { Segment, SegmentIndexes } from './segment.ts';
import { TIME_ENTRY_BYTES, TimeIndex } from './time-index.ts';

/** What bringing indexes into memory needs. */
export interface IndexHome {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The indexes in the files of `segment`, which holds offsets below `endOffset`; undefined when they cannot be used. */
export async function readIndexFiles(
  disk: Disk,
  segment: Segment,
  fileBytes: number,
  endOffset: number,
  config: TopicConfig,
): Promise<SegmentIndexes | undefined> {
  const [offsetBytes, timeBytes] = await Promise.all([
    disk.readFile(segment.path(INDEX_SUFFIX)),
    disk.readFile(segment.path(TIME_INDEX_SUFFIX)),
  ]);
  if (offsetBytes === undefined || timeBytes === undefined) return undefined;
  if (offsetBytes.length % OFFSET_ENTRY_BYTES !== 0 || timeBytes.length % TIME_ENTRY_BYTES !== 0) return undefined;
  const indexBytesMax = config['segment.index.bytes'];
  const offsets = new OffsetIndex(segment.baseOffset, indexBytesMax, offsetBytes);
  const times = new TimeIndex(segment.baseOffset, indexBytesMax, timeBytes);
  if (!offsets.isSound(fileBytes) || !times.isSound(endOffset)) return undefined;
  return (await pointsAtItsBatch(segment, offsets)) ? { offsets, times } : undefined;
}

/**
 * Builds the indexes anew from the batches, as far as they are good, and leaves them in `segment`. `crcFromOffset`: batches that
 * reach it have their checksum verified. Returns where the good part ends.
 */
export async function rebuildIndexes(
  segment: Segment,
  endPosition: number,
  config: TopicConfig,
  crcFromOffset = Number.POSITIVE_INFINITY,
  visit?: BatchVisitor,
): Promise<ScanEnd> {
  segment.startIndexes(config['segment.index.bytes']);
  const options = { position: 0, endPosition, offsetMin: segment.baseOffset, crcFromOffset };
  return scanBatches(segment.file(), options, (buffer, at, sizeInBytes, position) => {
    const maxTimestamp = maxTimestampAt(buffer, at);
    segment.note(lastOffsetAt(buffer, at), maxTimestamp, sizeInBytes, config['index.interval.bytes'], true);
    return visit?.(buffer, at, sizeInBytes, position);
  });
}

/** For a sealed segment at its first use. `endOffset`: base offset of the next one. */
export async function loadSealedIndexes(
  home: IndexHome,
  segment: Segment,
  endOffset: number,
  config: TopicConfig,
): Promise<void> {
  const indexes = await readIndexFiles(home.disk, segment, segment.writtenBytes, endOffset, config);
  if (indexes !== undefined) segment.adoptIndexes(indexes, segment.writtenBytes);
  else await rebuildSealedIndexes(home, segment, config);
}

/** Builds the indexes of a sealed segment anew and replaces their files. */
export async function rebuildSealedIndexes(
  { clock, logger }: IndexHome,
  segment: Segment,
  config: TopicConfig,
): Promise<void> {
  const fileBytes = segment.writtenBytes;
  const copy = segment.emptyCopy();
  const end = await rebuildIndexes(copy, fileBytes, config);
  copy.finish();
  logger.warn({ file: segment.path(INDEX_SUFFIX) }, 'The index of a segment was missing or wrong and was built anew');
  if (end.damage !== undefined) {
    const where = { file: segment.path('.log'), position: end.position, damage: end.damage };
    logger.error(where, 'A segment is damaged: what lies behind the damage cannot be read');
  }
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

async function pointsAtItsBatch(segment: Segment, offsets: OffsetIndex): Promise<boolean> {
  const last = offsets.lastEntry();
  if (last === undefined) return true;
  const head = Buffer.alloc(PLACE_BYTES);
  const bytesRead = await segment.file().read(head, last.position);
  return bytesRead === PLACE_BYTES && head[MAGIC_POSITION] === MAGIC && lastOffsetAt(head, 0) === last.offset;
}
