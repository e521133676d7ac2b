/** The last stable offset, and what readers of committed records get of a log with transactions. */
import { describe, expect, test } from '@jest/globals';
import { KafkaError } from '#core';
import { type MemoryDisk, type PartitionLog, simulatedDisk, type TopicConfig } from '#storage';
import { FailingDisk } from './failing-disk.ts';
import { fileBytes, fileNames, putFile } from './golden-folder.ts';
import { appendValues, createLog, openScene, type Scene } from './scene.ts';
import { abortedFrom, endTransaction, readCommittedValues, sendInTransaction } from './transaction-scene.ts';

async function newLog(overrides: Partial<TopicConfig> = {}): Promise<{ scene: Scene; log: PartitionLog }> {
  const scene = await openScene();
  return { scene, log: createLog(scene, overrides) };
}

describe('the last stable offset', () => {
  test('is where the oldest transaction under way began, and moves when that ends', async () => {
    const { scene, log } = await newLog();
    const seen: number[] = [];
    const steps = [
      () => appendValues(log, ['a']),
      () => sendInTransaction(log, ['b'], { producerId: 1 }),
      () => sendInTransaction(log, ['c'], { producerId: 2 }),
      () => appendValues(log, ['d']),
      () => endTransaction(log, 'commit', 2),
      () => endTransaction(log, 'abort', 1),
      () => sendInTransaction(log, ['e'], { producerId: 2, baseSequence: 1 }),
      () => endTransaction(log, 'commit', 2),
    ];
    for (const step of steps) {
      step();
      await scene.clock.settle();
      seen.push(log.lastStableOffset);
    }
    expect(seen).toEqual([1, 1, 1, 1, 1, 6, 6, 8]);
  });

  test('does not pass a transaction whose marker is not below the high watermark', async () => {
    const { scene, log } = await newLog();
    log.highWatermark = 0;
    appendValues(log, ['a']);
    sendInTransaction(log, ['b'], { producerId: 1 });
    sendInTransaction(log, ['c'], { producerId: 2 });
    endTransaction(log, 'commit', 1);
    endTransaction(log, 'commit', 2);
    await scene.clock.settle();
    const stable = [1, 2, 3, 4, 5].map((highWatermark) => {
      log.highWatermark = highWatermark;
      return log.lastStableOffset;
    });
    expect(stable).toEqual([1, 1, 1, 2, 5]);
  });

  test('does not lie below the start of the log', async () => {
    const { scene, log } = await newLog();
    sendInTransaction(log, ['a', 'b', 'c'], { producerId: 1 });
    await scene.clock.settle();
    expect(log.lastStableOffset).toBe(0);
    await log.deleteRecords(2);
    expect(log.lastStableOffset).toBe(2);
  });

  test('is the same after a clean stop, and after a crash', async () => {
    for (const isClean of [true, false]) {
      const scene = await openScene();
      const log = createLog(scene, { 'segment.bytes': 200 });
      for (let n = 0; n < 4; n++) sendInTransaction(log, [`${n}`], { producerId: n });
      endTransaction(log, 'abort', 0);
      endTransaction(log, 'commit', 2);
      await scene.clock.settle();
      expect(log.lastStableOffset).toBe(1);
      if (isClean) await scene.directory.close();
      const disk = isClean ? scene.disk : (scene.disk as MemoryDisk).kill();
      const again = createLog(await openScene({ disk }));
      expect(again.lastStableOffset).toBe(1);
      expect(endTransaction(again, 'commit', 1).error).toBeUndefined();
      await again.flush();
      expect(again.lastStableOffset).toBe(3);
    }
  });
});

