/**
 * Which segments become one when they are cleaned: neighbours that fit together even if nothing of them goes, so that a compacted log
 * does not end up as thousands of small files. ◇
 */
import type { SegmentSummary } from './cleanable.ts';

export interface GroupMember extends SegmentSummary {
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
}

export interface GroupLimits {
  readonly 'segment.bytes': number;
  readonly 'segment.index.bytes': number;
}

/** Offsets in the indexes are int32, counted from the base of the segment. */
const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

/** `segments` in order, cut into runs; each run has one at least. */
export function groupSegments<T extends GroupMember>(segments: readonly T[], limits: GroupLimits): T[][] {
  const groups: T[][] = [];
  let group: T[] = [];
  let sum = { sizeInBytes: 0, offsetIndexBytes: 0, timeIndexBytes: 0 };
  for (const segment of segments) {
    const next = {
      sizeInBytes: sum.sizeInBytes + segment.sizeInBytes,
      offsetIndexBytes: sum.offsetIndexBytes + segment.offsetIndexBytes,
      timeIndexBytes: sum.timeIndexBytes + segment.timeIndexBytes,
    };
    const fits =
      group.length > 0 &&
      next.sizeInBytes <= limits['segment.bytes'] &&
      next.offsetIndexBytes <= limits['segment.index.bytes'] &&
      next.timeIndexBytes <= limits['segment.index.bytes'] &&
      segment.endOffset - 1 - group[0].baseOffset <= RELATIVE_OFFSET_MAX;
    if (fits) {
      group.push(segment);
      sum = next;
      continue;
    }
    group = [segment];
    groups.push(group);
    sum = segment;
  }
  return groups;
}
