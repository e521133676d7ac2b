/** What clients can make the broker hold: requests that come in pieces, and replies that nobody reads. */
import { describe, expect, test } from '@jest/globals';
import { Apis } from '#protocol';
import { ByteBudget } from '../../../src/broker/server/byte-budget.ts';
import type { RequestContext } from '../../../src/broker/server/request-context.ts';
import { encodedRequest, type RawClient } from '../scene.ts';
import { ConnectionScene } from './scene.ts';

const MIB = 1024 * 1024;
const small = (id: number) => encodedRequest(Apis.Heartbeat, 0, { groupId: 'g', memberId: 'm' }, id);

/** A produce request of so many bytes of records. */
function large(id: number, bytes: number): Buffer {
  const topicData = [{ name: 't', partitionData: [{ index: 0, records: Buffer.alloc(bytes) }] }];
  return encodedRequest(Apis.Produce, 3, { acks: -1, timeoutMs: 1, topicData }, id);
}

/** Writes it as it comes from a socket. */
function trickle(client: RawClient, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += 65_536) client.write(bytes.subarray(at, at + 65_536));
}

/** Answers with so many bytes. */
const replyWith = (bytes: number) => (context: RequestContext) =>
  context.reply({ members: [], memberId: 'm'.repeat(bytes) });

describe('requests that come in pieces', () => {
  test('are read side by side until they hold the budget, and then one after the other', async () => {
    const requests = new ByteBudget(4 * MIB);
    const scene = await ConnectionScene.start({ requests, begin: (context) => context.reply({}) });
    const clients = [scene.client, await scene.connect(), await scene.connect(), await scene.connect()];
    const bytes = 3 * MIB;
    const rest = clients.map((client, index) => {
      const request = large(index, bytes);
      trickle(client, request.subarray(0, 2 * MIB));
      return () => trickle(client, request.subarray(2 * MIB));
    });
    await scene.clock.settle();
    expect(requests.usedBytes).toBeGreaterThanOrEqual(4 * MIB);
    expect(requests.usedBytes).toBeLessThan(8 * MIB);
    for (const send of rest) send();
    for (let round = 0; round < 10; round++) await scene.clock.settle();
    expect(clients.map(({ correlationIds }) => correlationIds)).toEqual([[0], [1], [2], [3]]);
    expect(requests.usedBytes).toBe(0);
  });

  test('do not stand in the way of small ones', async () => {
    const requests = new ByteBudget(MIB);
    const scene = await ConnectionScene.start({ requests, begin: (context) => context.reply({}) });
    await scene.send(large(1, 5 * MIB).subarray(0, 2 * MIB));
    expect(requests.isFull).toBe(true);
    const other = await scene.connect();
    other.write(small(2));
    await scene.clock.settle();
    expect(other.correlationIds).toEqual([2]);
  });

  test('count until they are answered: further large ones wait, and come when there is room', async () => {
    const requests = new ByteBudget(2 * MIB);
    const scene = await ConnectionScene.start({ requests });
    await scene.send(large(1, 3 * MIB));
    const other = await scene.connect();
    trickle(other, large(2, 3 * MIB));
    await scene.clock.settle();
    expect(scene.begunIds).toEqual([1]);
    expect(requests.usedBytes).toBeLessThan(5 * MIB);
    scene.begun[0].reply({});
    for (let round = 0; round < 5; round++) await scene.clock.settle();
    expect(scene.begunIds).toEqual([1, 2]);
    scene.begun[1].reply({});
    expect(requests.usedBytes).toBe(0);
  });

  test('give back what they held when their connection ends', async () => {
    const requests = new ByteBudget(MIB);
    const scene = await ConnectionScene.start({ requests });
    await scene.send(large(1, 5 * MIB).subarray(0, 2 * MIB));
    const waiting = await scene.connect();
    trickle(waiting, large(2, 2 * MIB));
    await scene.clock.settle();
    expect(scene.begunIds).toEqual([]);
    scene.client.connection.close();
    for (let round = 0; round < 5; round++) await scene.clock.settle();
    expect(scene.begunIds).toEqual([2]);
  });

  test('must be whole within a minute, or grow by a MiB', async () => {
    const scene = await ConnectionScene.start();
    const [crawling, slow] = [scene.client, await scene.connect()];
    const request = large(1, 10 * MIB);
    crawling.write(request.subarray(0, 100));
    slow.write(request.subarray(0, 100));
    for (let minute = 0; minute < 3; minute++) {
      const at = 100 + minute * 1.1 * MIB;
      slow.write(request.subarray(at, at + 1.1 * MIB));
      for (let step = 0; step < 5; step++) {
        crawling.write(request.subarray(100 + step, 101 + step));
        await scene.watch(10_000);
      }
    }
    expect([crawling.isClosed, slow.isClosed]).toEqual([true, false]);
    expect(scene.book.at('warn')).toEqual([expect.stringMatching(/did not come within 60 s/)]);
  });

  test('have all the time while it is we who do not read them', async () => {
    const scene = await ConnectionScene.start();
    await scene.send(small(1), large(2, 100_000).subarray(0, 90_000));
    await scene.watch(50_000);
    await scene.send(small(3).subarray(0, 2));
    expect(scene.client.isClosed).toBe(false);
  });
});