describe('a reader of committed records', () => {
  test('gets records outside of transactions and those of committed ones, none that is undecided', async () => {
    const { scene, log } = await newLog();
    appendValues(log, ['a']);
    sendInTransaction(log, ['b1'], { producerId: 1 });
    sendInTransaction(log, ['c1'], { producerId: 2 });
    sendInTransaction(log, ['b2'], { producerId: 1, baseSequence: 1 });
    endTransaction(log, 'abort', 1);
    endTransaction(log, 'commit', 2);
    appendValues(log, ['d']);
    sendInTransaction(log, ['b3'], { producerId: 1, baseSequence: 2 });
    appendValues(log, ['e']);
    await scene.clock.settle();
    expect(await readCommittedValues(log)).toEqual(['0=a', '2=c1', '6=d']);
    expect(await abortedFrom(log, 0)).toEqual(['1 1..4']);
    endTransaction(log, 'commit', 1);
    await scene.clock.settle();
    expect(await readCommittedValues(log)).toEqual(['0=a', '2=c1', '6=d', '7=b3', '8=e']);
    expect(await readCommittedValues(log, 3)).toEqual(['6=d', '7=b3', '8=e']);
  });

  test('is told of each aborted transaction that has records in what it got, and of no other', async () => {
    const { scene, log } = await newLog({ 'segment.bytes': 300 });
    // Producer 1: 0..7, over several segments; 2: 1..2; 3: 4..5.
    sendInTransaction(log, ['a'], { producerId: 1 });
    sendInTransaction(log, ['b'], { producerId: 2 });
    endTransaction(log, 'abort', 2);
    appendValues(log, ['c']);
    sendInTransaction(log, ['d'], { producerId: 3 });
    endTransaction(log, 'abort', 3);
    appendValues(log, ['e']);
    endTransaction(log, 'abort', 1);
    appendValues(log, ['f']);
    await scene.clock.settle();
    expect(log.segmentCount).toBeGreaterThan(2);
    const lists = [];
    for (let offset = 0; offset <= 8; offset++) lists.push((await abortedFrom(log, offset, 1)).join(', '));
    expect(lists).toEqual([
      '1 0..7',
      '2 1..2, 1 0..7',
      '2 1..2, 1 0..7',
      '1 0..7',
      '3 4..5, 1 0..7',
      '3 4..5, 1 0..7',
      '1 0..7',
      '1 0..7',
      '',
    ]);
    expect(await readCommittedValues(log, 0, 1)).toEqual(['3=c', '6=e', '8=f']);
  });

  test('sees the same through indexes that were read from their files', async () => {
    const { scene, log } = await newLog({ 'segment.bytes': 300 });
    for (let n = 0; n < 12; n++) {
      sendInTransaction(log, [`x${n}`], { producerId: n % 3, producerEpoch: n });
      endTransaction(log, n % 2 === 0 ? 'abort' : 'commit', n % 3, { producerEpoch: n });
    }
    const expected = [1, 3, 5, 7, 9, 11].map((n) => `${2 * n}=x${n}`);
    await scene.clock.settle();
    expect(await readCommittedValues(log)).toEqual(expected);
    await scene.directory.close();
    const again = await openScene({ disk: scene.disk });
    expect(await readCommittedValues(createLog(again))).toEqual(expected);
    expect(again.warnings).toEqual([]);
  });
});

