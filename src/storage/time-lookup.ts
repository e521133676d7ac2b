/**
 * From timestamps to records. The time index leads near the first batch that may hold the answer; batches are walked from there by
 * their headers, and only the one whose largest timestamp fits is opened.
 */
import { CorruptError } from '#core';
import { readRecords } from '#protocol';
import {
  baseOffsetAt,
  DECOMPRESSED_BATCH_BYTES_MAX,
  LEADER_EPOCH_POSITION,
  lastOffsetAt,
  maxTimestampAt,
} from './batch-frame.ts';
import { type ScanOptions, scanBatches } from './batch-scan.ts';
import type { Segment } from './segment.ts';

const NO_TIMESTAMP = -1;

export interface FoundRecord {
  readonly offset: number;
  readonly timestamp: number;
  /** Epoch of the leader that wrote this record's batch. */
  readonly leaderEpoch: number;
}

/** Offsets from `start` on and below `end` count. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

export interface IndexLoader {
  loadIndexes(segment: Segment): Promise<void>;
}

/** The first record in `range`, in the order of offsets, whose timestamp is at least `timestamp`. */
export async function findTimestamp(
  loader: IndexLoader,
  segments: readonly Segment[],
  timestamp: number,
  range: OffsetRange,
): Promise<FoundRecord | undefined> {
  for (const segment of segmentsIn(segments, range)) {
    if (segment.indexes === undefined) await loader.loadIndexes(segment);
    if (segment.maxTimestamp.timestamp < timestamp) continue;
    const found = await findInSegment(segment, timestamp, range);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The record with the largest timestamp in `range`; the first one when several have it. */
export async function findMaxTimestamp(
  loader: IndexLoader,
  segments: readonly Segment[],
  range: OffsetRange,
): Promise<FoundRecord | undefined> {
  let found: FoundRecord | undefined;
  for (const segment of segmentsIn(segments, range)) {
    if (segment.indexes === undefined) await loader.loadIndexes(segment);
    const { timestamp } = segment.maxTimestamp;
    if (timestamp <= (found?.timestamp ?? NO_TIMESTAMP)) continue;
    found = (await findInSegment(segment, timestamp, range)) ?? (await findLarger(segment, range, found));
  }
  return found;
}

/**
 * By reading all headers: the record that has the segment's largest timestamp lies outside of the range, or was compacted away and
 * its batch is empty.
 */
async function findLarger(
  segment: Segment,
  range: OffsetRange,
  than: FoundRecord | undefined,
): Promise<FoundRecord | undefined> {
  let largest = than;
  await scanBatches(segment.file(), wholeSegment(segment, 0), (buffer, at) => {
    if (baseOffsetAt(buffer, at) >= range.end) return true;
    if (lastOffsetAt(buffer, at) >= range.start) largest = largestInBatch(buffer, at, range, largest);
    return false;
  });
  return largest;
}

function largestInBatch(
  buffer: Buffer,
  at: number,
  range: OffsetRange,
  than: FoundRecord | undefined,
): FoundRecord | undefined {
  let largest = than;
  if (maxTimestampAt(buffer, at) <= (largest?.timestamp ?? NO_TIMESTAMP)) return largest;
  const leaderEpoch = buffer.readInt32BE(at + LEADER_EPOCH_POSITION);
  const records = readRecords(buffer, at, { decompressedBytesMax: DECOMPRESSED_BATCH_BYTES_MAX });
  for (let record = records.next(); record !== undefined; record = records.next()) {
    const { offset, timestamp } = record;
    const isInRange = offset >= range.start && offset < range.end;
    if (isInRange && timestamp > (largest?.timestamp ?? NO_TIMESTAMP)) largest = { offset, timestamp, leaderEpoch };
  }
  return largest;
}

function segmentsIn(segments: readonly Segment[], range: OffsetRange): readonly Segment[] {
  return segments.filter(
    ({ baseOffset }, index) => baseOffset < range.end && !(segments[index + 1]?.baseOffset <= range.start),
  );
}

function wholeSegment(segment: Segment, position: number): ScanOptions {
  return { position, endPosition: segment.writtenBytes, offsetMin: 0, crcFromOffset: Number.POSITIVE_INFINITY };
}

async function findInSegment(
  segment: Segment,
  timestamp: number,
  range: OffsetRange,
): Promise<FoundRecord | undefined> {
  const nearOffset = segment.indexes?.times.floor(timestamp)?.offset ?? segment.baseOffset;
  const position = segment.indexes?.offsets.floorPosition(Math.max(nearOffset, range.start)) ?? 0;
  let found: FoundRecord | undefined;
  const end = await scanBatches(segment.file(), wholeSegment(segment, position), (buffer, at) => {
    if (lastOffsetAt(buffer, at) < range.start || maxTimestampAt(buffer, at) < timestamp) return false;
    found = findInBatch(buffer, at, timestamp, range.start);
    return found !== undefined;
  });
  if (end.damage !== undefined && found === undefined) {
    throw new CorruptError(`${segment.path('.log')} at ${end.position}: ${end.damage}`, { position: end.position });
  }
  return found !== undefined && found.offset < range.end ? found : undefined;
}

function findInBatch(buffer: Buffer, at: number, timestamp: number, startOffset: number): FoundRecord | undefined {
  const leaderEpoch = buffer.readInt32BE(at + LEADER_EPOCH_POSITION);
  const records = readRecords(buffer, at, { decompressedBytesMax: DECOMPRESSED_BATCH_BYTES_MAX });
  for (let record = records.next(); record !== undefined; record = records.next()) {
    if (record.timestamp < timestamp || record.offset < startOffset) continue;
    return { offset: record.offset, timestamp: record.timestamp, leaderEpoch };
  }
  return undefined;
}
