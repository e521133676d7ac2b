/**
 * What is stored of a batch: itself, or, where the topic or the producer's mistakes ask for it, a fresh one with the same records. ◇
 *
 *   codec           `compression.type` other than `producer`: the section of the records is compressed anew, none of them parsed
 *   max timestamp   the largest of the records, whatever the producer wrote there; retention and lookups by time go by it
 *   attributes      timestamp type and delete horizon are the broker's to set
 *   offset deltas   0, 1, 2, …, whatever the producer wrote there. Apache Kafka stores wrong ones, by which consumers skip records or see
 *                   them twice, repairs them where it changes the codec, and answers UNKNOWN_SERVER_ERROR to other compressed ones
 */
import { type CompressionCodec, compress, compressionCodecs, decompress } from '#core';
import { BATCH_HEADER_BYTES, type BatchHeader, RecordBatchBuilder, RecordCursor, sealBatch } from '#protocol';
import type { TopicConfig } from '../config.ts';
import {
  ATTRIBUTES_POSITION,
  CODEC_MASK,
  DECOMPRESSED_BATCH_BYTES_MAX,
  DELETE_HORIZON_BIT,
  FRAME_BYTES,
  LOG_APPEND_TIME_BIT,
  MAX_TIMESTAMP_POSITION,
} from '../segment/batch-frame.ts';
import type { ValidRecords } from './record-validator.ts';

/** What is stored of a client's batch; `batch` itself, when there is nothing to change, which stays as it is. */
export function storedBatch(batch: Buffer, header: BatchHeader, valid: ValidRecords, config: TopicConfig): Buffer {
  const { records, scan } = valid;
  const codec = wantedCodec(header, config);
  if (!scan.isConsecutive) return renumbered(header, records, codec, config);
  const attributes = (header.attributes & ~BROKER_BITS) | compressionCodecs.indexOf(codec);
  const isStampedHere = config['message.timestamp.type'] === 'LogAppendTime';
  const maxTimestamp = isStampedHere ? header.maxTimestamp : scan.maxTimestamp;
  if (attributes === header.attributes && maxTimestamp === header.maxTimestamp) return batch;
  const stored = codec === header.compression ? Buffer.from(batch) : withCodec(batch, records, codec, config);
  stored.writeInt16BE(attributes, ATTRIBUTES_POSITION);
  stored.writeBigInt64BE(BigInt(maxTimestamp), MAX_TIMESTAMP_POSITION);
  sealBatch(stored);
  return stored;
}

/** What is stored of a batch of the broker's own. */
export function storedOwnBatch(batch: Buffer, header: BatchHeader, config: TopicConfig): Buffer {
  const codec = wantedCodec(header, config);
  if (codec === header.compression) return batch;
  const section = batch.subarray(BATCH_HEADER_BYTES);
  const stored = withCodec(batch, decompress(header.compression, section, DECOMPRESSED_BATCH_BYTES_MAX), codec, config);
  stored.writeInt16BE((header.attributes & ~CODEC_MASK) | compressionCodecs.indexOf(codec), ATTRIBUTES_POSITION);
  sealBatch(stored);
  return stored;
}

/** The level that `config` wants for a codec; undefined: the codec's own. */
export function levelOf(codec: CompressionCodec, config: TopicConfig): number | undefined {
  if (codec === 'gzip') return config['compression.gzip.level'];
  return codec === 'zstd' ? config['compression.zstd.level'] : undefined;
}

/** Attributes that are not the producer's to set, once the records are known. */
const BROKER_BITS = CODEC_MASK | LOG_APPEND_TIME_BIT | DELETE_HORIZON_BIT;

/** Some 70,000 years: the difference of two timestamps is a safe integer. Where the broker stamps, producers may send more. */
const TIMESTAMP_MAX = 2 ** 51;

/** The codec to store; control batches are never compressed. */
function wantedCodec(header: BatchHeader, config: TopicConfig): CompressionCodec {
  const type = config['compression.type'];
  if (type === 'producer' || header.isControl) return header.compression;
  return type === 'uncompressed' ? 'none' : type;
}

/** Attributes and checksum are still those of `batch`. */
function withCodec(batch: Buffer, records: Buffer, codec: CompressionCodec, config: TopicConfig): Buffer {
  const section = compress(codec, records, levelOf(codec, config));
  const stored = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), section]);
  stored.writeInt32BE(stored.length - FRAME_BYTES, 8);
  return stored;
}

function renumbered(header: BatchHeader, records: Buffer, codec: CompressionCodec, config: TopicConfig): Buffer {
  const builder = new RecordBatchBuilder({ compression: codec, compressionLevel: levelOf(codec, config) });
  const cursor = new RecordCursor({ ...header, timestampType: 'create' }, records);
  for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
    const timestamp = Math.max(-TIMESTAMP_MAX, Math.min(record.timestamp, TIMESTAMP_MAX));
    builder.append(timestamp, record.key, record.value, record.headers);
  }
  return builder.build(header);
}
