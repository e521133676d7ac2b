/**
 * Every `spring.kafka.*` key: its type, its default, and where it goes. `client` names Kafka's key for the client of the key's section
 * (a key of no section goes to all clients); keys without it are read by the auto-configuration. Known keys, binding, warnings and the
 * reference in the docs come from this table.
 */
import type { ConfigKey } from '#core';

export type SpringKey = ConfigKey & {
  /** Kafka's name of the client setting. */
  readonly client?: string;
  /** What a bare number counts, in milliseconds, when it is not 1. */
  readonly bareNumberMs?: number;
  /** Known to Spring, without effect here: why. A warning says so when it is set. */
  readonly withoutEffect?: string;
};

export type ClientRole = 'producer' | 'consumer' | 'admin';

const NO_TLS = 'TLS is not there yet; only PLAINTEXT can be spoken.';
const NO_JAAS = 'there is no JAAS outside Java.';
const NO_STREAMS = 'Kafka Streams is not there yet.';
const NO_RETRY_TOPICS = 'retry topics are not there yet; the error handler retries in place.';
const NO_TRANSACTIONS = 'transactions are not there yet.';
const NO_WATCHDOG = 'containers have no watchdog yet.';
const NO_OBSERVATION = 'observation is not there yet.';

const text = (client: string | undefined, doc: string, more: Partial<SpringKey> = {}): SpringKey => ({
  type: 'string',
  default: null,
  client,
  doc,
  ...more,
});
const duration = (client: string | undefined, doc: string, more: Partial<SpringKey> = {}): SpringKey => ({
  type: 'duration-ms',
  default: null,
  min: 0,
  client,
  doc,
  ...more,
});
const size = (client: string, doc: string): SpringKey => ({ type: 'bytes', default: null, min: 0, client, doc });
const int = (client: string | undefined, doc: string, more: Partial<SpringKey> = {}): SpringKey => ({
  type: 'int',
  default: null,
  client,
  doc,
  ...more,
});
const flag = (client: string | undefined, doc: string, more: Partial<SpringKey> = {}): SpringKey => ({
  type: 'boolean',
  default: null,
  client,
  doc,
  ...more,
});

const ssl = (prefix: string): Record<string, SpringKey> => {
  const row = (client: string): SpringKey => text(client, `As Kafka's ${client}.`, { withoutEffect: NO_TLS });
  return {
    [`${prefix}ssl.bundle`]: text(undefined, 'Name of an SSL bundle.', { withoutEffect: NO_TLS }),
    [`${prefix}ssl.key-password`]: row('ssl.key.password'),
    [`${prefix}ssl.key-store-certificate-chain`]: row('ssl.keystore.certificate.chain'),
    [`${prefix}ssl.key-store-key`]: row('ssl.keystore.key'),
    [`${prefix}ssl.key-store-location`]: row('ssl.keystore.location'),
    [`${prefix}ssl.key-store-password`]: row('ssl.keystore.password'),
    [`${prefix}ssl.key-store-type`]: row('ssl.keystore.type'),
    [`${prefix}ssl.trust-store-certificates`]: row('ssl.truststore.certificates'),
    [`${prefix}ssl.trust-store-location`]: row('ssl.truststore.location'),
    [`${prefix}ssl.trust-store-password`]: row('ssl.truststore.password'),
    [`${prefix}ssl.trust-store-type`]: row('ssl.truststore.type'),
    [`${prefix}ssl.protocol`]: row('ssl.protocol'),
    [`${prefix}security.protocol`]: text('security.protocol', 'How to talk to the brokers.'),
  };
};

const common: Record<string, SpringKey> = {
  'bootstrap-servers': {
    type: 'list',
    default: null,
    client: 'bootstrap.servers',
    doc: 'Addresses host:port of the cluster. Absent: the included broker is used.',
  },
  'client-id': text('client.id', 'Name of the clients in logs, quotas and metrics of the broker.'),
  ...ssl(''),
  'jaas.enabled': flag(undefined, 'JVM login configuration.', { withoutEffect: NO_JAAS }),
  'jaas.login-module': text(undefined, 'JVM login module.', { withoutEffect: NO_JAAS }),
  'jaas.control-flag': text(undefined, 'JVM control flag.', { withoutEffect: NO_JAAS }),
};

