/** The rules that every transport keeps, on TCP and on the in-process pipe. */
import { describe, expect, test } from '@jest/globals';
import { KafkaError, systemClock } from '#core';
import {
  type Acceptor,
  type Connection,
  PipeNetwork,
  type Transport,
  tcpAcceptor,
  tcpTransport,
  WRITE_HIGH_WATER_BYTES,
} from '#net';
import { freePort } from '../processes/child.ts';

const networks: [string, () => { transport: Transport; acceptor: Acceptor }][] = [
  ['TCP', () => ({ transport: tcpTransport(), acceptor: tcpAcceptor() })],
  [
    'the pipe',
    () => {
      const network = new PipeNetwork(systemClock);
      return { transport: network, acceptor: network };
    },
  ],
];

describe.each(networks)('%s', (_, make) => {
  test('delivers everything in order and hears the end', async () => {
    await using pair = await connected(make());
    for (let i = 0; i < 1000; i++) pair.client.connection.write([Buffer.from(`${i},`), Buffer.from('x;')]);
    pair.client.connection.close();
    await pair.server.closed;
    const expected = Array.from({ length: 1000 }, (_, i) => `${i},x;`).join('');
    expect(Buffer.concat(pair.server.chunks).toString()).toBe(expected);
    expect(await pair.client.closed).toBeUndefined();
  });

  test('answers false above the high-water mark and calls drain when everything has left', async () => {
    await using pair = await connected(make());
    pair.server.connection.pause();
    const chunk = Buffer.alloc(64 * 1024);
    let writeCount = 0;
    while (pair.client.connection.write([chunk])) {
      if (++writeCount % 8 === 0) await turn();
      expect(writeCount).toBeLessThan(2000);
    }
    expect((writeCount + 1) * chunk.length).toBeGreaterThanOrEqual(WRITE_HIGH_WATER_BYTES);
    expect(pair.client.drainCount).toBe(0);
    pair.server.connection.resume();
    await pair.client.drained;
    expect(pair.client.drainCount).toBe(1);
  });

  test.each([
    ['a single one', [1]],
    ['a small and a large one', [100, WRITE_HIGH_WATER_BYTES]],
    ['a large one', [WRITE_HIGH_WATER_BYTES]],
  ])('calls drain after each false, of chunks that are %s, so that whoever waits goes on', async (_what, lengths) => {
    await using pair = await connected(make());
    const chunks = lengths.map((length) => Buffer.alloc(length));
    for (let count = 0; count < 8; count++) {
      const drained = pair.client.nextDrain();
      if (!pair.client.connection.write(chunks)) await drained;
    }
    await pair.server.received(8 * Buffer.concat(chunks).length);
  });

  test('delivers nothing while paused and everything after resume', async () => {
    await using pair = await connected(make());
    pair.server.connection.pause();
    pair.client.connection.write([Buffer.from('late')]);
    for (let i = 0; i < 5; i++) await turn();
    expect(pair.server.chunks).toEqual([]);
    pair.server.connection.resume();
    await pair.server.received(4);
    expect(Buffer.concat(pair.server.chunks).toString()).toBe('late');
  });

  test('calls close once on each side, with the error on the side that gave it', async () => {
    await using pair = await connected(make());
    const error = new Error('enough');
    pair.client.connection.close(error);
    pair.client.connection.close();
    expect(await pair.client.closed).toBe(error);
    await pair.server.closed;
    pair.server.connection.close();
    await turn();
    expect([pair.client.closeCount, pair.server.closeCount]).toEqual([1, 1]);
  });

  test('refuses a connection to a port nobody listens on, with address and reason', async () => {
    const { transport } = make();
    const port = await freePort();
    const error = await transport.connect('127.0.0.1', port).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(KafkaError);
    expect(error.code).toBe('NETWORK_EXCEPTION');
    expect(error.retriable).toBe(true);
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.cause.code).toBe('ECONNREFUSED');
  });

  test('refuses a second listener on the same port', async () => {
    const { acceptor } = make();
    const { port, close } = await acceptor.listen('127.0.0.1', 0, () => {});
    const error = await acceptor.listen('127.0.0.1', port, () => {}).catch((thrown) => thrown);
    expect(error.cause.code).toBe('EADDRINUSE');
    await close();
  });

  test('gives up connecting when the signal fires', async () => {
    const { transport, acceptor } = make();
    const { port, close } = await acceptor.listen('127.0.0.1', 0, () => {});
    const error = await transport.connect('127.0.0.1', port, AbortSignal.abort(new Error('too slow'))).catch((e) => e);
    expect(error.message).toContain('cannot connect');
    expect(error.cause.message).toBe('too slow');
    await close();
  });
});

test('the pipe delivers in a later macrotask, everything of a turn at once', async () => {
  const network = new PipeNetwork(systemClock);
  await using pair = await connected({ transport: network, acceptor: network });
  for (let i = 0; i < 10; i++) pair.client.connection.write([Buffer.from('ab')]);
  await Promise.resolve();
  expect(pair.server.chunks).toEqual([]);
  await turn();
  await turn();
  expect(pair.server.chunks.map(String)).toEqual(['ab'.repeat(10)]);
});

test('the pipe gives the receiver bytes of its own', async () => {
  const network = new PipeNetwork(systemClock);
  await using pair = await connected({ transport: network, acceptor: network });
  const sent = Buffer.from('original');
  pair.client.connection.write([sent]);
  await pair.server.received(8);
  pair.server.chunks[0].fill('x');
  expect(sent.toString()).toBe('original');
});

class End {
  readonly connection: Connection;
  readonly chunks: Buffer[] = [];
  drainCount = 0;
  closeCount = 0;
  readonly closed: Promise<Error | undefined>;
  readonly drained: Promise<void>;
  #bytes = 0;
  #waiting: { bytes: number; resolve: () => void } | undefined;
  #nextDrain = Promise.withResolvers<void>();

  constructor(connection: Connection) {
    this.connection = connection;
    const closed = Promise.withResolvers<Error | undefined>();
    const drained = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.drained = drained.promise;
    connection.start({
      data: (chunk) => {
        this.chunks.push(chunk);
        this.#bytes += chunk.length;
        if (this.#waiting !== undefined && this.#bytes >= this.#waiting.bytes) this.#waiting.resolve();
      },
      drain: () => {
        this.drainCount++;
        drained.resolve();
        this.#nextDrain.resolve();
        this.#nextDrain = Promise.withResolvers();
      },
      close: (error) => {
        this.closeCount++;
        closed.resolve(error);
      },
    });
  }

  nextDrain(): Promise<void> {
    return this.#nextDrain.promise;
  }

  received(bytes: number): Promise<void> {
    if (this.#bytes >= bytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { bytes, resolve };
    });
  }
}

async function connected({ transport, acceptor }: { transport: Transport; acceptor: Acceptor }) {
  const accepted = Promise.withResolvers<Connection>();
  const { port, close } = await acceptor.listen('127.0.0.1', 0, accepted.resolve);
  const client = new End(await transport.connect('127.0.0.1', port));
  const server = new End(await accepted.promise);
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      client.connection.close(new Error('the test is over'));
      server.connection.close();
      await close();
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
