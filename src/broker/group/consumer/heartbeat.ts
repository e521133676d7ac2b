/**
 * ConsumerGroupHeartbeat, the one request of a member's life (KIP-848).
 *
 *     member epoch   means                              answer
 *     0              it joins, or joins again           its id and epoch, and what it may use
 *     n              it lives; null = as before         its epoch, and what it may use where that has changed
 *     -1             it leaves                          the same epoch
 *     -2             a static member leaves for a       the same epoch; nobody else gets its partitions until its session ends
 *                    while
 *
 * With each: take over what it says of itself → raise the group epoch if that changes anything for the group → run the assignor if that is due →
 * bring this one member nearer to its target.
 */
import { assert } from '#core';
import { type ConsumerGroupHeartbeatResponse, type Draft, Errors } from '#protocol';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerHeartbeatEvent } from '../events.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerMember,
  isReconciledTo,
  isSameAssignment,
  isSameList,
  isSameMetadata,
  LEAVE_EPOCH,
  LEAVE_STATIC_EPOCH,
  sortedNames,
} from './consumer-member.ts';
import { assignmentRecord, epochRecord, memberRecord, partitionMetadataTombstone } from './consumer-records.ts';
import { leaveConsumerGroup } from './departure.ts';
import { refuseHeartbeat } from './heartbeat-request.ts';
import { setMemberAlarm, watchRevocation } from './member-alarms.ts';
import { findSpeaker, refuseWhenFull } from './membership.ts';
import { isSamePartitions, listPartitions, type TopicPartitions, withoutEpochs } from './partitions.ts';
import { reconcile } from './reconcile.ts';
import { changeOfRegex, forgetRegex, refreshRegexes, refuseRegex } from './regex-subscription.ts';
import { membersWith, metadataHashOf, preferredAssignor, topicIdsOf } from './subscription.ts';
import { type Target, updateTarget } from './target.ts';
import { type OpenedGroup, openConsumerGroup } from './upgrade.ts';

type Body = Draft<typeof ConsumerGroupHeartbeatResponse>;

/** Answers ConsumerGroupHeartbeat. */
export function consumerHeartbeat(coordinator: Coordinator, event: ConsumerHeartbeatEvent, turn: Turn): void {
  const outcome = refuseHeartbeat(coordinator, event) ?? answerHeartbeat(coordinator, event, turn);
  const body = isRefusal(outcome) ? { errorCode: outcome.error.code, errorMessage: outcome.message } : outcome;
  turn.reply(event.token, body satisfies Body);
}

function answerHeartbeat(coordinator: Coordinator, event: ConsumerHeartbeatEvent, turn: Turn): Body | Refusal {
  const { memberEpoch } = event.request;
  const isLeaving = memberEpoch === LEAVE_EPOCH || memberEpoch === LEAVE_STATIC_EPOCH;
  return isLeaving ? leaveConsumerGroup(coordinator, event, turn) : stay(coordinator, event, turn);
}

function stay(coordinator: Coordinator, event: ConsumerHeartbeatEvent, turn: Turn): Body | Refusal {
  const { request } = event;
  const records: CoordinatorRecord[] = [];
  const memberId = request.memberId === '' ? event.newMemberId : request.memberId;
  const { instanceId, memberEpoch, topicPartitions: owned } = request;
  const isJoining = memberEpoch === 0;
  const opened = openConsumerGroup(coordinator, request.groupId, isJoining, records);
  if (isRefusal(opened)) return opened;
  const { group } = opened;
  const full = refuseWhenFull(coordinator, group, memberId, instanceId);
  if (full !== undefined) return full;
  const member = findSpeaker(group, { memberId, instanceId, isJoining, memberEpoch, owned }, records);
  if (isRefusal(member)) return member;
  const updated = updateFrom(member, event);
  const invalid = refuseRegex(group, updated);
  if (invalid !== undefined) return invalid;
  const change = { group, member, updated, owned, mayKnow: event.mayKnow };
  const next = changeMember(coordinator, change, records, turn);
  if (isRefusal(next)) return next;
  if (!settle(coordinator, opened, updated, next, records, turn)) {
    return refuse(Errors.UNKNOWN_SERVER_ERROR, 'The records of this change do not fit into one batch.');
  }
  const { sessionTimeoutMs, heartbeatIntervalMs } = coordinator.cluster.consumerConfig(group.groupId);
  setMemberAlarm(coordinator, 'session', group.groupId, memberId, sessionTimeoutMs, turn);
  const mustTell = isJoining || isFullRequest(event) || !isSamePartitions(member.assigned, next.assigned);
  const assignment = mustTell ? { topicPartitions: listPartitions(withoutEpochs(next.assigned)) } : null;
  return { errorCode: 0, memberId, memberEpoch: next.memberEpoch, heartbeatIntervalMs, assignment };
}

/** The records are proposed, and what is not stored follows. `next`: the member after its step. */
export function settle(
  coordinator: Coordinator,
  opened: OpenedGroup,
  updated: ConsumerMember,
  next: ConsumerMember,
  records: readonly CoordinatorRecord[],
  turn: Turn,
): boolean {
  if (!turn.propose(records)) return false;
  opened.converted?.abandon(coordinator, turn);
  if (next !== updated) watchRevocation(coordinator, opened.group.groupId, next, turn);
  return true;
}