const consumer: Record<string, SpringKey> = {
  'consumer.auto-commit-interval': duration('auto.commit.interval.ms', 'Time between automatic commits.'),
  'consumer.auto-offset-reset': text(
    'auto.offset.reset',
    'Where to begin without a committed offset: earliest, latest, none.',
  ),
  'consumer.bootstrap-servers': {
    ...common['bootstrap-servers'],
    doc: 'As spring.kafka.bootstrap-servers, for consumers.',
  },
  'consumer.client-id': text('client.id', 'As spring.kafka.client-id, for consumers.'),
  'consumer.enable-auto-commit': flag(
    'enable.auto.commit',
    'Commit in the background. Listeners commit themselves and want false.',
  ),
  'consumer.fetch-max-wait': duration('fetch.max.wait.ms', 'Longest wait of the broker for fetch-min-size.'),
  'consumer.fetch-min-size': size('fetch.min.bytes', 'The broker answers a fetch when it has this much.'),
  'consumer.group-id': text('group.id', 'Consumer group of listeners that name none.'),
  'consumer.heartbeat-interval': duration('heartbeat.interval.ms', 'Time between heartbeats.'),
  'consumer.isolation-level': text('isolation.level', 'read-uncommitted or read-committed.', {
    oneOf: ['read-uncommitted', 'read-committed', 'read_uncommitted', 'read_committed'],
  }),
  'consumer.key-deserializer': text(
    'key.deserializer',
    'Java class name or short name: string, json, bytes, int, long, ...',
  ),
  'consumer.value-deserializer': text(
    'value.deserializer',
    'Java class name or short name: string, json, bytes, int, long, ...',
  ),
  'consumer.max-poll-records': int('max.poll.records', 'Most records that one poll returns.', { min: 1 }),
  'consumer.max-poll-interval': duration('max.poll.interval.ms', 'Longest time between two polls.', { min: 1 }),
  ...ssl('consumer.'),
};

const producer: Record<string, SpringKey> = {
  'producer.acks': text('acks', 'Who must have a record before it counts as sent: 0, 1 or all.'),
  'producer.batch-size': size('batch.size', 'Largest batch per partition.'),
  'producer.bootstrap-servers': {
    ...common['bootstrap-servers'],
    doc: 'As spring.kafka.bootstrap-servers, for producers.',
  },
  'producer.buffer-memory': size('buffer.memory', 'Most bytes that wait to be sent.'),
  'producer.client-id': text('client.id', 'As spring.kafka.client-id, for producers.'),
  'producer.compression-type': text('compression.type', 'none, gzip, snappy, lz4 or zstd.'),
  'producer.key-serializer': text(
    'key.serializer',
    'Java class name or short name: string, json, bytes, int, long, ...',
  ),
  'producer.value-serializer': text(
    'value.serializer',
    'Java class name or short name: string, json, bytes, int, long, ...',
  ),
  'producer.retries': int('retries', 'How often a failed send is tried again within delivery.timeout.ms.', { min: 0 }),
  'producer.transaction-id-prefix': text(undefined, 'Prefix of transactional ids.', { withoutEffect: NO_TRANSACTIONS }),
  ...ssl('producer.'),
};

const admin: Record<string, SpringKey> = {
  'admin.client-id': text('client.id', 'As spring.kafka.client-id, for the admin client.'),
  'admin.close-timeout': duration(undefined, 'How long closing the admin client may take.', { default: 10_000 }),
  'admin.operation-timeout': duration(undefined, 'How long one admin operation may take.', { default: 30_000 }),
  'admin.fail-fast': flag(undefined, 'Fail the start when the topics cannot be made.', { default: false }),
  'admin.modify-topic-configs': flag(undefined, 'Change configs of topics that exist.', { default: false }),
  'admin.auto-create': flag(undefined, 'Create the topics of NewTopic beans at start.', { default: true }),
  ...ssl('admin.'),
};

const template: Record<string, SpringKey> = {
  'template.default-topic': text(undefined, 'Topic of sendDefault.'),
  'template.transaction-id-prefix': text(undefined, 'Prefix of transactional ids.', { withoutEffect: NO_TRANSACTIONS }),
  'template.close-timeout': duration(undefined, 'How long closing a producer may take.', { default: 5_000 }),
  'template.allow-non-transactional': flag(undefined, 'Send outside of transactions.', {
    withoutEffect: NO_TRANSACTIONS,
  }),
  'template.observation-enabled': flag(undefined, 'Observe sends.', { default: false, withoutEffect: NO_OBSERVATION }),
};

