/** What clients see when the broker stops in order. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors } from '#protocol';
import { batchOf, encodedRequest, RawClient, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const fetch = (id: number) =>
  encodedRequest(
    Apis.Fetch,
    4,
    {
      maxWaitMs: 60_000,
      minBytes: 1_000_000,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    },
    id,
  );

async function rawClient(): Promise<RawClient> {
  return new RawClient(await scene.raw());
}

describe('a broker that stops', () => {
  it('answers parked fetches with what there is, and closes their connections', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a']));
    const clients = [await rawClient(), await rawClient()];
    for (const client of clients) client.write(fetch(5), encodedRequest(Apis.ApiVersions, 0, {}, 6));
    await scene.clock.settle();
    expect(clients.map(({ correlationIds }) => correlationIds)).toEqual([[], []]);
    await scene.broker.close();
    await scene.clock.settle();
    expect(clients.map(({ correlationIds, isClosed }) => [correlationIds, isClosed])).toEqual([
      [[5], true],
      [[5], true],
    ]);
    expect(clients[0].received.includes('a')).toBe(true);
    expect(scene.book.at('warn')).toEqual([]);
  });

  it('answers produce requests that it has begun', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const client = await rawClient();
    const topicData = [{ name: 't', partitionData: [{ index: 0, records: batchOf(['a']) }] }];
    client.write(
      ...[1, 2, 3].map((id) => encodedRequest(Apis.Produce, 3, { acks: -1, timeoutMs: 1000, topicData }, id)),
    );
    // They have been read, and may wait for the disk.
    while (client.connection.queuedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
    await scene.broker.close();
    await scene.clock.settle();
    expect([client.correlationIds, client.isClosed]).toEqual([[1, 2, 3], true]);
  });

  it('tells members of a group that is being balanced that their coordinator is gone', async () => {
    scene = await Scene.start();
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const client = await scene.client();
    const join = {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(4) }],
    };
    const first = await client.send(Apis.JoinGroup, 3, join, { timeoutMs: 600_000 });
    const other = await scene.client();
    // Waits for the first member to join again.
    const waiting = other.send(Apis.JoinGroup, 3, join, { timeoutMs: 600_000 });
    await scene.clock.settle();
    expect(first.errorCode).toBe(0);
    await scene.broker.close();
    expect((await waiting).errorCode).toBe(Errors.NOT_COORDINATOR.code);
  });

  it('waits no longer than five seconds for a client that does not read', async () => {
    scene = await Scene.start({ topics: { t: 4 } });
    const partitions = [0, 1, 2, 3].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }));
    for (const { partition } of partitions) await scene.produce('t', batchOf(['x'.repeat(900_000)]), { partition });
    const deaf = await rawClient();
    deaf.connection.pause();
    const topics = [{ topic: 't', partitions }];
    deaf.write(encodedRequest(Apis.Fetch, 4, { maxWaitMs: 0, minBytes: 0, maxBytes: 10_000_000, topics }));
    await scene.clock.settle();
    let isClosed = false;
    const closing = scene.broker.close().then(() => {
      isClosed = true;
    });
    await scene.clock.advance(4_999);
    expect(isClosed).toBe(false);
    await scene.clock.advance(1);
    await closing;
  });

  it('takes no further connections', async () => {
    scene = await Scene.start();
    await scene.broker.close();
    await expect(scene.raw()).rejects.toMatchObject({ code: 'NETWORK_EXCEPTION' });
  });
});
