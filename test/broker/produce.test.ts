import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ByteReader } from '#core';
import { Apis, batches, decode, decodeResponseHeader, Errors, errorByCode, type ProduceRequest } from '#protocol';
import { memoryDisk } from '#storage';
import { legacyMessage } from '../storage/raw-batch.ts';
import { GatedDisk } from './gated-disk.ts';
import { batchOf, encodedRequest, RawClient, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const NOW = Date.UTC(2026, 0, 1);

/** Of the one partition in the one answer that the client has, in version 9. */
function partitionAnswerIn({ received }: RawClient) {
  const reader = new ByteReader(received.subarray(4));
  decodeResponseHeader(Apis.Produce, 9, reader);
  return decode(Apis.Produce.response, 9, reader).responses[0].partitionResponses[0];
}

describe('produce', () => {
  it.each([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('version %d gives the offset of the first record', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a', 'b', 'c']), { version });
    const answer = await scene.produce('t', batchOf(['d']), { version });
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: 3, logAppendTimeMs: -1, errorMessage: null });
    if (version >= 5) expect(answer.logStartOffset).toBe(0);
  });

  it('version 13 names topics by id', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const topicId = await scene.topicId('t');
    const unknownId = 'BBBBBBBBBBBBBBBBBBBBBA';
    const partitionData = (value: string) => [{ index: 0, records: batchOf([value]) }];
    const topicData = [
      { topicId, partitionData: partitionData('a') },
      { topicId: unknownId, partitionData: partitionData('b') },
    ];
    const { responses } = await scene.send(Apis.Produce, { acks: -1, timeoutMs: 1000, topicData }, 13);
    expect(responses).toMatchObject([
      { topicId, partitionResponses: [{ errorCode: 0, baseOffset: 0 }] },
      { topicId: unknownId, partitionResponses: [{ errorCode: Errors.UNKNOWN_TOPIC_ID.code, baseOffset: -1 }] },
    ]);
  });

  it.each([
    ['few partitions', 1],
    ['many partitions', 40],
  ])('of a partition that is named again it takes the last batch, as Kafka does: %s', async (_, count) => {
    scene = await Scene.start({ topics: { t: count } });
    const values = Array.from({ length: count }, (_, index) => ({ index, records: batchOf(['other']) }));
    const topicData = [
      { name: 't', partitionData: [...values, { index: 0, records: batchOf(['a', 'b']) }] },
      { name: 't', partitionData: [{ index: 0, records: batchOf(['last']) }] },
    ];
    const { responses } = await scene.send(Apis.Produce, { acks: -1, timeoutMs: 1000, topicData }, 9);
    expect(responses.map(({ name, partitionResponses }) => [name, partitionResponses.length])).toEqual([['t', count]]);
    expect(await scene.produce('t', batchOf(['next']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });

  it('answers each partition for itself, in the order of the request', async () => {
    scene = await Scene.start({ topics: { t: 2, u: 1 } });
    const topicData: ProduceRequest['topicData'] = [
      {
        name: 'u',
        topicId: '',
        partitionData: [
          { index: 7, records: batchOf(['a']) },
          { index: 0, records: batchOf(['b']) },
        ],
      },
      { name: 'nosuch', topicId: '', partitionData: [{ index: 0, records: batchOf(['c']) }] },
      {
        name: 't',
        topicId: '',
        partitionData: [
          { index: 1, records: batchOf(['d', 'e']) },
          { index: 0, records: null },
        ],
      },
    ].map(({ topicId: _, ...topic }) => topic as ProduceRequest['topicData'][number]);
    const { responses } = await scene.send(Apis.Produce, { acks: 1, timeoutMs: 1000, topicData }, 9);
    const codes = responses.map((topic) => [
      topic.name,
      ...topic.partitionResponses.map((p) => `${p.index}:${errorByCode(p.errorCode).name}`),
    ]);
    expect(codes).toEqual([
      ['u', '7:UNKNOWN_TOPIC_OR_PARTITION', '0:NONE'],
      ['nosuch', '0:UNKNOWN_TOPIC_OR_PARTITION'],
      ['t', '1:NONE', '0:INVALID_RECORD'],
    ]);
  });

  it('refuses acks that do not exist', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const errorOf = async (topic: string, acks: number) =>
      (await scene.produce(topic, batchOf(['a']), { acks })).errorCode;
    expect(await errorOf('t', 2)).toBe(Errors.INVALID_REQUIRED_ACKS.code);
    expect(await errorOf('t', -2)).toBe(Errors.INVALID_REQUIRED_ACKS.code);
    expect(await errorOf('nosuch', 2)).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
  });

  it('takes acks=all although min.insync.replicas is more than the topic has, as Kafka does', async () => {
    scene = await Scene.start();
    const configs = [{ name: 'min.insync.replicas', value: '2' }];
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, configs }];
    await scene.send(Apis.CreateTopics, { topics, timeoutMs: 1000 });
    expect(await scene.produce('t', batchOf(['a']), { acks: -1 })).toMatchObject({ errorCode: 0 });
  });

  it('stamps LogAppendTime and says which', async () => {
    scene = await Scene.start();
    const configs = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
    await scene.send(Apis.CreateTopics, {
      topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, configs }],
      timeoutMs: 1,
    });
    await scene.clock.advance(5000);
    expect(await scene.produce('t', batchOf(['a']))).toMatchObject({ errorCode: 0, logAppendTimeMs: NOW + 5000 });
  });

  it('answers a repeated batch with the offset of the first time, and appends it once', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const batch = () => batchOf(['a', 'b'], { producerId: 5, producerEpoch: 0, baseSequence: 0 });
    expect(await scene.produce('t', batch())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await scene.produce('t', batch())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const gap = batchOf(['z'], { producerId: 5, producerEpoch: 0, baseSequence: 9 });
    expect(await scene.produce('t', gap)).toMatchObject({ errorCode: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER.code });
    const next = batchOf(['c'], { producerId: 5, producerEpoch: 0, baseSequence: 2 });
    expect(await scene.produce('t', next)).toMatchObject({ errorCode: 0, baseOffset: 2 });
  });
});

