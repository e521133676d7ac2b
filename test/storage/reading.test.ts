import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '#core';
import { Errors } from '#protocol';
import type { Disk, LogRead, PartitionLog } from '#storage';
import { diskError, FailingDisk } from './failing-disk.ts';
import { appendValues, batchOf, createLog, openScene, readValues, type SceneOptions, valuesIn } from './scene.ts';

async function filledLog(options: SceneOptions = {}, overrides = {}, count = 40) {
  const scene = await openScene(options);
  const log = createLog(scene, overrides);
  for (let i = 0; i < count; i++) appendValues(log, [`a${i}`, `b${i}`, `c${i}`]);
  await scene.clock.settle();
  return { ...scene, log };
}

const FROM_DISK = { tailBytesPerLogMax: 0 };

function offsetsIn(read: LogRead): number[] {
  return valuesIn(Buffer.concat(read.records)).map((value) => Number(value.split('=')[0]));
}

describe.each([
  ['memory', {}],
  ['disk', FROM_DISK],
] as const)('a read from %s', (_name, options) => {
  test('returns the whole batch that holds the offset, also from its middle', async () => {
    const { log } = await filledLog(options);
    for (const offset of [9, 10, 11]) {
      const read = await log.read(offset, { bytesMax: 1, endOffsetMax: 120, atLeastOneBatch: true });
      expect(read).toMatchObject({ error: undefined, endOffset: 12 });
      expect(offsetsIn(read)).toEqual([9, 10, 11]);
      expect(read.sizeInBytes).toBe(Buffer.concat(read.records).length);
    }
  });

  test('stays within bytesMax after the first batch, and gives nothing too large unless it must', async () => {
    const { log } = await filledLog(options);
    const one = (await log.read(0, { bytesMax: 1, endOffsetMax: 120, atLeastOneBatch: true })).sizeInBytes;
    const read = async (bytesMax: number, atLeastOneBatch: boolean) =>
      offsetsIn(await log.read(0, { bytesMax, endOffsetMax: 120, atLeastOneBatch })).length;
    expect(await read(one - 1, false)).toBe(0);
    expect(await read(one - 1, true)).toBe(3);
    expect(await read(one, false)).toBe(3);
    expect(await read(one * 3 - 1, false)).toBe(6);
    expect(await read(one * 3, true)).toBe(9);
  });

  test('never gives a batch that reaches endOffsetMax', async () => {
    const { log } = await filledLog(options);
    const ends = async (endOffsetMax: number) =>
      (await log.read(0, { bytesMax: 100_000, endOffsetMax, atLeastOneBatch: true })).endOffset;
    expect([await ends(0), await ends(2), await ends(3), await ends(5), await ends(6), await ends(120)]).toEqual([
      0, 0, 3, 3, 6, 120,
    ]);
  });

  test('at the end is empty, beyond it is out of range', async () => {
    const { log } = await filledLog(options);
    const at = (offset: number) => log.read(offset, { bytesMax: 100, endOffsetMax: 1000, atLeastOneBatch: true });
    expect(await at(120)).toMatchObject({ error: undefined, sizeInBytes: 0, endOffset: 120 });
    expect((await at(121)).error).toBe(Errors.OFFSET_OUT_OF_RANGE);
    expect((await at(-1)).error).toBe(Errors.OFFSET_OUT_OF_RANGE);
  });

  test('gives every batch when read in small steps, across segments', async () => {
    const { log } = await filledLog(options, { 'segment.bytes': 500, 'index.interval.bytes': 200 });
    expect(log.segmentCount).toBeGreaterThan(6);
    const values = await readValues(log, 0, 1);
    expect(values).toHaveLength(120);
    expect(await readValues(log, 0, 100_000)).toEqual(values);
  });
});

