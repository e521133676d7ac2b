/**
 * Finds the next right batch behind damage. Where the header of the damaged batch still tells its size, that is where the next one
 * begins; else the bytes are searched for a header with plausible fields and a right checksum.
 *
 * A value that is itself a batch of this topic with offsets that would fit here could be taken for one, when the length of the batch
 * around it is damaged: its bytes are as the producer sent them.
 */
import { BATCH_HEADER_BYTES } from '#protocol';
import type { DiskFile } from '../disk/disk.ts';
import { baseOffsetAt, hasRightCrc, lastOffsetAt, MAGIC, MAGIC_POSITION, PLACE_BYTES, sizeAt } from './batch-frame.ts';

export interface SearchOptions {
  /** Where the damage begins. */
  readonly position: number;
  readonly endPosition: number;
  /** The next batch must not begin below. */
  readonly nextOffset: number;
  /** And must end below. */
  readonly endOffset: number;
}

export interface BatchPlace {
  readonly position: number;
  readonly baseOffset: number;
}

const SEARCH_BYTES = 1024 * 1024;
/** No request brings a larger batch. */
const BATCH_BYTES_MAX = 100 * 1024 * 1024;

export async function findBatch(file: DiskFile, options: SearchOptions): Promise<BatchPlace | undefined> {
  return (await neighbour(file, options)) ?? (await search(file, options));
}

/** The batch that follows when size and last offset of the damaged one are right. */
async function neighbour(file: DiskFile, options: SearchOptions): Promise<BatchPlace | undefined> {
  const head = Buffer.alloc(PLACE_BYTES);
  if ((await file.read(head, options.position)) < head.length) return undefined;
  const position = options.position + sizeAt(head, 0);
  const isAhead = position > options.position && position + BATCH_HEADER_BYTES <= options.endPosition;
  if (!isAhead) return undefined;
  const next = Buffer.alloc(BATCH_HEADER_BYTES);
  if ((await file.read(next, position)) < next.length) return undefined;
  if (next[MAGIC_POSITION] !== MAGIC || baseOffsetAt(next, 0) !== lastOffsetAt(head, 0) + 1) return undefined;
  return isPlausible(next, 0, position, options) && (await isRight(file, next, 0, position))
    ? { position, baseOffset: baseOffsetAt(next, 0) }
    : undefined;
}

async function search(file: DiskFile, options: SearchOptions): Promise<BatchPlace | undefined> {
  for (let start = options.position + 1; start + BATCH_HEADER_BYTES <= options.endPosition; ) {
    const wanted = Buffer.allocUnsafe(Math.min(SEARCH_BYTES, options.endPosition - start));
    const buffer = wanted.subarray(0, await file.read(wanted, start));
    if (buffer.length < BATCH_HEADER_BYTES) return undefined;
    for (let at = headerFrom(buffer, 0); at >= 0; at = headerFrom(buffer, at + 1)) {
      const position = start + at;
      if (isPlausible(buffer, at, position, options) && (await isRight(file, buffer, at, position)))
        return { position, baseOffset: baseOffsetAt(buffer, at) };
    }
    start += buffer.length - BATCH_HEADER_BYTES + 1;
  }
  return undefined;
}

/** The next place where a whole header may lie, -1 when there is none. */
function headerFrom(buffer: Buffer, from: number): number {
  const at = buffer.indexOf(MAGIC, from + MAGIC_POSITION) - MAGIC_POSITION;
  return at < 0 || at + BATCH_HEADER_BYTES > buffer.length ? -1 : at;
}

function isPlausible(
  buffer: Buffer,
  at: number,
  position: number,
  { endPosition, nextOffset, endOffset }: SearchOptions,
): boolean {
  const sizeInBytes = sizeAt(buffer, at);
  if (sizeInBytes < BATCH_HEADER_BYTES || sizeInBytes > Math.min(endPosition - position, BATCH_BYTES_MAX)) return false;
  const baseOffset = baseOffsetAt(buffer, at);
  const lastOffset = lastOffsetAt(buffer, at);
  return baseOffset >= nextOffset && lastOffset >= baseOffset && lastOffset < endOffset;
}

async function isRight(file: DiskFile, buffer: Buffer, at: number, position: number): Promise<boolean> {
  const sizeInBytes = sizeAt(buffer, at);
  if (at + sizeInBytes <= buffer.length) return hasRightCrc(buffer, at, sizeInBytes);
  const batch = Buffer.allocUnsafe(sizeInBytes);
  return (await file.read(batch, position)) === sizeInBytes && hasRightCrc(batch, 0, sizeInBytes);
}