describe('the files of a log with transactions', () => {
  const folder = '/data/orders-0';

  async function storedLog(): Promise<Scene> {
    const { scene, log } = await newLog({ 'segment.bytes': 300 });
    for (let n = 0; n < 6; n++) {
      sendInTransaction(log, [`x${n}`], { producerId: n });
      if (n > 0) endTransaction(log, n % 2 === 1 ? 'abort' : 'commit', n);
    }
    appendValues(log, ['y'.repeat(200)]);
    endTransaction(log, 'abort', 0);
    await scene.directory.close();
    return scene;
  }

  const contents = async (disk: Scene['disk']): Promise<Record<string, string>> => {
    const names = (await fileNames(disk, folder)).filter((name) => name.endsWith('.txnindex'));
    const pairs = names.map(async (name) => [name, (await fileBytes(disk, `${folder}/${name}`)).toString('hex')]);
    return Object.fromEntries(await Promise.all(pairs));
  };

  test('have an entry of 34 bytes for each aborted transaction, in the segment of its marker', async () => {
    const { disk } = await storedLog();
    const stored = await contents(disk);
    const hex = (value: number, bytes: number): string => value.toString(16).padStart(bytes * 2, '0');
    const entry = (...[producerId, first, last, stable]: number[]): string =>
      hex(0, 2) + hex(producerId, 8) + hex(first, 8) + hex(last, 8) + hex(stable, 8);
    expect(Object.values(stored).join('')).toBe(
      entry(1, 1, 2, 0) + entry(3, 5, 6, 0) + entry(5, 9, 10, 0) + entry(0, 0, 12, 13),
    );
    const bases = (await fileNames(disk, folder))
      .filter((name) => name.endsWith('.log'))
      .map((name) => name.slice(0, 20));
    const placed = Object.entries(stored).map(([name, text]) => {
      const index = bases.indexOf(name.slice(0, 20));
      return text.match(/.{68}/g)?.every((each) => {
        const marker = Number.parseInt(each.slice(36, 52), 16);
        return marker >= Number(bases[index]) && marker < Number(bases[index + 1] ?? 100);
      });
    });
    expect(placed).toEqual(placed.map(() => true));
    expect(placed.length).toBeLessThan(bases.length);
  });

  test.each(['garbage', 'cut off', 'of another segment'])(
    'an index that is %s is built anew from the batches',
    async (kind) => {
      const { disk } = await storedLog();
      const before = await contents(disk);
      for (const [name, text] of Object.entries(before)) {
        const content = Buffer.from(text, 'hex');
        if (kind === 'garbage') putFile(disk, `${folder}/${name}`, Buffer.alloc(34, 0x7f));
        if (kind === 'cut off') putFile(disk, `${folder}/${name}`, content.subarray(0, 30));
        if (kind === 'of another segment') {
          content.writeBigInt64BE(99n, 18);
          putFile(disk, `${folder}/${name}`, content);
        }
      }
      const scene = await openScene({ disk });
      const log = createLog(scene);
      expect(await readCommittedValues(log)).toEqual(['3=x2', '7=x4', `11=${'y'.repeat(200)}`]);
      expect(scene.warnings.some((text) => text.includes('transaction index'))).toBe(true);
      await scene.directory.close();
      expect(await contents(disk)).toEqual(before);
    },
  );

  test('are built anew where a crash came before they were stored: no snapshot says that their segment is complete', async () => {
    const { disk } = await storedLog();
    const before = await contents(disk);
    for (const name of await fileNames(disk, folder)) {
      if (/[.](txnindex|snapshot)$/.test(name)) await disk.remove(`${folder}/${name}`);
    }
    for (let start = 0; start < 2; start++) {
      const scene = await openScene({ disk });
      expect(await readCommittedValues(createLog(scene))).toEqual(['3=x2', '7=x4', `11=${'y'.repeat(200)}`]);
      expect(scene.warnings.length > 0).toBe(start === 0);
      await scene.directory.close();
      expect(await contents(disk)).toEqual(before);
    }
  });

  test('are not stored of a log that is damaged: a snapshot would say that all before it was durable', async () => {
    const { disk } = await storedLog();
    const before = await openScene({ disk });
    appendValues(createLog(before), ['z']);
    await before.directory.close();
    for (const name of await fileNames(disk, folder)) {
      if (/[.](txnindex|snapshot)$/.test(name)) await disk.remove(`${folder}/${name}`);
    }
    await disk.remove('/data/.kafka_cleanshutdown');
    const last = (await fileNames(disk, folder)).findLast((name) => name.endsWith('.log'));
    const content = await fileBytes(disk, `${folder}/${last}`);
    content[content.length - 1] ^= 1;
    putFile(disk, `${folder}/${last}`, content);
    const scene = await openScene({ disk });
    const log = createLog(scene);
    expect(log.isReadOnly).toBe(true);
    expect(await abortedFrom(log, 1, 1)).toEqual(['1 1..2', '0 0..12']);
    await scene.directory.close();
    expect((await fileNames(disk, folder)).filter((name) => /[.](txnindex|snapshot)$/.test(name))).toEqual([]);
  });

  test('are built anew after a crash: those of rolled segments and those of the last one', async () => {
    const { scene, log } = await newLog({ 'segment.bytes': 300 });
    for (let n = 0; n < 6; n++) {
      sendInTransaction(log, [`x${n}`], { producerId: n });
      endTransaction(log, n % 2 === 0 ? 'abort' : 'commit', n);
    }
    await scene.clock.settle();
    const killed = (scene.disk as MemoryDisk).kill();
    for (const name of await fileNames(killed, folder)) {
      if (name.endsWith('.txnindex')) putFile(killed, `${folder}/${name}`, Buffer.alloc(68, 1));
    }
    await scene.directory.close();
    const again = await openScene({ disk: killed });
    expect(await readCommittedValues(createLog(again))).toEqual(['2=x1', '6=x3', '10=x5']);
    await again.directory.close();
    expect(await contents(killed)).toEqual(await contents(scene.disk));
  });

  test('go with their segments', async () => {
    const { scene, log } = await newLog({ 'segment.bytes': 300, 'file.delete.delay.ms': 1 });
    for (let n = 0; n < 6; n++) {
      sendInTransaction(log, [`x${n}`], { producerId: n });
      endTransaction(log, 'abort', n);
    }
    await log.flush();
    await log.settled();
    const basesOf = async (suffix: string) =>
      (await fileNames(scene.disk, folder)).filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, 20));
    const before = await basesOf('.txnindex');
    await log.deleteRecords(9);
    await scene.clock.advance(600_000);
    const after = await basesOf('.txnindex');
    expect(after.length).toBeLessThan(before.length);
    for (const base of after) expect(await basesOf('.log')).toContain(base);
    expect(await abortedFrom(log, 9)).toEqual(['4 8..9', '5 10..11']);
  });
});

