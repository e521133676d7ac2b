/**
 * Administration, and what is refused in it. `min.insync.replicas` is left out where configs are compared: Kafka's format sets it for
 * the cluster, because of eligible leader replicas (KIP-966), which a single node has no use for.
 */
import type { Agent } from '../agent.ts';
import { numbered, pollAll, refusal, type Scenario, until } from '../scene.ts';

export const adminScenarios: readonly Scenario[] = [
  {
    name: 'admin: create, describe, list, grow and delete a topic',
    needs: ['createTopic', 'listTopics', 'deleteTopic'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = scene.name('made');
      await agent.ask('createTopic', { topic, partitions: 2, configs: { 'retention.ms': '60000' } });
      await until(async () => (await agent.ask('listTopics')).includes(topic));
      const seen: unknown[] = [];
      seen.push(await describedAs(agent, topic, 2));
      seen.push(await refusal(agent.ask('createTopic', { topic })));
      if (agent.can.has('addPartitions')) {
        await agent.ask('addPartitions', { topic, total: 5 });
        seen.push(await describedAs(agent, topic, 5));
        seen.push(await refusal(agent.ask('addPartitions', { topic, total: 3 })));
      }
      await agent.ask('deleteTopic', { topic });
      await until(async () => !(await agent.ask('listTopics')).includes(topic));
      seen.push(await refusal(agent.ask('deleteTopic', { topic })));
      seen.push(await refusal(agent.ask('createTopic', { topic: 'no/name' })));
      return seen;
    },
  },
  {
    name: 'admin: describe and alter configs',
    needs: ['describeConfigs', 'alterConfigs'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic(1, { 'cleanup.policy': 'compact' });
      const described = async () => {
        const { 'min.insync.replicas': _, ...configs } = await agent.ask('describeConfigs', { topic });
        return configs;
      };
      const before = await described();
      await agent.ask('alterConfigs', { topic, set: { 'retention.ms': '12345', 'max.message.bytes': '2000' } });
      await until(async () => (await agent.ask('describeConfigs', { topic }))['retention.ms'].startsWith('12345'));
      const after = await described();
      const wrong = await refusal(agent.ask('alterConfigs', { topic, set: { 'retention.ms': 'long' } }));
      const unknown = await refusal(agent.ask('alterConfigs', { topic, set: { 'no.such.config': '1' } }));
      const missing = await refusal(agent.ask('describeConfigs', { topic: 'no-such-topic' }));
      return { before, after, wrong, unknown, missing };
    },
  },
  {
    name: 'admin: delete records, list offsets',
    needs: ['produce', 'deleteRecords', 'listOffsets'],
    async play(scene) {
      const agent = await scene.agent();
      const topic = await scene.topic();
      await agent.ask('produce', { topic, records: numbered(10) });
      const offsets = async () => [
        await agent.ask('listOffsets', { topic, partition: 0, at: 'earliest' }),
        await agent.ask('listOffsets', { topic, partition: 0, at: 'latest' }),
      ];
      const seen: unknown[] = [await offsets()];
      seen.push(await agent.ask('deleteRecords', { topic, partition: 0, before: 4 }), await offsets());
      seen.push(await refusal(agent.ask('deleteRecords', { topic, partition: 0, before: 99 })));
      return seen;
    },
  },
  {
    name: 'admin: list and describe groups, move and delete their offsets',
    needs: ['open', 'commit', 'produce', 'listGroups', 'describeGroup', 'groupOffsets'],
    async play(scene) {
      const [agent, admin] = [await scene.agent(0), await scene.agent(1)];
      const topic = await scene.topic();
      const group = scene.name('group');
      const seen: unknown[] = [];
      await agent.ask('produce', { topic, records: numbered(10) });
      await agent.ask('open', { topic, group });
      await pollAll([agent], 10);
      await agent.ask('commit');
      seen.push((await admin.ask('listGroups')).find(([name]) => name === group)?.slice(1));
      seen.push(await admin.ask('describeGroup', { group }));
      seen.push(Object.values(await admin.ask('groupOffsets', { group, topic })));
      if (admin.can.has('deleteGroup')) seen.push(await refusal(admin.ask('deleteGroup', { group })));
      await agent.ask('close');
      seen.push(await admin.ask('describeGroup', { group }));
      if (admin.can.has('alterGroupOffsets')) {
        await admin.ask('alterGroupOffsets', { group, topic, partition: 0, offset: 3 });
        seen.push(Object.values(await admin.ask('groupOffsets', { group, topic })));
        await agent.ask('open', { topic, group });
        seen.push((await pollAll([agent], 7)).map(({ offset }) => offset));
        await agent.ask('close');
      }
      if (admin.can.has('deleteGroupOffsets')) {
        await admin.ask('deleteGroupOffsets', { group, topic });
        seen.push(Object.values(await admin.ask('groupOffsets', { group, topic })));
        await admin.ask('alterGroupOffsets', { group, topic, partition: 0, offset: 3 });
      }
      if (admin.can.has('deleteGroup')) {
        await admin.ask('deleteGroup', { group });
        seen.push((await admin.ask('listGroups')).some(([name]) => name === group));
        seen.push(await refusal(admin.ask('deleteGroup', { group })));
      }
      return seen;
    },
  },
  {
    name: 'admin: describe the cluster',
    needs: ['describeCluster'],
    play: async (scene) => (await scene.agent()).ask('describeCluster'),
  },
];

/** A description may come from a moment before; the one with `count` partitions is awaited. */
async function describedAs(agent: Agent, topic: string, count: number): Promise<unknown> {
  let described: readonly unknown[] = [];
  if (!agent.can.has('describeTopic')) return described;
  await until(async () => (described = await agent.ask('describeTopic', { topic })).length === count);
  return described;
}
