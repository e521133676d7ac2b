/**
 * Whether the bytes at a place are the batch that a log has there. The checksum covers a batch but for its first 17 bytes, so length,
 * magic and base offset are judged by what surrounds it: it must fit into what is left, begin where the one before it ended, and end
 * below what comes next. ◇
 *
 * Where compaction took records away batches may begin above the end of the one before. Such a gap is believed when the batch behind
 * it leaves room for it: a base offset that grew by a flipped bit reaches into its neighbour.
 */
import { BATCH_HEADER_BYTES } from '#protocol';
import {
  baseOffsetAt,
  FRAME_BYTES,
  hasRightCrc,
  lastOffsetAt,
  MAGIC,
  MAGIC_POSITION,
  PLACE_BYTES,
  sizeAt,
} from './batch-frame.ts';

/** What is known of the place of a batch. */
export interface BatchBounds {
  /** It must not begin below. */
  readonly nextOffset: number;
  /** It must end below. */
  readonly endOffset: number;
  /** A batch that reaches this offset follows the one before without a gap: compaction ends below, with a whole segment. */
  readonly denseFrom: number;
}

/**
 * How many bytes from `at` on must be in `buffer` to judge the batch there, of the `bytesLeft` from there to the end of the file; no
 * more than those that are there already when the batch can be told to be wrong.
 */
export function bytesNeeded(buffer: Buffer, at: number, bytesLeft: number, nextOffset: number): number {
  if (bytesLeft < BATCH_HEADER_BYTES) return 0;
  if (buffer.length - at < PLACE_BYTES) return PLACE_BYTES;
  const sizeInBytes = sizeAt(buffer, at);
  if (sizeInBytes < BATCH_HEADER_BYTES || sizeInBytes > bytesLeft) return 0;
  const isBehindGap = baseOffsetAt(buffer, at) > nextOffset;
  return isBehindGap ? Math.min(bytesLeft, sizeInBytes + PLACE_BYTES) : sizeInBytes;
}

/** What is wrong with the batch at `at`, of which all that is needed is in `buffer`; undefined: it is right. */
export function damageOf(buffer: Buffer, at: number, bytesLeft: number, bounds: BatchBounds): string | undefined {
  if (bytesLeft < BATCH_HEADER_BYTES) return `${bytesLeft} bytes are left, less than a batch has`;
  const sizeInBytes = sizeAt(buffer, at);
  if (sizeInBytes < BATCH_HEADER_BYTES) return `a batch of ${sizeInBytes} bytes is too short`;
  if (sizeInBytes > bytesLeft)
    return `a batch of ${sizeInBytes} bytes does not fit into the ${bytesLeft} that are left`;
  const magic = buffer.readInt8(at + MAGIC_POSITION);
  if (magic !== MAGIC) return `magic ${magic} is not ${MAGIC}`;
  if (!hasRightCrc(buffer, at, sizeInBytes)) return 'a wrong checksum';
  return orderDamage(buffer, at, sizeInBytes, bytesLeft, bounds);
}

function orderDamage(
  buffer: Buffer,
  at: number,
  sizeInBytes: number,
  bytesLeft: number,
  { nextOffset, endOffset, denseFrom }: BatchBounds,
): string | undefined {
  const baseOffset = baseOffsetAt(buffer, at);
  const lastOffset = lastOffsetAt(buffer, at);
  if (lastOffset < baseOffset) return 'a negative offset delta';
  if (baseOffset < nextOffset) return `offset ${baseOffset} comes after offset ${nextOffset - 1}`;
  if (lastOffset >= endOffset) return `offset ${lastOffset} lies behind ${endOffset - 1}, the last one`;
  if (baseOffset > nextOffset && lastOffset >= denseFrom)
    return `offset ${baseOffset} comes after offset ${nextOffset - 1}`;
  if (baseOffset === nextOffset || bytesLeft - sizeInBytes < BATCH_HEADER_BYTES) return undefined;
  const next = at + sizeInBytes;
  const isFrame = buffer.readInt8(next + MAGIC_POSITION) === MAGIC && sizeAt(buffer, next) >= FRAME_BYTES;
  const behind = baseOffsetAt(buffer, next);
  return isFrame && behind >= nextOffset && behind <= lastOffset
    ? `offset ${baseOffset} does not fit between ${nextOffset - 1} and ${behind}`
    : undefined;
}
