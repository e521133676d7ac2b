/** What a stop costs: what was written to since the start, not what there is. */
import { expect, test } from '@jest/globals';
import { verifyFolder } from '#storage';
import { FailingDisk } from './failing-disk.ts';
import { type BatchDraft, batchOf, openScene, readValues, smallConfig, TOPIC_ID } from './scene.ts';

const LOG_COUNT = 600;

/** Notes which folders of partitions are touched, and how many files are being synced at a time. */
class WatchedDisk extends FailingDisk {
  readonly touched = new Set<string>();
  syncingMax = 0;
  #syncing = 0;

  constructor() {
    super();
    this.before = (step, path) => {
      const folder = /orders-\d+/.exec(path)?.[0];
      if (folder !== undefined) this.touched.add(folder);
      return step === 'sync' ? this.#hold() : undefined;
    };
  }

  async #hold(): Promise<void> {
    this.syncingMax = Math.max(this.syncingMax, ++this.#syncing);
    await new Promise((resolve) => setImmediate(resolve));
    this.#syncing--;
  }

  forget(): void {
    this.touched.clear();
    this.syncingMax = 0;
  }
}

/** A start: it leads all partitions in an epoch of its own. */
async function openLogs(disk: WatchedDisk, leaderEpoch: number) {
  const scene = await openScene({ disk, durability: 'sync' });
  const logs = Array.from({ length: LOG_COUNT }, (_, partition) =>
    scene.directory.create('orders', partition, TOPIC_ID, smallConfig()),
  );
  for (const log of logs) log.assignEpoch(leaderEpoch);
  disk.forget();
  const append = (partition: number, values: string[], draft: BatchDraft = {}) =>
    logs[partition].append(batchOf(values, draft), { leaderEpoch, origin: 'client' });
  return { logs, append, directory: scene.directory, warnings: scene.warnings };
}

test('a log that nobody wrote to costs a stop nothing: not a new one, not an empty one, not one with records', async () => {
  const disk = new WatchedDisk();
  const first = await openLogs(disk, 1);
  await first.directory.close();
  expect(disk.touched.size).toBe(0);
  const findings: string[] = [];
  await verifyFolder(disk, '/data', ({ text }) => findings.push(text));
  expect(findings).toEqual([]);

  const second = await openLogs(disk, 2);
  second.append(7, ['a', 'b'], { producerId: 5, producerEpoch: 0, baseSequence: 0 });
  await second.directory.close();
  expect([...disk.touched]).toEqual(['orders-7']);

  const third = await openLogs(disk, 3);
  await third.directory.close();
  expect(disk.touched.size).toBe(0);

  const last = await openLogs(disk, 4);
  expect(await readValues(last.logs[7])).toEqual(['0=a', '1=b']);
  expect(last.logs[7].producers.find(5)?.epoch).toBe(0);
  expect(last.warnings).toEqual([]);
});

test('logs that were written to are closed side by side, but not all at once', async () => {
  const disk = new WatchedDisk();
  const { logs, append, directory } = await openLogs(disk, 1);
  for (const partition of logs.keys()) append(partition, ['a']);
  await directory.close();
  expect(disk.touched.size).toBe(LOG_COUNT);
  expect(disk.syncingMax).toBeGreaterThan(100);
  expect(disk.syncingMax).toBeLessThanOrEqual(3 * 256);
});
