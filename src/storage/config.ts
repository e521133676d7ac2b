/**
 * Every configuration key that a Kafka topic has, as Apache Kafka 4.4.0 names, types and defaults them: the one table from which
 * CreateTopics validates, DescribeConfigs answers and the log takes its limits. `brokerDefaults` says which broker keys give the
 * default of a topic key, the first one that is set wins. Order of precedence for one topic: its own override, then the broker's
 * key, then the default here.
 */
import { type ConfigOf, defineConfig, parseConfig } from '#core';

const LONG_MAX = Number.MAX_SAFE_INTEGER;
const INT_MAX = 2 ** 31 - 1;
/** What a Java array can hold. */
const DECOMPRESSED_RECORD_BYTES_MAX = INT_MAX - 8;
/** The level of lz4 that Kafka defaults to, and the only one here. */
const LZ4_LEVEL = 9;

export const topicConfigTable = defineConfig({
  'cleanup.policy': {
    type: 'list',
    default: ['delete'],
    oneOf: ['delete', 'compact'],
    importance: 'medium',
    doc: 'What happens to old segments: `delete` removes them by age and size, `compact` keeps the last record of each key. Both may be given; an empty list keeps everything.',
  },
  'compression.gzip.level': {
    type: 'int',
    default: -1,
    min: -1,
    max: 9,
    importance: 'medium',
    doc: 'Level when the broker itself compresses with gzip: 1 to 9, or -1, the default of the library.',
  },
  'compression.lz4.level': {
    type: 'int',
    default: LZ4_LEVEL,
    min: 1,
    max: 17,
    importance: 'medium',
    doc: 'Only `9`: the library that compresses lz4 here has one level.',
  },
  'compression.type': {
    type: 'string',
    default: 'producer',
    oneOf: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
    importance: 'medium',
    doc: 'Compression of the stored batches. `producer` keeps what the producer sent; otherwise the broker compresses anew what came in another codec.',
  },
  'compression.zstd.level': {
    type: 'int',
    default: 3,
    min: -131072,
    max: 22,
    importance: 'medium',
    doc: 'Level when the broker itself compresses with zstd.',
  },
  'delete.retention.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 86_400_000,
    min: 0,
    importance: 'medium',
    doc: 'How long a compacted topic keeps the marker of a deleted key, so that readers that lag still see the deletion.',
  },
  'errors.deadletterqueue.group.enable': {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Only `false`: there are no share groups that could use the topic as their dead letter queue.',
  },
  'file.delete.delay.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 60_000,
    min: 0,
    importance: 'medium',
    doc: 'How long files of deleted segments and partitions stay on disk after their rename.',
  },
  'flush.messages': {
    type: 'long',
    default: LONG_MAX,
    min: 1,
    importance: 'medium',
    doc: 'Mode `os`: sync after this many records, and acknowledge the one that makes the count full when it is synced. Use `springtide.broker.durability` instead: `sync` acknowledges nothing that is not on disk.',
  },
  'flush.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: LONG_MAX,
    min: 0,
    importance: 'medium',
    doc: 'Mode `os`: sync so long after the first record that is not synced. Use `springtide.broker.durability` instead.',
  },
  'follower.replication.throttled.replicas': {
    type: 'list',
    default: [],
    importance: 'medium',
    doc: 'Replicas that are slowed down while they follow, as `partition:broker`, or `*`. With one replica, as here, there is nothing to slow down.',
  },
  'index.interval.bytes': {
    type: 'bytes',
    kafkaType: 'int',
    default: 4096,
    min: 0,
    max: INT_MAX,
    importance: 'medium',
    doc: 'At most one index entry per this many bytes of log. Smaller: lookups land nearer, indexes grow.',
  },
  'leader.replication.throttled.replicas': {
    type: 'list',
    default: [],
    importance: 'medium',
    doc: 'Replicas that are slowed down while their leader sends, as `partition:broker`, or `*`. With one replica, as here, there is nothing to slow down.',
  },
  'local.retention.bytes': {
    type: 'long',
    default: -2,
    min: -2,
    importance: 'medium',
    doc: 'Tiered storage, which there is not: bytes kept locally; -2 means `retention.bytes`.',
  },
  'local.retention.ms': {
    type: 'long',
    default: -2,
    min: -2,
    importance: 'medium',
    doc: 'Tiered storage, which there is not: milliseconds kept locally; -2 means `retention.ms`.',
  },
  'max.compaction.lag.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: LONG_MAX,
    min: 1,
    importance: 'medium',
    doc: 'The longest a record stays uncompacted in a compacted topic.',
  },
  'max.decompressed.message.bytes': {
    type: 'bytes',
    kafkaType: 'int',
    default: DECOMPRESSED_RECORD_BYTES_MAX,
    min: 1,
    max: DECOMPRESSED_RECORD_BYTES_MAX,
    importance: 'medium',
    doc: 'The largest a record of a compressed batch may be once decompressed. All records of a batch together may be 4 MiB and 32 times the size of the batch, whatever is set here.',
  },
  'max.message.bytes': {
    type: 'bytes',
    kafkaType: 'int',
    default: 1_048_588,
    min: 0,
    max: INT_MAX,
    importance: 'medium',
    doc: 'The largest record batch the topic takes, after compression.',
  },
  'message.timestamp.after.max.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 3_600_000,
    min: 0,
    importance: 'medium',
    doc: 'How far the timestamp of a record may lie in the future of the clock of the broker.',
  },
  'message.timestamp.before.max.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: LONG_MAX,
    min: 0,
    importance: 'medium',
    doc: 'How far the timestamp of a record may lie in the past of the clock of the broker.',
  },
  'message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    importance: 'medium',
    doc: 'Whether records carry the time their producer gave them or the time the broker appended them.',
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    default: 0.5,
    min: 0,
    max: 1,
    importance: 'medium',
    doc: 'The share of not yet compacted bytes at which a compacted topic is compacted again.',
  },
  'min.compaction.lag.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 0,
    min: 0,
    importance: 'medium',
    doc: 'The shortest a record stays uncompacted in a compacted topic.',
  },
  'min.insync.replicas': {
    type: 'int',
    default: 1,
    min: 1,
    importance: 'medium',
    doc: 'How many replicas must have a record before acks=all is answered, at most as many as there are. With one replica, as here, one.',
  },
  preallocate: {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Only `false`: segments grow as they are written. A file that is made long in advance has no blocks either, and its end is found only by reading it.',
  },
  'remote.copy.lag.bytes': {
    type: 'long',
    default: -1,
    min: -1,
    importance: 'low',
    doc: 'Tiered storage, which there is not: bytes to keep back from copying.',
  },
  'remote.copy.lag.ms': {
    type: 'long',
    default: 0,
    min: -1,
    importance: 'low',
    doc: 'Tiered storage, which there is not: milliseconds to keep back from copying.',
  },
  'remote.log.copy.disable': {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Tiered storage, which there is not: stop copying new segments.',
  },
  'remote.log.delete.on.disable': {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Tiered storage, which there is not: delete remote data when it is disabled.',
  },
  'remote.storage.enable': {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Only `false`: there is no tiered storage.',
  },
  'retention.bytes': {
    type: 'long',
    default: -1,
    importance: 'medium',
    doc: 'The largest a partition grows before its oldest segments are deleted; -1 is no limit.',
  },
  'retention.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 604_800_000,
    min: -1,
    importance: 'medium',
    doc: 'How long records are kept, judged by the newest timestamp of a segment; -1 keeps them for ever.',
  },
  'segment.bytes': {
    type: 'bytes',
    kafkaType: 'int',
    default: 1_073_741_824,
    min: 1_048_576,
    max: INT_MAX,
    importance: 'medium',
    doc: 'The size at which a segment file is closed and the next one begins.',
  },
  'segment.index.bytes': {
    type: 'bytes',
    kafkaType: 'int',
    default: 10_485_760,
    min: 4,
    max: INT_MAX,
    importance: 'medium',
    doc: 'The largest an index file may grow; a segment whose index is full is closed.',
  },
  'segment.jitter.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 0,
    min: 0,
    importance: 'medium',
    doc: 'At most this much is taken from `segment.ms`, at random per segment, so that not all roll at once.',
  },
  'segment.ms': {
    type: 'duration-ms',
    kafkaType: 'long',
    default: 604_800_000,
    min: 1,
    importance: 'medium',
    doc: 'The age at which a segment is closed although it is not full.',
  },
  'unclean.leader.election.enable': {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Whether a replica that lacks committed records may lead: here, whether a partition whose log directory is gone from `log.dirs` begins anew, empty. Else it stays offline until the directory is back.',
  },
});

