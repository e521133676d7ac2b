import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, batches, Errors, type FetchRequest, readRecords } from '#protocol';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

type Asked = Partial<FetchRequest['topics'][number]['partitions'][number]>;
type Options = {
  version?: number;
  maxWaitMs?: number;
  minBytes?: number;
  maxBytes?: number;
  isolationLevel?: number;
  topic?: string;
};

async function fetchOf(partitions: Asked[], options: Options = {}) {
  const { version = 12, maxWaitMs = 0, minBytes = 1, maxBytes = 1_000_000, isolationLevel = 0, topic = 't' } = options;
  const asked = partitions.map((partition) => ({
    partition: 0,
    fetchOffset: 0,
    partitionMaxBytes: 1_000_000,
    ...partition,
  }));
  const client = await scene.client();
  const response = await client.send(
    Apis.Fetch,
    version,
    { maxWaitMs, minBytes, maxBytes, isolationLevel, topics: [{ topic, partitions: asked }] },
    { timeoutMs: 600_000 },
  );
  return response.responses[0].partitions;
}

function valuesOf(records: Buffer | null): string[] {
  const values: string[] = [];
  for (const { position } of batches(records ?? Buffer.alloc(0))) {
    const cursor = readRecords(records!, position, { decompressedBytesMax: 1_000_000 });
    for (let record = cursor.next(); record !== undefined; record = cursor.next())
      values.push(record.value!.toString());
  }
  return values;
}

describe('fetch', () => {
  it.each([4, 5, 6, 7, 8, 9, 10, 11, 12])('version %d gives what was produced', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a', 'b']));
    await scene.produce('t', batchOf(['c']));
    const [partition] = await fetchOf([{}], { version });
    expect(valuesOf(partition.records)).toEqual(['a', 'b', 'c']);
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, abortedTransactions: null });
  });

  it.each([13, 14, 15, 16, 17, 18])('version %d names topics by id', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a']));
    const topicId = await scene.topicId('t');
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const topics = [
      { topicId, partitions },
      { topicId: 'BBBBBBBBBBBBBBBBBBBBBA', partitions },
    ];
    const { responses } = await scene.send(Apis.Fetch, { maxWaitMs: 0, minBytes: 1, topics }, version);
    expect(valuesOf(responses[0].partitions[0].records)).toEqual(['a']);
    expect(responses[1].partitions[0].errorCode).toBe(Errors.UNKNOWN_TOPIC_ID.code);
  });

  it('gives the batch that holds the offset, whole', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a', 'b', 'c']));
    const [partition] = await fetchOf([{ fetchOffset: 2 }]);
    expect(valuesOf(partition.records)).toEqual(['a', 'b', 'c']);
  });

  it('leaves the stored batches as the producer compressed them', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      await scene.produce('t', batchOf(['x'.repeat(300)], { compression }));
    }
    const [{ records }] = await fetchOf([{}]);
    expect([...batches(records!)].map(({ header }) => header.compression)).toEqual(['gzip', 'snappy', 'lz4', 'zstd']);
    expect(valuesOf(records)).toEqual(Array(4).fill('x'.repeat(300)));
  });

  it('gives zstd to clients of any age, as Apache Kafka does since 4.0', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['x'.repeat(300)], { compression: 'zstd' }));
    expect(valuesOf((await fetchOf([{}], { version: 4 }))[0].records)).toEqual(['x'.repeat(300)]);
  });

  it('gives readers of committed records an empty list of aborted transactions', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    expect((await fetchOf([{}], { isolationLevel: 1 }))[0].abortedTransactions).toEqual([]);
  });

  it('survives a restart', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a']));
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    const [partition] = await fetchOf([{}]);
    expect(valuesOf(partition.records)).toEqual(['a']);
    expect(await scene.produce('t', batchOf(['b']))).toMatchObject({ baseOffset: 1 });
  });
});

