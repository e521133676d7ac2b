/** kcat (librdkafka) behind the verbs of agent.ts: a process of it for each thing to do. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Arrivals, serve } from '../node-agent.mjs';

let address;
let arrivals;
let readers = [];

function hello({ bootstrapServers }) {
  address = ['-b', bootstrapServers, '-X', 'message.max.bytes=20000000'];
  const [, version, librdkafka] = /Version (\S+).*librdkafka (\S+)/.exec(runToEnd(['-V']).stdout);
  const abilities = ['gzip', 'snappy', 'lz4', 'zstd', 'idempotent'];
  return { version: `${version} librdkafka ${librdkafka}`, can: [...Object.keys(verbs), ...abilities] };
}

function runToEnd(args, input = '') {
  const { status, stdout, stderr } = spawnSync('kcat', args, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return { stdout, stderr };
  throw new Error(stderr);
}

/** It has a partition for all that it sends, and separates what it reads from a line by one byte each. */
function produce({ topic, records, codec = 'none', acks = -1, idempotent = false }) {
  const settings = ['-z', codec, '-X', `acks=${acks}`, '-X', `enable.idempotence=${idempotent}`];
  for (const partition of new Set(records.map((record) => record.partition))) {
    const lines = records
      .filter((record) => record.partition === partition)
      .map(({ key, value }) => `${key ?? ''}\x01${value ?? ''}\x02`);
    const format = ['-K', '\\x01', '-D', '\\x02', '-Z', '-p', `${partition}`];
    runToEnd([...address, '-P', '-t', topic, ...settings, ...format], lines.join(''));
  }
  return null;
}

function open({ topic, group, assign, committed = false, reset = 'earliest' }) {
  const own = new Arrivals();
  arrivals = own;
  const common = [
    ...address,
    '-J',
    '-u',
    '-q',
    '-X',
    `isolation.level=${committed ? 'read_committed' : 'read_uncommitted'}`,
  ];
  const places = assign?.map(({ partition, at }) => ['-C', '-t', topic, '-p', `${partition}`, '-o', placeOf(at)]) ?? [
    ['-X', `auto.offset.reset=${reset}`, '-X', 'heartbeat.interval.ms=500', '-G', group, topic],
  ];
  readers = places.map((place) => {
    const reader = spawn('kcat', [...common, ...place], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: reader.stdout }).on('line', (line) => own.push(read(JSON.parse(line))));
    return reader;
  });
}

function placeOf(at) {
  if (typeof at === 'object') return `s@${at.timestamp}`;
  return { earliest: 'beginning', latest: 'end' }[at] ?? `${at}`;
}

function read({ topic, partition, offset, ts, key, payload, headers = [] }) {
  const named = headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : []));
  return { topic, partition, offset, timestamp: ts, key, value: payload, headers: named };
}

async function close() {
  for (const reader of readers.splice(0)) {
    const ended = new Promise((resolve) => reader.on('exit', resolve));
    reader.kill('SIGTERM');
    await ended;
  }
}

const metadata = (...args) => JSON.parse(runToEnd([...address, '-L', '-J', ...args]).stdout);

function describeTopic({ topic }) {
  const [{ partitions }] = metadata('-t', topic).topics;
  return partitions.map((each) => [each.partition, each.leader, each.replicas.length, each.isrs.length]);
}

const verbs = {
  hello,
  produce,
  open,
  poll: async ({ ms }) => ({ records: await arrivals.take(ms), assignment: [] }),
  close,
  describeTopic,
  listTopics: () => metadata().topics.map(({ topic }) => topic),
  describeCluster: () => ({ nodes: metadata().brokers.length }),
};

const nameOf = (error) => /\(([A-Z][^)]*)\)|: (Broker: [^\n]*)/.exec(error.message)?.[1] ?? 'kcat';

await serve(verbs, nameOf);
