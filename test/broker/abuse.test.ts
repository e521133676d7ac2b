import { afterEach, describe, expect, it } from '@jest/globals';
import { type Random, seededRandom } from '#core';
import { type Api, Apis, encodeToBuffer } from '#protocol';
import { batchOf, RawClient, requestBytes, Scene } from './scene.ts';

/** Mutated requests per API; raise it for a longer search. */
const ROUNDS = 150;

let scene: Scene;

afterEach(() => scene?.close());

const partitions = [
  {
    partition: 0,
    partitionIndex: 0,
    index: 0,
    fetchOffset: 0,
    partitionMaxBytes: 100,
    committedOffset: 1,
    timestamp: -1,
  },
];

/** A body with something in it for every API: fields that an API does not have are dropped. */
function seedBody(topicId: string): Record<string, unknown> {
  return {
    acks: 1,
    timeoutMs: 10,
    topicData: [{ name: 't', topicId, partitionData: [{ index: 0, records: batchOf(['a']) }] }],
    topics: [
      {
        name: 't',
        topic: 't',
        topicId,
        partitions,
        partitionIndexes: [0],
        numPartitions: 1,
        replicationFactor: 1,
        count: 2,
        assignments: [],
        configs: [],
      },
    ],
    topicNames: ['t'],
    groups: [{ groupId: 'g', topics: null }],
    groupsNames: ['g'],
    groupId: 'g',
    memberId: 'm',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(4) }],
    coordinatorKeys: ['g'],
    key: 'g',
    resources: [
      { resourceType: 2, resourceName: 't', configurationKeys: null, configs: [{ name: 'retention.ms', value: '1' }] },
    ],
    resourceTypeFilter: 2,
    patternTypeFilter: 3,
    operation: 3,
    permissionType: 3,
    clientSoftwareName: 'a',
    clientSoftwareVersion: '1',
  };
}

/** The body of a request in this version, as full as the schema lets it be. */
function encodeSeed(api: Api, version: number, topicId: string): Buffer {
  const body = seedBody(topicId);
  for (;;) {
    try {
      return encodeToBuffer(api.request, version, body as never);
    } catch (error) {
      const field = /\.(\w+)(?: |\.)/.exec((error as Error).message)?.[1];
      if (field === undefined || !(field in body)) return encodeToBuffer(api.request, version, {});
      delete body[field];
    }
  }
}

function mutate(bytes: Buffer, random: Random): Buffer {
  const mutated = Buffer.from(bytes);
  const kind = random.uint32() % 4;
  if (kind === 0) return mutated.subarray(0, random.uint32() % (mutated.length + 1));
  if (kind === 1) return Buffer.concat([mutated, random.bytes(1 + (random.uint32() % 8))]);
  for (let count = 1 + (random.uint32() % 3); count > 0 && mutated.length > 0; count--) {
    const extremes = [0x00, 0x7f, 0x80, 0xff, random.uint32() & 0xff];
    mutated[random.uint32() % mutated.length] = extremes[random.uint32() % extremes.length];
  }
  return mutated;
}

describe('damaged requests', () => {
  it.each(Object.values<Api>(Apis))('of $name cost at most their connection, never an error of ours', async (api) => {
    scene = await Scene.start({ topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const topicId = await scene.topicId('t');
    const random = seededRandom(api.key + 1);
    const isServed = (await scene.send(Apis.ApiVersions, {}, 0)).apiKeys.some(({ apiKey }) => apiKey === api.key);
    for (let round = 0; round < ROUNDS; round++) {
      const version = api.minVersion + (random.uint32() % (api.maxVersion - api.minVersion + 1));
      const seed = encodeSeed(api, version, topicId);
      const tag = api.isFlexible(version) ? Buffer.alloc(1) : Buffer.alloc(0);
      const bytes = requestBytes(
        api.key,
        version,
        Buffer.concat([tag, round === 0 ? seed : mutate(seed, random)]),
        round,
      );
      const client = new RawClient(await scene.raw());
      client.write(bytes);
      await scene.clock.settle();
      expect(scene.book.at('error').map((line) => `${api.name} v${version} ${bytes.toString('hex')}: ${line}`)).toEqual(
        [],
      );
      expect(client.correlationIds.filter((id) => id !== round)).toEqual([]);
      if (round === 0) expect(client.correlationIds).toEqual(isServed ? [0] : []);
      client.connection.close();
    }
    const { brokers } = await scene.send(Apis.Metadata, { topics: [] });
    expect(brokers).toHaveLength(1);
  });
});
