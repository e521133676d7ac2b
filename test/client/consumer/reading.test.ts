import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors } from '#protocol';
import type { KafkaConsumer } from '../../../src/client/consumer/index.ts';
import { BROKER_ID, FakeBroker, refusing } from './scene.ts';

const T0 = { topic: 't', partition: 0 };

let broker: FakeBroker;

beforeEach(async () => {
  broker = await FakeBroker.start();
});

afterEach(() => broker.close());

function assigned(config: Record<string, unknown> = {}, options = {}): KafkaConsumer<string, string> {
  const consumer = broker.consumer<string, string>(config, options);
  consumer.assign([T0]);
  return consumer;
}

async function values(consumer: KafkaConsumer<string, string>, timeoutMs = 5_000): Promise<string[]> {
  const records = await broker.during(consumer.poll(timeoutMs));
  return [...records].map(({ value }) => value);
}

/** One answered partition of topic `t`. */
function fetched(errorCode: number, more: object = {}) {
  const partition = { partitionIndex: 0, errorCode, highWatermark: 5, records: null, ...more };
  return { responses: [{ topic: '', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [partition] }] };
}

/** Answers the first fetch with `answer`, the others as usual. */
function firstFetch(answer: ReturnType<typeof fetched>): void {
  let isFirst = true;
  broker.on('Fetch', (body) => {
    const wasFirst = isFirst;
    isFirst = false;
    return wasFirst ? answer : broker.usual('Fetch', body);
  });
}

