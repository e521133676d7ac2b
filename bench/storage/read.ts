/**
 * Reads of one log: its last records out of memory, then all of it from its files, by one reader that goes through it and by one
 * that jumps about; beside plain reads of the same bytes.
 */
import { closeSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PartitionLog } from '#storage';
import { percentile } from '../figures.ts';
import { alternate, fixed, medianOf, printTable, ratioOf } from '../table.ts';
import { readFile, readPieces, warm } from './bare-loops.ts';
import {
  appendDurably,
  type BenchOptions,
  createLogs,
  forgetPages,
  inFolder,
  MIB,
  makeBatches,
  openLogs,
} from './scene.ts';
import { driveWriters } from './writers.ts';

const BATCH_BYTES = 16 * 1024;
const RING_BATCHES = 512;
const PIECE_BYTES = MIB;
const TAIL_READS = 20_000;
const RANDOM_READS = 2_000;

interface Sample {
  readonly bytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function benchRead(options: BenchOptions): Promise<void> {
  const bytes = (options.isFull ? 2048 : 512) * MIB;
  return inFolder(options.folder, async (folder) => {
    await using directory = await openLogs(folder, 'os');
    const [log] = createLogs(directory, 'bench', 1);
    const batches = makeBatches(100, BATCH_BYTES, RING_BATCHES);
    const batchCount = Math.floor(bytes / batches.sizeInBytes);
    await driveWriters([log], batches, { writers: 1, inFlight: 64, batchCount });
    await log.flush();
    const files = readdirSync(log.folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => join(log.folder, name));
    const rows = [
      await tail(options, log, batches.list[0], files),
      await through(options, log, files, 'all, warm', () => files.forEach(warm)),
      await random(options, log, files, 'random, warm', () => files.forEach(warm)),
    ];
    if (files.every(forgetPages)) {
      rows.push(await through(options, log, files, 'all, cold', () => files.forEach(forgetPages)));
      rows.push(await random(options, log, files, 'random, cold', () => files.forEach(forgetPages)));
    } else {
      console.log(
        'cold reads are left out: dd with oflag=nocache, which empties the page cache of a file, is not here',
      );
    }
    printTable(
      `read, ${bytes / MIB} MiB of 100 B records in 16 KiB batches; all: 1 MiB at a time, random and tail: a batch`,
      ['case', 'MB/s', 'p50 ms', 'p99 ms', 'plain read MB/s', 'p99 ms', 'ratio'],
      rows,
    );
  });
}

/** One batch after the other as it is appended. */
async function tail(
  options: BenchOptions,
  log: PartitionLog,
  batch: Buffer,
  files: readonly string[],
): Promise<string[]> {
  return compare(options, 'tail, from memory', {
    ours: async () => {
      const latencies: number[] = [];
      for (let index = 0; index < TAIL_READS / 16; index++) {
        const offset = log.logEndOffset;
        await appendDurably(log, batch);
        for (let again = 0; again < 16; again++) {
          const start = performance.now();
          const read = await log.read(offset, requestOf(PIECE_BYTES, log));
          latencies.push(performance.now() - start);
          if (read.sizeInBytes !== batch.length) throw new Error('a tail read came back with something else');
        }
      }
      return sampleOf(latencies, batch.length);
    },
    rival: async () => {
      const positions = Array.from({ length: TAIL_READS }, () => 0);
      return sampleOf(await atPositions(files[0], batch.length, positions), batch.length);
    },
  });
}

function through(
  options: BenchOptions,
  log: PartitionLog,
  files: readonly string[],
  name: string,
  prepare: () => void,
): Promise<string[]> {
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  return compare(options, name, {
    ours: async () => {
      prepare();
      const start = performance.now();
      let readBytes = 0;
      for await (const chunk of log.readAll(0, log.logEndOffset, PIECE_BYTES)) readBytes += chunk.length;
      if (readBytes < bytes) throw new Error(`${readBytes} of ${bytes} bytes were read`);
      return { bytesPerSecond: bytes / ((performance.now() - start) / 1000), p50Ms: Number.NaN, p99Ms: Number.NaN };
    },
    rival: async () => {
      prepare();
      let seconds = 0;
      for (const file of files) seconds += await readFile(file, PIECE_BYTES, false);
      return { bytesPerSecond: bytes / seconds, p50Ms: Number.NaN, p99Ms: Number.NaN };
    },
  });
}

function random(
  options: BenchOptions,
  log: PartitionLog,
  files: readonly string[],
  name: string,
  prepare: () => void,
): Promise<string[]> {
  return compare(options, name, {
    ours: async () => {
      prepare();
      const latencies: number[] = [];
      for (let index = 0; index < RANDOM_READS; index++) {
        const offset = Math.floor(Math.random() * log.logEndOffset);
        const start = performance.now();
        const read = await log.read(offset, requestOf(BATCH_BYTES, log));
        latencies.push(performance.now() - start);
        if (read.sizeInBytes === 0) throw new Error(`nothing was read at offset ${offset}`);
      }
      return sampleOf(latencies, BATCH_BYTES);
    },
    rival: async () => {
      prepare();
      const sizeInBytes = statSync(files[0]).size;
      const positions = Array.from({ length: RANDOM_READS }, () =>
        Math.floor(Math.random() * (sizeInBytes - BATCH_BYTES)),
      );
      return sampleOf(await atPositions(files[0], BATCH_BYTES, positions), BATCH_BYTES);
    },
  });
}

async function compare(
  options: BenchOptions,
  name: string,
  contestants: { ours: () => Promise<Sample>; rival: () => Promise<Sample> },
): Promise<string[]> {
  const { ours, rival } = await alternate<'ours' | 'rival', Sample>(options.rounds, contestants);
  return [
    name,
    fixed(medianOf(ours, (sample) => sample.bytesPerSecond) / 1e6, 0),
    fixed(
      medianOf(ours, (sample) => sample.p50Ms),
      3,
    ),
    fixed(
      medianOf(ours, (sample) => sample.p99Ms),
      3,
    ),
    fixed(medianOf(rival, (sample) => sample.bytesPerSecond) / 1e6, 0),
    fixed(
      medianOf(rival, (sample) => sample.p99Ms),
      3,
    ),
    fixed(ratioOf(ours, rival, (sample) => sample.bytesPerSecond)),
  ];
}

function requestOf(
  bytesMax: number,
  log: PartitionLog,
): { bytesMax: number; endOffsetMax: number; atLeastOneBatch: true } {
  return { bytesMax, endOffsetMax: log.logEndOffset, atLeastOneBatch: true };
}

async function atPositions(file: string, pieceBytes: number, positions: readonly number[]): Promise<number[]> {
  const descriptor = openSync(file, 'r');
  try {
    return await readPieces(descriptor, pieceBytes, positions);
  } finally {
    closeSync(descriptor);
  }
}

function sampleOf(latencies: number[], bytesEach: number): Sample {
  const sorted = latencies.sort((a, b) => a - b);
  const ms = sorted.reduce((sum, each) => sum + each, 0);
  return {
    bytesPerSecond: (sorted.length * bytesEach) / (ms / 1000),
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  };
}