export const ackModes = ['record', 'batch', 'time', 'count', 'count_time', 'manual', 'manual_immediate'] as const;

const listener: Record<string, SpringKey> = {
  'listener.type': text(undefined, 'What a listener method gets: one record, or the records of a poll.', {
    default: 'single',
    oneOf: ['single', 'batch'],
  }),
  'listener.ack-mode': text(undefined, 'When offsets are committed.', {
    oneOf: [...ackModes, 'manual-immediate', 'count-time'],
  }),
  'listener.async-acks': flag(undefined, 'Acknowledge out of order.'),
  'listener.client-id': text(undefined, 'Prefix of the client ids of listeners.'),
  'listener.concurrency': int(undefined, 'Consumers per listener.', { min: 1 }),
  'listener.poll-timeout': duration(undefined, 'Longest wait of one poll.'),
  'listener.no-poll-threshold': {
    type: 'double',
    default: null,
    min: 0,
    withoutEffect: NO_WATCHDOG,
    doc: 'Polls overdue by this factor are reported.',
  },
  'listener.ack-count': int(undefined, 'Records between commits (count, count_time).', { min: 1 }),
  'listener.ack-time': duration(undefined, 'Time between commits (time, count_time).', { min: 1 }),
  'listener.idle-between-polls': duration(undefined, 'Pause before each poll.', { default: 0 }),
  'listener.idle-event-interval': duration(undefined, 'Publish an event when nothing came for this long.'),
  'listener.idle-partition-event-interval': duration(undefined, 'The same per partition.', {
    withoutEffect: 'idle events are told per container only.',
  }),
  'listener.monitor-interval': duration(undefined, 'How often consumers are checked; a bare number counts seconds.', {
    bareNumberMs: 1000,
    withoutEffect: NO_WATCHDOG,
  }),
  'listener.log-container-config': flag(undefined, 'Log the settings of each container at start.', {
    withoutEffect: 'it is not there yet.',
  }),
  'listener.missing-topics-fatal': flag(undefined, 'Fail the start when a topic does not exist.', { default: false }),
  'listener.immediate-stop': flag(undefined, 'Stop after the current record, not after the current batch.', {
    default: false,
  }),
  'listener.auto-startup': flag(undefined, 'Start listeners with the application.', { default: true }),
  'listener.change-consumer-thread-name': flag(undefined, 'Rename threads.', {
    withoutEffect: 'there are no consumer threads to name.',
  }),
  'listener.observation-enabled': flag(undefined, 'Observe listeners.', {
    default: false,
    withoutEffect: NO_OBSERVATION,
  }),
  'listener.auth-exception-retry-interval': duration(undefined, 'Pause before retrying after refused authentication.'),
};

const later: Record<string, SpringKey> = Object.fromEntries([
  ...[
    'application-id',
    'auto-startup',
    'bootstrap-servers',
    'state-store-cache-max-size',
    'client-id',
    'replication-factor',
  ].map((key) => [`streams.${key}`, text(undefined, 'Kafka Streams.', { withoutEffect: NO_STREAMS })]),
  ...['state-dir', 'leave-group-on-close', 'cleanup.on-startup', 'cleanup.on-shutdown'].map((key) => [
    `streams.${key}`,
    text(undefined, 'Kafka Streams.', { withoutEffect: NO_STREAMS }),
  ]),
  ...['enabled', 'attempts', 'backoff.delay', 'backoff.multiplier', 'backoff.max-delay', 'backoff.jitter'].map(
    (key) => [`retry.topic.${key}`, text(undefined, 'Retry topics.', { withoutEffect: NO_RETRY_TOPICS })],
  ),
]);

/** By the name behind `spring.kafka.`. */
export const springKafkaTable: Readonly<Record<string, SpringKey>> = {
  ...common,
  ...consumer,
  ...producer,
  ...admin,
  ...template,
  ...listener,
  ...later,
};

/** Maps below which any Kafka name may stand; they override the keys above. */
export const springKafkaMaps: readonly string[] = [
  'properties',
  'consumer.properties',
  'producer.properties',
  'admin.properties',
  'streams.properties',
  'jaas.options',
];
