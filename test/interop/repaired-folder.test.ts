/** What `springtide repair --skip` makes of a damaged log is a right one for Apache Kafka too, whose readers pass over the lost offsets. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { silentLogger, systemClock } from '#core';
import { buildBatch } from '#protocol';
import { LogRepair, nodeDisk } from '#storage';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { type ApacheKafka, kafkaTool, startApacheKafkaOn } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { valueDrafts } from './our-logs.ts';
import { WireLog } from './wire-log.ts';

const TOPIC = 'orders';
const COUNT = 30;
/** The batch that is damaged, of two records each. */
const LOST = 3;
const expected = Array.from({ length: 2 * COUNT }, (_, offset) => offset).filter((offset) => offset >> 1 !== LOST);

const tend = tendBrokers();
let ours: SpringtideServer;
let kafka: ApacheKafka;
const found = { dump: '', offsets: [] as number[], consumed: '', end: 0 };

beforeAll(async () => {
  ours = await tend(startSpringtide());
  await fill();
  await ours.stop();
  await damageAndRepair();
  const folder = join(ours.dataFolder, `${TOPIC}-0`);
  found.dump = (await kafkaTool('dump-log', ['--files', join(folder, `${'0'.repeat(20)}.log`)])).stdout;
  kafka = await tend(startApacheKafkaOn(ours.dataFolder));
  const wire = await WireLog.connect(kafka.bootstrapServers);
  await wire.opened(TOPIC);
  found.offsets = (await wire.records(TOPIC, 0)).map(({ offset }) => offset);
  found.end = (await wire.offsetFor(TOPIC, -1)).offset;
  await wire.close();
  const from = ['--bootstrap-server', kafka.bootstrapServers, '--topic', TOPIC, '--from-beginning'];
  const until = ['--max-messages', `${expected.length}`, '--timeout-ms', '100000'];
  found.consumed = (await kafkaTool('console-consumer', [...from, ...until])).stdout;
});

async function fill(): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': ours.bootstrapServers });
  const configs = { 'retention.ms': -1, 'segment.bytes': 1024 * 1024 };
  (await admin.createTopics([{ name: TOPIC, numPartitions: 1, configs }])).all();
  await admin.close();
  const wire = await WireLog.connect(ours.bootstrapServers);
  await wire.opened(TOPIC);
  for (let i = 0; i < COUNT; i++) {
    const values = [`${2 * i}`, `${2 * i + 1}`].map((value) => value.padEnd(50_000, ' '));
    expect(await wire.produce(TOPIC, buildBatch(valueDrafts(values)))).toMatchObject({ error: 'NONE' });
  }
  await wire.close();
}

async function damageAndRepair(): Promise<void> {
  const path = join(ours.dataFolder, `${TOPIC}-0`, `${'0'.repeat(20)}.log`);
  const bytes = readFileSync(path);
  bytes[bytes.indexOf(`${2 * LOST} `) + 1000] ^= 1;
  writeFileSync(path, bytes);
  const target = { disk: nodeDisk(), clock: systemClock, logger: silentLogger, path: ours.dataFolder };
  const repair = await LogRepair.open({ ...target, name: `${TOPIC}-0` });
  const { corruptFolder } = await repair.apply('skip');
  await repair.close();
  if (corruptFolder === undefined) throw new Error('nothing was put aside');
  // Kafka starts beside nothing that is no partition.
  rmSync(corruptFolder, { recursive: true });
}

test('every batch is right to kafka-dump-log, an empty one in the place of the damaged one', () => {
  expect(readdirSync(join(ours.dataFolder, `${TOPIC}-0`)).filter((name) => name.endsWith('.log')).length).toBe(3);
  expect(found.dump).toContain(`baseOffset: ${2 * LOST} lastOffset: ${2 * LOST + 1} count: 0 `);
  expect(found.dump.match(/isvalid: true/g)?.length).toBe(found.dump.match(/baseOffset:/g)?.length);
});

test('Kafka and its consumer read all but the lost records', () => {
  expect(found.offsets).toEqual(expected);
  expect(found.end).toBe(2 * COUNT);
  const consumed = found.consumed.trim().split('\n');
  expect(consumed.map((value) => Number(value))).toEqual(expected);
});
