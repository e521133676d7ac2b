/**
 * How long a log directory with many idle partitions (one small segment each) takes to open, after a clean stop and after an unclean
 * one, and what each of them costs afterwards. Every sample is a fresh process; `open-process.ts` is its program.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { alternate, fixed, medianOf, printTable, target } from '../table.ts';
import type { OpenSample } from './open-process.ts';
import { appendDurably, type BenchOptions, createLogs, inFolder, makeBatches, openLogs } from './scene.ts';

const PARTITIONS = { full: 10_000, small: 2_000 } as const;
/** For 10,000 partitions. */
const SECONDS_MAX = 3;
const HEAP_BYTES_MAX = 8 * 1024;
const PARTITIONS_PER_TURN = 100;

export function benchOpen(options: BenchOptions): Promise<void> {
  const partitions = options.isFull ? PARTITIONS.full : PARTITIONS.small;
  return inFolder(options.folder, async (parent) => {
    const folder = join(parent, 'data');
    await make(folder, partitions);
    const { clean, unclean } = await alternate<'clean' | 'unclean', OpenSample>(options.rounds, {
      clean: async () => sample(folder, partitions, 'clean'),
      unclean: async () => sample(folder, partitions, 'unclean'),
    });
    const secondsMax = (SECONDS_MAX * partitions) / PARTITIONS.full;
    const row = (name: string, samples: readonly OpenSample[], hasTarget: boolean): string[] => {
      const seconds = medianOf(samples, (each) => each.seconds);
      const heapBytes = medianOf(samples, (each) => each.heapBytes) / partitions;
      return [
        name,
        fixed(seconds),
        hasTarget ? target(seconds <= secondsMax, `≤ ${fixed(secondsMax, 1)} s`) : '',
        fixed(medianOf(samples, (each) => each.cpuSeconds)),
        fixed(heapBytes, 0),
        target(heapBytes <= HEAP_BYTES_MAX, '≤ 8 KiB'),
        fixed(medianOf(samples, (each) => each.rssBytes) / partitions, 0),
        String(medianOf(samples, (each) => each.openFiles)),
        fixed(medianOf(samples, (each) => each.closeSeconds)),
      ];
    };
    printTable(
      `open, ${partitions} partitions with one small segment each, a fresh process`,
      ['after', 'seconds', '', 'cpu s', 'heap each', '', 'rss each', 'open files', 'close s'],
      [row('a clean stop', clean, true), row('an unclean stop', unclean, false)],
    );
  });
}

async function make(folder: string, partitions: number): Promise<void> {
  const directory = await openLogs(folder, 'os');
  const [batch] = makeBatches(1000, 1100, 1).list;
  const logs = createLogs(directory, 'bench', partitions);
  for (let first = 0; first < partitions; first += PARTITIONS_PER_TURN) {
    const some = logs.slice(first, first + PARTITIONS_PER_TURN);
    for (let round = 0; round < 3; round++) await Promise.all(some.map((log) => appendDurably(log, batch)));
  }
  await directory.close();
}

function sample(folder: string, partitions: number, kind: 'clean' | 'unclean'): OpenSample {
  const program = join(import.meta.dirname, 'open-process.ts');
  const args = [...process.execArgv, '--expose-gc', program, folder, String(partitions), kind];
  const { stdout, status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`opening ended with ${status}`);
  return JSON.parse(stdout.toString());
}