export type TopicConfigName = keyof typeof topicConfigTable;

/** The parsed configuration of one topic: every key, under Kafka's dotted name. */
export type TopicConfig = ConfigOf<typeof topicConfigTable>;

/**
 * The broker keys that give a topic key its default, in order of precedence; `ms` is the factor from the unit of that key.
 * Topic keys that are not listed have no broker key.
 */
export const brokerDefaults: { readonly [name in TopicConfigName]?: readonly BrokerDefault[] } = {
  'cleanup.policy': [{ key: 'log.cleanup.policy' }],
  'compression.gzip.level': [{ key: 'compression.gzip.level' }],
  'compression.lz4.level': [{ key: 'compression.lz4.level' }],
  'compression.type': [{ key: 'compression.type' }],
  'compression.zstd.level': [{ key: 'compression.zstd.level' }],
  'delete.retention.ms': [{ key: 'log.cleaner.delete.retention.ms' }],
  'file.delete.delay.ms': [{ key: 'log.segment.delete.delay.ms' }],
  'flush.messages': [{ key: 'log.flush.interval.messages' }],
  'flush.ms': [{ key: 'log.flush.interval.ms' }],
  'index.interval.bytes': [{ key: 'log.index.interval.bytes' }],
  'local.retention.bytes': [{ key: 'log.local.retention.bytes' }],
  'local.retention.ms': [{ key: 'log.local.retention.ms' }],
  'max.compaction.lag.ms': [{ key: 'log.cleaner.max.compaction.lag.ms' }],
  'max.decompressed.message.bytes': [{ key: 'max.decompressed.message.bytes' }],
  'max.message.bytes': [{ key: 'message.max.bytes' }],
  'message.timestamp.after.max.ms': [{ key: 'log.message.timestamp.after.max.ms' }],
  'message.timestamp.before.max.ms': [{ key: 'log.message.timestamp.before.max.ms' }],
  'message.timestamp.type': [{ key: 'log.message.timestamp.type' }],
  'min.cleanable.dirty.ratio': [{ key: 'log.cleaner.min.cleanable.ratio' }],
  'min.compaction.lag.ms': [{ key: 'log.cleaner.min.compaction.lag.ms' }],
  'min.insync.replicas': [{ key: 'min.insync.replicas' }],
  preallocate: [{ key: 'log.preallocate' }],
  'remote.copy.lag.bytes': [{ key: 'log.remote.copy.lag.bytes' }],
  'remote.copy.lag.ms': [{ key: 'log.remote.copy.lag.ms' }],
  'retention.bytes': [{ key: 'log.retention.bytes' }],
  'retention.ms': [
    { key: 'log.retention.ms' },
    { key: 'log.retention.minutes', unitMs: 60_000 },
    { key: 'log.retention.hours', unitMs: 3_600_000 },
  ],
  'segment.bytes': [{ key: 'log.segment.bytes' }],
  'segment.index.bytes': [{ key: 'log.index.size.max.bytes' }],
  'segment.jitter.ms': [{ key: 'log.roll.jitter.ms' }, { key: 'log.roll.jitter.hours', unitMs: 3_600_000 }],
  'segment.ms': [{ key: 'log.roll.ms' }, { key: 'log.roll.hours', unitMs: 3_600_000 }],
  'unclean.leader.election.enable': [{ key: 'unclean.leader.election.enable' }],
};

