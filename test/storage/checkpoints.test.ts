/** The checkpoint files of a directory: what they hold, and that a round of storing looks at what has changed alone. */
import { describe, expect, test } from '@jest/globals';
import { silentLogger } from '#core';
import { simulatedDisk } from '#storage';
import { type CheckpointedLog, DirectoryCheckpoints } from '../../src/storage/directory/directory-checkpoints.ts';

const RECOVERY_POINTS = '/data/recovery-point-offset-checkpoint';
const HIGH_WATERMARKS = '/data/replication-offset-checkpoint';
const LOG_STARTS = '/data/log-start-offset-checkpoint';

/** Counts how often it is asked. */
class FakeLog implements CheckpointedLog {
  readonly topic = 'orders';
  readonly firstBaseOffset = 0;
  storedRecoveryPoint = 0;
  highWatermark = 0;
  logStartOffset = 0;
  point = 0;
  askedCount = 0;
  readonly partition: number;
  /** What `epochsStored` waits for. */
  epochs: Promise<void> = Promise.resolve();

  constructor(partition: number) {
    this.partition = partition;
  }

  get recoveryPoint(): number {
    this.askedCount++;
    return this.point;
  }

  mark(): void {}

  epochsStored(): Promise<void> {
    return this.epochs;
  }
}

async function openCheckpoints(disk = simulatedDisk(), count = 3) {
  disk.makeDirectorySync('/data');
  const checkpoints = new DirectoryCheckpoints(disk, '/data', silentLogger);
  await checkpoints.load();
  const logs = Array.from({ length: count }, (_, partition) => new FakeLog(partition));
  checkpoints.begin(new Map(logs.map((log) => [`orders-${log.partition}`, log])));
  const text = async (path: string) => (await disk.readFile(path))?.toString();
  return { disk, checkpoints, logs, text };
}

describe('a round of checkpoints', () => {
  test('asks the logs that have changed alone, and stores them all', async () => {
    const { checkpoints, logs, text } = await openCheckpoints();
    await checkpoints.store();
    for (const log of logs) log.askedCount = 0;
    logs[1].point = 7;
    logs[1].highWatermark = 5;
    checkpoints.changed(logs[1]);
    await checkpoints.store();
    await checkpoints.store();
    expect(logs.map((log) => log.askedCount)).toEqual([0, 1, 0]);
    expect(await text(RECOVERY_POINTS)).toBe('0\n3\norders 0 0\norders 1 7\norders 2 0\n');
    expect(await text(HIGH_WATERMARKS)).toBe('0\n3\norders 0 0\norders 1 5\norders 2 0\n');
    expect(await text(LOG_STARTS)).toBe('0\n0\n');
    expect(logs[1].storedRecoveryPoint).toBe(7);
  });

  test('does not ask again after a start what the files hold already', async () => {
    const { disk, checkpoints, logs, text } = await openCheckpoints();
    logs[2].point = 9;
    await checkpoints.store();
    const again = new DirectoryCheckpoints(disk, '/data', silentLogger);
    await again.load();
    const present = [new FakeLog(0), Object.assign(new FakeLog(2), { point: 9, storedRecoveryPoint: 9 })];
    again.begin(new Map(present.map((log) => [`orders-${log.partition}`, log])));
    for (const log of present) log.askedCount = 0;
    await again.store();
    expect(present.map((log) => log.askedCount)).toEqual([0, 0]);
    // The folder of the other one is gone.
    expect(await text(RECOVERY_POINTS)).toBe('0\n2\norders 0 0\norders 2 9\n');
  });

  test('stores the point that was there before the epochs were', async () => {
    const { checkpoints, logs, text } = await openCheckpoints(undefined, 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    Object.assign(logs[0], { point: 4, epochs: promise });
    checkpoints.changed(logs[0]);
    const stored = checkpoints.store();
    logs[0].point = 6;
    checkpoints.changed(logs[0]);
    resolve();
    await stored;
    expect(await text(RECOVERY_POINTS)).toBe('0\n1\norders 0 4\n');
    await checkpoints.store();
    expect(await text(RECOVERY_POINTS)).toBe('0\n1\norders 0 6\n');
  });

  test('leaves out a log that was deleted, also in the middle of the round', async () => {
    const { checkpoints, logs, text } = await openCheckpoints(undefined, 2);
    const { promise, resolve } = Promise.withResolvers<void>();
    Object.assign(logs[1], { point: 4, logStartOffset: 2, epochs: promise });
    checkpoints.changed(logs[1]);
    const stored = checkpoints.store();
    checkpoints.forget(logs[1]);
    checkpoints.startMoved(logs[1]);
    resolve();
    await stored;
    expect(await text(RECOVERY_POINTS)).toBe('0\n1\norders 0 0\n');
    expect(await text(LOG_STARTS)).toBe('0\n0\n');
  });

  test('that failed is tried again by the next one', async () => {
    const { checkpoints, logs, text } = await openCheckpoints(undefined, 1);
    Object.assign(logs[0], { point: 4, epochs: Promise.reject(new Error('full')) });
    checkpoints.changed(logs[0]);
    await expect(checkpoints.store()).rejects.toThrow('full');
    logs[0].epochs = Promise.resolve();
    await checkpoints.store();
    expect(await text(RECOVERY_POINTS)).toBe('0\n1\norders 0 4\n');
  });

  test('has where logs start as soon as that is asked for', async () => {
    const { checkpoints, logs, text } = await openCheckpoints(undefined, 2);
    logs[1].logStartOffset = 3;
    checkpoints.startMoved(logs[1]);
    await checkpoints.storeLogStarts();
    expect(await text(LOG_STARTS)).toBe('0\n1\norders 1 3\n');
  });
});