describe('replies that are not read', () => {
  /** A client that asks and never reads. */
  async function deaf(scene: ConnectionScene, id: number): Promise<RawClient> {
    const client = await scene.connect();
    client.connection.pause();
    client.write(encodedRequest(Apis.JoinGroup, 5, {}, id), small(id + 100));
    await scene.clock.settle();
    return client;
  }

  test('stop their own connection at once, and all of them when they hold the budget', async () => {
    const replies = new ByteBudget(8 * MIB);
    const scene = await ConnectionScene.start({
      replies,
      begin: (context) => (context.api === Apis.JoinGroup ? reply(context) : context.reply({})),
    });
    const reply = (context: RequestContext) =>
      context.reply({
        members: Array.from({ length: 100 }, () => ({ memberId: 'm', metadata: Buffer.alloc(30_000) })),
      });
    const clients: RawClient[] = [];
    for (let id = 0; id < 5; id++) clients.push(await deaf(scene, id));
    expect(scene.begunIds).toEqual([0, 1, 2]);
    expect(replies.usedBytes).toBeLessThan(12 * MIB);
    await scene.send(small(7));
    expect(scene.client.correlationIds).toEqual([]);
    for (const client of clients) client.connection.resume();
    for (let round = 0; round < 20; round++) await scene.clock.settle();
    expect(clients.map(({ correlationIds }) => correlationIds)).toEqual([0, 1, 2, 3, 4].map((id) => [id, id + 100]));
    expect(scene.client.correlationIds).toEqual([7]);
    await scene.watch(1000);
    expect(replies.usedBytes).toBe(0);
  });

  test('are dropped with their connection after a minute', async () => {
    const replies = new ByteBudget(8 * MIB);
    const scene = await ConnectionScene.start({ replies, begin: replyWith(30_000) });
    scene.client.connection.pause();
    scene.client.write(...Array.from({ length: 100 }, (_, id) => encodedRequest(Apis.JoinGroup, 5, {}, id)));
    for (let round = 0; round < 10; round++) await scene.clock.settle();
    expect(replies.usedBytes).toBeGreaterThan(MIB);
    expect(scene.begun.length).toBeLessThan(50);
    await scene.watch(59_000);
    expect(scene.closedCount).toBe(0);
    await scene.watch(3_000);
    expect([scene.closedCount, replies.usedBytes]).toEqual([1, 0]);
    expect(scene.book.at('warn')).toEqual([expect.stringMatching(/has not taken its replies for 60 s/)]);
  });
});

describe('a connection that is idle', () => {
  test('is closed, but not while it waits for an answer or sends a request', async () => {
    const scene = await ConnectionScene.start({ idleMsMax: 10_000 });
    const [idle, waiting, sending] = [scene.client, await scene.connect(), await scene.connect()];
    waiting.write(small(1));
    sending.write(small(2).subarray(0, 9));
    await scene.watch(9_000);
    expect(idle.isClosed).toBe(false);
    await scene.watch(3_000);
    expect([idle.isClosed, waiting.isClosed, sending.isClosed]).toEqual([true, false, false]);
    scene.begun[0].reply({});
    await scene.watch(5_000);
    expect(waiting.isClosed).toBe(false);
    await scene.watch(8_000);
    expect(waiting.isClosed).toBe(true);
  });
});
