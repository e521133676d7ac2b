import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors } from '#protocol';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

interface Asked {
  readonly session?: number;
  readonly epoch: number;
  /** Topic, partition, offset. */
  readonly asked?: readonly (readonly [string, number, number])[];
  readonly forgotten?: readonly (readonly [string, number])[];
  readonly maxBytes?: number;
  readonly maxWaitMs?: number;
  readonly version?: number;
}

/** What the answer tells: `topic-partition` with the count of bytes or the error. */
async function ask({ session = 0, epoch, version = 12, maxWaitMs = 0, maxBytes = 1_000_000, ...rest }: Asked) {
  const topics = (rest.asked ?? []).map(([topic, partition, fetchOffset]) => ({
    topic,
    partitions: [{ partition, fetchOffset, partitionMaxBytes: 1_000_000 }],
  }));
  const forgottenTopicsData = (rest.forgotten ?? []).map(([topic, partition]) => ({ topic, partitions: [partition] }));
  const body = {
    sessionId: session,
    sessionEpoch: epoch,
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    topics,
    forgottenTopicsData,
  };
  const client = await scene.client();
  const { errorCode, sessionId, responses } = await client.send(Apis.Fetch, version, body, { timeoutMs: 600_000 });
  const told = responses.flatMap(({ topic, partitions }) =>
    partitions.map(({ partitionIndex, errorCode: code, records }) => {
      const what = code === 0 ? ((records?.length ?? 0) > 0 ? 'records' : 'places') : `error ${code}`;
      return `${topic}-${partitionIndex} ${what}`;
    }),
  );
  return { errorCode, sessionId, told };
}

async function begin(asked: Asked['asked']): Promise<number> {
  const { sessionId } = await ask({ epoch: 0, asked: asked! });
  expect(sessionId).toBeGreaterThan(0);
  return sessionId;
}

