/**
 * The two sticky assignors: balance first, then keep partitions where they are.
 *
 * `sticky` is eager: members give everything up before they join and tell the leader in the user data what they held. `cooperative-sticky`
 * reads what members still hold from the subscription itself; partitions that change hands are left out of this round's result, so that the
 * old owner drops them before the next round gives them to the new one. @see KIP-54, KIP-341, KIP-429
 */
import type { Assignment, Assignor, AssignorMember, TopicPartitionId } from './assignor.ts';
import { type Claims, type MemberClaim, weighClaims } from './claims.ts';
import { PartitionIndex } from './partition-index.ts';
import { assignEqualSubscriptions, type StickyResult } from './sticky-equal.ts';
import { assignGeneralSubscriptions } from './sticky-general.ts';
import { decodeGeneration, decodeStickyUserData, encodeGeneration, encodeStickyUserData } from './sticky-user-data.ts';

export const stickyAssignor: Assignor = {
  name: 'sticky',
  protocols: ['eager'],
  subscriptionUserData: ({ lastAssignment, generationId }) =>
    lastAssignment === null ? null : encodeStickyUserData(lastAssignment, generationId),
  assign(partitionCounts, members) {
    if (members.size === 0) return new Map();
    const index = subscribedPartitions(partitionCounts, members);
    const claims = weighClaims(index, members, stickyClaim);
    const assignment = claims.areSubscriptionsEqual
      ? assignEqualSubscriptions(index, claims).assignment
      : assignGeneralSubscriptions(index, members, claims);
    return toAssignment(index, members, assignment);
  },
};

export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  protocols: ['cooperative', 'eager'],
  subscriptionUserData: ({ generationId }) => encodeGeneration(generationId),
  assign(partitionCounts, members) {
    if (members.size === 0) return new Map();
    const index = subscribedPartitions(partitionCounts, members);
    const claims = weighClaims(index, members, cooperativeClaim);
    const { assignment, moving } = claims.areSubscriptionsEqual
      ? assignEqualSubscriptions(index, claims)
      : generalWithMoves(index, members, claims);
    for (const [partition, memberId] of moving) {
      const partitions = assignment.get(memberId)!;
      partitions.splice(partitions.indexOf(partition), 1);
    }
    return toAssignment(index, members, assignment);
  },
};

function stickyClaim(member: AssignorMember): MemberClaim {
  if (member.userData === null || member.userData.length === 0) return { partitions: [], generationId: undefined };
  return decodeStickyUserData(member.userData);
}

function cooperativeClaim(member: AssignorMember): MemberClaim {
  if (member.generationId >= 0) return { partitions: member.ownedPartitions, generationId: member.generationId };
  const generationId = member.userData === null ? undefined : decodeGeneration(member.userData);
  return { partitions: member.ownedPartitions, generationId };
}

function subscribedPartitions(
  partitionCounts: ReadonlyMap<string, number>,
  members: ReadonlyMap<string, AssignorMember>,
): PartitionIndex {
  const subscribed = new Map<string, number>();
  for (const member of members.values()) {
    for (const topic of member.topics) subscribed.set(topic, partitionCounts.get(topic) ?? 0);
  }
  return new PartitionIndex(subscribed);
}

/** In the general case the moves are found by comparing: taken from one member and given to another. */
function generalWithMoves(
  index: PartitionIndex,
  members: ReadonlyMap<string, AssignorMember>,
  claims: Claims,
): StickyResult {
  const assignment = assignGeneralSubscriptions(index, members, claims);
  const added = new Map<number, string>();
  const dropped = new Set<number>();
  for (const [memberId, partitions] of assignment) {
    const assigned = new Set(partitions);
    const owned = new Set(members.get(memberId)!.ownedPartitions.map((id: TopicPartitionId) => index.numberOf(id)));
    for (const partition of assigned) if (!owned.has(partition)) added.set(partition, memberId);
    for (const partition of owned) if (partition >= 0 && !assigned.has(partition)) dropped.add(partition);
  }
  return { assignment, moving: new Map([...added].filter(([partition]) => dropped.has(partition))) };
}

function toAssignment(
  index: PartitionIndex,
  members: ReadonlyMap<string, AssignorMember>,
  assignment: Map<string, number[]>,
): Assignment {
  const result: Assignment = new Map();
  for (const memberId of members.keys()) {
    const numbers = (assignment.get(memberId) ?? []).sort((left, right) => left - right);
    result.set(
      memberId,
      numbers.map((number) => index.idOf(number)),
    );
  }
  return result;
}
