/** What a start makes of what a stop left behind. The damage cases follow Kafka's LogLoaderTest; where Kafka loses data, we must not. */
import { describe, expect, test } from '@jest/globals';
import type { MemoryDisk } from '#storage';
import { fileBytes, fileNames, putFile } from './golden-folder.ts';
import { appendValues, createLog, openScene, readValues, type Scene, TOPIC_ID } from './scene.ts';

const FOLDER = '/data/orders-0';
const SMALL = { 'segment.bytes': 400, 'index.interval.bytes': 100 };
const LOG = `${FOLDER}/00000000000000000000.log`;

/** 30 batches of one record in several segments. */
async function filledScene(overrides = {}): Promise<Scene & { disk: MemoryDisk; values: string[] }> {
  const scene = await openScene();
  const log = createLog(scene, overrides);
  for (let i = 0; i < 30; i++) appendValues(log, [`value-${i}`]);
  await scene.clock.settle();
  const values = await readValues(log);
  expect(values).toHaveLength(30);
  return { ...scene, disk: scene.disk as MemoryDisk, values };
}

async function reopen(disk: MemoryDisk, overrides = {}) {
  const scene = await openScene({ disk });
  const log = createLog(scene, overrides);
  return { ...scene, disk, log, values: await readValues(log) };
}

async function change(disk: MemoryDisk, path: string, edit: (bytes: Buffer) => Buffer): Promise<void> {
  putFile(disk, path, edit(Buffer.from(await fileBytes(disk, path))));
}

async function corruptFolders(disk: MemoryDisk): Promise<string[]> {
  return (await fileNames(disk, '/data')).filter((name) => name.includes('.corrupt-'));
}

describe('after a crash', () => {
  test('everything that was written is there, and opening again changes nothing', async () => {
    const { disk, values } = await filledScene(SMALL);
    const killed = disk.kill();
    const first = await reopen(killed.kill(), SMALL);
    expect(first.values).toEqual(values);
    expect(first.warnings).toEqual([]);
    const twice = killed.kill();
    for (let round = 0; round < 2; round++) await openScene({ disk: twice.kill() });
    expect((await reopen(twice.kill(), SMALL)).values).toEqual(values);
  });

  test('a tail torn at any byte of the last batch costs that batch only, and what was cut is kept', async () => {
    const { disk, values } = await filledScene();
    const whole = await fileBytes(disk, LOG);
    const lastStart = whole.length - lastBatchBytes(whole);
    for (let length = lastStart; length < whole.length; length++) {
      const torn = disk.kill();
      await change(torn, LOG, (bytes) => bytes.subarray(0, length));
      const again = await reopen(torn);
      expect(again.values).toEqual(values.slice(0, 29));
      expect(again.log.logEndOffset).toBe(29);
      expect((await fileBytes(torn, LOG)).length).toBe(lastStart);
      const folders = await corruptFolders(torn);
      const isAllZero = whole.subarray(lastStart, length).every((byte) => byte === 0);
      expect(folders).toHaveLength(isAllZero ? 0 : 1);
      expect(appendValues(again.log, ['next'])).toBe(29);
      if (isAllZero) continue;
      const [name] = await fileNames(torn, `/data/${folders[0]}`);
      expect((await fileBytes(torn, `/data/${folders[0]}/${name}`)).equals(whole.subarray(lastStart, length))).toBe(
        true,
      );
      expect(again.warnings.join()).toContain('cut');
    }
  });

  test('a bit flipped anywhere in the last batch costs that batch only', async () => {
    const { disk, values } = await filledScene();
    const whole = await fileBytes(disk, LOG);
    for (let at = whole.length - lastBatchBytes(whole); at < whole.length; at++) {
      const damaged = disk.kill();
      await change(damaged, LOG, (bytes) => {
        bytes[at] ^= 0x10;
        return bytes;
      });
      const again = await reopen(damaged);
      const isOutsideChecksum = at - (whole.length - lastBatchBytes(whole)) < 16;
      if (!isOutsideChecksum) expect(again.values).toEqual(values.slice(0, 29));
      expect(again.values.slice(0, 29)).toEqual(values.slice(0, 29));
    }
  });

  test('zeros behind the last batch are cut without a copy', async () => {
    const { disk, values } = await filledScene();
    await change(disk, LOG, (bytes) => Buffer.concat([bytes, Buffer.alloc(300_000)]));
    const again = await reopen(disk.kill());
    expect(again.values).toEqual(values);
    expect(await corruptFolders(again.disk)).toEqual([]);
  });

  test('random bytes behind the last batch are cut', async () => {
    const { disk, random, values } = await filledScene();
    await change(disk, LOG, (bytes) => Buffer.concat([bytes, random.bytes(100)]));
    expect((await reopen(disk.kill())).values).toEqual(values);
  });

  test('damage where nothing says that it was durable puts aside what lies behind it and deletes nothing', async () => {
    const { disk, values } = await filledScene(SMALL);
    const logs = (await fileNames(disk, FOLDER)).filter((name) => name.endsWith('.log'));
    expect(logs.length).toBeGreaterThan(4);
    for (const name of await fileNames(disk, FOLDER))
      if (name.endsWith('.snapshot')) await disk.remove(`${FOLDER}/${name}`);
    await change(disk, `${FOLDER}/${logs[1]}`, (bytes) => {
      bytes[bytes.length - 2] ^= 1;
      return bytes;
    });
    const killed = disk.kill();
    const again = await reopen(killed, SMALL);
    const kept = Number(logs[2].slice(0, 20)) - 1;
    expect(again.values).toEqual(values.slice(0, kept));
    const [folder] = await corruptFolders(killed);
    const aside = await fileNames(killed, `/data/${folder}`);
    expect(aside).toHaveLength(logs.length - 1);
    for (const name of logs.slice(2)) expect(aside).toContain(name);
    expect(appendValues(again.log, ['next'])).toBe(kept);
  });

  test('an emptied segment is reported with the number of committed offsets that are gone', async () => {
    const { disk, clock, directory } = await filledScene();
    await clock.advance(60_000);
    expect(directory.failure).toBeUndefined();
    await change(disk, LOG, () => Buffer.alloc(0));
    const again = await reopen(disk.kill());
    expect(again.values).toEqual([]);
    expect(again.warnings.join()).toContain('30 committed offsets');
  });

  test('indexes are built anew: with them, without them and from garbage the same bytes come out', async () => {
    const { disk } = await filledScene(SMALL);
    const indexFiles = async (edit?: (killed: MemoryDisk, path: string) => void | Promise<void>): Promise<string[]> => {
      const killed = disk.kill();
      for (const name of await fileNames(killed, FOLDER)) {
        if (name.endsWith('index')) await edit?.(killed, `${FOLDER}/${name}`);
      }
      const again = await openScene({ disk: killed, config: { 'log.index.interval.bytes': 100 } });
      await again.directory.close();
      const names = (await fileNames(killed, FOLDER)).filter((name) => name.endsWith('index'));
      return Promise.all(
        names.map(async (name) => name + (await fileBytes(killed, `${FOLDER}/${name}`)).toString('hex')),
      );
    };
    const untouched = await indexFiles();
    expect(untouched.length).toBeGreaterThan(8);
    expect(await indexFiles((killed, path) => killed.remove(path))).toEqual(untouched);
    expect(await indexFiles((killed, path) => putFile(killed, path, Buffer.alloc(33, 7)))).toEqual(untouched);
    expect(await indexFiles((killed, path) => putFile(killed, path, Buffer.alloc(120)))).toEqual(untouched);
  });
});

