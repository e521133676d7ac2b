/** Client quotas as clients feel them: the answer comes at once and says how long to be silent, and the connection is muted for it. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { ManualClock } from '#core';
import type { RequestChannel } from '#net';
import { Apis, Errors } from '#protocol';
import { batchOf, encodedRequest, RawClient, Scene } from './scene.ts';

let scene: Scene;
afterEach(() => scene.close());

async function limit(entity: Record<string, string | null>, key: string, value: number | null): Promise<void> {
  const { entries } = await scene.send(Apis.AlterClientQuotas, {
    entries: [
      {
        entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
        ops: [{ key, value: value ?? 0, remove: value === null }],
      },
    ],
  });
  expect(entries[0]).toMatchObject({ errorCode: 0, errorMessage: null });
}

const produceBody = (bytes: number, acks = 1) => ({
  acks,
  timeoutMs: 1000,
  topicData: [{ name: 't', partitionData: [{ index: 0, records: batchOf(['x'.repeat(bytes)]) }] }],
});
const LONG = { timeoutMs: 1e9 };
const produce = (channel: RequestChannel, bytes: number) => channel.send(Apis.Produce, 9, produceBody(bytes), LONG);

/** What the request of `produce` counts. */
const requestBytes = (clientId: string, bytes: number) =>
  encodedRequest(Apis.Produce, 9, produceBody(bytes), 1).length - 4 + clientId.length - 'test'.length;

describe('producer_byte_rate', () => {
  test('is measured in bytes of requests, told with the answer, and mutes the connection', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await limit({ 'client-id': 'slow' }, 'producer_byte_rate', 1000);
    const slow = await scene.client('slow');
    const rate = requestBytes('slow', 30_000) / 10;
    const { throttleTimeMs } = await produce(slow, 30_000);
    expect(throttleTimeMs).toBe(Math.round(((rate - 1000) / 1000) * 10_000));
    let isAnswered = false;
    const second = produce(slow, 10).then(() => (isAnswered = true));
    await scene.clock.advance(throttleTimeMs - 1);
    expect(isAnswered).toBe(false);
    await scene.clock.advance(1);
    await second;
  });

  test('makes a client that ignores what it is told send what it may', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await limit({ 'client-id': 'slow' }, 'producer_byte_rate', 1000);
    const slow = await scene.client('slow');
    const bytes = requestBytes('slow', 2000);
    let sent = 0;
    let isOver = false;
    const sending = (async () => {
      for (; !isOver; sent += bytes) await produce(slow, 2000);
    })();
    await scene.clock.advance(120_000);
    isOver = true;
    await scene.clock.advance(30_000);
    await sending;
    expect(sent / 120).toBeGreaterThan(900);
    expect(sent / 120).toBeLessThan(1200);
  });

  test('mutes a client that wants no answers', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await limit({ 'client-id': 'test' }, 'producer_byte_rate', 1000);
    const connection = await scene.raw();
    const received: Buffer[] = [];
    connection.start({ data: (chunk) => received.push(chunk), drain: () => {}, close: () => {} });
    connection.write([
      encodedRequest(Apis.Produce, 9, produceBody(30_000, 0)),
      encodedRequest(Apis.ApiVersions, 0, {}),
    ]);
    await scene.clock.advance(20_000);
    expect(received).toEqual([]);
    await scene.clock.advance(1000);
    expect(received).toHaveLength(1);
  });

  test("is nobody else's business, ends when it is removed, and is there after a restart", async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await limit({ 'client-id': 'slow' }, 'producer_byte_rate', 10);
    expect((await produce(await scene.client('quick'), 30_000)).throttleTimeMs).toBe(0);
    const { disk, clock } = scene;
    await scene.close();
    scene = await Scene.start({ disk, clock });
    expect((await produce(await scene.client('slow'), 30_000)).throttleTimeMs).toBeGreaterThan(0);
    await limit({ 'client-id': 'slow' }, 'producer_byte_rate', null);
    expect((await produce(await scene.client('slow'), 30_000)).throttleTimeMs).toBe(0);
  });

  test("of the default user counts for all of a user's clients together", async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await limit({ user: null }, 'producer_byte_rate', 4000);
    expect((await produce(await scene.client('one'), 30_000)).throttleTimeMs).toBe(0);
    expect((await produce(await scene.client('two'), 30_000)).throttleTimeMs).toBeGreaterThan(0);
  });

  test('takes its windows from the configuration', async () => {
    scene = await Scene.start({ topics: { t: 1 }, config: { 'quota.window.num': 3, 'quota.window.size.seconds': 2 } });
    await limit({ 'client-id': 'slow' }, 'producer_byte_rate', 1000);
    const { throttleTimeMs } = await produce(await scene.client('slow'), 30_000);
    const rate = requestBytes('slow', 30_000) / 4;
    expect(throttleTimeMs).toBe(Math.round(((rate - 1000) / 1000) * 4000));
  });
});

