/**
 * From timestamps to records. The time index leads near the first batch that may hold the answer; batches are walked from there by
 * their headers, and only the one whose largest timestamp fits is opened. What is damaged is noted and passed over.
 */
import { readRecords } from '#protocol';
import {
  baseOffsetAt,
  DECOMPRESSED_BATCH_BYTES_MAX,
  LEADER_EPOCH_POSITION,
  lastOffsetAt,
  maxTimestampAt,
} from '../segment/batch-frame.ts';
import { type BatchVisitor, type DamagedPlace, scanThrough } from '../segment/batch-scan.ts';
import { isTimeTrue } from '../segment/index-files.ts';
import type { Segment } from '../segment/segment.ts';
import { anchorOf } from '../segment/segment-lookup.ts';

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

/** The segments that are looked through, and what is done about those that are not in order. */
export interface TimedSegments {
  readonly all: readonly Segment[];
  loadIndexes(segment: Segment): Promise<void>;
  /** An entry of its indexes is wrong. */
  rebuildIndexes(segment: Segment): Promise<void>;
  endOffset(segment: Segment): number;
  noteDamage(segment: Segment, place: DamagedPlace): void;
}

interface Search {
  readonly segments: TimedSegments;
  readonly timestamp: number;
  readonly range: OffsetRange;
  /** Damage directly before the batch that is looked at next. */
  damage: DamagedPlace | undefined;
}

/**
 * The first record in `range`, in the order of offsets, whose timestamp is at least `timestamp`. Damage right before it could have held
 * an earlier one, so then its first offset is the answer: who reads there is told.
 */
export async function findTimestamp(
  segments: TimedSegments,
  timestamp: number,
  range: OffsetRange,
): Promise<FoundRecord | undefined> {
  const search: Search = { segments, timestamp, range, damage: undefined };
  const found = await findRecord(search);
  if (found === undefined || search.damage === undefined) return found;
  return { ...found, offset: Math.max(range.start, search.damage.startOffset), timestamp };
}

/** The record with the largest timestamp in `range`; the first one when several have it. */
export async function findMaxTimestamp(segments: TimedSegments, range: OffsetRange): Promise<FoundRecord | undefined> {
  let found: FoundRecord | undefined;
  for (const segment of segmentsIn(segments, range)) {
    if (segment.indexes === undefined) await segments.loadIndexes(segment);
    const { timestamp } = segment.maxTimestamp;
    if (timestamp <= (found?.timestamp ?? NO_TIMESTAMP)) continue;
    const first = await findInSegment({ segments, timestamp, range, damage: undefined }, segment);
    found = first ?? (await findLarger(segments, segment, range, found));
  }
  return found;
}

async function findRecord(search: Search): Promise<FoundRecord | undefined> {
  const { segments, timestamp, range } = search;
  for (const segment of segmentsIn(segments, range)) {
    if (segment.indexes === undefined) await segments.loadIndexes(segment);
    if (segment.maxTimestamp.timestamp < timestamp) {
      search.damage = undefined;
      continue;
    }
    const found = await findInSegment(search, segment);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * By reading all headers: the record that has the segment's largest timestamp lies outside of the range, or was compacted away and
 * its batch is empty.
 */
async function findLarger(
  segments: TimedSegments,
  segment: Segment,
  range: OffsetRange,
  than: FoundRecord | undefined,
): Promise<FoundRecord | undefined> {
  let largest = than;
  await walk(segments, segment, { position: 0, baseOffset: segment.baseOffset }, (buffer, at) => {
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

function segmentsIn({ all }: TimedSegments, range: OffsetRange): readonly Segment[] {
  return all.filter(({ baseOffset }, index) => baseOffset < range.end && !(all[index + 1]?.baseOffset <= range.start));
}

async function findInSegment(search: Search, segment: Segment): Promise<FoundRecord | undefined> {
  const { segments, timestamp, range } = search;
  const startOffset = Math.max(await startBelow(segments, segment, timestamp), range.start);
  const start = await anchorOf(segment, segment.indexes?.offsets, startOffset);
  let found: FoundRecord | undefined;
  const visit: BatchVisitor = (buffer, at) => {
    if (lastOffsetAt(buffer, at) < range.start) return false;
    if (maxTimestampAt(buffer, at) >= timestamp) found = findInBatch(buffer, at, timestamp, range.start);
    if (found === undefined) search.damage = undefined;
    return found !== undefined;
  };
  await walk(segments, segment, start, visit, (place) => {
    search.damage = place.endOffset > range.start ? place : undefined;
  });
  return found !== undefined && found.offset < range.end ? found : undefined;
}

/**
 * An offset at or below which no batch has a timestamp as large as `timestamp`, by the time index: one entry earlier than would do. Thus
 * neither a wrong time nor a wrong offset in an entry can make the search begin too late.
 */
async function startBelow(segments: TimedSegments, segment: Segment, timestamp: number): Promise<number> {
  const entry = segment.indexes?.times.entryBelow(timestamp);
  const offsets = segment.indexes?.offsets;
  if (entry === undefined || offsets === undefined) return segment.baseOffset;
  const isTrue = await isTimeTrue(segment, offsets, entry, segments.endOffset(segment));
  if (!isTrue) await segments.rebuildIndexes(segment);
  return segment.indexes?.times.entryBelow(timestamp, 1)?.offset ?? segment.baseOffset;
}

async function walk(
  segments: TimedSegments,
  segment: Segment,
  start: { position: number; baseOffset: number },
  visit: BatchVisitor,
  damaged: (place: DamagedPlace) => void = () => {},
): Promise<void> {
  const { position, baseOffset: nextOffset } = start;
  const endOffset = segments.endOffset(segment);
  const range = { position, endPosition: segment.writtenBytes, nextOffset, endOffset };
  await scanThrough(segment.file(), range, visit, (place) => {
    segments.noteDamage(segment, place);
    damaged(place);
    return false;
  });
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