describe('the memory tail', () => {
  test('answers at once, with the slices that were appended', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    const batch = batchOf(['a']);
    log.append(batch, { leaderEpoch: 0, origin: 'client' });
    const read = log.read(0, { bytesMax: 1000, endOffsetMax: 1, atLeastOneBatch: true });
    expect(read).not.toBeInstanceOf(Promise);
    expect((read as LogRead).records[1].buffer).toBe(batch.buffer);
  });

  test('keeps within its limit in whole ArrayBuffers, and what fell out comes from the disk', async () => {
    const disk = new FailingDisk();
    const { log, directory } = await filledLog({ disk, tailBytesPerLogMax: 8192 }, {}, 2);
    const held = () => directory.memoryBytes;
    for (let i = 0; i < 50; i++) {
      const chunk = new ArrayBuffer(2048);
      const batch = batchOf([`v${i}`]);
      const slice = Buffer.from(chunk, 100, batch.length);
      batch.copy(slice);
      log.append(slice, { leaderEpoch: 0, origin: 'client' });
      log.writePending();
      expect(held()).toBeLessThanOrEqual(8192 + 2048);
    }
    expect(held()).toBeGreaterThan(4096);
    disk.counts.read = 0;
    expect(
      log.read(log.logEndOffset - 1, { bytesMax: 1, endOffsetMax: 1000, atLeastOneBatch: true }),
    ).not.toBeInstanceOf(Promise);
    expect(disk.counts.read).toBe(0);
    expect(await readValues(log)).toHaveLength(56);
    expect(disk.counts.read).toBeGreaterThan(0);
  });

  test('of all logs together keeps within the limit of the directory, the ones used longest ago shrink first', async () => {
    const scene = await openScene({ memoryBytesMax: 20_000 });
    const logs = Array.from({ length: 5 }, (_, index) => createLog(scene, {}, `t${index}`));
    for (let round = 0; round < 20; round++) {
      for (const log of logs) {
        log.append(ownBuffer(batchOf(['x'.repeat(500)])), { leaderEpoch: -1, origin: 'client' });
        log.writePending();
      }
    }
    expect(scene.directory.memoryBytes).toBeLessThanOrEqual(20_000);
    for (const log of logs) expect(await readValues(log)).toHaveLength(20);
  });

  test('does not let go of what is not written yet', async () => {
    const scene = await openScene({ ...FROM_DISK, memoryBytesMax: 0 });
    const log = createLog(scene);
    appendValues(log, ['a']);
    appendValues(log, ['b']);
    expect(await log.read(0, { bytesMax: 1000, endOffsetMax: 2, atLeastOneBatch: true })).toMatchObject({
      endOffset: 2,
    });
  });
});