describe('consumer_byte_rate', () => {
  const fetch = (channel: RequestChannel, fetchOffset: number, maxBytes: number) => {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }];
    return channel.send(
      Apis.Fetch,
      12,
      { maxWaitMs: 0, minBytes: 1, maxBytes, topics: [{ topic: 't', partitions }] },
      LONG,
    );
  };

  test('answers a fetch that is too much without records, and with them when its time has come', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    for (let record = 0; record < 3; record++) await scene.produce('t', batchOf(['x'.repeat(8000)]));
    await limit({ 'client-id': 'slow' }, 'consumer_byte_rate', 1000);
    const slow = await scene.client('slow');
    const first = await fetch(slow, 0, 1);
    expect(first.throttleTimeMs).toBe(0);
    const bytes = first.responses[0].partitions[0].records!.length;
    const refused = await fetch(slow, 1, 1);
    const delayMs = Math.round(((2 * bytes) / 10 / 1000 - 1) * 10_000);
    expect(refused).toMatchObject({ throttleTimeMs: delayMs, errorCode: 0, responses: [] });
    // The first one counts until its window has gone.
    await scene.clock.advance(11_000);
    const again = await fetch(slow, 1, 1);
    expect(again.throttleTimeMs).toBe(0);
    expect(again.responses[0].partitions[0].records!.length).toBe(bytes);
  });

  test('makes a client that asks again and again get what it may', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['x'.repeat(500)]));
    await limit({ 'client-id': 'slow' }, 'consumer_byte_rate', 1000);
    const slow = await scene.client('slow');
    let taken = 0;
    let isOver = false;
    const taking = (async () => {
      while (!isOver) taken += (await fetch(slow, 0, 1)).responses[0]?.partitions[0].records?.length ?? 0;
    })();
    await scene.clock.advance(120_000);
    isOver = true;
    await scene.clock.advance(30_000);
    await taking;
    expect(taken / 120).toBeGreaterThan(850);
    expect(taken / 120).toBeLessThan(1200);
  });

  test('gives no more at once than ten windows allow', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    for (let record = 0; record < 9; record++) await scene.produce('t', batchOf(['x'.repeat(3000)]));
    await limit({ 'client-id': 'slow' }, 'consumer_byte_rate', 1000);
    const { throttleTimeMs, responses } = await fetch(await scene.client('slow'), 0, 1e6);
    expect(throttleTimeMs).toBe(0);
    expect(responses[0].partitions[0].records!.length).toBeLessThanOrEqual(10_000);
    expect(responses[0].partitions[0].records!.length).toBeGreaterThan(3 * 3000);
  });
});

/** Every look at it takes two milliseconds. */
class BusyClock extends ManualClock {
  #looks = 0;