describe('a disk without room', () => {
  test('takes a transaction back as if it had not begun, and an end as if it had not come', async () => {
    const disk = simulatedDisk(1);
    const scene = await openScene({ disk, durability: 'sync' });
    const log = createLog(scene);
    appendValues(log, ['a']);
    sendInTransaction(log, ['b'], { producerId: 1 });
    await scene.clock.settle();
    disk.faults.capacityBytes = disk.usedBytes;
    endTransaction(log, 'abort', 1, { coordinatorEpoch: 9 });
    sendInTransaction(log, ['c'], { producerId: 2 });
    sendInTransaction(log, ['d'], { producerId: 1, baseSequence: 1 });
    await scene.clock.settle();
    expect([log.logEndOffset, log.lastStableOffset]).toEqual([2, 1]);
    disk.faults.capacityBytes = Number.POSITIVE_INFINITY;
    await scene.clock.advance(1000);
    expect(sendInTransaction(log, ['d'], { producerId: 1, baseSequence: 1 }).error).toBeUndefined();
    expect(endTransaction(log, 'commit', 1, { coordinatorEpoch: 8 }).error).toBeUndefined();
    await scene.clock.settle();
    expect(log.lastStableOffset).toBe(4);
    expect(await readCommittedValues(log)).toEqual(['0=a', '1=b', '2=d']);
    expect(await abortedFrom(log, 0)).toEqual([]);
    const again = await openScene({ disk: disk.crash(), durability: 'sync' });
    expect(await readCommittedValues(createLog(again))).toEqual(['0=a', '1=b', '2=d']);
  });
});

describe('an index that could not be stored', () => {
  test.each(['.timeindex', '.txnindex'])(
    'for want of a %s is read from the batches when memory has given it up',
    async (suffix) => {
      const disk = new FailingDisk();
      const scene = await openScene({ disk, durability: 'sync', tailBytesPerLogMax: 0, memoryBytesMax: 0 });
      const log = createLog(scene, { 'segment.bytes': 300 });
      disk.before = (step, path) => {
        const cause = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        if (step === 'write' && path.endsWith(suffix)) throw new KafkaError('STORAGE_FAILED', 'full', { cause });
      };
      for (let n = 0; n < 6; n++) {
        sendInTransaction(log, [`x${n}`], { producerId: n });
        endTransaction(log, n % 2 === 0 ? 'abort' : 'commit', n);
      }
      await log.flush();
      await log.settled();
      expect(scene.warnings.join()).toContain('could not be stored');
      for (let round = 0; round < 2; round++) {
        expect(await readCommittedValues(log)).toEqual(['2=x1', '6=x3', '10=x5']);
        disk.before = () => {};
      }
    },
  );
});

describe('producers with a transaction under way', () => {
  test('are not forgotten, however long they are silent', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    sendInTransaction(log, ['a'], { producerId: 1 });
    sendInTransaction(log, ['b'], { producerId: 2 });
    endTransaction(log, 'commit', 2);
    await scene.clock.advance(2 * 86_400_000);
    expect([...log.producers.entries()].map(({ producerId }) => producerId)).toEqual([1]);
    expect(log.lastStableOffset).toBe(0);
  });
});
