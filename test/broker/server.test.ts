import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, buildBatch } from '#protocol';
import { batchOf, encodedRequest, RawClient, requestBytes, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

async function rawClient(): Promise<RawClient> {
  return new RawClient(await scene.raw());
}

/** The warning lines about connections, after everything has come to rest. */
async function warnings(): Promise<string[]> {
  await scene.clock.settle();
  return scene.book.at('warn').filter((line) => line.startsWith('Connection of'));
}

describe('bytes that are no request', () => {
  it('cost only their own connection', async () => {
    scene = await Scene.start();
    const good = await rawClient();
    const bad = await rawClient();
    bad.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await scene.clock.settle();
    good.write(encodedRequest(Apis.ApiVersions, 0, {}));
    await scene.clock.settle();
    expect(bad.isClosed).toBe(true);
    expect(good.correlationIds).toEqual([1]);
  });

  it('are refused by the size alone, before they are buffered', async () => {
    scene = await Scene.start({ config: { 'socket.request.max.bytes': 1000 } });
    const client = await rawClient();
    client.write(Buffer.from('000003e9', 'hex'));
    await scene.clock.settle();
    expect(client.isClosed).toBe(true);
  });
});

describe('ApiVersions of a version that nobody knows', () => {
  it('is answered in the layout of version 0, byte for byte as Kafka does, and the connection lives', async () => {
    scene = await Scene.start();
    const client = await rawClient();
    client.write(requestBytes(Apis.ApiVersions.key, 99, Buffer.from('00', 'hex'), 8));
    await scene.clock.settle();
    expect(client.received.toString('hex')).toBe('0000001000000008002300000001001200000005');
    client.write(encodedRequest(Apis.ApiVersions, 0, {}, 9));
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([8, 9]);
  });
});

describe('bytes after the body of a request', () => {
  it('are ignored, as Kafka does', async () => {
    scene = await Scene.start();
    const client = await rawClient();
    client.write(requestBytes(Apis.ApiVersions.key, 0, Buffer.from('deadbeef', 'hex'), 3));
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([3]);
  });
});

describe('requests of one connection', () => {
  it('are answered in their order, however they are cut into chunks', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const client = await rawClient();
    const bytes = Buffer.concat(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0
          ? encodedRequest(Apis.Metadata, 1, { topics: null }, index)
          : encodedRequest(Apis.ListOffsets, 1, { replicaId: -1, topics: [] }, index),
      ),
    );
    for (let at = 0; at < bytes.length; at += 7) client.write(Buffer.from(bytes.subarray(at, at + 7)));
    await scene.clock.settle();
    expect(client.correlationIds).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('all get their answer when many are pipelined at once', async () => {
    scene = await Scene.start();
    const client = await rawClient();
    client.write(
      Buffer.concat(Array.from({ length: 1000 }, (_, index) => encodedRequest(Apis.ApiVersions, 0, {}, index))),
    );
    for (let round = 0; round < 5; round++) await scene.clock.settle();
    expect(client.correlationIds).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  it('wait behind a fetch that is parked, and follow it in order', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const client = await rawClient();
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    client.write(
      encodedRequest(Apis.Fetch, 4, { maxWaitMs: 500, minBytes: 1, topics: [{ topic: 't', partitions }] }, 1),
      encodedRequest(Apis.ApiVersions, 0, {}, 2),
    );
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([]);
    await scene.clock.advance(500);
    expect(client.correlationIds).toEqual([1, 2]);
  });

  it('let up to five produce requests await durability together, a sixth waits', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const client = await rawClient();
    const produce = (index: number) =>
      encodedRequest(
        Apis.Produce,
        3,
        {
          acks: -1,
          timeoutMs: 1000,
          topicData: [{ name: 't', partitionData: [{ index: 0, records: batchOf([`r${index}`]) }] }],
        },
        index,
      );
    client.write(Buffer.concat([0, 1, 2, 3, 4, 5, 6, 7].map(produce)), encodedRequest(Apis.ApiVersions, 0, {}, 8));
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const list = await scene.send(Apis.ListOffsets, {
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    });
    expect(list.topics[0].partitions[0].offset).toBe(8);
  });

  it('get no answer to acks=0, and the next answer is the next request’s', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const client = await rawClient();
    const topicData = [{ name: 't', partitionData: [{ index: 0, records: batchOf(['a']) }] }];
    client.write(
      encodedRequest(Apis.Produce, 3, { acks: 0, timeoutMs: 1000, topicData }, 1),
      encodedRequest(Apis.ApiVersions, 0, {}, 2),
    );
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([2]);
  });

  it('lose the connection when acks=0 fails: it is all the client can notice', async () => {
    scene = await Scene.start({ config: { 'auto.create.topics.enable': false } });
    const client = await rawClient();
    const topicData = [{ name: 'nosuch', partitionData: [{ index: 0, records: batchOf(['a']) }] }];
    client.write(encodedRequest(Apis.Produce, 3, { acks: 0, timeoutMs: 1000, topicData }, 1));
    expect((await warnings())[0]).toMatch(/acks=0 failed/);
    expect(client.isClosed).toBe(true);
    expect(client.received).toHaveLength(0);
  });

  it('may end with the connection while a fetch is parked', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const client = await rawClient();
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    client.write(encodedRequest(Apis.Fetch, 4, { maxWaitMs: 500, minBytes: 1, topics: [{ topic: 't', partitions }] }));
    await scene.clock.settle();
    client.connection.close();
    await scene.clock.settle();
    await scene.produce('t', batchOf(['a']));
    await scene.clock.advance(1000);
    expect(scene.book.at('error')).toEqual([]);
  });
});

