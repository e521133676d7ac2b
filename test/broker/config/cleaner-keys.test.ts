/** The keys of the cleaner, seen on what it does to a topic and to the disk: as server.properties has them, and changed while it runs. */
import { describe, expect, test } from '@jest/globals';
import { Apis, buildBatch } from '#protocol';
import { type Disk, memoryDisk } from '#storage';
import { Scene } from '../scene.ts';
import { alterBroker } from './key-rows.ts';

const BACKOFF_MS = 1000;
const SEGMENT_BYTES = 1_048_576;
const RECORDS_PER_BATCH = 100;
const BATCH_COUNT = 600;
const BATCH_BYTES_MAX = 6000;
/** As many as fit into the least dedupe buffer, were it full to the last slot. */
const KEYS_MAX = 1_048_576 / 24;
const STEP_MS = 100;

/** What the cleaner did to segments of the topic. */
class Seen {
  readBytes = 0;
  writtenBytes = 0;
  largestRead = 0;
  largestWrite = 0;
}

interface Compaction extends Seen {
  /** Where each pass over the keys has ended. */
  readonly passEnds: readonly number[];
  readonly tookMs: number;
}

type Config = Readonly<Record<string, string | number>>;

function watchedDisk(seen: Seen): Disk {
  const disk = memoryDisk();
  const open = disk.openSync.bind(disk);
  return Object.assign(disk, {
    openSync: (...args: Parameters<Disk['openSync']>) => {
      const file = open(...args);
      const isLog = /\/t-0\/\d+\.log(\.cleaned)?$/.test(args[0]);
      if (!isLog) return file;
      const read = file.read.bind(file);
      const write = file.writeSync.bind(file);
      return Object.assign(file, {
        read: (into: Buffer, position: number) => {
          seen.readBytes += into.length;
          seen.largestRead = Math.max(seen.largestRead, into.length);
          return read(into, position);
        },
        writeSync: (chunks: readonly Buffer[], position: number) => {
          const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
          seen.writtenBytes += bytes;
          seen.largestWrite = Math.max(seen.largestWrite, bytes);
          write(chunks, position);
        },
      });
    },
  });
}

/** Each record has a key of its own, so all of them stay. */
async function fill(scene: Scene): Promise<void> {
  const timestamp = scene.clock.now().wallMs;
  for (let batch = 0; batch < BATCH_COUNT; batch++) {
    const records = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => ({
      key: Buffer.from(`key ${batch}:${index}`),
      value: Buffer.alloc(24),
      timestamp,
    }));
    await scene.produce('t', buildBatch(records));
  }
}

function passEnds({ book }: Scene): number[] {
  return book.at('debug').flatMap((line) => {
    const match = /^t-0 was compacted up to offset (\d+)$/.exec(line);
    return match === null ? [] : [Number(match[1])];
  });
}

async function createCompacted(scene: Scene): Promise<void> {
  const configs = Object.entries({
    'cleanup.policy': 'compact',
    'segment.bytes': SEGMENT_BYTES,
    'min.cleanable.dirty.ratio': 0,
  }).map(([name, value]) => ({ name, value: String(value) }));
  await scene.send(Apis.CreateTopics, { topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, configs }] });
}

async function compaction(config: Config, changes: Config): Promise<Compaction> {
  const seen = new Seen();
  const fixed = { 'log.cleaner.backoff.ms': BACKOFF_MS, 'springtide.broker.scrub.bytes.per.second': 0 };
  const scene = await Scene.start({ config: { ...fixed, ...config }, disk: watchedDisk(seen) });
  await createCompacted(scene);
  await alterBroker(scene, changes);
  await fill(scene);
  Object.assign(seen, new Seen());
  await scene.clock.advance(BACKOFF_MS);
  let tookMs = 0;
  const isDone = () => (passEnds(scene).at(-1) ?? 0) > (BATCH_COUNT * RECORDS_PER_BATCH) / 2;
  for (; !isDone() && tookMs < 60_000; tookMs += STEP_MS) await scene.clock.advance(STEP_MS);
  const ends = passEnds(scene);
  await scene.close();
  return { ...seen, passEnds: ends, tookMs };
}

test.each([
  ['is the pause of the cleaner', {}, 0],
  ['counts from the next pause on when it changes', { 'log.cleaner.backoff.ms': BACKOFF_MS }, 1],
])('log.cleaner.backoff.ms %s', async (_, changes, passCount) => {
  const scene = await Scene.start();
  await createCompacted(scene);
  await alterBroker(scene, changes);
  await scene.clock.advance(15_000);
  await fill(scene);
  await scene.clock.advance(5 * BACKOFF_MS);
  expect(passEnds(scene)).toHaveLength(passCount);
  await scene.close();
});

describe.each<[string, (besides: Config, changes: Config) => Promise<Compaction>]>([
  ['in server.properties', (besides, changes) => compaction({ ...besides, ...changes }, {})],
  ['changed while the broker runs', compaction],
])('%s', (_, compactionWith) => {
  test('log.cleaner.dedupe.buffer.size is how many keys one pass takes', async () => {
    const usual = await compactionWith({}, {});
    expect(usual.passEnds).toHaveLength(1);
    const { passEnds } = await compactionWith({}, { 'log.cleaner.dedupe.buffer.size': SEGMENT_BYTES });
    expect(passEnds[0]).toBeLessThan(0.9 * KEYS_MAX);
    expect(passEnds[0]).toBeGreaterThan(0.6 * KEYS_MAX);
    expect(passEnds.at(-1)).toBe(usual.passEnds[0]);
  });

  test('log.cleaner.io.buffer.load.factor is how much of that may be full', async () => {
    const besides = { 'log.cleaner.dedupe.buffer.size': SEGMENT_BYTES };
    const { passEnds } = await compactionWith(besides, { 'log.cleaner.io.buffer.load.factor': 0.3 });
    expect(passEnds[0]).toBeLessThan(0.3 * KEYS_MAX);
    expect(passEnds[0]).toBeGreaterThan(0.2 * KEYS_MAX);
  });

  test('log.cleaner.io.buffer.size is how much is read and written at a time', async () => {
    expect(await compactionWith({}, {})).toMatchObject({ largestRead: 524_288 });
    const { largestRead, largestWrite } = await compactionWith({}, { 'log.cleaner.io.buffer.size': 16_384 });
    expect(largestRead).toBe(16_384);
    expect(largestWrite).toBeGreaterThanOrEqual(16_384);
    expect(largestWrite).toBeLessThan(16_384 + BATCH_BYTES_MAX);
  });

  test('log.cleaner.io.max.bytes.per.second holds up reads and writes together', async () => {
    expect(await compactionWith({}, {})).toMatchObject({ tookMs: 0 });
    const slow = await compactionWith({}, { 'log.cleaner.io.max.bytes.per.second': 1_000_000 });
    const owedMs = (slow.readBytes + slow.writtenBytes) / 1000;
    expect(owedMs).toBeGreaterThan(5000);
    expect(slow.tookMs).toBeGreaterThanOrEqual(owedMs - STEP_MS);
    expect(slow.tookMs).toBeLessThanOrEqual(owedMs + STEP_MS);
  });
});
