/** A data folder that was ours from the first day: Apache Kafka starts on it as it is, and we on what it leaves. */
import { beforeAll, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { buildBatch } from '#protocol';
import { OffsetAndMetadata, TopicPartition } from '#serde';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { type FolderLook, look } from './folder-life.ts';
import { type ApacheKafka, startApacheKafkaOn } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { CODECS, valueDrafts } from './our-logs.ts';
import { WireLog } from './wire-log.ts';

const tend = tendBrokers();
let ours: SpringtideServer;
let kafka: ApacheKafka;
const showed: Record<string, FolderLook> = {};

beforeAll(async () => {
  ours = await tend(startSpringtide());
  await use(ours.bootstrapServers, 'first');
  showed['we'] = await look(ours.bootstrapServers);
  await ours.stop('SIGKILL');
  kafka = await tend(startApacheKafkaOn(ours.dataFolder));
  showed['Kafka'] = await look(kafka.bootstrapServers);
  await use(kafka.bootstrapServers, 'second');
  showed['Kafka later'] = await look(kafka.bootstrapServers);
  await kafka.stop();
  ours = await tend(startSpringtide({ dataFolder: ours.dataFolder }));
  showed['we later'] = await look(ours.bootstrapServers);
});

/** A topic of that name and its records, an offset that a group has committed, and more records for the first topic. */
async function use(bootstrapServers: string, topic: string): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  (await admin.createTopics([{ name: topic, numPartitions: 2, configs: { 'retention.ms': -1 } }])).all();
  const wire = await WireLog.connect(bootstrapServers);
  for (const name of ['first', topic]) {
    await wire.opened(name);
    for (const compression of CODECS) {
      const batch = buildBatch(valueDrafts([name, compression]), { compression });
      expect(await wire.produce(name, batch)).toMatchObject({ error: 'NONE' });
    }
  }
  (await admin.deleteRecords([{ topic, partition: 0, beforeOffset: 3 }])).all();
  const place = [new TopicPartition(topic, 0), new OffsetAndMetadata(4)] as const;
  (await admin.alterConsumerGroupOffsets('classic', [place])).all();
  await wire.close();
  await admin.close();
}

test('Apache Kafka shows what we had before we were killed', () => {
  expect(showed['Kafka']).toEqual(showed['we']);
  expect(showed['Kafka'].topics['first']).toMatchObject({ partitionCount: 2, startOffset: 3, endOffset: 20 });
  expect(showed['Kafka'].committed['classic']).toEqual({ 'first-0': 4 });
});

test('we show what it has made of it', () => {
  expect(showed['we later']).toEqual(showed['Kafka later']);
  expect(showed['we later'].topics['first'].endOffset).toBe(30);
  expect(showed['we later'].committed['classic']).toEqual({ 'first-0': 4, 'second-0': 4 });
});
