/**
 * What many open partitions cost while hardly anything happens: the work that comes back every second (checkpoints), every few
 * minutes (retention, expiry; here every second) or every 15 seconds (the look of the cleaner; here every second).
 */
import type { CleanerConfig, LogDirectoryOptions } from '#storage';
import { topicConfig } from '#storage';
import { alternate, fixed, medianOf, printTable } from '../table.ts';
import { appendDurably, type BenchOptions, createLogs, inFolder, makeBatches, openLogs } from './scene.ts';
import { type TurnFigures, Turns } from './turns.ts';

const PARTITIONS = { full: 10_000, small: 2_000 } as const;
const SECONDS = 5;
const APPENDS_PER_SECOND = 20;
const EVERY_MS = 1000;
const PARTITIONS_PER_TURN = 100;

export const CLEANER: CleanerConfig = {
  backoffMs: EVERY_MS,
  dedupeBufferBytes: 128 * 1024 * 1024,
  dedupeLoadFactor: 0.9,
  ioBufferBytes: 512 * 1024,
  ioBytesPerSecondMax: Number.POSITIVE_INFINITY,
};

interface Sample {
  readonly cpuMsPerSecond: number;
  readonly turns: TurnFigures;
}

export function benchIdle(options: BenchOptions): Promise<void> {
  const partitions = options.isFull ? PARTITIONS.full : PARTITIONS.small;
  return inFolder(options.folder, async (folder) => {
    await make(folder, partitions);
    const measure = (appendsPerSecond: number, more: Partial<LogDirectoryOptions> = {}) =>
      watch(folder, partitions, appendsPerSecond, more);
    const samples = await alternate(options.rounds, {
      'nothing open: the cost of watching': () =>
        count(() => new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))),
      'nothing appended': () => measure(0),
      [`${APPENDS_PER_SECOND} appends a second to one`]: () => measure(APPENDS_PER_SECOND),
      [`${APPENDS_PER_SECOND} appends a second to as many`]: () => measure(-APPENDS_PER_SECOND),
      'retention each second': () => measure(0, { retentionCheckMs: EVERY_MS }),
      'a look of the cleaner each second': () => measure(0, { cleaner: CLEANER }),
    });
    printTable(
      `idle, sync, ${partitions} partitions open for ${SECONDS} s`,
      ['case', 'cpu ms per s', 'longest turn ms', 'its cpu ms'],
      Object.entries(samples).map(([name, each]) => [
        name,
        fixed(
          medianOf(each, (sample) => sample.cpuMsPerSecond),
          1,
        ),
        fixed(
          medianOf(each, (sample) => sample.turns.longestMs),
          1,
        ),
        fixed(
          medianOf(each, (sample) => sample.turns.longestCpuMs),
          1,
        ),
      ]),
    );
  });
}

async function make(folder: string, partitions: number): Promise<void> {
  const directory = await openLogs(folder, 'os');
  const [batch] = makeBatches(1000, 1100, 1).list;
  const logs = createLogs(directory, 'bench', partitions);
  for (let first = 0; first < partitions; first += PARTITIONS_PER_TURN) {
    await Promise.all(logs.slice(first, first + PARTITIONS_PER_TURN).map((log) => appendDurably(log, batch)));
  }
  await directory.close();
}

/** @param appendsPerSecond all to one partition; negative: each to another one */
async function watch(
  folder: string,
  partitions: number,
  appendsPerSecond: number,
  more: Partial<LogDirectoryOptions>,
): Promise<Sample> {
  await using directory = await openLogs(folder, 'sync', more);
  const logs = createLogs(directory, 'bench', partitions, topicConfig({ 'cleanup.policy': 'compact,delete' }));
  const [batch] = makeBatches(1000, 1100, 1, () => Buffer.from('key')).list;
  // What opening left behind is not counted.
  await new Promise((resolve) => setTimeout(resolve, 2 * EVERY_MS));
  return await count(async () => {
    for (let index = 0; index < SECONDS * Math.max(1, Math.abs(appendsPerSecond)); index++) {
      const log = logs[appendsPerSecond < 0 ? (index * 97) % partitions : 0];
      if (appendsPerSecond !== 0) await appendDurably(log, batch);
      await new Promise((resolve) => setTimeout(resolve, 1000 / Math.max(1, Math.abs(appendsPerSecond))));
    }
  });
}

async function count(run: () => Promise<void>): Promise<Sample> {
  const turns = new Turns();
  const cpu = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMsPerSecond: (user + system) / 1000 / SECONDS, turns: turns.stop() };
}
