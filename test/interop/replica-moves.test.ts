/** `kafka-reassign-partitions` moves a replica to another log directory of its broker, on Apache Kafka 4.4.0 and on ours alike. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { systemClock } from '#core';
import { buildBatch } from '#protocol';
import { kafkaTool, startApacheKafkaOn } from './kafka/apache-kafka.ts';
import { BROKER_NAMES, type BrokerName, bothBrokers, tendBrokers } from './kafka/brokers.ts';
import { until } from './until.ts';
import { WireLog } from './wire-log.ts';

const TOPIC = 'moved';
const RECORDS = 400;

const folder = mkdtempSync(join(tmpdir(), 'springtide-moves-'));
const brokers = bothBrokers((name) => ({ 'log.dirs': pathsOf(name).join(',') }));
const tend = tendBrokers();
const shown = { springtide: [] as string[], 'Apache Kafka': [] as string[] };

function pathsOf(name: BrokerName): [string, string] {
  const short = name === 'springtide' ? 'ours' : 'theirs';
  return [join(folder, `${short}-one`), join(folder, `${short}-two`)];
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function write(wire: WireLog, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const record = { key: null, value: Buffer.from(`${n} ${'x'.repeat(5000)}`), timestamp: systemClock.now().wallMs };
    expect(await wire.produce(TOPIC, buildBatch([record]))).toEqual({ error: 'NONE', baseOffset: n });
  }
}

async function expectNumbers(wire: WireLog, count: number): Promise<void> {
  const numbers = (await wire.records(TOPIC, 0)).map(({ value }) => Number.parseInt(value ?? '', 10));
  expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
}

function holders(name: BrokerName): number[] {
  return pathsOf(name).map((path) => readdirSync(path).filter((entry) => entry === `${TOPIC}-0`).length);
}

describe.each(BROKER_NAMES)('on %s', (name) => {
  async function reassign(mode: string, path: string): Promise<string> {
    const plan = { version: 1, partitions: [{ topic: TOPIC, partition: 0, replicas: [1], log_dirs: [path] }] };
    const file = join(folder, 'plan.json');
    writeFileSync(file, JSON.stringify(plan));
    const args = ['--bootstrap-server', brokers[name].bootstrapServers, mode, '--reassignment-json-file', file];
    const { status, stdout } = await kafkaTool('reassign-partitions', args);
    const plain = pathsOf(name).reduce((text, dir) => text.replaceAll(dir, 'dir'), stdout);
    return `${mode} ends with ${status}: ${plain.trim()}`;
  }

  test('it goes, with all its records, and goes on', async () => {
    const { bootstrapServers } = brokers[name];
    const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
    (await admin.createTopics([{ name: TOPIC, numPartitions: 1 }])).all();
    await admin.close();
    const wire = await WireLog.connect(bootstrapServers);
    await wire.opened(TOPIC);
    await write(wire, 0, RECORDS);
    const from = holders(name).indexOf(1);
    const to = pathsOf(name)[1 - from];
    shown[name].push(await reassign('--execute', to));
    let verified = '';
    // While Apache Kafka puts the new replica in the place of the old one, the tool may find neither on its way.
    const isDone = async () => (verified = await reassign('--verify', to)).includes('completed successfully');
    await until('the replica is there', isDone);
    shown[name].push(verified);
    await wire.opened(TOPIC);
    await expectNumbers(wire, RECORDS);
    await write(wire, RECORDS, 10);
    expect(holders(name)[1 - from]).toBe(1);
    shown[name].push(await reassign('--execute', to));
    await wire.close();
  });
});

test('the tool says the same of both', () => {
  expect(shown.springtide).toEqual(shown['Apache Kafka']);
});

test('Apache Kafka finds a replica where we have moved it', async () => {
  await brokers.springtide.stop();
  const [one, two] = pathsOf('springtide');
  expect(holders('springtide').reduce((sum, count) => sum + count)).toBe(1);
  const kafka = await tend(startApacheKafkaOn(one, { 'log.dirs': `${one},${two}` }));
  const wire = await WireLog.connect(kafka.bootstrapServers);
  await wire.opened(TOPIC);
  await expectNumbers(wire, RECORDS + 10);
  await wire.close();
});