describe('offsets that cannot be served', () => {
  it.each([4, -1, 2 ** 53 - 1])('%d is OFFSET_OUT_OF_RANGE at once, with no high watermark', async (fetchOffset) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a', 'b', 'c']));
    const [partition] = await fetchOf([{ fetchOffset }], { maxWaitMs: 10_000 });
    expect(partition).toMatchObject({ errorCode: Errors.OFFSET_OUT_OF_RANGE.code, highWatermark: -1 });
  });

  it('2^62 saturates and is out of range too', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const [partition] = await fetchOf([{ fetchOffset: Number.MAX_SAFE_INTEGER }]);
    expect(partition.errorCode).toBe(Errors.OFFSET_OUT_OF_RANGE.code);
  });

  it('the end of the log is no error: there the fetch waits', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a']));
    const [partition] = await fetchOf([{ fetchOffset: 1 }]);
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 1 });
  });

  it('unknown topics and partitions say so', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    expect((await fetchOf([{ partition: 5 }]))[0].errorCode).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
    expect((await fetchOf([{}], { topic: 'nosuch' }))[0].errorCode).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
  });

  it('a leader epoch of the past is fenced, one of the future unknown', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    const codes = [];
    for (const currentLeaderEpoch of [1, 2, 3]) codes.push((await fetchOf([{ currentLeaderEpoch }]))[0].errorCode);
    expect(codes).toEqual([Errors.FENCED_LEADER_EPOCH.code, 0, Errors.UNKNOWN_LEADER_EPOCH.code]);
  });

  it('a last fetched epoch that ended earlier is answered with where it diverges', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a', 'b']));
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    await scene.produce('t', batchOf(['c']));
    const [partition] = await fetchOf([{ fetchOffset: 3, lastFetchedEpoch: 0 }]);
    expect(partition).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 2 } });
    expect(partition.records).toHaveLength(0);
  });

  it('a last fetched epoch that this log never had is OFFSET_OUT_OF_RANGE', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a']));
    const [partition] = await fetchOf([{ lastFetchedEpoch: 5 }]);
    expect(partition).toMatchObject({ errorCode: Errors.OFFSET_OUT_OF_RANGE.code, highWatermark: -1 });
  });

  it('a broker that is no replica does not fetch here', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const codes = [];
    for (const currentLeaderEpoch of [-1, 0]) {
      const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000, currentLeaderEpoch }];
      const topics = [{ topic: 't', partitions }];
      const { responses } = await scene.send(Apis.Fetch, { replicaId: 2, maxWaitMs: 0, minBytes: 0, topics }, 12);
      codes.push(responses[0].partitions[0].errorCode);
    }
    expect(codes).toEqual([Errors.NOT_LEADER_OR_FOLLOWER.code, Errors.UNKNOWN_LEADER_EPOCH.code]);
  });

  it('a partition that is asked twice is read once, where it was asked last', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    for (const value of ['a', 'b']) await scene.produce('t', batchOf([value]));
    const partitions = await fetchOf([{ fetchOffset: 0 }, { fetchOffset: 1 }]);
    expect(partitions.map(({ records }) => valuesOf(records))).toEqual([['b']]);
  });
});

describe('byte limits', () => {
  it('give at least one batch, so that nobody is stuck', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['x'.repeat(5000)]));
    const [partition] = await fetchOf([{ partitionMaxBytes: 1 }], { maxBytes: 1 });
    expect(valuesOf(partition.records)).toHaveLength(1);
  });

  it('give later partitions only what is left', async () => {
    scene = await Scene.start({ topics: { t: 2 } });
    for (const partition of [0, 1]) await scene.produce('t', batchOf(['x'.repeat(5000)]), { partition });
    const [first, second] = await fetchOf([{}, { partition: 1 }], { maxBytes: 6000 });
    expect([valuesOf(first.records).length, valuesOf(second.records).length]).toEqual([1, 0]);
    expect(second).toMatchObject({ errorCode: 0, highWatermark: 1 });
  });

  it('count per partition', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    for (let index = 0; index < 5; index++) await scene.produce('t', batchOf(['x'.repeat(1000)]));
    const [partition] = await fetchOf([{ partitionMaxBytes: 2500 }]);
    expect(valuesOf(partition.records)).toHaveLength(2);
  });

  it('a first partition without data leaves the first batch to the next', async () => {
    scene = await Scene.start({ topics: { t: 2 } });
    await scene.produce('t', batchOf(['x'.repeat(5000)]), { partition: 1 });
    const [, second] = await fetchOf([{}, { partition: 1 }], { maxBytes: 10 });
    expect(valuesOf(second.records)).toHaveLength(1);
  });
});

