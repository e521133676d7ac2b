/** Keys of server.properties do what they say: the same questions to a broker without the key, and to one with it. */
import { describe, expect, test } from '@jest/globals';
import { Apis, Errors, errorByCode } from '#protocol';
import { batchOf, encodedRequest, RawClient, Scene } from '../scene.ts';

interface Row {
  readonly key: string;
  readonly value: string | number;
  /** What both brokers have besides. */
  readonly besides?: Record<string, unknown>;
  readonly ask: (scene: Scene) => Promise<unknown>;
  readonly usually: unknown;
  readonly changed: unknown;
}

const GROUP = 32;
const LONG = { timeoutMs: 600_000 };
const name = ({ errorCode }: { errorCode: number }) => errorByCode(errorCode).name;

const findCoordinator = (scene: Scene, keyType = 0) =>
  scene.send(Apis.FindCoordinator, { keyType, coordinatorKeys: ['g'] });

const joining = (sessionTimeoutMs: number, memberId = '') => ({
  groupId: 'g',
  sessionTimeoutMs,
  rebalanceTimeoutMs: 60_000,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(4) }],
});

/** In version 3 a member needs no id to join; it is awaited when it is not to wait for others. */
async function join(scene: Scene, sessionTimeoutMs: number): Promise<string> {
  await findCoordinator(scene);
  return name(await scene.send(Apis.JoinGroup, joining(sessionTimeoutMs), 3));
}

async function beat(scene: Scene, memberId = 'm', serverAssignor: string | null = null) {
  await findCoordinator(scene);
  const member = { groupId: 'g', memberId, memberEpoch: 0, rebalanceTimeoutMs: 1000, serverAssignor };
  return scene.send(Apis.ConsumerGroupHeartbeat, { ...member, subscribedTopicNames: ['t'], topicPartitions: [] });
}

async function beats(scene: Scene): Promise<string> {
  await beat(scene, 'first');
  return name(await beat(scene, 'second'));
}

const groupConfig = (key: string, value: string) => async (scene: Scene) => {
  const configs = [{ name: key, configOperation: 0, value }];
  const resources = [{ resourceType: GROUP, resourceName: 'g', configs }];
  return name((await scene.send(Apis.IncrementalAlterConfigs, { resources })).responses[0]);
};

async function commit(scene: Scene, committedMetadata = ''): Promise<string> {
  await findCoordinator(scene);
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata }];
  const { topics } = await scene.send(Apis.OffsetCommit, { groupId: 'g', topics: [{ name: 't', partitions }] }, 8);
  return name(topics[0].partitions[0]);
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

