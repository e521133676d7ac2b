/**
 * Kafka Streams 4.3.1 with `exactly_once_v2` on Apache Kafka and on our broker: two instances count words, one is killed in the middle
 * of it, and still each word is counted once: the committed counts of a word are 1, 2, 3 … without a gap or a repetition.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Admin, KafkaConsumer, KafkaProducer, ProducerRecord } from '#client';
import { end } from '../../processes/child.ts';
import { BROKER_NAMES, startBroker, tendBrokers } from '../kafka/brokers.ts';
import { javaFlags } from '../kafka/jars.ts';

const WORDS = ['one', 'two', 'three', 'four', 'five'];
const LINES = 300;
const READ_TIMEOUT_MS = 120_000;

/** The transaction of the one that is killed holds readers back until it has timed out. */
const settings = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500 };
const tend = tendBrokers();

test.each(BROKER_NAMES)('on %s each word is counted once, though an instance is killed', async (name) => {
  const broker = await tend(startBroker(name, settings));
  const folder = mkdtempSync(join(tmpdir(), 'springtide-streams-'));
  try {
    const { bootstrapServers } = broker;
    await createTopics(bootstrapServers);
    const [survivor, victim] = ['survivor', 'victim'].map((name) =>
      startInstance(bootstrapServers, join(folder, name)),
    );
    try {
      await write(bootstrapServers, 0, LINES / 2);
      await Promise.all([survivor.isRunning, victim.isRunning]);
      await readCounts(bootstrapServers, 200);
      await write(bootstrapServers, LINES / 2, LINES);
      await end(victim.child, 'SIGKILL');
      expect(await readCounts(bootstrapServers, LINES * 2)).toEqual(expectedCounts());
    } finally {
      await Promise.all([end(survivor.child, 'SIGKILL'), end(victim.child, 'SIGKILL')]);
    }
  } finally {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Two words a line. */
function line(n: number): string {
  return `${WORDS[n % WORDS.length]} ${WORDS[(n * 3 + 1) % WORDS.length]}`;
}

function expectedCounts(): Record<string, number[]> {
  const counts: Record<string, number[]> = {};
  for (let n = 0; n < LINES; n++) {
    for (const word of line(n).split(' ')) {
      counts[word] ??= [];
      counts[word].push(counts[word].length + 1);
    }
  }
  return counts;
}

function startInstance(bootstrapServers: string, stateFolder: string) {
  const program = join(import.meta.dirname, 'WordCount.java');
  const args = [
    ...javaFlags('streams', '256M'),
    program,
    bootstrapServers,
    'word-count',
    'lines',
    'counts',
    stateFolder,
  ];
  const child = spawn('java', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  const isRunning = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('state RUNNING')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (status) => reject(new Error(`Kafka Streams ended with ${status}:\n${output}`)));
  });
  isRunning.catch(() => {}); // The one that is killed later is not waited for any more.
  return { child, isRunning };
}

async function createTopics(bootstrapServers: string): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  (await admin.createTopics(['lines', 'counts'].map((name) => ({ name, numPartitions: 4 })))).all();
  await admin.close();
}

async function write(bootstrapServers: string, from: number, to: number): Promise<void> {
  const producer = new KafkaProducer<null, string>({
    'bootstrap.servers': bootstrapServers,
    'value.serializer': 'string',
  });
  for (let n = from; n < to; n++) producer.send(new ProducerRecord<null, string>('lines', n % 4, null, line(n)));
  await producer.close();
}

/** The committed counts of each word in their order, once there are `count` of them together, and what comes behind those at once. */
async function readCounts(bootstrapServers: string, count: number): Promise<Record<string, number[]>> {
  const consumer = new KafkaConsumer<string, string>({
    'bootstrap.servers': bootstrapServers,
    'group.id': `readers-of-${count}`,
    'isolation.level': 'read_committed',
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': false,
    'key.deserializer': 'string',
    'value.deserializer': 'string',
  });
  consumer.subscribe(['counts']);
  const counts: Record<string, number[]> = {};
  let read = 0;
  const poll = async (timeoutMs: number) => {
    for (const { key, value } of await consumer.poll(timeoutMs)) {
      counts[`${key}`] ??= [];
      counts[`${key}`].push(Number(value));
      read++;
    }
  };
  const deadline = Date.now() + READ_TIMEOUT_MS;
  while (read < count && Date.now() < deadline) await poll(500);
  await poll(1000); // What is counted twice would come now.
  await consumer.close();
  return counts;
}
