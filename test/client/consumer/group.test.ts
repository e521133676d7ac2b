import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Errors } from '#protocol';
import type { TopicPartition } from '#serde';
import type { KafkaConsumer } from '../../../src/client/consumer/index.ts';
import { FakeGroup } from './group-scene.ts';
import { commitAnswer, FakeBroker } from './scene.ts';

let broker: FakeBroker;
let group: FakeGroup;
let events: string[];

const listener = {
  onPartitionsAssigned: (partitions: TopicPartition[]) => void events.push(`assigned ${partitions}`),
  onPartitionsRevoked: (partitions: TopicPartition[]) => void events.push(`revoked ${partitions}`),
  onPartitionsLost: (partitions: TopicPartition[]) => void events.push(`lost ${partitions}`),
};

const GROUP = { 'group.id': 'g', 'heartbeat.interval.ms': 1_000, 'session.timeout.ms': 6_000 };

beforeEach(async () => {
  broker = await FakeBroker.start();
  broker.topics.set('t', 3);
  group = new FakeGroup(broker);
  events = [];
});

afterEach(() => broker.close());

async function joined(config: Record<string, unknown> = {}): Promise<KafkaConsumer<string, string>> {
  const consumer = broker.consumer({ ...GROUP, ...config });
  consumer.subscribe(['t'], listener);
  await broker.during(pollUntil(consumer, () => consumer.assignment().length > 0));
  return consumer;
}

async function pollUntil(consumer: KafkaConsumer<string, string>, isDone: () => boolean): Promise<void> {
  while (!isDone()) await consumer.poll(100);
}

const heartbeats = () => broker.requests('Heartbeat').length;

