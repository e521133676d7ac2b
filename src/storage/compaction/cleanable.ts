/**
 * Which part of a log may be compacted, and which log is compacted first: Kafka's rules. ◇
 *
 *   0 ──── clean ──── first dirty offset ──── dirty ──── cleanable end ──── (too young, not synced, active) ──── end
 *
 * Only whole segments are cleaned: those that are closed, synced, below the last stable offset, and below the first one with a record
 * younger than `min.compaction.lag.ms`. A log is due when dirty / (clean + dirty) bytes are more than `min.cleanable.dirty.ratio`, or
 * when its oldest dirty record is older than `max.compaction.lag.ms`; of those that are due the dirtiest comes first.
 */
import type { TopicConfig } from '../config.ts';

export interface SegmentSummary {
  readonly baseOffset: number;
  /** Base offset of the next segment. */
  readonly endOffset: number;
  readonly sizeInBytes: number;
}

/** What is known of a closed segment without opening it, but for its timestamps. */
export interface LogSummary {
  /** The closed ones, oldest first. */
  readonly segments: readonly SegmentSummary[];
  readonly logStartOffset: number;
  readonly lastStableOffset: number;
  readonly recoveryPoint: number;
}

export interface DirtyLog {
  readonly dirtyBytes: number;
  /** Dirty bytes of clean and dirty ones together; 0 when there are none. */
  readonly ratio: number;
}

/** Where cleaning goes on: the checkpoint, unless it does not fit this log, which then is dirty from its start. */
export function firstDirtyOffset(checkpoint: number | undefined, log: LogSummary): number {
  const endOffset = log.segments.at(-1)?.endOffset ?? log.logStartOffset;
  if (checkpoint === undefined || checkpoint < log.logStartOffset || checkpoint > endOffset) return log.logStartOffset;
  return checkpoint;
}

/** How many of the oldest segments may be cleaned as far as offsets tell. */
export function settledCount(log: LogSummary): number {
  const limit = Math.min(log.lastStableOffset, log.recoveryPoint);
  const first = log.segments.findIndex((segment) => segment.endOffset > limit);
  return first < 0 ? log.segments.length : first;
}

/** Whether `min.compaction.lag.ms` keeps a segment with this largest timestamp, and all behind it, from being cleaned. */
export function isTooYoung(
  largestTimestamp: number,
  wallMs: number,
  config: Pick<TopicConfig, 'min.compaction.lag.ms'>,
): boolean {
  return config['min.compaction.lag.ms'] > 0 && largestTimestamp > wallMs - config['min.compaction.lag.ms'];
}

/** @param segments those that may be cleaned */
export function dirtiness(segments: readonly SegmentSummary[], firstDirty: number): DirtyLog {
  let dirtyBytes = 0;
  let bytes = 0;
  for (const { endOffset, sizeInBytes } of segments) {
    bytes += sizeInBytes;
    if (endOffset > firstDirty) dirtyBytes += sizeInBytes;
  }
  return { dirtyBytes, ratio: bytes === 0 ? 0 : dirtyBytes / bytes };
}

/** @param oldestTimestamp of the dirty records; undefined when it is not known or there is none */
export function isDue(
  { dirtyBytes, ratio }: DirtyLog,
  oldestTimestamp: number | undefined,
  wallMs: number,
  config: Pick<TopicConfig, 'min.cleanable.dirty.ratio' | 'max.compaction.lag.ms'>,
): boolean {
  if (dirtyBytes === 0) return false;
  if (ratio > config['min.cleanable.dirty.ratio']) return true;
  return oldestTimestamp !== undefined && wallMs - oldestTimestamp > config['max.compaction.lag.ms'];
}
