/** Requests of groups from commands of text scripts; each function says what it reads. */
import { type Uuid, ZERO_UUID } from '#core';
import { type ConsumerGroupHeartbeatRequest, encodeSubscription } from '#protocol';
import { list, type ScriptCommand } from '../../scripts/script.ts';

/** `protocols=range:t1+t2,sticky:t1`; with another `type=` than consumer the text after the colon is the metadata. */
export function joinRequest({ words, args }: ScriptCommand): object {
  const protocolType = args['type'] ?? 'consumer';
  const protocols = list(args['protocols'] ?? 'range:t').map((entry) => {
    const [name, text] = entry.split(':');
    return {
      name,
      metadata: protocolType === 'consumer' ? subscription(text.split('+'), args['owns']) : Buffer.from(text),
    };
  });
  return {
    groupId: words[0],
    sessionTimeoutMs: Number(args['session'] ?? 10000),
    rebalanceTimeoutMs: Number(args['rebalance'] ?? 60000),
    memberId: args['member'] ?? '',
    groupInstanceId: args['instance'] ?? null,
    protocolType,
    protocols,
    reason: null,
  };
}

/**
 * `member g a epoch=0 reads=t+u regex=… instance=… assignor=… rack=… rebalance=… owns=t/0,t/1`; what is not named is null, `owns=-` is nothing. Who joins
 * names everything it must.
 */
export function heartbeatRequest(
  { words, args }: ScriptCommand,
  topicIdOf: (name: string) => Uuid,
): ConsumerGroupHeartbeatRequest {
  const memberEpoch = Number(args['epoch'] ?? 0);
  const isJoining = memberEpoch === 0;
  const names = args['reads'] ?? (isJoining && args['regex'] === undefined ? 't' : undefined);
  const owns = args['owns'] ?? (isJoining ? '-' : undefined);
  return {
    groupId: words[0],
    memberId: words[1] ?? '',
    memberEpoch,
    instanceId: args['instance'] ?? null,
    rackId: args['rack'] ?? null,
    rebalanceTimeoutMs: Number(args['rebalance'] ?? (isJoining ? 60_000 : -1)),
    subscribedTopicNames: names === undefined ? null : names.split('+').filter((name) => name !== '-'),
    subscribedTopicRegex: args['regex'] ?? null,
    serverAssignor: args['assignor'] ?? null,
    topicPartitions: owns === undefined ? null : partitionsOf(owns, topicIdOf),
  };
}

function partitionsOf(text: string, topicIdOf: (name: string) => Uuid): { topicId: string; partitions: number[] }[] {
  return list(text === '-' ? '' : text).map((word) => {
    const [name, partition] = word.split('/');
    return { topicId: topicIdOf(name), partitions: [Number(partition)] };
  });
}

export function speaker({ words, args }: ScriptCommand): object {
  return {
    groupId: words[0],
    memberId: args['member'] ?? '',
    groupInstanceId: args['instance'] ?? null,
    generationId: Number(args['gen'] ?? -1),
  };
}

/** Words after the group: `topic/partition=offset`, or `topic/partition=offset:metadata`; `topic-id=` is the id of all of them. */
export function commitRequest({ words, args }: ScriptCommand): object {
  const entries = Object.entries(args).filter(([key]) => key.includes('/'));
  const topics = entries.map(([key, value]) => {
    const [name, partition] = key.split('/');
    const [offset, metadata] = value.split(':');
    const committed = {
      committedOffset: Number(offset),
      committedLeaderEpoch: -1,
      committedMetadata: metadata ?? null,
    };
    return {
      name,
      topicId: args['topic-id'] ?? ZERO_UUID,
      partitions: [{ partitionIndex: Number(partition), ...committed }],
    };
  });
  return {
    groupId: words[0],
    generationIdOrMemberEpoch: Number(args['gen'] ?? -1),
    memberId: args['member'] ?? '',
    groupInstanceId: args['instance'] ?? null,
    retentionTimeMs: Number(args['retention'] ?? -1),
    topics,
  };
}

export function fetchTopics({ words, args }: ScriptCommand): object[] | null {
  if (words.length === 1) return null;
  return words.slice(1).map((word) => {
    const [name, partition] = word.split('/');
    return { name, topicId: args['topic-id'] ?? ZERO_UUID, partitionIndexes: [Number(partition)] };
  });
}

function subscription(topics: readonly string[], owns: string | undefined): Buffer {
  const ownedPartitions = list(owns).map((word) => {
    const [topic, partition] = word.split('/');
    return { topic, partitions: [Number(partition)] };
  });
  return encodeSubscription({ topics, ownedPartitions }, 1);
}
