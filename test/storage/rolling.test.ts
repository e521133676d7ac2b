import { describe, expect, test } from '@jest/globals';
import type { PartitionLog } from '#storage';
import { fileBytes, fileNames } from './golden-folder.ts';
import { appendValues, batchOf, createLog, openScene, readValues, type Scene, START_MS } from './scene.ts';

const ONE_BATCH = batchOf(['v']).length;

async function segmentBases(scene: Scene): Promise<number[]> {
  const names = await fileNames(scene.disk, '/data/orders-0');
  return names.filter((name) => name.endsWith('.log')).map((name) => Number(name.slice(0, 20)));
}

describe('a segment is closed', () => {
  test('when the next batch would make it larger than segment.bytes, and not before', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'segment.bytes': ONE_BATCH * 3 });
    for (let i = 0; i < 7; i++) appendValues(log, ['v']);
    expect(await segmentBases(scene)).toEqual([0, 3, 6]);
    expect(await readValues(log)).toEqual([]);
    await scene.clock.settle();
    expect(await readValues(log)).toHaveLength(7);
    const [first] = (await fileNames(scene.disk, '/data/orders-0')).filter((name) => name.endsWith('.log'));
    expect((await fileBytes(scene.disk, `/data/orders-0/${first}`)).length).toBe(ONE_BATCH * 3);
  });

  test('when a batch is more than segment.ms after the first one, by the timestamps of the records', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'segment.ms': 1000 });
    const send = (timestamp: number) => appendValues(log, ['v'], { timestamp });
    send(START_MS - 9_000_000);
    send(START_MS - 9_000_000 + 1000);
    expect(log.segmentCount).toBe(1);
    send(START_MS - 9_000_000 + 1001);
    expect(log.segmentCount).toBe(2);
    await scene.clock.advance(100_000);
    send(START_MS - 9_000_000 + 1002);
    expect(log.segmentCount).toBe(2);
  });

  test('by the clock when its first batch has no timestamp', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'segment.ms': 1000 });
    appendValues(log, ['v'], { timestamp: -1 });
    await scene.clock.advance(1000);
    appendValues(log, ['v'], { timestamp: -1 });
    expect(log.segmentCount).toBe(1);
    await scene.clock.advance(1);
    appendValues(log, ['v'], { timestamp: -1 });
    expect(log.segmentCount).toBe(2);
  });

  test('by the same rule after a restart', async () => {
    const scene = await openScene();
    const config = { 'segment.ms': 1000, 'index.interval.bytes': 0 };
    const log = createLog(scene, config);
    for (const age of [0, 300, 600]) appendValues(log, ['v'], { timestamp: START_MS + age });
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk, clock: scene.clock });
    const reopened = createLog(again, config);
    appendValues(reopened, ['v'], { timestamp: START_MS + 1000 });
    expect(reopened.segmentCount).toBe(1);
    appendValues(reopened, ['v'], { timestamp: START_MS + 1001 });
    expect(reopened.segmentCount).toBe(2);
  });

  test('when its index is full', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'segment.index.bytes': 48, 'index.interval.bytes': 0 });
    for (let i = 0; i < 12; i++) appendValues(log, ['v'], { timestamp: START_MS + i });
    // Four entries of 12 bytes, one of which closing needs; the first batch of a segment has no entry.
    expect(await segmentBases(scene)).toEqual([0, 4, 8]);
  });

  test('when an offset would not fit into 31 bits beside its base', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    const copied = (offset: number): Buffer => {
      const batch = Buffer.from(batchOf(['v']));
      batch.writeBigInt64BE(BigInt(offset), 0);
      return batch;
    };
    const append = (offset: number) => log.append(copied(offset), { leaderEpoch: 0, origin: 'log' }).error;
    expect([append(0), append(2 ** 31 - 1), append(2 ** 31)]).toEqual([undefined, undefined, undefined]);
    expect(log.segmentCount).toBe(2);
    await scene.clock.settle();
    expect((await readValues(log)).map((value) => value.split('=')[0])).toEqual(['0', '2147483647', '2147483648']);
  });
});

