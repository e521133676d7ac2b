/** What a changed topic configuration does to a log that is open: everything from the next append on. */
import { describe, expect, test } from '@jest/globals';
import { Deferred, type Random, seededRandom } from '#core';
import { Errors, readBatchHeader } from '#protocol';
import type { PartitionLog, TopicConfig } from '#storage';
import { appendKeyed, clean, compactedLog, lines, openCompacted } from './compaction/scene.ts';
import { FailingDisk } from './failing-disk.ts';
import { fileBytes } from './golden-folder.ts';
import { appendValues, batchOf, createLog, openScene, readValues, type Scene, START_MS } from './scene.ts';

function change(log: PartitionLog, config: Partial<TopicConfig>): void {
  log.updateConfig({ ...log.config, ...config });
}

function errorOf(log: PartitionLog, batch: Buffer): string | undefined {
  return log.append(batch, { leaderEpoch: 0, origin: 'client' }).error?.name;
}

async function lastHeader(log: PartitionLog) {
  const endOffset = log.logEndOffset;
  const read = await log.read(endOffset - 1, { bytesMax: 1e6, endOffsetMax: endOffset, atLeastOneBatch: true });
  return readBatchHeader(Buffer.concat(read.records), 0);
}

async function openLog(config: Partial<TopicConfig> = {}): Promise<{ scene: Scene; log: PartitionLog }> {
  const scene = await openScene();
  return { scene, log: createLog(scene, config) };
}

describe('a change of configuration takes effect at once:', () => {
  test('segment.bytes', async () => {
    const { log } = await openLog();
    for (let i = 0; i < 3; i++) appendValues(log, ['v']);
    expect(log.segmentCount).toBe(1);
    change(log, { 'segment.bytes': 100 });
    appendValues(log, ['v']);
    expect(log.segmentCount).toBe(2);
  });

  test('segment.ms', async () => {
    const { log } = await openLog();
    appendValues(log, ['v'], { timestamp: START_MS });
    change(log, { 'segment.ms': 1000 });
    appendValues(log, ['v'], { timestamp: START_MS + 1001 });
    expect(log.segmentCount).toBe(2);
  });

  test('segment.jitter.ms, of which each segment has its own share', async () => {
    const half: Random = { ...seededRandom(1), float: () => 0.5, uuid: () => seededRandom(1).uuid() };
    const scene = await openScene({ random: half });
    const log = createLog(scene, { 'segment.ms': 1000 });
    appendValues(log, ['v'], { timestamp: START_MS });
    appendValues(log, ['v'], { timestamp: START_MS + 600 });
    expect(log.segmentCount).toBe(1);
    change(log, { 'segment.jitter.ms': 900 });
    appendValues(log, ['v'], { timestamp: START_MS + 550 });
    expect(log.segmentCount).toBe(1);
    appendValues(log, ['v'], { timestamp: START_MS + 551 });
    expect(log.segmentCount).toBe(2);
    // More jitter than age is no more than all of the age: half of it here.
    change(log, { 'segment.jitter.ms': 1_000_000 });
    appendValues(log, ['v'], { timestamp: START_MS + 551 + 500 });
    expect(log.segmentCount).toBe(2);
    appendValues(log, ['v'], { timestamp: START_MS + 551 + 501 });
    expect(log.segmentCount).toBe(3);
  });

  test('segment.index.bytes', async () => {
    const { log } = await openLog({ 'index.interval.bytes': 0 });
    for (let i = 0; i < 6; i++) appendValues(log, ['v'], { timestamp: START_MS + i });
    change(log, { 'segment.index.bytes': 48 });
    appendValues(log, ['v'], { timestamp: START_MS + 9 });
    expect(log.segmentCount).toBe(2);
  });

  test('index.interval.bytes', async () => {
    const { scene, log } = await openLog();
    for (let i = 0; i < 4; i++) appendValues(log, ['v']);
    change(log, { 'index.interval.bytes': 0 });
    for (let i = 0; i < 4; i++) appendValues(log, ['v']);
    await scene.directory.close();
    expect((await fileBytes(scene.disk, '/data/orders-0/00000000000000000000.index')).length).toBe(4 * 8);
  });

  test('max.message.bytes', async () => {
    const { log } = await openLog();
    const batch = batchOf(['x'.repeat(500)]);
    expect(errorOf(log, batch)).toBeUndefined();
    change(log, { 'max.message.bytes': batch.length - 1 });
    expect(errorOf(log, batchOf(['x'.repeat(500)]))).toBe(Errors.MESSAGE_TOO_LARGE.name);
  });

  test('max.decompressed.message.bytes', async () => {
    const { log } = await openLog();
    const batch = () => batchOf(['x'.repeat(500)], { compression: 'zstd' });
    expect(errorOf(log, batch())).toBeUndefined();
    change(log, { 'max.decompressed.message.bytes': 500 });
    expect(errorOf(log, batch())).toBe(Errors.INVALID_RECORD.name);
  });

  test('message.timestamp.before.max.ms and message.timestamp.after.max.ms', async () => {
    const { log } = await openLog();
    const early = () => errorOf(log, batchOf(['v'], { timestamp: START_MS - 5000 }));
    const late = () => errorOf(log, batchOf(['v'], { timestamp: START_MS + 5000 }));
    expect([early(), late()]).toEqual([undefined, undefined]);
    change(log, { 'message.timestamp.before.max.ms': 4999, 'message.timestamp.after.max.ms': 4999 });
    expect([early(), late()]).toEqual(['INVALID_TIMESTAMP', 'INVALID_TIMESTAMP']);
  });

  test('message.timestamp.type', async () => {
    const { scene, log } = await openLog();
    appendValues(log, ['v'], { timestamp: START_MS - 5000 });
    expect(await lastHeader(log)).toMatchObject({ timestampType: 'create', maxTimestamp: START_MS - 5000 });
    change(log, { 'message.timestamp.type': 'LogAppendTime' });
    await scene.clock.advance(7);
    appendValues(log, ['v'], { timestamp: START_MS - 5000 });
    expect(await lastHeader(log)).toMatchObject({ timestampType: 'append', maxTimestamp: START_MS + 7 });
  });

  test('compression.type, compression.gzip.level and compression.zstd.level', async () => {
    const { scene, log } = await openLog();
    const words = Array.from({ length: 300 }, (_, index) => `${(index * 7919) % 101} and ${(index * 104729) % 997}`);
    const sizeOf = async (config: Partial<TopicConfig>): Promise<[string, number]> => {
      change(log, config);
      appendValues(log, words);
      const { compression, sizeInBytes } = await lastHeader(log);
      return [compression, sizeInBytes];
    };
    expect((await sizeOf({}))[0]).toBe('none');
    const fast = await sizeOf({ 'compression.type': 'gzip', 'compression.gzip.level': 1 });
    const small = await sizeOf({ 'compression.gzip.level': 9 });
    expect([fast[0], small[0]]).toEqual(['gzip', 'gzip']);
    expect(small[1]).toBeLessThan(fast[1]);
    const quick = await sizeOf({ 'compression.type': 'zstd', 'compression.zstd.level': -50 });
    const thorough = await sizeOf({ 'compression.zstd.level': 19 });
    expect([quick[0], thorough[0]]).toEqual(['zstd', 'zstd']);
    expect(thorough[1]).toBeLessThan(quick[1]);
    expect((await sizeOf({ 'compression.type': 'uncompressed' }))[0]).toBe('none');
    expect((await sizeOf({ 'compression.type': 'producer' }))[0]).toBe('none');
    await scene.clock.settle();
    expect(await readValues(log)).toHaveLength(7 * words.length);
  });
});

