/** Admin APIs over the wire, in all their versions: what the scripts of the controller show in full is only touched upon. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Api, Apis, errorByCode } from '#protocol';
import { memoryDisk } from '#storage';
import { batchOf, Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const nobody = { allows: () => false };
const nameOf = (code: number) => errorByCode(code).name;

describe('ElectLeaders', () => {
  const topicPartitions = [{ topic: 't', partitions: [0, 7] }];

  it.each([0, 1, 2])('version %d tells of each partition that was asked for', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { errorCode, replicaElectionResults } = await scene.send(Apis.ElectLeaders, { topicPartitions }, version);
    expect(errorCode).toBe(0);
    expect(replicaElectionResults[0].partitionResult.map((result) => nameOf(result.errorCode))).toEqual([
      'ELECTION_NOT_NEEDED',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    const all = await scene.send(Apis.ElectLeaders, { topicPartitions: null }, version);
    expect(all.replicaElectionResults).toEqual([{ topic: 't', partitionResult: [] }]);
  });

  it.each([0, 1, 2])('version %d says that the client may not, to the whole and to each partition', async (version) => {
    scene = await Scene.start({ authorizer: nobody });
    const { errorCode, replicaElectionResults } = await scene.send(Apis.ElectLeaders, { topicPartitions }, version);
    expect(nameOf(errorCode)).toBe(version === 0 ? 'NONE' : 'CLUSTER_AUTHORIZATION_FAILED');
    const errors = replicaElectionResults[0].partitionResult.map((result) => nameOf(result.errorCode));
    expect(errors).toEqual(['CLUSTER_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED']);
  });

  it('refuses kinds of election that there are not', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { errorCode } = await scene.send(Apis.ElectLeaders, { electionType: 9, topicPartitions });
    expect(nameOf(errorCode)).toBe('INVALID_REQUEST');
  });
});

describe('AlterPartitionReassignments and ListPartitionReassignments', () => {
  it.each([0, 1])('version %d takes the replicas that are there, and no others', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const alter = async (replicas: number[] | null) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, replicas }] }];
      const { errorCode, responses } = await scene.send(Apis.AlterPartitionReassignments, { topics }, version);
      expect(errorCode).toBe(0);
      return nameOf(responses[0].partitions[0].errorCode);
    };
    expect(await alter([1])).toBe('NONE');
    expect(await alter([2])).toBe('INVALID_REPLICA_ASSIGNMENT');
    expect(await alter(null)).toBe('NO_REASSIGNMENT_IN_PROGRESS');
  });

  it('list what is on its way: nothing, for all topics and for those asked for', async () => {
    scene = await Scene.start({ topics: { t: 1 } });
    expect((await scene.send(Apis.ListPartitionReassignments, { topics: null })).topics).toEqual([]);
    const topics = [
      { name: 't', partitionIndexes: [0] },
      { name: 'nope', partitionIndexes: [0] },
    ];
    expect(await scene.send(Apis.ListPartitionReassignments, { topics })).toMatchObject({ errorCode: 0, topics: [] });
  });

  it('need rights to the cluster', async () => {
    scene = await Scene.start({ authorizer: nobody });
    const altered = await scene.send(Apis.AlterPartitionReassignments, { topics: [] });
    const listed = await scene.send(Apis.ListPartitionReassignments, { topics: null });
    const expected = ['CLUSTER_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'];
    expect([altered, listed].map(({ errorCode }) => nameOf(errorCode))).toEqual(expected);
  });
});

describe('DescribeQuorum', () => {
  const asked = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] };

  it.each([0, 1, 2])('version %d shows the one voter, which leads', async (version) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { errorCode, topics, nodes } = await scene.send(Apis.DescribeQuorum, asked, version);
    expect(errorCode).toBe(0);
    const [{ leaderId, leaderEpoch, highWatermark, currentVoters, observers }] = topics[0].partitions;
    expect({ leaderId, leaderEpoch, observers }).toEqual({ leaderId: 1, leaderEpoch: 1, observers: [] });
    const { wallMs } = scene.clock.now();
    expect(currentVoters).toMatchObject([
      { replicaId: 1, logEndOffset: highWatermark, lastCaughtUpTimestamp: version >= 1 ? wallMs : -1 },
    ]);
    expect(currentVoters[0].replicaDirectoryId === 'AAAAAAAAAAAAAAAAAAAAAA').toBe(version < 2);
    expect(nodes).toEqual(version >= 2 ? [{ nodeId: 1, listeners: [] }] : []);
  });

  it.each([
    [{ topics: [] }, []],
    [{ topics: [{ topicName: 't', partitions: [{ partitionIndex: 0 }] }] }, ['UNKNOWN_TOPIC_OR_PARTITION']],
  ])('knows no other partition: %j', async (body, expected) => {
    scene = await Scene.start({ topics: { t: 1 } });
    const { errorCode, topics } = await scene.send(Apis.DescribeQuorum, body);
    expect(errorCode).toBe(0);
    expect(topics.flatMap(({ partitions }) => partitions.map((one) => nameOf(one.errorCode)))).toEqual(expected);
  });
});

describe('DescribeLogDirs', () => {
  it.each([1, 2, 3, 4, 5])('version %d shows the size of each log that was asked for', async (version) => {
    scene = await Scene.start({ topics: { t: 2, u: 1 } });
    const batch = batchOf(['one']);
    await scene.produce('t', batch);
    const all = await scene.send(Apis.DescribeLogDirs, { topics: null }, version);
    expect(all.results).toHaveLength(1);
    const [{ errorCode, logDir, topics, totalBytes, isCordoned }] = all.results;
    expect({ errorCode, logDir, totalBytes, isCordoned }).toEqual({
      errorCode: 0,
      logDir: '/data',
      totalBytes: -1,
      isCordoned: false,
    });
    const idle = { offsetLag: 0, isFutureKey: false };
    expect(topics).toEqual([
      {
        name: 't',
        partitions: [
          { partitionIndex: 0, partitionSize: batch.length, ...idle },
          { partitionIndex: 1, partitionSize: 0, ...idle },
        ],
      },
      { name: 'u', partitions: [{ partitionIndex: 0, partitionSize: 0, ...idle }] },
    ]);
    const asked = [
      { topic: 't', partitions: [1, 9] },
      { topic: 'nope', partitions: [0] },
    ];
    const some = await scene.send(Apis.DescribeLogDirs, { topics: asked }, version);
    expect(some.results[0].topics).toEqual(
      [topics[0]].map(({ name, partitions }) => ({ name, partitions: [partitions[1]] })),
    );
  });

  it('tells what the file system has room for, where it has bounds', async () => {
    const disk = Object.assign(memoryDisk(), { space: async () => ({ totalBytes: 1000, usableBytes: 10 }) });
    scene = await Scene.start({ disk });
    const { results } = await scene.send(Apis.DescribeLogDirs, { topics: null });
    expect(results).toMatchObject([{ totalBytes: 1000, usableBytes: 10 }]);
  });

  it('tells which directory is offline', async () => {
    scene = await Scene.start({ config: { 'log.dirs': '/data,/other' } });
    expect((await scene.send(Apis.DescribeLogDirs, { topics: null })).results.map(({ logDir }) => logDir)).toEqual([
      '/data',
      '/other',
    ]);
  });

  it('tells which directories get no new partitions; others get them, or nobody', async () => {
    scene = await Scene.start({ config: { 'log.dirs': '/data,/other', 'cordoned.log.dirs': '/data' } });
    const look = async () => {
      await scene.clock.settle();
      const { results } = await scene.send(Apis.DescribeLogDirs, { topics: null });
      return results.map(
        ({ logDir, isCordoned, topics }) => `${logDir} ${isCordoned} ${topics.map(({ name }) => name)}`,
      );
    };
    const cordon = async (value: string) => {
      const configs = [{ name: 'cordoned.log.dirs', value, configOperation: 0 }];
      const resources = [{ resourceType: 4, resourceName: '1', configs }];
      return nameOf((await scene.send(Apis.IncrementalAlterConfigs, { resources })).responses[0].errorCode);
    };
    await scene.createTopics({ a: 1 });
    await scene.createTopics({ b: 1 });
    expect(await look()).toEqual(['/data true ', '/other false a,b']);
    expect(await cordon('/other')).toBe('NONE');
    await scene.clock.settle();
    await scene.createTopics({ c: 1 });
    expect(await look()).toEqual(['/data false c', '/other true a,b']);
    expect(await cordon('/nowhere')).toBe('INVALID_REQUEST');
    expect(await cordon('*')).toBe('NONE');
    await scene.clock.settle();
    await expect(scene.createTopics({ d: 1 })).rejects.toThrow(/with room for them, and there are 0/);
    expect(await look()).toEqual(['/data true c', '/other true a,b']);
  });

  it('needs the right to describe the cluster', async () => {
    scene = await Scene.start({ authorizer: nobody });
    const { errorCode, results } = await scene.send(Apis.DescribeLogDirs, { topics: null });
    expect([nameOf(errorCode), results]).toEqual(['CLUSTER_AUTHORIZATION_FAILED', []]);
  });
});

describe('DescribeUserScramCredentials', () => {
  it('knows no user', async () => {
    scene = await Scene.start();
    expect(await scene.send(Apis.DescribeUserScramCredentials, { users: null })).toMatchObject({
      errorCode: 0,
      results: [],
    });
    const users = [{ name: 'a' }, { name: 'b' }, { name: 'b' }];
    const { results } = await scene.send(Apis.DescribeUserScramCredentials, { users });
    expect(results.map(({ user, errorCode }) => `${user} ${nameOf(errorCode)}`)).toEqual([
      'a RESOURCE_NOT_FOUND',
      'b DUPLICATE_RESOURCE',
    ]);
  });
});

describe('DescribeAcls, CreateAcls and DeleteAcls', () => {
  const anything = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 };
  const filter = { ...anything, resourceNameFilter: null, principalFilter: null, hostFilter: null };
  const rule = { resourceType: 2, resourceName: 't', principal: 'User:a', host: '*', operation: 3, permissionType: 3 };
  const ask = async (version: number) => {
    const described = await scene.send(Apis.DescribeAcls, filter, version);
    const created = await scene.send(Apis.CreateAcls, { creations: [rule, rule] }, version);
    const deleted = await scene.send(Apis.DeleteAcls, { filters: [filter] }, version);
    return [described, ...created.results, ...deleted.filterResults].map(({ errorCode }) => nameOf(errorCode));
  };

  it.each([1, 2, 3])('version %d tells of each that there are no access control lists', async (version) => {
    scene = await Scene.start();
    expect(await ask(version)).toEqual(Array(4).fill('SECURITY_DISABLED'));
  });

  it('hang up on who knows not what they ask for', async () => {
    scene = await Scene.start();
    const hangsUp = async (api: Api, body: object) => {
      const client = await scene.client();
      await expect(client.send(api, 3, body, { timeoutMs: 600_000 })).rejects.toMatchObject({
        code: 'NETWORK_EXCEPTION',
      });
    };
    await hangsUp(Apis.DescribeAcls, { ...filter, operation: 0 });
    await hangsUp(Apis.CreateAcls, { creations: [rule, { ...rule, resourceType: 0 }] });
    await hangsUp(Apis.DeleteAcls, { filters: [filter, { ...filter, permissionType: 0 }] });
  });

  it('tell who may not ask no more than that', async () => {
    scene = await Scene.start({ authorizer: nobody });
    expect(await ask(3)).toEqual(Array(4).fill('CLUSTER_AUTHORIZATION_FAILED'));
  });
});

describe('UnregisterBroker', () => {
  it('forgets no broker that runs, and none that is not there', async () => {
    scene = await Scene.start();
    const unregister = async (brokerId: number) =>
      nameOf((await scene.send(Apis.UnregisterBroker, { brokerId })).errorCode);
    expect(await unregister(1)).toBe('INVALID_REQUEST');
    expect(await unregister(9)).toBe('BROKER_ID_NOT_REGISTERED');
  });
});

describe('DescribeCluster', () => {
  it.each([0, 1, 2])('version %d shows the broker, and what may be done when asked', async (version) => {
    scene = await Scene.start();
    const body = { includeClusterAuthorizedOperations: true };
    const asked = await scene.send(Apis.DescribeCluster, body, version);
    expect(asked).toMatchObject({ controllerId: 1, brokers: [{ brokerId: 1 }], clusterAuthorizedOperations: 8096 });
    const plain = await scene.send(Apis.DescribeCluster, {}, version);
    expect(plain.clusterAuthorizedOperations).toBe(-(2 ** 31));
  });

  it.each([
    [2, 'MISMATCHED_ENDPOINT_TYPE'],
    [9, 'UNSUPPORTED_ENDPOINT_TYPE'],
  ])('has no endpoints of type %d', async (endpointType, expected) => {
    scene = await Scene.start();
    const { errorCode, clusterId, brokers } = await scene.send(Apis.DescribeCluster, { endpointType });
    expect([nameOf(errorCode), clusterId, brokers]).toEqual([expected, '', []]);
  });
});
