/** SyncGroup, Heartbeat and LeaveGroup: what members do between two joins. */

import {
  type Draft,
  Errors,
  type HeartbeatResponse,
  type KafkaErrorRow,
  type LeaveGroupRequest,
  type LeaveGroupResponse,
} from '#protocol';
import type { Turn } from '../coordination/turn.ts';
import type { ClassicGroup } from './classic-group.ts';
import { heartbeatConsumerGroup, leaveConsumerGroupAsClassic, syncConsumerGroup } from './consumer/classic-member.ts';
import type { Coordinator } from './coordinator.ts';
import type { HeartbeatEvent, LeaveEvent, SyncEvent } from './events.ts';
import { answerSync, completeSync, rebalanceOrCompleteJoin, removeMember, removePending, touch } from './rebalance.ts';
import { leaveReply, syncRefusal, syncReply } from './replies.ts';

type Leaver = LeaveGroupRequest['members'][number];

/** Answers SyncGroup now, or parks it until the leader's assignment comes. */
export function sync(coordinator: Coordinator, event: SyncEvent, turn: Turn): void {
  const group = coordinator.groups.get(event.request.groupId);
  if (group?.type === 'consumer') {
    syncConsumerGroup(coordinator, group, event, turn);
    return;
  }
  const refusal = refuseSync(group, event);
  if (group === undefined || refusal !== undefined) {
    turn.reply(event.token, syncRefusal(refusal ?? Errors.UNKNOWN_MEMBER_ID));
    return;
  }
  const member = group.members.get(event.request.memberId)!;
  touch(coordinator, member, turn);
  group.pendingSync.delete(member.memberId);
  if (group.pendingSync.size === 0) coordinator.alarms.clear(group.syncAlarm, turn);
  if (group.state === 'Stable') {
    turn.reply(event.token, syncReply(group, member.assignment));
    return;
  }
  answerSync(member, syncRefusal(Errors.REBALANCE_IN_PROGRESS), turn);
  member.syncToken = event.token;
  if (!group.isLeader(member.memberId)) return;
  const assignments = event.request.assignments.map(({ memberId, assignment }) => [memberId, assignment] as const);
  completeSync(coordinator, group, new Map(assignments), turn);
}

/** Answers Heartbeat: a sign of life, and the way in which members hear of a rebalance. */
export function heartbeat(coordinator: Coordinator, event: HeartbeatEvent, turn: Turn): void {
  const group = coordinator.groups.get(event.request.groupId);
  if (group?.type === 'consumer') {
    heartbeatConsumerGroup(coordinator, group, event, turn);
    return;
  }
  const refusal = refuseSpeaker(group, event.request);
  const member = group?.members.get(event.request.memberId);
  let error = refusal ?? Errors.NONE;
  if (group !== undefined && member !== undefined && refusal === undefined) {
    touch(coordinator, member, turn);
    if (group.state === 'PreparingRebalance') error = Errors.REBALANCE_IN_PROGRESS;
  }
  turn.reply(event.token, { errorCode: error.code } satisfies Draft<typeof HeartbeatResponse>);
}

/** Answers LeaveGroup, a batch from v3 on; one rebalance for all that left. */
export function leave(coordinator: Coordinator, event: LeaveEvent, turn: Turn): void {
  const { request, apiVersion } = event;
  if (request.groupId === '') {
    turn.reply(event.token, { errorCode: Errors.INVALID_GROUP_ID.code } satisfies Draft<typeof LeaveGroupResponse>);
    return;
  }
  const group = coordinator.groups.get(request.groupId);
  if (group?.type === 'consumer') {
    leaveConsumerGroupAsClassic(coordinator, group, event, turn);
    return;
  }
  const leavers: readonly Leaver[] =
    apiVersion >= 3 ? request.members : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
  const results = leavers.map((leaver) => ({
    memberId: leaver.memberId,
    groupInstanceId: leaver.groupInstanceId,
    errorCode: leaveOne(coordinator, group, leaver, turn).code,
  }));
  turn.reply(event.token, leaveReply(apiVersion, results));
  const hasLeaver = results.some(({ errorCode }) => errorCode === Errors.NONE.code);
  if (group !== undefined && group.state !== 'Empty' && hasLeaver) rebalanceOrCompleteJoin(coordinator, group, turn);
}

function leaveOne(
  coordinator: Coordinator,
  group: ClassicGroup | undefined,
  leaver: Leaver,
  turn: Turn,
): KafkaErrorRow {
  if (group === undefined) return Errors.UNKNOWN_MEMBER_ID;
  if (removePending(coordinator, group, leaver.memberId, turn)) return Errors.NONE;
  const memberId = leaverId(group, leaver);
  const refusal = group.refuse(memberId, leaver.groupInstanceId);
  if (refusal === undefined) removeMember(coordinator, group, memberId, turn);
  return refusal ?? Errors.NONE;
}

/** An administrator removes a static member by its instance id alone. @see KIP-571 */
function leaverId(group: ClassicGroup, { memberId, groupInstanceId }: Leaver): string {
  if (memberId !== '' || groupInstanceId === null) return memberId;
  return group.staticMemberId(groupInstanceId) ?? '';
}

/** Why a member of a past or foreign generation is not heard, or undefined. */
function refuseSpeaker(
  group: ClassicGroup | undefined,
  speaker: { groupId: string; memberId: string; groupInstanceId: string | null; generationId: number },
): KafkaErrorRow | undefined {
  if (speaker.groupId === '') return Errors.INVALID_GROUP_ID;
  if (group === undefined || group.state === 'Empty') return Errors.UNKNOWN_MEMBER_ID;
  const refusal = group.refuse(speaker.memberId, speaker.groupInstanceId);
  if (refusal !== undefined) return refusal;
  return speaker.generationId === group.generationId ? undefined : Errors.ILLEGAL_GENERATION;
}

function refuseSync(group: ClassicGroup | undefined, { request }: SyncEvent): KafkaErrorRow | undefined {
  const refusal = refuseSpeaker(group, request);
  if (group === undefined || refusal !== undefined) return refusal;
  const { protocolType, protocolName } = request;
  const isOther = (asked: string | null, actual: string | null) =>
    asked !== null && actual !== null && asked !== actual;
  if (isOther(protocolType, group.protocolType) || isOther(protocolName, group.protocolName)) {
    return Errors.INCONSISTENT_GROUP_PROTOCOL;
  }
  return group.state === 'PreparingRebalance' ? Errors.REBALANCE_IN_PROGRESS : undefined;
}
