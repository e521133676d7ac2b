/**
 * core: what every room stands on. Bytes, time, chance, errors, configuration tables, checksums and compression. It
 * promises that nothing here does I/O, that only `clock.ts` and `random.ts` touch the real world's time and entropy,
 * and that every failure on bad input is a `KafkaError`. It imports no other room; of packages only node:zlib,
 * node:crypto, snappy, lz4-napi and @node-rs/crc32 (in compression, checksum and digest).
 */
export { AssertionError, assert, unreachable } from './assert.ts';
export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { crc32c } from './checksum.ts';
export { type Clock, type Instant, sleepOn, systemClock, type Timer } from './clock.ts';
export { type CompressionCodec, compress, compressionCodecs, decompress } from './compression.ts';
export { type ConfigKey, type ConfigTable, type ConfigType, Password } from './config-key.ts';
export { type ConfigOf, defineConfig, didYouMean, type ParsedConfig, parseConfig } from './config-table.ts';
export { formatConfigValue, parseConfigValue, parseDuration, parseSize } from './config-value.ts';
export { Deferred } from './deferred.ts';
export { type DigestName, digest, digestWords, hmac, isEqualConstantTime, pbkdf2 } from './digest.ts';
export { javaStringHash, murmur2 } from './hashes.ts';
export { ipAddressOf } from './ip-address.ts';
export { CorruptError, errorText, KafkaError, type KafkaErrorOptions } from './kafka-error.ts';
export { lazyPackage } from './lazy-package.ts';
export { hold, poisonReleased, release, takeBuffer } from './lent-buffers.ts';
export { type Logger, type LogLevel, type LogMethod, silentLogger } from './logger.ts';
export { ManualClock } from './manual-clock.ts';
export { Counter, Gauge, Histogram, MetricsRegistry } from './metrics.ts';
export { type OperatingErrorRow, operatingErrors } from './operating-errors.ts';
export { type Random, seededRandom, systemRandom } from './random.ts';
export { RecencyList, type Recent } from './recency-list.ts';
export { cutStack } from './short-stack.ts';
export { suggest } from './suggest.ts';
export { shortened } from './text.ts';
export {
  CLUSTER_METADATA_TOPIC,
  isUuid,
  METADATA_TOPIC_ID,
  type Uuid,
  uuidFromBytes,
  uuidToBytes,
  ZERO_UUID,
} from './uuid.ts';
export { xxh3 } from './xxh3.ts';