describe('records that are refused', () => {
  const damaged = () => {
    const batch = Buffer.from(batchOf(['a']));
    batch[batch.length - 1] ^= 1;
    return batch;
  };
  const cases: [what: string, records: () => Buffer, error: string][] = [
    ['a wrong checksum', damaged, 'CORRUPT_MESSAGE'],
    ['no whole header', () => batchOf(['a']).subarray(0, 40), 'INVALID_RECORD'],
    ['another format', () => legacyMessage(1, NOW, crc32), 'INVALID_RECORD'],
    ['two batches', () => Buffer.concat([batchOf(['a']), batchOf(['b'])]), 'INVALID_RECORD'],
    ['a base offset', () => batchOf(['a'], { baseOffset: 7 }), 'INVALID_RECORD'],
    ['control records', () => batchOf(['a'], { isControl: true }), 'INVALID_RECORD'],
    ['a timestamp of tomorrow', () => batchOf(['a'], { timestamp: NOW + 86_400_000 }), 'INVALID_TIMESTAMP'],
    ['more than max.message.bytes', () => batchOf(['a'.repeat(2_000_000)]), 'MESSAGE_TOO_LARGE'],
  ];

  it.each(cases)('with %s', async (_what, records, error) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const answer = await scene.produce('t', records());
    expect(errorByCode(answer.errorCode).name).toBe(error);
    expect(answer.errorMessage).not.toBeNull();
    expect((await scene.produce('t', batchOf(['good']))).baseOffset).toBe(0);
  });

  it('names the records to blame, from version 8 on', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const batch = () => batchOf(['a', 'b'], { timestamp: NOW + 86_400_000 });
    const { recordErrors, errorMessage } = await scene.produce('t', batch(), { version: 8 });
    expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1]);
    expect(recordErrors[1].batchIndexErrorMessage).toMatch(/message.timestamp.after.max.ms=3600000/);
    expect(errorMessage).toMatch(/^2 of 2 records are refused, record 0 first: timestamp/);
    expect(await scene.produce('t', batch(), { version: 7 })).toMatchObject({ recordErrors: [], errorMessage: null });
  });

  it('of zstd before version 7', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const zstd = () => batchOf(['a'.repeat(500)], { compression: 'zstd' });
    expect(await scene.produce('t', zstd(), { version: 6 })).toMatchObject({
      errorCode: Errors.UNSUPPORTED_COMPRESSION_TYPE.code,
    });
    expect(await scene.produce('t', zstd(), { version: 7 })).toMatchObject({ errorCode: 0 });
  });

  it('for internal topics, unless an admin client writes them', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const { errorCode } = await scene.produce('__consumer_offsets', batchOf(['a']));
    expect(errorCode).toBe(Errors.INVALID_TOPIC_EXCEPTION.code);
  });
});

