/** KafkaJS behind the verbs of agent.ts. It reads by groups alone: a reader without one has a group of its own. */
import { randomUUID } from 'node:crypto';
import { Arrivals, require, serve, text, versionOf } from '../node-agent.mjs';

const {
  AssignerProtocol,
  ConfigResourceTypes,
  Kafka,
  logLevel,
  CompressionTypes,
  PartitionAssigners,
} = require('kafkajs');

const producers = new Map();
let kafka;
let consumer;
let arrivals;
let assignment;
let transactional;
let transaction;
let adminClient;

const logCreator =
  () =>
  ({ level, log }) =>
    process.stderr.write(`${level} ${log.message} ${JSON.stringify(log)}\n`);

function hello({ bootstrapServers }) {
  const brokers = bootstrapServers.split(',');
  kafka = new Kafka({ brokers, logLevel: logLevel.WARN, logCreator, retry: { initialRetryTime: 100, retries: 8 } });
  return {
    version: versionOf('kafkajs'),
    can: [...Object.keys(verbs), 'gzip', 'idempotent', 'timestamps', 'repeated-headers'],
  };
}

// Producing

async function produce({ topic, records, codec = 'none', acks = -1, idempotent = false }) {
  let producer = producers.get(idempotent);
  if (producer === undefined) {
    producer = kafka.producer({ idempotent, maxInFlightRequests: 1 });
    await producer.connect();
    producers.set(idempotent, producer);
  }
  const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
  return offsetsOf(records, await producer.send({ topic, acks, compression, messages: records.map(toSend) }));
}

function toSend({ partition, key, value, timestamp, headers = [] }) {
  const named = {};
  for (const [name, content] of headers) named[name] = name in named ? [named[name], content].flat() : content;
  return { partition, key, value, headers: named, timestamp: timestamp === undefined ? undefined : String(timestamp) };
}

/** It tells the first offset of each partition; a request is one batch of each. */
function offsetsOf(records, sent) {
  const next = new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
  if (next.size === 0) return null;
  return records.map(({ partition }) => {
    const offset = next.get(partition);
    next.set(partition, offset + 1);
    return offset;
  });
}

async function txnOpen({ transactionalId, timeoutMs = 60_000 }) {
  transactional = kafka.producer({
    transactionalId,
    transactionTimeout: timeoutMs,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await transactional.connect();
  transaction = await transactional.transaction();
}

async function txnBegin() {
  if (!transaction.isActive()) transaction = await transactional.transaction();
}

async function txnSend({ topic, records }) {
  return offsetsOf(records, await transaction.send({ topic, messages: records.map(toSend) }));
}

const txnOffsets = () =>
  transaction.sendOffsets({ consumerGroupId: consumer.groupId, topics: topicsOf(arrivals.polled()) });

function topicsOf(polled) {
  const topics = [...new Set(polled.map(([topic]) => topic))];
  const partitionsOf = (topic) => polled.filter(([name]) => name === topic);
  return topics.map((topic) => ({
    topic,
    partitions: partitionsOf(topic).map(([, partition, offset]) => ({
      partition: Number(partition),
      offset: `${offset}`,
    })),
  }));
}

// Consuming

async function open({ topic, group, assign, committed = false, reset = 'earliest' }) {
  const groupId = group ?? `alone-${randomUUID()}`;
  const own = kafka.consumer({
    groupId,
    heartbeatInterval: 500,
    readUncommitted: !committed,
    maxBytesPerPartition: 20_000_000,
    maxWaitTimeInMs: 500,
    partitionAssigners: [PartitionAssigners.roundRobin],
    metadataMaxAge: 1000,
  });
  const [come, places] = [new Arrivals(), { list: [] }];
  consumer = Object.assign(own, { groupId });
  arrivals = come;
  assignment = places;
  const fetched = new Promise((resolve) => own.on(own.events.FETCH, resolve));
  own.on(own.events.REBALANCING, () => (places.list = []));
  own.on(own.events.GROUP_JOIN, ({ payload }) => {
    places.list = Object.entries(payload.memberAssignment).flatMap(([name, list]) =>
      list.map((partition) => [name, partition]),
    );
  });
  await own.connect();
  await own.subscribe({
    topic,
    fromBeginning: assign === undefined ? reset === 'earliest' : assign[0].at !== 'latest',
  });
  await own.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => come.push(...batch.messages.map((message) => read(batch, message))),
  });
  for (const { partition, at } of assign ?? []) await seek(topic, partition, at);
  if (assign !== undefined) await fetched;
}

async function seek(topic, partition, at) {
  if (typeof at === 'string') return;
  let offset = at;
  if (typeof at === 'object') {
    const found = await (await admin()).fetchTopicOffsetsByTimestamp(topic, at.timestamp);
    offset = found.find((each) => each.partition === partition).offset;
  }
  arrivals.floor = Number(offset);
  consumer.seek({ topic, partition, offset: String(offset) });
}

