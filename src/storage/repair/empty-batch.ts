/** Batches without records, as compaction leaves them: they hold the place of offsets that nobody has any more. ◇ */
import { BATCH_HEADER_BYTES, sealBatch } from '#protocol';
import { MAGIC, MAGIC_POSITION, writeHead } from '../segment/batch-frame.ts';

const LAST_OFFSET_DELTA_POSITION = 23;
/** From the base timestamp to the base sequence: none of them is known. */
const UNKNOWN_FROM = 27;
const UNKNOWN_TO = 57;
const OFFSETS_PER_BATCH_MAX = 2 ** 31;

/** As many as it takes to hold the offsets from `startOffset` on and below `endOffset`, back to back. */
export function emptyBatches(startOffset: number, endOffset: number, leaderEpoch: number): Buffer {
  const batches: Buffer[] = [];
  for (let offset = startOffset; offset < endOffset; ) {
    const count = Math.min(endOffset - offset, OFFSETS_PER_BATCH_MAX);
    batches.push(emptyBatch(offset, count, leaderEpoch));
    offset += count;
  }
  return Buffer.concat(batches);
}

function emptyBatch(baseOffset: number, count: number, leaderEpoch: number): Buffer {
  const batch = Buffer.alloc(BATCH_HEADER_BYTES);
  writeHead(batch, baseOffset, BATCH_HEADER_BYTES, leaderEpoch);
  batch[MAGIC_POSITION] = MAGIC;
  batch.writeInt32BE(count - 1, LAST_OFFSET_DELTA_POSITION);
  batch.fill(0xff, UNKNOWN_FROM, UNKNOWN_TO);
  sealBatch(batch);
  return batch;
}
