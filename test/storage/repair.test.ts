/** What a person can do about a damaged log: each way out, for each kind of damage, with the starts that follow. */
import { describe, expect, test } from '@jest/globals';
import { ManualClock, silentLogger } from '#core';
import { type Disk, LogRepair, type MemoryDisk, type RepairChoice, type RepairOutcome } from '#storage';
import {
  CORRUPT,
  contents,
  corruptFolders,
  flip,
  logPath,
  RECORDS,
  type StoppedLog,
  start,
  stoppedLog,
  without,
} from './damage-matrix-scene.ts';
import { changeFile, FOLDER, positionsIn, readEach, readOnwards, timeOf } from './damage-scene.ts';
import { fileBytes, fileNames, putFile } from './golden-folder.ts';
import { appendValues, START_MS } from './scene.ts';

interface Case {
  readonly stopped: StoppedLog;
  /** The offsets that are damaged. */
  readonly from: number;
  readonly to: number;
  readonly isReadOnly: boolean;
}

const CASES: Record<string, () => Promise<Case>> = {
  'a bit in the first segment, with recovery point 0': async () => {
    const stopped = await stoppedLog('unclean');
    putFile(stopped.disk, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n1\norders 0 0\n'));
    const place = positionsIn(await fileBytes(stopped.disk, logPath(0))).get(2)!;
    await changeFile(stopped.disk, logPath(0), flip(place.position + 70));
    return { stopped, from: 2, to: 3, isReadOnly: true };
  },
  'a torn last batch': async () => {
    const stopped = await stoppedLog('clean');
    await changeFile(stopped.disk, logPath(stopped.activeBase), (bytes) => bytes.subarray(0, -50));
    return { stopped, from: RECORDS - 1, to: RECORDS, isReadOnly: true };
  },
  'an active segment that was emptied': async () => {
    const stopped = await stoppedLog('unclean');
    await changeFile(stopped.disk, logPath(stopped.activeBase), () => Buffer.alloc(0));
    return { stopped, from: stopped.activeBase, to: RECORDS, isReadOnly: true };
  },
  'a closed segment that is gone, with recovery point 0': async () => {
    const stopped = await stoppedLog('unclean');
    const { disk, bases } = stopped;
    putFile(disk, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n1\norders 0 0\n'));
    await disk.remove(logPath(bases[1]));
    return { stopped, from: bases[1], to: bases[2], isReadOnly: true };
  },
  'two batches of zeros in the middle of the active segment, and garbage behind its end': async () => {
    const stopped = await stoppedLog('unclean');
    const { disk, activeBase } = stopped;
    const places = positionsIn(await fileBytes(disk, logPath(activeBase)));
    const [first, last] = [places.get(activeBase + 1)!, places.get(activeBase + 2)!];
    await changeFile(disk, logPath(activeBase), (bytes) => {
      bytes.fill(0, first.position, last.position + last.sizeInBytes);
      return Buffer.concat([bytes, Buffer.alloc(90, 7)]);
    });
    putFile(disk, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n1\norders 0 30\n'));
    for (const name of await fileNames(disk, FOLDER))
      if (name.endsWith('index') && name.startsWith(String(activeBase).padStart(20, '0')))
        await disk.remove(`${FOLDER}/${name}`);
    return { stopped, from: activeBase + 1, to: activeBase + 3, isReadOnly: true };
  },
  'a bit in a closed segment of a log that takes records': async () => {
    const stopped = await stoppedLog('clean');
    const { disk, bases } = stopped;
    const place = positionsIn(await fileBytes(disk, logPath(bases[1]))).get(bases[1] + 1)!;
    await changeFile(disk, logPath(bases[1]), flip(place.position + place.sizeInBytes - 3));
    return { stopped, from: bases[1] + 1, to: bases[1] + 2, isReadOnly: false };
  },
};

function openRepair(disk: Disk, name = 'orders-0'): Promise<LogRepair> {
  const clock = new ManualClock(START_MS + 5000);
  return LogRepair.open({ disk, clock, logger: silentLogger, path: '/data', name });
}

async function repair(disk: Disk, choice: RepairChoice): Promise<RepairOutcome> {
  const opened = await openRepair(disk);
  try {
    return await opened.apply(choice);
  } finally {
    await opened.close();
  }
}

/** But for what can be derived of them. */
async function logsOf(disk: MemoryDisk): Promise<Record<string, string>> {
  return Object.fromEntries(Object.entries(await contents(disk)).filter(([name]) => !name.endsWith('index')));
}

/** Starts, kills and stops: each sees `expected`, and takes records behind `endOffset`. */
async function expectWritable(disk: MemoryDisk, endOffset: number, expected: readonly string[]): Promise<void> {
  let left = disk.kill();
  let appended = 0;
  for (const stop of ['kill', 'close', 'close', 'kill', 'kill']) {
    const scene = await start(left);
    expect([stop, scene.log.isReadOnly, scene.log.logEndOffset]).toEqual([stop, false, endOffset + appended]);
    const each = await readEach(scene.log);
    expect(each.slice(0, endOffset)).toEqual(expected);
    expect(appendValues(scene.log, ['more'])).toBe(endOffset + appended);
    appended++;
    await scene.clock.advance(2000);
    if (stop === 'close') await scene.directory.close();
    left = left.kill();
  }
}

describe.each(Object.keys(CASES))('%s', (name) => {
  test('is told, and nothing is changed by looking', async () => {
    const { stopped, from, to, isReadOnly } = await CASES[name]();
    const before = await logsOf(stopped.disk);
    const opened = await openRepair(stopped.disk);
    const { inspection } = opened;
    await opened.close();
    expect(inspection.damage).toMatchObject([{ startOffset: from, endOffset: to }]);
    expect(inspection.isReadOnly).toBe(isReadOnly);
    expect(inspection.survey.logEndOffset).toBe(RECORDS);
    expect(await logsOf(stopped.disk)).toEqual(before);
    const { log } = await start(stopped.disk);
    expect(log.isReadOnly).toBe(isReadOnly);
  });

  test('truncated: the log ends there, all that came after is put aside, and its offsets are given again', async () => {
    const { stopped, from } = await CASES[name]();
    const { disk, values } = stopped;
    const before = await contents(disk, FOLDER);
    const { logEndOffset, corruptFolder } = await repair(disk, 'truncate');
    expect(logEndOffset).toBe(from);
    const kept = corruptFolder === undefined ? '' : Object.values(await contents(disk, corruptFolder)).join('');
    for (const base of stopped.bases.filter((each) => each > from)) {
      const content = before[logPath(base)];
      if (content !== undefined && content.length > 0) expect(kept).toContain(content);
    }
    await expectWritable(disk, from, values.slice(0, from));
  });

  test('skipped: readers pass over it, and everything else stays', async () => {
    const { stopped, from, to } = await CASES[name]();
    const { disk, values } = stopped;
    await repair(disk, 'skip');
    const passed = values.map((value, offset) => (offset >= from && offset < to ? 'nothing' : value));
    await expectWritable(disk, RECORDS, passed);
    const { log, warnings } = await start(disk.kill());
    expect((await readOnwards(log)).slice(0, RECORDS - (to - from))).toEqual(
      passed.filter((value) => value !== 'nothing'),
    );
    for (let offset = 0; offset < RECORDS; offset++) {
      const expected = passed.findIndex((value, at) => at >= offset && value !== 'nothing');
      if (expected >= 0) expect((await log.offsetForTimestamp(timeOf(offset), RECORDS))?.offset).toBe(expected);
    }
    expect(warnings.filter((text) => text.includes('damaged'))).toEqual([]);
    expect(log.leaderEpochs.entries.slice(0, 2)).toEqual([
      { epoch: 3, startOffset: 0 },
      { epoch: 5, startOffset: from <= 17 && 17 < to ? expect.any(Number) : 17 },
    ]);
    const again = await openRepair(disk.kill());
    expect(again.inspection.damage).toEqual([]);
    await again.close();
  });

  test('kept: nothing is moved, records are taken behind all there was, and the damage is refused for ever', async () => {
    const { stopped, from, to } = await CASES[name]();
    const { disk, values } = stopped;
    const { logEndOffset } = await repair(disk, 'keep');
    expect(logEndOffset).toBe(RECORDS);
    await expectWritable(disk, RECORDS, without(values, from, to));
    const { log } = await start(disk.kill());
    expect((await readEach(log))[from]).toBe(CORRUPT);
  });
});

test('a repair that is cut off before any of its steps is begun again and comes to the same', async () => {
  for (const choice of ['truncate', 'skip', 'keep'] as const) {
    for (const name of Object.keys(CASES).slice(0, 4)) {
      const { stopped } = await CASES[name]();
      const whole = stopped.disk.kill();
      await repair(whole, choice);
      const expected = await readEach((await start(whole)).log);
      for (let step = 1, isThrough = false; !isThrough; step++) {
        const disk = stopped.disk.kill();
        isThrough = !(await stoppedAfter(disk, step, choice));
        const left = disk.kill();
        const opened = await openRepair(left);
        if (opened.inspection.damage.length > 0) await opened.apply(choice);
        await opened.close();
        const { log } = await start(left);
        expect([choice, name, step, log.isReadOnly, await readEach(log)]).toEqual([
          choice,
          name,
          step,
          false,
          expected,
        ]);
      }
    }
  }
});

/** Whether the repair came to its end before so many changes of the disk. */
async function stoppedAfter(disk: MemoryDisk, changes: number, choice: RepairChoice): Promise<boolean> {
  let left = changes;
  const step = (): void => {
    if (--left < 0) throw new Error('the process was killed');
  };
  const killing: Disk = {
    readFile: (path) => disk.readFile(path),
    list: (path) => disk.list(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    lock: (path) => disk.lock(path),
    makeDirectorySync(path) {
      step();
      return disk.makeDirectorySync(path);
    },
    async rename(from, to) {
      step();
      await disk.rename(from, to);
    },
    async remove(path) {
      step();
      await disk.remove(path);
    },
    openSync(path, options) {
      if (options.create) step();
      const file = disk.openSync(path, options);
      return {
        path,
        sizeSync: () => file.sizeSync(),
        read: (into, position) => file.read(into, position),
        readSync: (into, position) => file.readSync(into, position),
        writeSync(chunks, position) {
          step();
          file.writeSync(chunks, position);
        },
        truncateSync(sizeInBytes) {
          step();
          file.truncateSync(sizeInBytes);
        },
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
  };
  try {
    await repair(killing, choice);
    return false;
  } catch (error) {
    if (left >= 0) throw error;
    return true;
  }
}

describe('is refused', () => {
  test('while a broker uses the folder', async () => {
    const { disk } = await stoppedLog('clean');
    const scene = await start(disk);
    await expect(openRepair(disk)).rejects.toMatchObject({ code: 'LOCKED' });
    await scene.directory.close();
  });

  test.each([
    ['nonsense', /nonsense is no partition/],
    ['orders-7', /\/data holds no folder orders-7/],
  ])('for %s', async (name, text) => {
    const { disk } = await stoppedLog('clean');
    await expect(openRepair(disk, name)).rejects.toThrow(text);
    expect(await corruptFolders(disk)).toEqual([]);
    await (await openRepair(disk)).close();
  });

  test('where nothing is damaged', async () => {
    const { disk } = await stoppedLog('clean');
    const before = await contents(disk);
    await expect(repair(disk, 'truncate')).rejects.toThrow('is not damaged');
    expect(await contents(disk)).toEqual(before);
  });
});