/** A copy that shares its ArrayBuffer with nobody. */
function ownBuffer(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

describe('reading from the disk', () => {
  test('in sequence needs one read of the disk for many answers, most of them synchronous', async () => {
    const disk = new FailingDisk();
    const { log } = await filledLog({ disk, ...FROM_DISK }, {}, 400);
    disk.counts.read = 0;
    let offset = 0;
    let syncCount = 0;
    let count = 0;
    for (; offset < log.logEndOffset; count++) {
      const read = log.read(offset, { bytesMax: 500, endOffsetMax: log.logEndOffset, atLeastOneBatch: true });
      if (!(read instanceof Promise)) syncCount++;
      offset = (await read).endOffset;
    }
    expect(count).toBeGreaterThan(80);
    expect(disk.counts.read).toBeLessThan(6);
    expect(syncCount).toBeGreaterThan(count - 6);
  });

  test('at any place needs one read of the disk, however large batches are', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, ...FROM_DISK });
    const log = createLog(scene);
    for (let index = 0; index < 20; index++) appendValues(log, ['a', 'x'.repeat(30_000), 'c']);
    await scene.clock.settle();
    for (const offset of [55, 1, 28, 17, 8, 50]) {
      disk.counts.read = 0;
      const read = await log.read(offset, { bytesMax: 1, endOffsetMax: 60, atLeastOneBatch: true });
      expect([offset, read.endOffset, disk.counts.read]).toEqual([offset, offset - (offset % 3) + 3, 1]);
    }
  });

  test('a batch larger than a window comes whole', async () => {
    const { log, clock } = await filledLog(FROM_DISK, { 'max.message.bytes': 10_000_000 }, 1);
    appendValues(log, ['x'.repeat(3_000_000)]);
    appendValues(log, ['last']);
    await clock.settle();
    const values = await readValues(log, 0, 1);
    expect(values.map((value) => value.length)).toEqual([4, 4, 4, 3_000_002, 6]);
  });

  test('damage is CORRUPT_MESSAGE at its offsets; what lies before and after can be read', async () => {
    const config = { 'index.interval.bytes': 100 };
    const { directory, disk, clock } = await filledLog(FROM_DISK, config);
    await directory.close();
    overwrite(disk, 0, 'b20');
    const log = createLog(await openScene({ disk, clock, ...FROM_DISK }), config);
    const read = (offset: number) => log.read(offset, { bytesMax: 100_000, endOffsetMax: 120, atLeastOneBatch: true });
    expect((await read(57)).endOffset).toBe(60);
    for (const offset of [60, 61, 62]) expect((await read(offset)).error).toBe(Errors.CORRUPT_MESSAGE);
    expect((await read(63)).endOffset).toBe(120);
    await expect(readValues(log)).rejects.toMatchObject({ code: 'CORRUPT_MESSAGE' });
  });

  test('takes what this process wrote or verified as it is, until the scrub says otherwise', async () => {
    const { log, disk } = await filledLog(FROM_DISK, { 'segment.bytes': 2000 });
    overwrite(disk, 0, 'b2');
    const read = (offset: number) => log.read(offset, { bytesMax: 100_000, endOffsetMax: 120, atLeastOneBatch: true });
    const { endOffset } = await read(0);
    expect(endOffset).toBeGreaterThan(9);
    await log.segmentWork.verify(log.closedSegments[0], () => Promise.resolve());
    expect(await read(0)).toMatchObject({ error: undefined, endOffset: 6 });
    for (const offset of [6, 7, 8]) expect((await read(offset)).error).toBe(Errors.CORRUPT_MESSAGE);
    expect(await read(9)).toMatchObject({ error: undefined, endOffset });
  });

  test('finds damage that the scrub found, also where it was read before', async () => {
    const { log, disk } = await filledLog(FROM_DISK, { 'segment.bytes': 2000 });
    overwrite(disk, 0, 'b2');
    const read = (offset: number) => log.read(offset, { bytesMax: 1, endOffsetMax: 120, atLeastOneBatch: true });
    expect((await read(0)).endOffset).toBe(3);
    await log.segmentWork.verify(log.closedSegments[0], () => Promise.resolve());
    expect(await read(3)).toMatchObject({ error: undefined, endOffset: 6 });
    expect((await read(6)).error).toBe(Errors.CORRUPT_MESSAGE);
  });

  test('leaves nothing in memory that was to be forgotten meanwhile', async () => {
    const disk = new FailingDisk();
    const { log, directory, clock } = await filledLog({ disk, ...FROM_DISK });
    const arrival = Promise.withResolvers<void>();
    disk.before = (step) => (step === 'read' ? arrival.promise : undefined);
    const reading = log.read(0, { bytesMax: 1, endOffsetMax: 120, atLeastOneBatch: true });
    await clock.settle();
    log.segmentWork.forgetBelow(0);
    arrival.resolve();
    expect(await reading).toMatchObject({ error: undefined, endOffset: 3 });
    expect(directory.memoryBytes).toBe(0);
  });

  test('of batches that are larger than a window reads nothing ahead that is of no use', async () => {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, ...FROM_DISK });
    const log = createLog(scene, { 'max.message.bytes': 10_000_000 });
    for (let index = 0; index < 4; index++) appendValues(log, ['x'.repeat(1_500_000)]);
    await scene.clock.settle();
    disk.counts.read = 0;
    expect(await readValues(log, 0, 1)).toHaveLength(4);
    await scene.clock.settle();
    expect(disk.counts.read).toBeLessThanOrEqual(8);
  });

  test('after the log was deleted is an error and no exception', async () => {
    const { log, directory } = await filledLog(FROM_DISK);
    const reading = log.read(0, { bytesMax: 1000, endOffsetMax: 120, atLeastOneBatch: true });
    await directory.delete('orders', 0);
    expect([undefined, Errors.KAFKA_STORAGE_ERROR]).toContain((await reading).error);
    expect((await log.read(0, { bytesMax: 1000, endOffsetMax: 120, atLeastOneBatch: true })).error).toBe(
      Errors.KAFKA_STORAGE_ERROR,
    );
    expect(directory.get('orders', 0)).toBeUndefined();
  });
});

