/** Answers and errors that come when the consumer is no longer where it was when it asked. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Errors } from '#protocol';
import type { KafkaConsumer } from '../../../src/client/consumer/index.ts';
import { FakeBroker } from './scene.ts';

const T0 = { topic: 't', partition: 0 };
const T1 = { topic: 't', partition: 1 };

let broker: FakeBroker;

beforeEach(async () => {
  broker = await FakeBroker.start();
});

afterEach(() => broker.close());

function assigned(partitions = [T0], config: Record<string, unknown> = {}): KafkaConsumer<string, string> {
  const consumer = broker.consumer<string, string>(config);
  consumer.assign(partitions);
  return consumer;
}

async function values(consumer: KafkaConsumer<string, string>, timeoutMs = 2_000): Promise<string[]> {
  return [...(await broker.during(consumer.poll(timeoutMs)))].map(({ value }) => value);
}

describe('a damaged batch', () => {
  it('is never passed over by what was asked ahead of it', async () => {
    broker.append('t', 0, ['a']);
    broker.append('t', 0, ['b']);
    broker.logs.get('t-0')![1][65] ^= 1;
    const consumer = assigned();
    let isAskedAhead = false;
    broker.on('Fetch', async (body) => {
      const { fetchOffset } = body.topics[0].partitions[0];
      if (fetchOffset === 2 && !isAskedAhead) {
        isAskedAhead = true;
        await broker.clock.sleep(300);
        broker.append('t', 0, ['c']);
      }
      return broker.usual('Fetch', body);
    });
    expect(await values(consumer)).toEqual(['a']);
    await broker.clock.settle();
    expect(isAskedAhead).toBe(true);
    // The answer from behind the damaged batch arrives while poll waits.
    await expect(broker.during(consumer.poll(2_000))).rejects.toMatchObject({ code: 'CORRUPT_MESSAGE' });
    expect(await consumer.position(T0)).toBe(1);
  });
});

describe('a log that was cut off', () => {
  it('behind the position voids what was buffered beyond, and skips nothing', async () => {
    broker.leaderEpoch = 4;
    for (const value of ['a', 'b', 'c']) broker.append('t', 0, [value]);
    const consumer = assigned([T0], { 'max.poll.records': 1, 'auto.offset.reset': 'none' });
    consumer.seek(T0, 0);
    let isCut = false;
    broker.on('Fetch', async (body) => {
      const [{ topic, topicId, partitions }] = body.topics;
      if (isCut || partitions[0].fetchOffset < 3) return broker.usual('Fetch', body);
      isCut = true;
      broker.logs.get('t-0')!.length = 2;
      broker.append('t', 0, ['C']);
      const diverging = {
        partitionIndex: 0,
        highWatermark: 3,
        records: null,
        divergingEpoch: { epoch: 4, endOffset: 2 },
      };
      return { responses: [{ topic, topicId, partitions: [diverging] }] };
    });
    expect(await values(consumer)).toEqual(['a']);
    await broker.clock.advance(500);
    expect(isCut).toBe(true);
    expect([...(await values(consumer)), ...(await values(consumer))]).toEqual(['b', 'C']);
  });
});

describe('a topic that was deleted and created again', () => {
  const recreate = (values: string[]) => {
    broker.logs.clear();
    broker.topicIds.set('t', 'AAAAAAAAAAAAAAAAAAAABw');
    for (const value of values) broker.append('t', 0, [value]);
  };

  it('is read from its beginning, whatever the old one had', async () => {
    for (const value of ['a', 'b']) broker.append('t', 0, [value]);
    const consumer = assigned([T0], { 'auto.offset.reset': 'latest' });
    consumer.seek(T0, 0);
    expect([...(await values(consumer)), ...(await values(consumer))]).toEqual(['a', 'b']);
    recreate(['A', 'B', 'C']);
    const again: string[] = [];
    for (let i = 0; i < 4; i++) again.push(...(await values(consumer)));
    expect(again).toEqual(['A', 'B', 'C']);
  });

  it('is told to an application that chose auto.offset.reset=none', async () => {
    broker.append('t', 0, ['a']);
    const consumer = assigned([T0], { 'auto.offset.reset': 'none' });
    consumer.seek(T0, 0);
    expect(await values(consumer)).toEqual(['a']);
    recreate(['A', 'B']);
    await expect(broker.during(consumer.poll(5_000))).rejects.toMatchObject({ code: 'NO_OFFSET_FOR_PARTITION' });
  });
});

describe('an error of a partition', () => {
  const refused = (partition: number) => ({
    partitionIndex: partition,
    errorCode: partition === 1 ? Errors.OFFSET_OUT_OF_RANGE.code : 0,
    highWatermark: 5,
    records: null,
  });

  beforeEach(() => {
    broker.topics.set('t', 2);
    broker.on('Fetch', async (body) => {
      await broker.clock.sleep(body.maxWaitMs);
      const [{ topic, topicId, partitions }] = body.topics;
      return { responses: [{ topic, topicId, partitions: partitions.map(({ partition }) => refused(partition)) }] };
    });
  });

  it('is told once, however often it was met while the application was busy', async () => {
    const consumer = assigned([T0, T1], { 'auto.offset.reset': 'none' });
    consumer.seek(T0, 0);
    consumer.seek(T1, 77);
    await expect(broker.during(consumer.poll(5_000))).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    await broker.clock.advance(10_000);
    await expect(broker.during(consumer.poll(5_000))).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    broker.on('Fetch', (body) => broker.usual('Fetch', body));
    broker.append('t', 1, ['a']);
    consumer.seek(T1, 0);
    expect(await values(consumer)).toEqual(['a']);
  });

  it('is forgotten when the application has sought elsewhere or given the partition up', async () => {
    const consumer = assigned([T0, T1], { 'auto.offset.reset': 'none' });
    consumer.seek(T0, 0);
    consumer.seek(T1, 77);
    expect(await values(consumer, 200)).toEqual([]);
    await broker.clock.advance(1_000);
    consumer.assign([T0]);
    expect(await values(consumer, 100)).toEqual([]);
  });
});

describe('what is buffered of paused partitions', () => {
  it('never keeps others from being read', async () => {
    broker.topics.set('t', 2);
    const big = 'x'.repeat(600);
    broker.append('t', 0, [big]);
    broker.append('t', 0, [big]);
    const config = {
      'max.poll.records': 1,
      'springtide.fetch.buffered.max.bytes': 1_000,
      'max.partition.fetch.bytes': 1_400,
    };
    const consumer = assigned([T0, T1], config);
    expect(await values(consumer)).toHaveLength(1);
    await broker.clock.advance(1_000);
    consumer.pause([T0]);
    broker.append('t', 1, ['other']);
    expect(await values(consumer)).toEqual(['other']);
    consumer.resume([T0]);
    expect(await values(consumer)).toEqual([big]);
  });
});
