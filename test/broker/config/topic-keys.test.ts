/**
 * The configs of a topic do what they say on a broker, whichever way they come to it: with the topic, as a key of the broker, or changed later.
 * What each does in detail is the matter of the tests of the storage engine.
 */
import { describe, expect, test } from '@jest/globals';
import { compress } from '#core';
import { Apis, type BatchHeader, batches, buildBatch, readRecords } from '#protocol';
import { type SimulatedDisk, simulatedDisk } from '#storage';
import { batchOf, Scene } from '../scene.ts';
import { errorOf } from './key-rows.ts';

type Value = string | number | boolean;
type Configs = Readonly<Record<string, Value>>;

interface Row {
  readonly key: string;
  readonly brokerKey: string;
  /** Keys of the broker in other units that mean the same; they cannot change while it runs. */
  readonly alsoBroker?: Configs;
  readonly value: Value;
  /** What the topic has besides, and the broker. */
  readonly besides?: Configs;
  readonly besidesBroker?: Configs;
  readonly ask: (scene: Scene) => Promise<unknown>;
  readonly usually: Value;
  readonly changed: Value;
}

const TOPIC = 2;
const BROKER = 4;
const HOUR_MS = 3_600_000;
const SMALL_SEGMENTS = { 'segment.bytes': 1_048_576 };
const COMPACTED = { ...SMALL_SEGMENTS, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 0 };
const FOLDER = '/data/t-0';

async function alter(scene: Scene, resourceType: number, resourceName: string, configs: Configs): Promise<void> {
  const changes = Object.entries(configs).map(([name, value]) => ({ name, configOperation: 0, value: String(value) }));
  const resources = [{ resourceType, resourceName, configs: changes }];
  const { responses } = await scene.send(Apis.IncrementalAlterConfigs, { resources });
  expect(responses.map(errorOf)).toEqual(['NONE']);
}

async function produced(scene: Scene, batch: Buffer): Promise<string> {
  return errorOf(await scene.produce('t', batch));
}

const nowBatch = (scene: Scene, shiftMs = 0) => batchOf(['v'], { timestamp: scene.clock.now().wallMs + shiftMs });

async function send(scene: Scene, batch = nowBatch(scene)): Promise<void> {
  expect(await produced(scene, batch)).toBe('NONE');
}

/** Three megabytes, all of one key. */
async function fill(scene: Scene): Promise<void> {
  for (let n = 0; n < 12; n++) {
    const record = { key: Buffer.from('k'), value: Buffer.alloc(250_000), timestamp: scene.clock.now().wallMs };
    await send(scene, buildBatch([record]));
  }
}

async function clean(scene: Scene): Promise<void> {
  await scene.clock.advance(15_000);
  for (let turn = 0; turn < 10; turn++) await scene.clock.settle();
}

async function stored(scene: Scene): Promise<{ records: Buffer; headers: BatchHeader[]; keys: string[] }> {
  const fetchOffset = await startOffset(scene);
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 10_000_000 }];
  const asked = { maxWaitMs: 0, minBytes: 1, maxBytes: 10_000_000, topics: [{ topic: 't', partitions }] };
  const records = (await scene.send(Apis.Fetch, asked, 12)).responses[0].partitions[0].records ?? Buffer.alloc(0);
  const all = [...batches(records)];
  const keys = all.flatMap(({ position, header }) => {
    const cursor = readRecords(records, position, { decompressedBytesMax: 10_000_000 });
    return Array.from({ length: header.recordCount }, () => String(cursor.next()?.key));
  });
  return { records, headers: all.map(({ header }) => header), keys };
}

async function startOffset(scene: Scene): Promise<number> {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -2 }] }];
  return (await scene.send(Apis.ListOffsets, { replicaId: -1, topics }, 7)).topics[0].partitions[0].offset;
}

async function segmentCount({ disk }: Scene): Promise<number> {
  return (await disk.list(FOLDER)).filter(({ name }) => name.endsWith('.log')).length;
}

/** Segments that were written to when each of these was waited for, a record behind it. */
async function segmentsAfter(scene: Scene, ...waitsMs: readonly number[]): Promise<number> {
  await send(scene);
  for (const ms of waitsMs) {
    await scene.clock.advance(ms);
    await send(scene);
  }
  return segmentCount(scene);
}

async function isCompacted(scene: Scene): Promise<boolean> {
  await fill(scene);
  await clean(scene);
  return (await stored(scene)).keys.length < 12;
}

async function tombstones(scene: Scene): Promise<number> {
  await send(scene, buildBatch([{ key: Buffer.from('gone'), value: null, timestamp: scene.clock.now().wallMs }]));
  for (let round = 0; round < 3; round++) {
    await fill(scene);
    await clean(scene);
  }
  return (await stored(scene)).keys.filter((key) => key === 'gone').length;
}