describe('a client that does not read', () => {
  it('is read no further, and closed after a minute', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', buildBatch([{ key: null, value: Buffer.alloc(900_000), timestamp: 0 }]));
    const client = await rawClient();
    client.connection.pause();
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
    const fetch = (id: number) =>
      encodedRequest(Apis.Fetch, 4, { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] }, id);
    client.write(Buffer.concat(Array.from({ length: 50 }, (_, index) => fetch(index))));
    await scene.clock.settle();
    await scene.clock.advance(59_000);
    expect(await warnings()).toEqual([]);
    await scene.clock.advance(2_000);
    expect((await warnings())[0]).toMatch(/has not taken its replies for 60 s/);
  });

  it('lives as long as it reads something, however slowly', async () => {
    scene = await Scene.start({ topics: { t: 8 } });
    const large = () => buildBatch([{ key: null, value: Buffer.alloc(900_000), timestamp: 0 }]);
    for (let partition = 0; partition < 8; partition++) await scene.produce('t', large(), { partition });
    const client = await rawClient();
    client.connection.pause();
    const partitions = Array.from({ length: 8 }, (_, partition) => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes: 1_000_000,
    }));
    client.write(
      encodedRequest(
        Apis.Fetch,
        4,
        { maxWaitMs: 0, minBytes: 0, maxBytes: 50_000_000, topics: [{ topic: 't', partitions }] },
        7,
      ),
    );
    for (let round = 0; round < 20; round++) {
      await scene.clock.advance(25_000);
      client.readOne();
    }
    expect(await warnings()).toEqual([]);
    expect(client.correlationIds).toEqual([7]);
    expect(client.received.length).toBeGreaterThan(7_200_000);
  });

  it('gets the rest when it reads again', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', buildBatch([{ key: null, value: Buffer.alloc(900_000), timestamp: 0 }]));
    const client = await rawClient();
    client.connection.pause();
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
    const fetch = (id: number) =>
      encodedRequest(Apis.Fetch, 4, { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] }, id);
    client.write(Buffer.concat(Array.from({ length: 10 }, (_, index) => fetch(index))));
    await scene.clock.settle();
    client.connection.resume();
    for (let round = 0; round < 10; round++) await scene.clock.settle();
    expect(client.correlationIds).toEqual(Array.from({ length: 10 }, (_, index) => index));
  });
});

describe('many clients that do not read', () => {
  const partitions = Array.from({ length: 8 }, (_, partition) => ({
    partition,
    fetchOffset: 0,
    partitionMaxBytes: 1_000_000,
  }));
  const fetch = (id: number) =>
    encodedRequest(
      Apis.Fetch,
      4,
      { maxWaitMs: 0, minBytes: 0, maxBytes: 50_000_000, topics: [{ topic: 't', partitions }] },
      id,
    );

  it('hold no more than their budget: each gets less, then nobody more, and those that read are served', async () => {
    const MIB = 1024 * 1024;
    scene = await Scene.start({
      topics: { t: 8 },
      config: { 'springtide.broker.queued.reply.bytes.max': 8 * MIB },
    });
    const large = () => buildBatch([{ key: null, value: Buffer.alloc(900_000), timestamp: 0 }]);
    for (let partition = 0; partition < 8; partition++) await scene.produce('t', large(), { partition });
    const deaf: RawClient[] = [];
    for (let id = 0; id < 30; id++) {
      deaf.push(await rawClient());
      deaf[id].connection.pause();
      deaf[id].write(fetch(id));
      await scene.clock.settle();
    }
    const reader = await rawClient();
    reader.write(fetch(100));
    await scene.clock.advance(15_000);
    expect(reader.correlationIds).toEqual([100]);
    expect(reader.received.length).toBeLessThan(4 * MIB);
    for (const { connection } of deaf) connection.resume();
    for (let round = 0; round < 20; round++) await scene.clock.settle();
    // Batches of 0.9 MB: four for the first one, which lost some when it was closed, and in the end one, however little is left.
    expect(deaf.slice(1, 5).map(({ received }) => Math.round(received.length / 900_000))).toEqual([2, 1, 1, 1]);
    expect(deaf.filter(({ isClosed }) => isClosed).length).toBeGreaterThan(4);
    expect((await warnings())[0]).toMatch(/does not read \d+ bytes of its replies, and all connections together/);
  });
});