describe('timestamps', () => {
  async function timedLog(): Promise<{ scene: Scene; log: PartitionLog; times: number[] }> {
    const scene = await openScene();
    const log = createLog(scene, { 'segment.bytes': 700, 'index.interval.bytes': 150 });
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      // Rising with dips: time indexes hold only what is larger than all before.
      const timestamps = [1000 + i * 20, 1000 + i * 20 - (i % 5) * 30];
      appendValues(log, ['a', 'b'], { timestamps });
      times.push(...timestamps);
    }
    await scene.clock.settle();
    return { scene, log, times };
  }

  test('lead to the first record that is at least as late, whatever the order of the records', async () => {
    const { scene, log, times } = await timedLog();
    expect(log.segmentCount).toBeGreaterThan(4);
    const check = async (each: PartitionLog): Promise<void> => {
      for (let timestamp = 850; timestamp < 1850; timestamp += 7) {
        const expected = times.findIndex((time) => time >= timestamp);
        const found = await each.offsetForTimestamp(timestamp);
        expect([timestamp, found?.offset ?? -1, found?.timestamp]).toEqual([timestamp, expected, times[expected]]);
      }
    };
    await check(log);
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk });
    await check(createLog(again));
  });

  test('at or above the end that a reader may see are not found', async () => {
    const { log, times } = await timedLog();
    const last = times.length - 1;
    const largest = Math.max(...times);
    expect((await log.offsetForTimestamp(largest, last))?.offset).toBe(times.indexOf(largest));
    expect(await log.offsetForTimestamp(largest, times.indexOf(largest))).toBeUndefined();
    expect((await log.maxTimestampOffset())?.offset).toBe(times.indexOf(largest));
    const visible = times.slice(0, 20);
    expect((await log.maxTimestampOffset(20))?.offset).toBe(visible.indexOf(Math.max(...visible)));
  });

  test('of an empty log lead nowhere', async () => {
    const log = createLog(await openScene());
    expect(await log.offsetForTimestamp(0)).toBeUndefined();
    expect(await log.maxTimestampOffset()).toBeUndefined();
  });
});

describe('leader epochs', () => {
  test('end where the next one begins; the epoch of a record is the one it was written in', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    for (const leaderEpoch of [2, 2, 5, 9, 9]) log.append(batchOf(['a', 'b']), { leaderEpoch, origin: 'client' });
    log.assignEpoch(12);
    expect(log.leaderEpochs.entries).toEqual([
      { epoch: 2, startOffset: 0 },
      { epoch: 5, startOffset: 4 },
      { epoch: 9, startOffset: 6 },
      { epoch: 12, startOffset: 10 },
    ]);
    const ends = [1, 2, 3, 5, 8, 9, 12, 13].map((epoch) => log.endOffsetForEpoch(epoch));
    expect(ends).toEqual([
      { epoch: 1, endOffset: 0 },
      { epoch: 2, endOffset: 4 },
      { epoch: 2, endOffset: 4 },
      { epoch: 5, endOffset: 6 },
      { epoch: 5, endOffset: 6 },
      { epoch: 9, endOffset: 10 },
      { epoch: 12, endOffset: 10 },
      undefined,
    ]);
    expect([0, 4, 9].map((offset) => log.epochAt(offset))).toEqual([2, 5, 9]);
    await scene.directory.close();
    expect((await fileBytes(scene.disk, '/data/orders-0/leader-epoch-checkpoint')).toString()).toBe(
      '0\n4\n2 0\n5 4\n9 6\n12 10\n',
    );
  });

  test('that wrote nothing give way to the next one', async () => {
    const log = createLog(await openScene());
    for (const epoch of [0, 1, 2]) log.assignEpoch(epoch);
    expect(log.leaderEpochs.entries).toEqual([{ epoch: 2, startOffset: 0 }]);
  });
});
