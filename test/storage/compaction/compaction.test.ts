/** Compaction of a log through its directory: what is left, what is not touched, and when it happens. */
import { describe, expect, test } from '@jest/globals';
import { ManualClock, type Random, seededRandom } from '#core';
import { batches } from '#protocol';
import type { PartitionLog, SimulatedDisk } from '#storage';
import { fileBytes, putFile } from '../golden-folder.ts';
import { START_MS } from '../scene.ts';
import {
  appendKeyed,
  BACKOFF_MS,
  clean,
  compactedLog,
  filesOf,
  type KeyedRecord,
  lines,
  openCompacted,
  type StoredRecord,
  storedRecords,
  tableOf,
} from './scene.ts';

const FOLDER = '/data/orders-0';

function fill(log: PartitionLog, count: number, keyCount: number): void {
  for (let i = 0; i < count; i++) appendKeyed(log, [{ key: `k${i % keyCount}`, value: `v${i}` }]);
}

/** The latest of each key below `end`; everything from there on. */
function expectCompacted(before: readonly StoredRecord[], after: readonly StoredRecord[], end: number): void {
  const latest = new Map<string | null, number>();
  for (const { key, offset } of before) if (offset < end) latest.set(key, offset);
  const expected = before.filter(({ key, offset }) => offset >= end || (key !== null && latest.get(key) === offset));
  expect(after).toEqual(expected);
}

function randomRecords(random: Random, keyCount: number, wallMs: number): KeyedRecord[] {
  return Array.from({ length: 1 + (random.uint32() % 5) }, () => ({
    key: `key-${random.uint32() % keyCount}`,
    value: random.uint32() % 7 === 0 ? null : `${random.uint32()}`.repeat(1 + (random.uint32() % 4)),
    timestamp: wallMs - (random.uint32() % 1000),
  }));
}