export interface BrokerDefault {
  readonly key: string;
  /** Milliseconds per unit of the broker key, when it does not count milliseconds. */
  readonly unitMs?: number;
}

/**
 * The configuration of one topic. `overrides` are the topic's own values; `brokerConfig` holds the broker's keys, of which
 * only those in `brokerDefaults` are looked at. Throws INVALID_CONFIG naming key, value and rule. Unknown overrides are passed over:
 * they may come from a newer broker, and whoever creates a topic has refused them.
 */
export function topicConfig(
  overrides: Readonly<Record<string, unknown>> = {},
  brokerConfig: Readonly<Record<string, unknown>> = {},
): TopicConfig {
  const raw: Record<string, unknown> = { ...topicDefaults(brokerConfig) };
  for (const [name, value] of Object.entries(overrides)) if (value !== undefined && value !== null) raw[name] = value;
  return parseConfig(topicConfigTable, raw).config;
}

/** By key, what is wrong with a value that the table would take. */
const refusals: { readonly [name in TopicConfigName]?: (value: unknown) => string | undefined } = {
  'compression.gzip.level': (value) => (value === 0 ? 'levels go from 1 to 9, and -1 is the default' : undefined),
  'compression.lz4.level': (value) => (value === LZ4_LEVEL ? undefined : `lz4 has one level here, ${LZ4_LEVEL}`),
  'errors.deadletterqueue.group.enable': (value) => (value === true ? 'there are no share groups here' : undefined),
  'follower.replication.throttled.replicas': throttledProblem,
  'leader.replication.throttled.replicas': throttledProblem,
  preallocate: (value) => (value === true ? 'segments are not preallocated here' : undefined),
  'remote.storage.enable': (value) => (value === true ? 'there is no tiered storage here' : undefined),
};