/** At which of these levels the broker has compressed. */
async function levelOf(scene: Scene, codec: 'gzip' | 'zstd', levels: readonly number[]): Promise<number | undefined> {
  const words = Array.from({ length: 300 }, (_, index) => `${(index * 7919) % 101} and ${(index * 104729) % 997}`);
  const batch = batchOf(words);
  const section = batch.subarray(61);
  await send(scene, batch);
  const [{ compression, sizeInBytes }] = (await stored(scene)).headers;
  expect(compression).toBe(codec);
  return levels.find((level) => compress(codec, section, level).length === sizeInBytes - 61);
}

async function syncsOf(scene: Scene, waitMs: number): Promise<number> {
  let count = 0;
  (scene.disk as SimulatedDisk).before = (step, path) => {
    if (step === 'sync' && path.startsWith(FOLDER) && path.endsWith('.log')) count++;
  };
  await send(scene);
  await scene.clock.advance(waitMs);
  return count;
}

/** Of five batches; the first needs none. */
async function indexEntries(scene: Scene): Promise<number> {
  for (let n = 0; n < 5; n++) await send(scene);
  await scene.close();
  return ((await scene.disk.readFile(`${FOLDER}/00000000000000000000.index`))?.length ?? 0) / 8;
}

async function areFilesLeft(scene: Scene): Promise<boolean> {
  await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
  await scene.clock.advance(2000);
  return (await scene.disk.list('/data')).some(({ name }) => name.endsWith('-delete'));
}

/** Whether the oldest segment is gone, half an hour after it was written and two hours after that. */
async function isStartMoved(scene: Scene): Promise<string> {
  await fill(scene);
  await scene.clock.advance(HOUR_MS / 2);
  const isSoon = (await startOffset(scene)) > 0;
  await scene.clock.advance(2 * HOUR_MS);
  return `${isSoon} ${(await startOffset(scene)) > 0}`;
}

const rows: readonly Row[] = [
  {
    key: 'cleanup.policy',
    brokerKey: 'log.cleanup.policy',
    value: 'compact',
    ask: (scene) => produced(scene, nowBatch(scene)),
    usually: 'NONE',
    changed: 'INVALID_RECORD',
  },
  {
    key: 'compression.type',
    brokerKey: 'compression.type',
    value: 'snappy',
    ask: async (scene) => {
      await send(scene);
      return (await stored(scene)).headers[0].compression;
    },
    usually: 'none',
    changed: 'snappy',
  },
  {
    key: 'compression.gzip.level',
    brokerKey: 'compression.gzip.level',
    value: 1,
    besides: { 'compression.type': 'gzip' },
    ask: (scene) => levelOf(scene, 'gzip', [-1, 1]),
    usually: -1,
    changed: 1,
  },
  {
    key: 'compression.zstd.level',
    brokerKey: 'compression.zstd.level',
    value: -50,
    besides: { 'compression.type': 'zstd' },
    ask: (scene) => levelOf(scene, 'zstd', [3, -50]),
    usually: 3,
    changed: -50,
  },
  {
    key: 'delete.retention.ms',
    brokerKey: 'log.cleaner.delete.retention.ms',
    value: 0,
    besides: COMPACTED,
    ask: tombstones,
    usually: 1,
    changed: 0,
  },
  {
    key: 'file.delete.delay.ms',
    brokerKey: 'log.segment.delete.delay.ms',
    value: 1000,
    ask: areFilesLeft,
    usually: true,
    changed: false,
  },
  {
    key: 'flush.messages',
    brokerKey: 'log.flush.interval.messages',
    value: 1,
    besidesBroker: { 'springtide.broker.durability': 'os' },
    ask: (scene) => syncsOf(scene, 0),
    usually: 0,
    changed: 1,
  },
  {
    key: 'flush.ms',
    brokerKey: 'log.flush.interval.ms',
    value: 1000,
    besidesBroker: { 'springtide.broker.durability': 'os' },
    ask: (scene) => syncsOf(scene, 1000),
    usually: 0,
    changed: 1,
  },
  {
    key: 'index.interval.bytes',
    brokerKey: 'log.index.interval.bytes',
    value: 0,
    ask: indexEntries,
    usually: 0,
    changed: 4,
  },
  {
    key: 'max.compaction.lag.ms',
    brokerKey: 'log.cleaner.max.compaction.lag.ms',
    value: 1000,
    besides: { ...COMPACTED, 'min.cleanable.dirty.ratio': 1 },
    ask: isCompacted,
    usually: false,
    changed: true,
  },
  {
    key: 'max.decompressed.message.bytes',
    brokerKey: 'max.decompressed.message.bytes',
    value: 500,
    ask: (scene) => produced(scene, batchOf(['x'.repeat(600)], { compression: 'gzip' })),
    usually: 'NONE',
    changed: 'INVALID_RECORD',
  },
  {
    key: 'max.message.bytes',
    brokerKey: 'message.max.bytes',
    value: 300,
    ask: (scene) => produced(scene, batchOf(['x'.repeat(600)])),
    usually: 'NONE',
    changed: 'MESSAGE_TOO_LARGE',
  },
  {
    key: 'message.timestamp.after.max.ms',
    brokerKey: 'log.message.timestamp.after.max.ms',
    value: 4999,
    ask: (scene) => produced(scene, nowBatch(scene, 5000)),
    usually: 'NONE',
    changed: 'INVALID_TIMESTAMP',
  },
  {
    key: 'message.timestamp.before.max.ms',
    brokerKey: 'log.message.timestamp.before.max.ms',
    value: 4999,
    ask: (scene) => produced(scene, nowBatch(scene, -5000)),
    usually: 'NONE',
    changed: 'INVALID_TIMESTAMP',
  },
  {
    key: 'message.timestamp.type',
    brokerKey: 'log.message.timestamp.type',
    value: 'LogAppendTime',
    ask: async (scene) => {
      await send(scene);
      return (await stored(scene)).headers[0].timestampType;
    },
    usually: 'create',
    changed: 'append',
  },
  {
    key: 'min.cleanable.dirty.ratio',
    brokerKey: 'log.cleaner.min.cleanable.ratio',
    value: 1,
    besides: { ...SMALL_SEGMENTS, 'cleanup.policy': 'compact' },
    ask: isCompacted,
    usually: true,
    changed: false,
  },
  {
    key: 'min.compaction.lag.ms',
    brokerKey: 'log.cleaner.min.compaction.lag.ms',
    value: HOUR_MS,
    besides: COMPACTED,
    ask: isCompacted,
    usually: true,
    changed: false,
  },
  {
    key: 'retention.bytes',
    brokerKey: 'log.retention.bytes',
    value: 1_048_576,
    besides: SMALL_SEGMENTS,
    ask: isStartMoved,
    usually: 'false false',
    changed: 'true true',
  },
  {
    key: 'retention.ms',
    brokerKey: 'log.retention.ms',
    alsoBroker: { 'log.retention.minutes': 60, 'log.retention.hours': 1 },
    value: HOUR_MS,
    besides: SMALL_SEGMENTS,
    ask: isStartMoved,
    usually: 'false false',
    changed: 'false true',
  },
  {
    key: 'segment.bytes',
    brokerKey: 'log.segment.bytes',
    value: 1_048_576,
    ask: async (scene) => {
      await fill(scene);
      return segmentCount(scene);
    },
    usually: 1,
    changed: 3,
  },
  {
    key: 'segment.index.bytes',
    brokerKey: 'log.index.size.max.bytes',
    value: 48,
    besides: { 'index.interval.bytes': 0 },
    ask: (scene) => segmentsAfter(scene, 1, 1, 1, 1, 1),
    usually: 1,
    changed: 2,
  },
  {
    key: 'segment.jitter.ms',
    brokerKey: 'log.roll.jitter.ms',
    alsoBroker: { 'log.roll.jitter.hours': 1 },
    value: HOUR_MS,
    besides: { 'segment.ms': 2 * HOUR_MS },
    ask: (scene) => segmentsAfter(scene, 2 * HOUR_MS - 1),
    usually: 1,
    changed: 2,
  },
  {
    key: 'segment.ms',
    brokerKey: 'log.roll.ms',
    alsoBroker: { 'log.roll.hours': 1 },
    value: HOUR_MS,
    ask: (scene) => segmentsAfter(scene, HOUR_MS / 2, HOUR_MS),
    usually: 1,
    changed: 2,
  },
];

