import { describe, expect, test } from '@jest/globals';
import { Deferred, type ManualClock } from '#core';
import { Errors } from '#protocol';
import type { DiskFile, PartitionLog, SimulatedDisk, TopicConfig } from '#storage';
import { diskError, FailingDisk } from './failing-disk.ts';
import { fileBytes, fileNames } from './golden-folder.ts';
import { appendValues, batchOf, createLog, openScene, readValues, type Scene, START_MS } from './scene.ts';

/** Reads at once and tells late. */
class LateDisk extends FailingDisk {
  afterRead: Promise<void> | undefined;

  override openSync(path: string, options: { create: boolean }): DiskFile {
    const file = super.openSync(path, options);
    const read = async (into: Buffer, position: number): Promise<number> => {
      const { afterRead } = this;
      const bytesRead = await file.read(into, position);
      await afterRead;
      return bytesRead;
    };
    return { ...file, read };
  }
}

const CHECK_MS = 300_000;
const DAY_MS = 86_400_000;
/** Two batches a segment. */
const TWO_BATCHES = { 'segment.bytes': batchOf(['v0']).length * 2 };
const LARGE = { bytesMax: 1_000_000, atLeastOneBatch: true };

/** Ten records of one batch each, in five segments. */
async function filledLog(
  config: Partial<TopicConfig>,
  options: Parameters<typeof openScene>[0] = {},
): Promise<{ scene: Scene; log: PartitionLog }> {
  const scene = await openScene(options);
  const log = createLog(scene, { ...TWO_BATCHES, 'file.delete.delay.ms': 60_000, ...config });
  for (let i = 0; i < 10; i++) appendValues(log, [`v${i}`], { timestamp: START_MS + i * 1000 });
  await scene.clock.settle();
  return { scene, log };
}

async function bases(disk: { list(path: string): Promise<{ name: string }[]> }, suffix = '.log'): Promise<number[]> {
  return (await fileNames(disk, '/data/orders-0'))
    .filter((name) => name.endsWith(suffix))
    .map((name) => Number.parseInt(name, 10));
}

async function checkpoint(scene: Scene): Promise<string> {
  return (await fileBytes(scene.disk, '/data/log-start-offset-checkpoint')).toString();
}

