/** Keys of server.properties do what they say: those of requests, topics and logs. */
import { describe, expect, it } from '@jest/globals';
import { Apis } from '#protocol';
import { type Disk, memoryDisk } from '#storage';
import { batchOf, encodedRequest, RawClient, Scene } from '../scene.ts';
import { type Config, errorOf, testKeys } from './key-rows.ts';

async function knownProducers(scene: Scene): Promise<number> {
  await scene.produce('t', batchOf(['a'], { producerId: 7, producerEpoch: 0, baseSequence: 0 }));
  await scene.clock.advance(900_000);
  const topics = [{ name: 't', partitionIndexes: [0] }];
  return (await scene.send(Apis.DescribeProducers, { topics })).topics[0].partitions[0].activeProducers.length;
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
  return errorOf((await scene.send(Apis.CreateTopics, { topics, timeoutMs: 1000 })).topics[0]);
}

/** Of a client that may change one partition a second, and changes a few at once. */
async function mutation(scene: Scene): Promise<string> {
  const entity = [{ entityType: 'client-id', entityName: 'test' }];
  const ops = [{ key: 'controller_mutation_rate', value: 1, remove: false }];
  await scene.send(Apis.AlterClientQuotas, { entries: [{ entity, ops }], validateOnly: false });
  await newTopic(scene, 5);
  const topics = [{ name: 'more', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
  return errorOf((await scene.send(Apis.CreateTopics, { topics, timeoutMs: 1000 })).topics[0]);
}

/** Partitions of which one fetch brings records, where each has more than the least limit. */
async function partitionsFetched(scene: Scene): Promise<number> {
  const indexes = [0, 1, 2, 3];
  for (const partition of indexes) await scene.produce('four', batchOf(['x'.repeat(2000)]), { partition });
  const partitions = indexes.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }));
  const asked = { maxWaitMs: 0, minBytes: 1, maxBytes: 1_000_000, topics: [{ topic: 'four', partitions }] };
  const { responses } = await scene.send(Apis.Fetch, asked, 12);
  return responses[0].partitions.filter(({ records }) => (records?.length ?? 0) > 0).length;
}

async function segmentsOf(disk: Disk, folder: string): Promise<number> {
  return (await disk.list(folder)).filter(({ name }) => name.endsWith('.log')).length;
}

/** After 9 MB of changes, 30 kB each. */
async function metadataSegments(scene: Scene): Promise<number> {
  const name = 'leader.replication.throttled.replicas';
  for (let change = 0; change < 300; change++) {
    const value = Array.from({ length: 6000 }, () => `${change}:1`)
      .join(',')
      .slice(0, 30_000);
    const configs = [{ name, configOperation: 0, value: value.slice(0, value.lastIndexOf(',')) }];
    const resources = [{ resourceType: 2, resourceName: 't', configs }];
    const { responses } = await scene.send(Apis.IncrementalAlterConfigs, { resources });
    expect(errorOf(responses[0])).toBe('NONE');
  }
  return segmentsOf(scene.disk, '/data/__cluster_metadata-0');
}

/** Ten seconds after the background has begun to look at a closed segment of a MiB, whose first batch is damaged. */
async function damageFound(scene: Scene): Promise<boolean> {
  const configs = [{ name: 'segment.bytes', value: '1048576' }];
  await scene.send(Apis.CreateTopics, { topics: [{ name: 's', numPartitions: 1, replicationFactor: 1, configs }] });
  for (let n = 0; n < 6; n++) await scene.produce('s', batchOf(['x'.repeat(250_000)]));
  expect(await segmentsOf(scene.disk, '/data/s-0')).toBe(2);
  const file = scene.disk.openSync('/data/s-0/00000000000000000000.log', { create: false });
  file.writeSync([Buffer.from('damage')], 1000);
  file.close();
  await scene.clock.advance(70_000);
  return scene.book.lines.some(({ message }) => /s-0.*damaged/.test(message));
}

/** Whether the logs of forty partitions are open when each of them was written to. */
async function areAllOpen(_: Scene, config: Config): Promise<boolean> {
  const disk = memoryDisk();
  const open = disk.openSync.bind(disk);
  let openCount = 0;
  disk.openSync = (path, options) => {
    const file = open(path, options);
    if (!/\/many-\d+\/\d+\.log$/.test(path)) return file;
    openCount++;
    const close = file.close.bind(file);
    return Object.assign(file, {
      close: () => {
        openCount--;
        close();
      },
    });
  };
  const scene = await Scene.start({ disk, config, topics: { many: 40 } });
  for (let partition = 0; partition < 40; partition++)
    expect(await scene.produce('many', batchOf(['x']), { partition })).toMatchObject({ errorCode: 0 });
  const isAll = openCount === 40;
  if (!isAll) expect(openCount).toBeLessThanOrEqual(10);
  await scene.close();
  return isAll;
}

describe('a key of server.properties', () => {
  testKeys([
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
    {
      key: 'producer.id.expiration.ms',
      value: 60_000,
      ask: knownProducers,
      usually: 1,
      changed: 0,
      isDynamic: true,
    },
    { key: 'queued.max.request.bytes', value: 70_000, ask: largeRequestsRead, usually: 2, changed: 1 },
    { key: 'broker.id', value: 7, ask: async ({ broker }) => broker.nodeId, usually: 1, changed: 7 },
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
    {
      key: 'cluster.id',
      value: 'c3ByaW5ndGlkZS1uYW1lZA',
      ask: async (scene) => (await scene.send(Apis.DescribeCluster, {})).clusterId === 'c3ByaW5ndGlkZS1uYW1lZA',
      usually: false,
      changed: true,
    },
    { key: 'fetch.max.bytes', value: 1024, ask: partitionsFetched, usually: 4, changed: 1 },
    { key: 'metadata.log.segment.bytes', value: 8_388_608, ask: metadataSegments, usually: 1, changed: 2 },
    {
      key: 'springtide.broker.scrub.bytes.per.second',
      value: 10_000,
      ask: damageFound,
      usually: true,
      changed: false,
    },
    { key: 'springtide.broker.open.files.max', value: 10, ask: areAllOpen, usually: true, changed: false },
  ]);

  it('springtide.broker.metrics.host is where metrics are read', async () => {
    const config = { 'springtide.broker.metrics.port': 0, 'springtide.broker.metrics.host': '192.0.2.1' };
    await expect(Scene.start({ config })).rejects.toThrow(/192\.0\.2\.1/);
  });
});
