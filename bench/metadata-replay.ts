/**
 * How long the metadata of many topics takes to read at a start, from the log and from a snapshot, and what it weighs:
 *
 *     node --expose-gc --conditions=springtide-src bench/metadata-replay.ts [topics] [partitions of each]
 *
 * Logs of partitions are not opened: `bench/storage/open.ts` measures that. Each start also registers the broker, which makes every
 * partition a record: a new leader epoch. Medians of the runs.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom } from '#core';
import { LogDirectory, nodeDisk } from '#storage';
import { controllerRules } from '../src/broker/config/config-rules.ts';
import { LiveConfig } from '../src/broker/config/live-config.ts';
import { readSettings } from '../src/broker/config/settings.ts';
import { MetadataLog } from '../src/broker/metadata/metadata-log.ts';
import { median } from './figures.ts';

const [topicCount = 10_000, partitionCount = 1] = process.argv.slice(2).map(Number);
const RUNS = 5;
const PARTITIONS_PER_REQUEST_MAX = 5_000;
const NEVER = { bytesBetweenMax: 1e12, intervalMs: 0 };
const AT_ONCE = { bytesBetweenMax: 1, intervalMs: 0 };

interface Sample {
  readonly replayMs: number;
  readonly registerMs: number;
  readonly heapBytes: number;
}

interface Opened {
  readonly metadata: MetadataLog;
  readonly directory: LogDirectory;
  readonly sample: Sample;
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function open(path: string, snapshots: typeof NEVER): Promise<Opened> {
  const disk = nodeDisk();
  const [clock, logger, nodeId] = [systemClock, silentLogger, 1];
  const directory = await LogDirectory.open({
    disk,
    path,
    clock,
    logger,
    random: systemRandom,
    nodeId,
    durability: 'sync',
  });
  const settings = readSettings({}, logger);
  const before = heapBytes();
  const started = performance.now();
  const metadata = await MetadataLog.open({
    directory,
    disk,
    nodeId,
    rules: controllerRules(settings, new LiveConfig(settings, logger)),
    limits: { ...snapshots, retentionBytes: -1, retentionMs: -1, segmentBytes: 2 ** 30, segmentMs: 1e12 },
    clock,
    logger,
    committed: () => {},
    settled: async () => {},
  });
  const replayMs = performance.now() - started;
  const heap = heapBytes() - before;
  const registering = performance.now();
  const endPoints = [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }];
  await metadata.register(endPoints, null, systemRandom.uuid(), () => [directory.directoryId]);
  return { metadata, directory, sample: { replayMs, registerMs: performance.now() - registering, heapBytes: heap } };
}

async function close({ metadata, directory }: Opened): Promise<void> {
  await metadata.stop();
  await directory.close();
}

async function fill(path: string): Promise<void> {
  const opened = await open(path, NEVER);
  const step = Math.max(1, Math.floor(PARTITIONS_PER_REQUEST_MAX / partitionCount));
  for (let first = 0; first < topicCount; first += step) {
    const topics = Array.from({ length: Math.min(step, topicCount - first) }, (_, index) => ({
      name: `topic-${first + index}`,
      topicId: systemRandom.uuid(),
      numPartitions: partitionCount,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: 'retention.ms', value: '1000' }],
    }));
    await opened.metadata.ask((token) => ({ type: 'create-topics', token, topics, validateOnly: false }));
  }
  await close(opened);
}

function report(name: string, samples: readonly Sample[]): void {
  const of = (pick: (sample: Sample) => number) => median(samples.map(pick));
  const bytes = of((sample) => sample.heapBytes) / (topicCount * partitionCount);
  console.log(
    `${name.padEnd(14)} replay ${of((s) => s.replayMs).toFixed(0)} ms, registration ${of((s) => s.registerMs).toFixed(0)} ms, ` +
      `heap ${bytes.toFixed(0)} bytes a partition`,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'springtide-bench-'));
try {
  await fill(folder);
  const fromLog: Sample[] = [];
  for (let run = 0; run < RUNS; run++) {
    const opened = await open(folder, NEVER);
    fromLog.push(opened.sample);
    await close(opened);
  }
  console.log(`${topicCount} topics of ${partitionCount} partitions`);
  report('from the log', fromLog);
  const writing = performance.now();
  const writer = await open(folder, AT_ONCE);
  const isThere = () => readdirSync(join(folder, '__cluster_metadata-0')).some((name) => name.endsWith('.checkpoint'));
  while (!isThere()) await systemClock.sleep(10);
  console.log(`written, with a start, in ${(performance.now() - writing).toFixed(0)} ms`);
  await close(writer);
  const fromSnapshot: Sample[] = [];
  for (let run = 0; run < RUNS; run++) {
    const opened = await open(folder, NEVER);
    fromSnapshot.push(opened.sample);
    await close(opened);
  }
  report('from a snapshot', fromSnapshot);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