describe('poll', () => {
  it('returns as soon as there is something, not when its time is over', async () => {
    const consumer = assigned();
    const poll = consumer.poll(60_000);
    await broker.clock.advance(1_200);
    broker.append('t', 0, ['a']);
    await broker.during(poll);
    expect(broker.clock.now().monotonicMs).toBeLessThan(2_500);
  });

  it('returns empty when its time is over', async () => {
    const consumer = assigned();
    const records = await broker.during(consumer.poll(300));
    expect(records.isEmpty()).toBe(true);
    expect(broker.clock.now().monotonicMs).toBe(300);
  });

  it('returns at most max.poll.records, in offset order, and the rest next time without another fetch', async () => {
    broker.append('t', 0, ['a', 'b', 'c', 'd', 'e']);
    const consumer = assigned({ 'max.poll.records': 2 });
    expect(await values(consumer)).toEqual(['a', 'b']);
    const fetchCount = broker.requests('Fetch').length;
    expect(await values(consumer)).toEqual(['c', 'd']);
    expect(await values(consumer)).toEqual(['e']);
    expect(broker.requests('Fetch').length).toBe(fetchCount);
    expect(await consumer.position(T0)).toBe(5);
  });

  it('refuses a time that is none, instead of turning without end', async () => {
    for (const wrong of [undefined, Number.NaN, -1]) {
      await expect(assigned().poll(wrong as number)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  it('runs once at a time', async () => {
    const consumer = assigned();
    const first = consumer.poll(100);
    await expect(consumer.poll(100)).rejects.toThrow(/already running/);
    await broker.during(first);
  });

  it('refuses a consumer that has nothing to read', async () => {
    await expect(broker.consumer().poll(0)).rejects.toThrow(/nothing to poll/);
  });

  it('tells which bytes it came from only by value: what it returned does not change with later fetches', async () => {
    const consumer = broker.consumer<Buffer, Buffer>({ 'key.deserializer': 'buffer', 'value.deserializer': 'buffer' });
    consumer.assign([T0]);
    broker.append('t', 0, ['first']);
    const [record] = await broker.during(consumer.poll(1_000));
    broker.append('t', 0, ['other']);
    await broker.during(consumer.poll(1_000));
    expect(record.value.toString()).toBe('first');
  });
});

describe('wakeup', () => {
  it('ends a poll that waits, and only that one', async () => {
    const consumer = assigned();
    const poll = consumer.poll(60_000);
    await broker.clock.advance(100);
    consumer.wakeup();
    await expect(broker.during(poll)).rejects.toMatchObject({ code: 'WAKEUP' });
    broker.append('t', 0, ['a']);
    expect(await values(consumer)).toEqual(['a']);
  });

  it('ends the next poll when none waits, without losing a record', async () => {
    broker.append('t', 0, ['a']);
    const consumer = assigned();
    consumer.wakeup();
    await expect(broker.during(consumer.poll(1_000))).rejects.toMatchObject({ code: 'WAKEUP' });
    expect(await values(consumer)).toEqual(['a']);
  });

  it('ends a commit that waits for its answer', async () => {
    const consumer = assigned({ 'group.id': 'g' });
    broker.on('OffsetCommit', () => new Promise(() => {}));
    const commit = consumer.commitSync([[T0, { offset: 1, metadata: '', leaderEpoch: undefined }]]);
    await broker.clock.advance(100);
    consumer.wakeup();
    await expect(broker.during(commit)).rejects.toMatchObject({ code: 'WAKEUP' });
  });
});

describe('close', () => {
  it('ends a poll that waits, and every later call', async () => {
    const consumer = assigned();
    const poll = consumer.poll(60_000);
    await broker.clock.advance(100);
    await broker.during(Promise.all([expect(poll).rejects.toMatchObject({ code: 'CLOSED' }), consumer.close()]));
    await expect(consumer.poll(0)).rejects.toMatchObject({ code: 'CLOSED' });
    expect(() => consumer.seek(T0, 1)).toThrow(/closed/);
  });

  it('leaves no timer behind, even while it was looking for a partition that does not exist', async () => {
    const consumer = broker.consumer({ 'group.id': 'g' });
    consumer.assign([{ topic: 'missing', partition: 0 }]);
    await broker.during(consumer.poll(300));
    await broker.during(consumer.close());
    await broker.clock.advance(1_000);
    expect(broker.clock.pendingTimerCount).toBe(0);
  });
});

describe('fetching', () => {
  it('keeps one fetch in flight per broker', async () => {
    broker.topics.set('t', 4);
    let inFlight = 0;
    let most = 0;
    broker.on('Fetch', async (body) => {
      most = Math.max(most, ++inFlight);
      const answer = await broker.usual('Fetch', body);
      inFlight -= 1;
      return answer;
    });
    const consumer = broker.consumer();
    consumer.assign([0, 1, 2, 3].map((partition) => ({ topic: 't', partition })));
    await broker.during(consumer.poll(3_000));
    expect(most).toBe(1);
    expect(broker.requests('Fetch').at(-1)?.topics[0].partitions).toHaveLength(4);
  });

  it('goes on while the application works, up to two chunks per partition', async () => {
    const chunk = ['x'.repeat(600)];
    for (let index = 0; index < 10; index++) broker.append('t', 0, chunk);
    const consumer = assigned({ 'max.partition.fetch.bytes': 1_000, 'max.poll.records': 1 });
    await values(consumer);
    await broker.clock.advance(5_000);
    expect(broker.requests('Fetch').map(({ topics }) => topics[0].partitions[0].fetchOffset)).toEqual([0, 1, 2]);
    await values(consumer);
    await values(consumer);
    await broker.clock.advance(1_000);
    expect(broker.requests('Fetch').map(({ topics }) => topics[0].partitions[0].fetchOffset)).toEqual([0, 1, 2, 3, 4]);
  });

  it('never buffers more than springtide.fetch.buffered.max.bytes', async () => {
    broker.topics.set('t', 8);
    for (let partition = 0; partition < 8; partition++) {
      for (let index = 0; index < 10; index++) broker.append('t', partition, ['x'.repeat(400)]);
    }
    const bytesMax = 5_000;
    const consumer = broker.consumer({
      'springtide.fetch.buffered.max.bytes': bytesMax,
      'max.partition.fetch.bytes': 1_000,
      'max.poll.records': 1,
    });
    consumer.assign(Array.from({ length: 8 }, (_one, partition) => ({ topic: 't', partition })));
    await broker.during(consumer.poll(1_000));
    await broker.clock.advance(5_000);
    // The fake broker does not look at the request's MaxBytes, so one answer may hold all eight partitions.
    for (const { maxBytes } of broker.requests('Fetch')) expect(maxBytes).toBeLessThanOrEqual(bytesMax);
    const fetchCount = broker.requests('Fetch').length;
    await broker.clock.advance(5_000);
    expect(broker.requests('Fetch').length).toBe(fetchCount);
  });

  it('keeps what it has of a paused partition, asks for nothing more, and has it ready on resume', async () => {
    broker.append('t', 0, ['a', 'b']);
    const consumer = assigned({ 'max.poll.records': 1 });
    await values(consumer);
    consumer.pause([T0]);
    expect(await values(consumer, 2_000)).toEqual([]);
    const fetchCount = broker.requests('Fetch').length;
    expect(await values(consumer, 2_000)).toEqual([]);
    expect(broker.requests('Fetch').length).toBe(fetchCount);
    expect(consumer.paused().map(String)).toEqual(['t-0']);
    broker.on('Fetch', () => new Promise(() => {}));
    consumer.resume([T0]);
    expect(await values(consumer)).toEqual(['b']);
  });

  it('drops the answer to a fetch that was under way when the application sought elsewhere', async () => {
    broker.append('t', 0, ['a', 'b', 'c']);
    broker.on('Fetch', async (body) => {
      await broker.clock.sleep(200);
      return broker.usual('Fetch', body);
    });
    const consumer = assigned();
    const poll = consumer.poll(5_000);
    await broker.clock.advance(100);
    expect(broker.requests('Fetch')).toHaveLength(1);
    consumer.seek(T0, 2);
    const records = await broker.during(poll);
    expect([...records].map(({ value }) => value)).toEqual(['c']);
  });

  it('names topics by name to brokers that know no ids', async () => {
    broker.on('ApiVersions', () => ({
      apiKeys: Object.values(Apis).map(({ key, minVersion, maxVersion, name }) => ({
        apiKey: key,
        minVersion,
        maxVersion: name === 'Fetch' ? 11 : maxVersion,
      })),
    }));
    broker.append('t', 0, ['a']);
    expect(await values(assigned())).toEqual(['a']);
    expect(broker.requests('Fetch')[0].topics[0].topic).toBe('t');
  });

  it('tells how far behind it is', async () => {
    for (const value of ['a', 'b', 'c']) broker.append('t', 0, [value]);
    const consumer = assigned({ 'max.poll.records': 1 });
    await values(consumer);
    expect(consumer.currentLag(T0)).toBe(2);
    expect(consumer.metrics()).toMatchObject({ 'fetch.records-lag.t-0': 2, 'fetch.records-lag-max': 2 });
  });
});

describe('an error of a fetch', () => {
  it.each([
    ['NOT_LEADER_OR_FOLLOWER', Errors.NOT_LEADER_OR_FOLLOWER],
    ['FENCED_LEADER_EPOCH', Errors.FENCED_LEADER_EPOCH],
    ['UNKNOWN_TOPIC_ID', Errors.UNKNOWN_TOPIC_ID],
  ])('%s asks for new metadata and goes on', async (_name, error) => {
    broker.append('t', 0, ['a']);
    firstFetch(fetched(error.code));
    const consumer = assigned();
    const metadataCount = () => broker.requests('Metadata').length;
    await broker.during(consumer.position(T0));
    const before = metadataCount();
    expect(await values(consumer)).toEqual(['a']);
    expect(metadataCount()).toBeGreaterThan(before);
  });

  it('that names the new leader saves the question for metadata', async () => {
    broker.append('t', 0, ['a']);
    let isFirst = true;
    broker.on('Fetch', (body) => {
      const answer = isFirst
        ? fetched(Errors.NOT_LEADER_OR_FOLLOWER.code, { currentLeader: { leaderId: BROKER_ID, leaderEpoch: 9 } })
        : broker.usual('Fetch', body);
      isFirst = false;
      return answer;
    });
    broker.on('Metadata', (body) => {
      if (broker.requests('Fetch').length > 0) return new Promise(() => {});
      return broker.usual('Metadata', body);
    });
    expect(await values(assigned())).toEqual(['a']);
    expect(broker.requests('Fetch')[1].topics[0].partitions[0].currentLeaderEpoch).toBe(9);
  });

  it('OFFSET_OUT_OF_RANGE looks for a new position by auto.offset.reset', async () => {
    broker.append('t', 0, ['a', 'b']);
    const consumer = assigned({ 'auto.offset.reset': 'earliest' });
    consumer.seek(T0, 77);
    firstFetch(fetched(Errors.OFFSET_OUT_OF_RANGE.code));
    expect(await values(consumer)).toEqual(['a', 'b']);
  });

  it('OFFSET_OUT_OF_RANGE is told to an application that chose none', async () => {
    const consumer = assigned({ 'auto.offset.reset': 'none' });
    consumer.seek(T0, 77);
    firstFetch(fetched(Errors.OFFSET_OUT_OF_RANGE.code));
    await expect(broker.during(consumer.poll(1_000))).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      message: expect.stringContaining('Offset 77 of t-0'),
    });
    expect(await consumer.position(T0)).toBe(77);
  });

  it('TOPIC_AUTHORIZATION_FAILED is told to the application', async () => {
    firstFetch(fetched(Errors.TOPIC_AUTHORIZATION_FAILED.code));
    await expect(broker.during(assigned().poll(1_000))).rejects.toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED' });
  });

  it('a log that was cut off behind the position makes the consumer go back to where the histories part', async () => {
    broker.append('t', 0, ['a', 'b']);
    const consumer = assigned();
    consumer.seek(T0, { offset: 9, metadata: '', leaderEpoch: 4 });
    firstFetch(fetched(0, { divergingEpoch: { epoch: 3, endOffset: 1 } }));
    expect(await values(consumer)).toEqual(['b']);
  });

  it('a connection that breaks is made again, and no record is lost', async () => {
    broker.append('t', 0, ['a']);
    const consumer = assigned();
    expect(await values(consumer)).toEqual(['a']);
    broker.dropConnections();
    broker.append('t', 0, ['b']);
    expect(await values(consumer)).toEqual(['b']);
  });

  it('damaged bytes are told with partition and offset, and can be sought past', async () => {
    broker.append('t', 0, ['a']);
    broker.append('t', 0, ['b']);
    broker.append('t', 0, ['c']);
    broker.logs.get('t-0')![1][65] ^= 1;
    const consumer = assigned();
    expect(await values(consumer)).toEqual(['a']);
    await expect(broker.during(consumer.poll(1_000))).rejects.toMatchObject({
      code: 'CORRUPT_MESSAGE',
      message: expect.stringContaining('t-0 at offset 1'),
    });
    consumer.seek(T0, 2);
    expect(await values(consumer)).toEqual(['c']);
  });
});

describe('a record that cannot be decoded', () => {
  const valueDeserializer = refusing('poison');

  it('stops poll at itself, after everything before it was returned', async () => {
    broker.append('t', 0, ['a', 'poison', 'c']);
    const consumer = assigned({}, { valueDeserializer });
    expect(await values(consumer)).toEqual(['a']);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(broker.during(consumer.poll(1_000))).rejects.toMatchObject({
        offset: 1,
        valueBuffer: Buffer.from('poison'),
      });
    }
    consumer.seek(T0, 2);
    expect(await values(consumer)).toEqual(['c']);
  });

  it('comes with its error where that is asked for', async () => {
    broker.append('t', 0, ['a', 'poison', 'c']);
    const consumer = assigned({}, { valueDeserializer, deserializationErrors: 'carry' });
    const [first, poison, last] = await broker.during(consumer.poll(1_000));
    expect([first.value, poison.value, last.value]).toEqual(['a', null, 'c']);
    expect(poison.deserializationErrors?.value).toMatchObject({ topic: 't', data: Buffer.from('poison') });
    expect(first.deserializationErrors).toBeUndefined();
  });
});

describe('a position', () => {
  it('is the committed offset, where the group has one', async () => {
    broker.append('t', 0, ['a', 'b', 'c']);
    broker.committed.set('t-0', 2);
    expect(await values(assigned({ 'group.id': 'g' }))).toEqual(['c']);
  });

  it.each([
    ['earliest', ['a', 'b']],
    ['latest', []],
  ])('is the %s one where there is none', async (policy, expected) => {
    broker.append('t', 0, ['a', 'b']);
    expect(await values(assigned({ 'group.id': 'g', 'auto.offset.reset': policy }), 1_000)).toEqual(expected);
  });

  it('is an error where there is none and the policy is none', async () => {
    const consumer = assigned({ 'group.id': 'g', 'auto.offset.reset': 'none' });
    await expect(broker.during(consumer.poll(1_000))).rejects.toMatchObject({ code: 'NO_OFFSET_FOR_PARTITION' });
  });

  it('by duration falls back to the end that the log had before the question, so that nothing is missed', async () => {
    broker.append('t', 0, ['old']);
    broker.on('ListOffsets', ({ topics }) => {
      const { timestamp } = topics[0].partitions[0];
      const offset = timestamp === -1 ? broker.endOffset('t', 0) : -1;
      // A record arrives between the two questions.
      if (timestamp === -1) broker.append('t', 0, ['young']);
      return { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset, timestamp: -1 }] }] };
    });
    const consumer = assigned({ 'auto.offset.reset': 'by_duration:PT1H' });
    expect(await values(consumer)).toEqual(['young']);
    const asked = broker.requests('ListOffsets').map(({ topics }) => topics[0].partitions[0].timestamp);
    expect(asked).toEqual([-1, Date.UTC(2026, 0, 1) - 3_600_000]);
  });

  it('is looked for again when the leader has moved', async () => {
    let isFirst = true;
    broker.on('ListOffsets', (body) => {
      const errorCode = isFirst ? Errors.NOT_LEADER_OR_FOLLOWER.code : 0;
      isFirst = false;
      if (errorCode === 0) return broker.usual('ListOffsets', body);
      return { topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode }] }] };
    });
    expect(await broker.during(assigned().position(T0))).toBe(0);
    expect(broker.requests('ListOffsets')).toHaveLength(2);
  });

  it('of a partition that does not exist fails in time', async () => {
    const consumer = broker.consumer();
    consumer.assign([{ topic: 't', partition: 9 }]);
    const position = consumer.position({ topic: 't', partition: 9 }, 2_000);
    await expect(broker.during(position)).rejects.toMatchObject({ code: 'REQUEST_TIMED_OUT' });
  });
});

