/**
 * How one member gets from what it has to what it is to have (KIP-848). Its client is told what it may use; a partition that is taken from
 * it is free only when the client has said, by what it owns, that it has stopped using it.
 *
 *     state                  what happens with a heartbeat                                            next
 *     STABLE                 in the epoch of the target: nothing, or what it does not read any more
 *                            is taken from it
 *     UNREVOKED_PARTITIONS   the client still owns what it must give up, or says nothing: wait
 *     any, else              keep  = has ∩ target
 *                            give up = has − keep; the client owns some of it: its epoch stays        UNREVOKED_PARTITIONS
 *                            else it gets to the epoch of the target with keep + what of the
 *                            target nobody else has                                                   STABLE, or UNRELEASED_PARTITIONS
 *                                                                                                     when others have some of it
 */

import type { TopicIdPartitions } from '#assign';
import type { Uuid } from '#core';
import { type ConsumerMember, MemberState } from './consumer-member.ts';
import { NO_PARTITIONS, OwnedCollector, type OwnedPartitions, ownsAny, type TopicPartitions } from './partitions.ts';

export interface Reconciliation {
  readonly targetEpoch: number;
  readonly target: TopicIdPartitions;
  /** Topics that the member reads; the rest of its target counts for nothing. */
  readonly subscribedTopicIds: ReadonlySet<Uuid>;
  /** Its subscription has just changed: what it does not read any more is taken from it at once. */
  readonly hasSubscriptionChanged: boolean;
  /** What the client says it owns; null = as before. */
  readonly owned: readonly TopicPartitions[] | null;
  /** Whether a member, be it this one, has the partition or has not given it up yet. */
  isTaken(topicId: Uuid, partition: number): boolean;
}

/** The member after this step, the same one when there is none to take; undefined when it must abandon everything and join anew. */
export function reconcile(member: ConsumerMember, step: Reconciliation): ConsumerMember | undefined {
  switch (member.state) {
    case MemberState.STABLE:
      if (member.memberEpoch !== step.targetEpoch) return advance(member, step);
      return step.hasSubscriptionChanged ? dropUnread(member, step) : member;
    case MemberState.UNREVOKED_PARTITIONS:
      if (!ownsAny(step.owned, member.revoking)) return advance(member, step);
      return step.hasSubscriptionChanged ? dropUnread(member, step) : member;
    case MemberState.UNRELEASED_PARTITIONS:
      return advance(member, step);
    case MemberState.UNKNOWN:
      return step.owned?.length === 0 ? advance({ ...member, memberEpoch: step.targetEpoch }, step) : undefined;
  }
}

/** Takes topics away that the member does not read any more, without a look at its target. */
function dropUnread(member: ConsumerMember, { subscribedTopicIds, owned }: Reconciliation): ConsumerMember {
  const dropped = new OwnedCollector();
  const assigned = new Map(member.assigned);
  for (const [topicId, epochs] of member.assigned) {
    if (subscribedTopicIds.has(topicId)) continue;
    assigned.delete(topicId);
    dropped.addAll(new Map([[topicId, epochs]]));
  }
  if (dropped.isEmpty) return member;
  const next = { ...member, previousMemberEpoch: member.memberEpoch, assigned };
  dropped.addAll(member.revoking);
  const revoking = dropped.finish();
  return ownsAny(owned, revoking) ? { ...next, state: MemberState.UNREVOKED_PARTITIONS, revoking } : next;
}

function advance(member: ConsumerMember, step: Reconciliation): ConsumerMember {
  const { kept, revoking, free, isWaiting } = compare(member, step);
  if (revoking.size > 0 && ownsAny(step.owned, revoking)) {
    const state = MemberState.UNREVOKED_PARTITIONS;
    return { ...member, state, previousMemberEpoch: member.memberEpoch, assigned: kept.finish(), revoking };
  }
  for (const { topicId, partition } of free) kept.add(topicId, partition, step.targetEpoch);
  return {
    ...member,
    state: isWaiting ? MemberState.UNRELEASED_PARTITIONS : MemberState.STABLE,
    memberEpoch: step.targetEpoch,
    previousMemberEpoch: member.memberEpoch,
    assigned: kept.finish(),
    revoking: NO_PARTITIONS,
  };
}

interface Comparison {
  readonly kept: OwnedCollector;
  readonly revoking: OwnedPartitions;
  readonly free: readonly { readonly topicId: Uuid; readonly partition: number }[];
  /** Others have some of the target. */
  readonly isWaiting: boolean;
}

/** What the member was to give up is still its own: nobody else can have it. */
function compare(member: ConsumerMember, step: Reconciliation): Comparison {
  const kept = new OwnedCollector();
  const revoking = new OwnedCollector();
  const free: { topicId: Uuid; partition: number }[] = [];
  let isWaiting = false;
  for (const [topicId, epochs] of member.assigned) {
    const target = new Set(targetOf(step, topicId));
    for (const [partition, epoch] of epochs) (target.has(partition) ? kept : revoking).add(topicId, partition, epoch);
  }
  for (const topicId of step.target.keys()) {
    for (const partition of targetOf(step, topicId)) {
      if (member.assigned.get(topicId)?.has(partition)) continue;
      const isOwn = member.revoking.get(topicId)?.has(partition) ?? false;
      if (isOwn || !step.isTaken(topicId, partition)) free.push({ topicId, partition });
      else isWaiting = true;
    }
  }
  return { kept, revoking: revoking.finish(), free, isWaiting };
}

function targetOf({ target, subscribedTopicIds }: Reconciliation, topicId: Uuid): readonly number[] {
  return subscribedTopicIds.has(topicId) ? (target.get(topicId) ?? []) : [];
}
