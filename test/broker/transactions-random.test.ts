/**
 * Producers with transactions on whole brokers that are killed, or whose power is cut, life after life. Each transaction writes its number
 * to both partitions and commits it as the offset of a group. Invariants:
 *
 *     all or nothing             what is committed is in both partitions, and in the group's offset
 *     an answer is kept          what was told to be committed is there, what was told to be aborted is not
 *     once and in order          no number of a producer is there twice, or before a lower one
 *     the last stable offset     goes only forward in a life, and never beyond a transaction that is open
 *     no marker lost             in the end nothing is open
 */
import { describe, expect, it } from '@jest/globals';
import { type Random, seededRandom } from '#core';
import { Apis } from '#protocol';
import { simulatedDisk } from '#storage';
import { Scene } from './scene.ts';
import { readValues, TestProducer } from './test-producer.ts';

const TOPIC = 't';
const LIVES = 4;
const SEEDS = Array.from({ length: Number(process.env.SEEDS ?? 8) }, (_, seed) => seed);
const IDS = [
  { id: 'old', version: 1 },
  { id: 'new', version: 2 },
  { id: 'other', version: 2 },
] as const;
const config = {
  'transaction.state.log.num.partitions': 2,
  'offsets.topic.num.partitions': 2,
  'log.segment.bytes': 1024 * 1024,
};

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What became of each number of a transactional id, as its client was told: undefined when it died before it knew. */
class Story {
  readonly outcomes: ('commit' | 'abort' | undefined)[] = [];
}

/** Transactions one after another, until anything is refused or the connection is lost. */
async function work(producer: TestProducer, story: Story, random: Random, isAlive: () => boolean): Promise<void> {
  const patiently = async (ask: () => Promise<string>) => {
    for (;;) {
      const answer = await ask();
      if (!isAlive()) return false;
      if (!/CONCURRENT|COORDINATOR/.test(answer)) return answer === 'NONE';
      await nextTurn();
    }
  };
  const { transactionalId: id, version } = producer;
  const group = `g-${id}`;
  if (!(await patiently(() => producer.init()))) return;
  for (;;) {
    const number = story.outcomes.length;
    story.outcomes.push(undefined);
    if (version === 1 && !(await patiently(() => producer.add(TOPIC, [0, 1])))) return;
    for (const partition of [0, 1])
      if (!(await patiently(() => producer.send(TOPIC, [`${id} ${number}`], { partition })))) return;
    if (version === 1 && !(await patiently(() => producer.addOffsets(group)))) return;
    if (!(await patiently(() => producer.commitOffset(group, TOPIC, number)))) return;
    const type = random.float() < 0.6 ? 'commit' : 'abort';
    if (!(await patiently(() => producer.end(type)))) return;
    story.outcomes[number] = type;
  }
}

async function stableOffset(scene: Scene, partition: number): Promise<number> {
  const partitions = [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: -1 }];
  const body = { replicaId: -1, isolationLevel: 1, topics: [{ name: TOPIC, partitions }] };
  const { topics } = await scene.send(Apis.ListOffsets, body, 7);
  return topics[0].partitions[0].offset;
}

/** The first offset of those that are open. */
async function firstOpen(scene: Scene, partition: number): Promise<number> {
  const topics = [{ name: TOPIC, partitionIndexes: [partition] }];
  const { activeProducers } = (await scene.send(Apis.DescribeProducers, { topics })).topics[0].partitions[0];
  const open = activeProducers
    .map(({ currentTxnStartOffset }) => currentTxnStartOffset)
    .filter((offset) => offset >= 0);
  return Math.min(Number.MAX_SAFE_INTEGER, ...open);
}

async function live(scene: Scene, stories: Map<string, Story>, random: Random): Promise<void> {
  let isOver = false;
  for (const { id, version } of IDS) {
    const producer = new TestProducer(scene, id, version);
    void work(producer, stories.get(id)!, random, () => !isOver).catch(() => {}); // the broker dies under it
  }
  let stable = 0;
  const steps = 100 + Math.floor(random.float() * 400);
  for (let step = 0; step < steps; step++) {
    await nextTurn();
    if (random.float() < 0.05) await scene.clock.advance(20);
    if (random.float() > 0.05) continue;
    const now = await stableOffset(scene, 0);
    expect(now).toBeGreaterThanOrEqual(stable);
    // What was open before and is open still begins behind what was stable before.
    expect(await firstOpen(scene, 0)).toBeGreaterThanOrEqual(now);
    stable = now;
  }
  isOver = true;
}

/** New clients begin with all ids, so nothing is open: then committed records and offsets must fit to what was told. */
async function check(scene: Scene, stories: Map<string, Story>): Promise<void> {
  for (const { id, version } of IDS) {
    const producer = new TestProducer(scene, id, version);
    for (let i = 0; (await producer.init()) !== 'NONE'; i++) {
      if (i > 200) throw new Error(`no marker lost: nobody can begin with ${id}`);
      await scene.clock.advance(50);
    }
  }
  const [first, second] = [await readValues(scene, TOPIC, 1, 0), await readValues(scene, TOPIC, 1, 1)];
  for (const { id } of IDS) {
    const numbersIn = (values: readonly string[]) =>
      values.filter((value) => value.startsWith(`${id} `)).map((value) => Number(value.split(' ')[1]));
    const numbers = numbersIn(first);
    expect(numbersIn(second)).toEqual(numbers);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    for (const [number, outcome] of stories.get(id)!.outcomes.entries())
      if (outcome !== undefined)
        expect([id, number, numbers.includes(number)]).toEqual([id, number, outcome === 'commit']);
    expect([id, await committedOffset(scene, `g-${id}`)]).toEqual([id, numbers.at(-1) ?? -1]);
  }
  for (const partition of [0, 1]) expect(await firstOpen(scene, partition)).toBe(Number.MAX_SAFE_INTEGER);
}

async function committedOffset(scene: Scene, groupId: string): Promise<number> {
  const topics = [{ name: TOPIC, partitionIndexes: [0] }];
  for (let i = 0; i < 100; i++) {
    const { groups } = await scene.send(Apis.OffsetFetch, { groups: [{ groupId, topics }], requireStable: true }, 9);
    const [{ errorCode, topics: answered }] = groups;
    if (errorCode === 0 && answered[0].partitions[0].errorCode === 0) return answered[0].partitions[0].committedOffset;
    await scene.clock.advance(50);
  }
  throw new Error(`the offset of ${groupId} never became stable`);
}

describe('transactions on a broker that dies and comes back', () => {
  it.each(SEEDS)('keep every invariant (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const stories = new Map(IDS.map(({ id }) => [id as string, new Story()]));
    let disk = simulatedDisk(seed);
    for (let life = 0; life < LIVES; life++) {
      const scene = await Scene.start({ disk, config });
      if (life === 0) await scene.createTopics({ [TOPIC]: 2 });
      await scene.send(Apis.FindCoordinator, { coordinatorKeys: ['g'] });
      if (life > 0) await check(scene, stories);
      await live(scene, stories, random);
      disk = random.float() < 0.5 ? disk.crash(random.uint32()) : disk.kill();
    }
    const scene = await Scene.start({ disk, config });
    await check(scene, stories);
    const told = [...stories.values()].flatMap(({ outcomes }) => outcomes.filter((outcome) => outcome !== undefined));
    expect(told.length).toBeGreaterThan(10);
    await scene.close();
  });
});