async function knownProducers(scene: Scene): Promise<number> {
  await scene.produce('t', batchOf(['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 }));
  await scene.clock.advance(900_000);
  const topics = [{ name: 't', partitionIndexes: [0] }];
  return (await scene.send(Apis.DescribeProducers, { topics })).topics[0].partitions[0].activeProducers.length;
}

async function producerId(scene: Scene): Promise<string> {
  await findCoordinator(scene, 1);
  const asked = { transactionalId: 'g', transactionTimeoutMs: 2000 };
  return name(await scene.send(Apis.InitProducerId, asked));
}

/** Of two large requests that stand still half way: how many are read. */
async function largeRequestsRead(scene: Scene): Promise<number> {
  const request = encodedRequest(Apis.CreateTopics, 5, {
    topics: [{ name: 'x'.repeat(30_000), assignments: [], configs: [] }],
    timeoutMs: 0,
  });
  request.writeInt32BE(1_000_000, 0);
  const filler = Buffer.alloc(100_000);
  let readCount = 0;
  for (let index = 0; index < 2; index++) {
    const client = new RawClient(await scene.raw());
    client.write(request, filler);
    await scene.clock.settle();
    // What comes behind the first bytes is read only by those who may.
    client.write(filler);
    await scene.clock.settle();
    if (client.connection.queuedBytes === 0) readCount++;
  }
  return readCount;
}

async function partitionsTold(scene: Scene): Promise<number> {
  const { topics } = await scene.send(Apis.DescribeTopicPartitions, { topics: [{ name: 'four' }] });
  return topics[0].partitions.length;
}

async function newTopic(scene: Scene, partitionCount: number, replicationFactor = 1): Promise<string> {
  const topics = [{ name: 'new', numPartitions: partitionCount, replicationFactor, assignments: [], configs: [] }];
  return name((await scene.send(Apis.CreateTopics, { topics, timeoutMs: 1000 })).topics[0]);
}

/** Of a client that may change one partition a second, and changes a few at once. */
async function mutation(scene: Scene): Promise<string> {
  const entity = [{ entityType: 'client-id', entityName: 'test' }];
  const ops = [{ key: 'controller_mutation_rate', value: 1, remove: false }];
  await scene.send(Apis.AlterClientQuotas, { entries: [{ entity, ops }], validateOnly: false });
  await newTopic(scene, 5);
  const topics = [{ name: 'more', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  return name((await scene.send(Apis.CreateTopics, { topics, timeoutMs: 1000 })).topics[0]);
}

const rows: readonly Row[] = [
  {
    key: 'max.request.partition.size.limit',
    value: 3,
    ask: partitionsTold,
    usually: 4,
    changed: 3,
  },
  {
    key: 'default.replication.factor',
    value: 2,
    ask: (scene) => newTopic(scene, 1, -1),
    usually: 'NONE',
    changed: 'INVALID_REPLICATION_FACTOR',
  },
  { key: 'producer.id.expiration.ms', value: 60_000, ask: knownProducers, usually: 1, changed: 0 },
  { key: 'queued.max.request.bytes', value: 70_000, ask: largeRequestsRead, usually: 2, changed: 1 },
  { key: 'broker.id', value: 7, ask: async ({ broker }) => broker.nodeId, usually: 1, changed: 7 },
  {
    key: 'group.coordinator.rebalance.protocols',
    value: 'classic',
    ask: async (scene) => name(await beat(scene)),
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
    ask: async (scene) => name(await beat(scene, 'm', 'uniform')),
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
    key: 'transaction.max.timeout.ms',
    value: 1000,
    ask: producerId,
    usually: 'NONE',
    changed: 'INVALID_TRANSACTION_TIMEOUT',
  },
  {
    key: 'controller.quota.window.num',
    value: 3,
    ask: mutation,
    usually: 'NONE',
    changed: 'THROTTLING_QUOTA_EXCEEDED',
  },
  {
    key: 'controller.quota.window.size.seconds',
    value: 5,
    besides: { 'controller.quota.window.num': 3 },
    ask: mutation,
    usually: 'THROTTLING_QUOTA_EXCEEDED',
    changed: 'NONE',
  },
];

async function answer({ besides, ask }: Row, config: Record<string, unknown>): Promise<unknown> {
  const scene = await Scene.start({ topics: { t: 1, four: 4 }, config: { ...besides, ...config } });
  try {
    return await ask(scene);
  } finally {
    await scene.close();
  }
}

describe('a key of server.properties', () => {
  test.each(rows)('$key=$value works', async (row) => {
    expect(await answer(row, {})).toBe(row.usually);
    expect(await answer(row, { [row.key]: row.value })).toBe(row.changed);
  });

  test('group.max.size lets no further member in', async () => {
    const scene = await Scene.start({ config: { 'group.max.size': 1 } });
    await findCoordinator(scene);
    const ids = await Promise.all(
      [1, 2].map(async () => (await (await scene.client()).send(Apis.JoinGroup, 4, joining(30_000), LONG)).memberId),
    );
    const [first, second] = await Promise.all(
      ids.map(async (id) => (await scene.client()).send(Apis.JoinGroup, 4, joining(30_000, id), LONG)),
    );
    expect([name(first), name(second)]).toEqual(['NONE', Errors.GROUP_MAX_SIZE_REACHED.name]);
    await scene.close();
  });
});
