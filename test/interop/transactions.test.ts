/**
 * A log with transactions of both versions that Apache Kafka wrote, through segments that they span: what Kafka gives to readers of
 * committed records we give from the same files, and the index that we build from its batches is its own. Then Kafka reads what we wrote.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Admin, KafkaConsumer } from '#client';
import { seededRandom, silentLogger, systemClock } from '#core';
import { batches, buildBatch } from '#protocol';
import { TopicPartition } from '#serde';
import { LogDirectory, nodeDisk, type PartitionLog } from '#storage';
import { startSpringtide } from '../processes/springtide-server.ts';
import { type ApacheKafka, kafkaTool, startApacheKafka } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { connectedCluster, WireProducer } from './kafka/transact.ts';
import { until } from './until.ts';
import { type CommittedFetch, WireLog } from './wire-log.ts';

const TOPIC = 'ledger';
const STEPS = 160;
const PRODUCERS = 4;

/** What one broker shows of the topic. */
interface Look {
  readonly endOffset: number;
  readonly stableOffset: number;
  /** By offset: what one fetch of a single batch gives. */
  readonly fetches: readonly CommittedFetch[];
  /** `offset value` as our consumer reads them, committed ones only. */
  readonly read: readonly string[];
  /** Values as the Java consumer prints them. */
  readonly readByJava: readonly string[];
  readonly failed: CommittedFetch;
}

const tend = tendBrokers();
let kafka: ApacheKafka;
/** `offset value` of what was committed, below the transaction that stays open. */
let committed: string[];
let openOffset: number;

beforeAll(async () => {
  kafka = await tend(startApacheKafka({ 'log.retention.check.interval.ms': 3_600_000 }));
  await fill();
});

async function fill(): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': kafka.bootstrapServers });
  const configs = { 'segment.ms': 10_000, 'index.interval.bytes': 300, 'retention.ms': -1 };
  (await admin.createTopics([{ name: TOPIC, numPartitions: 1, configs }])).all();
  await admin.close();
  const wire = await WireLog.connect(kafka.bootstrapServers);
  await wire.opened(TOPIC);
  const cluster = await connectedCluster(kafka.bootstrapServers);
  const random = seededRandom(11);
  const producers: WireProducer[] = [];
  for (let n = 0; n < PRODUCERS; n++) producers.push(await WireProducer.open(cluster, `tx-${n}`, n < 2 ? 1 : 2));
  const open = new Map<WireProducer, string[]>();
  const done: string[] = [];
  let endCount = 0;
  const startMs = systemClock.now().wallMs;
  const draftsFor = (step: number) =>
    Array.from({ length: 1 + (random.uint32() % 3) }, (_, i) => ({
      key: null,
      value: Buffer.from(`${step}.${i} ${'x'.repeat(random.uint32() % 60)}`),
      // Every few steps a segment begins. Markers, which have the time of the broker, begin none.
      timestamp: startMs + step * 3000,
    }));
  const lines = (offset: number, drafts: ReturnType<typeof draftsFor>) =>
    drafts.map(({ value }, i) => `${offset + i} ${value}`);
  for (let step = 0; step < STEPS; step++) {
    const producer = producers[random.uint32() % PRODUCERS];
    const drafts = draftsFor(step);
    const sent = open.get(producer);
    const choice = random.uint32() % 5;
    if (choice === 0) {
      const { error, baseOffset } = await wire.produce(TOPIC, buildBatch(drafts));
      expect(error).toBe('NONE');
      done.push(...lines(baseOffset, drafts));
    } else if (sent === undefined || choice < 3) {
      const offset = await producer.send(TOPIC, drafts);
      open.set(producer, [...(sent ?? []), ...lines(offset, drafts)]);
    } else {
      const type = choice === 3 ? 'commit' : 'abort';
      await producer.end(type);
      endCount++;
      open.delete(producer);
      if (type === 'commit') done.push(...sent);
    }
  }
  for (const producer of open.keys()) {
    await producer.end('abort');
    endCount++;
  }
  openOffset = await producers[0].send(TOPIC, draftsFor(STEPS));
  await wire.produce(TOPIC, buildBatch(draftsFor(STEPS + 1)));
  await producers[3].send(TOPIC, draftsFor(STEPS + 2));
  await producers[3].end('abort');
  await untilMarked(wire, endCount + 1);
  committed = done.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  await cluster.close();
  await wire.close();
}

async function untilMarked(wire: WireLog, count: number): Promise<void> {
  await until('all markers are there', async () => {
    const markers = [...batches(await wire.batches(TOPIC, 0))].filter(({ header }) => header.isControl);
    return markers.length === count;
  });
}