  override now() {
    const { wallMs, monotonicMs } = super.now();
    return { wallMs, monotonicMs: monotonicMs + 2 * this.#looks++ };
  }
}

test('request_percentage counts the time of processing, of all requests, and costs one window at most', async () => {
  scene = await Scene.start({ clock: new BusyClock() });
  const ask = async (clientId: string) => (await scene.client(clientId)).send(Apis.Metadata, 9, { topics: [] }, LONG);
  expect((await ask('slow')).throttleTimeMs).toBe(0);
  await limit({ 'client-id': 'slow' }, 'request_percentage', 0.001);
  expect((await ask('slow')).throttleTimeMs).toBe(1000);
  expect((await ask('quick')).throttleTimeMs).toBe(0);
});

describe('connection_creation_rate', () => {
  test('leaves connections beyond it unread, and closes them when their address may open one again', async () => {
    scene = await Scene.start();
    await limit({ ip: null }, 'connection_creation_rate', 1);
    const connect = async () => {
      const client = new RawClient(await scene.raw());
      client.write(encodedRequest(Apis.ApiVersions, 0, {}));
      await scene.clock.settle();
      return client;
    };
    const clients: RawClient[] = [];
    for (let count = 0; count < 12; count++) clients.push(await connect());
    expect(clients.map(({ correlationIds }) => correlationIds.length)).toEqual([...Array(10).fill(1), 0, 0]);
    await scene.clock.advance(999);
    expect(clients.some(({ isClosed }) => isClosed)).toBe(false);
    await scene.clock.advance(1);
    expect(clients.map(({ isClosed }) => isClosed)).toEqual([...Array(10).fill(false), true, true]);
    await scene.clock.advance(10_000);
    expect((await connect()).correlationIds).toEqual([1]);
  });

  test('leaves nobody behind when the broker stops', async () => {
    scene = await Scene.start();
    await limit({ ip: null }, 'connection_creation_rate', 1);
    const clients: RawClient[] = [];
    for (let count = 0; count < 12; count++) clients.push(new RawClient(await scene.raw()));
    await scene.close();
    await scene.clock.settle();
    expect(clients.map(({ isClosed }) => isClosed)).toEqual(Array(12).fill(true));
  });
});

describe('controller_mutation_rate', () => {
  const RATE = 1;
  const topic = (name: string, numPartitions: number) => ({ name, numPartitions, replicationFactor: 1, configs: [] });
  const codes = (results: readonly { errorCode: number }[]) => results.map(({ errorCode }) => errorCode);
  const refused = Errors.THROTTLING_QUOTA_EXCEEDED.code;

  async function start(): Promise<RequestChannel> {
    scene = await Scene.start({ topics: { old: 3, older: 9 } });
    await limit({ 'client-id': 'slow' }, 'controller_mutation_rate', RATE);
    return scene.client('slow');
  }

  test('refuses topics once its tokens are used up, from CreateTopics 6 on', async () => {
    const slow = await start();
    const create = (...topics: ReturnType<typeof topic>[]) => slow.send(Apis.CreateTopics, 7, { topics }, LONG);
    const first = await create(topic('a', 5), topic('b', 10), topic('c', 1));
    expect(codes(first.topics)).toEqual([0, 0, refused]);
    expect(first.throttleTimeMs).toBe(4000);
    expect(first.topics[2]).toMatchObject({ name: 'c', errorMessage: Errors.THROTTLING_QUOTA_EXCEEDED.message });
    const second = create(topic('c', 1));
    await scene.clock.advance(4000);
    expect(codes((await second).topics)).toEqual([0]);
  });

  test('costs nothing where nothing would be made', async () => {
    const slow = await start();
    const topics = [topic('old', 100), topic('a', 11), topic('b', 1)];
    const answer = await slow.send(Apis.CreateTopics, 7, { topics }, LONG);
    expect(codes(answer.topics)).toEqual([Errors.TOPIC_ALREADY_EXISTS.code, 0, 0]);
  });

  test('makes older clients wait instead', async () => {
    const slow = await start();
    const answer = await slow.send(Apis.CreateTopics, 5, { topics: [topic('a', 12), topic('b', 2)] }, LONG);
    expect(codes(answer.topics)).toEqual([0, 0]);
    expect(answer.throttleTimeMs).toBe(3000);
  });

  test('counts partitions that are deleted, and those that are added', async () => {
    const slow = await start();
    const grown = await slow.send(
      Apis.CreatePartitions,
      3,
      { topics: [{ name: 'old', count: 16, assignments: null }], timeoutMs: 1000 },
      LONG,
    );
    expect([codes(grown.results), grown.throttleTimeMs]).toEqual([[0], 0]);
    const deleted = await slow.send(Apis.DeleteTopics, 5, { topicNames: ['older'], timeoutMs: 1000 }, LONG);
    expect([codes(deleted.responses), deleted.throttleTimeMs]).toEqual([[refused], 2000]);
    const again = slow.send(Apis.DeleteTopics, 4, { topicNames: ['older'], timeoutMs: 1000 }, LONG);
    await scene.clock.advance(2000);
    expect([codes((await again).responses), (await again).throttleTimeMs]).toEqual([[0], 9000]);
  });
});
