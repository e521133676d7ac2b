/**
 * Whether what an append and a read cost grows with what lies behind them: a log of many records beside an empty one in the same
 * directory, and reads at random offsets of the large one.
 */
import { closeSync, openSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type LogDirectory, type PartitionLog, topicConfig } from '#storage';
import { percentile } from '../figures.ts';
import { alternate, count, fixed, medianOf, printTable, ratioOf, target } from '../table.ts';
import { readPieces } from './bare-loops.ts';
import {
  appendDurably,
  type Batches,
  type BenchOptions,
  createLogs,
  inFolder,
  MIB,
  makeBatches,
  openLogs,
} from './scene.ts';
import { driveWriters } from './writers.ts';

const RECORDS = { full: 100_000_000, small: 10_000_000 } as const;
const RECORD_BYTES = 100;
const BATCH_BYTES = 16 * 1024;
const ROUNDS_MIN = 7;
const APPEND_BYTES = 128 * MIB;
const TAIL_CYCLES = 5_000;
const RANDOM_READS = 20_000;
const DRIFT_MAX = 0.15;
const RANDOM_P99_MS_MAX = 2;
/** Of what the log takes, so much must be free. */
const SPACE_FACTOR = 1.5;

export async function benchScale(options: BenchOptions): Promise<void> {
  const records = options.isFull ? RECORDS.full : RECORDS.small;
  const batches = makeBatches(RECORD_BYTES, BATCH_BYTES, 512);
  const batchCount = Math.ceil(records / batches.recordCount);
  const { bavail, bsize } = statfsSync(options.folder);
  const bytesWanted = batchCount * batches.sizeInBytes * SPACE_FACTOR;
  if (bavail * bsize < bytesWanted) throw new Error(`${options.folder} has no room for ${count(bytesWanted)} bytes`);
  await inFolder(options.folder, async (folder) => {
    const built = await build(folder, batches, batchCount);
    const start = performance.now();
    await using directory = await openLogs(folder, 'os');
    const openMs = performance.now() - start;
    const [large] = createLogs(directory, 'large', 1, topicConfig({ 'retention.ms': '-1' }));
    const title =
      `scale, os, ${count(large.logEndOffset)} records of 100 B: ${fixed(large.sizeInBytes / 1e9, 1)} GB in ` +
      `${large.segmentCount} segments, built at ${fixed(built / 1e6, 0)} MB/s, opened in ${fixed(openMs, 0)} ms`;
    const rows = await compare(Math.max(options.rounds, ROUNDS_MIN), directory, large, batches);
    rows.push(await random(large));
    printTable(title, ['case', 'large', 'empty', 'ratio', 'target'], rows);
  });
}

/** Bytes per second. */
async function build(folder: string, batches: Batches, batchCount: number): Promise<number> {
  const directory = await openLogs(folder, 'os');
  const logs = createLogs(directory, 'large', 1);
  const { seconds } = await driveWriters(logs, batches, { writers: 1, inFlight: 32, batchCount });
  await directory.close();
  return (batchCount * batches.sizeInBytes) / seconds;
}

interface Sample {
  readonly appendBytesPerSecond: number;
  readonly tailCyclesPerSecond: number;
}

async function compare(
  rounds: number,
  directory: LogDirectory,
  large: PartitionLog,
  batches: Batches,
): Promise<string[][]> {
  const run = async (log: PartitionLog): Promise<Sample> => {
    const batchCount = Math.floor(APPEND_BYTES / batches.sizeInBytes);
    const { seconds } = await driveWriters([log], batches, { writers: 1, inFlight: 5, batchCount });
    const start = performance.now();
    for (let index = 0; index < TAIL_CYCLES; index++) {
      const offset = log.logEndOffset;
      await appendDurably(log, batches.list[index % batches.list.length]);
      const read = await log.read(offset, { bytesMax: MIB, endOffsetMax: log.logEndOffset, atLeastOneBatch: true });
      if (read.sizeInBytes !== batches.sizeInBytes) throw new Error('a tail read came back with something else');
    }
    return {
      appendBytesPerSecond: (batchCount * batches.sizeInBytes) / seconds,
      tailCyclesPerSecond: TAIL_CYCLES / ((performance.now() - start) / 1000),
    };
  };
  let emptyCount = 0;
  const samples = await alternate<'large' | 'empty', Sample>(rounds, {
    large: () => run(large),
    empty: async () => {
      const topic = `empty-${emptyCount++}`;
      const sample = await run(createLogs(directory, topic, 1, topicConfig({ 'file.delete.delay.ms': '0' }))[0]);
      await directory.delete(topic, 0);
      return sample;
    },
  });
  const row = (name: string, pick: (sample: Sample) => number, unit: number, digits: number): string[] => {
    const ratio = ratioOf(samples.large, samples.empty, pick);
    return [
      name,
      fixed(medianOf(samples.large, pick) / unit, digits),
      fixed(medianOf(samples.empty, pick) / unit, digits),
      fixed(ratio),
      target(ratio >= 1 - DRIFT_MAX, '≥ 0.85'),
    ];
  };
  return [
    row('append, MB/s', (sample) => sample.appendBytesPerSecond, 1e6, 0),
    row('append and read it, per s', (sample) => sample.tailCyclesPerSecond, 1, 0),
  ];
}

async function random(log: PartitionLog): Promise<string[]> {
  const readAt = async (): Promise<number> => {
    const offset = Math.floor(Math.random() * log.logEndOffset);
    const start = performance.now();
    const read = await log.read(offset, {
      bytesMax: BATCH_BYTES,
      endOffsetMax: log.logEndOffset,
      atLeastOneBatch: true,
    });
    if (read.sizeInBytes === 0) throw new Error(`nothing was read at offset ${offset}`);
    return performance.now() - start;
  };
  const latencies: number[] = [];
  for (let index = 0; index < RANDOM_READS; index++) latencies.push(await readAt());
  const p99Ms = percentile(
    latencies.sort((a, b) => a - b),
    0.99,
  );
  const plainMs = await plainReads(log);
  return [
    'random read, p99 ms (beside: plain read)',
    fixed(p99Ms),
    fixed(percentile(plainMs, 0.99)),
    fixed(p99Ms / percentile(plainMs, 0.99)),
    target(p99Ms <= RANDOM_P99_MS_MAX, '≤ 2 ms'),
  ];
}

async function plainReads(log: PartitionLog): Promise<number[]> {
  const files = readdirSync(log.folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(log.folder, name));
  const latencies: number[] = [];
  for (const file of files) {
    const bytes = Math.max(1, statSync(file).size - BATCH_BYTES);
    const positions = Array.from({ length: Math.ceil(RANDOM_READS / files.length) }, () =>
      Math.floor(Math.random() * bytes),
    );
    const descriptor = openSync(file, 'r');
    latencies.push(...(await readPieces(descriptor, BATCH_BYTES, positions)));
    closeSync(descriptor);
  }
  return latencies.sort((a, b) => a - b);
}