function read({ topic, partition }, { offset, timestamp, key, value, headers = {} }) {
  return {
    topic,
    partition,
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: text(key),
    value: text(value),
    headers: Object.entries(headers).flatMap(([name, values]) =>
      [values].flat().map((content) => [name, text(content)]),
    ),
  };
}

/** What came before a seek took hold is none of what was asked for. */
async function poll({ ms }) {
  const records = await arrivals.take(ms);
  return { records: records.filter(({ offset }) => offset >= (arrivals.floor ?? 0)), assignment: assignment.list };
}

const commit = () =>
  consumer.commitOffsets(
    arrivals
      .polled()
      .map(([topic, partition, offset]) => ({ topic, partition: Number(partition), offset: `${offset}` })),
  );

// Administration

async function admin() {
  if (adminClient === undefined) {
    adminClient = kafka.admin();
    await adminClient.connect();
  }
  return adminClient;
}

async function createTopic({ topic, partitions = 1, configs = {} }) {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  const isNew = await (await admin()).createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] });
  if (!isNew) throw Object.assign(new Error(topic), { type: 'TOPIC_ALREADY_EXISTS' });
}

async function describeTopic({ topic }) {
  const { topics } = await (await admin()).fetchTopicMetadata({ topics: [topic] });
  const described = topics[0].partitions.map((each) => [
    each.partitionId,
    each.leader,
    each.replicas.length,
    each.isr.length,
  ]);
  return described.sort(([a], [b]) => a - b);
}

async function describeConfigs({ topic }) {
  const { resources } = await (await admin()).describeConfigs({
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
  });
  const entries = resources[0].configEntries.map((each) => [
    each.configName,
    `${each.configValue} ${each.configSource}`,
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function alterConfigs({ topic, set }) {
  const configEntries = Object.entries(set).map(([name, value]) => ({ name, value }));
  await (await admin()).alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] });
}

const deleteRecords = async ({ topic, partition, before }) =>
  (await admin()).deleteTopicRecords({ topic, partitions: [{ partition, offset: `${before}` }] });

async function listOffsets({ topic, partition, at }) {
  const own = await admin();
  const isTime = typeof at === 'object';
  const offsets = isTime
    ? await own.fetchTopicOffsetsByTimestamp(topic, at.timestamp)
    : await own.fetchTopicOffsets(topic);
  const found = offsets.find((each) => each.partition === partition);
  return Number(at === 'earliest' ? found.low : found.offset);
}

async function listGroups() {
  const { groups } = await (await admin()).listGroups();
  return groups.map(({ groupId, protocolType }) => [groupId, protocolType, '']);
}

async function describeGroup({ group }) {
  const { groups } = await (await admin()).describeGroups([group]);
  const [{ state, protocol, members }] = groups;
  const held = members.map(
    ({ memberAssignment }) => AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
  );
  return { state, assignor: protocol, members: held.map((topics) => Object.values(topics ?? {}).flat().length) };
}

async function groupOffsets({ group, topic }) {
  const [{ partitions }] = await (await admin()).fetchOffsets({ groupId: group, topics: [topic] });
  return Object.fromEntries(partitions.map(({ partition, offset }) => [`${topic}-${partition}`, Number(offset)]));
}

const alterGroupOffsets = async ({ group, topic, partition, offset }) =>
  (await admin()).setOffsets({ groupId: group, topic, partitions: [{ partition, offset: `${offset}` }] });

async function describeCluster() {
  const { brokers, controller } = await (await admin()).describeCluster();
  return { nodes: brokers.length, controller };
}

const verbs = {
  hello,
  produce,
  open,
  poll,
  commit,
  close: () => consumer.disconnect(),
  txnOpen,
  txnBegin,
  txnSend,
  txnOffsets,
  txnCommit: () => transaction.commit(),
  txnAbort: () => transaction.abort(),
  txnClose: () => transactional.disconnect(),
  createTopic,
  describeTopic,
  listTopics: async () => (await admin()).listTopics(),
  addPartitions: async ({ topic, total }) =>
    (await admin()).createPartitions({ topicPartitions: [{ topic, count: total }] }),
  deleteTopic: async ({ topic }) => (await admin()).deleteTopics({ topics: [topic] }),
  describeConfigs,
  alterConfigs,
  deleteRecords,
  listOffsets,
  listGroups,
  describeGroup,
  groupOffsets,
  alterGroupOffsets,
  deleteGroup: async ({ group }) => (await admin()).deleteGroups([group]),
  describeCluster,
};

const nameOf = (error) =>
  error.type ?? error.cause?.type ?? error.errors?.[0]?.type ?? error.groups?.[0]?.error?.type ?? error.name;

await serve(verbs, nameOf);
