/** Keys of server.properties do what they say: those of groups and of the offsets that they commit. */
import { describe, expect, it } from '@jest/globals';
import { Apis, Errors } from '#protocol';
import { type MemoryDisk } from '#storage';
import { Scene } from '../scene.ts';
import { type Config, errorOf, findCoordinator, testKeys } from './key-rows.ts';

const GROUP = 32;
const LONG = { timeoutMs: 600_000 };

const joining = (sessionTimeoutMs: number, memberId = '') => ({
  groupId: 'g',
  sessionTimeoutMs,
  rebalanceTimeoutMs: 60_000,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(10) }],
});

/** In version 3 a member needs no id to join; it is awaited when it is not to wait for others. */
async function join(scene: Scene, sessionTimeoutMs: number): Promise<string> {
  await findCoordinator(scene);
  return errorOf(await scene.send(Apis.JoinGroup, joining(sessionTimeoutMs), 3));
}

async function beat(scene: Scene, memberId = 'm', serverAssignor: string | null = null) {
  await findCoordinator(scene);
  const member = { groupId: 'g', memberId, memberEpoch: 0, rebalanceTimeoutMs: 1000, serverAssignor };
  return scene.send(Apis.ConsumerGroupHeartbeat, { ...member, subscribedTopicNames: ['t'], topicPartitions: [] });
}

async function beats(scene: Scene): Promise<string> {
  await beat(scene, 'first');
  return errorOf(await beat(scene, 'second'));
}

const groupConfig = (key: string, value: string) => async (scene: Scene) => {
  const configs = [{ name: key, configOperation: 0, value }];
  const resources = [{ resourceType: GROUP, resourceName: 'g', configs }];
  return errorOf((await scene.send(Apis.IncrementalAlterConfigs, { resources })).responses[0]);
};

async function commit(scene: Scene, committedMetadata = ''): Promise<string> {
  await findCoordinator(scene);
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata }];
  const { topics } = await scene.send(Apis.OffsetCommit, { groupId: 'g', topics: [{ name: 't', partitions }] }, 8);
  return errorOf(topics[0].partitions[0]);
}

async function committed(scene: Scene): Promise<number> {
  const topics = [{ name: 't', partitionIndexes: [0] }];
  const { groups } = await scene.send(Apis.OffsetFetch, { groups: [{ groupId: 'g', topics }] }, 9);
  return groups[0].topics[0].partitions[0].committedOffset;
}

async function committedAfter(scene: Scene, ms: number): Promise<number> {
  await commit(scene);
  await scene.clock.advance(ms);
  return committed(scene);
}

/** Of a group of the consumer protocol, `ms` after its only member has spoken for the last time. */
async function stateAfter(scene: Scene, ms: number): Promise<string> {
  await beat(scene);
  await scene.clock.advance(ms);
  return stateOf(scene);
}

async function stateOf(scene: Scene): Promise<string> {
  const { groups } = await scene.send(Apis.ListGroups, {});
  return groups[0].groupState;
}

/** How many epochs the assignment is behind when a second member speaks again, two seconds after it has come. */
async function assignmentLag(scene: Scene): Promise<number> {
  await beat(scene, 'first');
  const { memberEpoch } = await beat(scene, 'second');
  await scene.clock.advance(2000);
  await scene.send(Apis.ConsumerGroupHeartbeat, { groupId: 'g', memberId: 'second', memberEpoch });
  const { groups } = await scene.send(Apis.ConsumerGroupDescribe, { groupIds: ['g'] });
  return groups[0].groupEpoch - groups[0].assignmentEpoch;
}

/** Whether the first member of a group has joined it, just before and after five seconds. */
async function joinedInTime(scene: Scene): Promise<string> {
  await findCoordinator(scene);
  let hasJoined = false;
  const joined = (await scene.client()).send(Apis.JoinGroup, 3, joining(30_000), LONG).then(() => {
    hasJoined = true;
  });
  await scene.clock.advance(4999);
  const before = hasJoined;
  await scene.clock.advance(1);
  await joined;
  return `${before} ${hasJoined}`;
}

/** Of a group whose only member has died with the node, 15 s after the next start. */
async function stateAfterRestart(scene: Scene, config: Config): Promise<string> {
  await findCoordinator(scene);
  const { memberId, generationId } = await scene.send(Apis.JoinGroup, joining(45_000), 3);
  const assignments = [{ memberId, assignment: Buffer.alloc(0) }];
  await scene.send(Apis.SyncGroup, { groupId: 'g', memberId, generationId, assignments }, 3);
  const disk = (scene.disk as MemoryDisk).kill();
  const again = await Scene.start({ disk, config });
  await findCoordinator(again);
  await again.clock.advance(15_000);
  const state = await stateOf(again);
  await again.close();
  return state;
}

