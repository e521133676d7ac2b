/** A compaction that ends in the middle, at every change that it makes to the disk, and folders of a Kafka that ended so. */
import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '#core';
import type { Disk, MemoryDisk, PartitionLog, SimulatedDisk } from '#storage';
import { fileBytes, putFile } from '../golden-folder.ts';
import { openScene, type Scene } from '../scene.ts';
import {
  appendKeyed,
  BACKOFF_MS,
  clean,
  compactedLog,
  filesOf,
  keyedBatch,
  lines,
  openCompacted,
  type StoredRecord,
  storedRecords,
  tableOf,
} from './scene.ts';
import { SnapshotDisk } from './snapshot-disk.ts';

const FOLDER = '/data/orders-0';
const OVERRIDES = { 'segment.bytes': 700, 'file.delete.delay.ms': 5_000 };

async function filled(scene: Scene, count = 50): Promise<PartitionLog> {
  const random = seededRandom(7);
  const log = compactedLog(scene, OVERRIDES);
  for (let i = 0; i < count; i++) {
    const value = random.uint32() % 6 === 0 ? null : `v${i}`;
    appendKeyed(log, [
      { key: `k${random.uint32() % 12}`, value },
      { key: `k${random.uint32() % 12}`, value: `w${i}` },
    ]);
  }
  await scene.clock.settle();
  return log;
}

function leftOvers(names: readonly string[]): string[] {
  return names.filter((name) => /\.(cleaned|swap|deleted)$/.test(name));
}

/** Nothing that was read before says anything else now, and every key has its last value. */
function expectSame(before: readonly StoredRecord[], after: readonly StoredRecord[]): void {
  const byOffset = new Map(before.map((record) => [record.offset, record]));
  let last = -1;
  for (const record of after) {
    expect(record).toEqual(byOffset.get(record.offset));
    expect(record.offset).toBeGreaterThan(last);
    last = record.offset;
  }
  expect(tableOf(after)).toEqual(tableOf(before));
}

describe('a compaction that is cut off', () => {
  test('by a crash or a kill before any change to the disk leaves the same latest values, and is done again', async () => {
    const disk = new SnapshotDisk();
    const scene = await openCompacted({ disk, durability: 'sync' });
    const log = await filled(scene);
    const before = await storedRecords(log);
    const logEndOffset = log.logEndOffset;
    disk.isRecording = true;
    await clean(scene, BACKOFF_MS);
    await clean(scene, 6_000);
    disk.isRecording = false;
    expect((await storedRecords(log)).length).toBeLessThan(before.length / 3);
    expect(disk.cutPoints.length).toBeGreaterThan(100);
    for (const steps of ['open', 'write', 'sync', 'rename', 'remove', 'syncDirectory']) {
      expect(disk.cutPoints.some(({ step }) => step.startsWith(steps))).toBe(true);
    }
    for (const { step, crashed, killed } of disk.cutPoints) {
      for (const left of [crashed, killed]) {
        try {
          await expectRecovery(left, before, logEndOffset);
        } catch (error) {
          throw new Error(`cut before ${step}`, { cause: error });
        }
      }
    }
  });
});

async function expectRecovery(disk: Disk, before: readonly StoredRecord[], logEndOffset: number): Promise<void> {
  const scene = await openCompacted({ disk, durability: 'sync' });
  expect(scene.warnings.filter((warning) => !/index|snapshot/.test(warning))).toEqual([]);
  const log = compactedLog(scene, OVERRIDES);
  expect(log.logEndOffset).toBe(logEndOffset);
  expectSame(before, await storedRecords(log));
  expect(leftOvers(await filesOf(scene))).toEqual([]);
  appendKeyed(log, [{ key: 'after', value: 'all' }]);
  await clean(scene);
  const after = await storedRecords(log);
  expect(after.at(-1)).toMatchObject({ offset: logEndOffset, key: 'after' });
  expectSame(before, after.slice(0, -1));
  expect(after.filter(({ offset }) => offset < log.activeBaseOffset).length).toBeLessThanOrEqual(12);
}

/** Three segments of two records each, at offsets 0, 2 and 4, and an active one. */
async function threeSegments(): Promise<MemoryDisk> {
  const scene = await openScene();
  const log = compactedLog(scene, { 'segment.bytes': 160 });
  for (let i = 0; i < 4; i++) {
    appendKeyed(log, [{ key: 'a', value: `${i}` }]);
    appendKeyed(log, [{ key: 'b', value: `${i}` }]);
  }
  await scene.directory.close();
  expect((await filesOf(scene)).filter((name) => name.endsWith('.log'))).toHaveLength(4);
  return scene.disk as MemoryDisk;
}

function name(base: number, suffix: string): string {
  return `${FOLDER}/${String(base).padStart(20, '0')}${suffix}`;
}

/** What a cleaner makes of the first three. */
function cleanedLog(): Buffer {
  const log = keyedBatch([{ key: 'a', value: '2' }]);
  log.writeBigInt64BE(4n, 0);
  const last = keyedBatch([{ key: 'b', value: '2' }]);
  last.writeBigInt64BE(5n, 0);
  return Buffer.concat([log, last]);
}