describe('a member of a group', () => {
  it('joins with the member id it is given first, and tells its topics', async () => {
    const consumer = await joined();
    expect(group.hasGivenMemberId).toBe(true);
    expect(broker.requests('JoinGroup').map(({ memberId }) => memberId)).toEqual(['', 'member-1']);
    expect(group.lastSubscription()).toMatchObject({ topics: ['t'], ownedPartitions: [] });
    expect(consumer.groupMetadata()).toEqual({
      groupId: 'g',
      generationId: 1,
      memberId: 'member-1',
      groupInstanceId: null,
    });
    expect(events).toEqual(['assigned t-0,t-1,t-2']);
  });

  it('talks to its coordinator on a connection of its own, so that fetches do not hold it up', async () => {
    await joined();
    const connectionsOf = (api: string) =>
      new Set(broker.seen.filter((one) => one.api === api).map((one) => one.connection));
    const [fetching] = connectionsOf('Fetch');
    expect(connectionsOf('JoinGroup').has(fetching)).toBe(false);
  });

  it('sends heartbeats at their interval although the application does not poll', async () => {
    await joined();
    const before = heartbeats();
    await broker.clock.advance(10_000);
    expect(heartbeats() - before).toBe(10);
  });

  it('leaves when poll is not called for max.poll.interval.ms, and loses its partitions in the next poll', async () => {
    const consumer = await joined({ 'max.poll.interval.ms': 5_000 });
    await broker.clock.advance(4_900);
    expect(broker.requests('LeaveGroup')).toHaveLength(0);
    await broker.clock.advance(200);
    expect(broker.requests('LeaveGroup')[0].members).toMatchObject([{ memberId: 'member-1' }]);
    const before = heartbeats();
    await broker.clock.advance(5_000);
    expect(heartbeats()).toBe(before);
    events.length = 0;
    await broker.during(pollUntil(consumer, () => group.generationId === 2 && consumer.assignment().length > 0));
    expect(events).toEqual(['lost t-0,t-1,t-2', 'assigned t-0,t-1,t-2']);
  });

  it('stays a member while one poll waits for longer than max.poll.interval.ms', async () => {
    const consumer = await joined({ 'max.poll.interval.ms': 5_000 });
    await broker.during(consumer.poll(20_000), 20_000, 100);
    expect(broker.requests('LeaveGroup')).toHaveLength(0);
  });

  it('looks for its coordinator again when the connection breaks, and stays a member', async () => {
    const consumer = await joined();
    const before = heartbeats();
    broker.dropConnections();
    await broker.clock.advance(5_000);
    expect(heartbeats()).toBeGreaterThan(before + 2);
    expect(group.generationId).toBe(1);
    expect(consumer.assignment()).toHaveLength(3);
  });

  it('tells a static instance id, keeps quiet on close, and ends when it is fenced', async () => {
    const consumer = await joined({ 'group.instance.id': 'i-1' });
    expect(broker.requests('JoinGroup')[0].groupInstanceId).toBe('i-1');
    group.heartbeatErrorCode = Errors.FENCED_INSTANCE_ID.code;
    await broker.clock.advance(1_000);
    await expect(broker.during(consumer.poll(100))).rejects.toMatchObject({ code: 'FENCED_INSTANCE_ID' });
    await expect(broker.during(consumer.poll(100))).rejects.toThrow(/under this group.instance.id and has replaced/);
    await broker.during(consumer.close());
    expect(broker.requests('LeaveGroup')).toHaveLength(0);
  });

  it('commits, revokes and leaves on close', async () => {
    broker.append('t', 0, ['a', 'b']);
    const consumer = await joined();
    await broker.during(pollUntil(consumer, () => (consumer.metrics()['fetch.position.t-0'] ?? 0) === 2));
    events.length = 0;
    await broker.during(consumer.close());
    expect(events).toEqual(['revoked t-0,t-1,t-2']);
    expect(broker.committed.get('t-0')).toBe(2);
    const order = broker.seen.map(({ api }) => api).filter((api) => api === 'OffsetCommit' || api === 'LeaveGroup');
    expect(order.slice(-2)).toEqual(['OffsetCommit', 'LeaveGroup']);
  });

  it('leaves at once although the coordinator still holds back its join', async () => {
    const consumer = broker.consumer(GROUP);
    consumer.subscribe(['t']);
    broker.on('JoinGroup', ({ memberId }) =>
      memberId === ''
        ? { errorCode: Errors.MEMBER_ID_REQUIRED.code, memberId: 'm', protocolName: '' }
        : new Promise(() => {}),
    );
    await broker.during(consumer.poll(500));
    expect(broker.requests('JoinGroup')).toHaveLength(2);
    await broker.during(consumer.close({ timeoutMs: 2_000 }));
    expect(broker.requests('LeaveGroup')[0].members).toMatchObject([{ memberId: 'm' }]);
  });

  it('closes in time although the coordinator cannot be found any more', async () => {
    const consumer = await joined();
    broker.on('FindCoordinator', () => new Promise(() => {}));
    broker.dropConnections();
    await broker.clock.advance(3_000);
    const startMs = broker.clock.now().monotonicMs;
    await broker.during(consumer.close({ timeoutMs: 3_000 }));
    expect(broker.clock.now().monotonicMs - startMs).toBeLessThan(4_500);
  });

  it('closes in time although the coordinator answers nothing any more', async () => {
    const consumer = await joined();
    broker.on('OffsetCommit', () => new Promise(() => {}));
    broker.on('LeaveGroup', () => new Promise(() => {}));
    const startMs = broker.clock.now().monotonicMs;
    await broker.during(consumer.close({ timeoutMs: 3_000 }));
    expect(broker.clock.now().monotonicMs - startMs).toBeLessThan(4_500);
  });
});