describe('connections that wait for room', () => {
  const ask = encodedRequest(Apis.ApiVersions, 0, {}, 1);

  it('are served when one is closed (max.connections), and closed when they wait for too long', async () => {
    scene = await Scene.start({ config: { 'max.connections': 1 } });
    const [first, second, third] = [await rawClient(), await rawClient(), await rawClient()];
    for (const client of [first, second, third]) client.write(ask);
    await scene.clock.settle();
    expect([first, second, third].map(({ correlationIds }) => correlationIds)).toEqual([[1], [], []]);
    expect(await warnings()).toEqual([
      expect.stringMatching(/has to wait: max.connections=1$/),
      expect.stringMatching(/has to wait: max.connections=1$/),
    ]);
    first.connection.close();
    await scene.clock.settle();
    expect(second.correlationIds).toEqual([1]);
    await scene.clock.advance(31_000);
    expect([second.isClosed, third.isClosed]).toEqual([false, true]);
  });

  it('are no more than the backlog', async () => {
    scene = await Scene.start({ config: { 'max.connections': 1, 'socket.listen.backlog.size': 2 } });
    const clients: RawClient[] = [];
    for (let count = 0; count < 4; count++) clients.push(await rawClient());
    await scene.clock.settle();
    expect(clients.map(({ isClosed }) => isClosed)).toEqual([false, false, false, true]);
  });

  it('come in as fast as max.connection.creation.rate says', async () => {
    scene = await Scene.start({ config: { 'max.connection.creation.rate': 2 } });
    const clients: RawClient[] = [];
    for (let count = 0; count < 4; count++) clients.push(await rawClient());
    for (const client of clients) client.write(ask);
    const servedCount = () => clients.filter(({ correlationIds }) => correlationIds.length > 0).length;
    await scene.clock.settle();
    expect(servedCount()).toBe(2);
    await scene.clock.advance(500);
    expect(servedCount()).toBe(3);
    await scene.clock.advance(500);
    expect(servedCount()).toBe(4);
  });
});

describe('limits', () => {
  it('refuse further connections of one address (max.connections.per.ip)', async () => {
    scene = await Scene.start({ config: { 'max.connections.per.ip': 2 } });
    const clients = [await rawClient(), await rawClient(), await rawClient()];
    await scene.clock.settle();
    expect(clients.map(({ isClosed }) => isClosed)).toEqual([false, false, true]);
    expect(await warnings()).toEqual([expect.stringMatching(/refused: max.connections.per.ip=2/)]);
    clients[0].connection.close();
    await scene.clock.settle();
    const next = await rawClient();
    await scene.clock.settle();
    expect(next.isClosed).toBe(false);
  });

  it('keep a peer that sends rubbish in a loop from filling the log', async () => {
    scene = await Scene.start();
    const rubbish = async (count: number) => {
      for (let round = 0; round < count; round++) (await rawClient()).write(Buffer.from('ffffffff', 'hex'));
    };
    await rubbish(50);
    expect(await warnings()).toHaveLength(20);
    await scene.clock.advance(10_000);
    await rubbish(1);
    expect((await warnings()).at(-1)).toMatch(/30 lines like this were left out before/);
  });

  it('close connections that are idle, and not those that were used', async () => {
    scene = await Scene.start({ config: { 'connections.max.idle.ms': 10_000 } });
    const idle = await rawClient();
    const busy = await rawClient();
    await scene.clock.advance(8_000);
    busy.write(encodedRequest(Apis.ApiVersions, 0, {}));
    await scene.clock.advance(9_000);
    expect([idle.isClosed, busy.isClosed]).toEqual([true, false]);
  });
});
