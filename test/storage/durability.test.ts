import { describe, expect, test } from '@jest/globals';
import { Deferred } from '#core';
import { Errors } from '#protocol';
import { type SimulatedDisk, simulatedDisk } from '#storage';
import { diskError, FailingDisk } from './failing-disk.ts';
import { appendValues, batchOf, createLog, openScene, readValues, smallConfig, TOPIC_ID } from './scene.ts';

describe('durability sync', () => {
  test('nothing is durable before its fdatasync has ended, and one sync serves all that was written meanwhile', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const log = createLog(scene);
    appendValues(log, ['first']);
    await scene.clock.settle();
    const gate = new Deferred<void>();
    disk.before = (step, path) => (step === 'sync' && path.endsWith('.log') ? gate.promise : undefined);
    const heard: number[] = [];
    disk.counts.sync = 0;
    for (let i = 0; i < 5; i++) {
      appendValues(log, ['a', 'b']);
      const endOffset = log.logEndOffset;
      log.whenDurable(endOffset, () => heard.push(endOffset));
      await scene.clock.settle();
    }
    expect(log.durableEndOffset).toBe(1);
    expect(heard).toEqual([]);
    expect(disk.counts.sync).toBe(1);
    gate.resolve();
    await scene.clock.settle();
    expect(heard).toEqual([3, 5, 7, 9, 11]);
    expect(disk.counts.sync).toBe(2);
    expect(log.durableEndOffset).toBe(11);
  });

  test('the owner hears of the advance before those who wait, and late ones are called at once', async () => {
    const scene = await openScene({ durability: 'sync' });
    const log = createLog(scene);
    const heard: string[] = [];
    log.onDurableAdvance = (endOffset) => heard.push(`advance ${endOffset}`);
    appendValues(log, ['a']);
    log.whenDurable(1, () => heard.push('waiter 1'));
    appendValues(log, ['b']);
    log.whenDurable(2, () => heard.push('waiter 2'));
    log.whenDurable(1, () => heard.push('waiter 1 again'));
    await scene.clock.settle();
    log.whenDurable(2, () => heard.push('late'));
    expect(heard).toEqual(['advance 2', 'waiter 1', 'waiter 1 again', 'waiter 2', 'late']);
  });

  test('the next sync is under way when those who waited for the last one are told', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const log = createLog(scene);
    appendValues(log, ['first']);
    await scene.clock.settle();
    const gate = new Deferred<void>();
    const events: string[] = [];
    disk.before = (step, path) => {
      if (step !== 'sync' || !path.endsWith('.log')) return undefined;
      events.push('sync');
      return events.length === 1 ? gate.promise : undefined;
    };
    for (const value of ['a', 'b']) {
      appendValues(log, [value]);
      log.whenDurable(log.logEndOffset, () => events.push(`told ${value}`));
      await scene.clock.settle();
    }
    gate.resolve();
    await scene.clock.settle();
    expect(events).toEqual(['sync', 'sync', 'told a', 'told b']);
  });

  test('a lot is written at the end of the task that appended it, less in the next turn together', async () => {
    const scene = await openScene();
    const logs = ['little', 'much'].map((topic) => createLog(scene, {}, topic));
    appendValues(logs[0], ['a']);
    await Promise.resolve();
    expect(logs[0].durableEndOffset).toBe(0);
    for (let part = 0; part < 6; part++) appendValues(logs[1], ['x'.repeat(100_000)]);
    expect(logs[1].durableEndOffset).toBe(0);
    await Promise.resolve();
    expect(logs.map((log) => log.durableEndOffset)).toEqual([1, 6]);
  });

  test('the files of a group are synced in parallel, no more than the bound at a time', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const logs = Array.from({ length: 40 }, (_, index) => scene.directory.create('t', index, TOPIC_ID, smallConfig()));
    let running = 0;
    let runningMax = 0;
    disk.before = async (step, path) => {
      if (step !== 'sync' || !path.endsWith('.log')) return;
      runningMax = Math.max(runningMax, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    for (const log of logs) appendValues(log, ['a']);
    for (let turn = 0; turn < 20; turn++) await scene.clock.settle();
    expect(logs.every((log) => log.durableEndOffset === 1)).toBe(true);
    expect(runningMax).toBe(16);
    expect(scene.directory.syncCounts).toEqual({ groups: 1, logs: 40 });
  });

  test('a failed fdatasync is not tried again: the directory goes offline and waiters hear it', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const log = createLog(scene);
    const other = createLog(scene, {}, 'other');
    appendValues(log, ['a']);
    await scene.clock.settle();
    disk.before = (step, path) => {
      if (step === 'sync' && path.includes('orders-0')) throw diskError('fdatasync');
    };
    const failures: string[] = [];
    scene.directory.onFailure((error) => failures.push(error.code));
    const heard: (Error | undefined)[] = [];
    appendValues(log, ['b']);
    log.whenDurable(2, (error) => heard.push(error));
    await scene.clock.settle();
    const syncs = disk.counts.sync;
    expect(failures).toEqual(['KAFKA_STORAGE_ERROR']);
    expect(heard[0]?.message).toContain('fdatasync');
    expect(log.append(batchOf(['c']), { leaderEpoch: 0, origin: 'client' }).error).toBe(Errors.KAFKA_STORAGE_ERROR);
    expect(other.append(batchOf(['c']), { leaderEpoch: 0, origin: 'client' }).error).toBe(Errors.KAFKA_STORAGE_ERROR);
    expect(log.durableEndOffset).toBe(1);
    disk.before = () => {};
    await scene.clock.advance(60_000);
    await scene.directory.close();
    expect(disk.counts.sync).toBe(syncs);
    expect((await disk.list('/data')).map(({ name }) => name)).not.toContain('.kafka_cleanshutdown');
    const again = await openScene({ disk: disk.below });
    expect(await readValues(createLog(again))).toContain('0=a');
  });

  test('a failed write takes the directory offline, and a failed read only that read', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, tailBytesPerLogMax: 0 });
    const log = createLog(scene);
    appendValues(log, ['a']);
    await scene.clock.settle();
    disk.before = (step) => {
      if (step === 'read') throw diskError('read');
    };
    const read = await log.read(0, { bytesMax: 100, endOffsetMax: 1, atLeastOneBatch: true });
    expect(read.error).toBe(Errors.KAFKA_STORAGE_ERROR);
    expect(scene.directory.failure).toBeUndefined();
    disk.before = (step) => {
      if (step === 'write') throw diskError('no space left on device');
    };
    let heard: Error | undefined;
    appendValues(log, ['b']);
    log.whenDurable(2, (error) => {
      heard = error;
    });
    await scene.clock.settle();
    expect(heard?.message).toContain('no space');
    expect(scene.directory.failure?.code).toBe('KAFKA_STORAGE_ERROR');
  });

  test('the recovery point is stored every second', async () => {
    const scene = await openScene({ durability: 'sync' });
    const log = createLog(scene);
    const stored = async () => (await scene.disk.readFile('/data/recovery-point-offset-checkpoint'))?.toString();
    for (let second = 1; second <= 3; second++) {
      appendValues(log, ['a', 'b']);
      await scene.clock.advance(1000);
      await scene.clock.settle();
      expect(await stored()).toBe(`0\n1\norders 0 ${second * 2}\n`);
    }
  });
});