async function look(bootstrapServers: string): Promise<Look> {
  const wire = await WireLog.connect(bootstrapServers);
  await wire.opened(TOPIC);
  const { offset: endOffset } = await wire.offsetFor(TOPIC, -1);
  const stableOffset = await wire.committedOffsetFor(TOPIC, -1);
  const fetches: CommittedFetch[] = [];
  for (let offset = 0; offset <= stableOffset; offset++) fetches.push(await wire.committed(TOPIC, offset, 1));
  const failed = await wire.committed(TOPIC, endOffset + 1000, 1);
  await wire.close();
  const read = await readCommitted(bootstrapServers, stableOffset);
  const readByJava = await readCommittedByJava(bootstrapServers, committed.length);
  return { endOffset, stableOffset, fetches, read, readByJava, failed };
}

async function readCommitted(bootstrapServers: string, stableOffset: number): Promise<string[]> {
  const consumer = new KafkaConsumer<string | null, string>({
    'bootstrap.servers': bootstrapServers,
    'isolation.level': 'read_committed',
    'auto.offset.reset': 'earliest',
    'enable.auto.commit': false,
    'key.deserializer': 'string',
    'value.deserializer': 'string',
  });
  const partition = new TopicPartition(TOPIC, 0);
  consumer.assign([partition]);
  const read: string[] = [];
  while ((await consumer.position(partition)) < stableOffset) {
    for (const { offset, value } of await consumer.poll(1000)) read.push(`${offset} ${value}`);
  }
  await consumer.close();
  return read;
}

async function readCommittedByJava(bootstrapServers: string, count: number): Promise<string[]> {
  const from = ['--bootstrap-server', bootstrapServers, '--topic', TOPIC, '--from-beginning'];
  const until = ['--isolation-level', 'read_committed', '--max-messages', String(count), '--timeout-ms', '100000'];
  const { stdout } = await kafkaTool('console-consumer', [...from, ...until]);
  return stdout.trimEnd().split('\n');
}

const valueIn = (line: string): string => line.slice(line.indexOf(' ') + 1);

function expectSame(ours: Look, theirs: Look): void {
  expect({ ...ours, fetches: [] }).toEqual({ ...theirs, fetches: [] });
  for (const [offset, fetch] of theirs.fetches.entries()) {
    // Kafka tells of all up to the next entry of its offset index; those have no records in what it gives.
    const endOffset = [...batches(fetch.records)].reduce((_, { header }) => header.lastOffset + 1, offset);
    const told = fetch.abortedTransactions?.filter(({ firstOffset }) => firstOffset < endOffset);
    expect([offset, ours.fetches[offset]]).toEqual([offset, { ...fetch, abortedTransactions: told }]);
  }
}

/** It runs before the first of them, and is at rest after the last. */
describe.each(['SIGKILL', 'SIGTERM'] as const)('a log of Apache Kafka after a %s', (signal) => {
  let theirs: Look;
  let ours: Look;

  beforeAll(async () => {
    if (signal === 'SIGTERM') kafka = await tend(kafka.restart());
    theirs = await look(kafka.bootstrapServers);
    await kafka.stop(signal);
    const copy = mkdtempSync(join(tmpdir(), 'springtide-transactions-'));
    cpSync(kafka.dataFolder, copy, { recursive: true });
    const server = await tend(startSpringtide({ dataFolder: copy }));
    ours = await look(server.bootstrapServers);
    await server.stop();
  });

  test('has what was committed, through both consumers', () => {
    expect(theirs.stableOffset).toBe(openOffset);
    expect(theirs.read).toEqual(committed.filter((line) => Number.parseInt(line, 10) < openOffset));
    expect(theirs.readByJava).toEqual(theirs.read.map(valueIn));
    const lists = theirs.fetches.map(({ abortedTransactions }) => abortedTransactions?.length ?? 0);
    expect(Math.max(...lists)).toBeGreaterThan(2);
  });

  test('gives the same batches, aborted transactions and offsets when we serve it', () => {
    expectSame(ours, theirs);
    expect(ours.failed).toMatchObject({
      errorCode: 1,
      abortedTransactions: null,
      highWatermark: -1,
      lastStableOffset: -1,
    });
  });
});

test('the transaction indexes that we build from the batches of Apache Kafka are its own', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'springtide-transactions-'));
  cpSync(kafka.dataFolder, copy, { recursive: true });
  const folder = join(copy, `${TOPIC}-0`);
  const indexesIn = (path: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(path)
        .filter((name) => name.endsWith('.txnindex'))
        .map((name) => [name, readFileSync(join(path, name)).toString('hex')])
        .filter(([, content]) => content !== ''),
    );
  const before = indexesIn(folder);
  expect(Object.keys(before).length).toBeGreaterThan(5);
  for (const name of readdirSync(folder)) if (/(txnindex|snapshot)$/.test(name)) rmSync(join(folder, name));
  const directory = await LogDirectory.open({
    disk: nodeDisk(),
    path: copy,
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    nodeId: 1,
    durability: 'os',
  });
  const log = directory.get(TOPIC, 0) as PartitionLog;
  await log.abortedIn(0, log.logEndOffset);
  await directory.close();
  expect(indexesIn(folder)).toEqual(before);
  rmSync(copy, { recursive: true, force: true });
});