interface Given {
  readonly broker?: Configs;
  readonly topic?: Configs;
  /** Once the topic is there. */
  readonly changeBroker?: Configs;
  readonly changeTopic?: Configs;
}

async function answer({ besides, besidesBroker, ask }: Row, given: Given): Promise<unknown> {
  const { broker, topic, changeBroker, changeTopic } = given;
  const scene = await Scene.start({ disk: simulatedDisk(), config: { ...besidesBroker, ...broker } });
  try {
    const own = Object.entries({ ...besides, ...topic }).map(([name, value]) => ({ name, value: String(value) }));
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, configs: own }];
    expect((await scene.send(Apis.CreateTopics, { topics })).topics.map(errorOf)).toEqual(['NONE']);
    if (changeBroker !== undefined) await alter(scene, BROKER, '', changeBroker);
    if (changeTopic !== undefined) await alter(scene, TOPIC, 't', changeTopic);
    return await ask(scene);
  } finally {
    await scene.close();
  }
}

describe.each(rows)('$key=$value', (row) => {
  const { key, brokerKey, alsoBroker = {}, value, usually, changed } = row;

  test('is not what a topic has without it', async () => {
    expect(await answer(row, {})).toBe(usually);
  });

  test.each<[string, Given]>([
    ['of the topic', { topic: { [key]: value } }],
    ['that the topic gets later', { changeTopic: { [key]: value } }],
    [`of the broker: ${brokerKey}`, { broker: { [brokerKey]: value } }],
    [`that the broker gets later: ${brokerKey}`, { changeBroker: { [brokerKey]: value } }],
    ...Object.entries(alsoBroker).map(([name, also]): [string, Given] => [
      `of the broker: ${name}=${also}`,
      { broker: { [name]: also } },
    ]),
  ])('works, %s', async (_, given) => {
    expect(await answer(row, given)).toBe(changed);
  });
});