/** Damages the first `text` in the segment of orders-0 that begins at `baseOffset`. */
function overwrite(disk: Disk, baseOffset: number, text: string): void {
  const file = disk.openSync(`/data/orders-0/${String(baseOffset).padStart(20, '0')}.log`, { create: false });
  const content = Buffer.alloc(file.sizeSync());
  file.readSync(content, 0);
  file.writeSync([Buffer.from('X')], content.indexOf(text));
  file.close();
}

describe('reading ahead', () => {
  const MIB = 1024 * 1024;

  async function longLog(options: SceneOptions = {}) {
    const disk = new FailingDisk();
    const scene = await openScene({ disk, ...FROM_DISK, ...options });
    const log = createLog(scene);
    for (let index = 0; index < 200; index++) appendValues(log, ['x'.repeat(30_000)]);
    await scene.clock.settle();
    const next = async (offset: number) => {
      const read = log.read(offset, { bytesMax: MIB, endOffsetMax: 200, atLeastOneBatch: true });
      const { error, endOffset } = await read;
      await scene.clock.settle();
      return { error, endOffset, isSync: !(read instanceof Promise) };
    };
    return { ...scene, disk, log, next };
  }

  test('answers at once who comes back, and reads nothing twice but the batch at the end of a window', async () => {
    const { disk, log, next } = await longLog();
    disk.counts.read = 0;
    const isSync: boolean[] = [];
    for (let offset = 0; offset < log.logEndOffset; ) {
      const read = await next(offset);
      isSync.push(read.isSync);
      offset = read.endOffset;
    }
    expect(isSync).toEqual([false, false, true, true, true, true]);
    expect(disk.counts.read).toBe(6);
  });

  test('is done for four readers at a time, and a fifth only costs the one that read longest ago its place', async () => {
    const { next } = await longLog();
    const offsets = [0, 40, 80, 120];
    const readAll = async (readers: readonly number[]) => {
      const isSync: boolean[] = [];
      for (const reader of readers) {
        const read = await next(offsets[reader]);
        isSync.push(read.isSync);
        offsets[reader] = read.endOffset;
      }
      return isSync;
    };
    await readAll([0, 1, 2, 3]);
    await next(190);
    await readAll([1, 2]);
    expect(await readAll([1, 2])).toEqual([true, true]);
  });

  test('is not done for who reads once', async () => {
    const { disk, next } = await longLog();
    disk.counts.read = 0;
    for (const offset of [100, 20, 60]) await next(offset);
    expect(disk.counts.read).toBe(3);
  });

  test('that fails is tried again by who comes for it', async () => {
    const { disk, next } = await longLog();
    const { endOffset } = await next(0);
    let readsLeft = 1;
    disk.before = (step) => {
      if (step === 'read' && readsLeft-- <= 0) throw diskError('the disk is gone');
    };
    const second = await next(endOffset);
    expect(second).toMatchObject({ error: undefined, isSync: false });
    expect(await next(second.endOffset)).toMatchObject({ error: Errors.KAFKA_STORAGE_ERROR });
    disk.before = () => {};
    expect(await next(second.endOffset)).toMatchObject({ error: undefined, endOffset: second.endOffset + 34 });
  });

  test('keeps to the limit of memory', async () => {
    const { directory, log, next } = await longLog({ memoryBytesMax: MIB });
    for (let offset = 0; offset < log.logEndOffset; ) {
      offset = (await next(offset)).endOffset;
      expect(directory.memoryBytes).toBeLessThanOrEqual(MIB);
    }
  });

  test('ends with the log, and who waits for it hears an error', async () => {
    const { directory, disk, log, next } = await longLog();
    const { endOffset } = await next(0);
    const arrival = Promise.withResolvers<void>();
    let readsLeft = 1;
    disk.before = (step) => (step === 'read' && readsLeft-- <= 0 ? arrival.promise : undefined);
    const request = { bytesMax: MIB, endOffsetMax: 200, atLeastOneBatch: true };
    const second = await log.read(endOffset, request);
    const waiting = log.read(second.endOffset, request);
    await directory.close();
    expect(directory.memoryBytes).toBe(0);
    arrival.resolve();
    expect(await waiting).toMatchObject({ error: Errors.KAFKA_STORAGE_ERROR });
  });
});

