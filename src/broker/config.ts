/**
 * The broker's configuration: Kafka's keys under Kafka's names (bare, as in server.properties) and ours, written in full. Types,
 * parsing, validation, DescribeConfigs and the docs come from this table. The keys of the group coordinator stand beside it and join
 * here; broker-wide defaults of topic configs (`log.retention.ms`, …) are rows of storage's topic table.
 */
import { defineConfig } from '#core';
import { brokerDefaults, OPEN_FILES_MAX } from '#storage';
import { groupConfigTable } from './group/index.ts';

export const brokerConfigTable = defineConfig({
  ...groupConfigTable,
  'node.id': {
    type: 'int',
    default: 1,
    min: 0,
    importance: 'high',
    doc: 'The id of this node. `broker.id` is its old name.',
  },
  'broker.id': { type: 'int', default: -1, min: -1, doc: 'The old name of `node.id`; used when it is 0 or more.' },
  'broker.rack': { type: 'string', default: null, doc: 'The rack of this broker, told to clients.' },
  'cluster.id': {
    type: 'string',
    default: null,
    doc: 'The id of a cluster that is made at the first start. A data folder that has another id is refused.',
  },
  listeners: {
    type: 'list',
    default: ['PLAINTEXT://127.0.0.1:9092'],
    importance: 'high',
    doc: 'Addresses to listen on, `PLAINTEXT://host:port`. Port 0 takes a free one; an empty host is every interface.',
  },
  'advertised.listeners': {
    type: 'list',
    default: null,
    importance: 'high',
    doc: 'Addresses that clients are told, one a listener, when they differ from `listeners` (containers, NAT).',
  },
  'log.dirs': {
    type: 'list',
    default: null,
    importance: 'high',
    doc: 'The data folder. `./data` when neither this nor `log.dir` is set.',
  },
  'log.dir': {
    type: 'string',
    default: './data',
    importance: 'high',
    doc: 'The data folder, when `log.dirs` is not set.',
  },
  'springtide.broker.durability': {
    type: 'string',
    default: 'sync',
    oneOf: ['sync', 'os'],
    importance: 'high',
    doc: 'What acknowledged means: `sync` = on the disk (fdatasync, shared by everything written meanwhile), `os` = in the page cache, as Kafka does.',
  },
  'springtide.broker.thread': {
    type: 'string',
    default: 'worker',
    oneOf: ['worker', 'main'],
    doc: 'Where the included broker of an application runs: in a thread of its own, or on the loop of the application.',
  },
  'springtide.broker.open.files.max': {
    type: 'int',
    default: OPEN_FILES_MAX,
    min: 1,
    importance: 'low',
    doc: 'Files of logs that are open at a time. Those used longest ago are closed, and opened again when they are needed; files that are being read or synced do not count.',
  },
  'log.retention.check.interval.ms': {
    type: 'long',
    default: 300_000,
    min: 1,
    unit: 'ms',
    importance: 'medium',
    doc: 'How often the logs are looked through for segments that `retention.ms`, `retention.bytes` or DeleteRecords have given up.',
  },
  'num.partitions': {
    type: 'int',
    default: 1,
    min: 1,
    importance: 'medium',
    doc: 'Partitions of a topic that is created without a count.',
  },
  'default.replication.factor': {
    type: 'int',
    default: 1,
    min: 1,
    importance: 'medium',
    doc: 'Replicas of a topic that is created without a count.',
  },
  'auto.create.topics.enable': {
    type: 'boolean',
    default: true,
    importance: 'high',
    doc: 'Whether asking for an unknown topic creates it.',
  },
  'delete.topic.enable': { type: 'boolean', default: true, importance: 'high', doc: 'Whether topics may be deleted.' },
  'socket.request.max.bytes': {
    type: 'int',
    default: 104_857_600,
    min: 1,
    importance: 'high',
    doc: 'Largest request, bytes. A longer one is refused before it is buffered, and its connection closed.',
  },
  'max.connections': {
    type: 'int',
    default: 2_147_483_647,
    min: 0,
    importance: 'medium',
    doc: 'Connections at a time; further ones are closed at once.',
  },
  'connections.max.idle.ms': {
    type: 'long',
    default: 600_000,
    min: 1,
    unit: 'ms',
    importance: 'medium',
    doc: 'A connection without a request for so long is closed.',
  },
  'fetch.max.bytes': {
    type: 'int',
    default: 57_671_680,
    min: 1024,
    importance: 'medium',
    doc: 'Most bytes of records in one fetch response.',
  },
  'max.request.partition.size.limit': {
    type: 'int',
    default: 2000,
    min: 1,
    importance: 'medium',
    doc: 'Most partitions in one DescribeTopicPartitions response.',
  },
  'offsets.topic.num.partitions': {
    type: 'int',
    default: 50,
    min: 1,
    importance: 'high',
    doc: 'Partitions of `__consumer_offsets`. Must not change once it exists.',
  },
  'offsets.topic.replication.factor': {
    type: 'short',
    default: 1,
    min: 1,
    importance: 'high',
    doc: 'Replicas of `__consumer_offsets`.',
  },
  'offsets.topic.segment.bytes': {
    type: 'int',
    default: 104_857_600,
    min: 1,
    importance: 'high',
    doc: 'Segment size of `__consumer_offsets`, bytes.',
  },
  'producer.id.expiration.ms': {
    type: 'duration-ms',
    kafkaType: 'int',
    default: 86_400_000,
    min: 1,
    importance: 'low',
    doc: 'How long the sequences of a silent producer are remembered.',
  },
});