describe('an eager rebalance', () => {
  it('commits and gives up everything before the join, and starts from what is committed after it', async () => {
    broker.append('t', 1, ['a', 'b', 'c']);
    const consumer = await joined({ 'partition.assignment.strategy': 'range' });
    await broker.during(pollUntil(consumer, () => (consumer.metrics()['fetch.position.t-1'] ?? 0) === 3));
    events.length = 0;
    group.rebalance([1]);
    await broker.during(pollUntil(consumer, () => consumer.assignment().length === 1));
    expect(events).toEqual(['revoked t-0,t-1,t-2', 'assigned t-1']);
    expect(group.lastSubscription().ownedPartitions).toEqual([]);
    expect(broker.committed.get('t-1')).toBe(3);
    expect(await broker.during(consumer.position({ topic: 't', partition: 1 }))).toBe(3);
  });

  it('waits for the callback, and hands out nothing meanwhile', async () => {
    let finish = () => {};
    const consumer = broker.consumer(GROUP);
    const slow = { onPartitionsRevoked: () => new Promise<void>((resolve) => (finish = resolve)) };
    consumer.subscribe(['t'], slow);
    await broker.during(pollUntil(consumer, () => consumer.assignment().length === 3));
    broker.append('t', 0, ['late']);
    group.rebalance([0]);
    await broker.clock.advance(1_000);
    const poll = consumer.poll(10_000);
    await broker.clock.advance(3_000);
    expect(group.generationId).toBe(1);
    finish();
    expect((await broker.during(poll)).count()).toBe(1);
    expect(group.generationId).toBe(2);
  });

  it('throws what a callback threw, after the change is complete', async () => {
    const consumer = broker.consumer(GROUP);
    const cause = new Error('no room');
    consumer.subscribe(['t'], { onPartitionsAssigned: () => Promise.reject(cause) });
    const polls = pollUntil(consumer, () => false);
    await expect(broker.during(polls)).rejects.toMatchObject({ code: 'ILLEGAL_STATE', cause });
    expect(consumer.assignment()).toHaveLength(3);
  });
});

describe('a cooperative rebalance', () => {
  const cooperative = { 'partition.assignment.strategy': 'cooperative-sticky' };

  it('keeps what it keeps, commits and revokes what goes, and joins again for the others', async () => {
    broker.append('t', 2, ['a', 'b']);
    const consumer = await joined(cooperative);
    await broker.during(pollUntil(consumer, () => (consumer.metrics()['fetch.position.t-2'] ?? 0) === 2));
    events.length = 0;
    group.rebalance([0, 1]);
    await broker.during(pollUntil(consumer, () => group.generationId === 3));
    expect(events.slice(0, 2)).toEqual(['revoked t-2', 'assigned ']);
    expect(broker.committed.get('t-2')).toBe(2);
    expect(group.lastSubscription()).toMatchObject({
      ownedPartitions: [{ topic: 't', partitions: [0, 1] }],
      generationId: 2,
    });
  });

  it('goes on reading what it keeps while the group rebalances', async () => {
    const consumer = await joined(cooperative);
    let finishJoin = () => {};
    const answered = new Promise<void>((resolve) => (finishJoin = resolve));
    const { heartbeatErrorCode } = group;
    group.heartbeatErrorCode = Errors.REBALANCE_IN_PROGRESS.code;
    broker.on('JoinGroup', async () => {
      await answered;
      return undefined;
    });
    await broker.clock.advance(1_000);
    broker.append('t', 0, ['during']);
    const records = await broker.during(consumer.poll(5_000));
    expect([...records].map(({ value }) => value)).toEqual(['during']);
    group.heartbeatErrorCode = heartbeatErrorCode;
    finishJoin();
  });
});

describe('a member that was expelled', () => {
  it.each([
    ['UNKNOWN_MEMBER_ID', Errors.UNKNOWN_MEMBER_ID],
    ['ILLEGAL_GENERATION', Errors.ILLEGAL_GENERATION],
  ])('loses its partitions without committing (%s), and joins again', async (_name, error) => {
    broker.append('t', 0, ['a']);
    const consumer = await joined();
    await broker.during(pollUntil(consumer, () => (consumer.metrics()['fetch.position.t-0'] ?? 0) === 1));
    events.length = 0;
    group.heartbeatErrorCode = error.code;
    await broker.clock.advance(1_000);
    await broker.during(pollUntil(consumer, () => group.generationId === 2 && consumer.assignment().length === 3));
    expect(events).toEqual(['lost t-0,t-1,t-2', 'assigned t-0,t-1,t-2']);
    expect(broker.requests('OffsetCommit')).toHaveLength(0);
  });

  it('is told so by its commit, in words', async () => {
    const consumer = await joined();
    broker.on('OffsetCommit', (body) => commitAnswer(body, Errors.UNKNOWN_MEMBER_ID.code));
    await expect(broker.during(consumer.commitSync([[{ topic: 't', partition: 0 }, at(1)]]))).rejects.toMatchObject({
      code: 'COMMIT_FAILED',
      message: expect.stringContaining('max.poll.interval.ms'),
    });
  });
});

