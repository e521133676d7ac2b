/**
 * How fast a directory opens after an unclean stop that left all of it to be checked, from a warm page cache; beside a loop that
 * reads the same files and computes one checksum over them.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { alternate, fixed, medianOf, printTable, ratioOf, target } from '../table.ts';
import { readFile, warm } from './bare-loops.ts';
import { type BenchOptions, createLogs, inFolder, MIB, makeBatches, openLogs } from './scene.ts';
import { driveWriters } from './writers.ts';

const BYTES_PER_SECOND_MIN = 500e6;
/** What tells a start that the stop was clean, and how far the log was synced. */
const TRACES = ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint'];

interface Case {
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly partitions: number;
  readonly hasTarget: boolean;
}

const CASES: readonly Case[] = [
  { recordBytes: 1024, batchBytes: 64 * 1024, partitions: 1, hasTarget: true },
  { recordBytes: 100, batchBytes: 16 * 1024, partitions: 1, hasTarget: true },
  { recordBytes: 100, batchBytes: 16 * 1024, partitions: 16, hasTarget: true },
  { recordBytes: 100, batchBytes: 1024, partitions: 1, hasTarget: false },
];

export async function benchRecovery(options: BenchOptions): Promise<void> {
  const bytes = (options.isFull ? 2048 : 512) * MIB;
  const rows = [];
  for (const each of CASES)
    rows.push(await inFolder(options.folder, (folder) => recover(options, folder, each, bytes)));
  printTable(
    `recovery after an unclean stop, ${bytes / MIB} MiB, page cache warm`,
    ['case', 'MB/s', 'target', 'read and checksum MB/s', 'ratio'],
    rows,
  );
}

async function recover(options: BenchOptions, folder: string, each: Case, bytes: number): Promise<string[]> {
  const { recordBytes, batchBytes, partitions, hasTarget } = each;
  const directory = await openLogs(folder, 'os');
  const logs = createLogs(directory, 'bench', partitions);
  const batches = makeBatches(recordBytes, batchBytes, 512);
  await driveWriters(logs, batches, {
    writers: partitions,
    inFlight: 32,
    batchCount: Math.floor(bytes / batches.sizeInBytes),
  });
  await directory.close();
  const files = logs.flatMap((log) =>
    readdirSync(log.folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => join(log.folder, name)),
  );
  for (const file of files) warm(file);
  const { ours, rival } = await alternate<'ours' | 'rival', number>(options.rounds, {
    ours: async () => {
      for (const name of TRACES) rmSync(join(folder, name), { force: true });
      const start = performance.now();
      const opened = await openLogs(folder, 'os');
      const seconds = (performance.now() - start) / 1000;
      if (opened.get('bench', 0)?.logEndOffset === 0) throw new Error('the records are gone');
      await opened.close();
      return bytes / seconds;
    },
    rival: async () => {
      let seconds = 0;
      for (const file of files) seconds += await readFile(file, MIB, true);
      return bytes / seconds;
    },
  });
  const bytesPerSecond = medianOf(ours, (rate) => rate);
  return [
    `${recordBytes} B in ${batchBytes / 1024} KiB, ${partitions} partition${partitions === 1 ? '' : 's'}`,
    fixed(bytesPerSecond / 1e6, 0),
    hasTarget ? target(bytesPerSecond >= BYTES_PER_SECOND_MIN, '≥ 500 MB/s') : '',
    fixed(medianOf(rival, (rate) => rate) / 1e6, 0),
    fixed(ratioOf(ours, rival, (rate) => rate)),
  ];
}