describe('durability', () => {
  async function gated(durability: 'sync' | 'os') {
    const disk = new GatedDisk(memoryDisk());
    scene = await Scene.start({ disk, topics: { t: 1 }, config: { 'springtide.broker.durability': durability } });
    const client = new RawClient(await scene.raw());
    const produce = (id: number, acks: number, timeoutMs = 3000) => {
      const topicData = [{ name: 't', partitionData: [{ index: 0, records: batchOf([`r${id}`]) }] }];
      client.write(encodedRequest(Apis.Produce, 9, { acks, timeoutMs, topicData }, id));
    };
    return { disk, client, produce };
  }

  it.each([1, -1])('sync: acks=%d is answered when the record is synced, not before', async (acks) => {
    const { disk, client, produce } = await gated('sync');
    disk.shut();
    produce(1, acks);
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([]);
    disk.open();
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([1]);
  });

  it('sync: nobody is shown what is not synced', async () => {
    const { disk, produce } = await gated('sync');
    disk.shut();
    produce(1, -1);
    await scene.clock.settle();
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const fetch = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] };
    const { responses } = await scene.send(Apis.Fetch, fetch, 12);
    expect(responses[0].partitions[0]).toMatchObject({ highWatermark: 0, errorCode: 0 });
    expect(responses[0].partitions[0].records).toHaveLength(0);
    const latest = { topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] };
    expect((await scene.send(Apis.ListOffsets, latest)).topics[0].partitions[0].offset).toBe(0);
    disk.open();
  });

  it('os: a record is acknowledged when it is written, as in Kafka', async () => {
    const { disk, client, produce } = await gated('os');
    disk.shut();
    produce(1, -1);
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([1]);
    disk.open();
  });

  it('five produce requests of a connection wait together, the sixth is not even appended', async () => {
    const { disk, client, produce } = await gated('sync');
    disk.shut();
    for (let id = 1; id <= 7; id++) produce(id, -1);
    await scene.clock.settle();
    const written = await disk.readFile('/data/t-0/00000000000000000000.log');
    expect([...batches(written!)]).toHaveLength(5);
    disk.open();
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('sync: a repeated batch waits for the sync of the first one, and not for those behind it', async () => {
    const { disk } = await gated('sync');
    const clients: RawClient[] = [];
    const produce = async (sequence: number) => {
      const client = new RawClient(await scene.raw());
      clients.push(client);
      const records = batchOf([`s${sequence}`], { producerId: 5, producerEpoch: 0, baseSequence: sequence });
      const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }];
      client.write(encodedRequest(Apis.Produce, 9, { acks: -1, timeoutMs: 3000, topicData }, 1));
      await scene.clock.settle();
    };
    const answered = () => clients.map(({ correlationIds }) => correlationIds.length);
    disk.shut();
    await produce(0);
    await produce(1);
    await produce(0);
    expect(answered()).toEqual([0, 0, 0]);
    disk.open();
    disk.shut();
    await scene.clock.settle();
    expect(answered()).toEqual([1, 0, 1]);
    disk.open();
    await scene.clock.settle();
    expect(answered()).toEqual([1, 1, 1]);
    expect(partitionAnswerIn(clients[0])).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(partitionAnswerIn(clients[2])).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  it('a request is answered REQUEST_TIMED_OUT when the time that its client gave is over', async () => {
    const { disk, client, produce } = await gated('sync');
    disk.shut();
    produce(1, -1);
    await scene.clock.advance(2500);
    expect(client.correlationIds).toEqual([]);
    await scene.clock.advance(1500);
    expect(client.correlationIds).toEqual([1]);
    expect(client.received.includes(Buffer.from('0007', 'hex'))).toBe(true);
    disk.open();
  });

  it('a client in a hurry has patience enough for a sync', async () => {
    const { disk, client, produce } = await gated('sync');
    disk.shut();
    produce(1, 1, 0);
    await scene.clock.advance(400);
    expect(client.correlationIds).toEqual([]);
    disk.open();
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([1]);
    expect(partitionAnswerIn(client)).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  it('a failed sync is never repeated: the folder goes offline and clients are told to retry elsewhere', async () => {
    const { disk, client, produce } = await gated('sync');
    disk.shut();
    produce(1, -1);
    await scene.clock.settle();
    disk.fail();
    await scene.clock.settle();
    expect(client.correlationIds).toEqual([1]);
    expect(await scene.produce('t', batchOf(['b']))).toMatchObject({ errorCode: Errors.KAFKA_STORAGE_ERROR.code });
    expect(scene.book.at('fatal')[0]).toMatch(/\/data is offline/);
  });
});