describe('durability os', () => {
  test('written is durable, and only logs that ask for it are synced', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk });
    const log = createLog(scene);
    const metadata = createLog(scene, {}, '__cluster_metadata');
    disk.counts.sync = 0;
    appendValues(log, ['a']);
    await scene.clock.settle();
    expect(log.durableEndOffset).toBe(1);
    expect(disk.counts.sync).toBe(0);
    const gate = new Deferred<void>();
    disk.before = (step) => (step === 'sync' ? gate.promise : undefined);
    metadata.append(batchOf(['a']), { leaderEpoch: 0, origin: 'coordinator', requiresSync: true });
    await scene.clock.settle();
    expect(metadata.durableEndOffset).toBe(0);
    gate.resolve();
    await scene.clock.settle();
    expect(metadata.durableEndOffset).toBe(1);
  });

  test('the appends of a turn are one write per partition', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk });
    const logs = [createLog(scene), createLog(scene, {}, 'other')];
    await scene.clock.settle();
    disk.counts.write = 0;
    for (let i = 0; i < 50; i++)
      for (const log of logs) log.append(batchOf(['a']), { leaderEpoch: -1, origin: 'client' });
    expect(disk.counts.write).toBe(0);
    await scene.clock.settle();
    expect(disk.counts.write).toBe(2);
    expect(logs.map((log) => log.durableEndOffset)).toEqual([50, 50]);
  });
});

