import { afterEach, describe, expect, it } from '@jest/globals';
import { Apis, Errors, errorByCode } from '#protocol';
import { Scene } from './scene.ts';

let scene: Scene;

afterEach(() => scene?.close());

const namesAndCodes = (topics: { name: string | null; errorCode: number }[]) =>
  topics.map(({ name, errorCode }) => `${name} ${errorByCode(errorCode).name}`);

describe('ApiVersions', () => {
  it('advertises exactly what is served', async () => {
    scene = await Scene.start();
    const { apiKeys } = await scene.send(Apis.ApiVersions, {}, 0);
    const ranges = apiKeys.map(({ apiKey, minVersion, maxVersion }) => `${apiKey}: ${minVersion}-${maxVersion}`);
    expect(ranges).toEqual([
      '0: 0-13',
      '1: 4-18',
      '2: 1-11',
      '3: 0-13',
      '8: 2-10',
      '9: 1-10',
      '10: 0-6',
      '11: 0-9',
      '12: 0-4',
      '13: 0-5',
      '14: 0-5',
      '15: 0-6',
      '16: 0-5',
      '18: 0-5',
      '19: 2-7',
      '20: 1-6',
      '21: 0-2',
      '22: 0-5',
      '23: 2-4',
      '24: 0-5',
      '25: 0-4',
      '26: 0-5',
      '27: 1-2',
      '28: 0-6',
      '29: 1-3',
      '30: 1-3',
      '31: 1-3',
      '32: 1-4',
      '33: 0-2',
      '34: 1-2',
      '35: 1-5',
      '37: 0-3',
      '42: 0-3',
      '43: 0-2',
      '44: 0-1',
      '45: 0-1',
      '46: 0-0',
      '47: 0-0',
      '48: 0-1',
      '49: 0-1',
      '50: 0-0',
      '55: 0-2',
      '57: 0-2',
      '60: 0-2',
      '61: 0-0',
      '64: 0-0',
      '65: 0-0',
      '66: 0-2',
      '68: 0-1',
      '69: 0-1',
      '74: 0-1',
      '75: 0-0',
    ]);
  });

  it.each([3, 4, 5])('version %d tells the features that are true', async (version) => {
    scene = await Scene.start();
    const body = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' };
    const response = await scene.send(Apis.ApiVersions, body, version);
    const supported = [
      { name: 'metadata.version', minVersion: 17, maxVersion: 33 },
      { name: 'group.version', minVersion: 0, maxVersion: 1 },
      { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
    ];
    // A lowest level of 0 is told from version 4 on.
    expect(response.supportedFeatures).toEqual(version < 4 ? supported.slice(0, 1) : supported);
    expect(response.finalizedFeatures).toEqual([
      { name: 'metadata.version', maxVersionLevel: 33, minVersionLevel: 33 },
      { name: 'group.version', maxVersionLevel: 1, minVersionLevel: 1 },
      { name: 'transaction.version', maxVersionLevel: 2, minVersionLevel: 2 },
    ]);
    expect(response.finalizedFeaturesEpoch).toBeGreaterThan(0);
  });

  it.each(['', '-bad-', 'a b', 'ä'])('refuses the software name %p', async (clientSoftwareName) => {
    scene = await Scene.start();
    const { errorCode } = await scene.send(Apis.ApiVersions, { clientSoftwareName, clientSoftwareVersion: '1' }, 3);
    expect(errorCode).toBe(Errors.INVALID_REQUEST.code);
  });

  it('tells a client that meant another cluster or node so; one that says half of it is not understood', async () => {
    scene = await Scene.start();
    const software = { clientSoftwareName: 'a', clientSoftwareVersion: '1' };
    const ask = async (wanted: { clusterId?: string | null; nodeId?: number }) => {
      const { errorCode, apiKeys } = await scene.send(Apis.ApiVersions, { ...software, ...wanted }, 5);
      return `${errorByCode(errorCode).name} ${apiKeys.length > 0}`;
    };
    const { clusterId } = scene.broker;
    expect(await ask({})).toBe('NONE true');
    expect(await ask({ clusterId, nodeId: 1 })).toBe('NONE true');
    expect(await ask({ clusterId: 'other', nodeId: 1 })).toBe('REBOOTSTRAP_REQUIRED false');
    expect(await ask({ clusterId, nodeId: 2 })).toBe('REBOOTSTRAP_REQUIRED false');
    expect(await ask({ clusterId })).toBe('INVALID_REQUEST false');
    expect(await ask({ nodeId: 1 })).toBe('INVALID_REQUEST false');
  });
});

describe('Metadata', () => {
  it.each(Array.from({ length: 14 }, (_, version) => version))(
    'version %d names broker, controller and topics',
    async (version) => {
      scene = await Scene.start({ topics: { a: 2, b: 1 } });
      const response = await scene.send(Apis.Metadata, { topics: version === 0 ? [] : null }, version);
      expect(response.brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: 9092, rack: null }]);
      if (version >= 1) expect(response.controllerId).toBe(1);
      if (version >= 2) expect(response.clusterId).toBe(scene.broker.clusterId);
      expect(namesAndCodes(response.topics)).toEqual(['a NONE', 'b NONE']);
      expect(response.topics[0].partitions).toMatchObject([
        { partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] },
        { partitionIndex: 1, leaderId: 1, replicaNodes: [1], isrNodes: [1] },
      ]);
      if (version >= 7) expect(response.topics[0].partitions[0].leaderEpoch).toBe(0);
    },
  );

  it('an empty list is no topic, from version 1 on', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    expect((await scene.send(Apis.Metadata, { topics: [] }, 1)).topics).toEqual([]);
  });

  it('makes a topic that is asked for, with the default partitions, and describes it at once', async () => {
    scene = await Scene.start({ config: { 'num.partitions': 3 } });
    const { topics } = await scene.send(Apis.Metadata, { topics: [{ name: 'new' }] }, 9);
    expect(topics).toMatchObject([{ name: 'new', errorCode: 0 }]);
    expect(topics[0].partitions).toHaveLength(3);
  });

  it('makes it once when many ask together', async () => {
    scene = await Scene.start();
    const clients = await Promise.all(Array.from({ length: 10 }, () => scene.client()));
    const ids = await Promise.all(
      clients.map(async (client) => {
        const { topics } = await client.send(Apis.Metadata, 10, { topics: [{ name: 'new' }] }, { timeoutMs: 1000 });
        return `${topics[0].errorCode} ${topics[0].topicId}`;
      }),
    );
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^0 /);
  });

  it('makes nothing when the broker or the client forbids it', async () => {
    scene = await Scene.start({ config: { 'auto.create.topics.enable': false } });
    expect(namesAndCodes((await scene.send(Apis.Metadata, { topics: [{ name: 'new' }] }, 9)).topics)).toEqual([
      'new UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    await scene.close();
    scene = await Scene.start();
    const polite = { topics: [{ name: 'new' }], allowAutoTopicCreation: false };
    expect(namesAndCodes((await scene.send(Apis.Metadata, polite, 9)).topics)).toEqual([
      'new UNKNOWN_TOPIC_OR_PARTITION',
    ]);
  });

  it('refuses names that no topic can have', async () => {
    scene = await Scene.start();
    const { topics } = await scene.send(Apis.Metadata, { topics: [{ name: '../x' }, { name: '' }] }, 9);
    expect(namesAndCodes(topics)).toEqual(['../x INVALID_TOPIC_EXCEPTION', ' INVALID_TOPIC_EXCEPTION']);
  });

  it('does not count names beside ids, and has no ids before version 12', async () => {
    scene = await Scene.start({ topics: { a: 1, b: 1 } });
    const topics = [{ name: 'b' }, { topicId: await scene.topicId('a'), name: 'a' }];
    expect(namesAndCodes((await scene.send(Apis.Metadata, { topics }, 12)).topics)).toEqual(['a NONE']);
    const refused = await scene.send(Apis.Metadata, { topics }, 10);
    expect([refused.brokers, refused.topics.map(({ errorCode }) => errorCode)]).toEqual([[], [42, 42]]);
    const nameless = await scene.send(Apis.Metadata, { topics: [{ name: null }, { name: 'b' }] }, 11);
    expect(nameless.topics.map(({ errorCode }) => errorCode)).toEqual([42, 42]);
  });

  it('tells what a client may do when it asks for that', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const body = {
      topics: [{ name: 'a' }],
      includeTopicAuthorizedOperations: true,
      includeClusterAuthorizedOperations: true,
    };
    const { topics, clusterAuthorizedOperations } = await scene.send(Apis.Metadata, body, 10);
    expect([topics[0].topicAuthorizedOperations, clusterAuthorizedOperations]).toEqual([3576, 8096]);
    const unasked = await scene.send(Apis.Metadata, { topics: [{ name: 'a' }] }, 10);
    expect(unasked.topics[0].topicAuthorizedOperations).toBe(-(2 ** 31));
  });

  it('finds topics by id, once each', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const topicId = await scene.topicId('a');
    const topics = [
      { topicId, name: null },
      { topicId, name: null },
      { topicId: 'BBBBBBBBBBBBBBBBBBBBBA', name: null },
    ];
    const response = await scene.send(Apis.Metadata, { topics }, 12);
    expect(namesAndCodes(response.topics)).toEqual(['a NONE', 'null UNKNOWN_TOPIC_ID']);
  });

  it('says which topics are internal', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    await scene.send(Apis.FindCoordinator, { keyType: 0, coordinatorKeys: ['g'] });
    const { topics } = await scene.send(Apis.Metadata, { topics: null });
    expect(topics.map(({ name, isInternal }) => [name, isInternal])).toEqual([
      ['a', false],
      ['__consumer_offsets', true],
    ]);
  });

  it('tells the advertised address of the listener that the client came in by', async () => {
    scene = await Scene.start({
      config: { 'advertised.listeners': 'PLAINTEXT://kafka.example.org:19092', 'broker.rack': 'r1' },
    });
    const { brokers } = await scene.send(Apis.Metadata, { topics: [] });
    expect(brokers).toEqual([{ nodeId: 1, host: 'kafka.example.org', port: 19092, rack: 'r1' }]);
  });
});

