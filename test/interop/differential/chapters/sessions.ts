/** Fetch sessions, by name and by id: what is told again, what is forgotten, what is refused. */
import { Apis, type FetchResponse, type MetadataResponse } from '#protocol';
import type { Fields, Value } from '../loose-encoder.ts';
import type { Question } from '../question.ts';
import type { Chapter } from './chapter.ts';
import { batchOf, createTopics, produce, step } from './steps.ts';

interface Fetched {
  readonly epoch: number;
  readonly session?: Value;
  /** `topic-partition@offset` */
  readonly asked?: readonly string[];
  readonly forgotten?: readonly string[];
  readonly version?: number;
  readonly maxBytes?: number;
}

/** The session that the answer names is `word` from then on. */
function fetch(byId: boolean, change: string, fetched: Fetched, word?: string): Question {
  const { epoch, session = 0, asked = [], forgotten = [], version = byId ? 17 : 12, maxBytes = 1_000_000 } = fetched;
  const body: Fields = {
    maxWaitMs: 5,
    minBytes: 1,
    maxBytes,
    sessionId: session,
    sessionEpoch: epoch,
    topics: asked.map(askedTopic),
    forgottenTopicsData: forgotten.map((text) => {
      const [topic, partition] = text.split('-');
      return { topic, topicId: `@id:${topic}`, partitions: [Number(partition)] };
    }),
  };
  const learn = ({ sessionId }: FetchResponse, words: Map<string, Value>) => words.set(word!, sessionId);
  return step(
    `${byId ? 'by id' : 'by name'}: ${change}`,
    Apis.Fetch,
    version,
    body,
    word === undefined ? {} : { learn },
  );
}

function askedTopic(text: string): Fields {
  const [, topic, partition, fetchOffset] = /^(.*)-(\d+)@(-?\d+)$/.exec(text)!;
  const partitions = [{ partition: Number(partition), fetchOffset: Number(fetchOffset), partitionMaxBytes: 1_000_000 }];
  return { topic, topicId: topic === 'nowhere' ? '@unknown-id' : `@id:${topic}`, partitions };
}

function life(byId: boolean): Question[] {
  const [one, two] = byId ? ['id.one', 'id.two'] : ['name.one', 'name.two'];
  const session = byId ? '@id-session' : '@name-session';
  const numbered = (number: number) => `@${number}-${session.slice(1)}`;
  const ask = (change: string, fetched: Fetched) => fetch(byId, change, { session, ...fetched });
  const all = [`${one}-0@0`, `${one}-1@0`, `${two}-0@0`];
  return [
    ...createTopics({ [one]: { partitions: 2 }, [two]: {} }),
    fetch(byId, 'begins', { epoch: 0, asked: all }, session),
    ask('nothing new', { epoch: 1 }),
    produce(one, batchOf(), 'a batch', 1),
    ask('a batch', { epoch: 2 }),
    ask('the same batch', { epoch: 3 }),
    ask('after the batch', { epoch: 4, asked: [`${one}-1@1`] }),
    ask('an epoch again', { epoch: 4 }),
    ask('a later epoch', { epoch: 9 }),
    ask('an unknown session', { epoch: 1, session: 77 }),
    ask('the other kind', { epoch: 5, version: byId ? 12 : 17 }),
    ask('the right epoch', { epoch: 5 }),
    ask('out of range', { epoch: 6, asked: [`${one}-0@9`] }),
    ask('still out of range', { epoch: 7 }),
    ask('in range again', { epoch: 8, asked: [`${one}-0@0`] }),
    ask('an unknown topic', { epoch: 9, asked: ['nowhere-0@0'] }),
    ask('still unknown', { epoch: 10 }),
    ask('an unknown partition', { epoch: 11, asked: [`${two}-5@0`] }),
    ask('forgotten', { epoch: 12, forgotten: [`${two}-5`, `${two}-0`, `${two}-7`] }),
    produce(two, batchOf(), 'to a forgotten partition'),
    ask('nothing of what was forgotten', { epoch: 13 }),
    ask('remembered', { epoch: 14, asked: [`${two}-0@1`] }),
    ask('forgotten and asked', { epoch: 15, asked: [`${two}-0@0`], forgotten: [`${two}-0`] }),
    step(`delete ${two}`, Apis.DeleteTopics, 4, { topicNames: [two], timeoutMs: 30_000 }),
    gone(two),
    ask('a topic that was deleted', { epoch: 16, asked: [`${two}-0@0`] }),
    ask('still deleted', { epoch: 17 }),
    fetch(byId, 'begins anew', { epoch: 0, session, asked: [`${one}-0@0`] }, numbered(2)),
    ask('the old session', { epoch: 18 }),
    fetch(byId, 'all forgotten', { epoch: 1, session: numbered(2), forgotten: [`${one}-0`] }),
    fetch(byId, 'closed by that', { epoch: 2, session: numbered(2) }),
    fetch(byId, 'begins with nothing', { epoch: 0 }, numbered(3)),
    fetch(byId, 'goes on with nothing', { epoch: 1, session: numbered(3) }),
    fetch(byId, 'begins', { epoch: 0, asked: [`${one}-0@0`] }, numbered(4)),
    fetch(byId, 'ends', { epoch: -1, session: numbered(4), asked: [`${one}-1@0`] }),
    fetch(byId, 'ended', { epoch: 1, session: numbered(4) }),
    ...recreated(byId),
    ...rotation(byId),
  ];
}

/** The same name, another id. */
function recreated(byId: boolean): Question[] {
  const topic = byId ? 'id.again' : 'name.again';
  const session = byId ? '@id-again-session' : '@name-again-session';
  return [
    ...createTopics({ [topic]: {} }),
    produce(topic, batchOf(), 'a batch'),
    fetch(byId, 'a topic', { epoch: 0, asked: [`${topic}-0@0`] }, session),
    step(`delete ${topic}`, Apis.DeleteTopics, 4, { topicNames: [topic], timeoutMs: 30_000 }),
    gone(topic),
    fetch(byId, 'a topic, deleted', { epoch: 1, session }),
    ...createTopics({ [topic]: {} }),
    fetch(byId, 'a topic, made again', { epoch: 2, session }),
    fetch(byId, 'a topic, made again, from its start', { epoch: 3, session, asked: [`${topic}-0@0`] }),
  ];
}

/** Who was served goes to the end. */
function rotation(byId: boolean): Question[] {
  const topic = byId ? 'id.turn' : 'name.turn';
  const session = byId ? '@id-turn-session' : '@name-turn-session';
  return [
    ...createTopics({ [topic]: { partitions: 3 } }),
    ...[0, 1, 2].map((partition) =>
      produce(topic, batchOf({ values: ['x'.repeat(1000)] }), `to ${partition}`, partition),
    ),
    fetch(
      byId,
      'one has turn 0',
      { epoch: 0, maxBytes: 100, asked: [0, 1, 2].map((at) => `${topic}-${at}@0`) },
      session,
    ),
    ...[1, 2, 3, 4, 5].map((epoch) => fetch(byId, `one has turn ${epoch}`, { epoch, session, maxBytes: 100 })),
  ];
}

function gone(topic: string): Question {
  return step(
    `${topic} is gone`,
    Apis.Metadata,
    9,
    { topics: [{ name: topic }], allowAutoTopicCreation: false },
    {
      isSettled: ({ topics }: MetadataResponse) => topics[0].errorCode === 3,
    },
  );
}

export const sessions: Chapter = {
  name: 'sessions',
  scenery: [],
  lattices: [],
  conversations: [...life(false), ...life(true)],
};
