/** Appends under `os`, which ends in the page cache, beside a plain `writev` of the same bytes to one file. */
import { join } from 'node:path';
import { alternate, count, fixed, medianOf, printTable, ratioOf, target } from '../table.ts';
import { writeFile } from './bare-loops.ts';
import { type BenchOptions, createLogs, inFolder, MIB, makeBatches, openLogs } from './scene.ts';
import { driveWriters, type Load } from './writers.ts';

const IN_FLIGHT = 5;
const RING_BATCHES = 512;
const RATIO_MIN = 0.8;
const BYTES_PER_SECOND_MIN = 1e9;

interface Case {
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly writers: number;
  readonly hasTarget: boolean;
}

const CASES: readonly Case[] = [
  { recordBytes: 1024, batchBytes: 64 * 1024, writers: 1, hasTarget: true },
  { recordBytes: 1024, batchBytes: 16 * 1024, writers: 1, hasTarget: false },
  { recordBytes: 1024, batchBytes: 16 * 1024, writers: 64, hasTarget: false },
  { recordBytes: 100, batchBytes: 16 * 1024, writers: 1, hasTarget: false },
  { recordBytes: 100, batchBytes: 16 * 1024, writers: 64, hasTarget: false },
];

interface Sample {
  readonly bytesPerSecond: number;
  readonly recordsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function benchAppend(options: BenchOptions): Promise<void> {
  const bytes = (options.isFull ? 1024 : 256) * MIB;
  const rows = [];
  for (const each of CASES) rows.push(await compare(options, each, bytes));
  printTable(
    `append, os, ${bytes / MIB} MiB, ${IN_FLIGHT} batches of each writer under way`,
    ['case', 'MB/s', 'records/s', 'p50 ms', 'p99 ms', 'writev MB/s', 'ratio', 'target'],
    rows,
  );
}

async function compare(options: BenchOptions, each: Case, bytes: number): Promise<string[]> {
  const { recordBytes, batchBytes, writers, hasTarget } = each;
  const batches = makeBatches(recordBytes, batchBytes, RING_BATCHES);
  const batchCount = Math.floor(bytes / batches.sizeInBytes);
  const load: Load = { writers, inFlight: IN_FLIGHT, batchCount };
  const sampleOf = (seconds: number, p50Ms: number, p99Ms: number): Sample => ({
    bytesPerSecond: (batchCount * batches.sizeInBytes) / seconds,
    recordsPerSecond: (batchCount * batches.recordCount) / seconds,
    p50Ms,
    p99Ms,
  });
  const { ours, rival } = await alternate<'ours' | 'rival', Sample>(options.rounds, {
    ours: () =>
      inFolder(options.folder, async (folder) => {
        await using directory = await openLogs(folder, 'os');
        const { seconds, p50Ms, p99Ms } = await driveWriters(createLogs(directory, 'bench', 1), batches, load);
        return sampleOf(seconds, p50Ms, p99Ms);
      }),
    rival: () =>
      inFolder(options.folder, async (folder) => sampleOf(writeFile(join(folder, 'plain'), batches, load), 0, 0)),
  });
  const bytesPerSecond = medianOf(ours, (sample) => sample.bytesPerSecond);
  const ratio = ratioOf(ours, rival, (sample) => sample.bytesPerSecond);
  return [
    `${recordBytes} B in ${batchBytes / 1024} KiB, ${writers} writer${writers === 1 ? '' : 's'}`,
    fixed(bytesPerSecond / 1e6, 0),
    count(medianOf(ours, (sample) => sample.recordsPerSecond)),
    fixed(medianOf(ours, (sample) => sample.p50Ms)),
    fixed(medianOf(ours, (sample) => sample.p99Ms)),
    fixed(medianOf(rival, (sample) => sample.bytesPerSecond) / 1e6, 0),
    fixed(ratio),
    hasTarget ? target(ratio >= RATIO_MIN || bytesPerSecond >= BYTES_PER_SECOND_MIN, '0.80 or 1 GB/s') : '',
  ];
}
