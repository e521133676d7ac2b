/** A start after a crash reads what came since indexes and producers were stored last, and not the whole segment. */
import { describe, expect, test } from '@jest/globals';
import type { Disk, DiskFile, MemoryDisk } from '#storage';
import { fileBytes, fileNames } from './golden-folder.ts';
import { batchOf, createLog, openScene, readValues, START_MS } from './scene.ts';
import { abortedFrom, endTransaction, readCommittedValues, sendInTransaction } from './transaction-scene.ts';

const FOLDER = '/data/orders-0';
const LOG = `${FOLDER}/00000000000000000000.log`;
const MARK_BYTES = 200_000;
const BATCH_BYTES = 10_000;
const COUNT = 500;

/** A disk that counts the bytes that are read of `.log` files. */
function counting(below: Disk, counts: { bytes: number }): Disk {
  return {
    ...below,
    readFile: (path) => below.readFile(path),
    list: (path) => below.list(path),
    makeDirectorySync: (path) => below.makeDirectorySync(path),
    rename: (from, to) => below.rename(from, to),
    remove: (path) => below.remove(path),
    syncDirectory: (path) => below.syncDirectory(path),
    lock: (path, onTakeover) => below.lock(path, onTakeover),
    openSync(path, options): DiskFile {
      const file = below.openSync(path, options);
      return {
        path,
        sizeSync: () => file.sizeSync(),
        async read(into, position) {
          const bytesRead = await file.read(into, position);
          if (path.endsWith('.log')) counts.bytes += bytesRead;
          return bytesRead;
        },
        readSync: (into, position) => file.readSync(into, position),
        writeSync: (chunks, position) => file.writeSync(chunks, position),
        truncateSync: (sizeInBytes) => file.truncateSync(sizeInBytes),
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
  };
}

function batchAt(sequence: number): Buffer {
  const producer = { producerId: 7, producerEpoch: 0, baseSequence: sequence };
  return batchOf([`${sequence}`.padEnd(BATCH_BYTES, '.')], { ...producer, timestamp: START_MS + sequence });
}

/** One segment of 5 MB, with a round of checkpoints every few batches. */
async function filled(markBytes: number): Promise<MemoryDisk> {
  const scene = await openScene({ durability: 'sync', markBytes });
  const log = createLog(scene);
  for (let i = 0; i < COUNT; i++) {
    if (i % 100 === 0) log.assignEpoch(1 + i / 100);
    log.append(batchAt(i), { leaderEpoch: 1 + Math.floor(i / 100), origin: 'client' });
    if (i % 7 === 0) await scene.clock.advance(1000);
  }
  await scene.clock.settle();
  return (scene.disk as MemoryDisk).kill();
}

describe('a large segment', () => {
  test('is read from the last mark on, and everything is known as if it had been read whole', async () => {
    const states: unknown[] = [];
    for (const markBytes of [MARK_BYTES, Number.MAX_SAFE_INTEGER]) {
      const killed = await filled(markBytes);
      const counts = { bytes: 0 };
      const scene = await openScene({ disk: counting(killed, counts), durability: 'sync' });
      const log = createLog(scene);
      const { length } = await fileBytes(killed, LOG);
      expect(length).toBeGreaterThan(COUNT * BATCH_BYTES);
      // What came since, what the last sequences of producers are looked for in, and a few headers.
      if (markBytes === MARK_BYTES) expect(counts.bytes).toBeLessThan(2 * MARK_BYTES + 2 * 256 * 1024);
      else expect(counts.bytes).toBeGreaterThanOrEqual(length);
      for (let sequence = COUNT - 5; sequence < COUNT; sequence++)
        expect(log.append(batchAt(sequence), { leaderEpoch: 9, origin: 'client' })).toMatchObject({
          isDuplicate: true,
        });
      expect(log.append(batchAt(COUNT + 1), { leaderEpoch: 9, origin: 'client' }).error?.name).toBe(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
      );
      const values = await readValues(log);
      const times = [];
      for (let i = 0; i < COUNT; i += 13) times.push((await log.offsetForTimestamp(START_MS + i))?.offset);
      expect(scene.warnings).toEqual([]);
      const { entries } = log.leaderEpochs;
      await scene.directory.close();
      const index = await fileBytes(killed, LOG.replace('.log', '.index'));
      const timeIndex = await fileBytes(killed, LOG.replace('.log', '.timeindex'));
      states.push({ values, times, entries, index: index.toString('hex'), timeIndex: timeIndex.toString('hex') });
    }
    expect(states[0]).toEqual(states[1]);
    expect(states[0]).toMatchObject({
      entries: [1, 2, 3, 4, 5].map((epoch) => ({ epoch, startOffset: (epoch - 1) * 100 })),
    });
  });

  test('leaves one mark, and none behind a segment that is finished', async () => {
    const killed = await filled(MARK_BYTES);
    const snapshots = (await fileNames(killed, FOLDER)).filter((name) => name.endsWith('.snapshot'));
    expect(snapshots).toHaveLength(1);
    const scene = await openScene({ disk: killed, durability: 'sync', markBytes: MARK_BYTES });
    const log = createLog(scene, { 'segment.bytes': 5_000_000 });
    for (let i = COUNT; i < COUNT + 10; i++) {
      log.append(batchAt(i), { leaderEpoch: 9, origin: 'client' });
      await scene.clock.advance(1000);
    }
    expect(log.segmentCount).toBe(2);
    const bases = (await fileNames(killed, FOLDER))
      .filter((name) => name.endsWith('.log'))
      .map((name) => name.slice(0, 20));
    const left = (await fileNames(killed, FOLDER)).filter((name) => name.endsWith('.snapshot'));
    expect(left).toEqual([...snapshots, `${bases[1]}.snapshot`].sort());
  });

  test('tells the transactions that were aborted before and after its mark', async () => {
    const scene = await openScene({ durability: 'sync', markBytes: 2000 });
    const log = createLog(scene);
    for (let id = 1; id <= 20; id++) {
      sendInTransaction(log, [`${id}`.padEnd(500)], { producerId: id });
      if (id % 4 !== 0) endTransaction(log, id % 2 === 0 ? 'commit' : 'abort', id);
      if (id % 3 === 0) await scene.clock.advance(1000);
    }
    await scene.clock.settle();
    log.highWatermark = log.durableEndOffset;
    const expected = await abortedFrom(log, 0);
    expect(expected.length).toBeGreaterThan(1);
    const killed = (scene.disk as MemoryDisk).kill();
    expect((await fileNames(killed, FOLDER)).some((name) => name.endsWith('.txnindex'))).toBe(true);
    const again = createLog(await openScene({ disk: killed, durability: 'sync' }));
    expect(await abortedFrom(again, 0)).toEqual(expected);
    expect(await readCommittedValues(again)).toEqual(await readCommittedValues(log));
    expect(again.lastStableOffset).toBe(log.lastStableOffset);
  });

  test('of durability os, whose end nobody has synced, is read from its start', async () => {
    const scene = await openScene({ durability: 'os', markBytes: 1000 });
    const log = createLog(scene);
    for (let i = 0; i < 5; i++) {
      log.append(batchAt(i), { leaderEpoch: 0, origin: 'client' });
      await scene.clock.advance(5000);
    }
    expect((await fileNames(scene.disk, FOLDER)).filter((name) => /index$|snapshot$/.test(name))).toEqual([]);
  });
});
