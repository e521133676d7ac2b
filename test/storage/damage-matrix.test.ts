/**
 * What a start makes of damaged files, case by case. Apache Kafka's outcomes for these cases were measured or read in its source: it
 * deletes acknowledged records in 4, loses or hides them without an error in 11, 14 and 15, and stops in 16 and 17.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { seededRandom } from '#core';
import { type MemoryDisk, nodeDisk } from '#storage';
import {
  append,
  batchAt,
  CONFIG,
  CORRUPT,
  contents,
  corruptFolders,
  FOLDER,
  flip,
  logPath,
  RECORDS,
  type StopKind,
  type StoppedLog,
  start,
  stoppedLog,
  stoppedUnknown,
  without,
} from './damage-matrix-scene.ts';
import { changeFile, openLog, positionsIn, readEach, readOnwards, timeOf } from './damage-scene.ts';
import { fileBytes, fileNames, putFile } from './golden-folder.ts';
import { createLog, openScene, TOPIC_ID } from './scene.ts';
import { endTransaction, readCommittedValues, sendInTransaction } from './transaction-scene.ts';

const STOPS: readonly StopKind[] = ['clean', 'unclean'];

/** Everything can be read, appends go on behind it. */
async function expectWhole(disk: MemoryDisk, { values }: StoppedLog, endOffset = RECORDS) {
  const scene = await start(disk);
  const { log } = scene;
  expect(log.logEndOffset).toBe(endOffset);
  expect(await readEach(log)).toEqual(values.slice(0, endOffset));
  expect(await readOnwards(log)).toEqual(values.slice(0, endOffset));
  expect(await append(scene, endOffset)).toBe(endOffset);
  return scene;
}

/** Only `from` … `to` - 1 is refused; nothing is taken; no file of the log has changed; and all of that again after every kind of stop. */
async function expectReadOnly(disk: MemoryDisk, { values }: StoppedLog, from: number, to: number): Promise<string[]> {
  const told: string[] = [];
  const before = await segmentFiles(disk);
  let left = disk;
  for (const stop of ['kill', 'close', 'kill', 'close', 'close']) {
    const scene = await start(left);
    const { log, directory } = scene;
    told.push(...scene.warnings);
    expect(log.isReadOnly).toBe(true);
    expect(log.logEndOffset).toBe(RECORDS);
    expect(await readEach(log)).toEqual(without(values, from, to));
    expect(await append(scene)).toMatch(
      /^KAFKA_STORAGE_ERROR: orders-0 takes no records: .*springtide repair \/data orders-0$/,
    );
    expect(directory.damageCount).toBeGreaterThan(0);
    expect(await corruptFolders(left)).toEqual([]);
    expect(await segmentFiles(left)).toEqual(before);
    await scene.clock.advance(10_000);
    if (stop === 'close') await directory.close();
    expect(await fileNames(left, '/data')).not.toContain('.kafka_cleanshutdown');
    left = left.kill();
  }
  return told;
}

async function segmentFiles(disk: MemoryDisk): Promise<Record<string, string>> {
  const all = await contents(disk, FOLDER);
  return Object.fromEntries(Object.entries(all).filter(([name]) => /\.(log|snapshot)$/.test(name)));
}

async function expectKept(disk: MemoryDisk, bytes: Buffer): Promise<void> {
  const folders = await corruptFolders(disk);
  expect(folders).toHaveLength(1);
  const kept = Object.values(await contents(disk, `/data/${folders[0]}`));
  expect(kept).toContain(bytes.toString('latin1'));
}

describe('1. random bytes behind the last batch, after a crash', () => {
  test('are cut off and kept aside', async () => {
    const stopped = await stoppedLog('unclean');
    const { disk, activeBase } = stopped;
    const garbage = seededRandom(1).bytes(100);
    await changeFile(disk, logPath(activeBase), (bytes) => Buffer.concat([bytes, garbage]));
    const { warnings } = await expectWhole(disk, stopped);
    expect(warnings.join()).toMatch(/cut at offset 30: 100 bytes/);
    await expectKept(disk, garbage);
  });
});

