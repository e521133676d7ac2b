/** node-rdkafka (librdkafka) behind the verbs of agent.ts. */
import { promisify } from 'node:util';
import { require, serve, text, versionOf } from '../node-agent.mjs';

const { AdminClient, KafkaConsumer, Producer, CODES, features, librdkafkaVersion } = require('node-rdkafka');

const TIMEOUT_MS = 30_000;
const LARGE = 20_000_000;
const producers = new Map();
let common;
let consumer;
let transactional;
let adminClient;

function hello({ bootstrapServers }) {
  common = { 'bootstrap.servers': bootstrapServers, 'topic.metadata.refresh.interval.ms': 1000 };
  const codecs = ['gzip', 'snappy', 'lz4', 'zstd'].filter((codec) => features.includes(codec));
  const abilities = [...codecs, 'idempotent', 'static', 'consumer-protocol', 'timestamps', 'repeated-headers'];
  const version = `${versionOf('node-rdkafka')} librdkafka ${librdkafkaVersion}`;
  return { version, can: [...Object.keys(verbs), ...abilities] };
}

const connected = (client) => promisify(client.connect.bind(client))({ timeout: TIMEOUT_MS }).then(() => client);

// Producing

async function newProducer(settings) {
  const producer = await connected(new Producer({ ...common, dr_cb: true, 'message.max.bytes': LARGE, ...settings }));
  producer.setPollInterval(10);
  producer.on('delivery-report', (error, report) => report.opaque(error, report.offset));
  return producer;
}

async function produce({ topic, records, codec = 'none', acks = -1, idempotent = false }) {
  const name = `${codec} ${acks} ${idempotent}`;
  if (!producers.has(name)) {
    producers.set(name, await newProducer({ 'compression.codec': codec, acks, 'enable.idempotence': idempotent }));
  }
  return send(producers.get(name), topic, records);
}

function send(producer, topic, records) {
  const bytes = (content) => (content === null ? null : Buffer.from(content));
  const deliveries = records.map(({ partition = -1, key, value, timestamp, headers = [] }) => {
    const named = headers.map(([name, content]) => ({ [name]: content }));
    return new Promise((resolve, reject) => {
      const delivered = (error, offset) => (error ? reject(error) : resolve(offset));
      producer.produce(topic, partition, bytes(value), key, timestamp, delivered, named);
    });
  });
  return Promise.all(deliveries);
}

async function txnOpen({ transactionalId, timeoutMs = 60_000 }) {
  transactional = await newProducer({ 'transactional.id': transactionalId, 'transaction.timeout.ms': timeoutMs });
  await transact('initTransactions', TIMEOUT_MS);
}

const transact = (step, ...args) => promisify(transactional[step].bind(transactional))(...args);

// Consuming

async function open({
  topic,
  group,
  assign,
  protocol = 'classic',
  assignor = 'range',
  instanceId,
  committed = false,
  reset = 'earliest',
}) {
  const settings = {
    ...common,
    'group.id': group ?? 'alone',
    'enable.auto.commit': false,
    'isolation.level': committed ? 'read_committed' : 'read_uncommitted',
    'fetch.message.max.bytes': LARGE,
    'message.max.bytes': LARGE,
    ...(protocol === 'consumer'
      ? { 'group.protocol': 'consumer' }
      : { 'partition.assignment.strategy': assignor, 'heartbeat.interval.ms': 500 }),
    ...(instanceId === undefined ? {} : { 'group.instance.id': instanceId }),
  };
  consumer = await connected(new KafkaConsumer(settings, { 'auto.offset.reset': reset }));
  consumer.setDefaultConsumeTimeout(100);
  if (assign === undefined) consumer.subscribe([topic]);
  else
    consumer.assign(
      await Promise.all(
        assign.map(async ({ partition, at }) => ({ topic, partition, offset: await start(topic, partition, at) })),
      ),
    );
}

async function start(topic, partition, at) {
  if (typeof at === 'number') return at;
  if (typeof at === 'object') {
    const find = promisify(consumer.offsetsForTimes.bind(consumer));
    return (await find([{ topic, partition, offset: at.timestamp }], TIMEOUT_MS))[0].offset;
  }
  const { lowOffset, highOffset } = await promisify(consumer.queryWatermarkOffsets.bind(consumer))(
    topic,
    partition,
    TIMEOUT_MS,
  );
  return at === 'latest' ? highOffset : lowOffset;
}

async function poll({ ms }) {
  const deadline = Date.now() + ms;
  const consume = promisify(consumer.consume.bind(consumer));
  let messages = [];
  while (messages.length === 0 && Date.now() < deadline) messages = await consume(1000);
  const assignment = consumer.assignments().map(({ topic, partition }) => [topic, partition]);
  return { records: messages.map(read), assignment };
}

function read({ topic, partition, offset, timestamp, key, value, headers = [] }) {
  const named = headers.flatMap((header) => Object.entries(header).map(([name, content]) => [name, text(content)]));
  return { topic, partition, offset, timestamp, key: text(key), value: text(value), headers: named };
}

const close = () => promisify(consumer.disconnect.bind(consumer))();

// Administration

function admin(verb, ...args) {
  adminClient ??= AdminClient.create(common);
  return promisify(adminClient[verb].bind(adminClient))(...args);
}

const createTopic = ({ topic, partitions = 1, configs = {} }) =>
  admin('createTopic', { topic, num_partitions: partitions, replication_factor: 1, config: configs }, TIMEOUT_MS);

async function metadata(options) {
  const any = producers.values().next().value ?? (await newProducer({}));
  return promisify(any.getMetadata.bind(any))({ timeout: TIMEOUT_MS, ...options });
}

const verbs = {
  hello,
  produce,
  open,
  poll,
  commit: () => consumer.commitSync(consumer.position().filter(({ offset }) => offset >= 0)),
  close,
  txnOpen,
  txnBegin: () => transact('beginTransaction'),
  txnSend: ({ topic, records }) => send(transactional, topic, records),
  txnOffsets: () => transact('sendOffsetsToTransaction', consumer.position(), consumer, TIMEOUT_MS),
  txnCommit: () => transact('commitTransaction', TIMEOUT_MS),
  txnAbort: () => transact('abortTransaction', TIMEOUT_MS),
  // A fenced producer that is told to disconnect ends the process; none is told.
  txnClose: () => {
    transactional = undefined;
  },
  createTopic,
  listTopics: async () => (await metadata({})).topics.map(({ name }) => name),
  addPartitions: ({ topic, total }) => admin('createPartitions', topic, total, TIMEOUT_MS),
  deleteTopic: ({ topic }) => admin('deleteTopic', topic, TIMEOUT_MS),
};

const names = new Map(Object.entries(CODES.ERRORS).map(([name, code]) => [code, name]));

await serve(verbs, (error) => names.get(error.code) ?? error.name);
