import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KafkaAdmin, type KafkaAdminOptions, TopicBuilder } from '#app';
import { Broker } from '#broker';
import { type Logger, silentLogger } from '#core';
import { memoryDisk } from '#storage';

let broker: Broker;
const told: string[] = [];
const logger: Logger = {
  ...silentLogger,
  info: (fields: unknown, message?: string) => void told.push(`info: ${message ?? fields}`),
  error: (_fields: unknown, message?: string) => void told.push(`error: ${message}`),
};

beforeAll(async () => {
  broker = await Broker.start({
    disk: memoryDisk(),
    config: { listeners: 'PLAINTEXT://127.0.0.1:0', 'num.partitions': 2 },
  });
});

afterAll(() => broker.close());

function admin(options: KafkaAdminOptions = {}, servers = broker.bootstrapServers): KafkaAdmin {
  return new KafkaAdmin({ 'bootstrap.servers': servers }, { transport: broker.connect(), logger, ...options });
}

async function partitionCount(topic: string): Promise<number | undefined> {
  return (await admin().describeTopics(topic)).get(topic)?.partitions.length;
}

describe('declared topics', () => {
  test('are created with what was declared, and with the broker’s defaults where nothing was', async () => {
    await admin().initialize([
      TopicBuilder.name('a').partitions(3).replicas(1).build(),
      TopicBuilder.name('b').build(),
    ]);
    expect([await partitionCount('a'), await partitionCount('b')]).toEqual([3, 2]);
    expect(told).toEqual(['info: created topics a (3 partitions), b (2 partitions)']);
  });

  test('that exist are left alone, grown when they have too few partitions, never shrunk', async () => {
    await admin().initialize([TopicBuilder.name('c').partitions(2).build()]);
    await admin().initialize([TopicBuilder.name('c').partitions(4).build()]);
    expect(await partitionCount('c')).toBe(4);
    told.length = 0;
    await admin().initialize([TopicBuilder.name('c').partitions(1).build()]);
    expect(await partitionCount('c')).toBe(4);
    expect(told).toEqual(['info: topic c has 4 partitions, more than the 1 asked for']);
  });

  test('that others make at the same time are grown as well', async () => {
    const counts = [1, 2, 3, 4, 5, 6];
    await Promise.all(counts.map((count) => admin().initialize([TopicBuilder.name('d').partitions(count).build()])));
    expect(await partitionCount('d')).toBe(6);
  });

  test('are not made when auto-create is off', async () => {
    await admin({ isAutoCreate: false }).initialize([TopicBuilder.name('off').build()]);
    await expect(admin().describeTopics('off')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  test('that cannot be made are logged, or fail the start when that is asked for', async () => {
    const bad = TopicBuilder.name('bad/name').build();
    told.length = 0;
    await admin().initialize([bad]);
    expect(told[0]).toMatch(/^error: the topics bad\/name could not be made: /);
    await expect(admin({ isFatal: true }).initialize([bad])).rejects.toMatchObject({ code: 'INVALID_TOPIC_EXCEPTION' });
  });
});

test('tells the id of the cluster and deletes topics', async () => {
  expect(await admin().clusterId()).toBe(broker.clusterId);
  await admin().initialize([TopicBuilder.name('gone').build()]);
  await admin().deleteTopics('gone');
  await expect(admin().describeTopics('gone')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' });
});
