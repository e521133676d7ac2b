/**
 * Appends under `sync`, beside a bare loop that writes and syncs the same bytes per group to the same number of files. A group of
 * ours is what was said to be dirty while the last one was under way.
 */
import { join } from 'node:path';
import { median } from '../figures.ts';
import { alternate, count, fixed, medianOf, printTable, ratioOf, target } from '../table.ts';
import { writeAndSync } from './bare-loops.ts';
import { type BenchOptions, createLogs, inFolder, MIB, makeBatches, openLogs } from './scene.ts';
import { SyncTimes, timedDisk } from './timed-disk.ts';
import { driveWriters, type Load } from './writers.ts';

const IN_FLIGHT = 5;
const RING_BATCHES = 512;
const BATCH_BYTES = 16 * 1024;
const RATIO_MIN = 0.8;
/** An append waits for the rest of a group, and for its own. */
const P99_IN_SYNCS_MAX = 3;

interface Case {
  readonly recordBytes: number;
  readonly writers: number;
  readonly partitions: number;
  readonly hasTarget: boolean;
}

const CASES: readonly Case[] = [
  { recordBytes: 1024, writers: 64, partitions: 1, hasTarget: true },
  { recordBytes: 1024, writers: 64, partitions: 64, hasTarget: true },
  { recordBytes: 1024, writers: 64, partitions: 1000, hasTarget: true },
  { recordBytes: 1024, writers: 1, partitions: 1, hasTarget: false },
  { recordBytes: 100, writers: 64, partitions: 1, hasTarget: false },
  { recordBytes: 100, writers: 1, partitions: 1, hasTarget: false },
];

interface Sample {
  readonly bytesPerSecond: number;
  readonly recordsPerSecond: number;
  readonly groupMs: number;
  readonly fileMs: number;
  readonly filesPerGroup: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function benchSync(options: BenchOptions): Promise<void> {
  const bytes = (options.isFull ? 2048 : 512) * MIB;
  const rows = [];
  for (const each of CASES) rows.push(await compare(options, each, each.writers === 1 ? bytes / 4 : bytes));
  printTable(
    `append, sync, batches of 16 KiB, ${bytes / MIB} MiB (1 writer: a quarter), ${IN_FLIGHT} batches of each writer under way`,
    [
      'case',
      'MB/s',
      'records/s',
      'bare MB/s',
      'ratio',
      '',
      'file ms',
      'group ms',
      'files/group',
      'bare group',
      'p50 ms',
      'p99 ms',
      '',
    ],
    rows,
  );
}

async function compare(options: BenchOptions, each: Case, bytes: number): Promise<string[]> {
  const { recordBytes, writers, partitions, hasTarget } = each;
  const batches = makeBatches(recordBytes, BATCH_BYTES, RING_BATCHES);
  const batchCount = Math.floor(bytes / batches.sizeInBytes);
  const load: Load = { writers, inFlight: IN_FLIGHT, batchCount };
  const rates = (seconds: number): { bytesPerSecond: number; recordsPerSecond: number } => ({
    bytesPerSecond: (batchCount * batches.sizeInBytes) / seconds,
    recordsPerSecond: (batchCount * batches.recordCount) / seconds,
  });
  const ours = async (folder: string): Promise<Sample> => {
    const times = new SyncTimes();
    await using directory = await openLogs(folder, 'sync', { disk: timedDisk(times) });
    const logs = createLogs(directory, 'bench', partitions);
    await Promise.all(logs.map((log) => log.flush()));
    times.clear();
    const before = directory.syncCounts;
    const { seconds, p50Ms, p99Ms } = await driveWriters(logs, batches, load);
    const { groups, logs: synced } = directory.syncCounts;
    return {
      ...rates(seconds),
      groupMs: median(times.groupMs),
      fileMs: median(times.fileMs),
      filesPerGroup: (synced - before.logs) / (groups - before.groups),
      p50Ms,
      p99Ms,
    };
  };
  const rival = async (folder: string): Promise<Sample> => {
    const { seconds, groupMs } = await writeAndSync(join(folder, 'plain'), partitions, batches, load);
    return { ...rates(seconds), groupMs, fileMs: 0, filesPerGroup: 0, p50Ms: 0, p99Ms: 0 };
  };
  const samples = await alternate<'ours' | 'rival', Sample>(options.rounds, {
    ours: () => inFolder(options.folder, ours),
    rival: () => inFolder(options.folder, rival),
  });
  return row(each, samples.ours, samples.rival, hasTarget);
}

function row(each: Case, ours: readonly Sample[], rival: readonly Sample[], hasTarget: boolean): string[] {
  const { recordBytes, writers, partitions } = each;
  const ratio = ratioOf(ours, rival, (sample) => sample.bytesPerSecond);
  const p99InSyncs = medianOf(ours, (sample) => sample.p99Ms / sample.groupMs);
  return [
    `${recordBytes} B, ${writers} writer${writers === 1 ? '' : 's'}, ${partitions} partition${partitions === 1 ? '' : 's'}`,
    fixed(medianOf(ours, (sample) => sample.bytesPerSecond) / 1e6, 0),
    count(medianOf(ours, (sample) => sample.recordsPerSecond)),
    fixed(medianOf(rival, (sample) => sample.bytesPerSecond) / 1e6, 0),
    fixed(ratio),
    hasTarget ? target(ratio >= RATIO_MIN, '≥ 0.80') : '',
    fixed(medianOf(ours, (sample) => sample.fileMs)),
    fixed(medianOf(ours, (sample) => sample.groupMs)),
    fixed(
      medianOf(ours, (sample) => sample.filesPerGroup),
      1,
    ),
    fixed(medianOf(rival, (sample) => sample.groupMs)),
    fixed(medianOf(ours, (sample) => sample.p50Ms)),
    fixed(medianOf(ours, (sample) => sample.p99Ms)),
    hasTarget ? target(p99InSyncs <= P99_IN_SYNCS_MAX, `p99 = ${fixed(p99InSyncs, 1)} ≤ 3 syncs`) : '',
  ];
}
