/** Consumer groups: list, describe, delete, and their committed offsets. Each group is asked about at its coordinator. */
import { KafkaError } from '#core';
import { Apis, type DescribeGroupsResponse, decodeAssignment, Errors, toKafkaError } from '#protocol';
import { OffsetAndMetadata, PartitionMap, TopicPartition, type TopicPartitionLike } from '#serde';
import { type AdminCallOptions, type AdminCalls, detailOf, type Outcome, outcomeOf } from './admin-calls.ts';
import type { ItemResults } from './item-results.ts';
import { byTopic, partitionName } from './offsets.ts';

export interface GroupListing {
  groupId: string;
  /** `consumer`, `connect`, …; empty for groups that only commit. */
  protocolType: string;
  /** Empty when the broker is too old to say. */
  state: string;
  /** `classic`, `consumer`, …; empty when the broker is too old to say. */
  type: string;
}

export interface GroupMember {
  memberId: string;
  groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  assignment: TopicPartition[];
}

export interface GroupDescription {
  groupId: string;
  state: string;
  protocolType: string;
  /** The assignor in use; empty while there is none. */
  partitionAssignor: string;
  /** Id of the broker that coordinates the group. */
  coordinatorId: number;
  members: GroupMember[];
}

export interface ListGroupsOptions extends AdminCallOptions {
  states?: readonly string[];
  types?: readonly string[];
}

/** Commits and look-ups of offsets name topics by name up to here; later versions by id. */
const OFFSETS_BY_NAME_VERSION = 9;
/** From this version on several groups are asked about at once, in another form. @see KIP-709 */
const OFFSET_FETCH_BATCH_VERSION = 8;
const REQUIRE_STABLE_VERSION = 7;

export async function listGroups(calls: AdminCalls, options: ListGroupsOptions): Promise<GroupListing[]> {
  const deadlineMs = calls.deadlineOf(options);
  await calls.cluster.start({ deadlineMs });
  const body = (version: number) => ({
    ...(version >= 4 ? { statesFilter: options.states ?? [] } : {}),
    ...(version >= 5 ? { typesFilter: options.types ?? [] } : {}),
  });
  const asked = [...calls.cluster.metadata.brokers.keys()].map((brokerId) =>
    calls.untilDone(deadlineMs, async (timeoutMs) => {
      const response = await calls.cluster.request(brokerId, Apis.ListGroups, body, { timeoutMs });
      if (response.errorCode !== Errors.NONE.code) throw toKafkaError(response.errorCode, `broker ${brokerId}`);
      return response.groups;
    }),
  );
  const groups = new Map<string, GroupListing>();
  for (const { groupId, protocolType, groupState, groupType } of (await Promise.all(asked)).flat()) {
    groups.set(groupId, { groupId, protocolType, state: groupState, type: groupType });
  }
  return [...groups.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

export function describeConsumerGroups(
  calls: AdminCalls,
  groupIds: readonly string[],
  options: AdminCallOptions,
): Promise<ItemResults<GroupDescription>> {
  return eachGroup(calls, groupIds, options, async (groupId, coordinator, timeoutMs) => {
    const response = await calls.cluster.request(
      coordinator,
      Apis.DescribeGroups,
      { groups: [groupId] },
      { timeoutMs },
    );
    const group = response.groups.find((one) => one.groupId === groupId);
    if (group === undefined) throw unmentioned(groupId);
    const coordinatorId = calls.cluster.brokerIdOf(coordinator);
    return outcomeOf(group.errorCode, detailOf(groupId, group.errorMessage), () => describe(group, coordinatorId));
  });
}

export function deleteConsumerGroups(
  calls: AdminCalls,
  groupIds: readonly string[],
  options: AdminCallOptions,
): Promise<ItemResults<void>> {
  return eachGroup(calls, groupIds, options, async (groupId, coordinator, timeoutMs) => {
    const body = { groupsNames: [groupId] };
    const response = await calls.cluster.request(coordinator, Apis.DeleteGroups, body, { timeoutMs });
    const result = response.results.find((one) => one.groupId === groupId);
    if (result === undefined) throw unmentioned(groupId);
    return outcomeOf(result.errorCode, detailOf(groupId, result.errorMessage), () => undefined);
  });
}

/** Committed offsets; partitions without one are left out. `partitions`: only these. */
export async function listConsumerGroupOffsets(
  calls: AdminCalls,
  groupId: string,
  options: AdminCallOptions & { partitions?: readonly TopicPartitionLike[]; requireStable?: boolean },
): Promise<PartitionMap<OffsetAndMetadata>> {
  const results = await eachGroup(calls, [groupId], options, async (_, coordinator, timeoutMs) => {
    return { value: await fetchOffsets(calls, groupId, coordinator, timeoutMs, options) };
  });
  return results.get(groupId);
}

/**
 * Sets committed offsets of a group that has no members.
 *
 * @returns by `topic-partition`
 */
export async function alterConsumerGroupOffsets(
  calls: AdminCalls,
  groupId: string,
  offsets: Iterable<readonly [TopicPartitionLike, OffsetAndMetadata]>,
  options: AdminCallOptions,
): Promise<ItemResults<void>> {
  const items = [...offsets].map(([{ topic, partition }, at]) => ({ topic, partition, at }));
  const deadlineMs = calls.deadlineOf(options);
  return calls.settleAll(items, partitionName, deadlineMs, async (open, timeoutMs) => {
    const coordinator = await calls.cluster.findCoordinator('group', groupId, deadlineMs);
    const topics = byTopic(open, ({ partition, at }) => ({
      partitionIndex: partition,
      committedOffset: at.offset,
      committedLeaderEpoch: at.leaderEpoch ?? -1,
      committedMetadata: at.metadata,
    }));
    const request = { timeoutMs, version: OFFSETS_BY_NAME_VERSION };
    const response = await calls.cluster.request(coordinator, Apis.OffsetCommit, { groupId, topics }, request);
    const outcomes = new Map<string, Outcome<void>>();
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        const key = partitionName({ topic: name, partition: partitionIndex });
        outcomes.set(
          key,
          outcomeOf(errorCode, detailOf(key), () => undefined),
        );
      }
    }
    return outcomes;
  });
}

