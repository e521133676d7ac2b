/**
 * A data folder goes from Apache Kafka to us and back, whole: whoever starts on it shows what the other one left. Each goes by a stop,
 * and by a kill.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { startSpringtide } from '../processes/springtide-server.ts';
import { consumeWithJava, FolderLife, type FolderLook, JAVA_READS, look, type TopicLook } from './folder-life.ts';
import { type ApacheKafka, startApacheKafka } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { WireLog, type WireRecord } from './wire-log.ts';

/** Snapshots and several segments of the metadata log; a cleaner that is quick. */
const overrides = {
  'metadata.log.max.record.bytes.between.snapshots': 3000,
  'metadata.log.segment.ms': 1000,
  'log.cleaner.backoff.ms': 200,
  // What is deleted lies there until it is looked for.
  'log.segment.delete.delay.ms': 3_600_000,
  'offsets.topic.num.partitions': 5,
  'transaction.state.log.num.partitions': 5,
};

const tend = tendBrokers();
let kafka: ApacheKafka;
let files: readonly string[];
const life = new FolderLife();

beforeAll(async () => {
  kafka = await tend(startApacheKafka(overrides));
  await life.fill(kafka.bootstrapServers);
  files = readdirSync(kafka.dataFolder, { recursive: true }).map(String);
});

test('the folder that Kafka leaves has every kind of file', () => {
  for (const kind of [
    /^__cluster_metadata-0\/0*[1-9]\d*-\d{10}\.checkpoint$/,
    /^__cluster_metadata-0\/0*[1-9]\d*\.log$/,
    /^__consumer_offsets-\d\/0{20}\.log$/,
    /^__transaction_state-\d\/0{20}\.log$/,
    /^gone-0\.[0-9a-f]{32}-delete$/,
    /^transacted-0\/\d{20}\.txnindex$/,
    /^orders-0\/0*[1-9]\d*\.snapshot$/,
    /^trimmed-0\/leader-epoch-checkpoint$/,
    /^cleaner-offset-checkpoint$/,
  ]) {
    expect(files.filter((name) => kind.test(name))).not.toEqual([]);
  }
});

test('a folder that Kafka is using is refused', async () => {
  const starting = startSpringtide({ dataFolder: kafka.dataFolder });
  await expect(starting).rejects.toThrow(new RegExp(`is in use by process ${kafka.pid}`));
});