describe('retention', () => {
  test('by size takes the oldest segments; their files wait, and go after file.delete.delay.ms', async () => {
    const { scene, log } = await filledLog({ 'retention.bytes': TWO_BATCHES['segment.bytes'] * 2 });
    expect(log.segmentCount).toBe(5);
    await scene.clock.advance(CHECK_MS);
    expect(log.segmentCount).toBe(2);
    expect(log.logStartOffset).toBe(6);
    expect(await readValues(log)).toEqual(['6=v6', '7=v7', '8=v8', '9=v9']);
    expect(await bases(scene.disk)).toEqual([6, 8]);
    expect(await bases(scene.disk, '.index')).toEqual([6]);
    expect(await bases(scene.disk, '.snapshot')).toEqual([6, 8]);
    expect(await bases(scene.disk, '.log.deleted')).toEqual([0, 2, 4]);
    expect(await bases(scene.disk, '.snapshot.deleted')).toEqual([2, 4]);
    await scene.clock.advance(59_999);
    expect(await bases(scene.disk, '.deleted')).not.toEqual([]);
    await scene.clock.advance(1);
    expect(await bases(scene.disk, '.deleted')).toEqual([]);
  });

  test('by time goes by the largest timestamp of a segment, and ends with an empty log that goes on', async () => {
    const { scene, log } = await filledLog({ 'retention.ms': CHECK_MS - 4000 });
    await scene.clock.advance(CHECK_MS);
    // At this check records up to START + 4 s are old enough: the second segment ends at 3 s, the third at 5 s.
    expect(log.logStartOffset).toBe(4);
    await scene.clock.advance(CHECK_MS);
    expect([log.logStartOffset, log.logEndOffset, log.segmentCount, log.sizeInBytes]).toEqual([10, 10, 1, 0]);
    appendValues(log, ['next'], { timestamp: START_MS + 2 * CHECK_MS });
    await scene.clock.settle();
    expect(await readValues(log)).toEqual(['10=next']);
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk, clock: scene.clock });
    const reopened = createLog(again);
    expect([reopened.logStartOffset, reopened.logEndOffset]).toEqual([10, 11]);
    expect(again.warnings).toEqual([]);
  });

  test('by time works after a restart, when the timestamps are in the index files alone', async () => {
    const { scene } = await filledLog({});
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk, clock: scene.clock });
    const log = createLog(again, { 'retention.ms': CHECK_MS - 4000 });
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(4);
  });

  test('leaves a log alone whose topic is not known: its own limits may be wider', async () => {
    const { scene } = await filledLog({ 'retention.ms': -1 });
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk, clock: scene.clock, config: { 'log.retention.ms': 1 } });
    await scene.clock.advance(2 * CHECK_MS);
    const log = again.directory.get('orders', 0);
    expect([log?.logStartOffset, log?.segmentCount]).toEqual([0, 5]);
  });

  test('takes nothing above the high watermark', async () => {
    const { scene, log } = await filledLog({ 'retention.bytes': 0 });
    log.highWatermark = 5;
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(4);
  });

  test('does not believe a clock that was just set forward', async () => {
    const { scene, log } = await filledLog({ 'retention.ms': DAY_MS });
    scene.clock.setWall(START_MS + 365 * DAY_MS);
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(0);
    expect(scene.warnings.join()).toContain('set forward');
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(10);
  });

  test('takes effect with the next check after its limits were changed', async () => {
    const { scene, log } = await filledLog({});
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(0);
    log.updateConfig({ ...log.config, 'retention.bytes': 0 });
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(10);
  });

  test('cuts the leader epochs with the log', async () => {
    const scene = await openScene();
    const log = createLog(scene, { ...TWO_BATCHES, 'retention.bytes': TWO_BATCHES['segment.bytes'] });
    for (const leaderEpoch of [1, 1, 2, 2, 5, 5]) log.append(batchOf(['v0']), { leaderEpoch, origin: 'client' });
    await scene.clock.advance(CHECK_MS);
    expect(log.leaderEpochs.entries).toEqual([{ epoch: 5, startOffset: 4 }]);
    expect((await fileBytes(scene.disk, '/data/orders-0/leader-epoch-checkpoint')).toString()).toBe('0\n1\n5 4\n');
  });

  test('of many segments works in turns between which appends get through', async () => {
    const scene = await openScene();
    const log = createLog(scene, { ...TWO_BATCHES, 'retention.bytes': TWO_BATCHES['segment.bytes'] });
    for (let i = 0; i < 400; i++) appendValues(log, ['v0']);
    await scene.clock.settle();
    const [timer] = [scene.clock.advance(CHECK_MS)];
    const starts = new Set<number>();
    for (let i = 0; i < 200; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      starts.add(log.logStartOffset);
      if (i % 20 === 0) expect(appendValues(log, ['v0'])).toBe(400 + i / 20);
    }
    await timer;
    expect(starts.size).toBeGreaterThan(20);
    await scene.clock.advance(CHECK_MS);
    expect(log.segmentCount).toBeLessThanOrEqual(2);
  });
});