describe('random reads', () => {
  test.each(Array.from({ length: 30 }, (_, seed) => seed))('agree with a model (seed %i)', async (seed) => {
    const random = seededRandom(1000 + seed);
    const upTo = (max: number) => Math.floor(random.float() * max);
    const config = {
      'segment.bytes': 250 + upTo(5000),
      'index.interval.bytes': upTo(800),
      'segment.index.bytes': 24 + upTo(500),
      'max.message.bytes': 100_000,
    };
    let scene = await openScene({ random, tailBytesPerLogMax: upTo(3000), memoryBytesMax: upTo(60_000) });
    let log = createLog(scene, config);
    const model: { baseOffset: number; lastOffset: number; bytes: number; values: string[] }[] = [];
    for (let step = 0; step < 150; step++) {
      if (random.float() < 0.5) {
        const values = Array.from({ length: 1 + upTo(4) }, (_, index) => `${step}-${index}-${'z'.repeat(upTo(40))}`);
        const batch = batchOf(values);
        if (batch.length > config['segment.bytes']) continue;
        const { baseOffset, lastOffset } = log.append(batch, { leaderEpoch: 0, origin: 'client' });
        model.push({
          baseOffset,
          lastOffset,
          bytes: batch.length,
          values: values.map((value, index) => `${baseOffset + index}=${value}`),
        });
      } else if (random.float() < 0.05) {
        const { disk, clock } = scene;
        await scene.directory.close();
        scene = await openScene({ disk, clock, random, tailBytesPerLogMax: upTo(3000) });
        log = createLog(scene, config);
      } else if (random.float() < 0.3) {
        await scene.clock.settle();
      } else {
        await compareRead(log, model, upTo);
      }
    }
  });

  async function compareRead(
    log: PartitionLog,
    model: { baseOffset: number; lastOffset: number; bytes: number; values: string[] }[],
    upTo: (max: number) => number,
  ): Promise<void> {
    const offset = upTo(log.logEndOffset + 1);
    const request = { bytesMax: upTo(3000), endOffsetMax: upTo(log.logEndOffset + 1), atLeastOneBatch: upTo(2) === 0 };
    const read = await log.read(offset, request);
    const got = valuesIn(Buffer.concat(read.records));
    const allowed = model.filter((batch) => batch.lastOffset >= offset && batch.lastOffset < request.endOffsetMax);
    const expected = allowed.flatMap((batch) => batch.values);
    expect(read.error).toBeUndefined();
    expect(got).toEqual(expected.slice(0, got.length));
    const isFirstWelcome = allowed.length > 0 && (request.atLeastOneBatch || allowed[0].bytes <= request.bytesMax);
    expect(got.length > 0).toBe(isFirstWelcome && offset < request.endOffsetMax);
    if (got.length > (allowed[0]?.values.length ?? 0)) expect(read.sizeInBytes).toBeLessThanOrEqual(request.bytesMax);
    expect(read.endOffset).toBe(got.length === 0 ? offset : Number(got[got.length - 1].split('=')[0]) + 1);
  }
});
