import { afterEach, describe, expect, it } from '@jest/globals';
import type { RequestChannel } from '#net';
import { Apis, Errors, errorByCode } from '#protocol';
import { memoryDisk } from '#storage';
import { GatedDisk } from './gated-disk.ts';
import { Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const TIMEOUT = { timeoutMs: 600_000 };
const METADATA = Buffer.from('0000000000010001740000000000', 'hex');

/** A member of group `g` that has joined and synced. */
async function member(channel: RequestChannel, groupId = 'g', sessionTimeoutMs = 10_000) {
  await channel.send(Apis.FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] }, TIMEOUT);
  const join = async (memberId: string) =>
    channel.send(
      Apis.JoinGroup,
      9,
      {
        groupId,
        sessionTimeoutMs,
        rebalanceTimeoutMs: 10_000,
        memberId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: METADATA }],
      },
      TIMEOUT,
    );
  const { memberId } = await join('');
  const { generationId, errorCode } = await join(memberId);
  expect(errorByCode(errorCode).name).toBe('NONE');
  const assignments = [{ memberId, assignment: Buffer.from('mine') }];
  const names = { protocolType: 'consumer', protocolName: 'range' };
  const synced = await channel.send(
    Apis.SyncGroup,
    5,
    { groupId, generationId, memberId, ...names, assignments },
    TIMEOUT,
  );
  expect(synced).toMatchObject({ errorCode: 0, assignment: Buffer.from('mine') });
  return { groupId, memberId, generationId };
}

async function commit(
  offset: number,
  options: { version?: number; groupId?: string; topic?: string; partition?: number; topicId?: string } = {},
) {
  const { version = 9, groupId = 'g', topic = 't', partition = 0, topicId } = options;
  const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: 'm' }];
  const topics = [topicId === undefined ? { name: topic, partitions } : { topicId, partitions }];
  const response = await scene.send(Apis.OffsetCommit, { groupId, topics }, version);
  return errorByCode(response.topics[0].partitions[0].errorCode).name;
}

async function committed(version = 9, groupId = 'g') {
  const { groups } = await scene.send(
    Apis.OffsetFetch,
    { groups: [{ groupId, topics: [{ name: 't', partitionIndexes: [0] }] }] },
    version,
  );
  return groups[0].topics[0].partitions[0].committedOffset;
}

describe('FindCoordinator', () => {
  it.each([0, 1, 2, 3])('version %d makes the offsets topic and names this broker', async (version) => {
    scene = await Scene.start({ config: { 'offsets.topic.num.partitions': 50 } });
    const response = await scene.send(Apis.FindCoordinator, { key: 'g' }, version);
    expect(response).toMatchObject({ errorCode: 0, nodeId: 1, host: '127.0.0.1', port: 9092 });
    const { topics } = await scene.send(Apis.Metadata, { topics: [{ name: '__consumer_offsets' }] });
    expect(topics[0].partitions).toHaveLength(50);
    const resources = [{ resourceType: 2, resourceName: '__consumer_offsets', configurationKeys: ['cleanup.policy'] }];
    const { results } = await scene.send(Apis.DescribeConfigs, { resources });
    expect(results[0].configs[0].value).toBe('compact');
  });

  it.each([4, 5, 6])('version %d answers many keys', async (version) => {
    scene = await Scene.start();
    const { coordinators } = await scene.send(
      Apis.FindCoordinator,
      { keyType: 0, coordinatorKeys: ['a', ''] },
      version,
    );
    expect(coordinators).toMatchObject([
      { key: 'a', errorCode: 0, nodeId: 1 },
      { key: '', errorCode: 0, nodeId: 1 },
    ]);
  });

  it('finds the coordinator of transactions, and refuses types that are not served, in words', async () => {
    scene = await Scene.start();
    const found = await scene.send(Apis.FindCoordinator, { keyType: 1, coordinatorKeys: ['tx'] });
    expect(found.coordinators[0]).toMatchObject({ errorCode: Errors.NONE.code, nodeId: 1 });
    const { coordinators } = await scene.send(Apis.FindCoordinator, { keyType: 9, coordinatorKeys: ['g'] });
    expect(coordinators[0]).toMatchObject({ errorCode: Errors.INVALID_REQUEST.code, nodeId: -1 });
    expect(coordinators[0].errorMessage).toMatch(/type 9/);
  });
});

