/** A full disk, and a process without file handles: nothing acknowledged is lost, and records are taken again when it is over. */
import { describe, expect, test } from '@jest/globals';
import { Errors } from '#protocol';
import { type PartitionLog, type SimulatedDisk, simulatedDisk } from '#storage';
import { appendValues, batchOf, createLog, openScene, readValues, type SceneOptions } from './scene.ts';

async function fullScene(options: SceneOptions = {}, config = {}) {
  const disk = simulatedDisk(1);
  const scene = await openScene({ durability: 'sync', ...options, disk });
  const log = createLog(scene, config);
  const heard: (string | number)[] = [];
  const send = (value: string, draft = {}): ReturnType<PartitionLog['append']> => {
    const result = log.append(batchOf([value], draft), { leaderEpoch: 0, origin: 'client' });
    if (result.error !== undefined) heard.push(result.error.name);
    else
      log.whenDurable(result.lastOffset + 1, (error) =>
        heard.push(error === undefined ? result.baseOffset : (error as Error & { code: string }).code),
      );
    return result;
  };
  return { ...scene, disk, log, heard, send };
}

const roomFor = (disk: SimulatedDisk, bytes: number): void => {
  disk.faults.capacityBytes = disk.usedBytes + bytes;
};

describe('a full disk', () => {
  test('undoes what it has no room for, refuses for a second, and takes records again when there is room', async () => {
    const { disk, log, heard, send, clock, directory, warnings } = await fullScene();
    send('a');
    await clock.settle();
    roomFor(disk, 150);
    const file = `${log.folder}/00000000000000000000.log`;
    const sizeBefore = (await disk.readFile(file))?.length;
    send('b'.repeat(80));
    send('c'.repeat(80));
    expect(log.logEndOffset).toBe(3);
    await clock.settle();
    expect(heard).toEqual([0, 'KAFKA_STORAGE_ERROR', 'KAFKA_STORAGE_ERROR']);
    expect(log.logEndOffset).toBe(1);
    expect((await disk.readFile(file))?.length).toBe(sizeBefore);
    expect(directory.failure).toBeUndefined();
    expect(warnings.join()).toContain('no space left on device');
    disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    const refused = send('at once');
    expect(refused.error).toBe(Errors.KAFKA_STORAGE_ERROR);
    expect(refused.errorMessage).toContain('send it again');
    await clock.advance(1000);
    send('d');
    await clock.settle();
    expect(heard.at(-1)).toBe(1);
    expect(await readValues(log)).toEqual(['0=a', '1=d']);
    const again = await openScene({ disk: disk.crash(), durability: 'sync' });
    expect(await readValues(createLog(again))).toEqual(['0=a', '1=d']);
  });

  test('readers go on, and other appends of small size are not lost', async () => {
    const { disk, log, heard, send, clock } = await fullScene({ tailBytesPerLogMax: 0 });
    for (let i = 0; i < 20; i++) send(`${i}`);
    await clock.settle();
    roomFor(disk, 0);
    send('x');
    await clock.settle();
    expect(await readValues(log)).toHaveLength(20);
    expect(heard.filter((each) => typeof each === 'number')).toHaveLength(20);
  });

  test('the producer that sends again is in sequence, and its written batches are still known', async () => {
    const { disk, log, heard, send, clock } = await fullScene();
    const sequenced = (baseSequence: number) => ({ producerId: 5, producerEpoch: 0, baseSequence });
    for (let i = 0; i < 6; i++) send(`${i}`, sequenced(i));
    await clock.settle();
    roomFor(disk, 100);
    for (let i = 6; i < 11; i++) send(`${i}`, sequenced(i));
    await clock.settle();
    expect(log.logEndOffset).toBe(6);
    disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    await clock.advance(1000);
    expect([1, 2, 3, 4, 5].map((i) => send(`${i}`, sequenced(i)).isDuplicate)).toEqual([true, true, true, true, true]);
    for (let i = 6; i < 11; i++) expect(send(`${i}`, sequenced(i)).baseOffset).toBe(i);
    await clock.settle();
    expect(heard.slice(-5)).toEqual([6, 7, 8, 9, 10]);
    expect(send('0', sequenced(0)).error).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  test('a producer that was new, or of a new epoch, is as it was before', async () => {
    const { disk, log, send, clock } = await fullScene();
    send('a', { producerId: 5, producerEpoch: 0, baseSequence: 0 });
    await clock.settle();
    roomFor(disk, 10);
    send('b', { producerId: 5, producerEpoch: 1, baseSequence: 0 });
    send('c', { producerId: 6, producerEpoch: 0, baseSequence: 7 });
    await clock.settle();
    expect(log.producers.producerCount).toBe(1);
    disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    await clock.advance(1000);
    expect(send('a', { producerId: 5, producerEpoch: 0, baseSequence: 0 }).isDuplicate).toBe(true);
  });

  test.each(['.index', '.timeindex', '.snapshot'])(
    'behind a rolled segment leaves out what can be built again (%s)',
    async (suffix) => {
      const small = { 'segment.bytes': 400, 'index.interval.bytes': 50 };
      const { disk, log, heard, send, clock, directory, warnings } = await fullScene({}, small);
      const end = disk.faults.inject({ step: 'write', code: 'ENOSPC', path: new RegExp(`\\${suffix}$`) });
      const producer = { producerId: 5, producerEpoch: 0 };
      for (let i = 0; i < 9; i++) send('w'.repeat(60), { ...producer, baseSequence: i, timestamp: 1000 + i });
      await clock.settle();
      expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
      expect(log.segmentCount).toBeGreaterThan(2);
      expect(directory.failure).toBeUndefined();
      expect(warnings.join()).toContain('built again when they are needed');
      end();
      for (const left of [disk.kill(), disk.crash(3)]) {
        const again = createLog(await openScene({ disk: left, durability: 'sync' }));
        expect(await readValues(again)).toHaveLength(9);
        for (let i = 0; i < 9; i++) expect((await again.offsetForTimestamp(1000 + i))?.offset).toBe(i);
        const repeated = batchOf(['w'.repeat(60)], { ...producer, baseSequence: 7, timestamp: 1007 });
        expect(again.append(repeated, { leaderEpoch: 0, origin: 'client' })).toMatchObject({
          isDuplicate: true,
          baseOffset: 7,
        });
      }
    },
  );

  test('while a segment is rolled leaves the old one active', async () => {
    const { disk, log, heard, send, clock, directory } = await fullScene({}, { 'segment.bytes': 400 });
    for (let i = 0; i < 3; i++) send('v'.repeat(60));
    await clock.settle();
    const end = disk.faults.inject({ step: 'open', code: 'ENOSPC', path: /00000000000000000003\.log$/ });
    expect(send('w'.repeat(60)).error).toBe(Errors.KAFKA_STORAGE_ERROR);
    expect(log.segmentCount).toBe(1);
    expect(directory.failure).toBeUndefined();
    end();
    await clock.advance(1000);
    for (let i = 3; i < 9; i++) send('w'.repeat(60));
    await clock.settle();
    expect(heard.filter((each) => typeof each === 'number')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(log.segmentCount).toBeGreaterThan(2);
    expect(await readValues(log)).toHaveLength(9);
    const again = await openScene({ disk: disk.crash(3), durability: 'sync' });
    expect(await readValues(createLog(again))).toHaveLength(9);
  });

  test('does not stop the checkpoints for good', async () => {
    const { disk, send, clock, directory } = await fullScene();
    send('a');
    const end = disk.faults.inject({ step: 'write', code: 'ENOSPC', path: /checkpoint/ });
    await clock.advance(3000);
    expect(directory.failure).toBeUndefined();
    end();
    await clock.advance(2000);
    expect((await disk.readFile('/data/recovery-point-offset-checkpoint'))?.toString()).toBe('0\n1\norders 0 1\n');
  });

  test('is closed without the marker of a clean stop, and nothing is lost', async () => {
    const { disk, send, clock, directory } = await fullScene();
    send('a');
    await clock.settle();
    roomFor(disk, 0);
    await directory.close();
    expect((await disk.list('/data')).map(({ name }) => name)).not.toContain('.kafka_cleanshutdown');
    disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    expect(await readValues(createLog(await openScene({ disk })))).toEqual(['0=a']);
  });

  test('random sends under random room lose nothing, repeat nothing and keep their order', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { disk, log, send, clock, heard, random } = await fullScene({}, { 'segment.bytes': 900 });
      disk.faults.shortWriteChance = 0.3;
      let sequence = 0;
      for (let i = 0; i < 60; i++) {
        roomFor(disk, Math.floor(random.float() * 3000));
        const heardCount = heard.length;
        const sizes = Array.from({ length: 3 }, () => 1 + Math.floor(random.float() * 200));
        for (const [index, size] of sizes.entries()) {
          const baseSequence = sequence + index;
          send(`${baseSequence}`.padEnd(size, '.'), { producerId: 1, producerEpoch: 0, baseSequence });
        }
        await clock.advance(1001);
        // In order: the first failure ends what was taken.
        const outcome = heard.slice(heardCount);
        const isTaken = (each: string | number | undefined): boolean => typeof each === 'number';
        sequence += outcome.filter(isTaken).length;
        expect(log.logEndOffset).toBe(sequence);
      }
      const values = (await readValues(log)).map((text) => Number.parseInt(text.slice(text.indexOf('=') + 1), 10));
      expect(values).toEqual(Array.from({ length: sequence }, (_, index) => index));
      expect(sequence).toBeGreaterThan(10);
      const again = createLog(await openScene({ disk: disk.crash(seed), durability: 'sync' }));
      expect(again.logEndOffset).toBe(sequence);
    }
  });
});

describe('a process without file handles', () => {
  test('refuses what needs one with a retriable error, and goes on when there are some', async () => {
    const { disk, log, send, clock, directory, heard } = await fullScene({}, { 'segment.bytes': 400 });
    for (let i = 0; i < 3; i++) send('v'.repeat(60));
    await clock.settle();
    disk.faults.openFilesMax = disk.openFileCount;
    const refused = send('w'.repeat(60));
    expect(refused.error).toBe(Errors.KAFKA_STORAGE_ERROR);
    expect(refused.errorMessage).toContain('too many open files');
    expect(() => createLog({ directory } as never, {}, 'other')).toThrow(/too many open files/);
    expect(directory.failure).toBeUndefined();
    disk.faults.openFilesMax = Number.POSITIVE_INFINITY;
    await clock.advance(1000);
    send('w'.repeat(60));
    await clock.settle();
    expect(heard.at(-1)).toBe(3);
    expect(log.segmentCount).toBe(2);
    appendValues(createLog({ directory } as never, {}, 'other'), ['a']);
  });

  test('a sync waits for one instead of failing', async () => {
    const { disk, log, send, clock, directory, heard } = await fullScene();
    disk.faults.openFilesMax = 0;
    const end = disk.faults.inject({ step: 'syncDirectory', code: 'EMFILE' });
    send('a');
    await clock.settle();
    expect(heard).toEqual([]);
    disk.faults.openFilesMax = Number.POSITIVE_INFINITY;
    end();
    await clock.advance(100);
    await clock.advance(100);
    expect(heard).toEqual([0]);
    expect(directory.failure).toBeUndefined();
    expect(log.durableEndOffset).toBe(1);
  });
});

describe('a failed fdatasync', () => {
  test('with any code takes the directory offline for good: a second one would lie', async () => {
    for (const code of ['EIO', 'ENOSPC']) {
      const { disk, log, send, clock, directory, heard } = await fullScene();
      send('a');
      await clock.settle();
      disk.faults.inject({ step: 'sync', code, path: /\.log$/, failCount: 1 });
      send('b');
      await clock.settle();
      expect(heard).toEqual([0, 'KAFKA_STORAGE_ERROR']);
      expect(directory.failure?.code).toBe('KAFKA_STORAGE_ERROR');
      await clock.advance(60_000);
      expect(send('c').error).toBe(Errors.KAFKA_STORAGE_ERROR);
      expect(log.durableEndOffset).toBe(1);
      await directory.close();
      const again = createLog(await openScene({ disk: disk.crash(5), durability: 'sync' }));
      expect((await readValues(again))[0]).toBe('0=a');
    }
  });
});
