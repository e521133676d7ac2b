/** Who reads, looks up timestamps or repeats a batch while, or after, segments are replaced. */
import { describe, expect, test } from '@jest/globals';
import { KafkaError } from '#core';
import { readRecords } from '#protocol';
import type { LogRead, PartitionLog } from '#storage';
import { FailingDisk } from '../failing-disk.ts';
import { START_MS } from '../scene.ts';
import {
  appendKeyed,
  BACKOFF_MS,
  clean,
  compactedLog,
  keyedBatch,
  lines,
  openCompacted,
  storedRecords,
} from './scene.ts';

function fill(log: PartitionLog, count: number, keyCount: number): void {
  for (let i = 0; i < count; i++)
    appendKeyed(log, [{ key: `k${i % keyCount}`, value: `v${i}`, timestamp: START_MS + i }]);
}

const READ = { bytesMax: 100_000, atLeastOneBatch: true };

describe('a read', () => {
  test('that began before its segment was replaced ends well, even when the old file is gone meanwhile', async () => {
    const disk = new FailingDisk();
    const scene = await openCompacted({ disk });
    const log = compactedLog(scene, { 'file.delete.delay.ms': 0 });
    fill(log, 9, 3);
    appendKeyed(log, [{ key: 'only', value: 'once' }]);
    fill(log, 50, 3);
    await scene.clock.settle();
    const { promise, resolve } = Promise.withResolvers<void>();
    let heldCount = 0;
    disk.before = (step, path) => {
      if (step !== 'read' || !path.endsWith('.log') || heldCount > 0) return undefined;
      heldCount++;
      return promise;
    };
    // In the middle of the second segment.
    const held = log.read(8, { ...READ, endOffsetMax: 60 });
    await clean(scene);
    await clean(scene, 2_000);
    resolve();
    const read = await held;
    expect(heldCount).toBe(1);
    expect(read.error).toBeUndefined();
    // Of the segment in its place, and not of the one behind.
    expect(offsetsIn(read)[0]).toBe(9);
    expect(scene.warnings).toEqual([]);
  });

  test('at any offset of the cleaned part finds the next record that is left', async () => {
    const scene = await openCompacted();
    const log = compactedLog(scene, { 'segment.bytes': 2000 });
    fill(log, 200, 7);
    fill(log, 100, 2);
    await clean(scene);
    const left = await storedRecords(log);
    expect(left.length).toBeLessThan(60);
    for (let offset = 0; offset < 300; offset++) {
      const [first] = (await readFrom(log, offset)).filter((each) => each >= offset);
      expect(first).toBe(left.find((record) => record.offset >= offset)?.offset);
    }
  });

  test('by timestamp finds records that are left, also after the indexes were loaded again', async () => {
    let scene = await openCompacted();
    let log = compactedLog(scene);
    fill(log, 100, 7);
    await clean(scene);
    const left = await storedRecords(log);
    for (const isReopened of [false, true]) {
      if (isReopened) {
        await scene.directory.close();
        scene = await openCompacted({ disk: scene.disk });
        log = compactedLog(scene);
      }
      for (let i = 0; i < 100; i++) {
        const expected = left.find(({ timestamp }) => timestamp >= START_MS + i);
        expect((await log.offsetForTimestamp(START_MS + i))?.offset).toBe(expected?.offset);
      }
      expect((await log.maxTimestampOffset())?.offset).toBe(99);
    }
    expect(scene.warnings).toEqual([]);
  });
});

/** Offsets of the first batch that a read from `offset` gives. */
async function readFrom(log: PartitionLog, offset: number): Promise<number[]> {
  const read = await log.read(offset, { ...READ, bytesMax: 1, endOffsetMax: log.logEndOffset });
  expect(read.error).toBeUndefined();
  return offsetsIn(read);
}

/** Of the first batch. */
function offsetsIn(read: LogRead): number[] {
  const cursor = readRecords(Buffer.concat(read.records), 0, { decompressedBytesMax: 1_000_000 });
  const offsets: number[] = [];
  for (let record = cursor.next(); record !== undefined; record = cursor.next()) offsets.push(record.offset);
  return offsets;
}

function full(path: string): KafkaError {
  return new KafkaError('STORAGE_FAILED', `no space left on device: ${path}`);
}

describe('an idempotent producer', () => {
  test('whose last batch has lost its records is still known after all snapshots are lost', async () => {
    let scene = await openCompacted();
    let log = compactedLog(scene);
    const producer = { producerId: 5, producerEpoch: 0 };
    for (let i = 0; i < 6; i++) {
      const batch = keyedBatch([{ key: 'a', value: `${i}` }], { ...producer, baseSequence: i });
      expect(log.append(batch, { leaderEpoch: 0, origin: 'client' }).error).toBeUndefined();
    }
    fill(log, 60, 1);
    appendKeyed(log, [{ key: 'a', value: 'later' }]);
    fill(log, 20, 1);
    await clean(scene);
    expect((await lines(log)).filter((line) => line.includes(' a='))).toEqual(['66 a=later']);
    await scene.directory.close();
    for (const { name } of await scene.disk.list('/data/orders-0')) {
      if (name.endsWith('.snapshot')) await scene.disk.remove(`/data/orders-0/${name}`);
    }
    scene = await openCompacted({ disk: scene.disk });
    log = compactedLog(scene);
    const append = (baseSequence: number) =>
      log.append(keyedBatch([{ key: 'a', value: 'x' }], { ...producer, baseSequence }), {
        leaderEpoch: 0,
        origin: 'client',
      });
    expect(append(5)).toMatchObject({ isDuplicate: true, baseOffset: 5 });
    expect(append(8).error?.name).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(append(6).error).toBeUndefined();
  });
});

describe('a disk that is full', () => {
  test('puts compaction off, with nothing lost and nothing left behind', async () => {
    const disk = new FailingDisk();
    const scene = await openCompacted({ disk });
    const log = compactedLog(scene);
    fill(log, 60, 3);
    await scene.clock.settle();
    disk.before = (step, path) => {
      if ((step === 'open' || step === 'write') && path.endsWith('.cleaned')) throw full(path);
    };
    await clean(scene);
    expect(await lines(log)).toHaveLength(60);
    expect(scene.warnings).toEqual([expect.stringContaining('orders-0 is compacted later: no space left')]);
    expect((await disk.list('/data/orders-0')).filter(({ name }) => name.endsWith('.cleaned'))).toEqual([]);
    disk.before = () => {};
    await clean(scene, BACKOFF_MS);
    expect((await lines(log)).length).toBeLessThan(20);
    expect(scene.directory.failure).toBeUndefined();
  });
});
