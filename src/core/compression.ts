/**
 * Kafka's four codecs in the framings that Kafka uses, synchronous. Output is bounded: what would grow beyond the
 * caller's limit is refused before, or while, it is decompressed, so a bomb costs its limit at most.
 *
 *     gzip    RFC 1952                          snappy  snappy-java's framing (raw blocks are read too)
 *     zstd    one or more frames                lz4     LZ4 frames of independent blocks
 *
 * `node:zlib` is imported whole: a named import of zstd fails to link on an older Node, before anything can say which one is needed.
 */
import zlib from 'node:zlib';
import { tooLarge } from './decompression-limit.ts';
import { CorruptError, errorText, KafkaError } from './kafka-error.ts';
import { lazyPackage } from './lazy-package.ts';
import { decompressLz4 } from './lz4-frame.ts';
import { compressSnappy, decompressSnappy } from './snappy-stream.ts';

const lz4 = lazyPackage<typeof import('lz4-napi')>('lz4-napi');
const snappy = lazyPackage<typeof import('snappy')>('snappy');

/** The library copies its result into a buffer of ours: to hand over its own memory takes it five times as long. */
const COPIED = { asBuffer: true, copyOutputData: true };

export type CompressionCodec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** In the order of their numbers in a batch's attributes. */
export const compressionCodecs: readonly CompressionCodec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** `level` is for gzip (1–9) and zstd (negative to 22); without it the codec's own default. Copies, except `none`. */
export function compress(codec: CompressionCodec, bytes: Buffer, level?: number): Buffer {
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
      return zlib.gzipSync(bytes, level === undefined ? {} : { level });
    case 'zstd':
      return zlib.zstdCompressSync(
        bytes,
        level === undefined ? {} : { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } },
      );
    case 'snappy':
      return compressSnappy(bytes, (block) => snappy().compressSync(block, COPIED));
    case 'lz4':
      return lz4().compressFrameSync(bytes);
  }
}

/**
 * The decompressed bytes, a fresh buffer except for `none`. More than `bytesMax` is refused with MESSAGE_TOO_LARGE;
 * bytes that the codec does not understand are a `CorruptError`.
 */
export function decompress(codec: CompressionCodec, bytes: Buffer, bytesMax: number): Buffer {
  try {
    return expand(codec, bytes, bytesMax);
  } catch (error) {
    if (error instanceof KafkaError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(codec, bytes.length, bytesMax);
    throw new CorruptError(`${bytes.length} bytes are not valid ${codec}: ${errorText(error)}`, { cause: error });
  }
}

function expand(codec: CompressionCodec, bytes: Buffer, bytesMax: number): Buffer {
  switch (codec) {
    case 'none':
      if (bytes.length > bytesMax) throw tooLarge(codec, bytes.length, bytesMax);
      return bytes;
    case 'gzip':
      return zlib.gunzipSync(bytes, { maxOutputLength: bytesMax });
    case 'zstd':
      return expandZstd(bytes, bytesMax);
    case 'snappy':
      return decompressSnappy(bytes, bytesMax, (block) => snappy().uncompressSync(block, COPIED) as Buffer);
    case 'lz4':
      return decompressLz4(bytes, bytesMax, { block: lz4().uncompressSync, frame: lz4().decompressFrameSync });
  }
}

/** The library stops behind the last frame without a word about what follows; Java's reader fails there. */
function expandZstd(bytes: Buffer, bytesMax: number): Buffer {
  const { buffer, engine } = zlib.zstdDecompressSync(bytes, { maxOutputLength: bytesMax, info: true }) as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  if (engine.bytesWritten === bytes.length) return buffer;
  throw new CorruptError(`${bytes.length - engine.bytesWritten} bytes behind the last zstd frame`);
}
