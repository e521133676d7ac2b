/** Requests as large as they are allowed to be: each costs time and memory in proportion to its size, and the connection lives. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Api, Apis, type Draft, Errors, type Infer, type MessageSchema } from '#protocol';
import { batchOf, encodedRequest, RawClient, Scene } from './scene.ts';

/** Work that grows with the square of this does not end within the time that a test may take. */
const COUNT = 60_000;

// A busy machine takes its time, but none of these so long.

let scene: Scene;

afterEach(() => scene?.close());

async function ask<Q extends MessageSchema, S extends MessageSchema>(
  api: Api<Q, S>,
  version: number,
  body: Draft<Q>,
): Promise<Infer<S>> {
  const client = await scene.client();
  const response = await client.send(api, version, body, { timeoutMs: 600_000 });
  expect(scene.book.at('error')).toEqual([]);
  return response;
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);

describe('a request with very many', () => {
  it('offsets of one topic is refused as too large for one batch, and harms nobody', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const partitions = Array(150_000).fill({ partitionIndex: 0, committedOffset: 1, committedMetadata: '' });
    const { topics } = await ask(Apis.OffsetCommit, 2, {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: 't', partitions }],
    });
    expect(topics[0].partitions[0].errorCode).toBe(Errors.INVALID_COMMIT_OFFSET_SIZE.code);
  });

  it('topics with an offset each is answered topic by topic', async () => {
    scene = await Scene.start({ topics: { t: 1 }, config: { 'message.max.bytes': 100_000_000 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }];
    const { topics } = await ask(Apis.OffsetCommit, 2, {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: Array(COUNT).fill({ name: 't', partitions }),
    });
    expect(topics).toHaveLength(COUNT);
    expect(topics[COUNT - 1].partitions[0].errorCode).toBe(0);
  });

  it('topics to grow is answered name by name', async () => {
    scene = await Scene.start();
    const topics = names(COUNT).map((name) => ({ name, count: 2, assignments: null }));
    const { results } = await ask(Apis.CreatePartitions, 3, { topics, timeoutMs: 1, validateOnly: false });
    expect(results).toHaveLength(COUNT);
  });

  it('resources to alter is answered one by one', async () => {
    scene = await Scene.start();
    const resources = names(COUNT).map((resourceName) => ({ resourceType: 2, resourceName, configs: [] }));
    const { responses } = await ask(Apis.IncrementalAlterConfigs, 1, { resources, validateOnly: true });
    expect(responses).toHaveLength(COUNT);
  });

  it('repetitions of one resource describes it once', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const resources = Array(5000).fill({ resourceType: 2, resourceName: 't', configurationKeys: null });
    const { results } = await ask(Apis.DescribeConfigs, 4, { resources });
    expect(results).toHaveLength(1);
  });

  it('users without credentials is answered user by user', async () => {
    scene = await Scene.start();
    const users = names(COUNT).map((name) => ({ name }));
    const { results } = await ask(Apis.DescribeUserScramCredentials, 0, { users });
    expect(results).toHaveLength(COUNT);
  });

  it('repetitions of one group tells its members, and all of its offsets, once', async () => {
    scene = await Scene.start({ topics: { t: 1000 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const partitions = Array.from({ length: 1000 }, (_, partitionIndex) => ({ partitionIndex, committedOffset: 1 }));
    const topics = [{ name: 't', partitions }];
    await ask(Apis.OffsetCommit, 8, { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics });
    const asked = { groupId: 'g', memberId: null, memberEpoch: -1 };
    const { groups } = await ask(Apis.OffsetFetch, 9, { groups: Array(COUNT).fill({ ...asked, topics: null }) });
    expect(groups.map((group) => group.topics[0].partitions.length)).toEqual([1000]);
    const one = { ...asked, topics: [{ name: 't', partitionIndexes: [3] }] };
    expect((await ask(Apis.OffsetFetch, 9, { groups: [one, one] })).groups).toHaveLength(2);
    expect((await ask(Apis.DescribeGroups, 6, { groups: Array(COUNT).fill('g') })).groups).toHaveLength(1);
    expect((await ask(Apis.ConsumerGroupDescribe, 1, { groupIds: Array(COUNT).fill('g') })).groups).toHaveLength(1);
  });

  it('values for one config of a new topic is refused', async () => {
    scene = await Scene.start();
    const configs = Array.from({ length: 150_000 }, (_, index) => ({ name: 'retention.ms', value: String(index) }));
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1, assignments: [], configs }];
    const { topics: made } = await ask(Apis.CreateTopics, 5, { topics, timeoutMs: 1 });
    expect(made[0]).toMatchObject({ errorCode: Errors.INVALID_REQUEST.code });
  });

  it('repetitions of one partition is refused for it, once', async () => {
    scene = await Scene.start({ topics: { t: 2 } });
    await scene.produce('t', batchOf(['a']));
    const partitions = [
      ...Array(COUNT).fill({ partitionIndex: 0, timestamp: 1 }),
      { partitionIndex: 1, timestamp: -1 },
    ];
    const { topics } = await ask(Apis.ListOffsets, 2, { replicaId: -1, topics: [{ name: 't', partitions }] });
    expect(topics[0].partitions.map(({ errorCode }) => errorCode)).toEqual([Errors.INVALID_REQUEST.code, 0]);
  });
});

