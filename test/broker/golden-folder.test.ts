/** The broker on a whole data folder that an Apache Kafka 4.4.0 has left: what Kafka told its clients we tell them. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ManualClock } from '#core';
import { Apis, batches, buildBatch, Errors } from '#protocol';
import { goldenDisk, goldenFile } from '../storage/golden-folder.ts';
import { Scene } from './scene.ts';

interface Served {
  readonly writtenMs: number;
  readonly topics: Record<string, { topicId: string; partitionCount: number; configs: Record<string, string> }>;
  readonly committed: Record<string, Record<string, number>>;
}

const served: Served = JSON.parse(goldenFile('whole', 'served.json').toString());

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.start({ disk: goldenDisk('whole/folder'), clock: new ManualClock(served.writtenMs) });
});

afterEach(() => scene.close());

it('has its topics with their ids and configurations, each with a leader', async () => {
  const { topics } = await scene.send(Apis.Metadata, { topics: null });
  const internal = ['__consumer_offsets', '__transaction_state'];
  expect(topics.map(({ name }) => name).sort()).toEqual([...internal, ...Object.keys(served.topics)].sort());
  for (const [name, { topicId, partitionCount, configs }] of Object.entries(served.topics)) {
    const topic = topics.find((one) => one.name === name);
    expect([topic?.topicId, topic?.partitions.length]).toEqual([topicId, partitionCount]);
    const resources = [{ resourceType: 2, resourceName: name, configurationKeys: null }];
    const { results } = await scene.send(Apis.DescribeConfigs, { resources });
    const set = results[0].configs.filter(({ configSource }) => configSource <= 3);
    expect(Object.fromEntries(set.map((config) => [config.name, config.value]))).toEqual(configs);
  }
  expect(topics.flatMap(({ partitions }) => partitions).every(({ leaderId }) => leaderId === 1)).toBe(true);
});

it('knows what its groups have committed, but for what a transaction has not', async () => {
  for (const [groupId, offsets] of Object.entries(served.committed)) {
    const topics = [{ name: 'trimmed', partitionIndexes: [0] }];
    const { groups } = await scene.send(Apis.OffsetFetch, { groups: [{ groupId, topics }] }, 8);
    const [{ committedOffset }] = groups[0].topics[0].partitions;
    expect([groupId, committedOffset]).toEqual([groupId, offsets['trimmed-0'] ?? -1]);
  }
  expect(served.committed['exactly-once']).toEqual({ 'trimmed-0': 31 });
});

it('gives no producer id twice, takes the last batch for a duplicate and the next one on', async () => {
  const { producerId } = await scene.send(Apis.InitProducerId, { transactionalId: null });
  expect(producerId).toBeGreaterThanOrEqual(1000);
  const segment = goldenFile('whole/folder', 'trimmed-0/00000000000000000099.log');
  const { position, header } = [...batches(segment)].at(-1)!;
  const last = Buffer.from(segment.subarray(position, position + header.sizeInBytes));
  last.writeBigInt64BE(0n, 0);
  expect(await scene.produce('trimmed', last)).toMatchObject({ errorCode: 0, baseOffset: header.baseOffset });
  const next = (baseSequence: number) => {
    const record = { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: served.writtenMs };
    return buildBatch([record], { producerId: header.producerId, producerEpoch: header.producerEpoch, baseSequence });
  };
  const { code } = Errors.OUT_OF_ORDER_SEQUENCE_NUMBER;
  expect(await scene.produce('trimmed', next(header.lastSequence + 2))).toMatchObject({ errorCode: code });
  const taken = { errorCode: 0, baseOffset: header.lastOffset + 1 };
  expect(await scene.produce('trimmed', next(header.lastSequence + 1))).toMatchObject(taken);
});

it('keeps what only a default of the cluster keeps: records of years ago, without a retention of their topic', async () => {
  await scene.clock.advance(300_000);
  const topics = [{ name: 'transacted', partitions: [{ partitionIndex: 0, timestamp: -2 }] }];
  const listed = await scene.send(Apis.ListOffsets, { replicaId: -1, topics }, 7);
  expect(listed.topics[0].partitions[0]).toMatchObject({ errorCode: 0, offset: 0 });
});

it('tells of all that is set while brokers run what counts here, and warns of the rest', async () => {
  expect(served.topics['transacted'].configs).toEqual({ 'min.insync.replicas': '1', 'retention.ms': '-1' });
  const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: ['log.retention.ms', 'num.io.threads'] }];
  const { results } = await scene.send(Apis.DescribeConfigs, { resources, includeSynonyms: true });
  expect(results[0].configs).toMatchObject([
    { name: 'log.retention.ms', value: '-1', configSource: 3 },
    { name: 'num.io.threads', value: '7', configSource: 3 },
  ]);
  expect([...scene.book.at('warn'), ...scene.book.at('error')]).toEqual([
    'Dynamic broker configs without effect here: num.io.threads',
  ]);
});
