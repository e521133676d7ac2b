/**
 * What the admin client must do against any Kafka: run by our tests on our broker and by the interop tests on Apache Kafka.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { OffsetAndMetadata, ProducerRecord, TopicPartition } from '#serde';
import type { Connect } from './consumer-scene.ts';
import { ProducerScene, until } from './producer-scene.ts';

/** Registers the suite's tests. `connect` is called once, before the first of them. */
export function adminSuite(connect: Connect): void {
  let opened: ProducerScene | undefined;
  const scene = (): ProducerScene => opened as ProducerScene;
  beforeAll(async () => {
    opened = await ProducerScene.open(connect);
  });
  afterAll(() => opened?.close());

  describe('an admin client', () => {
    topicTests(scene);
    configTests(scene);
    offsetTests(scene);
    groupTests(scene);
    alterConfigTests(scene);
    deleteRecordsTests(scene);
    deleteGroupTests(scene);
  });
}

function topicTests(scene: () => ProducerScene): void {
  test('creates, describes, grows, lists and deletes topics', async () => {
    const { admin } = scene();
    const name = scene().name('admin');
    const created = await admin.createTopics([{ name, numPartitions: 3, replicationFactor: 1 }]);
    expect(created.get(name)).toMatchObject({ numPartitions: 3, replicationFactor: 1 });
    await until(async () => (await admin.describeTopics([name])).errors.size === 0);
    expect((await admin.describeTopics([name])).get(name)).toMatchObject({ topicId: created.get(name).topicId });
    (await admin.createPartitions({ [name]: 5 })).all();
    await until(async () => (await admin.describeTopics([name])).get(name).partitions.length === 5);
    expect((await admin.listTopics()).map((topic) => topic.name)).toContain(name);
    (await admin.deleteTopics([name])).all();
    await until(async () => !(await admin.listTopics()).some((topic) => topic.name === name));
  });

  test('answers for each topic on its own', async () => {
    const { admin } = scene();
    const [there, fresh] = [await scene().topic(), scene().name('fresh')];
    const results = await admin.createTopics([{ name: there }, { name: 'not a name' }, { name: fresh }]);
    expect([...results.values.keys()]).toEqual([fresh]);
    expect(results.errorOf(there)?.code).toBe('TOPIC_ALREADY_EXISTS');
    expect(results.errorOf('not a name')?.code).toBe('INVALID_TOPIC_EXCEPTION');
    expect(() => results.all()).toThrow();
    const deleted = await admin.deleteTopics([there, fresh, 'nowhere-at-all']);
    expect(deleted.errorOf('nowhere-at-all')?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(deleted.values.size).toBe(2);
  });

  test('checks without creating when asked to', async () => {
    const name = scene().name('dry');
    (await scene().admin.createTopics([{ name }], { validateOnly: true })).all();
    expect((await scene().admin.describeTopics([name])).errorOf(name)?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  test('does not shrink topics', async () => {
    const topic = await scene().topic(3);
    expect((await scene().admin.createPartitions({ [topic]: 2 })).errorOf(topic)?.code).toBe('INVALID_PARTITIONS');
  });

  test('describes the cluster', async () => {
    const { clusterId, controllerId, nodes } = await scene().admin.describeCluster();
    expect(clusterId).toHaveLength(22);
    expect(nodes.map((node) => node.nodeId)).toContain(controllerId);
  });
}

function configTests(scene: () => ProducerScene): void {
  test('reads the configuration of topics, with where a value comes from', async () => {
    const topic = await scene().topic(1, { 'retention.ms': 12345 });
    const entries = (await scene().admin.describeConfigs([{ type: 'topic', name: topic }])).get(`topic:${topic}`);
    expect(entries.get('retention.ms')).toMatchObject({ value: '12345', source: 'topic', isDefault: false });
    expect(entries.get('cleanup.policy')).toMatchObject({ value: 'delete', isDefault: true });
  });

  test('reads the configuration of a broker', async () => {
    const { controllerId } = await scene().admin.describeCluster();
    const name = `broker:${controllerId}`;
    const entries = (await scene().admin.describeConfigs([{ type: 'broker', name: `${controllerId}` }])).get(name);
    expect(entries.get('num.partitions')?.value).toMatch(/^\d+$/);
  });

  test('says which topic it cannot describe', async () => {
    const results = await scene().admin.describeConfigs([{ type: 'topic', name: 'nowhere-at-all' }]);
    expect(results.errorOf('topic:nowhere-at-all')?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
}

function alterConfigTests(scene: () => ProducerScene): void {
  test('changes single keys and leaves the others', async () => {
    const topic = await scene().topic(1, { 'retention.ms': 12345, 'max.message.bytes': 5000 });
    const change = { name: 'retention.ms', operation: 'set', value: 777 } as const;
    (await scene().admin.incrementalAlterConfigs([{ type: 'topic', name: topic, changes: [change] }])).all();
    const entries = async () =>
      (await scene().admin.describeConfigs([{ type: 'topic', name: topic }])).get(`topic:${topic}`);
    await until(async () => (await entries()).get('retention.ms')?.value === '777');
    expect((await entries()).get('max.message.bytes')?.value).toBe('5000');
  });
}

function offsetTests(scene: () => ProducerScene): void {
  test('lists the offsets of a partition, by its ends and by time', async () => {
    const topic = await scene().topic(2);
    const producer = scene().producer();
    for (const timestamp of [1000, 2000, 3000])
      producer.send(new ProducerRecord({ topic, partition: 0, value: 'v', timestamp }));
    await producer.flush();
    const offsetOf = async (spec: 'earliest' | 'latest' | 'max-timestamp' | number) =>
      (await scene().admin.listOffsets([{ topic, partition: 0, spec }])).get(`${topic}-0`);
    expect((await offsetOf('earliest')).offset).toBe(0);
    expect((await offsetOf('latest')).offset).toBe(3);
    expect(await offsetOf(1500)).toMatchObject({ offset: 1, timestamp: 2000 });
    expect((await offsetOf(4000)).offset).toBe(-1);
    expect(await offsetOf('max-timestamp')).toMatchObject({ offset: 2, timestamp: 3000 });
  });

  test('says which partition it cannot list', async () => {
    const topic = await scene().topic(1);
    const results = await scene().admin.listOffsets([
      { topic, partition: 0, spec: 'latest' },
      { topic, partition: 9, spec: 'latest' },
    ]);
    expect(results.get(`${topic}-0`).offset).toBe(0);
    expect(results.errorOf(`${topic}-9`)?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });
}

function deleteRecordsTests(scene: () => ProducerScene): void {
  test('deletes the records below an offset', async () => {
    const topic = await scene().topic(1);
    const producer = scene().producer();
    for (const value of ['a', 'b', 'c']) producer.send(new ProducerRecord(topic, value));
    await producer.flush();
    const results = await scene().admin.deleteRecords([{ topic, partition: 0, beforeOffset: 2 }]);
    expect(results.get(`${topic}-0`).lowWatermark).toBe(2);
    const offsets = await scene().admin.listOffsets([{ topic, partition: 0, spec: 'earliest' }]);
    expect(offsets.get(`${topic}-0`).offset).toBe(2);
  });
}

function groupTests(scene: () => ProducerScene): void {
  test('sets, reads and lists offsets of a group without members', async () => {
    const { admin } = scene();
    const [topic, group] = [await scene().topic(2), scene().name('group')];
    const [first, second] = [0, 1].map((partition) => new TopicPartition(topic, partition));
    const altered = await admin.alterConsumerGroupOffsets(group, [[first, new OffsetAndMetadata(7, 'note')]]);
    altered.all();
    const offsets = await admin.listConsumerGroupOffsets(group);
    expect(offsets.get(first)).toMatchObject({ offset: 7, metadata: 'note' });
    expect(offsets.has(second)).toBe(false);
    expect((await admin.listConsumerGroupOffsets(group, { partitions: [second] })).size).toBe(0);
    expect((await admin.listGroups()).map((one) => one.groupId)).toContain(group);
    const described = (await admin.describeConsumerGroups([group])).get(group);
    expect(described).toMatchObject({ groupId: group, state: 'Empty', members: [] });
  });

  test('reads no offsets of a group that never was', async () => {
    expect((await scene().admin.listConsumerGroupOffsets(scene().name('nobody'))).size).toBe(0);
  });
}

function deleteGroupTests(scene: () => ProducerScene): void {
  test('deletes a group without members, and says which it cannot find', async () => {
    const { admin } = scene();
    const [topic, group] = [await scene().topic(), scene().name('group')];
    (await admin.alterConsumerGroupOffsets(group, [[new TopicPartition(topic, 0), new OffsetAndMetadata(1)]])).all();
    const results = await admin.deleteConsumerGroups([group, 'nobody-at-all']);
    expect([...results.values.keys()]).toEqual([group]);
    expect(results.errorOf('nobody-at-all')?.code).toBe('GROUP_ID_NOT_FOUND');
    expect((await admin.listConsumerGroupOffsets(group)).size).toBe(0);
  });
}