describe('a key of server.properties', () => {
  testKeys([
    {
      key: 'group.coordinator.rebalance.protocols',
      value: 'classic',
      ask: async (scene) => errorOf(await beat(scene)),
      usually: 'NONE',
      changed: 'UNSUPPORTED_VERSION',
    },
    {
      key: 'group.min.session.timeout.ms',
      value: 10_000,
      ask: (scene) => join(scene, 6000),
      usually: 'NONE',
      changed: 'INVALID_SESSION_TIMEOUT',
    },
    {
      key: 'group.max.session.timeout.ms',
      value: 10_000,
      ask: (scene) => join(scene, 20_000),
      usually: 'NONE',
      changed: 'INVALID_SESSION_TIMEOUT',
    },
    {
      key: 'group.consumer.max.size',
      value: 1,
      ask: beats,
      usually: 'NONE',
      changed: 'GROUP_MAX_SIZE_REACHED',
    },
    {
      key: 'group.consumer.assignors',
      value: 'range',
      ask: async (scene) => errorOf(await beat(scene, 'm', 'uniform')),
      usually: 'NONE',
      changed: 'UNSUPPORTED_ASSIGNOR',
    },
    {
      key: 'group.consumer.heartbeat.interval.ms',
      value: 7000,
      ask: async (scene) => (await beat(scene)).heartbeatIntervalMs,
      usually: 5000,
      changed: 7000,
    },
    {
      key: 'group.consumer.min.heartbeat.interval.ms',
      value: 4000,
      ask: groupConfig('consumer.heartbeat.interval.ms', '4500'),
      usually: 'INVALID_CONFIG',
      changed: 'NONE',
    },
    {
      key: 'group.consumer.max.heartbeat.interval.ms',
      value: 20_000,
      ask: groupConfig('consumer.heartbeat.interval.ms', '16000'),
      usually: 'INVALID_CONFIG',
      changed: 'NONE',
    },
    {
      key: 'group.consumer.min.session.timeout.ms',
      value: 40_000,
      ask: groupConfig('consumer.session.timeout.ms', '41000'),
      usually: 'INVALID_CONFIG',
      changed: 'NONE',
    },
    {
      key: 'group.consumer.max.session.timeout.ms',
      value: 70_000,
      ask: groupConfig('consumer.session.timeout.ms', '61000'),
      usually: 'INVALID_CONFIG',
      changed: 'NONE',
    },
    {
      key: 'group.consumer.min.assignment.interval.ms',
      value: 500,
      ask: groupConfig('consumer.assignment.interval.ms', '400'),
      usually: 'NONE',
      changed: 'INVALID_CONFIG',
    },
    {
      key: 'group.consumer.max.assignment.interval.ms',
      value: 20_000,
      ask: groupConfig('consumer.assignment.interval.ms', '16000'),
      usually: 'INVALID_CONFIG',
      changed: 'NONE',
    },
    {
      key: 'offset.metadata.max.bytes',
      value: 3,
      ask: (scene) => commit(scene, 'four'),
      usually: 'NONE',
      changed: 'OFFSET_METADATA_TOO_LARGE',
    },
    {
      key: 'offsets.retention.minutes',
      value: 1,
      ask: (scene) => committedAfter(scene, 1_200_000),
      usually: 1,
      changed: -1,
    },
    {
      key: 'offsets.retention.check.interval.ms',
      value: 10_000,
      besides: { 'offsets.retention.minutes': 1 },
      ask: (scene) => committedAfter(scene, 75_000),
      usually: 1,
      changed: -1,
    },
    {
      key: 'group.consumer.session.timeout.ms',
      value: 60_000,
      ask: (scene) => stateAfter(scene, 50_000),
      usually: 'Empty',
      changed: 'Stable',
    },
    {
      key: 'group.consumer.assignment.interval.ms',
      value: 5000,
      ask: assignmentLag,
      usually: 0,
      changed: 1,
      isDynamic: true,
    },
    {
      key: 'group.consumer.migration.policy',
      value: 'disabled',
      ask: async (scene) => `${await join(scene, 30_000)} ${errorOf(await beat(scene))}`,
      usually: 'NONE NONE',
      changed: 'NONE GROUP_ID_NOT_FOUND',
    },
    {
      key: 'group.initial.rebalance.delay.ms',
      value: 5000,
      ask: joinedInTime,
      usually: 'true true',
      changed: 'false true',
    },
    {
      key: 'springtide.broker.group.restart.grace.ms',
      value: 20_000,
      ask: stateAfterRestart,
      usually: 'Empty',
      changed: 'Stable',
    },
    {
      key: 'offsets.topic.replication.factor',
      value: 2,
      ask: (scene) => findCoordinator(scene),
      usually: 'NONE',
      changed: 'COORDINATOR_NOT_AVAILABLE',
    },
  ]);

  it('group.max.size lets no further member in', async () => {
    const scene = await Scene.start({ config: { 'group.max.size': 1 } });
    await findCoordinator(scene);
    const ids = await Promise.all(
      [1, 2].map(async () => (await (await scene.client()).send(Apis.JoinGroup, 4, joining(30_000), LONG)).memberId),
    );
    const [first, second] = await Promise.all(
      ids.map(async (id) => (await scene.client()).send(Apis.JoinGroup, 4, joining(30_000, id), LONG)),
    );
    expect([errorOf(first), errorOf(second)]).toEqual(['NONE', Errors.GROUP_MAX_SIZE_REACHED.name]);
    await scene.close();
  });
});
