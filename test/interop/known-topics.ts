/**
 * Waits until the group coordinator of a broker has heard of topics. Apache Kafka answers CreateTopics before its group coordinators know, and a member that
 * joins in between is given nothing, and an epoch more as soon as they do: on a busy machine that takes seconds.
 */
import { randomUUID } from 'node:crypto';
import { silentLogger, systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { Apis } from '#protocol';
import { until } from './until.ts';

const REQUEST = { timeoutMs: 30_000 };
const MEMBER = {
  instanceId: null,
  rackId: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: [],
};

/** `counts`: the partitions of each topic; none for one that is gone. */
export async function coordinatorKnows(
  bootstrapServers: string,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const [host, port] = bootstrapServers.split(':');
  const connection = await tcpTransport().connect(host, Number(port));
  const channel = new RequestChannel(connection, { clientId: 'knows', clock: systemClock, logger: silentLogger });
  try {
    await until(`the group coordinator of ${bootstrapServers} has heard of ${JSON.stringify(counts)}`, () =>
      isKnown(channel, counts),
    );
  } finally {
    channel.close();
  }
}

/** What a lone member of a new group is given is what its coordinator knows. */
async function isKnown(channel: RequestChannel, counts: Readonly<Record<string, number>>): Promise<boolean> {
  const groupId = `knows-${randomUUID()}`;
  const member = { ...MEMBER, groupId, memberId: randomUUID(), rebalanceTimeoutMs: 60_000 };
  const names = Object.keys(counts);
  const joined = await channel.send(
    Apis.ConsumerGroupHeartbeat,
    1,
    { ...member, memberEpoch: 0, subscribedTopicNames: names },
    REQUEST,
  );
  if (joined.errorCode !== 0) return false;
  await channel.send(Apis.ConsumerGroupHeartbeat, 1, { ...member, memberEpoch: -1, subscribedTopicNames: [] }, REQUEST);
  await channel.send(Apis.DeleteGroups, 2, { groupsNames: [groupId] }, REQUEST);
  const given = joined.assignment?.topicPartitions.map(({ partitions }) => partitions.length) ?? [];
  const expected = Object.values(counts).filter((count) => count > 0);
  return given.sort().join() === expected.sort().join();
}
