/** What a broker's whole data folder holds, filled, used and looked at from outside, whichever broker runs on it. */
import { Admin } from '#client';
import { systemClock } from '#core';
import { batches, buildBatch, type RecordDraft } from '#protocol';
import { committedIn } from '../storage/transaction-scene.ts';
import { kafkaTool } from './kafka/apache-kafka.ts';
import { commitInTransactions, transact } from './kafka/transact.ts';
import { CODECS } from './our-logs.ts';
import { until } from './until.ts';
import { WireLog, type WireRecord } from './wire-log.ts';

/** Batches further apart than `segment.ms` begin a segment of their own; nothing here is large enough for another reason. */
const STEP_MS = 1000;
const segments = { 'segment.ms': 10 * STEP_MS, 'index.interval.bytes': 300 };
const compaction = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' };

/** Topics with one partition, and their configurations. */
const TOPICS: Readonly<Record<string, Record<string, string | number>>> = {
  orders: { ...segments, 'retention.ms': -1, 'leader.replication.throttled.replicas': '*', 'local.retention.ms': -2 },
  stamped: { 'message.timestamp.type': 'LogAppendTime' },
  compacted: { ...segments, ...compaction },
  trimmed: segments,
  transacted: {},
  gone: {},
};
const KEYS = 11;
/** Of 120 records that are written first. */
const COMPACTED_BELOW = 90;
const DYNAMIC = ['topic', 'dynamic-broker', 'dynamic-default-broker'];
/** So many of `orders` are read by each group. */
export const JAVA_READS = 30;

export interface TopicLook {
  readonly topicId: string;
  readonly partitionCount: number;
  /** Set for the topic, or for brokers while they run. */
  readonly configs: Record<string, string | null>;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly records: readonly WireRecord[];
  /** Offsets of those that are committed, and where that is not known yet. */
  readonly committed: readonly number[];
  readonly stableOffset: number;
  /** Offsets by time: of the first record, and of some others. */
  readonly times: readonly number[];
}

export interface FolderLook {
  readonly topics: Record<string, TopicLook>;
  /** By group, `topic-partition` and offset. */
  readonly committed: Record<string, Record<string, number>>;
}

/** A batch of the idempotent producer. */
export interface Sent {
  readonly baseOffset: number;
  readonly bytes: Buffer;
}

const PRODUCER = { producerId: 9001, producerEpoch: 3 };

export class FolderLife {
  /** What the idempotent producer wrote to `orders`, oldest first. */
  readonly sent: Sent[] = [];
  #sequence = 0;
  /** Timestamps never go back, whoever takes the records. */
  #batchCount = 0;
  readonly #startMs = systemClock.now().wallMs - 3_600_000;

  /** Everything that only Kafka can bring about, and the groups. */
  async fill(bootstrapServers: string): Promise<void> {
    const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
    const drafts = Object.entries(TOPICS).map(([name, configs]) => ({ name, configs, numPartitions: 1 }));
    (await admin.createTopics(drafts)).all();
    const wire = await WireLog.connect(bootstrapServers);
    for (const topic of Object.keys(TOPICS)) await wire.opened(topic);
    const retention = { name: 'log.retention.ms', operation: 'set', value: 8_000_000_000 } as const;
    (await admin.incrementalAlterConfigs([{ type: 'broker', name: '', changes: [retention] }])).all();
    await this.append(wire, 40);
    await transact(bootstrapServers, 'transacted', ['commit', 'abort', 'commit', 'open']);
    await commitInTransactions(bootstrapServers, 'exactly-once', 'orders', [
      [5, 'commit'],
      [9, 'abort'],
    ]);
    (await admin.deleteRecords([{ topic: 'trimmed', partition: 0, beforeOffset: 40 }])).all();
    (await admin.deleteTopics(['gone'])).all();
    const read = ['--from-beginning', '--max-messages', String(JAVA_READS)];
    await Promise.all([
      consumeWithJava(bootstrapServers, 'classic', read),
      consumeWithJava(bootstrapServers, 'modern', [...read, '--command-property', 'group.protocol=consumer']),
    ]);
    await compacted(wire);
    await wire.close();
    await admin.close();
  }

