/** A large segment whose index files and producers were stored while it grew, left by a kill: Apache Kafka takes it as it is, and we take it back. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { systemClock } from '#core';
import { buildBatch } from '#protocol';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { type ApacheKafka, kafkaTool, startApacheKafkaOn } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { until } from './until.ts';
import { WireLog } from './wire-log.ts';

const TOPIC = 'large';
const VALUE = Buffer.alloc(900_000, 'v');
/** 72 MB: one mark, and what came after it. */
const LARGE = 80;
const COUNT = LARGE + 5;
const startedAt = systemClock.now().wallMs;

const tend = tendBrokers();
let ours: SpringtideServer;
let kafka: ApacheKafka;
const found: { marked: number[]; indexes: number[]; sanity: string; kafka?: Look; weAgain?: Look } = {
  marked: [],
  indexes: [],
  sanity: '',
};

interface Look {
  readonly repeated: unknown;
  readonly end: number;
  readonly times: readonly number[];
  readonly offsets: readonly number[];
}

beforeAll(async () => {
  ours = await tend(startSpringtide());
  const folder = join(ours.dataFolder, `${TOPIC}-0`);
  await fill(folder);
  await ours.stop('SIGKILL');
  found.marked = snapshots(folder);
  const indexes = ['index', 'timeindex'].map((suffix) => join(folder, `${'0'.repeat(20)}.${suffix}`));
  found.indexes = indexes.map((path) => statSync(path).size);
  found.sanity = (await kafkaTool('dump-log', ['--index-sanity-check', '--files', indexes.join(',')])).stdout;
  kafka = await tend(startApacheKafkaOn(ours.dataFolder));
  found.kafka = await look(kafka.bootstrapServers);
  await kafka.stop('SIGKILL');
  ours = await tend(startSpringtide({ dataFolder: ours.dataFolder }));
  found.weAgain = await look(ours.bootstrapServers);
});

/** Large batches until a mark is stored, and some small ones that it does not know. */
async function fill(folder: string): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': ours.bootstrapServers });
  (await admin.createTopics([{ name: TOPIC, numPartitions: 1, configs: { 'retention.ms': -1 } }])).all();
  await admin.close();
  const wire = await WireLog.connect(ours.bootstrapServers);
  await wire.opened(TOPIC);
  for (let i = 0; i < COUNT; i++) {
    if (i === LARGE) await until('a mark is stored', () => snapshots(folder).length > 0);
    expect(await wire.produce(TOPIC, batchAt(i))).toEqual({ error: 'NONE', baseOffset: i });
  }
  await wire.close();
}

function batchAt(sequence: number): Buffer {
  const value = sequence < LARGE ? VALUE : Buffer.from('small');
  const timestamp = startedAt + sequence;
  return buildBatch([{ key: null, value, timestamp }], { producerId: 7, producerEpoch: 0, baseSequence: sequence });
}

/** The offsets of the producer snapshots. */
function snapshots(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.snapshot'))
    .map(Number.parseFloat);
}

/** What a broker answers to its last batch once more, and what it knows of the whole segment. */
async function look(bootstrapServers: string): Promise<Look> {
  const wire = await WireLog.connect(bootstrapServers);
  await wire.opened(TOPIC);
  const repeated = await wire.produce(TOPIC, batchAt(COUNT - 1));
  const end = (await wire.offsetFor(TOPIC, -1)).offset;
  const times: number[] = [];
  for (let i = 0; i < COUNT; i += 7) times.push((await wire.offsetFor(TOPIC, startedAt + i)).offset);
  const offsets = (await wire.records(TOPIC, 0)).map(({ offset }) => offset);
  await wire.close();
  return { repeated, end, times, offsets };
}

test('a kill leaves a snapshot within the segment, and indexes that Kafka finds right', () => {
  expect(found.marked).toHaveLength(1);
  expect(found.marked[0]).toBeGreaterThan(0);
  expect(found.marked[0]).toBeLessThanOrEqual(LARGE);
  for (const bytes of found.indexes) expect(bytes).toBeGreaterThan(0);
  expect(found.sanity.match(/passed sanity check/g)).toHaveLength(2);
});

test.each([
  ['Kafka shows', 'kafka'],
  ['after a kill of Kafka we show', 'weAgain'],
] as const)('%s every record and time, and the place of the last batch when it comes again', (_, who) => {
  const all = Array.from({ length: COUNT }, (_each, offset) => offset);
  expect(found[who]).toEqual({
    repeated: { error: 'NONE', baseOffset: COUNT - 1 },
    end: COUNT,
    times: all.filter((offset) => offset % 7 === 0),
    offsets: all,
  });
});
