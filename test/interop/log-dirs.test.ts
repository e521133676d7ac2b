/**
 * Two log directories go from Apache Kafka to us and back: whoever starts on them finds each partition where it lies, also one whose
 * directory was away under the other.
 */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { buildBatch } from '#protocol';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { type ApacheKafka, startApacheKafka } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { WireLog } from './wire-log.ts';

const THEIRS = ['a', 'b', 'c', 'd'];
const OURS = ['e', 'f', 'g', 'h'];

const folder = mkdtempSync(join(tmpdir(), 'springtide-dirs-'));
const [one, two, away] = ['one', 'two', 'away'].map((name) => join(folder, name));
const tend = tendBrokers();
let kafka: ApacheKafka;

beforeAll(async () => {
  kafka = await tend(startApacheKafka({ 'log.dirs': `${one},${two}` }));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function withOurs(use: (server: SpringtideServer) => Promise<void>): Promise<void> {
  const server = await tend(startSpringtide({ overrides: [`log.dirs=${one},${two}`] }));
  await use(server);
  await server.stop();
}

async function create(bootstrapServers: string, topics: readonly string[]): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  const wire = await WireLog.connect(bootstrapServers);
  // One by one: then each goes where the fewest are. Apache Kafka gives places to those that it hears of together in no order.
  for (const name of topics) {
    (await admin.createTopics([{ name, numPartitions: 1 }])).all();
    await wire.opened(name);
  }
  await wire.close();
  await admin.close();
}

/** Writes `<text> <topic>` to each, and gives the answers. */
async function write(bootstrapServers: string, topics: readonly string[], text: string): Promise<void> {
  const wire = await WireLog.connect(bootstrapServers);
  for (const topic of topics) {
    await wire.opened(topic);
    const record = { key: null, value: Buffer.from(`${text} ${topic}`), timestamp: Date.now() };
    expect(await wire.produce(topic, buildBatch([record]))).toMatchObject({ error: 'NONE' });
  }
  await wire.close();
}

async function expectValues(
  bootstrapServers: string,
  topics: readonly string[],
  texts: readonly string[],
): Promise<void> {
  const wire = await WireLog.connect(bootstrapServers);
  for (const topic of topics) {
    await wire.opened(topic);
    const values = (await wire.records(topic, 0)).map(({ value }) => value);
    expect(values).toEqual(texts.map((text) => `${text} ${topic}`));
  }
  await wire.close();
}

/** Topics whose partition lies there. */
function topicsIn(path: string): string[] {
  return readdirSync(path)
    .filter((name) => /^[a-h]-0$/.test(name))
    .map((name) => name.slice(0, 1))
    .sort();
}

test('we serve what Kafka spread over two directories, and spread as it does', async () => {
  await create(kafka.bootstrapServers, THEIRS);
  await write(kafka.bootstrapServers, THEIRS, 'kafka');
  await kafka.stop();
  expect([topicsIn(one), topicsIn(two)]).toEqual([
    ['a', 'c'],
    ['b', 'd'],
  ]);
  await withOurs(async ({ bootstrapServers }) => {
    await expectValues(bootstrapServers, THEIRS, ['kafka']);
    await create(bootstrapServers, OURS);
    await write(bootstrapServers, [...THEIRS, ...OURS], 'ours');
  });
  expect([topicsIn(one), topicsIn(two)]).toEqual([
    ['a', 'c', 'e', 'g'],
    ['b', 'd', 'f', 'h'],
  ]);
});

test('a directory that was away under us is served by Kafka, with all that we wrote', async () => {
  renameSync(two, away);
  writeFileSync(two, 'no directory');
  await withOurs(async ({ bootstrapServers }) => {
    await write(bootstrapServers, topicsIn(one), 'alone');
    const wire = await WireLog.connect(bootstrapServers);
    await expect(wire.records('b', 0)).rejects.toMatchObject({ code: 'KAFKA_STORAGE_ERROR' });
    await wire.close();
  });
  rmSync(two);
  renameSync(away, two);
  kafka = await tend(kafka.restart());
  await expectValues(kafka.bootstrapServers, ['a', 'c'], ['kafka', 'ours', 'alone']);
  await expectValues(kafka.bootstrapServers, ['b', 'd'], ['kafka', 'ours']);
  await expectValues(kafka.bootstrapServers, ['e', 'g'], ['ours', 'alone']);
  await expectValues(kafka.bootstrapServers, ['f', 'h'], ['ours']);
  await write(kafka.bootstrapServers, [...THEIRS, ...OURS], 'back');
});

test('a directory that was away under Kafka is served by us, with all that Kafka wrote', async () => {
  await kafka.stop();
  renameSync(two, away);
  writeFileSync(two, 'no directory');
  kafka = await tend(kafka.restart());
  await write(kafka.bootstrapServers, ['a', 'e'], 'alone');
  await kafka.stop();
  rmSync(two);
  renameSync(away, two);
  await withOurs(async ({ bootstrapServers }) => {
    await expectValues(bootstrapServers, ['a'], ['kafka', 'ours', 'alone', 'back', 'alone']);
    await expectValues(bootstrapServers, ['b', 'd'], ['kafka', 'ours', 'back']);
    await expectValues(bootstrapServers, ['f', 'h'], ['ours', 'back']);
    await write(bootstrapServers, [...THEIRS, ...OURS], 'last');
  });
  expect(existsSync(away)).toBe(false);
});