describe('a fetch session', () => {
  it('tells everything at first, and then what changed', async () => {
    scene = await Scene.start({ topics: { a: 2, b: 1 } });
    const first = await ask({
      epoch: 0,
      asked: [
        ['a', 0, 0],
        ['a', 1, 0],
        ['b', 0, 0],
      ],
    });
    expect(first.told).toEqual(['a-0 places', 'a-1 places', 'b-0 places']);
    const session = first.sessionId;
    expect((await ask({ session, epoch: 1 })).told).toEqual([]);
    await scene.produce('a', batchOf(['x']), { partition: 1 });
    expect((await ask({ session, epoch: 2 })).told).toEqual(['a-1 records']);
    expect((await ask({ session, epoch: 3, asked: [['a', 1, 1]] })).told).toEqual([]);
    await scene.send(Apis.DeleteRecords, { topics: [{ name: 'a', partitions: [{ partitionIndex: 1, offset: 1 }] }] });
    expect((await ask({ session, epoch: 4 })).told).toEqual(['a-1 places']);
  });

  it('adds partitions, and forgets them', async () => {
    scene = await Scene.start({ topics: { a: 1, b: 1 } });
    const session = await begin([['a', 0, 0]]);
    expect((await ask({ session, epoch: 1, asked: [['b', 0, 0]] })).told).toEqual(['b-0 places']);
    await scene.produce('a', batchOf(['x']));
    await scene.produce('b', batchOf(['x']));
    expect((await ask({ session, epoch: 2, forgotten: [['a', 0]] })).told).toEqual(['b-0 records']);
  });

  it('repeats an error until it ends, and tells its end', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const session = await begin([['a', 0, 0]]);
    const range = `a-0 error ${Errors.OFFSET_OUT_OF_RANGE.code}`;
    expect((await ask({ session, epoch: 1, asked: [['a', 0, 5]] })).told).toEqual([range]);
    expect((await ask({ session, epoch: 2 })).told).toEqual([range]);
    expect((await ask({ session, epoch: 3, asked: [['a', 0, 0]] })).told).toEqual(['a-0 places']);
    expect((await ask({ session, epoch: 4 })).told).toEqual([]);
  });

  it('is one of another number or another epoch for nobody', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const session = await begin([['a', 0, 0]]);
    const codes = [];
    for (const [number, epoch] of [
      [session + 1, 1],
      [session, 2],
      [session, -2],
      [session, 1],
    ])
      codes.push((await ask({ session: number, epoch })).errorCode);
    const { FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, NONE } = Errors;
    const expected = [FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, INVALID_FETCH_SESSION_EPOCH, NONE];
    expect(codes).toEqual(expected.map(({ code }) => code));
  });

  it('does not mix topic ids and names', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const session = await begin([['a', 0, 0]]);
    const { errorCode } = await ask({ session, epoch: 1, version: 13 });
    expect(errorCode).toBe(Errors.FETCH_SESSION_TOPIC_ID_ERROR.code);
  });

  it('ends with a full fetch, and with its last partition', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const first = await begin([['a', 0, 0]]);
    expect(await ask({ session: first, epoch: -1, asked: [['a', 0, 0]] })).toMatchObject({
      sessionId: 0,
      told: ['a-0 places'],
    });
    const second = await begin([['a', 0, 0]]);
    expect(await ask({ session: second, epoch: 1, forgotten: [['a', 0]] })).toMatchObject({ sessionId: 0, told: [] });
    for (const session of [first, second])
      expect((await ask({ session, epoch: 2 })).errorCode).toBe(Errors.FETCH_SESSION_ID_NOT_FOUND.code);
  });

  it('gives each partition its turn, however few bytes fit', async () => {
    scene = await Scene.start({ topics: { a: 3 } });
    for (const partition of [0, 1, 2]) await scene.produce('a', batchOf(['x'.repeat(500)]), { partition });
    const all = [0, 1, 2].map((partition) => ['a', partition, 0] as const);
    const { sessionId: session, told } = await ask({ epoch: 0, asked: all, maxBytes: 1 });
    const served = [told.find((text) => text.endsWith('records'))];
    for (const epoch of [1, 2, 3])
      served.push((await ask({ session, epoch, maxBytes: 1 })).told.find((text) => text.endsWith('records')));
    expect(served).toEqual(['a-0 records', 'a-0 records', 'a-1 records', 'a-2 records']);
  });

  it('waits while there is nothing new, and is woken by a record', async () => {
    scene = await Scene.start({ topics: { a: 2 } });
    const session = await begin([
      ['a', 0, 0],
      ['a', 1, 0],
    ]);
    const fetching = ask({ session, epoch: 1, maxWaitMs: 60_000 });
    await scene.clock.settle();
    await scene.produce('a', batchOf(['x']), { partition: 1 });
    expect((await fetching).told).toEqual(['a-1 records']);
  });

  it('whose client went on over another connection answers the fetch left behind with an error', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const session = await begin([['a', 0, 0]]);
    const leftBehind = ask({ session, epoch: 1, maxWaitMs: 60_000 });
    await scene.clock.settle();
    const goingOn = ask({ session, epoch: 2, maxWaitMs: 60_000 });
    await scene.clock.settle();
    await scene.produce('a', batchOf(['x']));
    const { errorCode, sessionId, told } = await leftBehind;
    expect([errorCode, sessionId, told]).toEqual([Errors.INVALID_FETCH_SESSION_EPOCH.code, session, []]);
    expect((await goingOn).told).toEqual(['a-0 records']);
  });

  it('says that a topic is another one of the same name', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const topics = [
      { topicId: await scene.topicId('a'), partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 9 }] },
    ];
    const begun = await scene.send(Apis.Fetch, { sessionEpoch: 0, maxWaitMs: 0, minBytes: 0, topics }, 17);
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 'a' }], timeoutMs: 1000 });
    const again = async (sessionEpoch: number) => {
      const body = { sessionId: begun.sessionId, sessionEpoch, maxWaitMs: 0, minBytes: 0, topics: [] };
      return (await scene.send(Apis.Fetch, body, 17)).responses[0].partitions[0].errorCode;
    };
    expect(await again(1)).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
    await scene.createTopics({ a: 1 });
    expect(await again(2)).toBe(Errors.INCONSISTENT_TOPIC_ID.code);
  });
});

describe('max.incremental.fetch.session.cache.slots', () => {
  it('0 gives sessions to nobody', async () => {
    scene = await Scene.start({ topics: { a: 1 }, config: { 'max.incremental.fetch.session.cache.slots': 0 } });
    expect(await ask({ epoch: 0, asked: [['a', 0, 0]] })).toMatchObject({ errorCode: 0, sessionId: 0 });
  });

  it('used up: a session that was silent for two minutes makes room', async () => {
    scene = await Scene.start({ topics: { a: 1 }, config: { 'max.incremental.fetch.session.cache.slots': 1 } });
    const session = await begin([['a', 0, 0]]);
    expect((await ask({ epoch: 0, asked: [['a', 0, 0]] })).sessionId).toBe(0);
    await scene.clock.advance(120_001);
    await begin([['a', 0, 0]]);
    expect((await ask({ session, epoch: 1 })).errorCode).toBe(Errors.FETCH_SESSION_ID_NOT_FOUND.code);
  });
});
