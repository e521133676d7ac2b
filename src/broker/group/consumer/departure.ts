/**
 * How members go: by their own wish, because they were silent or too slow, or removed by an administrator. When only members of the classic
 * protocol are left the group becomes a classic one again, if the migration policy allows it.
 */
import { type ConsumerGroupHeartbeatResponse, type Draft, Errors } from '#protocol';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerHeartbeatEvent } from '../events.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, LEAVE_STATIC_EPOCH, MemberState, regexOf } from './consumer-member.ts';
import {
  assignmentRecord,
  epochRecord,
  memberTombstones,
  regexTombstone,
  targetEpochRecord,
} from './consumer-records.ts';
import { becomeClassic, mayBecomeClassic } from './downgrade.ts';
import { clearMemberAlarm, clearMemberAlarms } from './member-alarms.ts';
import { findMember } from './membership.ts';
import { inEpoch, NO_PARTITIONS, withoutEpochs } from './partitions.ts';
import { membersWithout, metadataHashOf } from './subscription.ts';

type Body = Draft<typeof ConsumerGroupHeartbeatResponse>;

/** A heartbeat of epoch -1 or -2. */
export function leaveConsumerGroup(
  coordinator: Coordinator,
  { request }: ConsumerHeartbeatEvent,
  turn: Turn,
): Body | Refusal {
  const { groupId, memberId, memberEpoch, instanceId } = request;
  const group = coordinator.groups.get(groupId);
  if (group?.type !== 'consumer') return refuseGroup(groupId, group !== undefined);
  const member = findMember(group, memberId, instanceId);
  if (isRefusal(member)) return member;
  const isAway = instanceId !== null && memberEpoch === LEAVE_STATIC_EPOCH;
  if (isAway) stepOut(coordinator, group, member, turn);
  else removeMembers(coordinator, group, new Set([member]), turn);
  return { errorCode: 0, memberId, memberEpoch };
}

/** Removes these members; the others are assigned what they had, with their next heartbeats. Does nothing when there are none. */
export function removeMembers(
  coordinator: Coordinator,
  group: ConsumerGroup,
  leaving: ReadonlySet<ConsumerMember>,
  turn: Turn,
): void {
  if (leaving.size === 0) return;
  const left = membersWithout(group, leaving);
  if (mayBecomeClassic(coordinator, left)) {
    becomeClassic(coordinator, group, { members: left, rebalances: true }, turn);
    return;
  }
  const records: CoordinatorRecord[] = [];
  for (const { memberId } of leaving) records.push(...memberTombstones(group.groupId, memberId));
  const regexes = new Map(group.regexes);
  const readRegexes = new Set([...left.values()].map(regexOf));
  for (const regex of new Set([...leaving].map(regexOf))) {
    if (regex === undefined || readRegexes.has(regex)) continue;
    regexes.delete(regex);
    records.push(regexTombstone(group.groupId, regex));
  }
  const groupEpoch = group.groupEpoch + 1;
  records.push(epochRecord(group.groupId, groupEpoch, metadataHashOf(coordinator.cluster, left, regexes)));
  if (left.size === 0) records.push(targetEpochRecord(group.groupId, groupEpoch, 0));
  turn.propose(records);
  for (const { memberId } of leaving) clearMemberAlarms(coordinator, group.groupId, memberId, turn);
}

/** A member's session, or its patience, is over. */
export function fence(coordinator: Coordinator, group: ConsumerGroup, memberId: string, turn: Turn): void {
  const member = group.members.get(memberId);
  if (member !== undefined) removeMembers(coordinator, group, new Set([member]), turn);
}

/** The time to give partitions up is over: who still has to is fenced. */
export function onRebalanceAlarm(coordinator: Coordinator, group: ConsumerGroup, memberId: string, turn: Turn): void {
  const member = group.members.get(memberId);
  if (member?.state === MemberState.UNREVOKED_PARTITIONS) fence(coordinator, group, memberId, turn);
}

/** A static member that comes back counts as having had its partitions from the beginning. */
function stepOut(coordinator: Coordinator, group: ConsumerGroup, member: ConsumerMember, turn: Turn): void {
  const assigned = inEpoch(withoutEpochs(member.assigned), 0);
  const away = { ...member, memberEpoch: LEAVE_STATIC_EPOCH, assigned, revoking: NO_PARTITIONS };
  turn.propose([assignmentRecord(group.groupId, away)]);
  clearMemberAlarm(coordinator, 'rebalance', group.groupId, member.memberId, turn);
}

/** `isClassic`: there is a group of that id, of the other protocol. */
export function refuseGroup(groupId: string, isClassic: boolean): Refusal {
  const what = isClassic
    ? `Group '${groupId}' is not one of the consumer protocol.`
    : `There is no group '${groupId}'.`;
  return refuse(Errors.GROUP_ID_NOT_FOUND, what);
}