const WHOLE = ['0 a=0', '1 b=0', '2 a=1', '3 b=1', '4 a=2', '5 b=2', '6 a=3', '7 b=3'];
const CLEANED = ['4 a=2', '5 b=2', '6 a=3', '7 b=3'];

async function opened(disk: MemoryDisk, isClean: boolean): Promise<{ scene: Scene; lines: string[] }> {
  const scene = await openScene({ disk: isClean ? disk : disk.kill(), tailBytesPerLogMax: 0 });
  const log = compactedLog(scene, { 'segment.bytes': 160 });
  return { scene, lines: await lines(log) };
}

describe('a folder of a Kafka that crashed while it compacted', () => {
  test.each([true, false])('with .cleaned files: they are dropped (clean stop: %s)', async (isClean) => {
    const disk = await threeSegments();
    for (const suffix of ['.log', '.index', '.timeindex']) putFile(disk, name(0, `${suffix}.cleaned`), cleanedLog());
    const { scene, lines: left } = await opened(disk, isClean);
    expect(left).toEqual(WHOLE);
    expect(leftOvers(await filesOf(scene))).toEqual([]);
  });

  test('with a .swap beside a .cleaned: both are dropped, whichever files they are', async () => {
    const disk = await threeSegments();
    putFile(disk, name(0, '.log.swap'), cleanedLog());
    putFile(disk, name(0, '.timeindex.cleaned'), Buffer.alloc(0));
    const { scene, lines: left } = await opened(disk, true);
    expect(left).toEqual(WHOLE);
    expect(leftOvers(await filesOf(scene))).toEqual([]);
  });

  test.each([[[]], [[0]], [[0, 2]], [[0, 2, 4]], [[2]]])(
    'with a .swap, the segments %j being gone already: it takes their place',
    async (gone) => {
      const disk = await threeSegments();
      putFile(disk, name(0, '.log.swap'), cleanedLog());
      putFile(disk, name(0, '.index.swap'), Buffer.alloc(0));
      for (const base of gone) await disk.rename(name(base, '.log'), name(base, '.log.deleted'));
      const { scene, lines: left } = await opened(disk, true);
      expect(left).toEqual(CLEANED);
      expect(leftOvers(await filesOf(scene))).toEqual([]);
      expect((await filesOf(scene)).filter((each) => each.endsWith('.log'))).toHaveLength(2);
      expect((await opened(scene.disk as MemoryDisk, false)).lines).toEqual(CLEANED);
    },
  );

  test('with only an index still named .swap: it gets its name', async () => {
    const disk = await threeSegments();
    const index = await fileBytes(disk, name(0, '.timeindex'));
    await disk.rename(name(0, '.timeindex'), name(0, '.timeindex.swap'));
    const { scene, lines: left } = await opened(disk, true);
    expect(left).toEqual(WHOLE);
    expect(await fileBytes(scene.disk, name(0, '.timeindex'))).toEqual(index);
  });

  test.each([
    ['in a record', 70],
    ['in an offset, which no checksum covers', 80],
  ])('with a .swap damaged %s: the segments that it was made from stay, and it is said', async (_, position) => {
    const disk = await threeSegments();
    const damaged = cleanedLog();
    damaged[position] ^= 4;
    putFile(disk, name(0, '.log.swap'), damaged);
    const { scene, lines: left } = await opened(disk, true);
    expect(left).toEqual(WHOLE);
    expect(scene.warnings.join()).toContain('damaged');
    expect(leftOvers(await filesOf(scene))).toEqual([]);
  });
});

describe('a gap that compaction left between two segments', () => {
  /** The first segment loses its end: both its keys come again. */
  async function gapped() {
    const scene = await openCompacted({ durability: 'sync' });
    const log = compactedLog(scene, { 'segment.bytes': 250 });
    const keys = ['a', 'b', 'b', 'b', 'b', 'b', 'b', 'c', 'c', 'c', 'c', 'd'];
    for (const [index, key] of keys.entries()) {
      appendKeyed(log, [{ key, value: `${index}` }]);
      await scene.clock.settle();
    }
    await clean(scene);
    const disk = scene.disk as SimulatedDisk;
    return { disk, kept: await lines(log), logEndOffset: log.logEndOffset };
  }

  test.each([
    ['with its checkpoints', undefined],
    ['with a damaged recovery point', '/data/recovery-point-offset-checkpoint'],
    ['without a recovery point', '/data/recovery-point-offset-checkpoint gone'],
    ['with a damaged cleaner checkpoint', '/data/cleaner-offset-checkpoint'],
  ])('is no damage after a crash %s', async (_, damaged) => {
    const { disk, kept, logEndOffset } = await gapped();
    const after = disk.crash();
    const [path, isGone] = damaged?.split(' ') ?? [];
    if (isGone !== undefined) await after.remove(path);
    else if (path !== undefined) putFile(after, path, Buffer.from('garbage'));
    const scene = await openCompacted({ disk: after, durability: 'sync' });
    const log = compactedLog(scene, { 'segment.bytes': 250 });
    expect(await lines(log)).toEqual(kept);
    expect(log.logEndOffset).toBe(logEndOffset);
  });
});
