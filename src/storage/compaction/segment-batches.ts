/**
 * Reads the batches of a closed segment one after the other for the cleaner, in chunks of bounded size, and stops at the first thing
 * that is not a whole, right batch, with a CorruptError: what cannot be read must not be rewritten.
 */
import { CorruptError } from '#core';
import { type BatchHeader, readBatchHeader } from '#protocol';
import { FRAME_BYTES, hasRightCrc, sizeAt } from '../segment/batch-frame.ts';
import { LOG_SUFFIX } from '../segment/file-names.ts';
import type { Segment } from '../segment/segment.ts';
import type { Pace } from './pace.ts';

export interface BatchReading {
  /** Bytes of one read, unless a batch is larger. */
  readonly chunkBytes: number;
  /** A batch that is larger is not read. */
  readonly batchBytesMax: number;
  readonly pace: Pace;
}

/** Resolves to true to stop. `batch` is borrowed for the length of the call. */
export type BatchReader = (batch: Buffer, header: BatchHeader) => Promise<boolean | undefined>;

/** Returns the last offset read, `offsetMin` - 1 when there was none; the first batch must not begin below `offsetMin`. */
export async function readBatches(
  segment: Segment,
  offsetMin: number,
  reading: BatchReading,
  visit: BatchReader,
): Promise<number> {
  const endPosition = segment.writtenBytes;
  let position = 0;
  let nextOffset = offsetMin;
  let bytesWanted = reading.chunkBytes;
  while (position < endPosition) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(Math.max(bytesWanted, reading.chunkBytes), endPosition - position));
    const bytesRead = await segment.file().read(chunk, position);
    await reading.pace.spent(bytesRead);
    if (bytesRead < chunk.length) throw damaged(segment, position, 'the file is shorter than it was');
    let at = 0;
    for (;;) {
      const sizeInBytes = sizeOfBatch(segment, chunk, at, position + at, endPosition, reading.batchBytesMax);
      bytesWanted = sizeInBytes;
      if (sizeInBytes === 0 || at + sizeInBytes > chunk.length) break;
      const batch = chunk.subarray(at, at + sizeInBytes);
      const header = headerOf(segment, batch, position + at, nextOffset);
      if (reading.pace.isSliceOver) await reading.pace.yieldTurn();
      if ((await visit(batch, header)) === true) return header.lastOffset;
      nextOffset = header.lastOffset + 1;
      at += sizeInBytes;
    }
    position += at;
  }
  return nextOffset - 1;
}

/** Bytes of the batch at `at`; 0 when not even that can be told from this chunk. */
function sizeOfBatch(
  segment: Segment,
  chunk: Buffer,
  at: number,
  position: number,
  endPosition: number,
  batchBytesMax: number,
): number {
  if (position === endPosition) return 0;
  if (endPosition - position < FRAME_BYTES) throw damaged(segment, position, 'less than a batch is left');
  if (chunk.length - at < FRAME_BYTES) return 0;
  const sizeInBytes = sizeAt(chunk, at);
  const isSize = sizeInBytes > FRAME_BYTES && sizeInBytes <= endPosition - position && sizeInBytes <= batchBytesMax;
  if (!isSize) throw damaged(segment, position, `a batch of ${sizeInBytes} bytes`);
  return sizeInBytes;
}

function headerOf(segment: Segment, batch: Buffer, position: number, offsetMin: number): BatchHeader {
  try {
    const header = readBatchHeader(batch, 0);
    if (header.baseOffset < offsetMin) throw new CorruptError(`offset ${header.baseOffset} after ${offsetMin - 1}`);
    if (!hasRightCrc(batch, 0, batch.length)) throw new CorruptError('a wrong checksum');
    return header;
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    throw damaged(segment, position, error.message);
  }
}

function damaged(segment: Segment, position: number, what: string): CorruptError {
  const file = segment.path(LOG_SUFFIX);
  return new CorruptError(`${file} is damaged at position ${position}: ${what}`, { file, position });
}