describe('a compacted log', () => {
  test('keeps the last record of each key, at its offset, in few segments', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene);
    fill(log, 60, 3);
    await scene.clock.settle();
    const before = await storedRecords(log);
    const { activeBaseOffset, segmentCount, logEndOffset } = log;
    expect(segmentCount).toBeGreaterThan(8);
    await clean(scene);
    expectCompacted(before, await storedRecords(log), activeBaseOffset);
    expect({ start: log.logStartOffset, end: log.logEndOffset }).toEqual({ start: 0, end: logEndOffset });
    // Segments are put together by the sizes that they had before.
    fill(log, 20, 3);
    await clean(scene);
    expect(log.segmentCount).toBeLessThanOrEqual(segmentCount / 2);
    expect(scene.warnings).toEqual([]);
    await clean(scene, 61_000);
    expect((await filesOf(scene)).filter((name) => /deleted|swap|cleaned/.test(name))).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'holds exactly the latest records, whatever was written (seed %d)',
    async (seed) => {
      const random = seededRandom(seed);
      // A map of few keys needs several passes.
      const dedupeBufferBytes = seed % 2 === 0 ? 24 * 40 : 1024 * 1024;
      let scene = await openCompacted({ cleaner: { dedupeBufferBytes, ioBufferBytes: 4096 } });
      const overrides = { 'segment.bytes': 300 + (random.uint32() % 3000), 'delete.retention.ms': 1e12 };
      let log = compactedLog(scene, overrides);
      const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 60; i++) {
          const compression = codecs[seed % 3 === 0 ? random.uint32() % 5 : 0];
          appendKeyed(log, randomRecords(random, 20 + seed * 10, scene.clock.now().wallMs), { compression });
        }
        await scene.clock.settle();
        const before = await storedRecords(log);
        const { activeBaseOffset } = log;
        for (let i = 0; i < 3; i++) await clean(scene);
        const after = await storedRecords(log);
        expectCompacted(before, after, activeBaseOffset);
        const isKilled = random.uint32() % 2 === 0;
        const disk = isKilled ? (scene.disk as SimulatedDisk).kill() : scene.disk;
        if (!isKilled) await scene.directory.close();
        expect(scene.warnings).toEqual([]);
        scene = await openCompacted({ disk, clock: scene.clock, cleaner: { dedupeBufferBytes } });
        log = compactedLog(scene, overrides);
        expect(await storedRecords(log)).toEqual(after);
      }
    },
  );

  test('is appended to while it is compacted, and every record of the meantime is there', async () => {
    const scene = await openCompacted({ clock: new HastyClock(START_MS) });
    const log = compactedLog(scene);
    fill(log, 200, 10);
    await scene.clock.settle();
    const run = scene.clock.advance(BACKOFF_MS);
    const sizes = new Set<number>();
    for (let i = 0; i < 150; i++) {
      appendKeyed(log, [{ key: `k${i % 10}`, value: `late-${i}` }]);
      sizes.add(log.segmentCount);
      expect((await storedRecords(log)).at(0)?.offset).toBeLessThan(200);
      await new Promise((resolve) => scene.clock.nextTurn(() => resolve(undefined)));
    }
    await run;
    for (let i = 0; i < 3; i++) await clean(scene);
    const after = await storedRecords(log);
    expect(after.at(-1)).toMatchObject({ offset: 349, value: 'late-149' });
    for (let key = 0; key < 10; key++) expect(tableOf(after).get(`k${key}`)).toBe(`late-${140 + key}`);
    expect(after.filter(({ offset }) => offset < log.activeBaseOffset).length).toBeLessThanOrEqual(10);
    expect(sizes.size).toBeGreaterThan(1);
  });

  test('gives the loop back between batches, however many of them are read at a time', async () => {
    const clock = new HastyClock(START_MS);
    const scene = await openCompacted({ clock, cleaner: { ioBufferBytes: 1024 * 1024 } });
    const log = compactedLog(scene, { 'segment.bytes': 20_000 });
    fill(log, 300, 10);
    await scene.clock.settle();
    const batchCount = log.activeBaseOffset;
    const before = clock.turnCount;
    await clean(scene);
    expect(log.closedSegments[0].sizeInBytes).toBeLessThan(2_000);
    // A look at the clock takes a millisecond and a slice has two; every batch is read twice.
    expect(clock.turnCount - before).toBeGreaterThan((2 * batchCount) / 3);
  });

  test('is not touched in its active segment, nor above the high watermark', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene);
    fill(log, 60, 1);
    await scene.clock.settle();
    const before = await storedRecords(log);
    log.highWatermark = 20;
    await clean(scene);
    const offsets = (await storedRecords(log)).map(({ offset }) => offset);
    const untouched = before.filter(({ offset }) => offset >= 20).map(({ offset }) => offset);
    expect(offsets.slice(-untouched.length)).toEqual(untouched);
    expect(offsets.length).toBeLessThan(before.length);
  });

  test('keeps nothing else: a log without the policy, a policy not yet known and a small share of dirt are left alone', async () => {
    const scene = await openCompacted();
    const kept = compactedLog(scene, { 'cleanup.policy': ['delete'] }, 'kept');
    const slow = compactedLog(scene, { 'min.cleanable.dirty.ratio': 0.5 }, 'slow');
    for (const log of [kept, slow]) fill(log, 60, 20);
    await clean(scene);
    expect(await lines(kept)).toHaveLength(60);
    const cleaned = (await lines(slow)).length;
    expect(cleaned).toBeLessThan(60);
    fill(slow, 6, 1);
    await clean(scene);
    expect(await lines(slow)).toHaveLength(cleaned + 6);
    const disk = (scene.disk as SimulatedDisk).kill();
    const again = await openCompacted({
      disk,
      config: { 'log.cleanup.policy': 'compact', 'log.cleaner.min.cleanable.ratio': 0 },
    });
    await clean(again);
    const [unknown] = [...again.directory.logs()].filter(({ topic }) => topic === 'kept');
    expect(await lines(unknown)).toHaveLength(60);
  });

  test('waits for min.compaction.lag.ms, and no longer than max.compaction.lag.ms', async () => {
    const scene = await openCompacted();
    const young = compactedLog(scene, { 'min.compaction.lag.ms': 3_600_000 }, 'young');
    const old = compactedLog(scene, { 'min.cleanable.dirty.ratio': 1, 'max.compaction.lag.ms': 3_600_000 }, 'old');
    for (const log of [young, old]) fill(log, 60, 1);
    await clean(scene);
    expect(await lines(young)).toHaveLength(60);
    expect(await lines(old)).toHaveLength(60);
    await clean(scene, 3_600_000);
    await clean(scene);
    expect((await lines(young)).length).toBeLessThan(10);
    expect((await lines(old)).length).toBeLessThan(10);
  });
});

describe('a log with both policies', () => {
  test('loses old segments to retention while it is compacted, and is compacted again', async () => {
    // Slow enough that retention comes in the middle.
    const scene = await openCompacted({ cleaner: { ioBytesPerSecondMax: 20 }, retentionCheckMs: 60_000 });
    const log = compactedLog(scene, { 'cleanup.policy': ['compact', 'delete'], 'retention.ms': 600_000 });
    for (let i = 0; i < 20; i++) appendKeyed(log, [{ key: `old-${i}`, value: '1', timestamp: START_MS - 560_000 }]);
    for (let i = 0; i < 60; i++) appendKeyed(log, [{ key: `k${i % 3}`, value: `v${i}` }]);
    await clean(scene);
    expect(await lines(log)).toHaveLength(80);
    await clean(scene, 60_000);
    expect(log.logStartOffset).toBeGreaterThan(0);
    await clean(scene, 400_000);
    const after = await storedRecords(log);
    expect(after[0].offset).toBeGreaterThanOrEqual(log.logStartOffset);
    expect(after.length).toBeLessThan(30);
    for (let key = 0; key < 3; key++) expect(tableOf(after).get(`k${key}`)).toBe(`v${57 + key}`);
    expect(scene.warnings).toEqual([]);
    await scene.directory.close();
    expect((await filesOf(scene)).filter((name) => /swap|cleaned/.test(name))).toEqual([]);
    expect(scene.directory.failure).toBeUndefined();
  });
});