describe('a change of configuration counts from the next check of retention on:', () => {
  const CHECK_MS = 300_000;

  async function deletedFiles({ disk }: Scene): Promise<string[]> {
    const entries = await disk.list('/data/orders-0');
    return entries.map(({ name }) => name).filter((name) => name.endsWith('.deleted'));
  }

  async function segmentsOf(count: number) {
    const { scene, log } = await openLog({ 'segment.bytes': 100 });
    for (let i = 0; i < count; i++) appendValues(log, [`v${i}`], { timestamp: START_MS + i });
    await scene.clock.advance(CHECK_MS);
    expect(log.segmentCount).toBe(count);
    return { scene, log };
  }

  test('retention.bytes', async () => {
    const { scene, log } = await segmentsOf(5);
    change(log, { 'retention.bytes': 200 });
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(2);
  });

  test('retention.ms', async () => {
    const { scene, log } = await segmentsOf(5);
    change(log, { 'retention.ms': 2 * CHECK_MS - 2 });
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(2);
  });

  test('file.delete.delay.ms', async () => {
    const { scene, log } = await segmentsOf(5);
    change(log, { 'retention.bytes': 200, 'file.delete.delay.ms': 1000 });
    await scene.clock.advance(CHECK_MS);
    expect(await deletedFiles(scene)).not.toEqual([]);
    await scene.clock.advance(1000);
    expect(await deletedFiles(scene)).toEqual([]);
  });
});

