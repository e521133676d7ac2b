/**
 * The delete horizon takes the place of a batch's base timestamp, so every record's timestamp is told from there anew. ◇
 * @see KIP-534
 */
import { ByteWriter } from '#core';
import { type BatchHeader, sizeOfVarlong } from '#protocol';
import { RecordSlices } from './record-slices.ts';

/**
 * `records` of a batch with this header, their timestamp deltas counted from `horizonMs`: a fresh buffer. Undefined when a timestamp
 * lies so far out that it cannot be told exactly; such a batch gets no horizon, and its tombstones stay.
 */
export function countedFrom(
  horizonMs: number,
  records: Buffer,
  header: BatchHeader,
  recordCount: number,
): Buffer | undefined {
  if (Math.abs(header.baseTimestamp) >= Number.MAX_SAFE_INTEGER) return undefined;
  const writer = new ByteWriter(records.length + recordCount * 8);
  const slices = new RecordSlices(records, header, recordCount);
  while (slices.next()) {
    const delta = slices.timestamp - horizonMs;
    if (!Number.isSafeInteger(delta)) return undefined;
    writer.varint(1 + sizeOfVarlong(delta) + slices.end - slices.deltaEnd);
    writer.int8(records[slices.bodyStart]);
    writer.varlong(delta);
    writer.bytes(records.subarray(slices.deltaEnd, slices.end));
  }
  return writer.finish();
}
