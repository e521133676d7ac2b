/** Index files and producer snapshots follow the log: what a disk holds of them speaks of nothing that is not durable. */
import { describe, expect, test } from '@jest/globals';
import { simulatedDisk } from '#storage';
import { fileNames } from './golden-folder.ts';
import { appendValues, batchOf, createLog, openScene } from './scene.ts';

const FOLDER = '/data/orders-0';
const SMALL = { 'segment.bytes': 400, 'index.interval.bytes': 50 };

describe.each(['sync', 'os'] as const)('durability %s', (durability) => {
  test('nothing of a rolled segment but its batches is written before these are synced, and then all of it', async () => {
    const disk = simulatedDisk(1);
    const scene = await openScene({ disk, durability });
    const log = createLog(scene, SMALL);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    disk.before = (step, path) => (step === 'sync' && path.endsWith('.log') ? held : undefined);
    for (let i = 0; i < 12; i++) appendValues(log, [`value ${i}`.padEnd(60)]);
    await scene.clock.settle();
    const names = await fileNames(disk, FOLDER);
    const logs = names.filter((name) => name.endsWith('.log'));
    expect(logs.length).toBeGreaterThan(3);
    expect(names.filter((name) => /index$|snapshot$/.test(name))).toEqual([]);
    release();
    await scene.clock.settle();
    const bases = logs.map((name) => name.slice(0, 20));
    const followers = [
      ...bases.slice(0, -1).flatMap((base) => [`${base}.index`, `${base}.timeindex`]),
      ...bases.slice(1).map((base) => `${base}.snapshot`),
    ];
    expect((await fileNames(disk, FOLDER)).filter((name) => /index$|snapshot$/.test(name))).toEqual(followers.sort());
    // And they are durable.
    expect((await fileNames(disk.crash(), FOLDER)).filter((name) => /index$|snapshot$/.test(name))).toEqual(followers);
  });
});

test('a power cut at any step leaves no offset index without the times up to its last entry', async () => {
  for (let step = 0; step < 120; step++) {
    for (const seed of [undefined, step]) {
      const disk = simulatedDisk(step);
      const scene = await openScene({ disk, durability: 'sync' });
      const log = createLog(scene, SMALL);
      disk.faults.cutPowerAfter(step);
      for (let i = 0; i < 9 && !disk.faults.isPowerOff; i++) {
        log.append(batchOf([`value ${i}`.padEnd(60)], { timestamp: 1000 + i }), {
          leaderEpoch: 0,
          origin: 'client',
        });
        await scene.clock.settle();
      }
      const left = disk.crash(seed);
      for (const name of await fileNames(left, FOLDER)) {
        if (!name.endsWith('.index')) continue;
        const base = Number(name.slice(0, 20));
        const offsets = (await left.readFile(`${FOLDER}/${name}`)) ?? Buffer.alloc(0);
        const times = (await left.readFile(`${FOLDER}/${name.replace('.index', '.timeindex')}`)) ?? Buffer.alloc(0);
        for (let at = 0; at + 8 <= offsets.length; at += 8) {
          const offset = offsets.readInt32BE(at);
          if (offset === 0) continue;
          expect(timeOf(times, offset)).toBe(1000 + base + offset);
        }
      }
    }
  }
});

function timeOf(times: Buffer, relativeOffset: number): number | undefined {
  for (let at = 0; at + 12 <= times.length; at += 12) {
    if (times.readInt32BE(at + 8) === relativeOffset) return Number(times.readBigInt64BE(at));
  }
  return undefined;
}
