/** Requests of one connection: who may overtake whom. */
import { describe, expect, test } from '@jest/globals';
import { type Api, Apis } from '#protocol';
import type { RequestContext } from '../../../src/broker/server/request-context.ts';
import { encodedRequest, requestBytes } from '../scene.ts';
import { ConnectionScene } from './scene.ts';

const apis = Object.values<Api>(Apis);
const isProduce = (api: Api) => api === Apis.Produce;

function request(api: Api, id: number): Buffer {
  return encodedRequest(api, api.maxVersion, {}, id);
}

const produce = (id: number) => request(Apis.Produce, id);
const other = (id: number) => request(Apis.Metadata, id);
/** A Metadata request whose array is longer than its bytes. */
const broken = (id: number) => requestBytes(Apis.Metadata.key, 1, Buffer.from('7fffffff', 'hex'), id);
const brokenProduce = (id: number) => requestBytes(Apis.Produce.key, 3, Buffer.from('7fff', 'hex'), id);

describe('a request that comes while another one waits', () => {
  test.each(apis)(
    'of $name begins when that is answered, whatever it is, but for produce after produce',
    async (first) => {
      const scene = await ConnectionScene.start();
      let id = 0;
      for (const second of apis) {
        id += 2;
        await scene.send(request(first, id), request(second, id + 1));
        const isTogether = isProduce(first) && isProduce(second);
        expect([second.name, scene.begunIds.slice(id - 2)]).toEqual([second.name, isTogether ? [id, id + 1] : [id]]);
        if (isTogether) scene.begun[id - 1].reply({});
        await scene.clock.settle();
        expect(scene.client.correlationIds).toHaveLength(id - 2);
        scene.begun[id - 2].reply({});
        await scene.clock.settle();
        if (!isTogether) scene.begun[id - 1].reply({});
        await scene.clock.settle();
        expect(scene.client.correlationIds.slice(id - 2)).toEqual([id, id + 1]);
      }
      expect(scene.book.lines).toEqual([]);
    },
  );
});

describe('produce requests', () => {
  test('wait together up to five; the sixth begins when the oldest is answered', async () => {
    const scene = await ConnectionScene.start();
    await scene.send(...[1, 2, 3, 4, 5, 6, 7].map(produce));
    expect(scene.begunIds).toEqual([1, 2, 3, 4, 5]);
    scene.begun[1].reply({});
    await scene.clock.settle();
    expect([scene.begunIds, scene.client.correlationIds]).toEqual([[1, 2, 3, 4, 5], []]);
    scene.begun[0].reply({});
    await scene.clock.settle();
    expect([scene.begunIds, scene.client.correlationIds]).toEqual([
      [1, 2, 3, 4, 5, 6, 7],
      [1, 2],
    ]);
  });

  test('are answered in their order in whatever order they are done', async () => {
    const scene = await ConnectionScene.start();
    await scene.send(...[1, 2, 3, 4, 5].map(produce), other(6));
    for (const index of [4, 2, 3, 1]) scene.begun[index].reply({});
    await scene.clock.settle();
    expect(scene.client.correlationIds).toEqual([]);
    scene.begun[0].reply({});
    await scene.clock.settle();
    expect([scene.client.correlationIds, scene.begunIds.at(-1)]).toEqual([[1, 2, 3, 4, 5], 6]);
  });

  test('without an answer (acks=0) keep their place among the others', async () => {
    const scene = await ConnectionScene.start();
    await scene.send(...[1, 2, 3].map(produce), other(4));
    scene.begun[1].replyNothing();
    scene.begun[2].reply({});
    await scene.clock.settle();
    expect([scene.client.correlationIds, scene.begunIds]).toEqual([[], [1, 2, 3]]);
    scene.begun[0].reply({});
    await scene.clock.settle();
    expect([scene.client.correlationIds, scene.begunIds]).toEqual([
      [1, 3],
      [1, 2, 3, 4],
    ]);
  });

  test('that cannot be answered with an error (acks=0) end the connection after what was asked before', async () => {
    const scene = await ConnectionScene.start();
    await scene.send(...[1, 2, 3].map(produce), other(4));
    let abandonedCount = 0;
    scene.begun[2].onAbandoned = () => abandonedCount++;
    scene.begun[1].abort('it failed');
    await scene.clock.settle();
    expect([scene.client.isClosed, abandonedCount]).toEqual([false, 1]);
    scene.begun[2].reply({});
    scene.begun[0].reply({});
    await scene.clock.settle();
    expect([scene.client.correlationIds, scene.client.isClosed, scene.begunIds]).toEqual([[1], true, [1, 2, 3]]);
    expect(scene.book.at('warn')).toEqual([expect.stringMatching(/closed: it failed/)]);
  });

  test.each([
    ['a request of another API that is damaged', broken],
    ['a produce request that is damaged', brokenProduce],
    ['bytes that are no request', () => Buffer.from('ffffffff', 'hex')],
  ])('are answered before the connection ends because of %s', async (_what, damaged) => {
    const scene = await ConnectionScene.start();
    await scene.send(produce(1), produce(2), damaged(3), other(4));
    expect(scene.client.isClosed).toBe(false);
    scene.begun[1].reply({});
    scene.begun[0].reply({});
    await scene.clock.settle();
    expect([scene.client.correlationIds, scene.client.isClosed, scene.begunIds]).toEqual([[1, 2], true, [1, 2]]);
    expect(scene.book.at('warn')).toHaveLength(1);
    expect([scene.closedCount, scene.clock.pendingTimerCount]).toEqual([1, 0]);
  });
});

describe('a muted connection', () => {
  test('answers the produce requests that were begun, in order, and begins the next ones when its time is over', async () => {
    const mute = (context: RequestContext) => {
      if (context.correlationId === 2) context.mute(100);
    };
    const scene = await ConnectionScene.start({ begin: mute });
    await scene.send(...[1, 2, 3].map(produce), other(4));
    expect(scene.begunIds).toEqual([1, 2]);
    scene.begun[1].reply({});
    scene.begun[0].reply({});
    await scene.clock.settle();
    expect([scene.client.correlationIds, scene.begunIds]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    await scene.clock.advance(100);
    expect(scene.begunIds).toEqual([1, 2, 3]);
    scene.begun[2].reply({});
    await scene.clock.settle();
    expect(scene.begunIds).toEqual([1, 2, 3, 4]);
  });
});

describe('an error of ours while a request is answered', () => {
  test('ends the connection at once: nothing on it can be trusted', async () => {
    const scene = await ConnectionScene.start({
      begin: ({ correlationId }) => {
        if (correlationId === 2) throw new Error('a bug');
      },
    });
    await scene.send(produce(1), produce(2));
    expect([scene.client.isClosed, scene.client.correlationIds]).toEqual([true, []]);
    expect(scene.book.at('error')).toEqual([expect.stringMatching(/While answering Produce .* a bug/)]);
  });
});
