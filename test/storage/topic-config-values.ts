/**
 * Values that clients set for the configs of topics, and which of them Apache Kafka 4.4.0 was seen to take. Two tests hold us to this
 * table, one of them beside Apache Kafka itself (`test/interop/topic-config-values.test.ts`).
 */
import type { TopicConfigName } from '#storage';

export interface ValueRow {
  readonly taken: readonly string[];
  readonly refused: readonly string[];
  /** Of `refused`: case does not matter to us, and what is more than the largest long is the largest. */
  readonly weTake?: readonly string[];
  /** Of `taken`: it would do nothing here. */
  readonly weRefuse?: readonly string[];
}

export const configValues: Readonly<Record<TopicConfigName, ValueRow>> = {
  'cleanup.policy': {
    taken: ['delete', 'compact', 'compact,delete', '', 'compact,compact', ' delete'],
    refused: ['DELETE', 'none', 'delete,none'],
    weTake: ['DELETE'],
  },
  'compression.gzip.level': { taken: ['-1', '1', '9'], refused: ['0', '10', '-2', 'x'] },
  'compression.lz4.level': { taken: ['1', '9', '17'], refused: ['0', '18'], weRefuse: ['1', '17'] },
  'compression.type': {
    taken: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
    refused: ['none', 'ZSTD', ''],
    weTake: ['ZSTD'],
  },
  'compression.zstd.level': { taken: ['-131072', '0', '22'], refused: ['-131073', '23'] },
  'delete.retention.ms': {
    taken: ['0', '9223372036854775807'],
    refused: ['-1', '9223372036854775808'],
    weTake: ['9223372036854775808'],
  },
  'errors.deadletterqueue.group.enable': { taken: ['true', 'false'], refused: ['yes'], weRefuse: ['true'] },
  'file.delete.delay.ms': { taken: ['0'], refused: ['-1'] },
  'flush.messages': { taken: ['1', '9223372036854775807'], refused: ['0', '-1'] },
  'flush.ms': { taken: ['0'], refused: ['-1'] },
  'follower.replication.throttled.replicas': { taken: ['', '*', '0:1', '0:1,1:2'], refused: ['abc', 'none'] },
  'index.interval.bytes': { taken: ['0', '2147483647'], refused: ['-1', '2147483648'] },
  'leader.replication.throttled.replicas': { taken: ['', '*', '0:1'], refused: ['abc'] },
  'local.retention.bytes': { taken: ['-2', '-1', '0', '100'], refused: ['-3'] },
  'local.retention.ms': { taken: ['-2', '-1', '0', '100', '604800001'], refused: ['-3'] },
  'max.compaction.lag.ms': { taken: ['1'], refused: ['0'] },
  'max.decompressed.message.bytes': { taken: ['1', '2147483639'], refused: ['-1', '0', '2147483640', '2147483647'] },
  'max.message.bytes': { taken: ['0', '2147483647'], refused: ['-1'] },
  'message.timestamp.after.max.ms': { taken: ['0', '9223372036854775807'], refused: ['-1'] },
  'message.timestamp.before.max.ms': { taken: ['0', '9223372036854775807'], refused: ['-1'] },
  'message.timestamp.type': {
    taken: ['CreateTime', 'LogAppendTime'],
    refused: ['logappendtime', 'NoTimestampType'],
    weTake: ['logappendtime'],
  },
  'min.cleanable.dirty.ratio': { taken: ['0', '1', '0.5'], refused: ['-0.1', '1.1'] },
  'min.compaction.lag.ms': { taken: ['0', '9223372036854775807'], refused: ['-1'] },
  'min.insync.replicas': { taken: ['1', '2'], refused: ['0', '-1'] },
  preallocate: { taken: ['true', 'false', 'TRUE'], refused: ['1'], weRefuse: ['true', 'TRUE'] },
  'remote.copy.lag.bytes': { taken: ['-1', '0', '5'], refused: ['-3', '-2'] },
  'remote.copy.lag.ms': { taken: ['-1', '0', '5'], refused: ['-3', '-2'] },
  'remote.log.copy.disable': { taken: ['true', 'false'], refused: [] },
  'remote.log.delete.on.disable': { taken: ['true', 'false'], refused: [] },
  'remote.storage.enable': { taken: ['false'], refused: ['true'] },
  'retention.bytes': { taken: ['-1', '-2', '-5', '0', '1'], refused: [] },
  'retention.ms': { taken: ['-1', '0', '1'], refused: ['-2'] },
  'segment.bytes': { taken: ['1048576', '2147483647'], refused: ['13', '14', '1048575'] },
  'segment.index.bytes': { taken: ['4', '8'], refused: ['-1', '0', '3'] },
  'segment.jitter.ms': { taken: ['0', '9223372036854775807'], refused: ['-1'] },
  'segment.ms': { taken: ['1'], refused: ['0'] },
  'unclean.leader.election.enable': { taken: ['true', 'false'], refused: [] },
};

/** Values that do not go together. */
export const configConflicts: readonly Readonly<Record<string, string>>[] = [
  { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' },
];

/** Values that do, although one might not think so. */
export const configPairs: readonly Readonly<Record<string, string>>[] = [
  { 'segment.jitter.ms': '700000000', 'segment.ms': '1000' },
  { 'retention.ms': '100', 'local.retention.ms': '200' },
  { 'retention.bytes': '100', 'local.retention.bytes': '200' },
  { 'max.message.bytes': '5000000', 'segment.bytes': '1048576' },
];
