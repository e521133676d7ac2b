import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Errors } from '#protocol';
import { OffsetAndMetadata } from '#serde';
import type { KafkaConsumer } from '../../../src/client/consumer/index.ts';
import { FakeGroup } from './group-scene.ts';
import { commitAnswer, FakeBroker } from './scene.ts';

const T0 = { topic: 't', partition: 0 };

let broker: FakeBroker;

beforeEach(async () => {
  broker = await FakeBroker.start();
});

afterEach(() => broker.close());

function assigned(config: Record<string, unknown> = {}): KafkaConsumer<string, string> {
  const consumer = broker.consumer({ 'group.id': 'g', 'enable.auto.commit': false, ...config });
  consumer.assign([T0]);
  return consumer;
}

const upTo = (offset: number, metadata = '') => [[T0, new OffsetAndMetadata(offset, metadata, 3)]] as const;

/** Answers each OffsetCommit with the next of `codes`, then with success. */
function answerCommits(...codes: number[]): void {
  broker.on('OffsetCommit', (body) => {
    const code = codes.shift() ?? 0;
    return code === 0 ? broker.usual('OffsetCommit', body) : commitAnswer(body, code);
  });
}

describe('commitSync', () => {
  it('commits what poll has returned', async () => {
    broker.append('t', 0, ['a', 'b', 'c']);
    const consumer = assigned({ 'max.poll.records': 2 });
    await broker.during(consumer.poll(1_000));
    await broker.during(consumer.commitSync());
    expect(broker.committed.get('t-0')).toBe(2);
    expect(broker.requests('OffsetCommit')[0]).toMatchObject({
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
    });
  });

  it('commits offset, metadata and leader epoch as given', async () => {
    await broker.during(assigned().commitSync(upTo(5, 'note')));
    expect(broker.requests('OffsetCommit')[0].topics).toMatchObject([
      {
        name: 't',
        partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'note', committedLeaderEpoch: 3 }],
      },
    ]);
  });

  it.each([
    ['COORDINATOR_LOAD_IN_PROGRESS', Errors.COORDINATOR_LOAD_IN_PROGRESS],
    ['NOT_COORDINATOR', Errors.NOT_COORDINATOR],
    ['COORDINATOR_NOT_AVAILABLE', Errors.COORDINATOR_NOT_AVAILABLE],
    ['UNKNOWN_TOPIC_OR_PARTITION', Errors.UNKNOWN_TOPIC_OR_PARTITION],
  ])('tries again after %s', async (_name, error) => {
    answerCommits(error.code, error.code);
    await broker.during(assigned().commitSync(upTo(5)));
    expect(broker.committed.get('t-0')).toBe(5);
    expect(broker.requests('OffsetCommit')).toHaveLength(3);
  });

  it('looks for the coordinator again when it was told that it is none', async () => {
    answerCommits(Errors.NOT_COORDINATOR.code);
    await broker.during(assigned().commitSync(upTo(5)));
    expect(broker.requests('FindCoordinator')).toHaveLength(2);
  });

  it('gives up at its timeout with the last error', async () => {
    answerCommits(...Array.from({ length: 100 }, () => Errors.COORDINATOR_LOAD_IN_PROGRESS.code));
    await expect(broker.during(assigned().commitSync(upTo(5), 1_000))).rejects.toMatchObject({
      code: 'COORDINATOR_LOAD_IN_PROGRESS',
    });
  });

  it.each([
    ['OFFSET_METADATA_TOO_LARGE', Errors.OFFSET_METADATA_TOO_LARGE, 'OFFSET_METADATA_TOO_LARGE'],
    ['GROUP_AUTHORIZATION_FAILED', Errors.GROUP_AUTHORIZATION_FAILED, 'GROUP_AUTHORIZATION_FAILED'],
    ['REBALANCE_IN_PROGRESS', Errors.REBALANCE_IN_PROGRESS, 'REBALANCE_IN_PROGRESS'],
    ['ILLEGAL_GENERATION', Errors.ILLEGAL_GENERATION, 'COMMIT_FAILED'],
    ['UNKNOWN_MEMBER_ID', Errors.UNKNOWN_MEMBER_ID, 'COMMIT_FAILED'],
    ['FENCED_INSTANCE_ID', Errors.FENCED_INSTANCE_ID, 'COMMIT_FAILED'],
  ])('does not try again after %s', async (_name, error, code) => {
    answerCommits(error.code);
    await expect(broker.during(assigned().commitSync(upTo(5)))).rejects.toMatchObject({ code, retriable: false });
    expect(broker.requests('OffsetCommit')).toHaveLength(1);
  });

  it('needs a group, and says so', async () => {
    const consumer = broker.consumer();
    consumer.assign([T0]);
    await expect(consumer.commitSync(upTo(1))).rejects.toThrow(/set group.id/);
    expect(() => consumer.subscribe(['t'])).toThrow(/set group.id/);
    expect(() => consumer.commitAsync(upTo(1))).toThrow(/set group.id/);
  });
});

