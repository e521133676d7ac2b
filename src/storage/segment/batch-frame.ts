/**
 * The few fields of a stored batch that finding one's way needs, read in place without building a header. ◇
 *
 *   0 baseOffset int64 | 8 batchLength int32 | 12 partitionLeaderEpoch int32 | 16 magic | 17 crc | 21 attributes int16 |
 *   23 lastOffsetDelta int32 | 27 baseTimestamp int64 | 35 maxTimestamp int64 | … | 57 record count int32
 */
import { crc32c } from '#core';

/** Base offset and length: every magic has them in front. */
export const FRAME_BYTES = 12;
/** Up to and with lastOffsetDelta. */
export const PLACE_BYTES = 27;
/** The part of a batch that the broker always writes anew: base offset, length, leader epoch. It is outside the checksum. */
export const HEAD_BYTES = 16;
/** The head, magic, checksum, attributes and timestamps: what is written anew when the broker stamps the time. */
export const STAMPED_HEAD_BYTES = 43;

/** The one format that is stored. */
export const MAGIC = 2;

export const LEADER_EPOCH_POSITION = 12;
export const MAGIC_POSITION = 16;
export const CRC_POSITION = 17;
export const ATTRIBUTES_POSITION = 21;
export const LAST_OFFSET_DELTA_POSITION = 23;
export const MAX_TIMESTAMP_POSITION = 35;
export const RECORD_COUNT_POSITION = 57;

/** Attribute bits of the codec. */
export const CODEC_MASK = 0x07;
/** Attribute bit of a batch whose records all have its max timestamp. */
export const LOG_APPEND_TIME_BIT = 0x08;
const CONTROL_BIT = 0x20;
/** Attribute bit that the cleaner sets: the base timestamp says when tombstones may go. */
export const DELETE_HORIZON_BIT = 0x40;

/** Most bytes that the records of a stored batch may have once decompressed; Apache Kafka may have written it. Our consumer takes no more. */
export const DECOMPRESSED_BATCH_BYTES_MAX = 256 * 1024 * 1024;

export function baseOffsetAt(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * 0x1_0000_0000 + buffer.readUInt32BE(position + 4);
}

/** Bytes of the whole batch. */
export function sizeAt(buffer: Buffer, position: number): number {
  return FRAME_BYTES + buffer.readInt32BE(position + 8);
}

export function lastOffsetAt(buffer: Buffer, position: number): number {
  return baseOffsetAt(buffer, position) + buffer.readInt32BE(position + LAST_OFFSET_DELTA_POSITION);
}

export function maxTimestampAt(buffer: Buffer, position: number): number {
  const at = position + MAX_TIMESTAMP_POSITION;
  return buffer.readInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4);
}

/** Whether the batch is one of control records. */
export function isControlAt(buffer: Buffer, position: number): boolean {
  return (buffer[position + ATTRIBUTES_POSITION + 1] & CONTROL_BIT) !== 0;
}

/** Whether the whole batch at `position`, `sizeInBytes` long, has the checksum that it names. */
export function hasRightCrc(buffer: Buffer, position: number, sizeInBytes: number): boolean {
  const stored = buffer.readUInt32BE(position + CRC_POSITION);
  return stored === crc32c(buffer.subarray(position + ATTRIBUTES_POSITION, position + sizeInBytes));
}

/** The 16 bytes before the received slice of a batch. `into` is borrowed by the caller. */
export function writeHead(into: Buffer, baseOffset: number, sizeInBytes: number, leaderEpoch: number): void {
  into.writeInt32BE(Math.floor(baseOffset / 0x1_0000_0000), 0);
  into.writeUInt32BE(baseOffset >>> 0, 4);
  into.writeInt32BE(sizeInBytes - FRAME_BYTES, 8);
  into.writeInt32BE(leaderEpoch, 12);
}