function throttledProblem(value: unknown): string | undefined {
  const replicas = value as readonly string[];
  const isFine =
    replicas.every((replica) => /^\d+:\d+$/.test(replica)) || (replicas.length === 1 && replicas[0] === '*');
  return isFine ? undefined : 'must be `*`, or a list of `partition:broker`';
}

/**
 * Why nobody may set `name` to `value` (as parsed): Kafka does not allow it either, or it would do nothing here. Folders that come from
 * Apache Kafka may have the latter set; there it is passed over.
 */
export function refusedTopicConfig(name: string, value: unknown): string | undefined {
  return Object.hasOwn(refusals, name) ? refusals[name as TopicConfigName]?.(value) : undefined;
}

/** Which values of a topic exclude each other, in words. */
export function topicConfigConflict(config: TopicConfig): string | undefined {
  const minMs = config['min.compaction.lag.ms'];
  const maxMs = config['max.compaction.lag.ms'];
  return minMs > maxMs ? `min.compaction.lag.ms=${minMs} is more than max.compaction.lag.ms=${maxMs}` : undefined;
}

/** What the broker's own keys say about the defaults of topics; only topic keys that a broker key sets are present. */
function topicDefaults(brokerConfig: Readonly<Record<string, unknown>>): Partial<Record<TopicConfigName, unknown>> {
  const defaults: Partial<Record<TopicConfigName, unknown>> = {};
  for (const [name, sources] of Object.entries(brokerDefaults) as [TopicConfigName, readonly BrokerDefault[]][]) {
    const source = sources.find(({ key }) => brokerConfig[key] !== undefined && brokerConfig[key] !== null);
    if (source === undefined) continue;
    const value = brokerConfig[source.key];
    defaults[name] = source.unitMs === undefined || Number(value) < 0 ? value : Number(value) * source.unitMs;
  }
  return defaults;
}