describe('DescribeCluster', () => {
  it.each([0, 1, 2])('version %d names cluster, controller and brokers', async (version) => {
    scene = await Scene.start();
    const response = await scene.send(Apis.DescribeCluster, {}, version);
    expect(response).toMatchObject({
      errorCode: 0,
      clusterId: scene.broker.clusterId,
      controllerId: 1,
      brokers: [{ brokerId: 1, port: 9092 }],
    });
  });

  it('has no controller endpoints to give', async () => {
    scene = await Scene.start();
    expect((await scene.send(Apis.DescribeCluster, { endpointType: 2 })).errorCode).toBe(
      Errors.MISMATCHED_ENDPOINT_TYPE.code,
    );
    expect((await scene.send(Apis.DescribeCluster, { endpointType: 9 })).errorCode).toBe(
      Errors.UNSUPPORTED_ENDPOINT_TYPE.code,
    );
  });
});

describe('DescribeTopicPartitions', () => {
  type Cursor = { topicName: string; partitionIndex: number } | null;

  it('gives pages that a cursor continues', async () => {
    scene = await Scene.start({ topics: { b: 3, a: 2, c: 1 } });
    const pages: string[][] = [];
    let cursor: Cursor = null;
    do {
      const page: {
        topics: { name: string | null; partitions: { partitionIndex: number }[] }[];
        nextCursor: Cursor;
      } = await scene.send(Apis.DescribeTopicPartitions, { topics: [], responsePartitionLimit: 2, cursor });
      pages.push(
        page.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
        ),
      );
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(pages).toEqual([
      ['a-0', 'a-1'],
      ['b-0', 'b-1'],
      ['b-2', 'c-0'],
    ]);
  });

  it.each([
    ['before the first partition', ['a'], { topicName: 'a', partitionIndex: -1 }],
    ['at a topic that was not asked for', ['a'], { topicName: 'b', partitionIndex: 0 }],
  ])('refuses a cursor %s', async (_, names, cursor) => {
    scene = await Scene.start({ topics: { a: 1, b: 1 } });
    const asked = names.map((name) => ({ name }));
    const { topics } = await scene.send(Apis.DescribeTopicPartitions, { topics: asked, cursor });
    expect(namesAndCodes(topics)).toEqual(['a INVALID_REQUEST']);
  });

  it('gives one partition at least', async () => {
    scene = await Scene.start({ topics: { a: 2 } });
    const { topics, nextCursor } = await scene.send(Apis.DescribeTopicPartitions, {
      topics: [],
      responsePartitionLimit: 0,
    });
    expect([topics[0].partitions.length, nextCursor]).toEqual([1, { topicName: 'a', partitionIndex: 1 }]);
  });

  it('tells errors per topic', async () => {
    scene = await Scene.start({ topics: { a: 1 } });
    const { topics, nextCursor } = await scene.send(Apis.DescribeTopicPartitions, {
      topics: [{ name: 'nosuch' }, { name: 'a' }, { name: '..' }],
    });
    expect(namesAndCodes(topics)).toEqual([
      '.. INVALID_TOPIC_EXCEPTION',
      'a NONE',
      'nosuch UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    expect(nextCursor).toBeNull();
  });
});