describe('a crash in the middle of retention', () => {
  /** Stops the disk at `step` of a file of a partition, then looks what a start finds. */
  async function killedAt(stopAt: (path: string) => boolean): Promise<{ disk: SimulatedDisk; clock: ManualClock }> {
    const disk = new FailingDisk();
    const { scene } = await filledLog({ 'retention.bytes': TWO_BATCHES['segment.bytes'] * 2 }, { disk });
    await scene.clock.advance(10_000);
    const stopped = new Deferred<void>();
    const never = new Deferred<void>();
    disk.before = (step, path) => {
      if (step !== 'rename' || !stopAt(path)) return undefined;
      stopped.resolve();
      return never.promise;
    };
    void scene.clock.advance(CHECK_MS - 10_000);
    await stopped.promise;
    return { disk: disk.below.kill(), clock: scene.clock };
  }

  test.each([
    ['before the first file is renamed', (path: string) => path.endsWith('/00000000000000000000.index')],
    ['between index and log', (path: string) => path.endsWith('/00000000000000000000.log')],
    ['between two segments', (path: string) => path.endsWith('/00000000000000000002.log')],
  ])('%s brings back no record', async (_, stopAt) => {
    const { disk } = await killedAt(stopAt);
    const again = await openScene({ disk });
    const log = createLog(again, TWO_BATCHES);
    expect(log.logStartOffset).toBe(6);
    expect(await readValues(log)).toEqual(['6=v6', '7=v7', '8=v8', '9=v9']);
    expect(await bases(disk, '.deleted')).toEqual([]);
    await again.clock.advance(CHECK_MS + 60_000);
    expect(await bases(disk)).toEqual([6, 8]);
    expect(again.warnings).toEqual([]);
  });

  test('writes where the log starts before a file loses its name', async () => {
    const disk = new FailingDisk();
    const { scene } = await filledLog({ 'retention.bytes': 1 }, { disk });
    let texts: string[] = [];
    disk.before = async (step, path) => {
      if (step !== 'rename' || !path.endsWith('.log')) return;
      texts.push(await checkpoint(scene));
    };
    await scene.clock.advance(CHECK_MS);
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) expect(text).toMatch(/orders 0 8\n$/);
    texts = [];
    await scene.directory.close();
    expect(await checkpoint(scene)).toBe('0\n0\n');
  });

  test('of the disk, which refuses the rename, leaves the directory online and the log right', async () => {
    const disk = new FailingDisk();
    const { scene, log } = await filledLog({ 'retention.bytes': TWO_BATCHES['segment.bytes'] * 2 }, { disk });
    disk.before = (step, path) => {
      if (step === 'rename' && path.endsWith('.log')) throw diskError('rename');
    };
    await scene.clock.advance(CHECK_MS);
    expect(scene.directory.failure).toBeUndefined();
    expect(scene.warnings.join()).toContain('could not be deleted');
    expect(log.logStartOffset).toBe(6);
    disk.before = () => {};
    await scene.directory.close();
    const again = await openScene({ disk });
    expect(await readValues(createLog(again))).toEqual(['6=v6', '7=v7', '8=v8', '9=v9']);
  });
});

describe('a reader of a deleted segment', () => {
  test('gets OFFSET_OUT_OF_RANGE, also when its read was under way; what it was given stays', async () => {
    const disk = new FailingDisk();
    const { scene } = await filledLog({}, { disk });
    await scene.directory.close();
    const again = await openScene({ disk, clock: scene.clock });
    const log = createLog(again, { 'retention.bytes': 0 });
    const given = await log.read(0, { ...LARGE, endOffsetMax: 1 });
    const before = Buffer.concat(given.records);
    const gate = new Deferred<void>();
    const reads: string[] = [];
    disk.before = (step, path) => {
      if (step !== 'read' || !path.endsWith('0002.log')) return undefined;
      reads.push(path);
      return gate.promise;
    };
    const pending = log.read(2, { ...LARGE, endOffsetMax: 10 });
    await scene.clock.settle();
    expect(reads.length).toBeGreaterThan(0);
    disk.before = () => {};
    await scene.clock.advance(CHECK_MS);
    expect(log.logStartOffset).toBe(10);
    gate.resolve();
    expect((await pending).error).toBe(Errors.OFFSET_OUT_OF_RANGE);
    expect((await log.read(0, { ...LARGE, endOffsetMax: 10 })).error).toBe(Errors.OFFSET_OUT_OF_RANGE);
    expect(Buffer.concat(given.records)).toEqual(before);
    expect(again.warnings).toEqual([]);
  });

  test('gets it also when what it was after was read in time, and the log has moved on', async () => {
    const disk = new LateDisk();
    const { scene } = await filledLog({}, { disk });
    await scene.directory.close();
    const again = await openScene({ disk, clock: scene.clock });
    const log = createLog(again, { 'retention.bytes': 0 });
    const gate = new Deferred<void>();
    disk.afterRead = gate.promise;
    const pending = log.read(3, { ...LARGE, endOffsetMax: 10 });
    await scene.clock.settle();
    disk.afterRead = undefined;
    await log.deleteRecords(4);
    gate.resolve();
    expect((await pending).error).toBe(Errors.OFFSET_OUT_OF_RANGE);
  });

  test('who looks for a time finds the first record that is left', async () => {
    const disk = new FailingDisk();
    const { scene } = await filledLog({}, { disk });
    await scene.directory.close();
    const again = await openScene({ disk, clock: scene.clock });
    const log = createLog(again, { 'retention.bytes': TWO_BATCHES['segment.bytes'] * 2 });
    const gate = new Deferred<void>();
    disk.before = (step, path) => (step === 'read' && path.endsWith('0000.log') ? gate.promise : undefined);
    const pending = log.offsetForTimestamp(START_MS);
    await scene.clock.settle();
    await scene.clock.advance(CHECK_MS);
    gate.resolve();
    expect(await pending).toMatchObject({ offset: 6 });
  });
});