describe('a tombstone', () => {
  test('stays until the delete horizon of its batch, and goes at the next compaction', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene, { 'delete.retention.ms': 60_000 });
    appendKeyed(log, [
      { key: 'a', value: '1' },
      { key: 'b', value: '1', timestamp: START_MS + 5 },
    ]);
    appendKeyed(log, [
      { key: 'a', value: null, timestamp: START_MS + 7 },
      { key: 'c', value: '1', timestamp: START_MS + 9 },
    ]);
    fill(log, 20, 1);
    await clean(scene);
    expect((await lines(log)).slice(0, 3)).toEqual(['1 b=1', '2 a', '3 c=1']);
    expect((await storedRecords(log)).slice(0, 3).map(({ timestamp }) => timestamp - START_MS)).toEqual([5, 7, 9]);
    const headers = [...batches(await fileBytes(scene.disk, `${FOLDER}/00000000000000000000.log`))].map(
      ({ header }) => header,
    );
    expect(headers[1]).toMatchObject({ baseOffset: 2, lastOffset: 3, deleteHorizonMs: START_MS + BACKOFF_MS + 60_000 });
    fill(log, 20, 1);
    await clean(scene);
    expect((await lines(log)).slice(0, 3)).toEqual(['1 b=1', '2 a', '3 c=1']);
    await clean(scene, 60_000);
    fill(log, 20, 1);
    await clean(scene);
    expect((await lines(log)).slice(0, 2)).toEqual(['1 b=1', '3 c=1']);
    expect((await storedRecords(log))[1].timestamp).toBe(START_MS + 9);
  });
});

describe('the cleaner', () => {
  test('leaves a damaged segment as it is, says so once, and goes on with the others', async () => {
    const scene = await openCompacted();
    const bad = compactedLog(scene, {}, 'orders');
    const good = compactedLog(scene, {}, 'others');
    for (const log of [bad, good]) fill(log, 60, 1);
    await scene.clock.settle();
    const path = `${FOLDER}/00000000000000000000.log`;
    const bytes = await fileBytes(scene.disk, path);
    bytes[100] ^= 1;
    putFile(scene.disk as SimulatedDisk, path, bytes);
    const sizeBefore = bad.sizeInBytes;
    for (let i = 0; i < 3; i++) await clean(scene);
    expect(scene.warnings).toEqual([expect.stringMatching(/^orders-0: 00000000000000000000\.log is damaged/)]);
    expect((await fileBytes(scene.disk, path)).equals(bytes)).toBe(true);
    expect(bad.sizeInBytes).toBeLessThan(sizeBefore);
    expect((await lines(good)).length).toBeLessThan(10);
  });

  test('remembers what is clean in a file of Kafka, and forgets deleted topics', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene);
    fill(log, 60, 1);
    await clean(scene);
    const text = () => fileBytes(scene.disk, '/data/cleaner-offset-checkpoint').then(String);
    expect(await text()).toBe(`0\n1\norders 0 ${log.activeBaseOffset}\n`);
    await scene.directory.delete('orders', 0);
    expect(await text()).toBe('0\n0\n');
  });

  test('reads and writes no faster than it may', async () => {
    const scene = await openCompacted({ cleaner: { ioBytesPerSecondMax: 10 } });
    const log = compactedLog(scene);
    fill(log, 60, 1);
    await scene.clock.settle();
    const { sizeInBytes } = log;
    await clean(scene);
    expect(await lines(log)).toHaveLength(60);
    await clean(scene, (sizeInBytes / 10) * 900);
    expect(await lines(log)).toHaveLength(60);
    await clean(scene, (sizeInBytes / 10) * 1500);
    expect((await lines(log)).length).toBeLessThan(10);
  });

  test('stops at once when the directory is closed, and leaves nothing behind', async () => {
    const scene = await openCompacted({ cleaner: { ioBytesPerSecondMax: 10 } });
    const log = compactedLog(scene);
    fill(log, 60, 1);
    await clean(scene);
    await scene.directory.close();
    expect((await filesOf(scene)).filter((name) => /deleted|swap|cleaned/.test(name))).toEqual([]);
    const again = await openCompacted({ disk: scene.disk });
    expect(await lines(compactedLog(again))).toHaveLength(60);
  });
});

/** Time goes by while the cleaner works, so that it gives the loop back. */
class HastyClock extends ManualClock {
  turnCount = 0;
  #extraMs = 0;

  override nextTurn(fire: () => void): void {
    this.turnCount++;
    super.nextTurn(fire);
  }

  override now() {
    const { wallMs, monotonicMs } = super.now();
    this.#extraMs += 1;
    return { wallMs, monotonicMs: monotonicMs + this.#extraMs };
  }
}
