/**
 * How long a log directory with many idle partitions takes to open after a clean stop, and what each of them costs afterwards.
 *
 *   node --conditions=springtide-src bench/storage/open.ts [partitions] [folder]
 *
 * Makes the folder when it is not there (one small segment in each partition), then opens it in fresh processes; rows are medians.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom } from '#core';
import { buildBatch } from '#protocol';
import { LogDirectory, nodeDisk, topicConfig } from '#storage';
import { median } from '../figures.ts';

const ROUNDS = 5;
const TOPIC_ID = 'BFW8RU_yRPugVunx2YS_IA';

interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly openFiles: number;
}

const [countText = '10000', folder = join(mkdtempSync(join(tmpdir(), 'springtide-open-')), 'data'), isChild] =
  process.argv.slice(2);
const count = Number(countText);

if (isChild === 'child') await measure();
else await compare();

async function compare(): Promise<void> {
  if (!existsSync(folder)) await make();
  const samples: Sample[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const args = ['--expose-gc', '--conditions=springtide-src', import.meta.filename, countText, folder, 'child'];
    const { stdout, status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    if (status !== 0) throw new Error(`opening ended with ${status}`);
    samples.push(JSON.parse(stdout.toString()));
  }
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
  console.log(
    `${count} partitions: open ${of((s) => s.seconds).toFixed(2)} s (cpu ${of((s) => s.cpuSeconds).toFixed(2)} s), ` +
      `heap ${Math.round(of((s) => s.heapBytes) / count)} bytes each, rss ${Math.round(of((s) => s.rssBytes) / count)} bytes each, ` +
      `${of((s) => s.openFiles)} open files in ${folder}`,
  );
}

async function make(): Promise<void> {
  const directory = await open();
  const records = [{ key: null, value: Buffer.alloc(1000), timestamp: Date.UTC(2026, 0, 1), headers: [] }];
  for (let partition = 0; partition < count; partition++) {
    const log = directory.create('bench', partition, TOPIC_ID, topicConfig());
    for (let batch = 0; batch < 3; batch++) log.append(buildBatch(records), { leaderEpoch: 0, origin: 'client' });
    if (partition % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await directory.close();
}

async function measure(): Promise<void> {
  const heapBefore = heapBytes();
  const rssBefore = process.memoryUsage.rss();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const directory = await open();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const sample: Sample = {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    heapBytes: heapBytes() - heapBefore,
    rssBytes: process.memoryUsage.rss() - rssBefore,
    openFiles: existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : Number.NaN,
  };
  if ([...directory.logs()].length !== count) throw new Error('partitions are missing');
  await directory.close();
  process.stdout.write(JSON.stringify(sample));
}

function heapBytes(): number {
  gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function open(): Promise<LogDirectory> {
  return LogDirectory.open({
    disk: nodeDisk(),
    path: folder,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    nodeId: 1,
    durability: 'os',
  });
}