describe('after a clean stop', () => {
  async function closedScene(overrides = {}) {
    const scene = await filledScene(overrides);
    await scene.directory.close();
    return scene;
  }

  test('the marker is gone as soon as the directory is open', async () => {
    const { disk } = await closedScene();
    expect(await fileNames(disk, '/data')).toContain('.kafka_cleanshutdown');
    await openScene({ disk });
    expect(await fileNames(disk, '/data')).not.toContain('.kafka_cleanshutdown');
  });

  test.each([
    ['missing', undefined],
    ['of a length that is no number of entries', Buffer.from([0, 0, 0, 9, 0, 0, 0, 50, 0, 0, 0])],
    ['random', Buffer.from('6e1340ff8855aa0067452301efcdab89', 'hex')],
    ['pointing to the middle of batches', Buffer.from('0000000100000007000000020000000b', 'hex')],
  ])('indexes that are %s never make a reader skip a record', async (_name, content) => {
    const { disk, values } = await closedScene(SMALL);
    for (const name of await fileNames(disk, FOLDER)) {
      if (!name.endsWith('.index')) continue;
      if (content === undefined) await disk.remove(`${FOLDER}/${name}`);
      else putFile(disk, `${FOLDER}/${name}`, content);
    }
    const again = await reopen(disk, SMALL);
    expect(again.values).toEqual(values);
    for (let offset = 0; offset < 30; offset++)
      expect((await readValues(again.log, offset, 1))[0]).toBe(values[offset]);
  });

  test('missing time indexes are built anew', async () => {
    const scene = await openScene();
    const log = createLog(scene, SMALL);
    for (let i = 0; i < 30; i++) appendValues(log, [`v${i}`], { timestamp: 1000 + i * 10 });
    await scene.directory.close();
    for (const name of await fileNames(scene.disk, FOLDER)) {
      if (name.endsWith('.timeindex')) await scene.disk.remove(`${FOLDER}/${name}`);
    }
    const again = await reopen(scene.disk as MemoryDisk, SMALL);
    for (let i = 0; i < 30; i++) expect((await again.log.offsetForTimestamp(995 + i * 10))?.offset).toBe(i);
  });

  test('a flipped bit in an old segment is CORRUPT_MESSAGE for that batch and for no other', async () => {
    const { disk, values } = await closedScene(SMALL);
    await change(disk, LOG, (bytes) => {
      bytes[75] ^= 1;
      return bytes;
    });
    const { log } = await reopenUnread(disk);
    const read = await log.read(0, { bytesMax: 10_000, endOffsetMax: 30, atLeastOneBatch: true });
    expect(read.error?.name).toBe('CORRUPT_MESSAGE');
    expect(await readValues(log, 1)).toEqual(values.slice(1));
  });

  test('a lost topic id is taken from the topic, and the records stay', async () => {
    const { disk, values } = await closedScene();
    await disk.remove(`${FOLDER}/partition.metadata`);
    const again = await reopen(disk);
    expect(again.values).toEqual(values);
    expect(again.log.topicId).toBe(TOPIC_ID);
    expect((await fileBytes(disk, `${FOLDER}/partition.metadata`)).toString()).toBe(
      `version: 0\ntopic_id: ${TOPIC_ID}`,
    );
  });

  test('a garbage epoch file is rebuilt from the batches', async () => {
    const scene = await openScene();
    const log = createLog(scene);
    for (const leaderEpoch of [1, 1, 4, 9]) {
      log.append((await import('./scene.ts')).batchOf(['a', 'b']), { leaderEpoch, origin: 'client' });
    }
    const { entries } = log.leaderEpochs;
    await scene.directory.close();
    for (const text of ['garbage', '', '0\n1\n7 3\n5', '0\n2\n1 0\n']) {
      putFile(scene.disk as MemoryDisk, `${FOLDER}/leader-epoch-checkpoint`, Buffer.from(text));
      const again = await openScene({ disk: (scene.disk as MemoryDisk).kill() });
      expect(again.directory.get('orders', 0)?.leaderEpochs.entries).toEqual(entries);
    }
  });

  test('garbage in the checkpoints is a warning', async () => {
    for (const name of [
      'recovery-point-offset-checkpoint',
      'replication-offset-checkpoint',
      'log-start-offset-checkpoint',
    ]) {
      const { disk, values } = await closedScene();
      putFile(disk, `/data/${name}`, Buffer.from('0\n7\ngarbage'));
      const again = await reopen(disk);
      expect(again.values).toEqual(values);
      expect(again.warnings.join()).toContain('damaged checkpoint');
    }
  });

  test('a log that ends before its start is put aside and begins anew at the start', async () => {
    const { disk } = await closedScene();
    putFile(disk, '/data/log-start-offset-checkpoint', Buffer.from('0\n1\norders 0 100\n'));
    const again = await reopen(disk);
    expect(again.log.logStartOffset).toBe(100);
    expect(again.log.logEndOffset).toBe(100);
    expect(appendValues(again.log, ['a'])).toBe(100);
    expect(await corruptFolders(disk)).toHaveLength(1);
  });

  test('leftovers and foreign things do not disturb', async () => {
    const { disk, values } = await closedScene();
    putFile(disk, `${FOLDER}/00000000000000000005.index`, Buffer.alloc(8, 1));
    putFile(disk, `${FOLDER}/00000000000000000000.log.deleted`, Buffer.alloc(8, 1));
    putFile(disk, `${FOLDER}/00000000000000000000.log.cleaned`, Buffer.alloc(8, 1));
    putFile(disk, '/data/foo', Buffer.alloc(1));
    disk.makeDirectorySync('/data/a-b-c');
    disk.makeDirectorySync(`/data/${'x'.repeat(300)}-0`);
    const again = await reopen(disk);
    expect(again.values).toEqual(values);
    expect(await fileNames(disk, FOLDER)).not.toContain('00000000000000000005.index');
    expect([...again.directory.logs()]).toHaveLength(1);
  });
});

/** Opens without reading, so that nothing is in memory. */
async function reopenUnread(disk: MemoryDisk) {
  const scene = await openScene({ disk });
  return { log: createLog(scene, SMALL) };
}

function lastBatchBytes(log: Buffer): number {
  let at = 0;
  let sizeInBytes = 0;
  while (at < log.length) {
    sizeInBytes = log.readInt32BE(at + 8) + 12;
    at += sizeInBytes;
  }
  return sizeInBytes;
}
