/** Walks the batches of a segment without judging them. */
import { lastOffsetAt } from './batch-frame.ts';
import { scanBatches } from './batch-scan.ts';
import type { Segment } from './segment.ts';

/** Sees a whole batch at `at` in `buffer`, both borrowed. */
export type LogVisitor = (buffer: Buffer, at: number) => void;

/** Visits the batches from the one that holds `fromOffset` on. Stops silently at damage: the bytes behind it are in no state. */
export async function walkLog(segment: Segment, fromOffset: number, visit: LogVisitor): Promise<void> {
  const range = {
    position: segment.indexes?.offsets.floorPosition(fromOffset) ?? 0,
    endPosition: segment.writtenBytes,
    offsetMin: 0,
    crcFromOffset: Number.POSITIVE_INFINITY,
  };
  await scanBatches(segment.file(), range, (buffer, at) => {
    if (lastOffsetAt(buffer, at) >= fromOffset) visit(buffer, at);
    return false;
  });
}