describe('2. the last batch torn, after a crash', () => {
  test('is cut off and kept aside where it was not known to be durable; what was committed of it is told', async () => {
    const stopped = await stoppedUnknown();
    const { disk, activeBase } = stopped;
    await changeFile(disk, logPath(activeBase), (bytes) => bytes.subarray(0, -50));
    const { warnings } = await expectWhole(disk, stopped, RECORDS - 1);
    expect(warnings.join()).toMatch(/cut at offset 29/);
    expect(warnings.join()).toContain('has lost 1 committed offsets, from 29 on');
  });

  test('makes the log read-only where it was durable, and costs its own offsets', async () => {
    const stopped = await stoppedLog('unclean');
    await changeFile(stopped.disk, logPath(stopped.activeBase), (bytes) => bytes.subarray(0, -50));
    const told = await expectReadOnly(stopped.disk, stopped, RECORDS - 1, RECORDS);
    expect(told.join()).toMatch(/is damaged at position \d+ \(offset 29\)/);
  });
});

describe('3. zeros behind the last batch, after a crash', () => {
  test('are cut off', async () => {
    const stopped = await stoppedLog('unclean');
    const { disk, activeBase } = stopped;
    await changeFile(disk, logPath(activeBase), (bytes) => Buffer.concat([bytes, Buffer.alloc(300_000)]));
    await expectWhole(disk, stopped);
    expect(await corruptFolders(disk)).toEqual([]);
  });
});