describe('waiting', () => {
  it('ends when a record comes', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    let isAnswered = false;
    const fetching = fetchOf([{}], { maxWaitMs: 10_000 }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await scene.clock.advance(3000);
    expect(isAnswered).toBe(false);
    await scene.produce('t', batchOf(['a']));
    expect(valuesOf((await fetching)[0].records)).toEqual(['a']);
  });

  it('ends with nothing when its time is over', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const fetching = fetchOf([{}], { maxWaitMs: 500 });
    await scene.clock.advance(600);
    expect((await fetching)[0]).toMatchObject({ errorCode: 0, highWatermark: 0 });
  });

  it('goes on until min bytes are there', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    let isAnswered = false;
    const fetching = fetchOf([{}], { maxWaitMs: 60_000, minBytes: 2500 }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await scene.produce('t', batchOf(['x'.repeat(1000)]));
    await scene.produce('t', batchOf(['x'.repeat(1000)]));
    await scene.clock.settle();
    expect(isAnswered).toBe(false);
    await scene.produce('t', batchOf(['x'.repeat(1000)]));
    expect(valuesOf((await fetching)[0].records)).toHaveLength(3);
  });

  it('does not begin while a partition cannot be read', async () => {
    scene = await Scene.start({ topics: { t: 2 } });
    const [first, second] = await fetchOf([{}, { partition: 1, fetchOffset: 7 }], { maxWaitMs: 60_000 });
    expect([first.errorCode, second.errorCode]).toEqual([0, Errors.OFFSET_OUT_OF_RANGE.code]);
  });

  it('does not end because another partition is unknown: its client would ask in a loop', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const fetching = fetchOf([{}, { partition: 9 }], { maxWaitMs: 10_000 });
    await scene.clock.advance(9000);
    await scene.produce('t', batchOf(['a']));
    const [first, second] = await fetching;
    expect([valuesOf(first.records), second.errorCode]).toEqual([['a'], Errors.UNKNOWN_TOPIC_OR_PARTITION.code]);
  });

  it('does not begin when nothing that is asked for is known', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const [partition] = await fetchOf([{ partition: 9 }], { maxWaitMs: 60_000 });
    expect(partition.errorCode).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
  });

  it('is woken once for many partitions and takes what all of them have', async () => {
    scene = await Scene.start({ topics: { t: 3 } });
    const fetching = fetchOf([{}, { partition: 1 }, { partition: 2 }], { maxWaitMs: 60_000 });
    await scene.clock.settle();
    const partitionData = [0, 1, 2].map((index) => ({ index, records: batchOf([`p${index}`]) }));
    await scene.send(Apis.Produce, { acks: -1, timeoutMs: 1000, topicData: [{ name: 't', partitionData }] }, 9);
    expect((await fetching).map(({ records }) => valuesOf(records))).toEqual([['p0'], ['p1'], ['p2']]);
  });

  it('ends when the topic is deleted, and says so', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const fetching = fetchOf([{}], { maxWaitMs: 60_000 });
    await scene.clock.settle();
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    expect((await fetching)[0].errorCode).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
  });

  it('ends when the topic that was named by its id is deleted, though its name lives on', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const topics = [
      { topicId: await scene.topicId('t'), partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
    ];
    const client = await scene.client();
    const fetching = client.send(Apis.Fetch, 18, { maxWaitMs: 60_000, minBytes: 1, topics }, { timeoutMs: 600_000 });
    await scene.clock.settle();
    const deleting = scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    const creating = scene.createTopics({ t: 1 });
    await Promise.all([deleting, creating]);
    expect((await fetching).responses[0].partitions[0].errorCode).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
    await scene.produce('t', batchOf(['new']));
    expect(valuesOf((await fetchOf([{}]))[0].records)).toEqual(['new']);
  });

  it('leaves no timer behind', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.ApiVersions, { clientSoftwareName: 'a', clientSoftwareVersion: '1' });
    const fetching = fetchOf([{}], { maxWaitMs: 60_000 });
    await scene.clock.settle();
    const before = scene.clock.pendingTimerCount;
    await scene.produce('t', batchOf(['a']));
    await fetching;
    await scene.clock.advance(60_000);
    expect(scene.clock.pendingTimerCount).toBeLessThan(before + 1);
  });
});
