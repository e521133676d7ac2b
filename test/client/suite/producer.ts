/**
 * What a producer must do against any Kafka: run by our tests on our broker and by the interop tests on Apache Kafka. Every test has
 * topics of its own, so the suite can run on a broker that others use.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KafkaError } from '#core';
import { ProducerRecord } from '#serde';
import { partitionForKey } from '../../../src/client/producer/partitioner.ts';
import type { Connect } from './consumer-scene.ts';
import { ProducerScene, until } from './producer-scene.ts';

/** Registers the suite's tests. `connect` is called once, before the first of them. */
export function producerSuite(connect: Connect): void {
  let opened: ProducerScene | undefined;
  const scene = (): ProducerScene => opened as ProducerScene;
  beforeAll(async () => {
    opened = await ProducerScene.open(connect);
  });
  afterAll(() => opened?.close());

  describe('a producer', () => {
    writingTests(scene);
    refusalTests(scene);
  });
}

function writingTests(scene: () => ProducerScene): void {
  test('writes key, value, headers and timestamp as they were sent, and tells the place', async () => {
    const topic = await scene().topic();
    const producer = scene().producer();
    const headers = { a: 'b', empty: null };
    const metadata = await producer.send(
      new ProducerRecord({ topic, key: 'k', value: 'v', timestamp: 1_700_000_000_000, headers }),
    );
    expect(metadata).toMatchObject({ topic, partition: 0, offset: 0, serializedKeySize: 1, serializedValueSize: 1 });
    await producer.send(new ProducerRecord({ topic, value: null }));
    expect(await scene().stored(topic)).toMatchObject([
      {
        key: 'k',
        value: 'v',
        timestamp: 1_700_000_000_000,
        headers: [
          ['a', 'b'],
          ['empty', null],
        ],
      },
      { key: null, value: null, offset: 1, headers: [] },
    ]);
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'keeps order and offsets with compression.type=%s',
    async (codec) => {
      const topic = await scene().topic();
      const producer = scene().producer({ 'compression.type': codec, 'batch.size': 2000 });
      const handles = range(500).map((i) => producer.send(new ProducerRecord(topic, `value ${i}`)));
      await producer.flush();
      expect(handles.map((handle) => handle.metadata?.offset)).toEqual(range(500));
      expect((await scene().stored(topic)).map((record) => record.value)).toEqual(range(500).map((i) => `value ${i}`));
    },
  );

  test.each([
    ['all', true],
    ['1', true],
    ['0', false],
  ])('writes with acks=%s', async (acks, hasOffset) => {
    const topic = await scene().topic();
    const producer = scene().producer({ acks });
    const metadata = await producer.send(new ProducerRecord(topic, 'v'));
    expect(metadata.offset).toBe(hasOffset ? 0 : -1);
    await producer.close();
    await until(async () => (await scene().stored(topic)).length === 1);
  });

  test('puts equal keys on one partition, the one Java’s clients choose', async () => {
    const topic = await scene().topic(6);
    const producer = scene().producer();
    const keys = ['a', 'b', 'user-1', 'é', 'foobar'];
    const handles = range(50).map((i) => producer.send(new ProducerRecord(topic, keys[i % 5], `${i}`)));
    await producer.flush();
    for (const [i, handle] of handles.entries()) {
      expect(handle.metadata?.partition).toBe(partitionForKey(Buffer.from(keys[i % 5]), 6));
    }
    const ofA = (await scene().stored(topic))
      .filter((record) => record.key === 'a')
      .map((record) => Number(record.value));
    expect(ofA).toEqual(range(10).map((i) => i * 5));
  });

  test('spreads records without key over all partitions, batch by batch', async () => {
    const topic = await scene().topic(4);
    const producer = scene().producer({ 'batch.size': 500 });
    for (const i of range(400)) producer.send(new ProducerRecord(topic, `${i}`.padEnd(100, '.')));
    await producer.flush();
    const counts = Map.groupBy(await scene().stored(topic), (record) => record.partition);
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3]);
    expect(producer.metrics()['records-per-batch.mean']).toBeGreaterThan(2);
  });

  test('keeps the order of a partition with five requests in flight', async () => {
    const topic = await scene().topic();
    const producer = scene().producer({ 'linger.ms': 0, 'batch.size': 200 });
    for (const i of range(2000)) {
      producer.send(new ProducerRecord(topic, `${i}`));
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await producer.flush();
    expect((await scene().stored(topic)).map((record) => Number(record.value))).toEqual(range(2000));
  });

  test('goes on within little memory', async () => {
    const topic = await scene().topic(2);
    const producer = scene().producer({ 'buffer.memory': 100_000, 'batch.size': 10_000 });
    for (const i of range(1000)) producer.send(new ProducerRecord(topic, `${i}`.padEnd(1000, '.')));
    await producer.flush();
    expect(await scene().stored(topic)).toHaveLength(1000);
    expect(producer.metrics()['buffer-available-bytes']).toBe(100_000);
  });

  test('finds partitions that were added later', async () => {
    const topic = await scene().topic(1);
    const producer = scene().producer({ 'metadata.max.age.ms': 100 });
    await producer.send(new ProducerRecord(topic, 'a'));
    (await scene().admin.createPartitions({ [topic]: 2 })).all();
    await until(async () => (await producer.partitionsFor(topic)).length === 2);
    const metadata = await producer.send(new ProducerRecord(topic, 1, null, 'b'));
    expect(metadata).toMatchObject({ partition: 1, offset: 0 });
  });

  test('follows a topic that was deleted and created again', async () => {
    const topic = await scene().topic();
    const producer = scene().producer();
    await producer.send(new ProducerRecord(topic, 'old'));
    (await scene().admin.deleteTopics([topic])).all();
    await until(async () => (await scene().admin.describeTopics([topic])).errors.size === 1);
    (await scene().admin.createTopics([{ name: topic, numPartitions: 1, replicationFactor: 1 }])).all();
    const metadata = await producer.send(new ProducerRecord(topic, 'new'));
    expect(metadata.offset).toBe(0);
    expect((await scene().stored(topic)).map((record) => record.value)).toEqual(['new']);
  });
}

