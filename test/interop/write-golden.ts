/**
 * Writes `test/storage/golden/whole` anew: the data folder of an Apache Kafka 4.4.0 that was stopped, the segments of its compacted
 * topic before they were cleaned, and what Kafka served from the folder. Ids and times differ each time. From the root of the project:
 *
 *     node --conditions=springtide-src test/interop/write-golden.ts
 *     npx biome check --write test/storage/golden
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Admin } from '#client';
import { systemClock } from '#core';
import { buildBatch, type RecordDraft } from '#protocol';
import { OffsetAndMetadata, TopicPartition } from '#serde';
import { look } from './folder-life.ts';
import { startApacheKafka } from './kafka/apache-kafka.ts';
import { bringJars } from './kafka/jars.ts';
import { commitInTransactions, transact } from './kafka/transact.ts';
import { WireLog } from './wire-log.ts';

const GOLDEN = fileURLToPath(new URL('../storage/golden/whole/', import.meta.url));
const STEP_MS = 1000;
/** Kafka begins a segment where timestamps are so far apart: every tenth batch. */
const segments = { 'segment.ms': 10 * STEP_MS, 'index.interval.bytes': 300, 'retention.ms': -1 };
const NEVER_MS = 1_000_000_000_000;

bringJars();
let kafka = await startApacheKafka({
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.num.partitions': 1,
  'log.cleaner.backoff.ms': 200,
  'metadata.log.max.record.bytes.between.snapshots': 2000,
});
const admin = Admin.create({ 'bootstrap.servers': kafka.bootstrapServers });
const compacted = { ...segments, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' };
(
  await admin.createTopics([
    { name: 'compacted', numPartitions: 1, configs: { ...compacted, 'min.compaction.lag.ms': NEVER_MS } },
    { name: 'trimmed', numPartitions: 1, configs: segments },
    { name: 'transacted', numPartitions: 1 },
    { name: 'empty', numPartitions: 1 },
  ])
).all();
const defaults = [
  { name: 'log.retention.ms', operation: 'set', value: -1 },
  { name: 'num.io.threads', operation: 'set', value: 7 },
] as const;
(await admin.incrementalAlterConfigs([{ type: 'broker', name: '', changes: defaults }])).all();
let wire = await WireLog.connect(kafka.bootstrapServers);
for (const topic of ['compacted', 'trimmed', 'transacted', 'empty']) await wire.opened(topic);
for (let n = 0; n < 35; n++) for (const topic of ['compacted', 'trimmed']) await send(topic, n);
await transact(kafka.bootstrapServers, 'transacted', ['commit', 'abort', 'open']);
await commitInTransactions(kafka.bootstrapServers, 'exactly-once', 'trimmed', [
  [31, 'commit'],
  [32, 'abort'],
  [33, 'open'],
]);
const place = [new TopicPartition('trimmed', 0), new OffsetAndMetadata(50, 'half')] as const;
(await admin.alterConsumerGroupOffsets('classic', [place])).all();
(await admin.deleteRecords([{ topic: 'trimmed', partition: 0, beforeOffset: 40 }])).all();
rmSync(GOLDEN, { recursive: true, force: true });
copyBefore();
await clean();
await wire.close();
await admin.close();

await kafka.stop();
kafka = await kafka.restart();
wire = await WireLog.connect(kafka.bootstrapServers);
await wire.opened('trimmed');
await send('trimmed', 35);
const epochEnds = [];
for (const epoch of [0, 1, 2]) epochEnds.push(await wire.endOfEpoch('trimmed', epoch));
await wire.close();
const served = { writtenMs: systemClock.now().wallMs, epochEnds, ...(await look(kafka.bootstrapServers)) };
await kafka.stop();
copyFolder();
writeFileSync(join(GOLDEN, 'served.json'), `${JSON.stringify(served, null, 1)}\n`);
kafka.remove();

/** A batch of three records of an idempotent producer; not compressed, so that what a cleaner makes of it can be compared. */
async function send(topic: string, n: number): Promise<void> {
  const drafts = [0, 1, 2].map((i): RecordDraft => {
    const value = (n + i) % 8 === 0 ? null : Buffer.from(`value ${n} ${i}`);
    const key = Buffer.from(n % 10 === 0 && i === 0 ? `once ${n}` : `key ${(n * 5 + i) % 13}`);
    return {
      key,
      value,
      timestamp: 1_790_000_000_000 + n * STEP_MS + i,
      headers: [{ key: 'n', value: Buffer.from(`${n}`) }],
    };
  });
  const { error } = await wire.produce(
    topic,
    buildBatch(drafts, { producerId: 4000, producerEpoch: 0, baseSequence: n * 3 }),
  );
  if (error !== 'NONE') throw new Error(`${topic}: ${error}`);
}

/** In one pass, over all segments but the last. */
async function clean(): Promise<void> {
  const changes = [{ name: 'min.compaction.lag.ms', operation: 'set', value: 0 } as const];
  (await admin.incrementalAlterConfigs([{ type: 'topic', name: 'compacted', changes }])).all();
  const checkpoint = join(kafka.dataFolder, 'cleaner-offset-checkpoint');
  while (!/^compacted 0 [1-9]/m.test(readFileSync(checkpoint, 'utf8'))) await systemClock.sleep(100);
}

function copyBefore(): void {
  const [from, to] = [join(kafka.dataFolder, 'compacted-0'), join(GOLDEN, 'before-cleaning')];
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) if (name.endsWith('.log')) cpSync(join(from, name), join(to, name));
}

/** Indexes that are preallocated (those of the metadata log are even after a stop) are cut to nothing: they are 10 MB of zeros. */
function copyFolder(): void {
  const to = join(GOLDEN, 'folder');
  cpSync(kafka.dataFolder, to, { recursive: true });
  for (const name of readdirSync(to, { recursive: true }).map(String)) {
    const path = join(to, name);
    if (statSync(path).isFile() && statSync(path).size > 1_000_000) writeFileSync(path, '');
  }
}