describe('commitAsync', () => {
  it('sends commits in the order of the calls, without waiting for answers, and calls back in that order', async () => {
    const consumer = assigned();
    const ended: string[] = [];
    const callback = (name: string) => (_offsets: unknown, error: unknown) => ended.push(`${name} ${error === null}`);
    answerCommits(0, Errors.COORDINATOR_LOAD_IN_PROGRESS.code);
    consumer.commitAsync(upTo(1), callback('first'));
    consumer.commitAsync(upTo(2), callback('second'));
    consumer.commitAsync(upTo(3), callback('third'));
    await broker.clock.advance(1_000);
    expect(ended).toEqual(['first true', 'second false', 'third true']);
    const offsets = broker.requests('OffsetCommit').map(({ topics }) => topics[0].partitions[0].committedOffset);
    expect(offsets).toEqual([1, 2, 3]);
  });

  it('is overtaken by no later commitSync', async () => {
    const consumer = assigned();
    const order: string[] = [];
    consumer.commitAsync(upTo(1), () => order.push('async'));
    await broker.during(consumer.commitSync(upTo(2)));
    order.push('sync');
    expect(order).toEqual(['async', 'sync']);
    expect(broker.committed.get('t-0')).toBe(2);
  });

  it('waits for a commitSync that is still being tried, so that a late retry undoes nothing', async () => {
    const consumer = assigned();
    answerCommits(Errors.COORDINATOR_LOAD_IN_PROGRESS.code);
    const sync = consumer.commitSync(upTo(1));
    consumer.commitAsync(upTo(2));
    await broker.during(sync);
    await broker.clock.advance(1_000);
    expect(broker.committed.get('t-0')).toBe(2);
  });
});

describe('committed', () => {
  it('tells null for a partition without offset', async () => {
    broker.topics.set('t', 2);
    broker.committed.set('t-0', 4);
    const found = await broker.during(assigned().committed([T0, { topic: 't', partition: 1 }]));
    expect([...found].map(([partition, offset]) => `${partition}:${offset?.offset ?? null}`)).toEqual([
      't-0:4',
      't-1:null',
    ]);
  });

  it('waits while a transaction has offsets pending', async () => {
    let isPending = true;
    broker.committed.set('t-0', 4);
    broker.on('OffsetFetch', async (body) => {
      const answer = await broker.usual('OffsetFetch', body);
      const [partition] = answer.groups![0].topics![0].partitions!;
      if (isPending) Object.assign(partition, { errorCode: Errors.UNSTABLE_OFFSET_COMMIT.code });
      isPending = false;
      return answer;
    });
    const found = await broker.during(assigned().committed([T0]));
    expect(found.get(T0)?.offset).toBe(4);
    expect(broker.requests('OffsetFetch')[0].requireStable).toBe(true);
  });
});

describe('auto commit', () => {
  const auto = { 'enable.auto.commit': true, 'auto.commit.interval.ms': 1_000 };

  it('happens at the poll after the interval, with what earlier polls returned', async () => {
    broker.append('t', 0, ['a', 'b']);
    const consumer = assigned({ ...auto, 'max.poll.records': 1 });
    await broker.during(consumer.poll(500));
    await broker.clock.advance(5_000);
    expect(broker.requests('OffsetCommit')).toHaveLength(0);
    await broker.during(consumer.poll(500));
    expect(broker.committed.get('t-0')).toBe(1);
  });

  it('is made once more by close', async () => {
    broker.append('t', 0, ['a', 'b']);
    const consumer = assigned(auto);
    await broker.during(consumer.poll(500));
    await broker.during(consumer.close());
    expect(broker.committed.get('t-0')).toBe(2);
  });

  it('is off without a group, and refused where it was asked for', () => {
    expect(() => broker.consumer({ 'enable.auto.commit': true })).toThrow(/needs a group.id/);
    expect(() => broker.consumer()).not.toThrow();
  });
});

describe('a member of a group', () => {
  it('does not commit while the group rebalances: it is told to poll first', async () => {
    const group = new FakeGroup(broker);
    const consumer = broker.consumer({
      'group.id': 'g',
      'enable.auto.commit': false,
      'partition.assignment.strategy': 'cooperative-sticky',
      'heartbeat.interval.ms': 500,
    });
    consumer.subscribe(['t']);
    while (consumer.assignment().length === 0) await broker.during(consumer.poll(100));
    await broker.during(consumer.commitSync(upTo(1)));
    expect(broker.requests('OffsetCommit')[0]).toMatchObject({ generationIdOrMemberEpoch: 1, memberId: 'member-1' });
    let finish = () => {};
    broker.on('JoinGroup', () => new Promise((resolve) => (finish = () => resolve(undefined))));
    group.rebalance();
    await broker.clock.advance(500);
    await broker.during(consumer.poll(100));
    await expect(broker.during(consumer.commitSync(upTo(2)))).rejects.toMatchObject({ code: 'REBALANCE_IN_PROGRESS' });
    expect(broker.requests('OffsetCommit')).toHaveLength(1);
    finish();
  });
});
