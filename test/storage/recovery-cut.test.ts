/** A recovery that is cut off before any of its steps, by a power cut or a kill, and begun again comes to the same. */
import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '#core';
import { type SimulatedDisk, simulatedDisk } from '#storage';
import { FOLDER, logPath, positionsIn, readEach, timeOf } from './damage-scene.ts';
import { fileBytes, fileNames } from './golden-folder.ts';
import { batchOf, createLog, openScene, START_MS } from './scene.ts';

const CONFIG = { 'segment.bytes': 700, 'index.interval.bytes': 100 };
const BASES = [0, 9, 17];

/** Everything on it is durable; the log has three segments, and its recovery point is 0. */
async function filled(): Promise<SimulatedDisk> {
  const disk = simulatedDisk(1);
  const scene = await openScene({ disk, durability: 'sync' });
  const log = createLog(scene, CONFIG);
  for (let i = 0; i < 20; i++) {
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: i };
    log.append(batchOf([`value ${i}`], { ...producer, timestamp: timeOf(i) }), {
      leaderEpoch: 1 + (i >> 3),
      origin: 'client',
    });
    await scene.clock.settle();
  }
  const killed = disk.kill();
  const names = (await fileNames(killed, FOLDER)).filter((name) => name.endsWith('.log'));
  expect(names.map((name) => Number.parseInt(name, 10))).toEqual(BASES);
  for (const name of await fileNames(killed, FOLDER))
    if (name.endsWith('.snapshot')) await killed.remove(`${FOLDER}/${name}`);
  await sync(killed);
  return killed;
}

async function sync(disk: SimulatedDisk): Promise<void> {
  for (const folder of ['/data', FOLDER]) {
    for (const { name, kind } of await disk.list(folder)) {
      if (kind !== 'file') continue;
      const file = disk.openSync(`${folder}/${name}`, { create: false });
      await file.sync();
      file.close();
    }
    await disk.syncDirectory(folder);
  }
}

async function change(disk: SimulatedDisk, path: string, edit: (bytes: Buffer) => Buffer): Promise<void> {
  const content = edit((await disk.readFile(path)) ?? Buffer.alloc(0));
  const file = disk.openSync(path, { create: true });
  file.truncateSync(0);
  file.writeSync([content], 0);
  file.close();
}

const SCENARIOS: Record<string, (disk: SimulatedDisk) => Promise<void>> = {
  'a torn tail': (disk) => change(disk, logPath(17), (bytes) => bytes.subarray(0, -9)),
  'garbage behind the tail': (disk) =>
    change(disk, logPath(17), (bytes) => Buffer.concat([bytes, Buffer.alloc(2000, 7)])),
  'damage with segments behind it': async (disk) => {
    const { position } = positionsIn(await fileBytes(disk, logPath(0))).get(3)!;
    await change(disk, logPath(0), (bytes) => {
      bytes[position + 70] ^= 1;
      return bytes;
    });
  },
  'a segment that is gone': (disk) => disk.remove(logPath(9)),
  'indexes that are gone': async (disk) => {
    for (const name of await fileNames(disk, FOLDER))
      if (name.endsWith('index')) await disk.remove(`${FOLDER}/${name}`);
  },
  'a log start behind the end': (disk) =>
    change(disk, '/data/log-start-offset-checkpoint', () => Buffer.from('0\n1\norders 0 100\n')),
  'damage below what was durable': async (disk) => {
    await change(disk, logPath(17), (bytes) => bytes.subarray(0, -9));
    await change(disk, '/data/recovery-point-offset-checkpoint', () => Buffer.from('0\n1\norders 0 20\n'));
  },
  'a torn tail and lost epochs': async (disk) => {
    await change(disk, logPath(17), (bytes) => bytes.subarray(0, -9));
    await change(disk, `${FOLDER}/leader-epoch-checkpoint`, () => Buffer.from('garbage'));
  },
};

/** What a start makes of `disk`, in words. Every start has its own time. */
let starts = 0;

async function outcome(disk: SimulatedDisk): Promise<string> {
  const clock = new ManualClock(START_MS + ++starts * 1000);
  const scene = await openScene({ disk, durability: 'sync', clock });
  const log = createLog(scene, CONFIG);
  const values = log.logEndOffset < 50 ? await readEach(log) : [];
  const repeated = batchOf(['value 2'], { producerId: 7, producerEpoch: 0, baseSequence: 2, timestamp: timeOf(2) });
  const isKnown = log.append(repeated, { leaderEpoch: 9, origin: 'client' }).isDuplicate;
  const epochs = log.leaderEpochs.entries.map(({ epoch, startOffset }) => `${epoch}@${startOffset}`);
  const { logStartOffset, logEndOffset, segmentCount, isReadOnly } = log;
  const end = isKnown ? logEndOffset : logEndOffset - 1;
  return [logStartOffset, end, segmentCount, isReadOnly, isKnown, ...epochs.slice(0, 3), ...values].join(' ');
}

/** All bytes that lie in folders beside the log. */
async function keptBytes(disk: SimulatedDisk): Promise<Buffer[]> {
  const kept: Buffer[] = [];
  for (const folder of await fileNames(disk, '/data')) {
    if (!folder.includes('.corrupt-')) continue;
    for (const name of await fileNames(disk, `/data/${folder}`))
      kept.push(await fileBytes(disk, `/data/${folder}/${name}`));
  }
  return kept;
}

describe.each(Object.keys(SCENARIOS))('with %s', (name) => {
  test('a recovery may be cut off before each of its steps', async () => {
    const base = await filled();
    await SCENARIOS[name](base);
    await sync(base);
    const whole = base.kill();
    const expected = await outcome(whole);
    const expectedKept = (await keptBytes(whole)).map((bytes) => bytes.toString('hex')).sort();
    let steps = 0;
    for (let isThrough = false; !isThrough; steps++) {
      for (const seed of [undefined, 'kill', steps] as const) {
        const disk = base.kill();
        disk.faults.cutPowerAfter(steps);
        try {
          await openScene({ disk, durability: 'sync', clock: new ManualClock(START_MS + ++starts * 1000) });
        } catch (error) {
          if (!disk.faults.isPowerOff) throw error;
        }
        isThrough = !disk.faults.isPowerOff;
        if (isThrough) break;
        const left = seed === 'kill' ? disk.kill() : disk.crash(seed);
        expect([steps, seed, await outcome(left)]).toEqual([steps, seed, expected]);
        // What the first try kept and what the second one did: all of it is there.
        const kept = (await keptBytes(left.crash())).map((bytes) => bytes.toString('hex'));
        for (const bytes of expectedKept) expect(kept).toContain(bytes);
      }
    }
    expect(steps).toBeGreaterThan(20);
  });
});