describe('4. a bit in the first segment, after a crash with recovery point 0', () => {
  test('deletes nothing: the log is read-only, and all but the damaged batch is served', async () => {
    const stopped = await stoppedLog('unclean');
    const { disk, bases } = stopped;
    expect(bases.length).toBeGreaterThanOrEqual(4);
    putFile(disk, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n1\norders 0 0\n'));
    const place = positionsIn(await fileBytes(disk, logPath(0))).get(2)!;
    await changeFile(disk, logPath(0), flip(place.position + 70));
    const told = await expectReadOnly(disk, stopped, 2, 3);
    expect(told.join()).toContain(`is damaged at position ${place.position} (offset 2): a wrong checksum`);
  });
});

describe('5. the indexes gone, after a crash', () => {
  test('are built again as they were', async () => {
    const stopped = await stoppedLog('unclean');
    const { disk } = stopped;
    const files = async (of: MemoryDisk): Promise<Record<string, string>> => {
      const scene = await start(of);
      await readEach(scene.log);
      await scene.directory.close();
      return Object.fromEntries(Object.entries(await contents(of, FOLDER)).filter(([name]) => name.endsWith('index')));
    };
    const before = await files(disk.kill());
    for (const name of await fileNames(disk, FOLDER))
      if (name.endsWith('index')) await disk.remove(`${FOLDER}/${name}`);
    expect(await files(disk.kill())).toEqual(before);
    await expectWhole(disk, stopped);
  });
});

describe('6. the active segment emptied, after a crash', () => {
  test('ends the log where nothing says that it was durable, with the number of committed offsets that are gone', async () => {
    const stopped = await stoppedUnknown();
    const { disk, activeBase } = stopped;
    await changeFile(disk, logPath(activeBase), () => Buffer.alloc(0));
    const { warnings } = await expectWhole(disk, stopped, activeBase);
    expect(warnings.join()).toContain(`has lost ${RECORDS - activeBase} committed offsets, from ${activeBase} on`);
  });

  test('makes the log read-only where it was durable', async () => {
    const stopped = await stoppedLog('unclean');
    const { disk, activeBase } = stopped;
    await changeFile(disk, logPath(activeBase), () => Buffer.alloc(0));
    await expectReadOnly(disk, stopped, activeBase, RECORDS);
  });
});

describe.each([
  ['7. a bit in the active segment', (bases: readonly number[]) => bases[bases.length - 1]],
  ['8. a bit in a closed segment', (bases: readonly number[]) => bases[1]],
])('%s, after a clean stop', (_, baseOf) => {
  test('is found by readers, who are refused the damaged batch alone; records are taken', async () => {
    const { disk, values, bases } = await stoppedLog('clean');
    const base = baseOf(bases);
    const place = positionsIn(await fileBytes(disk, logPath(base))).get(base + 1)!;
    await changeFile(disk, logPath(base), flip(place.position + place.sizeInBytes - 3));
    const scene = await start(disk);
    expect(scene.log.isReadOnly).toBe(false);
    expect(await readEach(scene.log)).toEqual(without(values, base + 1, base + 2));
    expect(scene.warnings.filter((text) => text.includes('is damaged'))).toHaveLength(1);
    expect(scene.directory.damageCount).toBe(1);
    expect(await append(scene)).toBe(RECORDS);
  });

  test('is found by the scrub when nobody reads it', async () => {
    const { disk, bases } = await stoppedLog('clean');
    const base = baseOf(bases);
    const place = positionsIn(await fileBytes(disk, logPath(base))).get(base + 1)!;
    await changeFile(disk, logPath(base), flip(place.position + place.sizeInBytes - 3));
    const scene = await openLog(disk, CONFIG, { durability: 'sync', scrubBytesPerSecond: 1_000_000 });
    // The active segment is read when it is closed.
    if (base === bases[bases.length - 1]) scene.log.segmentWork.roll(scene.clock.now().wallMs);
    await scene.clock.advance(120_000);
    expect(scene.log.damage).toMatchObject([{ startOffset: base + 1, endOffset: base + 2 }]);
  });
});

describe.each([
  ['9. .index removed', '.index', undefined],
  ['10. .index without its last three bytes', '.index', (bytes: Buffer) => bytes.subarray(0, -3)],
  ['11. .index of random bytes', '.index', (bytes: Buffer) => seededRandom(3).bytes(bytes.length)],
  ['12. .timeindex removed', '.timeindex', undefined],
])('%s, after a clean stop', (_, suffix, edit) => {
  test('is built again, with a warning, and misleads nobody', async () => {
    const stopped = await stoppedLog('clean');
    const { disk, bases } = stopped;
    const before = await contents(disk, FOLDER);
    for (const base of bases) {
      if (edit === undefined) await disk.remove(logPath(base, suffix));
      else await changeFile(disk, logPath(base, suffix), edit);
    }
    const { log, warnings, directory } = await start(disk.kill());
    expect(await readEach(log)).toEqual(stopped.values);
    for (let offset = 0; offset < RECORDS; offset++)
      expect((await log.offsetForTimestamp(timeOf(offset)))?.offset).toBe(offset);
    expect(warnings.filter((text) => text.includes('built anew'))).toHaveLength(bases.length);
    await directory.close();
    const scene = await start(disk);
    await readEach(scene.log);
    await scene.directory.close();
    const after = await contents(disk, FOLDER);
    for (const base of bases) expect(after[logPath(base, suffix)]).toBe(before[logPath(base, suffix)]);
    await expectWhole(disk, stopped);
  });
});

describe('13. all producer snapshots random', () => {
  test.each(STOPS)(
    'are built again (%s stop): the last five batches are still known, and the next one is in sequence',
    async (stop) => {
      const { disk } = await stoppedLog(stop);
      const random = seededRandom(4);
      for (const name of await fileNames(disk, FOLDER))
        if (name.endsWith('.snapshot')) putFile(disk, `${FOLDER}/${name}`, random.bytes(60));
      const { log, warnings } = await start(disk);
      if (stop === 'clean') expect(warnings.join()).toContain('A producer snapshot is not used');
      for (let sequence = RECORDS - 5; sequence < RECORDS; sequence++) {
        const repeated = log.append(batchAt(sequence), { leaderEpoch: 6, origin: 'client' });
        expect(repeated).toMatchObject({ isDuplicate: true, baseOffset: sequence });
      }
      const gap = log.append(batchAt(RECORDS + 1), { leaderEpoch: 6, origin: 'client' });
      expect(gap.error?.name).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
      expect(log.append(batchAt(RECORDS), { leaderEpoch: 6, origin: 'client' }).baseOffset).toBe(RECORDS);
    },
  );
});

describe('14. the last batch torn, behind the marker of a clean stop', () => {
  test('is found; it alone is refused, and its offsets are given to no other record', async () => {
    const stopped = await stoppedLog('clean');
    await changeFile(stopped.disk, logPath(stopped.activeBase), (bytes) => bytes.subarray(0, -50));
    await expectReadOnly(stopped.disk, stopped, RECORDS - 1, RECORDS);
  });
});

describe('15. partition.metadata removed', () => {
  test.each(STOPS)('hides nothing (%s stop): it is written again from what the topic is known by', async (stop) => {
    const stopped = await stoppedLog(stop);
    await stopped.disk.remove(`${FOLDER}/partition.metadata`);
    const { warnings } = await expectWhole(stopped.disk, stopped);
    expect(warnings.join()).toContain('topic id');
    const text = (await fileBytes(stopped.disk, `${FOLDER}/partition.metadata`)).toString();
    expect(text).toBe(`version: 0\ntopic_id: ${TOPIC_ID}`);
  });
});

describe('16. garbage in leader-epoch-checkpoint', () => {
  test.each(STOPS)('is replaced by what the batches tell (%s stop)', async (stop) => {
    const stopped = await stoppedLog(stop);
    const epochs = (await fileBytes(stopped.disk, `${FOLDER}/leader-epoch-checkpoint`)).toString();
    putFile(stopped.disk, `${FOLDER}/leader-epoch-checkpoint`, seededRandom(5).bytes(40));
    const { log, warnings } = await expectWhole(stopped.disk, stopped);
    expect(warnings.join()).toContain('The epochs are read from the batches again');
    expect(epochs).toBe('0\n2\n3 0\n5 17\n');
    expect(log.leaderEpochs.entries).toEqual([
      { epoch: 3, startOffset: 0 },
      { epoch: 5, startOffset: 17 },
      { epoch: 6, startOffset: RECORDS },
    ]);
  });

  test('is not replaced by an epoch that a flipped bit has made', async () => {
    const stopped = await stoppedLog('unclean');
    const { disk } = stopped;
    const place = positionsIn(await fileBytes(disk, logPath(0))).get(2)!;
    await changeFile(disk, logPath(0), flip(place.position + 13));
    putFile(disk, `${FOLDER}/leader-epoch-checkpoint`, Buffer.from('garbage'));
    const { log } = await start(disk);
    expect(log.leaderEpochs.entries.map(({ epoch }) => epoch)).toEqual([3, 5]);
  });
});

describe('17. garbage in recovery-point-offset-checkpoint', () => {
  test.each(STOPS)('has everything read again (%s stop)', async (stop) => {
    const stopped = await stoppedLog(stop);
    putFile(stopped.disk, '/data/recovery-point-offset-checkpoint', seededRandom(6).bytes(40));
    const { warnings, clock } = await expectWhole(stopped.disk, stopped);
    expect(warnings.join()).toContain('A damaged checkpoint is not used');
    await clock.advance(1000);
    const text = (await fileBytes(stopped.disk, '/data/recovery-point-offset-checkpoint')).toString();
    expect(text).toBe(`0\n1\norders 0 ${RECORDS + 1}\n`);
  });
});

describe('18. whose data this is', () => {
  test.each([
    ['meta.properties is missing', undefined, /\/data holds partitions \(orders-0\) but no meta\.properties/],
    [
      'it is of another cluster',
      'cluster.id=OTHER',
      /\/data\/meta\.properties belongs to cluster OTHER, this broker to MINE/,
    ],
    ['it is of another node', 'node.id=9', /\/data\/meta\.properties belongs to node 9, but node\.id is 1/],
  ])('is refused when %s, with the file and what it says', async (_, line, text) => {
    const { disk } = await stoppedLog('clean');
    const path = '/data/meta.properties';
    const meta = (await fileBytes(disk, path)).toString().replace(/cluster\.id=.*/, 'cluster.id=MINE');
    if (line === undefined) await disk.remove(path);
    else putFile(disk, path, Buffer.from(meta.replace(new RegExp(`${line.split('=')[0]}=.*`), line)));
    const before = await contents(disk);
    await expect(openScene({ disk, clusterId: 'MINE' })).rejects.toThrow(text);
    expect(await contents(disk)).toEqual(before);
  });
});

describe('19. a .cleaned that a compaction left', () => {
  test.each(STOPS)('is removed (%s stop), and so is a .swap that comes after it', async (stop) => {
    const stopped = await stoppedLog(stop);
    const { disk, bases } = stopped;
    putFile(disk, `${logPath(bases[1])}.cleaned`, Buffer.from('unfinished'));
    putFile(disk, `${logPath(bases[1])}.swap`, Buffer.from('unfinished too'));
    await expectWhole(disk, stopped);
    expect((await fileNames(disk, FOLDER)).filter((name) => /swap|cleaned/.test(name))).toEqual([]);
  });
});

describe('20. a whole .swap', () => {
  test.each(STOPS)('takes the place of the segments that it was made from (%s stop)', async (stop) => {
    const stopped = await stoppedLog(stop);
    const { disk, bases } = stopped;
    const merged = Buffer.concat([await fileBytes(disk, logPath(0)), await fileBytes(disk, logPath(bases[1]))]);
    putFile(disk, `${logPath(0)}.swap`, merged);
    await expectWhole(disk, stopped);
    expect(await fileNames(disk, FOLDER)).not.toContain(logPath(bases[1]).slice(FOLDER.length + 1));
    expect((await fileBytes(disk, logPath(0))).equals(merged)).toBe(true);
  });
});

describe('21. a .deleted that was left', () => {
  test.each(STOPS)('is removed (%s stop)', async (stop) => {
    const stopped = await stoppedLog(stop);
    putFile(stopped.disk, `${logPath(0)}.deleted`, Buffer.from('old'));
    await expectWhole(stopped.disk, stopped);
    expect(await fileNames(stopped.disk, FOLDER)).not.toContain('00000000000000000000.log.deleted');
  });
});

describe('22. an index without its log', () => {
  test.each(STOPS)('is removed with a warning (%s stop)', async (stop) => {
    const stopped = await stoppedLog(stop);
    putFile(stopped.disk, logPath(1, '.index'), Buffer.alloc(16, 1));
    const { warnings } = await expectWhole(stopped.disk, stopped);
    expect(warnings.join()).toContain('An index without its log was removed');
    expect(await fileNames(stopped.disk, FOLDER)).not.toContain('00000000000000000001.index');
  });
});

describe('23. a log that ends before its start offset', () => {
  test.each(STOPS)('is put aside, whole, and begins anew there (%s stop)', async (stop) => {
    const { disk, bases } = await stoppedLog(stop);
    putFile(disk, '/data/log-start-offset-checkpoint', Buffer.from('0\n1\norders 0 100\n'));
    const before = await contents(disk, FOLDER);
    const scene = await start(disk);
    expect([scene.log.logStartOffset, scene.log.logEndOffset]).toEqual([100, 100]);
    expect(await append(scene)).toBe(100);
    expect(scene.warnings.join()).toContain('ends before its start offset');
    const [folder] = await corruptFolders(disk);
    const kept = await contents(disk, `/data/${folder}`);
    for (const base of bases) {
      const name = logPath(base).slice(FOLDER.length);
      expect(kept[`/data/${folder}${name}`]).toBe(before[logPath(base)]);
    }
  });
});

describe('24. a .txnindex with a transaction that ended before its segment', () => {
  test.each(STOPS)('is built again as it was (%s stop)', async (stop) => {
    const scene = await openScene({ durability: 'sync' });
    const log = createLog(scene, { 'segment.bytes': 400 });
    for (let id = 1; id <= 4; id++) {
      sendInTransaction(log, [`a${id}`.padEnd(100)], { producerId: id });
      endTransaction(log, id % 2 === 0 ? 'commit' : 'abort', id);
      await scene.clock.settle();
    }
    const aborted = await log.abortedIn(0, log.logEndOffset);
    const committed = await readCommittedValues(log);
    expect(aborted).toHaveLength(2);
    await scene.clock.advance(1000);
    if (stop === 'clean') await scene.directory.close();
    const disk = (scene.disk as MemoryDisk).kill();
    const names = (await fileNames(disk, FOLDER)).filter((name) => name.endsWith('.txnindex'));
    const before = await Promise.all(names.map((name) => fileBytes(disk, `${FOLDER}/${name}`)));
    expect(names.length).toBeGreaterThan(0);
    for (const [index, name] of names.entries()) {
      const bytes = Buffer.from(before[index]);
      bytes.writeBigInt64BE(-1n, 18);
      putFile(disk, `${FOLDER}/${name}`, bytes);
    }
    const again = await openScene({ disk, durability: 'sync' });
    const reopened = createLog(again, { 'segment.bytes': 400 });
    expect(await reopened.abortedIn(0, log.logEndOffset)).toEqual(aborted);
    expect(await readCommittedValues(reopened)).toEqual(committed);
    await again.directory.close();
    for (const [index, name] of names.entries())
      expect((await fileBytes(disk, `${FOLDER}/${name}`)).equals(before[index])).toBe(true);
  });
});

describe('25. foreign things in the log directory', () => {
  test.each(STOPS)('are left alone, with a warning (%s stop)', async (stop) => {
    const stopped = await stoppedLog(stop);
    const { disk } = stopped;
    putFile(disk, '/data/foo', Buffer.from('foo'));
    putFile(disk, `${FOLDER}/readme.txt`, Buffer.from('hello'));
    for (const name of ['a-b-c', 'x'.repeat(250), '..-0', 'orders-']) disk.makeDirectorySync(`/data/${name}`);
    disk.makeDirectorySync(`${FOLDER}/00000000000000000099.log`);
    const { warnings, directory } = await expectWhole(disk, stopped);
    expect(warnings.filter((text) => text.includes('no folder of a partition'))).toHaveLength(4);
    expect([...directory.logs()]).toHaveLength(1);
    expect((await fileBytes(disk, '/data/foo')).toString()).toBe('foo');
    expect((await fileBytes(disk, `${FOLDER}/readme.txt`)).toString()).toBe('hello');
  });

  test('and links are followed nowhere', async () => {
    const path = mkdtempSync(join(tmpdir(), 'springtide-links-'));
    const outside = mkdtempSync(join(tmpdir(), 'springtide-outside-'));
    try {
      const data = join(path, 'data');
      const first = await openScene({ disk: nodeDisk(), path: data });
      const log = createLog(first, CONFIG);
      log.append(batchAt(0), { leaderEpoch: 0, origin: 'client' });
      await first.directory.close();
      symlinkSync(outside, join(data, 'linked-0'));
      // The next segments would have these names.
      for (let base = 1; base < 20; base++)
        symlinkSync(join(outside, `${base}`), join(data, 'orders-0', `${String(base).padStart(20, '0')}.log`));
      writeFileSync(join(outside, 'epochs'), 'precious');
      symlinkSync(join(outside, 'epochs'), join(data, 'orders-0', 'leader-epoch-checkpoint.tmp'));
      const second = await openScene({ disk: nodeDisk(), path: data });
      expect(second.warnings.join()).toContain('This is no folder of a partition and is ignored');
      const again = createLog(second, CONFIG);
      again.assignEpoch(9);
      for (let sequence = 1; sequence < 20; sequence++)
        again.append(batchAt(sequence), { leaderEpoch: 9, origin: 'client' });
      await second.clock.settle();
      await second.directory.close();
      expect(readdirSync(outside)).toEqual(['epochs']);
      expect(readFileSync(join(outside, 'epochs'), 'utf8')).toBe('precious');
      expect(readFileSync(join(data, 'meta.properties'), 'utf8')).toContain('cluster.id');
    } finally {
      rmSync(path, { recursive: true });
      rmSync(outside, { recursive: true });
    }
  });
});

test('no row is a log without a file: what is missing of a durable log is refused, and not begun anew', async () => {
  const stopped = await stoppedLog('clean');
  const { disk, bases, values } = stopped;
  for (const base of bases) await disk.remove(logPath(base));
  for (let round = 0; round < 2; round++) {
    const scene = await start(disk);
    expect(scene.log.logEndOffset).toBe(RECORDS);
    expect(await readEach(scene.log)).toEqual(values.map(() => CORRUPT));
    expect(await append(scene)).toContain('KAFKA_STORAGE_ERROR');
    await scene.directory.close();
  }
});
