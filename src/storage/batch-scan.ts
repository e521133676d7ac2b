/**
 * Walks the batches of a `.log` file from a position on, in large reads, and stops at the first thing that is no batch: a length
 * that is absurd or leads past the end, a wrong magic, offsets that go back, or (where it is asked for) a wrong checksum. What is
 * walked is borrowed for the length of the call.
 */
import { BATCH_HEADER_BYTES } from '#protocol';
import { baseOffsetAt, FRAME_BYTES, hasRightCrc, lastOffsetAt, MAGIC, MAGIC_POSITION, sizeAt } from './batch-frame.ts';
import type { DiskFile } from './disk/disk.ts';

export interface ScanOptions {
  /** Where to begin: the position of a batch. */
  readonly position: number;
  /** The walk ends here; at most the size of the file. */
  readonly endPosition: number;
  /** The first batch must not begin below. */
  readonly offsetMin: number;
  /** Batches that reach this offset have their checksum verified. `Infinity`: none. */
  readonly crcFromOffset: number;
}

export interface ScanEnd {
  /** The end of the last good batch. */
  readonly position: number;
  /** What was wrong there; undefined when the walk came to its end, or the visitor stopped it. */
  readonly damage: string | undefined;
}

/** Returns true to stop the walk after this batch. `at` is the place of the batch in `buffer`, `position` that in the file. */
export type BatchVisitor = (buffer: Buffer, at: number, sizeInBytes: number, position: number) => boolean | undefined;

const READ_BYTES = 1024 * 1024;

export async function scanBatches(file: DiskFile, options: ScanOptions, visit: BatchVisitor): Promise<ScanEnd> {
  let { position, offsetMin } = options;
  let chunkBytes = READ_BYTES;
  while (position < options.endPosition) {
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, options.endPosition - position));
    const bytesRead = await file.read(buffer, position);
    const start = position;
    for (let at = 0; position < options.endPosition; at = position - start) {
      const bytesLeft = options.endPosition - position;
      const damage = frameDamage(buffer, at, bytesRead, bytesLeft, offsetMin);
      if (damage !== undefined) return { position, damage };
      const sizeInBytes = at + FRAME_BYTES > bytesRead ? Number.POSITIVE_INFINITY : sizeAt(buffer, at);
      if (at + sizeInBytes > bytesRead) {
        chunkBytes = Number.isFinite(sizeInBytes) ? Math.max(READ_BYTES, sizeInBytes) : READ_BYTES;
        break;
      }
      const fault = batchDamage(buffer, at, sizeInBytes, options.crcFromOffset);
      if (fault !== undefined) return { position, damage: fault };
      offsetMin = lastOffsetAt(buffer, at) + 1;
      position += sizeInBytes;
      if (visit(buffer, at, sizeInBytes, position - sizeInBytes) === true) return { position, damage: undefined };
    }
    if (bytesRead < buffer.length && position === start)
      return { position, damage: 'the file ends in the middle of a batch' };
  }
  return { position, damage: undefined };
}

/** What the first 12 bytes tell, as far as they are in the buffer. */
function frameDamage(
  buffer: Buffer,
  at: number,
  bytesRead: number,
  bytesLeft: number,
  offsetMin: number,
): string | undefined {
  if (bytesLeft < BATCH_HEADER_BYTES) return `${bytesLeft} bytes are left, less than a batch has`;
  if (at + FRAME_BYTES > bytesRead) return undefined;
  const sizeInBytes = sizeAt(buffer, at);
  if (sizeInBytes < BATCH_HEADER_BYTES) return `a batch of ${sizeInBytes} bytes is too short`;
  if (sizeInBytes > bytesLeft)
    return `a batch of ${sizeInBytes} bytes does not fit into the ${bytesLeft} that are left`;
  const baseOffset = baseOffsetAt(buffer, at);
  return baseOffset < offsetMin ? `offset ${baseOffset} comes after offset ${offsetMin - 1}` : undefined;
}

function batchDamage(buffer: Buffer, at: number, sizeInBytes: number, crcFromOffset: number): string | undefined {
  const magic = buffer.readInt8(at + MAGIC_POSITION);
  if (magic !== MAGIC) return `magic ${magic} is not ${MAGIC}`;
  const lastOffset = lastOffsetAt(buffer, at);
  if (lastOffset < baseOffsetAt(buffer, at)) return 'a negative offset delta';
  return lastOffset >= crcFromOffset && !hasRightCrc(buffer, at, sizeInBytes) ? 'a wrong checksum' : undefined;
}
