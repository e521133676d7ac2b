/**
 * What each client is made to do while it is recorded: a little of everything that it can, one thing after the other. Topics with
 * records are there before, so that nothing waits for a broker to lead them.
 */
import type { Agent, SentRecord } from '../../clients/agent.ts';
import { numbered, pollAll, readAll, refusal } from '../../clients/scene.ts';

/** Partitions by topic. */
export function topicsOf(client: string): Map<string, number> {
  return new Map([
    [`${client}-data`, 2],
    [`${client}-copy`, 1],
  ]);
}

const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
/** Brokers other than the one that was asked learn of a change a moment later. */
const MOMENT_MS = 500;

export async function converse(agent: Agent, client: string): Promise<void> {
  const can = (...verbs: readonly string[]) => verbs.every((verb) => agent.can.has(verb));
  const [data, copy] = topicsOf(client).keys();
  await topics(agent, `${client}-made`, can);
  const count = await produce(agent, data, can);
  await readAll(agent, data, count, { partitions: 2 });
  await inGroup(agent, data, count, { group: `${client}-classic` });
  if (can('consumer-protocol'))
    await inGroup(agent, data, count, { group: `${client}-consumer`, protocol: 'consumer' });
  if (can('static')) await inGroup(agent, data, count, { group: `${client}-static`, instanceId: 'one' });
  if (can('cooperative-sticky'))
    await inGroup(agent, data, count, { group: `${client}-cooperative`, assignor: 'cooperative-sticky' });
  if (can('txnOpen')) await transactions(agent, client, data, copy, count);
  await offsets(agent, data, can);
  await groups(agent, data, `${client}-classic`, can);
  if (can('deleteTopic')) await agent.ask('deleteTopic', { topic: `${client}-made` });
}

type Can = (...verbs: readonly string[]) => boolean;

async function topics(agent: Agent, topic: string, can: Can): Promise<void> {
  if (can('describeCluster')) await agent.ask('describeCluster');
  if (can('listTopics')) await agent.ask('listTopics');
  if (!can('createTopic', 'describeTopic')) return;
  await agent.ask('createTopic', { topic, partitions: 2, configs: { 'retention.ms': '60000' } });
  await moment();
  await refusal(agent.ask('createTopic', { topic }));
  await agent.ask('describeTopic', { topic });
  if (can('addPartitions')) {
    await agent.ask('addPartitions', { topic, total: 5 });
    await moment();
    await refusal(agent.ask('addPartitions', { topic, total: 3 }));
  }
  if (!can('describeConfigs', 'alterConfigs')) return;
  await agent.ask('alterConfigs', { topic, set: { 'retention.ms': '12345', 'max.message.bytes': '2000' } });
  await moment();
  await agent.ask('describeConfigs', { topic });
  await refusal(agent.ask('alterConfigs', { topic, set: { 'retention.ms': 'long' } }));
}

/** @returns how many */
async function produce(agent: Agent, topic: string, can: Can): Promise<number> {
  const special: SentRecord[] = [
    { partition: 0, key: null, value: 'no key', headers: [['a', '1']] },
    { partition: 1, key: 'tombstone', value: null, headers: [['a', '1'], ['a', '2'], ['ü', 'ö']] }, // biome-ignore format: one record a line
  ];
  const sent = [
    { records: numbered(10, 2) },
    { records: numbered(4, 2), acks: 0 as const },
    { records: numbered(4, 2), acks: 1 as const },
    ...CODECS.filter((codec) => can(codec)).map((codec) => ({
      records: numbered(4, 2, 'compressible '.repeat(5)),
      codec,
    })),
    ...(can('idempotent') ? [1, 2, 3].map(() => ({ records: numbered(4, 2), idempotent: true })) : []),
    ...(can('repeated-headers') ? [{ records: special }] : []),
  ];
  for (const each of sent) await agent.ask('produce', { topic, ...each });
  return sent.reduce((sum, { records }) => sum + records.length, 0);
}

async function inGroup(agent: Agent, topic: string, count: number, options: object): Promise<void> {
  await agent.ask('open', { topic, ...options });
  await pollAll([agent], count);
  if (agent.can.has('commit')) await agent.ask('commit');
  await agent.ask('close');
}

async function transactions(agent: Agent, client: string, from: string, to: string, count: number): Promise<void> {
  const transactionalId = `${client}-transactional`;
  await agent.ask('txnOpen', { transactionalId });
  for (const end of ['txnCommit', 'txnAbort', 'txnCommit'] as const) {
    await agent.ask('txnBegin');
    await agent.ask('txnSend', { topic: to, records: numbered(2) });
    await agent.ask(end);
  }
  let copied = 0;
  if (agent.can.has('txnOffsets')) {
    await agent.ask('open', { topic: from, group: `${client}-copying`, transactionalId, committed: true });
    const read = await pollAll([agent], count);
    await agent.ask('txnBegin');
    await agent.ask('txnSend', {
      topic: to,
      records: read.slice(0, 3).map(({ key, value }) => ({ partition: 0, key, value })),
    });
    await agent.ask('txnOffsets');
    await agent.ask('txnCommit');
    await agent.ask('close');
    copied = 3;
  }
  await agent.ask('txnClose');
  await readAll(agent, to, 4 + copied, { committed: true });
}

async function offsets(agent: Agent, topic: string, can: Can): Promise<void> {
  if (can('listOffsets'))
    for (const at of ['earliest', 'latest', { timestamp: 1000 }] as const)
      await agent.ask('listOffsets', { topic, partition: 0, at });
  if (!can('deleteRecords')) return;
  await agent.ask('deleteRecords', { topic, partition: 0, before: 4 });
  await refusal(agent.ask('deleteRecords', { topic, partition: 0, before: 9999 }));
}

async function groups(agent: Agent, topic: string, group: string, can: Can): Promise<void> {
  if (can('listGroups')) await agent.ask('listGroups');
  if (can('describeGroup')) await agent.ask('describeGroup', { group });
  if (can('groupOffsets')) await agent.ask('groupOffsets', { group, topic });
  if (can('alterGroupOffsets')) await agent.ask('alterGroupOffsets', { group, topic, partition: 0, offset: 3 });
  if (can('deleteGroupOffsets')) await agent.ask('deleteGroupOffsets', { group, topic });
  if (!can('deleteGroup')) return;
  await agent.ask('deleteGroup', { group });
  await refusal(agent.ask('deleteGroup', { group }));
}

function moment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, MOMENT_MS));
}
