/** The scrub: damage is found before anybody reads it, slowly, and told once. */
import { describe, expect, test } from '@jest/globals';
import { ManualClock } from '#core';
import { type MemoryDisk, type SimulatedDisk, simulatedDisk } from '#storage';
import { changeFile, closedLog, logPath, openLog, positionsIn, readEach, SMALL } from './damage-scene.ts';
import { fileBytes } from './golden-folder.ts';
import { appendValues, createLog, openScene, START_MS } from './scene.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

async function damaged(): Promise<{
  disk: MemoryDisk;
  offset: number;
  values: readonly string[];
  bases: readonly number[];
}> {
  const { disk, values, bases } = await closedLog();
  const offset = bases[1] + 1;
  const place = positionsIn(await fileBytes(disk, logPath(bases[1]))).get(offset)!;
  await changeFile(disk, logPath(bases[1]), (bytes) => {
    bytes[place.position + 70] ^= 1;
    return bytes;
  });
  return { disk, offset, values, bases };
}

const told = (warnings: readonly string[]): string[] => warnings.filter((text) => text.includes('is damaged'));

test('damage that nobody has read is found, told once whoever comes later, and refused; records are taken', async () => {
  const { disk, offset, values } = await damaged();
  const { log, clock, warnings, directory } = await openLog(disk, SMALL, { scrubBytesPerSecond: 1_000_000 });
  expect(directory.damageCount).toBe(0);
  await clock.advance(MINUTE_MS + 1000);
  expect(directory.damageCount).toBe(1);
  expect(told(warnings)).toEqual([
    expect.stringMatching(new RegExp(`^orders-0: 0.*log is damaged at position .* \\(offset ${offset}\\)`)),
  ]);
  expect(log.damage).toMatchObject([{ startOffset: offset, endOffset: offset + 1 }]);
  for (let day = 0; day < 3; day++) await clock.advance(DAY_MS);
  const each = await readEach(log);
  expect(each.filter((text) => text === 'CORRUPT_MESSAGE')).toHaveLength(1);
  expect(each[offset]).toBe('CORRUPT_MESSAGE');
  expect(told(warnings)).toHaveLength(1);
  expect(appendValues(log, ['next'])).toBe(values.length);
});

test('a segment that ends too early, or is empty, is found', async () => {
  const { disk, bases } = await closedLog();
  await changeFile(disk, logPath(bases[1]), () => Buffer.alloc(0));
  const { log, clock, directory } = await openLog(disk, SMALL, { scrubBytesPerSecond: 1_000_000 });
  await clock.advance(MINUTE_MS + 1000);
  expect(log.damage).toMatchObject([{ startOffset: bases[1], endOffset: bases[2] }]);
  // What retention takes is nobody's concern any more.
  await log.deleteRecords(bases[2]);
  expect(directory.damageCount).toBe(0);
});

describe('the rate', () => {
  /** Ten closed segments of 100 kB on a disk that says when it is read. */
  async function large(bytesPerSecond: number) {
    const disk = simulatedDisk(1);
    const first = await openScene({ disk });
    const config = { 'segment.bytes': 100_000, 'retention.ms': -1 };
    const log = createLog(first, config);
    for (let i = 0; i < 10; i++) appendValues(log, ['x'.repeat(99_900)]);
    await first.directory.close();
    const reads: { atMs: number; path: string }[] = [];
    const clock = new ManualClock(START_MS);
    const scene = await openScene({ disk, clock, scrubBytesPerSecond: bytesPerSecond });
    const opened = createLog(scene, config);
    disk.before = (step, path) => {
      if (step === 'read' && path.endsWith('.log')) reads.push({ atMs: clock.now().monotonicMs, path });
    };
    return { ...scene, clock, log: opened, reads, disk };
  }

  test('is kept: a megabyte at 10 kB a second takes 100 seconds, and nothing is read before the first pause is over', async () => {
    const { clock, reads, log } = await large(10_000);
    await clock.advance(MINUTE_MS - 1);
    expect(reads).toEqual([]);
    await clock.advance(50_000);
    const half = new Set(reads.map(({ path }) => path)).size;
    expect(half).toBeGreaterThan(2);
    expect(half).toBeLessThan(7);
    await clock.advance(60_000);
    const files = reads.map(({ path }) => path);
    // Every closed one once, and the active one never.
    expect(new Set(files).size).toBe(log.closedSegments.length);
    expect(files.length).toBe(log.closedSegments.length);
    const last = reads.at(-1)!.atMs - reads[0].atMs;
    expect(last).toBeGreaterThanOrEqual(10 * (log.closedSegments.length - 1) * 1000 - 1000);
  });

  test('a round that is done waits for the next day', async () => {
    const { clock, reads, log } = await large(1_000_000_000);
    await clock.advance(MINUTE_MS + 1000);
    expect(reads).toHaveLength(log.closedSegments.length);
    await clock.advance(DAY_MS - 2 * MINUTE_MS);
    expect(reads).toHaveLength(log.closedSegments.length);
    await clock.advance(2 * MINUTE_MS);
    expect(reads).toHaveLength(2 * log.closedSegments.length);
  });

  test('0 is never', async () => {
    const { clock, reads } = await large(0);
    await clock.advance(DAY_MS);
    expect(reads).toEqual([]);
  });

  test('does not hold up a close in the middle of a round', async () => {
    const { clock, reads, directory } = await large(1000);
    await clock.advance(MINUTE_MS + 1000);
    expect(reads).toHaveLength(1);
    await directory.close();
    expect(clock.pendingTimerCount).toBe(0);
  });

  test('segments that are deleted under it are no news', async () => {
    const { clock, log, warnings, directory } = await large(10_000);
    await clock.advance(MINUTE_MS + 15_000);
    await log.deleteRecords(8);
    await clock.advance(600_000);
    expect(log.closedSegments.length).toBeLessThan(3);
    expect(warnings).toEqual([]);
    expect(directory.damageCount).toBe(0);
  });

  test('a segment that the disk cannot read is told once, and the others are read', async () => {
    const { clock, reads, log, warnings, disk } = await large(1_000_000_000);
    (disk as SimulatedDisk).faults.inject({ step: 'read', code: 'EIO', path: /0{19}3\.log$/ });
    for (let day = 0; day < 3; day++) await clock.advance(DAY_MS + MINUTE_MS);
    expect(warnings.filter((text) => text.includes('cannot be read'))).toHaveLength(1);
    expect(reads.length).toBeGreaterThanOrEqual(3 * log.closedSegments.length);
  });
});