test('segments whose sync is under way, or still to come, are taken away after it, and the directory stays online', async () => {
  const disk = new FailingDisk();
  const gate = new Deferred<void>();
  const { scene, log } = await filledLog({ 'retention.bytes': 1 }, { disk });
  disk.before = (step, path) => (step === 'sync' && /\.(log|index)$/.test(path) ? gate.promise : undefined);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 6; i++) appendValues(log, [`w${i}`]);
    await scene.clock.settle();
  }
  void scene.clock.advance(CHECK_MS);
  for (let i = 0; i < 400; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(log.logStartOffset).toBeGreaterThan(0);
  const names = await bases(scene.disk);
  expect(names).toContain(10);
  gate.resolve();
  await scene.clock.advance(CHECK_MS);
  expect(scene.directory.failure).toBeUndefined();
  expect(scene.warnings).toEqual([]);
  expect(await bases(scene.disk)).toEqual([20]);
  await scene.directory.close();
  expect((await openScene({ disk: disk.below })).directory.get('orders', 0)?.logEndOffset).toBe(22);
});

describe('deleted records', () => {
  test('below an offset are out of range at once, for good, and their segments go', async () => {
    const { scene, log } = await filledLog({});
    await log.deleteRecords(5);
    expect((await log.read(4, { ...LARGE, endOffsetMax: 10 })).error).toBe(Errors.OFFSET_OUT_OF_RANGE);
    expect((await readValues(log))[0]).toBe('5=v5');
    expect(await checkpoint(scene)).toBe('0\n1\norders 0 5\n');
    expect(log.segmentCount).toBe(5);
    const killed = await openScene({ disk: (scene.disk as SimulatedDisk).kill() });
    expect(createLog(killed).logStartOffset).toBe(5);
    await scene.clock.advance(CHECK_MS);
    expect(await bases(scene.disk)).toEqual([4, 6, 8]);
    await log.deleteRecords(3);
    expect(log.logStartOffset).toBe(5);
  });

  test('of compacted topics go with their segments as well', async () => {
    const { scene, log } = await filledLog({ 'cleanup.policy': ['compact'], 'retention.ms': 1, 'retention.bytes': 0 });
    await log.deleteRecords(4);
    await scene.clock.advance(CHECK_MS);
    expect(await bases(scene.disk)).toEqual([4, 6, 8]);
  });

  test('many at a time share the write of the checkpoint', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk });
    const logs = Array.from({ length: 50 }, (_, index) => createLog(scene, {}, `t${index}`));
    for (const log of logs) appendValues(log, ['a', 'b']);
    await scene.clock.settle();
    disk.countedSuffix = 'log-start-offset-checkpoint.tmp';
    await Promise.all(logs.map((log) => log.deleteRecords(1)));
    expect(disk.counts.rename).toBeLessThanOrEqual(2);
    expect((await checkpoint(scene)).split('\n')[1]).toBe('50');
  });
});

test('closing waits for a removal under way and begins no other', async () => {
  const disk = new FailingDisk();
  const { scene } = await filledLog({ 'retention.bytes': 0 }, { disk });
  const gate = new Deferred<void>();
  const reached = new Deferred<void>();
  disk.before = (step, path) => {
    if (step !== 'rename' || !path.endsWith('.log')) return undefined;
    reached.resolve();
    return gate.promise;
  };
  void scene.clock.advance(CHECK_MS);
  await reached.promise;
  const closing = scene.directory.close();
  gate.resolve();
  await closing;
  expect(scene.clock.pendingTimerCount).toBe(0);
  const again = await openScene({ disk: disk.below });
  expect(createLog(again).logEndOffset).toBe(10);
  expect(again.warnings).toEqual([]);
});
