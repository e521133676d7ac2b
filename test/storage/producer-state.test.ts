import { describe, expect, test } from '@jest/globals';
import { Errors } from '#protocol';
import { fileNames } from './golden-folder.ts';
import { appendValues, batchOf, createLog, openScene, type Scene, START_MS } from './scene.ts';

function send(log: ReturnType<typeof createLog>, producerEpoch: number, baseSequence: number, count = 1) {
  const values = Array.from({ length: count }, (_, index) => `v${index}`);
  const batch = batchOf(values, { producerId: 7, producerEpoch, baseSequence });
  return log.append(batch, { leaderEpoch: 0, origin: 'client' });
}

async function closeAndOpen(scene: Scene): Promise<Scene> {
  await scene.directory.close();
  return openScene({ disk: scene.disk, clock: scene.clock });
}

describe('sequences of an idempotent producer', () => {
  test('the next sequence is appended, a gap is refused', async () => {
    const log = createLog(await openScene());
    expect(send(log, 0, 0, 3)).toMatchObject({ error: undefined, baseOffset: 0 });
    expect(send(log, 0, 3)).toMatchObject({ error: undefined, baseOffset: 3 });
    expect(send(log, 0, 5).error).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(log.logEndOffset).toBe(4);
  });

  test('each of the last five batches is a duplicate with its own offsets, an older one is out of order', async () => {
    const log = createLog(await openScene());
    for (let sequence = 0; sequence < 6; sequence++) send(log, 0, sequence);
    for (let sequence = 1; sequence < 6; sequence++) {
      const expected = { error: undefined, isDuplicate: true, baseOffset: sequence, lastOffset: sequence };
      expect(send(log, 0, sequence)).toMatchObject(expected);
    }
    expect(send(log, 0, 0).error).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(log.logEndOffset).toBe(6);
  });

  test('a batch that begins like a known one but ends elsewhere is no duplicate', async () => {
    const log = createLog(await openScene());
    send(log, 0, 0, 2);
    expect(send(log, 0, 0, 3).error).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  test('an unknown producer may begin with any sequence', async () => {
    const log = createLog(await openScene());
    expect(send(log, 3, 41)).toMatchObject({ error: undefined, baseOffset: 0 });
    expect(send(log, 3, 42).error).toBeUndefined();
  });

  test('a newer epoch begins at 0, an older one is fenced', async () => {
    const log = createLog(await openScene());
    send(log, 1, 0);
    expect(send(log, 2, 1).error).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
    expect(send(log, 2, 0).error).toBeUndefined();
    expect(send(log, 1, 1).error).toBe(Errors.INVALID_PRODUCER_EPOCH);
    expect(send(log, 2, 1).error).toBeUndefined();
  });

  test('0 follows 2147483647', async () => {
    const log = createLog(await openScene());
    send(log, 0, 2147483646, 2);
    expect(send(log, 0, 0).error).toBeUndefined();
    expect(send(log, 0, 2147483646, 2)).toMatchObject({ isDuplicate: true, baseOffset: 0, lastOffset: 1 });
  });

  test('a batch that wraps within is followed by the rest', async () => {
    const log = createLog(await openScene());
    send(log, 0, 2147483646, 4);
    expect(send(log, 0, 2).error).toBeUndefined();
    expect(send(log, 0, 2)).toMatchObject({ isDuplicate: true, baseOffset: 4 });
  });

  test('a batch without producer is never a duplicate', async () => {
    const log = createLog(await openScene());
    appendValues(log, ['a']);
    expect(appendValues(log, ['a'])).toBe(1);
  });
});

describe('producer state after a restart', () => {
  test('the last five batches are duplicates after a clean stop', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    for (let sequence = 0; sequence < 8; sequence++) send(log, 0, sequence);
    const again = await closeAndOpen(scene);
    const reopened = createLog(again);
    for (let sequence = 3; sequence < 8; sequence++) {
      expect(send(reopened, 0, sequence)).toMatchObject({ error: undefined, isDuplicate: true, baseOffset: sequence });
    }
    expect(send(reopened, 0, 8)).toMatchObject({ error: undefined, isDuplicate: false, baseOffset: 8 });
  });

  test('they are after a crash, also across rolled segments', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'segment.bytes': 200 });
    for (let sequence = 0; sequence < 8; sequence++) send(log, 0, sequence);
    await scene.clock.settle();
    expect(log.segmentCount).toBeGreaterThan(3);
    const killed = (scene.disk as import('#storage').MemoryDisk).kill();
    const reopened = createLog(await openScene({ disk: killed }));
    for (let sequence = 3; sequence < 8; sequence++) {
      expect(send(reopened, 0, sequence)).toMatchObject({ isDuplicate: true, baseOffset: sequence });
    }
    expect(send(reopened, 0, 9).error).toBe(Errors.OUT_OF_ORDER_SEQUENCE_NUMBER);
  });

  test('damaged snapshots cost nothing but reading', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'segment.bytes': 200 });
    for (let sequence = 0; sequence < 8; sequence++) send(log, 0, sequence);
    await scene.directory.close();
    const folder = '/data/orders-0';
    for (const { name } of await scene.disk.list(folder)) {
      if (!name.endsWith('.snapshot')) continue;
      const file = scene.disk.openSync(`${folder}/${name}`, { create: false });
      file.writeSync([Buffer.from('garbage')], 3);
      file.close();
    }
    const again = await openScene({ disk: scene.disk });
    const reopened = createLog(again);
    expect(again.warnings.length).toBeGreaterThan(0);
    expect(send(reopened, 0, 3)).toMatchObject({ isDuplicate: true, baseOffset: 3 });
    expect(send(reopened, 0, 8).error).toBeUndefined();
  });

  test('starts and stops leave one snapshot behind, and those of the segments', async () => {
    let scene = await openScene();
    const config = { 'segment.bytes': 400 };
    for (let life = 0; life < 4; life++) {
      const log = createLog(scene, config);
      for (let count = 0; count < 3; count++) send(log, 0, life * 3 + count);
      scene = await closeAndOpen(scene);
    }
    const names = (await fileNames(scene.disk, '/data/orders-0')).filter((name) => /[.](log|snapshot)$/.test(name));
    const bases = names.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, 20));
    const snapshots = names.filter((name) => name.endsWith('.snapshot')).map((name) => name.slice(0, 20));
    const strays = snapshots.filter((offset) => !bases.includes(offset));
    expect(strays).toEqual(['00000000000000000012']);
    expect(send(createLog(scene, config), 0, 10)).toMatchObject({ isDuplicate: true, baseOffset: 10 });
  });

  test('a producer of old records is remembered as long as one of new ones', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    const batch = () =>
      batchOf(['a'], { producerId: 7, producerEpoch: 0, baseSequence: 5, timestamp: START_MS - 90 * 86_400_000 });
    log.append(batch(), { leaderEpoch: 0, origin: 'client' });
    await scene.clock.advance(3_600_000);
    expect(log.append(batch(), { leaderEpoch: 0, origin: 'client' })).toMatchObject({
      isDuplicate: true,
      baseOffset: 0,
    });
    const again = await closeAndOpen(scene);
    await again.clock.advance(3_600_000);
    expect(createLog(again).producers.producerCount).toBe(1);
    await again.clock.advance(24 * 3_600_000);
    expect(createLog(again).producers.producerCount).toBe(0);
  });

  test('how long it is remembered may be set', async () => {
    const scene = await openScene({ producerIdExpirationMs: 3_600_000 });
    const log = createLog(scene);
    send(log, 5, 0);
    await scene.clock.advance(3_500_000);
    expect(log.producers.producerCount).toBe(1);
    await scene.clock.advance(1_000_000);
    expect(log.producers.producerCount).toBe(0);
  });

  test('a duplicate is answered with the time that was stored', async () => {
    const scene = await openScene();
    const log = createLog(scene, { 'message.timestamp.type': 'LogAppendTime' });
    const first = send(log, 0, 0);
    await scene.clock.advance(5000);
    expect(first.logAppendTime).toBe(START_MS);
    expect(send(log, 0, 0)).toMatchObject({ isDuplicate: true, logAppendTime: START_MS });
    const draft = { producerId: 7, producerEpoch: 0, baseSequence: 1, timestamp: 12345 };
    log.append(batchOf(['b'], draft), { leaderEpoch: 0, origin: 'client' });
    await scene.clock.advance(5000);
    const again = log.append(batchOf(['b'], draft), { leaderEpoch: 0, origin: 'client' });
    expect(again).toMatchObject({ isDuplicate: true, logAppendTime: START_MS + 5000 });
  });

  test('a duplicate is answered with its time also where records keep the time of their producer', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    const draft = { producerId: 7, producerEpoch: 0, baseSequence: 0, timestamp: START_MS - 5000 };
    const append = () => log.append(batchOf(['a'], draft), { leaderEpoch: 0, origin: 'client' });
    expect(append()).toMatchObject({ isDuplicate: false, logAppendTime: -1 });
    expect(append()).toMatchObject({ isDuplicate: true, logAppendTime: START_MS - 5000 });
  });

  test('a producer that wrote nothing for a day is forgotten', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    send(log, 5, 0);
    await scene.clock.advance(23 * 3_600_000);
    expect(log.producers.producerCount).toBe(1);
    await scene.clock.advance(2 * 3_600_000);
    expect(log.producers.producerCount).toBe(0);
    expect(send(log, 0, 9).error).toBeUndefined();
  });
});