describe('groups', () => {
  it('before there is a coordinator are told so', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const beat = await scene.send(Apis.Heartbeat, { groupId: 'g', generationId: 1, memberId: 'm' });
    expect(beat.errorCode).toBe(Errors.NOT_COORDINATOR.code);
    const join = await scene.send(
      Apis.JoinGroup,
      { groupId: 'g', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'c', protocols: [] },
      5,
    );
    expect(join).toMatchObject({ errorCode: Errors.NOT_COORDINATOR.code, generationId: -1 });
    expect(await commit(1)).toBe('NOT_COORDINATOR');
  });

  it('without an id have no members', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const beat = await scene.send(Apis.Heartbeat, { groupId: '', generationId: 1, memberId: 'm' });
    expect(beat.errorCode).toBe(Errors.INVALID_GROUP_ID.code);
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: [''] });
    const body = { groupId: '', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'c', protocols: [] };
    const join = await scene.send(Apis.JoinGroup, body, 7);
    expect(join).toMatchObject({ errorCode: Errors.INVALID_GROUP_ID.code, protocolName: null });
  });

  it('without an id may have offsets, as consumers of old kept them', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: [''] });
    const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }];
    const topics = [{ name: 't', partitions }];
    const committed = await scene.send(Apis.OffsetCommit, { groupId: '', topics }, 9);
    expect(committed.topics[0].partitions[0].errorCode).toBe(0);
    const { groups } = await scene.send(Apis.OffsetFetch, { groups: [{ groupId: '', topics: null }] }, 9);
    expect(groups[0].topics[0].partitions[0].committedOffset).toBe(7);
    const { results } = await scene.send(Apis.DeleteGroups, { groupsNames: [''] });
    expect(results[0].errorCode).toBe(0);
  });

  it('keep an offset for as long as any number says', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }] }];
    const body = { groupId: 'g', retentionTimeMs: Number.MAX_SAFE_INTEGER, topics };
    expect((await scene.send(Apis.OffsetCommit, body, 2)).topics[0].partitions[0].errorCode).toBe(0);
  });

  it('delete offsets of partitions that there are, and say of which there are none', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }];
    await scene.send(Apis.OffsetCommit, { groupId: 'g', topics: [{ name: 't', partitions }] }, 9);
    const asked = [
      { name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 5 }] },
      { name: 'gone', partitions: [{ partitionIndex: 0 }] },
      { name: 'empty', partitions: [] },
    ];
    const { errorCode, topics } = await scene.send(Apis.OffsetDelete, { groupId: 'g', topics: asked });
    const told = topics.map(({ name, partitions }) => [name, ...partitions.map((one) => one.errorCode)]);
    expect([errorCode, told]).toEqual([0, [['t', 0, 3], ['gone', 3], ['empty']]]);
  });

  it('tell what a client may do with them when it asks for that', async () => {
    scene = await Scene.start();
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const { groups } = await scene.send(Apis.DescribeGroups, { groups: ['g'], includeAuthorizedOperations: true }, 5);
    expect(groups[0].authorizedOperations).toBe(3400);
  });

  it('join, sync, heartbeat and leave', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const channel = await scene.client('app');
    const me = await member(channel);
    expect(me.memberId).toMatch(/^app-/);
    expect((await channel.send(Apis.Heartbeat, 4, me, TIMEOUT)).errorCode).toBe(0);
    const { groups } = await scene.send(Apis.DescribeGroups, { groups: ['g'] });
    expect(groups[0]).toMatchObject({
      groupState: 'Stable',
      protocolData: 'range',
      members: [{ memberId: me.memberId, clientId: 'app', clientHost: expect.stringMatching(/^\//) }],
    });
    const left = await channel.send(
      Apis.LeaveGroup,
      5,
      { groupId: 'g', members: [{ memberId: me.memberId }] },
      TIMEOUT,
    );
    expect(left).toMatchObject({ errorCode: 0, members: [{ errorCode: 0 }] });
    expect((await channel.send(Apis.Heartbeat, 4, me, TIMEOUT)).errorCode).toBe(Errors.UNKNOWN_MEMBER_ID.code);
  });

  it('lose a member whose session ends', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const channel = await scene.client();
    const me = await member(channel);
    await scene.clock.advance(9_000);
    expect((await channel.send(Apis.Heartbeat, 4, me, TIMEOUT)).errorCode).toBe(0);
    await scene.clock.advance(9_000);
    expect((await channel.send(Apis.Heartbeat, 4, me, TIMEOUT)).errorCode).toBe(0);
    await scene.clock.advance(11_000);
    expect((await channel.send(Apis.Heartbeat, 4, me, TIMEOUT)).errorCode).toBe(Errors.UNKNOWN_MEMBER_ID.code);
  });

  it('give up soon, after a start of the node, a member that died with it; one that speaks keeps its place', async () => {
    const disk = memoryDisk();
    scene = await Scene.start({ disk, topics: { t: 1 } });
    const dead = await member(await scene.client('dead'), 'dead', 45_000);
    const live = await member(await scene.client('live'), 'live', 45_000);
    const killed = disk.kill();
    await scene.close();
    scene = await Scene.start({ disk: killed });
    await scene.clock.advance(4000);
    expect(await scene.send(Apis.Heartbeat, live)).toMatchObject({ errorCode: 0 });
    const stateOf = async (groupId: string) =>
      (await scene.send(Apis.DescribeGroups, { groups: [groupId] }, 5)).groups[0].groupState;
    expect([await stateOf('dead'), await stateOf('live')]).toEqual(['Stable', 'Stable']);
    await scene.clock.advance(7000);
    expect([await stateOf('dead'), await stateOf('live')]).toEqual(['Empty', 'Stable']);
    expect(await scene.send(Apis.Heartbeat, dead)).toMatchObject({ errorCode: Errors.UNKNOWN_MEMBER_ID.code });
  });

  it('are listed and deleted', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await member(await scene.client(), 'busy');
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['idle'] });
    await commit(1, { groupId: 'idle' });
    const { groups } = await scene.send(Apis.ListGroups, {});
    const listed = groups.map(({ groupId, groupState, groupType }) => `${groupId} ${groupState} ${groupType}`).sort();
    expect(listed).toEqual(['busy Stable classic', 'idle Empty classic']);
    const { results } = await scene.send(Apis.DeleteGroups, { groupsNames: ['busy', 'idle', 'nosuch'] });
    expect(results.map(({ groupId, errorCode }) => `${groupId} ${errorByCode(errorCode).name}`)).toEqual([
      'busy NON_EMPTY_GROUP',
      'idle NONE',
      'nosuch GROUP_ID_NOT_FOUND',
    ]);
  });

  it('are placed by Kafka’s function: the record lies in the partition that it names', async () => {
    scene = await Scene.start({ topics: { t: 1 }, config: { 'offsets.topic.num.partitions': 50 } });
    await scene.send(Apis.FindCoordinator, { key: 'g-classic' }, 0);
    await commit(6, { groupId: 'g-classic' });
    const topics = [
      {
        name: '__consumer_offsets',
        partitions: [17, 18, 19].map((partitionIndex) => ({ partitionIndex, timestamp: -1 })),
      },
    ];
    const list = await scene.send(Apis.ListOffsets, { topics });
    expect(list.topics[0].partitions.map(({ offset }) => offset > 0)).toEqual([false, true, false]);
  });
});

