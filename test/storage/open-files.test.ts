import { describe, expect, test } from '@jest/globals';
import { Deferred } from '#core';
import { type Disk, type DiskFile, memoryDisk, type PartitionLog } from '#storage';
import { OpenFiles, openFilesMax } from '../../src/storage/directory/open-files.ts';
import { FailingDisk } from './failing-disk.ts';
import { appendValues, batchOf, createLog, openScene, readValues, smallConfig, TOPIC_ID } from './scene.ts';

/** Counts what is open, and refuses to close a file under a running call. */
class CountingDisk extends FailingDisk {
  openCount = 0;
  openCountMax = 0;
  closedWhileBusy = 0;

  override openSync(path: string, options: { create: boolean }): DiskFile {
    const file = super.openSync(path, options);
    let busyCount = 0;
    let isOpen = true;
    this.openCountMax = Math.max(this.openCountMax, ++this.openCount);
    const busy = async <T>(run: Promise<T>): Promise<T> => {
      busyCount++;
      try {
        return await run;
      } finally {
        busyCount--;
      }
    };
    return {
      ...file,
      read: (into, position) => busy(file.read(into, position)),
      sync: () => busy(file.sync()),
      close: () => {
        if (busyCount > 0) this.closedWhileBusy++;
        if (isOpen) this.openCount--;
        isOpen = false;
        file.close();
      },
    };
  }
}

async function manyLogs(disk: Disk, durability: 'os' | 'sync', count = 40) {
  const scene = await openScene({ disk, durability, openFilesMax: 8, tailBytesPerLogMax: 1 });
  const logs = Array.from({ length: count }, (_, index) =>
    scene.directory.create('t', index, TOPIC_ID, smallConfig({ 'segment.bytes': batchOf(['v0']).length * 2 })),
  );
  return { scene, logs };
}

describe('the limit on open files', () => {
  test.each(['os', 'sync'] as const)('holds in mode %s while forty logs are written and read', async (durability) => {
    const disk = new CountingDisk();
    const { scene, logs } = await manyLogs(disk, durability);
    for (let round = 0; round < 5; round++) {
      for (const log of logs) {
        appendValues(log, [`v${round}`]);
        await scene.clock.settle();
      }
    }
    const expected = Array.from({ length: 5 }, (_, index) => `${index}=v${index}`);
    for (const log of logs) expect(await readValues(log, 0, 100)).toEqual(expected);
    // One beside the pool: a checkpoint on its way.
    expect(disk.openCountMax).toBeLessThanOrEqual(10);
    expect(disk.closedWhileBusy).toBe(0);
    await scene.directory.close();
    expect(disk.openCount).toBe(0);
    const again = await openScene({ disk: disk.below });
    for (const log of again.directory.logs()) expect(await readValues(log)).toEqual(expected);
  });

  test('keeps a file open that is written and not synced, where syncs are promised', async () => {
    const disk = new CountingDisk();
    // More than are synced at a time.
    const { scene, logs } = await manyLogs(disk, 'sync', 30);
    const gate = new Deferred<void>();
    disk.before = (step, path) => (step === 'sync' && path.endsWith('.log') ? gate.promise : undefined);
    for (const log of logs) appendValues(log, ['v']);
    await scene.clock.settle();
    expect(scene.directory.openFileCount).toBe(30);
    gate.resolve();
    await scene.clock.settle();
    for (const log of logs) expect(log.durableEndOffset).toBe(1);
    appendValues(logs[0], ['v']);
    await scene.clock.settle();
    expect(scene.directory.openFileCount).toBeLessThanOrEqual(8);
    expect(disk.closedWhileBusy).toBe(0);
  });

  test('a partition that nobody uses has no file open after a start, and opens one when it is used', async () => {
    const disk = new CountingDisk();
    const { scene, logs } = await manyLogs(disk, 'os', 30);
    for (const log of logs) for (let i = 0; i < 5; i++) appendValues(log, [`v${i}`]);
    await scene.directory.close();
    const again = await openScene({ disk, clock: scene.clock });
    expect(again.directory.openFileCount).toBe(0);
    const log = again.directory.get('t', 7) as PartitionLog;
    appendValues(log, ['more']);
    await scene.clock.settle();
    expect(again.directory.openFileCount).toBe(1);
    expect((await readValues(log)).at(-1)).toBe('5=more');
  });
});

describe('indexes of closed segments', () => {
  test('are dropped when memory is wanted for others, and read again', async () => {
    const scene = await openScene({ disk: memoryDisk(), memoryBytesMax: 4096, tailBytesPerLogMax: 1 });
    const config = { 'segment.bytes': batchOf(['v00']).length * 4, 'index.interval.bytes': 0 };
    const log = createLog(scene, config);
    const expected = Array.from({ length: 60 }, (_, index) => `${index}=v${String(index).padStart(2, '0')}`);
    for (let i = 0; i < 60; i++) {
      appendValues(log, [`v${String(i).padStart(2, '0')}`]);
      await scene.clock.settle();
    }
    for (const offset of [0, 57, 13, 41, 2, 33, 59, 21]) {
      expect(await readValues(log, offset, 100)).toEqual(expected.slice(offset));
      expect((await log.offsetForTimestamp(0))?.offset).toBe(0);
    }
    expect(scene.directory.memoryBytes).toBeLessThanOrEqual(4096 + 16 * 1024);
    expect(scene.warnings).toEqual([]);
  });
});

describe('a file that is renamed while its descriptor is taken back', () => {
  async function renamed(during: (files: OpenFiles, read: () => Promise<string>) => Promise<void>) {
    const disk = new FailingDisk();
    const files = new OpenFiles(disk, 1, false);
    const file = files.openSync('/a', { create: true });
    file.writeSync([Buffer.from('mine')], 0);
    const read = async (): Promise<string> => {
      // Takes the descriptor back.
      files.openSync('/other', { create: true }).close();
      files.openSync('/another', { create: true }).close();
      const content = Buffer.alloc(4);
      await file.read(content, 0);
      return content.toString();
    };
    const gate = new Deferred<void>();
    disk.before = (step) => (step === 'rename' ? gate.promise : undefined);
    const renaming = files.rename('/a', '/a.deleted');
    expect(await read()).toBe('mine');
    gate.resolve();
    await renaming;
    await during(files, read);
    file.close();
    expect(files.count).toBe(0);
  }

  test('is opened by its new name', () =>
    renamed(async (_, read) => {
      expect(await read()).toBe('mine');
    }));

  test('is not taken for the one that has its former name now', () =>
    renamed(async (files, read) => {
      const fresh = files.openSync('/a.swap', { create: true });
      fresh.writeSync([Buffer.from('else')], 0);
      await files.rename('/a.swap', '/a');
      expect(await read()).toBe('mine');
      const content = Buffer.alloc(4);
      await fresh.read(content, 0);
      expect(content.toString()).toBe('else');
      fresh.close();
    }));
});

test.each([
  [undefined, 1_024],
  [1_024, 512],
  [20_000, 15_904],
  [1_048_576, 32_768],
  [Number.POSITIVE_INFINITY, 32_768],
])('where the process may have %p files open, connections keep theirs', (descriptorsMax, expected) => {
  expect(openFilesMax(Object.assign(memoryDisk(), { descriptorsMax: () => descriptorsMax }))).toBe(expected);
});
