/** Fetched record batches as fields, so that ids and times in their headers are compared like those elsewhere. */
import { BATCH_HEADER_BYTES, batches } from '#protocol';

export interface ComparedBatch {
  readonly baseOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
  /** In hexadecimal. */
  readonly bytes: string;
}

/** Kafka cuts the last batch where the limit of a fetch is: what is not whole is left out. */
export function batchesIn(bytes: Buffer): ComparedBatch[] {
  return [...batches(bytes.subarray(0, endOfWholeBatches(bytes)))].map(({ position, header }) => {
    const { baseOffset, partitionLeaderEpoch, attributes, lastOffsetDelta, baseTimestamp, maxTimestamp } = header;
    const { producerId, producerEpoch, baseSequence, recordCount, sizeInBytes } = header;
    const content = bytes.toString('hex', position + BATCH_HEADER_BYTES, position + sizeInBytes);
    return {
      baseOffset,
      partitionLeaderEpoch,
      attributes,
      lastOffsetDelta,
      baseTimestamp,
      maxTimestamp,
      producerId,
      producerEpoch,
      baseSequence,
      recordCount,
      bytes: content,
    };
  });
}

function endOfWholeBatches(bytes: Buffer): number {
  let end = 0;
  while (bytes.length - end >= 17 && end + 12 + bytes.readInt32BE(end + 8) <= bytes.length)
    end += 12 + bytes.readInt32BE(end + 8);
  return end;
}
