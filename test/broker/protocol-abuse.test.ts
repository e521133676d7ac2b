import { afterEach, describe, expect, it } from '@jest/globals';
import { Broker } from '#broker';
import { Apis } from '#protocol';
import { memoryDisk } from '#storage';
import { abuses } from './protocol-abuse.ts';
import { encodedRequest, LogBook, RawClient, Scene } from './scene.ts';
import { TcpClient } from './tcp-client.ts';

// Real sockets on a busy machine.

let scene: Scene | undefined;

afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

describe('on the pipe', () => {
  it.each(abuses.map((row) => [row.what, row] as const))('%s', async (_what, { bytes, ours, log }) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const bystander = new RawClient(await scene.raw());
    const client = new RawClient(await scene.raw());
    client.write(...bytes);
    for (let turn = 0; turn < 5; turn++) await scene.clock.settle();
    expect(client.isClosed ? 'closed' : client.correlationIds.length).toBe(ours);
    if (ours === 'closed') expect(client.received).toHaveLength(0);
    expect(scene.book.at('warn')).toEqual(log === undefined ? [] : [expect.stringMatching(log)]);
    expect(scene.book.at('error')).toEqual([]);
    bystander.write(encodedRequest(Apis.ApiVersions, 0, {}, 7));
    await scene.clock.settle();
    expect(bystander.correlationIds).toEqual([7]);
    const { topics } = await scene.send(Apis.Metadata, { topics: null });
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([['t', 1]]);
  });

  it('a thousand connections that stop in the middle of a request are closed after a minute, and hold up nobody', async () => {
    scene = await Scene.start();
    const half = encodedRequest(Apis.ApiVersions, 0, {}).subarray(0, 3);
    const halves: RawClient[] = [];
    for (let count = 0; count < 1000; count++) {
      halves.push(new RawClient(await scene.raw()));
      halves[count].write(half);
    }
    await scene.clock.advance(50_000);
    const client = new RawClient(await scene.raw());
    client.write(encodedRequest(Apis.ApiVersions, 0, {}, 3));
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([3]);
    expect(halves.some(({ isClosed }) => isClosed)).toBe(false);
    await scene.clock.advance(15_000);
    expect(halves.every(({ isClosed }) => isClosed)).toBe(true);
    expect(scene.book.at('warn').length).toBeLessThanOrEqual(20);
  });

  it('twenty thousand requests at once are answered in their order', async () => {
    scene = await Scene.start();
    const client = new RawClient(await scene.raw());
    const count = 20_000;
    client.write(
      Buffer.concat(Array.from({ length: count }, (_, id) => encodedRequest(Apis.Heartbeat, 0, { groupId: 'g' }, id))),
    );
    for (let turn = 0; turn < 20; turn++) await scene.clock.settle();
    expect(client.correlationIds).toEqual(Array.from({ length: count }, (_, id) => id));
  });
});

describe('on a socket', () => {
  async function withBroker(run: (port: number, book: LogBook) => Promise<void>): Promise<void> {
    const book = new LogBook();
    const config = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data' };
    await using broker = await Broker.start({ config, disk: memoryDisk(), logger: book.logger });
    const { port } = broker;
    const ask = new TcpClient(port);
    ask.socket.write(
      encodedRequest(Apis.CreateTopics, 5, {
        topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
        timeoutMs: 1000,
      }),
    );
    await ask.answers(1);
    await run(port, book);
    ask.socket.write(encodedRequest(Apis.ApiVersions, 0, {}));
    await ask.answers(2);
    ask.socket.destroy();
    expect(book.at('error')).toEqual([]);
  }

  it('each of the rows ends as on the pipe, one after the other on one broker', async () => {
    await withBroker(async (port) => {
      const ends: unknown[] = [];
      for (const { what, bytes, ours } of abuses) {
        const client = new TcpClient(port);
        for (const chunk of bytes) client.socket.write(chunk);
        if (ours === 'closed') await client.closed;
        else await client.answers(ours);
        ends.push([what, client.answerCount]);
        client.socket.destroy();
      }
      expect(ends).toEqual(abuses.map(({ what, ours }) => [what, ours === 'closed' ? 0 : ours]));
    });
  });

  it('a client that is gone after half a request, or that resets its connection, leaves nothing behind', async () => {
    await withBroker(async (port, book) => {
      for (let count = 0; count < 50; count++) {
        const client = new TcpClient(port);
        client.socket.write(encodedRequest(Apis.Metadata, 1, { topics: null }).subarray(0, 2 + count));
        await new Promise<void>((resolve) => client.socket.once('connect', resolve));
        if (count % 2 === 0) client.socket.end();
        else client.socket.resetAndDestroy();
        await client.closed;
      }
      expect(book.at('warn')).toEqual([]);
    });
  });
});
