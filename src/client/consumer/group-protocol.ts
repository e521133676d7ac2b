/**
 * The consumer's part of a group's protocol: what a member says about itself when it joins, what the leader makes of it,
 * what a member reads out of its assignment, and whether the group rebalances eagerly or cooperatively. ◇
 */
import type { Assignor, AssignorMember, RebalanceProtocol, TopicPartitionId } from '#assign';
import { KafkaError, type Logger } from '#core';
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from '#protocol';
import type { JoinedMember } from './membership.ts';

/** Protocol type of every consumer group. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** What a member tells when it joins. */
export interface MemberSubscription {
  readonly topics: readonly string[];
  /** Held at this moment; empty with the eager protocol, which gives everything up first. */
  readonly owned: readonly TopicPartitionId[];
  /** Of `owned`; -1 when this is no member (any more). */
  readonly generationId: number;
  /** For assignors that keep it; undefined before the first assignment. */
  readonly lastAssignment:
    | { readonly partitions: readonly TopicPartitionId[]; readonly generationId: number }
    | undefined;
  readonly rackId: string | null;
}

/** The `Protocols` of a JoinGroup request: one entry per assignor, the preferred first. */
export function joinProtocols(
  assignors: readonly Assignor[],
  member: MemberSubscription,
): { name: string; metadata: Buffer }[] {
  const { lastAssignment: last, generationId } = member;
  const state = { lastAssignment: last?.partitions ?? null, generationId: last?.generationId ?? -1 };
  return assignors.map((assignor) => ({
    name: assignor.name,
    metadata: encodeSubscription({
      topics: [...member.topics].sort(),
      userData: assignor.subscriptionUserData?.(state) ?? null,
      ownedPartitions: byTopic(member.owned),
      generationId,
      rackId: member.rackId,
    }),
  }));
}

/**
 * Cooperative only when every assignor can: the group may choose any of them.
 *
 * @see KIP-429
 */
export function rebalanceProtocolOf(assignors: readonly Assignor[]): RebalanceProtocol {
  return assignors.every((assignor) => assignor.protocols.includes('cooperative')) ? 'cooperative' : 'eager';
}

/**
 * What the members of a join response said. A member whose bytes make no sense gets no partitions, but does not stop the
 * others.
 */
export function readMembers(members: readonly JoinedMember[], logger: Logger): Map<string, AssignorMember> {
  const read = new Map<string, AssignorMember>();
  for (const { memberId, groupInstanceId, metadata } of members) {
    try {
      const subscription = decodeSubscription(metadata);
      const ownedPartitions = flat(subscription.ownedPartitions);
      const { topics, generationId, userData, rackId } = subscription;
      read.set(memberId, { topics, ownedPartitions, generationId, userData, groupInstanceId, rackId });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      logger.warn(
        { memberId },
        `the subscription of member ${memberId} cannot be read, it gets no partitions: ${error.message}`,
      );
      read.set(memberId, { topics: [], ownedPartitions: [], generationId: -1, userData: null, groupInstanceId });
    }
  }
  return read;
}

export function topicsOf(members: ReadonlyMap<string, AssignorMember>): Set<string> {
  const topics = new Set<string>();
  for (const member of members.values()) for (const topic of member.topics) topics.add(topic);
  return topics;
}

/** The leader's plan, as SyncGroup wants it. Topics that `partitionCounts` does not know are left out. */
export function planAssignments(
  assignor: Assignor,
  members: ReadonlyMap<string, AssignorMember>,
  partitionCounts: ReadonlyMap<string, number>,
): { memberId: string; assignment: Buffer }[] {
  return Array.from(assignor.assign(partitionCounts, members), ([memberId, partitions]) => ({
    memberId,
    assignment: encodeAssignment({ assignedPartitions: byTopic(partitions), userData: null }),
  }));
}

/** A member's own assignment; empty bytes are an empty one (the leader did not know of this member). */
export function readAssignment(assignment: Buffer): TopicPartitionId[] {
  return assignment.length === 0 ? [] : flat(decodeAssignment(assignment).assignedPartitions);
}

/** What a new assignment changes. */
export function changes(
  owned: readonly TopicPartitionId[],
  assigned: readonly TopicPartitionId[],
): { added: TopicPartitionId[]; revoked: TopicPartitionId[] } {
  const ownedKeys = new Set(owned.map(keyOf));
  const assignedKeys = new Set(assigned.map(keyOf));
  return {
    added: assigned.filter((partition) => !ownedKeys.has(keyOf(partition))),
    revoked: owned.filter((partition) => !assignedKeys.has(keyOf(partition))),
  };
}

function keyOf({ topic, partition }: TopicPartitionId): string {
  return `${topic}-${partition}`;
}

function byTopic(partitions: readonly TopicPartitionId[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic);
    if (numbers === undefined) topics.set(topic, [partition]);
    else numbers.push(partition);
  }
  return Array.from(topics, ([topic, numbers]) => ({ topic, partitions: numbers }));
}

function flat(topics: readonly { topic: string; partitions: readonly number[] }[]): TopicPartitionId[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}