const at = (offset: number) => ({ offset, metadata: '', leaderEpoch: undefined });

describe('the leader', () => {
  it('rebalances the group when a topic grows', async () => {
    const consumer = await joined({ 'metadata.max.age.ms': 1_000 });
    broker.topics.set('t', 4);
    await broker.during(pollUntil(consumer, () => consumer.assignment().length === 4));
    expect(group.generationId).toBe(2);
  });

  it('picks up a new topic that its pattern matches, and no internal one', async () => {
    broker.topics.set('__consumer_offsets', 1);
    const consumer = broker.consumer({ ...GROUP, 'metadata.max.age.ms': 1_000 });
    consumer.subscribe(/^t|offsets/);
    await broker.during(pollUntil(consumer, () => consumer.assignment().length === 3));
    broker.topics.set('t2', 1);
    await broker.during(pollUntil(consumer, () => consumer.assignment().length === 4));
    expect([...consumer.subscription()].sort()).toEqual(['t', 't2']);
  });
});

describe('auto commit before a rebalance', () => {
  it('does not wait for a topic that is gone', async () => {
    const consumer = await joined();
    await broker.during(consumer.poll(100));
    broker.on('OffsetCommit', (body) => commitAnswer(body, Errors.UNKNOWN_TOPIC_OR_PARTITION.code));
    group.rebalance([0]);
    const startMs = broker.clock.now().monotonicMs;
    await broker.during(pollUntil(consumer, () => consumer.assignment().length === 1));
    expect(broker.clock.now().monotonicMs - startMs).toBeLessThan(3_000);
  });
});

describe('closing', () => {
  it('lets the listener commit what it hands over', async () => {
    const consumer = broker.consumer({ ...GROUP, 'enable.auto.commit': false });
    let positions: (number | undefined)[] = [];
    consumer.subscribe(['t'], {
      onPartitionsRevoked: async (partitions) => {
        await consumer.commitSync(partitions.map((at) => [at, { offset: 7, metadata: '', leaderEpoch: undefined }]));
        positions = await Promise.all(partitions.map((at) => consumer.position(at)));
      },
    });
    await broker.during(pollUntil(consumer, () => consumer.assignment().length > 0));
    await broker.during(consumer.poll(100));
    await broker.during(consumer.close());
    expect([...broker.committed.values()]).toEqual([7, 7, 7]);
    expect(positions).toEqual([0, 0, 0]);
    await expect(consumer.commitSync()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('waits for a callback that runs in poll, and hands nothing over twice', async () => {
    const consumer = broker.consumer(GROUP);
    let finish = () => {};
    consumer.subscribe(['t'], {
      onPartitionsRevoked: async (partitions) => {
        events.push(`begin ${partitions}`);
        await new Promise<void>((resolve) => (finish = resolve));
        await consumer.commitSync();
        events.push('end');
      },
    });
    await broker.during(pollUntil(consumer, () => consumer.assignment().length > 0));
    group.rebalance([0]);
    await broker.clock.advance(1_000);
    const poll = consumer.poll(5_000).catch((error) => events.push(error.code));
    await broker.clock.advance(100);
    const closed = consumer.close();
    await broker.clock.advance(100);
    finish();
    await broker.during(Promise.all([poll, closed]));
    expect(events).toEqual(['begin t-0,t-1,t-2', 'end', 'CLOSED']);
    expect(broker.requests('LeaveGroup')).toHaveLength(1);
  });
});
