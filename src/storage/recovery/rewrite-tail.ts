/**
 * Writes the end of a segment once more, byte for byte in its place, so that the next fdatasync tells the truth about it. After a
 * failed one the kernel calls pages clean that the disk never got (ext4 and XFS on Linux; "Can applications recover from fsync
 * failures?", USENIX ATC 2020): programs see them until the power goes, and every later fdatasync succeeds, also that of the next
 * process, which cannot know what the one before was told.
 */
import { isOutOfRoom } from '../directory/disk-errors.ts';
import type { Segment } from '../segment/segment.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Writes what the file of `segment` holds from the batch of `fromOffset` on, or from a little before it. Follow with a sync. */
export async function rewriteTail(segment: Segment, fromOffset: number): Promise<void> {
  try {
    await rewrite(segment, fromOffset);
  } catch (error) {
    // A file system that writes elsewhere has no room even for that; it has none for new records either.
    if (!isOutOfRoom(error)) throw error;
  }
}

async function rewrite(segment: Segment, fromOffset: number): Promise<void> {
  const file = segment.file();
  const endPosition = file.sizeSync();
  let position = segment.indexes?.offsets.floorEntry(fromOffset)?.position ?? 0;
  const chunk = Buffer.allocUnsafe(Math.max(0, Math.min(CHUNK_BYTES, endPosition - position)));
  while (position < endPosition) {
    const bytesRead = await file.read(chunk.subarray(0, endPosition - position), position);
    if (bytesRead === 0) return;
    file.writeSync([chunk.subarray(0, bytesRead)], position);
    position += bytesRead;
  }
}
