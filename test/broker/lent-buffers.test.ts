/** Over sockets, memory of requests and replies is used again: records that somebody still reads, or that are not written, stay as they came. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Broker } from '#broker';
import { crc32c, poisonReleased, silentLogger, systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { Apis, buildBatch } from '#protocol';
import { memoryDisk } from '#storage';

const PARTITIONS = 3;
const BATCHES = 60;
const IN_FLIGHT = 5;
/** In sum more than the memory tail of a log has room for. */
const RECORD_BYTES = [200_000, 40_000, 300_000, 20_000];
const RECORD_CRC_POSITION = 17;
const CONTENT_POSITION = 21;

// 30 MB go in and out four times, on a machine that may be busy.

let broker: Broker;
let channels: RequestChannel[] = [];

beforeEach(async () => {
  poisonReleased(0xdb);
  broker = await Broker.start({
    config: {
      listeners: 'PLAINTEXT://127.0.0.1:0',
      'log.dirs': '/data',
      'springtide.broker.durability': 'os',
    },
    disk: memoryDisk(),
  });
  const topics = [{ name: 't', numPartitions: PARTITIONS, replicationFactor: 1 }];
  await (await channel()).send(Apis.CreateTopics, 7, { topics, ...TIMEOUT }, TIMEOUT);
});

afterEach(async () => {
  poisonReleased(undefined);
  for (const open of channels) open.close();
  channels = [];
  await broker.close();
});

const TIMEOUT = { timeoutMs: 30_000 };

async function channel(): Promise<RequestChannel> {
  const connection = await tcpTransport().connect(broker.host, broker.port);
  const open = new RequestChannel(connection, { clientId: 'test', clock: systemClock, logger: silentLogger });
  channels.push(open);
  return open;
}

async function write(index: number): Promise<void> {
  const client = await channel();
  const inFlight = new Set<Promise<void>>();
  for (let batch = 0; batch < BATCHES; batch++) {
    const value = Buffer.alloc(RECORD_BYTES[batch % RECORD_BYTES.length], batch * PARTITIONS + index);
    const records = buildBatch([{ key: null, value, timestamp: 1_700_000_000_000, headers: [] }]);
    const topicData = [{ name: 't', partitionData: [{ index, records }] }];
    const request = client.send(Apis.Produce, 9, { acks: -1, timeoutMs: 30_000, topicData }, TIMEOUT).then((answer) => {
      expect(answer.responses[0].partitionResponses[0].errorCode).toBe(0);
      inFlight.delete(request);
    });
    inFlight.add(request);
    if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
}

/** From the first record to the last, while they come. */
async function read(partition: number, partitionMaxBytes: number): Promise<void> {
  const client = await channel();
  for (let fetchOffset = 0; fetchOffset < BATCHES; ) {
    const topics = [{ topic: 't', partitions: [{ partition, fetchOffset, partitionMaxBytes }] }];
    const body = { maxWaitMs: 100, minBytes: 1, maxBytes: 2 ** 24, topics };
    const { responses } = await client.send(Apis.Fetch, 11, body, TIMEOUT);
    const [{ errorCode, records }] = responses[0].partitions;
    expect(errorCode).toBe(0);
    fetchOffset += checked(records ?? Buffer.alloc(0), fetchOffset, partition);
  }
}

/** @returns the number of batches, each of one record */
function checked(records: Buffer, firstOffset: number, partition: number): number {
  let count = 0;
  for (let at = 0; at < records.length; count++) {
    const size = records.readInt32BE(at + 8) + 12;
    const batch = records.subarray(at, at + size);
    expect(Number(batch.readBigInt64BE(0))).toBe(firstOffset + count);
    expect(crc32c(batch.subarray(CONTENT_POSITION))).toBe(batch.readUInt32BE(RECORD_CRC_POSITION));
    expect(batch[size - 2]).toBe(((firstOffset + count) * PARTITIONS + partition) & 0xff);
    at += size;
  }
  return count;
}

it('readers that keep up, readers from the disk and the log itself see what was sent, though memory is used again', async () => {
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => index);
  await Promise.all(
    partitions.flatMap((partition) => [write(partition), read(partition, 2 ** 20), read(partition, 1)]),
  );
  await Promise.all(partitions.map((partition) => read(partition, 2 ** 20)));
});