describe('a refusal that quotes a very long name', () => {
  const name = 'x'.repeat(32_767);

  it('of a config is cut short', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const draft = {
      name: 'new',
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name, value: '1' }],
    };
    const { topics } = await ask(Apis.CreateTopics, 7, { topics: [draft], timeoutMs: 1 });
    expect(topics[0]).toMatchObject({ errorCode: Errors.INVALID_CONFIG.code });
    expect(topics[0].errorMessage).toMatch(/^Topics have no config 'xxx.*…$/);
    const alter = (configOperation: number) =>
      ask(Apis.IncrementalAlterConfigs, 1, {
        resources: [{ resourceType: 2, resourceName: 't', configs: [{ name, value: '1', configOperation }] }],
        validateOnly: false,
      });
    for (const operation of [0, 2, 9]) expect((await alter(operation)).responses[0].errorMessage).toMatch(/…$/);
  });

  it('of a topic or a group is cut short', async () => {
    scene = await Scene.start();
    const draft = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    expect((await ask(Apis.CreateTopics, 7, { topics: [draft], timeoutMs: 1 })).topics[0].errorCode).toBe(
      Errors.INVALID_TOPIC_EXCEPTION.code,
    );
    const resources = [{ resourceType: 2, resourceName: name, configs: [] }];
    const { responses } = await ask(Apis.IncrementalAlterConfigs, 1, { resources, validateOnly: false });
    expect(responses[0].errorMessage).toMatch(/…$/);
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const { groups } = await ask(Apis.DescribeGroups, 6, { groups: [name] });
    expect(groups[0].errorCode).toBe(Errors.GROUP_ID_NOT_FOUND.code);
    const { responses: deleted } = await ask(Apis.DeleteTopics, 6, { topics: [{ name }], timeoutMs: 1 });
    expect(deleted[0].errorCode).toBe(Errors.UNKNOWN_TOPIC_OR_PARTITION.code);
  });
});

describe('a request with more elements than anybody needs', () => {
  it('is refused before they are made', async () => {
    scene = await Scene.start();
    const client = new RawClient(await scene.raw());
    client.write(encodedRequest(Apis.DescribeGroups, 5, { groups: Array(600_000).fill('') }));
    await scene.clock.settle();
    expect(client.isClosed).toBe(true);
    expect(scene.book.at('warn').at(-1)).toMatch(/too many array elements/);
    expect(scene.book.at('error')).toEqual([]);
  });
});

describe('a name as long as a string may be is answered, where the answer quotes it', () => {
  const name = 'n'.repeat(32_767);

  it('of a user', async () => {
    scene = await Scene.start();
    const { results } = await ask(Apis.DescribeUserScramCredentials, 0, { users: [{ name }] });
    expect(results[0].user).toBe(name);
    expect(results[0].errorMessage).toMatch(/^There are no SCRAM credentials of the user n{900,}…$/);
  });

  it('of a topic whose producers are asked for', async () => {
    scene = await Scene.start();
    const { topics } = await ask(Apis.DescribeProducers, 0, { topics: [{ name, partitionIndexes: [0] }] });
    expect(topics[0].partitions[0].errorMessage).toMatch(/has 32767 characters, possible are 249/);
  });

  it('of a topic that is named twice', async () => {
    scene = await Scene.start();
    const topic = { name, count: 2, assignments: null };
    const { results } = await ask(Apis.CreatePartitions, 3, { topics: [topic, topic], timeoutMs: 1000 });
    expect(results[0]).toMatchObject({ name, errorCode: Errors.INVALID_REQUEST.code });
  });

  it('of a topic to delete, by name and by id', async () => {
    scene = await Scene.start();
    const topics = [{ name }, { name }];
    const { responses } = await ask(Apis.DeleteTopics, 6, { topics, timeoutMs: 1000 });
    expect(responses.every(({ errorCode }) => errorCode !== 0)).toBe(true);
  });
});