/** What a heartbeat or a JoinGroup of a classic member changes. */
export interface MemberChange {
  readonly group: ConsumerGroup;
  /** Before, and with what it says now. */
  readonly member: ConsumerMember;
  readonly updated: ConsumerMember;
  readonly owned: readonly TopicPartitions[] | null;
  mayKnow(topic: string): boolean;
}

/** The member, nearer to its target; records are added for everything that has changed. */
export function changeMember(
  coordinator: Coordinator,
  change: MemberChange,
  records: CoordinatorRecord[],
  turn: Turn,
): ConsumerMember | Refusal {
  const { group, updated } = change;
  const { groupEpoch, hasSubscriptionChanged } = takeOver(coordinator, change, records, turn);
  const target = updateTarget(coordinator, group, groupEpoch, updated, records, turn);
  return approach(coordinator, change, target, hasSubscriptionChanged, records);
}

/** Takes over what the member says of itself; the group epoch rises when the group must be assigned anew. */
export function takeOver(
  coordinator: Coordinator,
  { group, member, updated, mayKnow }: MemberChange,
  records: CoordinatorRecord[],
  turn: Turn,
): { readonly groupEpoch: number; readonly hasSubscriptionChanged: boolean } {
  const { groupId } = group;
  if (!isSameMetadata(member, updated)) records.push(memberRecord(groupId, updated));
  const haveNamesChanged = !isSameList(member.subscribedTopicNames, updated.subscribedTopicNames);
  const regexChange = changeOfRegex(group, member, updated);
  forgetRegex(group, member, updated, records);
  refreshRegexes(coordinator, group, member, updated, mayKnow, turn);
  // A pattern that is still to be matched brings an epoch of its own.
  const mustBump =
    haveNamesChanged || regexChange === 'resolved' || hasAssignorChanged(coordinator, group, member, updated);
  const hasSubscriptionChanged = haveNamesChanged || regexChange !== 'none';
  if (!mustBump && group.isTopicMetadataKnown) return { groupEpoch: group.groupEpoch, hasSubscriptionChanged };
  const hash = metadataHashOf(coordinator.cluster, membersWith(group, updated), group.regexes);
  const isBumped = mustBump || hash !== group.metadataHash;
  const groupEpoch = isBumped ? group.groupEpoch + 1 : group.groupEpoch;
  if (isBumped) records.push(epochRecord(groupId, groupEpoch, hash));
  if (group.hasPartitionMetadata) records.push(partitionMetadataTombstone(groupId));
  group.isTopicMetadataKnown = true;
  return { groupEpoch, hasSubscriptionChanged };
}

/** The next step of the member to its target; `updated` itself when there is none. */
export function approach(
  { cluster }: Coordinator,
  { group, updated, owned }: MemberChange,
  target: Target,
  hasSubscriptionChanged: boolean,
  records: CoordinatorRecord[],
): ConsumerMember | Refusal {
  if (!hasSubscriptionChanged && isReconciledTo(updated, target.epoch)) return updated;
  const next = reconcile(updated, {
    targetEpoch: target.epoch,
    target: target.partitions,
    subscribedTopicIds: topicIdsOf(cluster, updated, group.regexes),
    hasSubscriptionChanged,
    owned,
    isTaken: (topicId, partition) => group.isTaken(topicId, partition),
  });
  if (next === undefined) {
    const text = `The state of member '${updated.memberId}' was written by a later Kafka: it must give up its partitions and join anew.`;
    return refuse(Errors.FENCED_MEMBER_EPOCH, text);
  }
  assert(
    next.memberEpoch >= updated.memberEpoch || updated.memberEpoch < 0,
    `the epoch of ${updated.memberId} goes down`,
  );
  if (isSameAssignment(next, updated)) return updated;
  records.push(assignmentRecord(group.groupId, next));
  return next;
}

function hasAssignorChanged(
  coordinator: Coordinator,
  group: ConsumerGroup,
  member: ConsumerMember,
  updated: ConsumerMember,
): boolean {
  if (member.serverAssignor === updated.serverAssignor) return false;
  const before = preferredAssignor(coordinator, group.members.values());
  return before !== preferredAssignor(coordinator, membersWith(group, updated).values());
}

function updateFrom(member: ConsumerMember, { request, clientId, clientHost }: ConsumerHeartbeatEvent): ConsumerMember {
  const { subscribedTopicNames: names, rebalanceTimeoutMs } = request;
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: names === null ? member.subscribedTopicNames : sortedNames(names),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId,
    clientHost,
    classic: null,
  };
}

/** A client that is not sure what the coordinator knows says everything. */
function isFullRequest({ request }: ConsumerHeartbeatEvent): boolean {
  const { rebalanceTimeoutMs, subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request;
  return (
    rebalanceTimeoutMs !== -1 &&
    (subscribedTopicNames !== null || subscribedTopicRegex !== null) &&
    topicPartitions !== null
  );
}