describe.each([
  ['SIGTERM', 'whole'],
  ['SIGKILL', 'cut'],
] as const)('after a %s of each, with a %s metadata log', (signal, metadata) => {
  let kafkaShowed: FolderLook;
  let weShow: FolderLook;
  let weLeft: FolderLook;
  let kafkaShows: FolderLook;
  let readByJava: string[];
  let readByJavaAgain: string[];
  /** Answers to the last batches that the other broker had taken, and the epochs that it had written. */
  const repeated: { ours?: unknown; kafka?: unknown } = {};
  let epochs: { ours: unknown[]; kafka: unknown[] };
  const made = `made-${signal}`;
  const readTen = ['--max-messages', '10'];

  beforeAll(async () => {
    kafkaShowed = await look(kafka.bootstrapServers);
    await kafka.stop(signal);
    if (metadata === 'cut') trimMetadata(join(kafka.dataFolder, '__cluster_metadata-0'));
    const ours = await tend(startSpringtide({ dataFolder: kafka.dataFolder }));
    weShow = await look(ours.bootstrapServers);
    let wire = await WireLog.connect(ours.bootstrapServers);
    repeated.ours = await wire.produce('orders', life.sent.at(-1)!.bytes);
    await life.append(wire, 12);
    epochs = { ours: await epochEnds(wire), kafka: [] };
    await wire.close();
    await administrate(ours.bootstrapServers, made);
    readByJava = await consumeWithJava(ours.bootstrapServers, 'classic', readTen);
    weLeft = await look(ours.bootstrapServers);
    await ours.stop(signal);
    kafka = await tend(kafka.restart());
    kafkaShows = await look(kafka.bootstrapServers);
    wire = await WireLog.connect(kafka.bootstrapServers);
    await wire.opened('orders');
    repeated.kafka = await wire.produce('orders', life.sent.at(-1)!.bytes);
    epochs.kafka = await epochEnds(wire);
    await wire.close();
    readByJavaAgain = await consumeWithJava(kafka.bootstrapServers, 'classic', readTen);
  });

  test('we show every topic as Kafka did: id, configs, records, offsets by time', () => {
    expect(Object.keys(weShow.topics)).toEqual(Object.keys(kafkaShowed.topics));
    for (const [name, topic] of Object.entries(kafkaShowed.topics)) expectSame(name, topic, weShow.topics[name]);
  });

  test('one transaction is aborted and one is open, for all who read committed records', () => {
    const { records, committed, startOffset, stableOffset, endOffset } = weShow.topics['transacted'];
    expect([records.length - committed.length, committed.length]).toEqual([2, 2]);
    expect(stableOffset).toBeLessThan(endOffset);
    expect(startOffset).toBe(0);
  });

  test('we know what groups of both protocols have committed', () => {
    expect(weShow.committed).toEqual(kafkaShowed.committed);
    expect(weShow.committed).toMatchObject({ modern: { 'orders-0': JAVA_READS }, 'exactly-once': { 'orders-0': 5 } });
  });

  test('a Java group goes on with us where it was, and with Kafka where it was with us', () => {
    const from = kafkaShowed.committed['classic']['orders-0'];
    const values = weLeft.topics['orders'].records.map(({ value }) => String(value));
    expect(readByJava).toEqual(values.slice(from, from + 10));
    expect(readByJavaAgain).toEqual(values.slice(from + 10, from + 20));
  });

  test('each knows the last batch that a producer had sent to the other', () => {
    const [theirs, ours] = [kafkaShowed, weLeft].map(({ topics }) => topics['orders'].endOffset - 3);
    expect(repeated).toEqual({
      ours: { error: 'NONE', baseOffset: theirs },
      kafka: { error: 'NONE', baseOffset: ours },
    });
  });

  test('Kafka shows every topic as we left it, also made, changed and deleted ones', () => {
    expect(Object.keys(kafkaShows.topics)).toEqual(Object.keys(weLeft.topics));
    expect(kafkaShows.topics[made]).toMatchObject({ partitionCount: 2, configs: { 'max.message.bytes': '77777' } });
    expect(kafkaShows.topics['orders'].configs).toMatchObject({ 'retention.ms': '-1', 'flush.messages': '1000' });
    for (const [name, topic] of Object.entries(weLeft.topics)) expectSame(name, topic, kafkaShows.topics[name]);
    expect(kafkaShows.committed).toEqual(weLeft.committed);
  });

  test('Kafka knows where the epochs end in which we led', () => {
    expect(epochs.ours.length).toBeGreaterThan(1);
    expect(epochs.kafka.slice(0, epochs.ours.length)).toEqual(epochs.ours);
  });
});

/** What Kafka does once a minute with what is older than a week: takes away what the newest snapshot covers. */
function trimMetadata(folder: string): void {
  const names = readdirSync(folder).sort();
  const snapshot = names.findLast((name) => name.endsWith('.checkpoint')) as string;
  const bases = names.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, 20));
  const first = bases.findLast((base) => base <= snapshot.slice(0, 20)) as string;
  expect(Number(first)).toBeGreaterThan(0);
  const isCovered = (name: string) => (name.endsWith('.checkpoint') ? name < snapshot : name < first);
  for (const name of names) if (/^\d{20}/.test(name) && isCovered(name)) rmSync(join(folder, name));
}

function expectSame(name: string, before: TopicLook, after: TopicLook): void {
  if (name === 'compacted') {
    // The cleaner may have gone on: what it leaves is as it was, and all that a reader needs.
    const { records, committed, times, ...rest } = before;
    expect(after).toMatchObject(rest);
    expect(records).toEqual(expect.arrayContaining([...after.records]));
    expect(tableOf(after)).toEqual(tableOf(before));
  } else {
    expect([name, after]).toEqual([name, before]);
  }
}

function tableOf({ records }: TopicLook): Map<string | null, WireRecord> {
  return new Map(records.map((record) => [record.key, record]));
}

/** Where each leader epoch of `orders` ends, up to the one that has records. */
async function epochEnds(wire: WireLog): Promise<unknown[]> {
  const { leaderEpoch } = await wire.offsetFor('orders', -1);
  const ends = Array.from({ length: leaderEpoch + 1 }, (_, epoch) => wire.endOfEpoch('orders', epoch));
  return Promise.all(ends);
}

/** Makes a topic, changes another, deletes a third. */
async function administrate(bootstrapServers: string, made: string): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  const fresh = { name: made, numPartitions: 2, configs: { 'max.message.bytes': 77_777 } };
  (await admin.createTopics([fresh, { name: `${made}-and-gone`, numPartitions: 1 }])).all();
  const changes = [{ name: 'flush.messages', operation: 'set', value: 1000 } as const];
  (await admin.incrementalAlterConfigs([{ type: 'topic', name: 'orders', changes }])).all();
  (await admin.deleteTopics([`${made}-and-gone`])).all();
  await admin.close();
}
