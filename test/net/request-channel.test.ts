/** Requests and replies on one connection: order, deadlines, and what a peer's nonsense costs. */
import { expect, test } from '@jest/globals';
import { ByteWriter, type KafkaError, ManualClock, silentLogger } from '#core';
import { type Connection, PipeNetwork, RequestChannel, WRITE_HIGH_WATER_BYTES } from '#net';
import { Apis, encodeResponse, FrameReader } from '#protocol';

test('replies reach their requests in order, several at once', async () => {
  const { channel, peer } = await open();
  const first = channel.send(Apis.Heartbeat, 4, { groupId: 'a' }, { timeoutMs: 1000 });
  const second = channel.send(Apis.Metadata, 12, { topics: [] }, { timeoutMs: 1000 });
  expect(channel.inFlightCount).toBe(2);
  const ids = await peer.correlationIds(2);
  peer.write(encodeResponse(Apis.Heartbeat, 4, ids[0], { errorCode: 27 }));
  peer.write(encodeResponse(Apis.Metadata, 12, ids[1], { clusterId: 'c' }));
  expect((await first).errorCode).toBe(27);
  expect((await second).clusterId).toBe('c');
  expect(channel.inFlightCount).toBe(0);
});

test('a reply that is late closes the connection and fails everything in flight', async () => {
  const { clock, channel, peer } = await open();
  const slow = failure(channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 500 }));
  const other = failure(channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 5000 }));
  await clock.advance(499);
  expect(channel.isClosed).toBe(false);
  await clock.advance(1);
  expect((await slow).code).toBe('REQUEST_TIMED_OUT');
  expect((await slow).message).toContain('Heartbeat');
  expect((await other).code).toBe('REQUEST_TIMED_OUT');
  expect(channel.isClosed).toBe(true);
  await clock.settle();
  expect(peer.isClosed).toBe(true);
});

test('one timer serves all requests, and answered ones do not expire', async () => {
  const { clock, channel, peer } = await open();
  for (let i = 0; i < 20; i++) {
    const reply = channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 1000 });
    expect(clock.pendingTimerCount).toBe(1);
    const ids = await peer.correlationIds(1);
    peer.write(encodeResponse(Apis.Heartbeat, 4, ids[0], {}));
    await reply;
    await clock.advance(900);
  }
  expect(channel.isClosed).toBe(false);
});

test('a shorter deadline behind a longer one is kept', async () => {
  const { clock, channel } = await open();
  void failure(channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 60_000 }));
  const short = failure(channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 100 }));
  await clock.advance(100);
  expect((await short).code).toBe('REQUEST_TIMED_OUT');
});

test('a reply to another request ends the connection', async () => {
  const { channel, peer } = await open();
  const reply = failure(channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 1000 }));
  const ids = await peer.correlationIds(1);
  peer.write(encodeResponse(Apis.Heartbeat, 4, ids[0] + 7, {}));
  expect((await reply).message).toMatch(/reply 7 came where 0 was due/);
  expect(channel.isClosed).toBe(true);
});

test.each([
  ['an HTTP reply', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['a negative size', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['a reply that is cut short', cutReply()],
])('%s ends the connection with a text that names the peer', async (_, bytes) => {
  const { channel, peer } = await open();
  const reply = failure(channel.send(Apis.Metadata, 12, {}, { timeoutMs: 1000 }));
  await peer.correlationIds(1);
  peer.write([bytes]);
  const error = await reply;
  expect(error.code).toBe('NETWORK_EXCEPTION');
  expect(error.message).toContain(channel.remoteAddress);
  expect(channel.isClosed).toBe(true);
});

test('a server that does not know our ApiVersions version is understood', async () => {
  const { channel, peer } = await open();
  const reply = channel.send(
    Apis.ApiVersions,
    4,
    { clientSoftwareName: 'a', clientSoftwareVersion: '1' },
    { timeoutMs: 1000 },
  );
  await peer.correlationIds(1);
  // As seen on a live broker: version 0 layout, error 35, ApiVersions itself as the only row.
  peer.write([Buffer.from('00000010000000000023000000010012000000' + '05', 'hex')]);
  const { errorCode, apiKeys } = await reply;
  expect(errorCode).toBe(35);
  expect(apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 5 }]);
});

test('the end of the connection fails what is in flight and is told once', async () => {
  const { channel, peer } = await open();
  const told: KafkaError[] = [];
  channel.onClose((error) => told.push(error));
  const reply = failure(channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 1000 }));
  await peer.correlationIds(1);
  peer.close();
  const error = await reply;
  expect(error.code).toBe('NETWORK_EXCEPTION');
  expect(told).toEqual([error]);
  channel.close();
  expect(told).toHaveLength(1);
  expect(await failure(channel.send(Apis.Heartbeat, 4, {}, { timeoutMs: 1000 }))).toBe(error);
});

test('requests without reply wait while the connection is above its high-water mark', async () => {
  const { clock, channel, peer } = await open();
  const small = { acks: 0, timeoutMs: 1000, topicData: [] };
  await channel.sendNoReply(Apis.Produce, 9, small);
  peer.connection.pause();
  const records = Buffer.alloc(WRITE_HIGH_WATER_BYTES);
  const large = { ...small, topicData: [{ name: 't', partitionData: [{ index: 0, records }] }] };
  let isThrough = false;
  const sent = channel.sendNoReply(Apis.Produce, 9, large).then(() => {
    isThrough = true;
  });
  await clock.settle();
  expect(isThrough).toBe(false);
  peer.connection.resume();
  await sent;
  expect(channel.inFlightCount).toBe(0);
});

class Peer {
  readonly connection: Connection;
  readonly #frames = new FrameReader(1 << 28);
  #ids: number[] = [];
  #waiting: { count: number; resolve: (ids: number[]) => void } | undefined;
  isClosed = false;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.start({
      data: (chunk) => {
        this.#frames.push(chunk);
        for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) this.#ids.push(frame.readInt32BE(4));
        this.#give();
      },
      drain: () => {},
      close: () => {
        this.isClosed = true;
      },
    });
  }

  /** The correlation ids of the next `count` requests. */
  correlationIds(count: number): Promise<number[]> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
      this.#give();
    });
  }

  write(chunks: Buffer[]): void {
    this.connection.write(chunks);
  }

  close(): void {
    this.connection.close();
  }

  #give(): void {
    if (this.#waiting === undefined || this.#ids.length < this.#waiting.count) return;
    this.#waiting.resolve(this.#ids.splice(0, this.#waiting.count));
    this.#waiting = undefined;
  }
}

async function open() {
  const clock = new ManualClock();
  const network = new PipeNetwork(clock);
  const accepted = Promise.withResolvers<Connection>();
  const { port } = await network.listen('peer', 0, accepted.resolve);
  const connection = await network.connect('peer', port);
  const channel = new RequestChannel(connection, { clientId: 'test', clock, logger: silentLogger });
  return { clock, channel, peer: new Peer(await accepted.promise) };
}

function failure(reply: Promise<unknown>): Promise<KafkaError> {
  return reply.then(
    () => {
      throw new Error('should have failed');
    },
    (error) => error,
  );
}

/** A frame with the right correlation id whose body ends too early. */
function cutReply(): Buffer {
  const writer = new ByteWriter();
  writer.int32(6);
  writer.int32(0);
  writer.int16(0);
  return writer.finish();
}
