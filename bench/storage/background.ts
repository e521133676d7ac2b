/**
 * How long appends are held up while something works in the background: compaction of a log, retention of all its segments, and the
 * removal of its files. The bystander is another log of the same directory, to which one batch after the other is appended.
 */
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Durability, type LogDirectoryOptions, type PartitionLog, topicConfig } from '#storage';
import { percentile } from '../figures.ts';
import { alternate, count, fixed, medianOf, printTable, target } from '../table.ts';
import { CLEANER } from './idle.ts';
import { appendDurably, type BenchOptions, createLogs, inFolder, MIB, makeBatches, openLogs } from './scene.ts';
import { type TurnFigures, Turns } from './turns.ts';
import { driveWriters } from './writers.ts';

const SEGMENT_BYTES = 128 * MIB;
const BATCH_BYTES = 16 * 1024;
const KEYS = 500_000;
const QUIET_MS = 3000;
/** "Never more than a few milliseconds". */
const TURN_MS_MAX = 10;

interface Sample {
  readonly seconds: number;
  readonly appends: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly turns: TurnFigures;
}

interface Work {
  readonly policy: string;
  readonly config: Readonly<Record<string, string>>;
  readonly options: Partial<LogDirectoryOptions>;
  isDone(folder: string, log: PartitionLog): boolean;
}

const COMPACTION: Work = {
  policy: 'compact',
  config: { 'min.cleanable.dirty.ratio': '0', 'file.delete.delay.ms': '0' },
  options: { cleaner: { ...CLEANER, backoffMs: 100 } },
  isDone: (folder, log) => cleanedOffset(folder) >= log.activeBaseOffset,
};

const RETENTION: Work = {
  policy: 'delete',
  config: { 'retention.bytes': '1', 'file.delete.delay.ms': '0' },
  options: { retentionCheckMs: 100 },
  isDone: (folder, log) => log.segmentCount === 1 && readdirSync(join(folder, log.name)).length < 10,
};

export function benchBackground(options: BenchOptions): Promise<void> {
  const bytes = (options.isFull ? 1024 : 512) * MIB;
  return inFolder(options.folder, async (parent) => {
    const template = join(parent, 'template');
    await make(template, bytes);
    const rows: string[][] = [];
    for (const durability of ['os', 'sync'] as const) {
      const samples = await alternate(options.rounds, {
        quiet: () => watch(parent, template, durability, undefined),
        compaction: () => watch(parent, template, durability, COMPACTION),
        retention: () => watch(parent, template, durability, RETENTION),
      });
      for (const [name, each] of Object.entries(samples)) rows.push(row(`${durability}, ${name}`, each));
    }
    printTable(
      `appends beside background work on a log of ${bytes / MIB} MiB, ${count(KEYS)} keys`,
      ['case', 'seconds', 'appends/s', 'p99 ms', 'longest ms', 'longest turn ms', 'cpu ms', ''],
      rows,
    );
  });
}

function row(name: string, samples: readonly Sample[]): string[] {
  const turnMs = medianOf(samples, (sample) => sample.turns.longestCpuMs);
  return [
    name,
    fixed(
      medianOf(samples, (sample) => sample.seconds),
      1,
    ),
    count(medianOf(samples, (sample) => sample.appends / sample.seconds)),
    fixed(medianOf(samples, (sample) => sample.p99Ms)),
    fixed(
      medianOf(samples, (sample) => sample.maxMs),
      1,
    ),
    fixed(
      medianOf(samples, (sample) => sample.turns.longestMs),
      1,
    ),
    fixed(turnMs, 1),
    target(turnMs <= TURN_MS_MAX, `≤ ${TURN_MS_MAX} ms`),
  ];
}

async function make(folder: string, bytes: number): Promise<void> {
  const directory = await openLogs(folder, 'os');
  const config = topicConfig({ 'segment.bytes': String(SEGMENT_BYTES) });
  const [log] = createLogs(directory, 'bench', 1, config);
  const batchCount = Math.ceil(KEYS / 100);
  const batches = makeBatches(100, BATCH_BYTES, batchCount, (record) => Buffer.from(`key-${(record * 7919) % KEYS}`));
  await driveWriters([log], batches, {
    writers: 1,
    inFlight: 32,
    batchCount: Math.floor(bytes / batches.sizeInBytes),
  });
  await directory.close();
}

/** Without work: for a while. */
function watch(parent: string, template: string, durability: Durability, work: Work | undefined): Promise<Sample> {
  return inFolder(parent, async (folder) => {
    copy(template, folder);
    await using directory = await openLogs(folder, durability, work?.options);
    const config = { 'segment.bytes': String(SEGMENT_BYTES), ...work?.config };
    const [bystander] = createLogs(directory, 'bystander', 1);
    const [batch] = makeBatches(1000, 1100, 1).list;
    await appendDurably(bystander, batch);
    const [log] = createLogs(
      directory,
      'bench',
      1,
      topicConfig({ 'cleanup.policy': work?.policy ?? 'delete', ...config }),
    );
    const latencies: number[] = [];
    const turns = new Turns();
    const start = performance.now();
    while (work === undefined ? performance.now() - start < QUIET_MS : !work.isDone(folder, log)) {
      for (let index = 0; index < 20; index++) {
        const sentMs = performance.now();
        await appendDurably(bystander, batch);
        latencies.push(performance.now() - sentMs);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    const seconds = (performance.now() - start) / 1000;
    const sorted = latencies.sort((a, b) => a - b);
    return {
      seconds,
      appends: sorted.length,
      p99Ms: percentile(sorted, 0.99),
      maxMs: sorted[sorted.length - 1],
      turns: turns.stop(),
    };
  });
}

/** Closed segments are never written to, so they are linked. */
function copy(template: string, folder: string): void {
  for (const name of readdirSync(template)) {
    if (!name.startsWith('bench-')) {
      if (name !== '.lock') cpSync(join(template, name), join(folder, name));
      continue;
    }
    mkdirSync(join(folder, name));
    const files = readdirSync(join(template, name)).sort();
    const active = files.findLast((file) => file.endsWith('.log'));
    for (const file of files) {
      const [from, to] = [join(template, name, file), join(folder, name, file)];
      if (file.endsWith('.log') && file !== active) linkSync(from, to);
      else cpSync(from, to);
    }
  }
}

function cleanedOffset(folder: string): number {
  try {
    const text = readFileSync(join(folder, 'cleaner-offset-checkpoint'), 'utf8');
    return Number(/^bench 0 (\d+)$/m.exec(text)?.[1] ?? -1);
  } catch {
    return -1;
  }
}
