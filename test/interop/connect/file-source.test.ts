/**
 * Kafka Connect 4.3.1 with two workers and `exactly.once.source.support` on Apache Kafka and on our broker: the lines of a file go into a
 * topic and from there into another file, while the worker that reads them is killed, and then the broker. Each line is in the topic once,
 * in its order, and comes out. Part of the nightly run alone.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { KafkaConsumer } from '#client';
import { startSpringtide } from '../../processes/springtide-server.ts';
import { startApacheKafka } from '../kafka/apache-kafka.ts';
import { type Broker, tendBrokers } from '../kafka/brokers.ts';
import { bringJarSet } from '../kafka/jars.ts';
import { until } from '../until.ts';
import { newWorker, type Worker } from './worker.ts';

const LINES = 300;
const TOPIC = 'lines';
/** Of a connector. */
interface Status {
  readonly tasks: readonly { readonly worker_id: string }[];
}

const tend = tendBrokers();

beforeAll(() => bringJarSet('connect'));

test.each(['Apache Kafka', 'springtide'] as const)(
  'on %s each line of the file is in the topic once, though a worker and the broker are killed',
  async (name) => {
    const { broker, restart } = await startRestartable(name);
    const folder = mkdtempSync(join(tmpdir(), 'springtide-connect-'));
    const [source, sink] = ['source', 'sink'].map((file) => join(folder, file));
    const workers = [
      await newWorker(broker.bootstrapServers, folder),
      await newWorker(broker.bootstrapServers, folder),
    ];
    try {
      for (const worker of workers) worker.start();
      writeFileSync(source, '');
      await putConnectors(workers, source, sink);
      write(source, 0, 100);
      await until('100 lines came out', () => new Set(linesOf(sink)).size === 100);

      const reader = await readerOf(workers);
      await reader.stop('SIGKILL');
      write(source, 100, 200);
      reader.start();
      await until('200 lines came out', () => new Set(linesOf(sink)).size === 200);

      await broker.stop('SIGKILL');
      write(source, 200, LINES);
      await restart();
      await until('all lines came out', () => new Set(linesOf(sink)).size === LINES);
      expect(await readTopic(broker.bootstrapServers)).toEqual(Array.from({ length: LINES }, (_, n) => `line ${n}`));
    } finally {
      await Promise.all(workers.map((worker) => worker.stop('SIGKILL')));
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** On the same folder and port. */
async function startRestartable(name: 'Apache Kafka' | 'springtide') {
  if (name === 'Apache Kafka') {
    const broker = await tend(startApacheKafka());
    return { broker, restart: (): Promise<Broker> => tend(broker.restart()) };
  }
  const broker = await tend(startSpringtide());
  const { dataFolder, bootstrapServers } = broker;
  const port = Number(bootstrapServers.split(':')[1]);
  return { broker, restart: (): Promise<Broker> => tend(startSpringtide({ dataFolder, port })) };
}

async function putConnectors(workers: readonly Worker[], source: string, sink: string): Promise<void> {
  const connectors = {
    source: {
      'connector.class': 'FileStreamSource',
      'tasks.max': 1,
      file: source,
      topic: TOPIC,
      'exactly.once.support': 'required',
      'topic.creation.default.replication.factor': -1,
      'topic.creation.default.partitions': 1,
    },
    sink: {
      'connector.class': 'FileStreamSink',
      'tasks.max': 1,
      file: sink,
      topics: TOPIC,
      'consumer.override.isolation.level': 'read_committed',
    },
  };
  for (const [name, config] of Object.entries(connectors)) {
    const put = async () => (await workers[0].ask('PUT', `/connectors/${name}/config`, config)) !== undefined;
    await until(`there is the ${name}`, put);
  }
}

/** The worker that reads the file. */
async function readerOf(workers: readonly Worker[]): Promise<Worker> {
  let reader: Worker | undefined;
  await until('a worker reads the file', async () => {
    const status = (await workers[0].ask('GET', '/connectors/source/status')) as Status | undefined;
    reader = workers.find(({ address }) => address === status?.tasks[0]?.worker_id);
    return reader !== undefined;
  });
  return reader as Worker;
}

function write(file: string, from: number, to: number): void {
  for (let n = from; n < to; n++) appendFileSync(file, `line ${n}\n`);
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

/** What is committed, to its end. */
async function readTopic(bootstrapServers: string): Promise<string[]> {
  const consumer = new KafkaConsumer<string, string>({
    'bootstrap.servers': bootstrapServers,
    'isolation.level': 'read_committed',
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': false,
    'group.id': 'reader',
    'key.deserializer': 'string',
    'value.deserializer': 'string',
  });
  consumer.subscribe([TOPIC]);
  const lines: string[] = [];
  const poll = async () => {
    for (const { value } of await consumer.poll(500)) lines.push(`${value}`);
  };
  await until('the topic has all lines', async () => {
    await poll();
    return lines.length >= LINES;
  });
  await poll(); // What is there twice would come now.
  await consumer.close();
  return lines;
}