/**
 * Keys of Kafka's broker that are understood but change nothing here: written into many a server.properties, so they are named in one
 * line at start instead of being called unknown.
 */
export const keysWithoutEffect: readonly string[] = [
  'auto.leader.rebalance.enable',
  'background.threads',
  'broker.heartbeat.interval.ms',
  'broker.session.timeout.ms',
  'controlled.shutdown.enable',
  'controller.listener.names',
  'controller.quorum.bootstrap.servers',
  'controller.quorum.voters',
  'controller.socket.timeout.ms',
  'group.coordinator.rebalance.protocols',
  'inter.broker.listener.name',
  'leader.imbalance.check.interval.seconds',
  'listener.security.protocol.map',
  'log.cleaner.backoff.ms',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.enable',
  'log.cleaner.threads',
  'log.flush.offset.checkpoint.interval.ms',
  'log.flush.scheduler.interval.ms',
  'log.flush.start.offset.checkpoint.interval.ms',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
  'max.connection.creation.rate',
  'max.incremental.fetch.session.cache.slots',
  'metadata.log.dir',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'offsets.commit.timeout.ms',
  'offsets.load.buffer.size',
  'offsets.topic.compression.codec',
  'process.roles',
  'queued.max.request.bytes',
  'queued.max.requests',
  'replica.fetch.max.bytes',
  'replica.fetch.min.bytes',
  'replica.fetch.wait.max.ms',
  'replica.lag.time.max.ms',
  'replica.socket.timeout.ms',
  'request.timeout.ms',
  'security.inter.broker.protocol',
  'share.coordinator.state.topic.min.isr',
  'share.coordinator.state.topic.num.partitions',
  'share.coordinator.state.topic.replication.factor',
  'socket.listen.backlog.size',
  'socket.receive.buffer.bytes',
  'socket.send.buffer.bytes',
  'springtide.broker.enabled',
  'transaction.state.log.min.isr',
  'transaction.state.log.num.partitions',
  'transaction.state.log.replication.factor',
];

/** Broker keys that give topics their defaults, such as `log.retention.ms`. */
export const topicDefaultKeys: readonly string[] = Object.values(brokerDefaults).flatMap((sources) =>
  sources.map(({ key }) => key),
);

/** Every key that is understood, for warnings about those that are not. */
export const knownBrokerKeys: readonly string[] = [
  ...new Set([...Object.keys(brokerConfigTable), ...topicDefaultKeys, ...keysWithoutEffect]),
];