describe('a change of configuration counts from the next round of compaction on:', () => {
  /** Sixty records, all of one key. */
  async function sixty(config: Partial<TopicConfig>) {
    const scene = await openCompacted();
    const log = compactedLog(scene, config);
    for (let i = 0; i < 60; i++) appendKeyed(log, [{ key: 'k', value: `v${i}` }]);
    await clean(scene);
    return { scene, log };
  }

  test.each<[string, Partial<TopicConfig>, Partial<TopicConfig>]>([
    ['cleanup.policy', { 'cleanup.policy': ['delete'] }, { 'cleanup.policy': ['compact'] }],
    ['min.compaction.lag.ms', { 'min.compaction.lag.ms': 3_600_000 }, { 'min.compaction.lag.ms': 0 }],
    ['max.compaction.lag.ms', { 'min.cleanable.dirty.ratio': 1 }, { 'max.compaction.lag.ms': 1000 }],
  ])('%s', async (_name, before, after) => {
    const { scene, log } = await sixty(before);
    expect(await lines(log)).toHaveLength(60);
    change(log, after);
    await clean(scene);
    expect((await lines(log)).length).toBeLessThan(10);
  });

  test('min.cleanable.dirty.ratio', async () => {
    const { scene, log } = await sixty({});
    const { length } = await lines(log);
    expect(length).toBeLessThan(10);
    change(log, { 'min.cleanable.dirty.ratio': 1 });
    for (let i = 0; i < 20; i++) appendKeyed(log, [{ key: 'k', value: `w${i}` }]);
    await clean(scene);
    expect(await lines(log)).toHaveLength(length + 20);
    change(log, { 'min.cleanable.dirty.ratio': 0 });
    await clean(scene);
    expect((await lines(log)).length).toBeLessThan(10);
  });

  test('delete.retention.ms', async () => {
    const tombstones = async (config: Partial<TopicConfig>): Promise<number> => {
      const scene = await openCompacted();
      const log = compactedLog(scene);
      change(log, config);
      appendKeyed(log, [{ key: 'gone', value: null }]);
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 20; i++) appendKeyed(log, [{ key: 'k', value: `v${i}` }]);
        await clean(scene);
      }
      return (await lines(log)).filter((line) => line.endsWith('gone')).length;
    };
    expect([await tombstones({}), await tombstones({ 'delete.retention.ms': 0 })]).toEqual([1, 0]);
  });
});

describe('flush rules in mode os', () => {
  async function flushScene(config: Partial<TopicConfig>) {
    const disk = new FailingDisk();
    const scene = await openScene({ disk });
    const log = createLog(scene, config);
    const send = async (count = 1): Promise<void> => {
      for (let i = 0; i < count; i++) appendValues(log, ['v']);
      await scene.clock.settle();
    };
    return { disk, scene, log, send };
  }

  test('are off by default: nothing is synced', async () => {
    const { disk, scene, send } = await flushScene({});
    await send(1000);
    await scene.clock.advance(100_000);
    expect(disk.counts.sync).toBe(0);
  });

  test('flush.messages has every so many records synced, and the one that makes them full is acknowledged then', async () => {
    const { disk, scene, log, send } = await flushScene({ 'flush.messages': 3 });
    const gate = new Deferred<void>();
    disk.before = (step, path) => (step === 'sync' && path.endsWith('.log') ? gate.promise : undefined);
    await send(2);
    expect([disk.counts.sync, log.durableEndOffset]).toEqual([0, 2]);
    await send(1);
    expect([disk.counts.sync, log.durableEndOffset]).toEqual([1, 2]);
    gate.resolve();
    await scene.clock.settle();
    expect([log.durableEndOffset, log.recoveryPoint]).toEqual([3, 3]);
    await send(2);
    expect([disk.counts.sync, log.durableEndOffset]).toEqual([1, 5]);
    expect((await openScene({ disk: disk.below.crash() })).directory.get('orders', 0)?.logEndOffset).toBe(3);
  });

  test('flush.ms has it synced so long after the first record that is not', async () => {
    const { disk, scene, log, send } = await flushScene({ 'flush.ms': 1000 });
    await send();
    await scene.clock.advance(600);
    await send();
    await scene.clock.advance(399);
    expect([disk.counts.sync, log.durableEndOffset]).toEqual([0, 2]);
    await scene.clock.advance(1);
    expect([disk.counts.sync, log.recoveryPoint]).toEqual([1, 2]);
    await scene.clock.advance(5000);
    expect(disk.counts.sync).toBe(1);
    await send();
    await scene.clock.advance(1000);
    expect([disk.counts.sync, log.recoveryPoint]).toEqual([2, 3]);
    await scene.directory.close();
    expect(scene.clock.pendingTimerCount).toBe(0);
  });

  test('take effect at once when they change, for what is written already too', async () => {
    const { disk, scene, log, send } = await flushScene({});
    await send(5);
    change(log, { 'flush.messages': 5 });
    await scene.clock.settle();
    expect([disk.counts.sync, log.recoveryPoint]).toEqual([1, 5]);
    change(log, { 'flush.messages': Number.MAX_SAFE_INTEGER });
    await send(5);
    change(log, { 'flush.ms': 100 });
    await scene.clock.advance(100);
    expect([disk.counts.sync, log.recoveryPoint]).toEqual([2, 10]);
    await send();
    change(log, { 'flush.ms': Number.MAX_SAFE_INTEGER });
    await scene.clock.advance(1000);
    expect(disk.counts.sync).toBe(2);
  });
});
