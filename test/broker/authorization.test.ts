import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors, errorByCode } from '#protocol';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;
let asked: string[];

afterEach(() => scene?.close());

/** A broker that forbids what `isForbidden` says: `operation resource name`. */
async function start(isForbidden: (text: string) => boolean): Promise<void> {
  asked = [];
  let isOn = false;
  const allows = (principal: string, _host: string, operation: string, resource: string, name: string) => {
    if (!isOn) return true;
    asked.push(`${principal} ${operation} ${resource} ${name}`);
    return !isForbidden(`${operation} ${resource} ${name}`);
  };
  scene = await Scene.start({ topics: { open: 1, shut: 1 }, authorizer: { allows } });
  await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
  isOn = true;
}

describe('the authorizer', () => {
  it('is asked by each route with its operation and the names it is about', async () => {
    await start(() => false);
    await scene.produce('open', batchOf(['a']));
    await scene.send(Apis.Heartbeat, { groupId: 'g', memberId: 'm' });
    await scene.send(Apis.CreateTopics, { topics: [], timeoutMs: 1 });
    expect(asked).toEqual([
      'User:ANONYMOUS write topic open',
      'User:ANONYMOUS read group g',
      'User:ANONYMOUS create cluster kafka-cluster',
    ]);
  });

  it('closes one topic and leaves the other', async () => {
    await start((text) => text.endsWith('topic shut'));
    expect(errorByCode((await scene.produce('shut', batchOf(['a']))).errorCode).name).toBe(
      'TOPIC_AUTHORIZATION_FAILED',
    );
    expect((await scene.produce('open', batchOf(['a']))).errorCode).toBe(0);
    const all = await scene.send(Apis.Metadata, { topics: null });
    expect(all.topics.map(({ name }) => name)).not.toContain('shut');
    const named = await scene.send(Apis.Metadata, { topics: [{ name: 'shut' }] });
    expect(named.topics[0].errorCode).toBe(Errors.TOPIC_AUTHORIZATION_FAILED.code);
  });

  it('does not tell by a topic id that the topic exists', async () => {
    await start((text) => text.startsWith('read topic shut'));
    const topicId = await scene.topicId('shut');
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }];
    const { responses } = await scene.send(Apis.Fetch, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topicId, partitions }],
    });
    expect(responses[0].partitions[0].errorCode).toBe(Errors.UNKNOWN_TOPIC_ID.code);
  });

  it('that throws costs the connection of whoever asked, at once or after a wait, and nothing else', async () => {
    let isBroken = false;
    await start((text) => {
      if (isBroken && text === 'read topic open') throw new Error('the authorizer is broken');
      return false;
    });
    const topics = [{ topic: 'open', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100 }] }];
    const fetch = { maxWaitMs: 60_000, minBytes: 1, topics };
    const parked = await scene.client();
    const waiting = parked.send(Apis.Fetch, 12, fetch, { timeoutMs: 600_000 });
    waiting.catch(() => {});
    await scene.clock.settle();
    isBroken = true;
    const direct = await scene.client();
    await expect(direct.send(Apis.Fetch, 12, fetch, { timeoutMs: 600_000 })).rejects.toMatchObject({
      code: 'NETWORK_EXCEPTION',
    });
    expect((await scene.produce('open', batchOf(['a']))).errorCode).toBe(0);
    await expect(waiting).rejects.toMatchObject({ code: 'NETWORK_EXCEPTION' });
    expect((await scene.produce('open', batchOf(['b']))).errorCode).toBe(0);
    expect(scene.book.at('error')).toHaveLength(2);
  });

  it('closes groups and the making of topics', async () => {
    await start((text) => text.includes(' group ') || text.startsWith('create'));
    expect((await scene.send(Apis.Heartbeat, { groupId: 'g', memberId: 'm' })).errorCode).toBe(
      Errors.GROUP_AUTHORIZATION_FAILED.code,
    );
    const { topics } = await scene.send(Apis.CreateTopics, {
      topics: [{ name: 'n', numPartitions: 1, replicationFactor: 1 }],
      timeoutMs: 1,
    });
    expect(topics[0].errorCode).toBe(Errors.CLUSTER_AUTHORIZATION_FAILED.code);
    const { coordinators } = await scene.send(Apis.FindCoordinator, { coordinatorKeys: ['g'] });
    expect(coordinators[0].errorCode).toBe(Errors.GROUP_AUTHORIZATION_FAILED.code);
  });
});

describe('groups of the consumer protocol', () => {
  const join = (memberId: string, subscription: object) =>
    scene.send(Apis.ConsumerGroupHeartbeat, {
      ...{ groupId: 'g', memberId, memberEpoch: 0, rebalanceTimeoutMs: 1000, topicPartitions: [] },
      ...subscription,
    });

  it('are no way to topics that a member may not know', async () => {
    await start((text) => text === 'describe topic shut');
    const both = { subscribedTopicNames: ['open', 'shut'] };
    expect((await join('a', both)).errorCode).toBe(Errors.TOPIC_AUTHORIZATION_FAILED.code);
    expect(asked).toEqual([
      'User:ANONYMOUS read group g',
      'User:ANONYMOUS describe topic open',
      'User:ANONYMOUS describe topic shut',
    ]);
    expect((await join('a', { subscribedTopicNames: ['open'] })).errorCode).toBe(0);
  });

  it('find by a pattern what the member may know', async () => {
    await start((text) => text === 'describe topic shut');
    const { errorCode, memberEpoch } = await join('a', { subscribedTopicRegex: '(open|shut)' });
    expect(errorCode).toBe(0);
    await scene.clock.advance(2000);
    await join('a', { memberEpoch });
    const { groups } = await scene.send(Apis.ConsumerGroupDescribe, { groupIds: ['g'] });
    const { targetAssignment } = groups[0].members[0];
    expect(targetAssignment.topicPartitions.map(({ topicName }) => topicName)).toEqual(['open']);
  });

  it('are described without their members to who may not know what these read', async () => {
    let isShut = false;
    await start((text) => isShut && text === 'describe topic shut');
    await join('a', { subscribedTopicNames: ['shut'] });
    const describe = () =>
      scene.send(Apis.ConsumerGroupDescribe, { groupIds: ['g'], includeAuthorizedOperations: true });
    expect((await describe()).groups[0].members).toHaveLength(1);
    isShut = true;
    expect((await describe()).groups[0]).toMatchObject({
      groupId: 'g',
      errorCode: Errors.TOPIC_AUTHORIZATION_FAILED.code,
      members: [],
      authorizedOperations: (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11),
    });
  });
});
