/** @platformatic/kafka behind the verbs of agent.ts. It reads by groups alone: a reader without one has a group of its own. */
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { Arrivals, require, serve, text, versionOf } from '../node-agent.mjs';

const { Admin, Consumer, Producer } = await import(pathToFileURL(require.resolve('@platformatic/kafka')).href);

const producers = new Map();
let common;
let consumer;
let stream;
let arrivals;
let lastMessages;
let transactional;
let transaction;
let adminClient;

const EARLIEST = -2n;
const LATEST = -1n;

function hello({ bootstrapServers }) {
  common = {
    clientId: 'platformatic',
    bootstrapBrokers: bootstrapServers.split(','),
    metadataMaxAge: 1000,
    retries: 8,
    retryDelay: 200,
  };
  const abilities = ['gzip', 'snappy', 'lz4', 'zstd', 'idempotent', 'static', 'consumer-protocol', 'timestamps'];
  return { version: versionOf('@platformatic/kafka'), can: [...Object.keys(verbs), ...abilities] };
}

// Producing

async function produce({ topic, records, codec = 'none', acks = -1, idempotent = false }) {
  const producer = producers.get(idempotent) ?? new Producer({ ...common, idempotent });
  producers.set(idempotent, producer);
  const { offsets } = await producer.send({
    messages: records.map((each) => toSend(topic, each)),
    acks,
    compression: codec,
    idempotent,
  });
  return offsetsOf(records, offsets);
}

function toSend(topic, { partition, key, value, timestamp, headers = [] }) {
  const bytes = (content) => (content === null ? undefined : Buffer.from(content));
  return {
    topic,
    partition,
    key: bytes(key),
    value: bytes(value),
    headers: new Map(headers.map(([name, content]) => [Buffer.from(name), bytes(content)])),
    timestamp: timestamp === undefined ? undefined : BigInt(timestamp),
  };
}

/** It tells the first offset of each partition; a request is one batch of each. */
function offsetsOf(records, sent) {
  if (sent === undefined) return null;
  const next = new Map(sent.map(({ partition, offset }) => [partition, Number(offset)]));
  return records.map(({ partition }) => {
    const offset = next.get(partition);
    next.set(partition, offset + 1);
    return offset;
  });
}

async function txnOpen({ transactionalId }) {
  transactional = new Producer({ ...common, transactionalId, idempotent: true });
  transaction = await transactional.beginTransaction();
}

async function txnBegin() {
  if (transaction.completed) transaction = await transactional.beginTransaction();
}

async function txnSend({ topic, records }) {
  const { offsets } = await transaction.send({ messages: records.map((each) => toSend(topic, each)) });
  return offsetsOf(records, offsets);
}

async function txnOffsets() {
  await transaction.addConsumer(consumer);
  for (const message of lastMessages.values()) await transaction.addOffset(message);
}

// Consuming

async function open({ topic, group, assign, protocol = 'classic', instanceId, committed = false, reset = 'earliest' }) {
  const isNew = protocol === 'consumer';
  consumer = new Consumer({
    ...common,
    groupId: group ?? `alone-${randomUUID()}`,
    ...(isNew
      ? { groupProtocol: 'consumer' }
      : { heartbeatInterval: 500, sessionTimeout: 10_000, rebalanceTimeout: 10_000 }),
    ...(instanceId === undefined ? {} : { groupInstanceId: instanceId }),
    autocommit: false,
    isolationLevel: committed ? 1 : 0,
    maxWaitTime: 500,
    maxBytes: 20_000_000,
    maxBytesPerPartition: 20_000_000,
  });
  const [come, last] = [new Arrivals(), new Map()];
  arrivals = come;
  lastMessages = last;
  const places =
    assign === undefined
      ? { mode: 'committed', fallbackMode: reset }
      : { mode: 'manual', offsets: await startsOf(topic, assign) };
  stream = await consumer.consume({ topics: [topic], ...places });
  stream.on('error', (error) => process.stderr.write(`ERROR ${error.message}\n`));
  stream.on('data', (message) => {
    last.set(`${message.topic} ${message.partition}`, message);
    come.push(read(message));
  });
}

async function startsOf(topic, assign) {
  const starts = assign.map(async ({ partition, at }) => {
    if (typeof at === 'number') return { topic, partition, offset: BigInt(at) };
    const timestamp = typeof at === 'object' ? BigInt(at.timestamp) : at === 'latest' ? LATEST : EARLIEST;
    if (typeof at === 'object') {
      const listed = await consumer.listOffsetsWithTimestamps({ topics: [topic], timestamp });
      return { topic, partition, offset: listed.get(topic).get(partition).offset };
    }
    const listed = await consumer.listOffsets({ topics: [topic], timestamp });
    return { topic, partition, offset: listed.get(topic)[partition] };
  });
  return Promise.all(starts);
}