describe('a topic that does not exist yet', () => {
  it('is read once it is there', async () => {
    broker.topics.delete('t');
    const consumer = assigned();
    expect(await values(consumer, 3_000)).toEqual([]);
    broker.topics.set('t', 1);
    broker.append('t', 0, ['a']);
    expect(await values(consumer)).toEqual(['a']);
  });
});

describe('isolation.level=read_committed', () => {
  it('asks for it, and passes over what was aborted', async () => {
    const transaction = { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true };
    broker.append('t', 0, ['aborted'], transaction);
    broker.append('t', 0, ['plain']);
    broker.on('Fetch', async (body) => {
      const answer = await broker.usual('Fetch', body);
      const [partition] = answer.responses![0].partitions!;
      Object.assign(partition, { abortedTransactions: [{ producerId: 7, firstOffset: 0 }], lastStableOffset: 2 });
      return answer;
    });
    expect(await values(assigned({ 'isolation.level': 'read_committed' }))).toEqual(['plain']);
    expect(broker.requests('Fetch')[0].isolationLevel).toBe(1);
  });
});

describe('a follower', () => {
  it('is read from when the leader says so, for consumers that name their rack', async () => {
    broker.append('t', 0, ['a']);
    const consumer = assigned({ 'client.rack': 'r1' });
    firstFetch(fetched(0, { preferredReadReplica: BROKER_ID }));
    expect(await values(consumer)).toEqual(['a']);
    expect(broker.requests('Fetch')[0].rackId).toBe('r1');
  });
});
