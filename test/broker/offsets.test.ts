import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors, errorByCode } from '#protocol';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const T0 = Date.UTC(2026, 0, 1);

async function listOffset(
  timestamp: number,
  version = 11,
  options: { currentLeaderEpoch?: number; topic?: string } = {},
) {
  const { topic = 't', currentLeaderEpoch = -1 } = options;
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp, currentLeaderEpoch }] }];
  const response = await scene.send(Apis.ListOffsets, { replicaId: -1, topics }, version);
  const { errorCode, offset, timestamp: found, leaderEpoch } = response.topics[0].partitions[0];
  return { error: errorByCode(errorCode).name, offset, timestamp: found, leaderEpoch };
}

describe('ListOffsets', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])('version %d finds earliest and latest', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a', 'b']));
    expect(await listOffset(-2, version)).toMatchObject({ error: 'NONE', offset: 0, timestamp: -1 });
    expect(await listOffset(-1, version)).toMatchObject({ error: 'NONE', offset: 2, timestamp: -1 });
    if (version >= 4) expect((await listOffset(-1, version)).leaderEpoch).toBe(0);
  });

  it('finds the first record at or after a time, with the epoch of that record', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a'], { timestamp: T0 }));
    await scene.produce('t', batchOf(['b'], { timestamp: T0 + 10 }));
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    await scene.produce('t', batchOf(['c'], { timestamp: T0 + 20 }));
    expect(await listOffset(T0 - 5)).toEqual({ error: 'NONE', offset: 0, timestamp: T0, leaderEpoch: 0 });
    expect(await listOffset(T0 + 1)).toEqual({ error: 'NONE', offset: 1, timestamp: T0 + 10, leaderEpoch: 0 });
    expect(await listOffset(T0 + 20)).toEqual({ error: 'NONE', offset: 2, timestamp: T0 + 20, leaderEpoch: 2 });
    expect(await listOffset(-3)).toEqual({ error: 'NONE', offset: 2, timestamp: T0 + 20, leaderEpoch: 2 });
  });

  it('finds nothing after the last record, which is no error', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a']));
    expect(await listOffset(T0 + 1)).toEqual({ error: 'NONE', offset: -1, timestamp: -1, leaderEpoch: -1 });
    expect(await listOffset(-3, 11, {})).toMatchObject({ offset: 0 });
  });

  it('knows special times only from the version that brought them', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const seen = [];
    for (const [timestamp, version] of [
      [-3, 6],
      [-3, 7],
      [-4, 7],
      [-4, 8],
      [-5, 8],
      [-5, 9],
      [-6, 10],
      [-6, 11],
      [-7, 11],
    ]) {
      seen.push(`${timestamp} v${version} ${(await listOffset(timestamp, version)).error}`);
    }
    expect(seen).toEqual([
      '-3 v6 UNSUPPORTED_VERSION',
      '-3 v7 NONE',
      '-4 v7 UNSUPPORTED_VERSION',
      '-4 v8 NONE',
      '-5 v8 UNSUPPORTED_VERSION',
      '-5 v9 NONE',
      '-6 v10 UNSUPPORTED_VERSION',
      '-6 v11 NONE',
      '-7 v11 UNSUPPORTED_VERSION',
    ]);
  });

  it('leads to damage where the answer would lie, which a fetch tells of, and the connection lives', async () => {
    scene = await Scene.start({ topics: { t: 2 }, config: { 'log.index.interval.bytes': 0 } });
    for (let index = 0; index < 5; index++) {
      for (const partition of [0, 1]) {
        await scene.produce('t', batchOf([`${index}`], { timestamp: T0 + index }), { partition });
      }
    }
    const { disk } = scene;
    await scene.close();
    const file = disk.openSync('/data/t-0/00000000000000000000.log', { create: false });
    file.writeSync([Buffer.from([9])], 16);
    file.close();
    scene = await Scene.start({ disk });
    const client = await scene.client();
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: T0 }));
    const { topics } = await client.send(
      Apis.ListOffsets,
      11,
      { replicaId: -1, topics: [{ name: 't', partitions }] },
      { timeoutMs: 1000 },
    );
    expect(topics[0].partitions.map(({ errorCode, offset }) => [errorByCode(errorCode).name, offset])).toEqual([
      ['NONE', 0],
      ['NONE', 0],
    ]);
    for (const [partition, error] of ['CORRUPT_MESSAGE', 'NONE'].entries()) {
      const asked = { partition, fetchOffset: 0, partitionMaxBytes: 1000 };
      const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions: [asked] }] };
      const { responses } = await scene.send(Apis.Fetch, body, 12);
      expect(errorByCode(responses[0].partitions[0].errorCode).name).toBe(error);
    }
    expect(client.isClosed).toBe(false);
  });

  it('refuses a partition that is named twice, also under its topic named twice, and answers no topic without partitions', async () => {
    scene = await Scene.start({ topics: { t: 2 } });
    const at = (partitionIndex: number) => ({ partitionIndex, timestamp: -1 });
    const asked = [
      { name: 't', partitions: [at(0)] },
      { name: 'none', partitions: [] },
      { name: 't', partitions: [at(0), at(1)] },
    ];
    const { topics } = await scene.send(Apis.ListOffsets, { replicaId: -1, topics: asked }, 7);
    const told = topics.map(({ name, partitions }) => [name, partitions.map(({ errorCode }) => errorCode)]);
    expect(told).toEqual([['t', [Errors.INVALID_REQUEST.code, 0]]]);
  });

  it('refuses unknown topics and wrong leader epochs', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    expect((await listOffset(-1, 11, { topic: 'nosuch' })).error).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect((await listOffset(-1, 11, { currentLeaderEpoch: 3 })).error).toBe('UNKNOWN_LEADER_EPOCH');
  });
});

describe('OffsetForLeaderEpoch', () => {
  it.each([2, 3, 4])('version %d says where an epoch ended', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.produce('t', batchOf(['a', 'b']));
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    await scene.produce('t', batchOf(['c']));
    const ask = async (leaderEpoch: number) => {
      const topics = [{ topic: 't', partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch: -1 }] }];
      const [{ partitions }] = (await scene.send(Apis.OffsetForLeaderEpoch, { topics }, version)).topics;
      return [partitions[0].errorCode, partitions[0].leaderEpoch, partitions[0].endOffset];
    };
    expect([await ask(-1), await ask(0), await ask(1), await ask(2), await ask(5)]).toEqual([
      [0, -1, -1],
      [0, 0, 2],
      [0, 0, 2],
      [0, 2, 3],
      [0, -1, -1],
    ]);
  });
});

describe('InitProducerId', () => {
  it.each([0, 1, 2, 3, 4, 5])('version %d gives an id that nobody else has', async (version) => {
    scene = await Scene.start();
    const ids = [];
    for (let round = 0; round < 3; round++) {
      const { errorCode, producerId, producerEpoch } = await scene.send(
        Apis.InitProducerId,
        { transactionalId: null, transactionTimeoutMs: 1 },
        version,
      );
      expect([errorCode, producerEpoch]).toEqual([0, 0]);
      ids.push(producerId);
    }
    expect(new Set(ids).size).toBe(3);
  });

  it('never repeats an id after a restart', async () => {
    scene = await Scene.start();
    const ask = async () =>
      (await scene.send(Apis.InitProducerId, { transactionalId: null, transactionTimeoutMs: 1 })).producerId;
    const before = await ask();
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    expect(await ask()).toBe(before + 1000);
  });
});