describe('committed offsets', () => {
  it.each([2, 3, 4, 5, 6, 7, 8, 9])('OffsetCommit version %d is read back', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    expect(await commit(42, { version })).toBe('NONE');
    expect(await committed()).toBe(42);
  });

  it.each([1, 2, 3, 4, 5, 6, 7])('OffsetFetch version %d asks for one group', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    await commit(42);
    const { topics } = await scene.send(
      Apis.OffsetFetch,
      { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0, 1] }] },
      version,
    );
    expect(topics[0].partitions).toMatchObject([
      { partitionIndex: 0, committedOffset: 42, metadata: 'm', errorCode: 0 },
      { partitionIndex: 1, committedOffset: -1, errorCode: 0 },
    ]);
  });

  it('version 10 names topics by id, in both', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const topicId = await scene.topicId('t');
    const unknown = 'BBBBBBBBBBBBBBBBBBBBBA';
    expect(await commit(7, { version: 10, topicId })).toBe('NONE');
    expect(await commit(7, { version: 10, topicId: unknown })).toBe('UNKNOWN_TOPIC_ID');
    const asked = [
      { topicId, partitionIndexes: [0] },
      { topicId: unknown, partitionIndexes: [0] },
    ];
    const { groups } = await scene.send(Apis.OffsetFetch, { groups: [{ groupId: 'g', topics: asked }] }, 10);
    expect(groups[0].topics).toMatchObject([
      { topicId, partitions: [{ committedOffset: 7, errorCode: 0 }] },
      { topicId: unknown, partitions: [{ committedOffset: -1, errorCode: Errors.UNKNOWN_TOPIC_ID.code }] },
    ]);
    const all = await scene.send(Apis.OffsetFetch, { groups: [{ groupId: 'g', topics: null }] }, 10);
    expect(all.groups[0].topics).toMatchObject([{ topicId, partitions: [{ committedOffset: 7 }] }]);
  });

  it('are refused for topics and partitions that do not exist, and only for those', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const partition = (partitionIndex: number) => ({ partitionIndex, committedOffset: 5, committedMetadata: null });
    const topics = [
      { name: 'nosuch', partitions: [partition(0)] },
      { name: 't', partitions: [partition(3), partition(0)] },
    ];
    const response = await scene.send(Apis.OffsetCommit, { groupId: 'g', topics }, 8);
    const codes = response.topics.map(({ name, partitions }) => [
      name,
      ...partitions.map((p) => `${p.partitionIndex} ${errorByCode(p.errorCode).name}`),
    ]);
    expect(codes).toEqual([
      ['nosuch', '0 UNKNOWN_TOPIC_OR_PARTITION'],
      ['t', '3 UNKNOWN_TOPIC_OR_PARTITION', '0 NONE'],
    ]);
    expect(await committed()).toBe(5);
  });

  it('survive a restart', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    await commit(42);
    const { disk } = scene;
    await scene.close();
    scene = await Scene.start({ disk });
    await scene.clock.settle();
    expect(await committed()).toBe(42);
  });

  it('are acknowledged, and shown, when they are on the disk and not before', async () => {
    const disk = new GatedDisk(memoryDisk());
    scene = await Scene.start({ disk, topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    disk.shut();
    const order: string[] = [];
    const client = await scene.client();
    const asked = { groups: [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }] };
    const committing = commit(42).then(() => order.push('commit'));
    await scene.clock.settle();
    const reading = client.send(Apis.OffsetFetch, 9, asked, TIMEOUT).then(() => order.push('read'));
    await scene.clock.settle();
    expect(order).toEqual([]);
    disk.open();
    await Promise.all([committing, reading]);
    expect(order).toEqual(['commit', 'read']);
  });

  it('go with their topic', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    await commit(42);
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    await scene.createTopics({ t: 1 });
    expect(await committed()).toBe(-1);
  });

  it('of a deleted topic do not count for the next one of its name, whatever version asks and whenever the power was cut', async () => {
    const disk = new GatedDisk(memoryDisk());
    scene = await Scene.start({ disk, topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    await commit(42);
    const files = ['0', '1', '2'].map((partition) => `/data/__consumer_offsets-${partition}/00000000000000000000.log`);
    const before = await Promise.all(files.map((file) => disk.readFile(file)));
    await scene.send(Apis.DeleteTopics, { topics: [{ name: 't' }], timeoutMs: 1000 });
    await scene.createTopics({ t: 1 });
    await scene.close();
    // The topic went, and what the coordinator wrote about it did not reach the disk.
    for (const [index, file] of files.entries()) {
      const handle = disk.openSync(file, { create: false });
      handle.truncateSync(before[index]!.length);
      handle.close();
    }
    for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint']) await disk.remove(`/data/${name}`);
    for (const folder of files.map((file) => file.slice(0, file.lastIndexOf('/')))) {
      for (const { name } of await disk.list(folder))
        if (name.endsWith('.snapshot')) await disk.remove(`${folder}/${name}`);
    }
    scene = await Scene.start({ disk });
    for (const version of [1, 7, 8, 9]) {
      const topics = [{ name: 't', partitionIndexes: [0] }];
      const body = version < 8 ? { groupId: 'g', topics } : { groups: [{ groupId: 'g', topics }] };
      const answer = await scene.send(Apis.OffsetFetch, body, version);
      const [topic] = version < 8 ? answer.topics : answer.groups[0].topics;
      expect([version, topic.partitions[0].errorCode, topic.partitions[0].committedOffset]).toEqual([version, 0, -1]);
    }
    const all = await scene.send(Apis.OffsetFetch, { groups: [{ groupId: 'g', topics: null }] }, 9);
    expect(all.groups[0].topics).toEqual([]);
  });

  it('can be deleted one by one', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    await commit(42);
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }];
    const { errorCode } = await scene.send(Apis.OffsetDelete, { groupId: 'g', topics });
    expect(errorCode).toBe(0);
    expect(await committed()).toBe(-1);
  });
});
