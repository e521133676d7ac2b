/** Walks the right batches of a segment, past damage. */
import { lastOffsetAt } from './batch-frame.ts';
import { scanThrough } from './batch-scan.ts';
import type { Segment } from './segment.ts';
import { anchorOf } from './segment-lookup.ts';

/** Sees a whole batch at `at` in `buffer`, both borrowed. */
export type LogVisitor = (buffer: Buffer, at: number) => void;

/** Visits the batches from the one that holds `fromOffset` on. Damage is told by who opens the log, or by who reads it. */
export async function walkLog(segment: Segment, fromOffset: number, visit: LogVisitor): Promise<void> {
  const { position, baseOffset: nextOffset } = await anchorOf(segment, segment.indexes?.offsets, fromOffset);
  const range = { position, endPosition: segment.writtenBytes, nextOffset };
  await scanThrough(
    segment.file(),
    range,
    (buffer, at) => {
      if (lastOffsetAt(buffer, at) >= fromOffset) visit(buffer, at);
      return false;
    },
    () => false,
  );
}