describe('after kill -9', () => {
  test('what a start shows is synced before: a power cut does not take it back', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    disk.before = (step) => (step === 'sync' || step === 'syncDirectory' ? new Promise(() => {}) : undefined);
    const log = createLog(scene, { 'segment.bytes': 200 });
    for (const value of ['a', 'b', 'c', 'd', 'e']) appendValues(log, [value]);
    await scene.clock.settle();
    expect(log.durableEndOffset).toBe(0);
    const killed = disk.below.kill();
    const shown = await openScene({ disk: killed, durability: 'sync' });
    const values = await readValues(createLog(shown));
    expect(values).toHaveLength(5);
    const cut = await openScene({ disk: killed.crash(), durability: 'sync' });
    expect(await readValues(createLog(cut))).toEqual(values);
  });
});

describe('when a power cut leaves nothing that was not synced', () => {
  const contentAfterCut = async (disk: SimulatedDisk, path: string) => (await disk.crash().readFile(path))?.toString();

  test('checkpoints, and the epochs of finished segments, are there as soon as the engine counts on them', async () => {
    const disk = simulatedDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const log = createLog(scene, { 'segment.bytes': 200 });
    for (const leaderEpoch of [4, 4, 6, 7, 7, 8]) {
      log.assignEpoch(leaderEpoch);
      log.append(batchOf(['a']), { leaderEpoch, origin: 'client' });
    }
    await scene.clock.advance(1000);
    await scene.clock.settle();
    expect(await contentAfterCut(disk, '/data/recovery-point-offset-checkpoint')).toBe('0\n1\norders 0 6\n');
    expect(await contentAfterCut(disk, `${log.folder}/leader-epoch-checkpoint`)).toBe('0\n3\n4 0\n6 2\n7 3\n');
    expect(log.activeBaseOffset).toBe(4);
    const cut = await openScene({ disk: disk.crash(), durability: 'sync' });
    expect(createLog(cut).leaderEpochs.entries).toEqual(log.leaderEpochs.entries);
  });

  test('the epochs of the last segment are read from it, and written when there is no need to read it any more', async () => {
    const scene = await openScene({ disk: simulatedDisk(), durability: 'sync' });
    createLog(scene).append(batchOf(['a']), { leaderEpoch: 4, origin: 'client' });
    await scene.clock.advance(1000);
    const path = '/data/orders-0/leader-epoch-checkpoint';
    const again = await openScene({ disk: (scene.disk as SimulatedDisk).crash(), durability: 'sync' });
    expect(createLog(again).leaderEpochs.entries).toEqual([{ epoch: 4, startOffset: 0 }]);
    expect(await again.disk.readFile(path)).toBeUndefined();
    await again.directory.close();
    expect((await again.disk.readFile(path))?.toString()).toBe('0\n1\n4 0\n');
  });

  test('the marker of a clean stop comes after all that it vouches for, and goes before the first append', async () => {
    const disk = simulatedDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const log = createLog(scene, { 'index.interval.bytes': 1 });
    for (const value of ['a', 'b', 'c']) appendValues(log, [value]);
    await scene.directory.close();
    const marker = '/data/.kafka_cleanshutdown';
    const files = ['.log', '.index', '.timeindex'].map((suffix) => `${log.folder}/00000000000000000000${suffix}`);
    for (const path of [marker, ...files]) {
      const content = (await disk.readFile(path))?.toString();
      expect(content?.length).toBeGreaterThan(0);
      expect(await contentAfterCut(disk, path)).toBe(content);
    }
    await openScene({ disk, durability: 'sync' });
    expect(await contentAfterCut(disk, marker)).toBeUndefined();
  });

  test('a producer snapshot beyond the end of the log does not come back', async () => {
    const disk = simulatedDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const log = createLog(scene);
    appendValues(log, ['a']);
    await scene.clock.settle();
    const path = `${log.folder}/00000000000000000009.snapshot`;
    disk.openSync(path, { create: true }).close();
    await disk.syncDirectory(log.folder);
    const cut = disk.crash();
    expect(await cut.readFile(path)).toBeDefined();
    await openScene({ disk: cut, durability: 'sync' });
    expect(await contentAfterCut(cut, path)).toBeUndefined();
  });

  test('the segment that an empty folder gets is there with its first record', async () => {
    const disk = simulatedDisk();
    const scene = await openScene({ disk, durability: 'sync' });
    const { folder } = createLog(scene);
    await scene.directory.close();
    for (const { name } of await disk.list(folder))
      if (!name.endsWith('.metadata')) await disk.remove(`${folder}/${name}`);
    await disk.syncDirectory(folder);
    const again = await openScene({ disk, durability: 'sync' });
    appendValues(createLog(again), ['a']);
    await again.clock.settle();
    expect(await readValues(createLog(await openScene({ disk: disk.crash() })))).toEqual(['0=a']);
  });
});
