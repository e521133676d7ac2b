/**
 * Which segments of a log have had their time: Kafka's rules, for whole segments, from the oldest on. ◇
 *
 *   rule          a segment goes when                                                  cleanup.policy
 *   log start     the next one begins at or below the log start offset                 any
 *   size          what is left without it is still at least `retention.bytes`          has `delete`
 *   time          its largest timestamp is more than `retention.ms` ago                has `delete`
 *
 * Rules are applied in this order, each to what the one before left. Nothing above the high watermark goes, so none does whose end
 * lies there. The last segment may go too (by size or time, when it holds anything): the log then goes on in an empty one.
 * Timestamps in the future keep a segment, and all behind it.
 */
import type { TopicConfig } from '../config.ts';

export interface RetainedSegment {
  readonly baseOffset: number;
  readonly sizeInBytes: number;
  /** Largest timestamp of a record; -1 when no record has one, undefined when the segment has not been asked yet. */
  readonly largestTimestamp: number | undefined;
  /** What counts instead for records without timestamps. */
  readonly createdWallMs: number;
}

export interface RetainedLog {
  /** Oldest first; the last one is active. */
  readonly segments: readonly RetainedSegment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly config: Pick<TopicConfig, 'cleanup.policy' | 'retention.bytes' | 'retention.ms'>;
}

export type RetentionReason = 'log start' | 'size' | 'time';

export interface RetentionPlan {
  /** So many of the oldest segments go. */
  readonly reasons: readonly RetentionReason[];
  /** Where the log starts then. */
  readonly logStartOffset: number;
  /** All of them go: the active one must be rolled first. */
  readonly rollsActive: boolean;
  /** The rule of time stopped at this segment because its largest timestamp is not known: find out and plan again. */
  readonly unknown: number | undefined;
}

export interface RetentionOptions {
  /** False leaves the rule of time out, for a clock that cannot be trusted now. */
  readonly usesTime?: boolean;
  /** At most so many segments. */
  readonly countMax?: number;
}

export function planRetention(log: RetainedLog, wallMs: number, options: RetentionOptions = {}): RetentionPlan {
  const { usesTime = true, countMax = log.segments.length } = options;
  const reasons: RetentionReason[] = [];
  let unknown: number | undefined;
  const goOn = (reason: RetentionReason, applies: (index: number) => boolean): void => {
    while (
      reasons.length < Math.min(countMax, log.segments.length) &&
      mayGo(log, reasons.length) &&
      applies(reasons.length)
    ) {
      reasons.push(reason);
    }
  };
  goOn('log start', (index) => index + 1 < log.segments.length && endOffsetOf(log, index) <= log.logStartOffset);
  if (log.config['cleanup.policy'].includes('delete')) {
    goOn('size', sizeRule(log, reasons.length));
    if (usesTime && log.config['retention.ms'] >= 0) {
      goOn('time', (index) => {
        const segment = log.segments[index];
        if (segment.largestTimestamp === undefined) unknown = index;
        return segment.largestTimestamp !== undefined && wallMs - timeOf(segment) > log.config['retention.ms'];
      });
    }
  }
  const logStartOffset = reasons.length === 0 ? log.logStartOffset : endOffsetOf(log, reasons.length - 1);
  return {
    reasons,
    logStartOffset: Math.max(log.logStartOffset, logStartOffset),
    rollsActive: reasons.length === log.segments.length,
    unknown,
  };
}

/**
 * Whether the wall clock went further than the monotonic one since the last look, by more than `toleranceMs`: somebody set it, and
 * what looks old may be a second old. Retention by time then waits for one more look.
 */
export function hasClockJumped(
  last: { readonly wallMs: number; readonly monotonicMs: number },
  now: { readonly wallMs: number; readonly monotonicMs: number },
  toleranceMs: number,
): boolean {
  return now.wallMs - last.wallMs - (now.monotonicMs - last.monotonicMs) > toleranceMs;
}

function sizeRule(log: RetainedLog, gone: number): (index: number) => boolean {
  const bytesMax = log.config['retention.bytes'];
  if (bytesMax < 0) return () => false;
  let bytesLeft = log.segments.slice(gone).reduce((sum, segment) => sum + segment.sizeInBytes, 0);
  return (index) => {
    if (bytesLeft - log.segments[index].sizeInBytes < bytesMax) return false;
    bytesLeft -= log.segments[index].sizeInBytes;
    return true;
  };
}

function mayGo(log: RetainedLog, index: number): boolean {
  const isLast = index === log.segments.length - 1;
  return endOffsetOf(log, index) <= log.highWatermark && !(isLast && log.segments[index].sizeInBytes === 0);
}

function endOffsetOf(log: RetainedLog, index: number): number {
  return log.segments[index + 1]?.baseOffset ?? log.logEndOffset;
}

function timeOf({ largestTimestamp, createdWallMs }: RetainedSegment): number {
  return largestTimestamp === undefined || largestTimestamp < 0 ? createdWallMs : largestTimestamp;
}
