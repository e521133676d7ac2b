/**
 * Our snapshots of the metadata log, with the log below them gone: Kafka's dump tool reads them, Apache Kafka starts on them, in a folder
 * that was ours and in one that was its own from the first day, and we start on what it leaves.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { type ApacheKafka, kafkaTool, startApacheKafka, startApacheKafkaOn } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';

const OFTEN = ['metadata.log.max.record.bytes.between.snapshots=2000'];
const TOPIC_COUNT = 30;

interface Look {
  readonly topics: Readonly<Record<string, unknown>>;
  readonly configs: readonly unknown[];
}

async function look(bootstrapServers: string): Promise<Look> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  const names = (await admin.listTopics()).map(({ name }) => name).sort();
  const described = await admin.describeTopics(names);
  const topics = names.map((name) => {
    const { topicId, partitions } = described.get(name);
    return [name, { topicId, count: partitions.length }] as const;
  });
  const configs = (await admin.describeConfigs([{ type: 'topic', name: 'made-3' }])).all();
  await admin.close();
  const retention = [...configs.values()].map((config) => config.get('retention.ms')?.value);
  return { topics: Object.fromEntries(topics), configs: retention };
}

/** Enough for some snapshots: each request is a batch. */
async function fill(bootstrapServers: string): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  for (let index = 0; index < TOPIC_COUNT; index++) {
    (
      await admin.createTopics([{ name: `made-${index}`, numPartitions: 2, configs: { 'retention.ms': 1000 + index } }])
    ).all();
  }
  (await admin.deleteTopics(['made-7'])).all();
  await admin.close();
}

const metadataFolder = (dataFolder: string) => join(dataFolder, '__cluster_metadata-0');

function checkpoints(dataFolder: string): string[] {
  return readdirSync(metadataFolder(dataFolder))
    .filter((name) => /^\d{20}-\d{10}\.checkpoint$/.test(name))
    .sort();
}

/** Leaves nothing of what was before the newest snapshot but the log that goes on behind it. */
function forgetOlder(dataFolder: string): void {
  const names = checkpoints(dataFolder);
  for (const name of names.slice(0, -1)) rmSync(join(metadataFolder(dataFolder), name));
}

const tend = tendBrokers();
let ours: SpringtideServer;
let kafka: ApacheKafka;

describe('in a folder that was ours from the first day', () => {
  let showed: Look;
  let dump: string;
  let kafkaShows: Look;
  let weShow: Look;

  beforeAll(async () => {
    ours = await tend(startSpringtide({ overrides: OFTEN }));
    await fill(ours.bootstrapServers);
    showed = await look(ours.bootstrapServers);
    await ours.stop();
    forgetOlder(ours.dataFolder);
    const newest = join(metadataFolder(ours.dataFolder), checkpoints(ours.dataFolder).at(-1) as string);
    const result = await kafkaTool('dump-log', ['--cluster-metadata-decoder', '--files', newest]);
    dump = result.stdout + result.stderr;
    kafka = await tend(startApacheKafkaOn(ours.dataFolder));
    kafkaShows = await look(kafka.bootstrapServers);
    await kafka.stop();
    ours = await tend(startSpringtide({ dataFolder: ours.dataFolder, overrides: OFTEN }));
    weShow = await look(ours.bootstrapServers);
    await ours.stop();
  });

  test("kafka-dump-log shows every record of a snapshot, in the words of Kafka's decoder", () => {
    expect(dump).toMatch(/SnapshotHeader.*"lastContainedLogTimestamp":\d+/);
    expect(dump).toMatch(
      /"type":"FEATURE_LEVEL_RECORD","version":0,"data":\{"name":"metadata.version","featureLevel":33\}/,
    );
    expect(dump).toMatch(/"type":"REGISTER_BROKER_RECORD"/);
    expect(dump.match(/"type":"PARTITION_RECORD"/g)?.length).toBeGreaterThan(20);
    expect(dump).toMatch(/SnapshotFooter/);
    expect(dump).not.toMatch(/could not|exception/i);
  });

  test('Apache Kafka shows what we had, and we what it left', () => {
    expect(Object.keys(showed.topics)).toHaveLength(TOPIC_COUNT - 1);
    expect(kafkaShows).toEqual(showed);
    expect(weShow).toEqual(showed);
  });
});

describe("in a folder of Kafka's, whose voters are in its log alone", () => {
  let showed: Look;
  let ourCheckpoints: string[];
  let kafkaShows: Look;
  let quorum: string;

  beforeAll(async () => {
    kafka = await tend(startApacheKafka());
    await kafka.stop();
    ours = await tend(startSpringtide({ dataFolder: kafka.dataFolder, overrides: OFTEN }));
    await fill(ours.bootstrapServers);
    showed = await look(ours.bootstrapServers);
    await ours.stop();
    ourCheckpoints = checkpoints(kafka.dataFolder);
    forgetOlder(kafka.dataFolder);
    kafka = await tend(kafka.restart());
    kafkaShows = await look(kafka.bootstrapServers);
    const described = await kafkaTool('metadata-quorum', [
      '--bootstrap-server',
      kafka.bootstrapServers,
      'describe',
      '--status',
    ]);
    quorum = described.stdout;
  });

  test('Apache Kafka shows what was made with us, and still knows its voters and features', () => {
    expect(ourCheckpoints.length).toBeGreaterThan(1);
    expect(kafkaShows).toEqual(showed);
    expect(quorum).toMatch(/LeaderId:\s+1/);
    expect(quorum).toMatch(/CurrentVoters:.*"id": 1, "directoryId": "[^"]{22}"/);
  });
});