  /** `count` batches for each of the topics. */
  async append(wire: WireLog, count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const drafts = this.#drafts(this.#batchCount++);
      const compression = CODECS[n % CODECS.length];
      const bytes = buildBatch(drafts, { ...PRODUCER, baseSequence: this.#sequence, compression });
      this.#sequence += drafts.length;
      this.sent.push({ bytes, baseOffset: await taken(wire, 'orders', bytes) });
      for (const topic of ['stamped', 'trimmed', 'compacted'])
        await taken(wire, topic, buildBatch(drafts, { compression }));
    }
  }

  #drafts(n: number): RecordDraft[] {
    return [0, 1, 2].map((i) => ({
      key: Buffer.from(`key-${(n * 3 + i) % KEYS}`),
      value: (n + i) % 9 === 0 ? null : Buffer.from(`value ${n} ${i} ${'ö'.repeat(n)}`),
      timestamp: this.#startMs + n * STEP_MS + i,
      headers:
        i === 1
          ? [
              { key: 'n', value: Buffer.from(`${n}`) },
              { key: 'none', value: null },
            ]
          : [],
    }));
  }
}

async function taken(wire: WireLog, topic: string, bytes: Buffer): Promise<number> {
  const { error, baseOffset } = await wire.produce(topic, bytes);
  if (error !== 'NONE') throw new Error(`${topic}: ${error}`);
  return baseOffset;
}

/** Waits until the cleaner has been there; it may go on. */
async function compacted(wire: WireLog): Promise<void> {
  await until('the log is compacted', async () => (await wire.records('compacted', 0)).length < COMPACTED_BELOW);
}

/** The values that the Java console consumer reads from `orders` in this group. */
export async function consumeWithJava(
  bootstrapServers: string,
  group: string,
  flags: readonly string[],
): Promise<string[]> {
  const to = ['--bootstrap-server', bootstrapServers, '--topic', 'orders', '--group', group, '--timeout-ms', '100000'];
  const { stdout, stderr } = await kafkaTool('console-consumer', [...to, ...flags]);
  if (!stderr.includes('Processed a total of')) throw new Error(stderr);
  return stdout.trimEnd().split('\n');
}

/** All that can be asked of a broker. */
export async function look(bootstrapServers: string): Promise<FolderLook> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  const wire = await WireLog.connect(bootstrapServers);
  const topics: Record<string, TopicLook> = {};
  for (const { name } of (await admin.listTopics()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    topics[name] = await lookAt(name, admin, wire);
  }
  const committed: FolderLook['committed'] = {};
  for (const group of ['classic', 'modern', 'exactly-once']) {
    const offsets = [...(await admin.listConsumerGroupOffsets(group))];
    committed[group] = Object.fromEntries(
      offsets.map(([{ topic, partition }, { offset }]) => [`${topic}-${partition}`, offset]),
    );
  }
  await wire.close();
  await admin.close();
  return { topics, committed };
}

async function lookAt(name: string, admin: Admin, wire: WireLog): Promise<TopicLook> {
  await wire.opened(name);
  const { topicId, partitions } = (await admin.describeTopics([name])).get(name);
  const entries = (await admin.describeConfigs([{ type: 'topic', name }])).get(`topic:${name}`);
  const configs = [...entries.values()]
    .filter(({ source }) => DYNAMIC.includes(source))
    .map((entry) => [entry.name, entry.value]);
  const { offset: startOffset } = await wire.offsetFor(name, -2);
  const { offset: endOffset } = await wire.offsetFor(name, -1);
  const records = await wire.records(name, startOffset);
  const { committed, stableOffset } = await readCommitted(name, wire, startOffset);
  const times: number[] = [];
  for (let i = 0; i < records.length; i += 17) times.push((await wire.offsetFor(name, records[i].timestamp)).offset);
  return {
    topicId,
    partitionCount: partitions.length,
    configs: Object.fromEntries(configs.sort()),
    startOffset,
    endOffset,
    records,
    committed,
    stableOffset,
    times,
  };
}

async function readCommitted(
  name: string,
  wire: WireLog,
  fromOffset: number,
): Promise<Pick<TopicLook, 'committed' | 'stableOffset'>> {
  const committed: number[] = [];
  for (let offset = fromOffset; ; ) {
    const { records, abortedTransactions } = await wire.committed(name, offset, 1_000_000);
    if (records.length === 0) return { committed, stableOffset: offset };
    committed.push(...committedIn(records, abortedTransactions ?? [], fromOffset).map((record) => record.offset));
    for (const { header } of batches(records)) offset = header.lastOffset + 1;
  }
}