function eachGroup<T>(
  calls: AdminCalls,
  groupIds: readonly string[],
  options: AdminCallOptions,
  ask: (groupId: string, coordinator: number, timeoutMs: number) => Promise<Outcome<T>>,
): Promise<ItemResults<T>> {
  const deadlineMs = calls.deadlineOf(options);
  return calls.settleAll(
    groupIds,
    (groupId) => groupId,
    deadlineMs,
    async (open, timeoutMs) => {
      const asked = open.map(async (groupId): Promise<[string, Outcome<T>]> => {
        try {
          const coordinator = await calls.cluster.findCoordinator('group', groupId, deadlineMs);
          return [groupId, await ask(groupId, coordinator, timeoutMs)];
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error;
          return [groupId, { error }];
        }
      });
      return new Map(await Promise.all(asked));
    },
  );
}

async function fetchOffsets(
  calls: AdminCalls,
  groupId: string,
  coordinator: number,
  timeoutMs: number,
  options: { partitions?: readonly TopicPartitionLike[]; requireStable?: boolean },
): Promise<PartitionMap<OffsetAndMetadata>> {
  const { partitions, requireStable = false } = options;
  const topics =
    partitions === undefined
      ? null
      : byTopic(partitions, (one) => one.partition).map(({ name, partitions: partitionIndexes }) => {
          return { name, partitionIndexes };
        });
  const body = (version: number) => ({
    ...(version >= OFFSET_FETCH_BATCH_VERSION ? { groups: [{ groupId, topics }] } : { groupId, topics }),
    ...(version >= REQUIRE_STABLE_VERSION ? { requireStable } : {}),
  });
  const request = { timeoutMs, version: OFFSETS_BY_NAME_VERSION };
  const response = await calls.cluster.request(coordinator, Apis.OffsetFetch, body, request);
  const group = response.groups.find((one) => one.groupId === groupId) ?? response;
  if (group.errorCode !== Errors.NONE.code) throw toKafkaError(group.errorCode, `group '${groupId}'`);
  const offsets = new PartitionMap<OffsetAndMetadata>();
  for (const { name, partitions: found } of group.topics) {
    for (const one of found) {
      const partition = new TopicPartition(name, one.partitionIndex);
      if (one.errorCode !== Errors.NONE.code) throw toKafkaError(one.errorCode, `${partition} of group '${groupId}'`);
      if (one.committedOffset < 0) continue;
      const leaderEpoch = one.committedLeaderEpoch < 0 ? undefined : one.committedLeaderEpoch;
      offsets.set(partition, new OffsetAndMetadata(one.committedOffset, one.metadata ?? '', leaderEpoch));
    }
  }
  return offsets;
}

function describe(group: DescribeGroupsResponse['groups'][number], coordinatorId: number): GroupDescription {
  return {
    groupId: group.groupId,
    state: group.groupState,
    protocolType: group.protocolType,
    partitionAssignor: group.protocolData,
    coordinatorId,
    members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => {
      const assignment = assignmentOf(group.protocolType, memberAssignment);
      return { memberId, groupInstanceId, clientId, clientHost, assignment };
    }),
  };
}

/** Only consumers' assignments have a known form. */
function assignmentOf(protocolType: string, bytes: Buffer): TopicPartition[] {
  if (protocolType !== 'consumer' || bytes.length === 0) return [];
  const { assignedPartitions } = decodeAssignment(bytes);
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((one) => new TopicPartition(topic, one)));
}

function unmentioned(groupId: string): KafkaError {
  return toKafkaError(Errors.UNKNOWN_SERVER_ERROR.code, `the reply says nothing about group '${groupId}'`);
}