function read({ topic, partition, offset, timestamp, key, value, headers }) {
  return {
    topic,
    partition,
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: text(key),
    value: text(value),
    headers: [...headers].map(([name, content]) => [text(name), text(content)]),
  };
}

async function poll({ ms }) {
  const records = await arrivals.take(ms);
  const assigned = consumer.assignments ?? [];
  return {
    records,
    assignment: assigned.flatMap(({ topic, partitions }) => partitions.map((partition) => [topic, partition])),
  };
}

const commit = () =>
  consumer.commit({
    offsets: arrivals.polled().map(([topic, partition, offset]) => ({
      topic,
      partition: Number(partition),
      offset: BigInt(offset),
      leaderEpoch: 0,
    })),
  });

// Administration

function admin() {
  adminClient ??= new Admin(common);
  return adminClient;
}

async function createTopic({ topic, partitions = 1, configs = {} }) {
  const list = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await admin().createTopics({ topics: [topic], partitions, replicas: 1, configs: list });
}

async function describeTopic({ topic }) {
  const { topics } = await admin().metadata({ topics: [topic], forceUpdate: true });
  return topics
    .get(topic)
    .partitions.map((each, partition) => [partition, each.leader, each.replicas.length, each.isr?.length ?? 1]);
}

const TOPIC_RESOURCE = 2;

async function describeConfigs({ topic }) {
  const [{ configs }] = await admin().describeConfigs({
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null }],
  });
  const entries = configs.map(({ name, value, configSource }) => [name, `${value} ${configSource}`]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function alterConfigs({ topic, set = {} }) {
  const configs = Object.entries(set).map(([name, value]) => ({ name, value, configOperation: 0 }));
  await admin().incrementalAlterConfigs({
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs }],
  });
}

async function deleteRecords({ topic, partition, before }) {
  const [{ partitions }] = await admin().deleteRecords({
    topics: [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }],
  });
  return Number(partitions[0].lowWatermark);
}

async function listOffsets({ topic, partition, at }) {
  const timestamp = typeof at === 'object' ? BigInt(at.timestamp) : at === 'latest' ? LATEST : EARLIEST;
  const [{ partitions }] = await admin().listOffsets({
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
  });
  return Number(partitions[0].offset);
}

async function listGroups() {
  const groups = [...(await admin().listGroups()).values()];
  return groups.map(({ id, groupType, state }) => [id, groupType, state]);
}

async function describeGroup({ group }) {
  const { state, protocol, members } = (await admin().describeGroups({ groups: [group] })).get(group);
  const held = [...members.values()].map(({ assignments }) =>
    [...(assignments?.values() ?? [])].flatMap(({ partitions }) => partitions),
  );
  return { state, assignor: protocol, members: held.map((partitions) => partitions.length) };
}

async function groupOffsets({ group }) {
  const [{ topics }] = await admin().listConsumerGroupOffsets({ groups: [group] });
  const offsets = topics.flatMap(({ name, partitions }) =>
    partitions.map((each) => [`${name}-${each.partitionIndex}`, Number(each.committedOffset)]),
  );
  return Object.fromEntries(offsets);
}

const verbs = {
  hello,
  produce,
  open,
  poll,
  commit,
  close: () => consumer.close(true),
  txnOpen,
  txnBegin,
  txnSend,
  txnOffsets,
  txnCommit: () => transaction.commit(),
  txnAbort: () => transaction.abort(),
  txnClose: () => transactional.close(true),
  createTopic,
  describeTopic,
  listTopics: () => admin().listTopics(),
  addPartitions: ({ topic, total }) =>
    admin().createPartitions({ topics: [{ name: topic, count: total, assignments: null }] }),
  deleteTopic: ({ topic }) => admin().deleteTopics({ topics: [topic] }),
  describeConfigs,
  alterConfigs,
  deleteRecords,
  listOffsets,
  listGroups,
  describeGroup,
  groupOffsets,
  alterGroupOffsets: ({ group, topic, partition, offset }) =>
    admin().alterConsumerGroupOffsets({
      groupId: group,
      topics: [{ name: topic, partitionOffsets: [{ partition, offset: BigInt(offset) }] }],
    }),
  deleteGroupOffsets: ({ group, topic }) =>
    admin().deleteConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] }),
  deleteGroup: ({ group }) => admin().deleteGroups({ groups: [group] }),
};

/** The broker's word for it lies in the errors below. */
function nameOf(error) {
  return error.apiId ?? (error.errors ?? []).map(nameOf).find((name) => name !== 'Error') ?? error.code ?? error.name;
}

await serve(verbs, nameOf);
