/**
 * Walks the batches of a `.log` file from a position on, in large reads. `scanBatches` stops at the first thing that is not a whole,
 * right batch (`batch-judgement.ts`); `scanThrough` tells what it is and goes on behind it. What is walked is borrowed for the length
 * of the call.
 */

import type { DiskFile } from '../disk/disk.ts';
import { lastOffsetAt, sizeAt } from './batch-frame.ts';
import { bytesNeeded, damageOf } from './batch-judgement.ts';
import { findBatch } from './batch-search.ts';

export interface ScanOptions {
  /** Where to begin: the position of a batch. */
  readonly position: number;
  /** The walk ends here; at most the size of the file. */
  readonly endPosition: number;
  /** The first batch must not begin below. */
  readonly nextOffset: number;
  /** Batches end below. Default: no limit is known. */
  readonly endOffset?: number;
  /** No gap lies in a segment that reaches this offset. Default: anywhere one may be. */
  readonly denseFrom?: number;
  /** Waited for after each read of so many bytes, for work that is to be slow. */
  readonly spent?: (bytes: number) => Promise<void>;
}

export interface ScanEnd {
  /** The end of the last right batch. */
  readonly position: number;
  /** The offset after its last one. */
  readonly nextOffset: number;
  /** What was wrong there; undefined when the walk came to its end, or the visitor stopped it. */
  readonly damage: string | undefined;
}

/** Bytes of a file that are not the batches that should be there. */
export interface DamagedPlace {
  readonly position: number;
  readonly endPosition: number;
  /** The offsets that they held: from the end of the batch before them to the beginning of the next right one. */
  readonly startOffset: number;
  readonly endOffset: number;
  readonly damage: string;
}

/** Returns true to stop the walk after this batch. `at` is the place of the batch in `buffer`, `position` that in the file. */
export type BatchVisitor = (buffer: Buffer, at: number, sizeInBytes: number, position: number) => boolean | undefined;

const READ_BYTES = 1024 * 1024;

export async function scanBatches(file: DiskFile, options: ScanOptions, visit: BatchVisitor): Promise<ScanEnd> {
  const bounds = {
    nextOffset: options.nextOffset,
    endOffset: options.endOffset ?? Number.POSITIVE_INFINITY,
    denseFrom: options.denseFrom ?? Number.POSITIVE_INFINITY,
  };
  let { position, endPosition } = options;
  let bytesWanted = READ_BYTES;
  while (position < endPosition) {
    const wanted = Buffer.allocUnsafe(Math.min(bytesWanted, endPosition - position));
    const bytesRead = await file.read(wanted, position);
    await options.spent?.(bytesRead);
    if (bytesRead < wanted.length) endPosition = position + bytesRead;
    const buffer = wanted.subarray(0, bytesRead);
    const start = position;
    while (position < endPosition) {
      const at = position - start;
      bytesWanted = bytesNeeded(buffer, at, endPosition - position, bounds.nextOffset);
      if (bytesWanted > buffer.length - at) break;
      const damage = damageOf(buffer, at, endPosition - position, bounds);
      if (damage !== undefined) return { position, nextOffset: bounds.nextOffset, damage };
      const sizeInBytes = sizeAt(buffer, at);
      bounds.nextOffset = lastOffsetAt(buffer, at) + 1;
      position += sizeInBytes;
      if (visit(buffer, at, sizeInBytes, position - sizeInBytes) === true)
        return { position, nextOffset: bounds.nextOffset, damage: undefined };
    }
    bytesWanted = Math.max(bytesWanted, READ_BYTES);
  }
  const isShort = position < options.endPosition;
  return { position, nextOffset: bounds.nextOffset, damage: isShort ? 'the file ends here' : undefined };
}

/** @param damaged is told of every damaged place; returns true to stop the walk. One at the end reaches to `endOffset`. */
export async function scanThrough(
  file: DiskFile,
  options: ScanOptions,
  visit: BatchVisitor,
  damaged: (place: DamagedPlace) => boolean | undefined,
): Promise<ScanEnd> {
  let { position, nextOffset } = options;
  const { endPosition, endOffset = Number.POSITIVE_INFINITY } = options;
  for (;;) {
    const end = await scanBatches(file, { ...options, position, nextOffset }, visit);
    if (end.damage === undefined) return end;
    const next = await findBatch(file, { ...end, endPosition, endOffset });
    const place = {
      position: end.position,
      endPosition: next?.position ?? endPosition,
      startOffset: end.nextOffset,
      endOffset: next?.baseOffset ?? endOffset,
      damage: end.damage,
    };
    if (damaged(place) === true || next === undefined) return end;
    position = next.position;
    nextOffset = next.baseOffset;
  }
}
