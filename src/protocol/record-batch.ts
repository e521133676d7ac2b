/**
 * Record batch v2, the unit of everything that is produced, stored and fetched. Readers here look at its header only.
 *
 *      0 baseOffset int64          21 attributes int16          43 producerId int64
 *      8 batchLength int32         23 lastOffsetDelta int32     51 producerEpoch int16
 *     12 partitionLeaderEpoch      27 baseTimestamp int64       53 baseSequence int32
 *     16 magic int8 = 2            35 maxTimestamp int64        57 record count int32
 *     17 crc uint32, over 21 … end                              61 records, perhaps compressed
 *
 * Attributes: bits 0–2 codec, 3 timestamp type, 4 transactional, 5 control, 6 baseTimestamp is the delete horizon.
 * Bytes 0–15 are outside the checksum, so a broker gives offset and epoch without touching the rest.
 */
import { ByteReader, type CompressionCodec, CorruptError, compressionCodecs, crc32c } from '#core';

export const BATCH_HEADER_BYTES = 61;
/** `batchLength` counts what follows it. */
export const BATCH_LENGTH_OVERHEAD = 12;

const CRC_POSITION = 17;
const CRC_START = 21;
export const MAGIC = 2;

export const CODEC_MASK = 0x07;
export const TIMESTAMP_TYPE_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_LEADER_EPOCH = -1;

export type TimestampType = 'create' | 'append';

export interface BatchHeader {
  readonly baseOffset: number;
  readonly batchLength: number;
  /** The whole batch: `batchLength` + 12. */
  readonly sizeInBytes: number;
  readonly partitionLeaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly compression: CompressionCodec;
  readonly timestampType: TimestampType;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly lastOffsetDelta: number;
  readonly lastOffset: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** Wall time after which the tombstones of a compacted batch may go; undefined when the cleaner has not set it. */
  readonly deleteHorizonMs: number | undefined;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** -1 when there is no sequence; wraps from 2³¹−1 to 0. */
  readonly lastSequence: number;
  readonly recordCount: number;
}

/**
 * Reads the header at `position`; the records need not be there. Throws a `CorruptError` when less than a header is
 * left, or when magic, codec, length or counts cannot be.
 */
export function readBatchHeader(buffer: Buffer, position: number): BatchHeader {
  if (buffer.length - position < BATCH_HEADER_BYTES) {
    throw new CorruptError(`${buffer.length - position} bytes are too few for a batch header`, { position });
  }
  const reader = new ByteReader(buffer, position);
  const baseOffset = reader.int64();
  const batchLength = reader.int32();
  const partitionLeaderEpoch = reader.int32();
  const magic = reader.int8();
  if (magic !== MAGIC) throw new CorruptError(`batch has magic ${magic}, only 2 is supported`, { position });
  const crc = reader.uint32();
  const attributes = reader.int16();
  const lastOffsetDelta = reader.int32();
  const baseTimestamp = reader.int64();
  const maxTimestamp = reader.int64();
  const producerId = reader.int64();
  const producerEpoch = reader.int16();
  const baseSequence = reader.int32();
  const recordCount = reader.int32();
  const compression = compressionCodecs[attributes & CODEC_MASK];
  checkHeader(position, batchLength, lastOffsetDelta, recordCount, attributes);
  return {
    baseOffset,
    batchLength,
    sizeInBytes: batchLength + BATCH_LENGTH_OVERHEAD,
    partitionLeaderEpoch,
    magic,
    crc,
    attributes,
    compression,
    timestampType: (attributes & TIMESTAMP_TYPE_BIT) === 0 ? 'create' : 'append',
    isTransactional: (attributes & TRANSACTIONAL_BIT) !== 0,
    isControl: (attributes & CONTROL_BIT) !== 0,
    lastOffsetDelta,
    lastOffset: baseOffset + lastOffsetDelta,
    baseTimestamp,
    maxTimestamp,
    deleteHorizonMs: (attributes & DELETE_HORIZON_BIT) === 0 ? undefined : baseTimestamp,
    producerId,
    producerEpoch,
    baseSequence,
    lastSequence: baseSequence < 0 ? NO_SEQUENCE : addToSequence(baseSequence, lastOffsetDelta),
    recordCount,
  };
}

function checkHeader(
  position: number,
  batchLength: number,
  lastOffsetDelta: number,
  recordCount: number,
  attributes: number,
): void {
  if (batchLength < BATCH_HEADER_BYTES - BATCH_LENGTH_OVERHEAD) {
    throw new CorruptError(`batch length ${batchLength} is less than a header`, { position });
  }
  if (lastOffsetDelta < 0 || recordCount < 0) {
    throw new CorruptError(`batch of ${recordCount} records with last offset delta ${lastOffsetDelta}`, { position });
  }
  if ((attributes & CODEC_MASK) >= compressionCodecs.length) {
    throw new CorruptError(`batch with unknown codec ${attributes & CODEC_MASK}`, { position });
  }
}

/** Sequence numbers are int32 ≥ 0 and go on at 0 after 2³¹−1. */
export function addToSequence(sequence: number, increment: number): number {
  return (sequence + increment) % 2147483648;
}

/** Whether the whole batch is in `buffer` and its bytes have the checksum that its header says. */
export function verifyBatchCrc(buffer: Buffer, position: number, header: BatchHeader): boolean {
  const end = position + header.sizeInBytes;
  return end <= buffer.length && crc32c(buffer.subarray(position + CRC_START, end)) === header.crc;
}

/** Writes the checksum of the batch that fills `batch`. */
export function sealBatch(batch: Buffer): void {
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_START)), CRC_POSITION);
}

export interface BatchAt {
  readonly position: number;
  readonly header: BatchHeader;
}

/** The whole batches of `buffer`, in order. A cut one at the end, as Fetch sends it, is passed over. */
export function* batches(buffer: Buffer, start = 0): Generator<BatchAt, void> {
  let position = start;
  while (buffer.length - position >= BATCH_HEADER_BYTES) {
    const header = readBatchHeader(buffer, position);
    if (header.sizeInBytes > buffer.length - position) return;
    yield { position, header };
    position += header.sizeInBytes;
  }
}