function refusalTests(scene: () => ProducerScene): void {
  test('tells each record of a batch that the broker finds too large, and writes those that fit', async () => {
    const topic = await scene().topic(1, { 'max.message.bytes': 1000 });
    const producer = scene().producer();
    const handles = range(20).map((i) =>
      producer.send(new ProducerRecord(topic, `${i}`.padEnd(i === 7 ? 2000 : 200, '.'))),
    );
    await producer.flush();
    expect(handles.map((handle) => handle.error?.code)).toEqual(
      range(20).map((i) => (i === 7 ? 'MESSAGE_TOO_LARGE' : undefined)),
    );
    const values = (await scene().stored(topic)).map((record) => Number.parseInt(record.value ?? '', 10));
    expect(values).toEqual(range(20).filter((i) => i !== 7));
    expect((await producer.send(new ProducerRecord(topic, 'after'))).offset).toBe(19);
  });

  test('refuses a record without key for a compacted topic, and goes on', async () => {
    const topic = await scene().topic(1, { 'cleanup.policy': 'compact' });
    const producer = scene().producer();
    const error = await failure(producer.send(new ProducerRecord(topic, 'no key')));
    expect(error.code).toBe('INVALID_RECORD');
    expect((await producer.send(new ProducerRecord(topic, 'k', 'v'))).offset).toBe(0);
  });

  test('refuses a topic whose name cannot be, at once', async () => {
    const producer = scene().producer();
    expect((await failure(producer.send(new ProducerRecord('not a name', 'v')))).code).toBe('INVALID_TOPIC_EXCEPTION');
  });

  test('refuses a timestamp far in the future', async () => {
    const topic = await scene().topic();
    const timestamp = Date.now() + 7_200_000;
    const error = await failure(
      scene()
        .producer()
        .send(new ProducerRecord({ topic, value: 'v', timestamp })),
    );
    expect(error.code).toBe('INVALID_TIMESTAMP');
  });
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function failure(result: PromiseLike<unknown>): Promise<KafkaError> {
  return Promise.resolve(result).then(
    () => {
      throw new Error('should have failed');
    },
    (error) => error,
  );
}
