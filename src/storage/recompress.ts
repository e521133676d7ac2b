/**
 * Stores a batch in the codec that its topic asks for (`compression.type` other than `producer`). The records stay as they are, byte
 * for byte; only their section is decompressed and compressed again, so no record is parsed. ◇
 */
import {
  type CompressionCodec,
  CorruptError,
  compress,
  compressionCodecs,
  crc32c,
  decompress,
  KafkaError,
} from '#core';
import { BATCH_HEADER_BYTES, type BatchHeader, Errors, errorByName } from '#protocol';
import { ATTRIBUTES_POSITION, CRC_POSITION, FRAME_BYTES } from './batch-frame.ts';
import type { Refusal } from './batch-validator.ts';
import type { TopicConfig } from './config.ts';

const CODEC_MASK = 0x07;

/** The codec that `config` wants stored; undefined when what the producer chose is right. */
export function wantedCodec(config: TopicConfig, header: BatchHeader): CompressionCodec | undefined {
  const type = config['compression.type'];
  if (type === 'producer') return undefined;
  const codec = type === 'uncompressed' ? 'none' : type;
  return codec === header.compression ? undefined : codec;
}

/** A fresh batch with the same records in `codec`, or why there is none. `batch` is borrowed and stays as it is. */
export function recompress(
  batch: Buffer,
  header: BatchHeader,
  codec: CompressionCodec,
  config: TopicConfig,
): Buffer | Refusal {
  const bytesMax = config['max.decompressed.message.bytes'];
  try {
    const section = batch.subarray(BATCH_HEADER_BYTES);
    const records = header.compression === 'none' ? section : decompress(header.compression, section, bytesMax);
    const stored = codec === 'none' ? records : compress(codec, records, levelOf(codec, config));
    const result = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), stored]);
    result.writeInt32BE(result.length - FRAME_BYTES, 8);
    result.writeInt16BE((header.attributes & ~CODEC_MASK) | compressionCodecs.indexOf(codec), ATTRIBUTES_POSITION);
    result.writeUInt32BE(crc32c(result.subarray(ATTRIBUTES_POSITION)), CRC_POSITION);
    return result;
  } catch (error) {
    if (error instanceof CorruptError) return { error: Errors.CORRUPT_MESSAGE, message: error.message };
    if (!(error instanceof KafkaError)) throw error;
    return { error: errorByName(error.code) ?? Errors.CORRUPT_MESSAGE, message: error.message };
  }
}

/** The level that `config` wants for a codec; undefined: the codec's own. */
export function levelOf(codec: CompressionCodec, config: TopicConfig): number | undefined {
  if (codec === 'gzip') return config['compression.gzip.level'];
  if (codec === 'lz4') return config['compression.lz4.level'];
  return codec === 'zstd' ? config['compression.zstd.level'] : undefined;
}
