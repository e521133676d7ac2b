/**
 * The deadlines of members of the consumer protocol.
 *
 *     alarm      set                                                      rings: the member is fenced
 *     session    with every sign of life                                  it said nothing
 *     rebalance  while it is to give partitions up                        it did not
 *     rejoin     when a member of the classic protocol is told to rejoin  it did not
 *     resync     when such a member has joined                            it did not fetch its assignment
 */

import type { Turn } from '../../coordination/turn.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, MemberState } from './consumer-member.ts';

type MemberAlarmKind = 'session' | 'rebalance' | 'rejoin' | 'resync';

const KINDS: readonly MemberAlarmKind[] = ['session', 'rebalance', 'rejoin', 'resync'];

export function setMemberAlarm(
  { alarms }: Coordinator,
  kind: MemberAlarmKind,
  groupId: string,
  memberId: string,
  delayMs: number,
  turn: Turn,
): void {
  alarms.set(alarms.of({ kind, groupId, memberId }), delayMs, turn);
}

/** Sets it unless it is set already. */
export function setMemberAlarmOnce(
  coordinator: Coordinator,
  kind: MemberAlarmKind,
  groupId: string,
  memberId: string,
  delayMs: number,
  turn: Turn,
): void {
  const { alarms } = coordinator;
  const alarm = alarms.of({ kind, groupId, memberId });
  if (alarm.deadlineMs === undefined) alarms.set(alarm, delayMs, turn);
}

export function clearMemberAlarm(
  { alarms }: Coordinator,
  kind: MemberAlarmKind,
  groupId: string,
  memberId: string,
  turn: Turn,
): void {
  alarms.clear(alarms.of({ kind, groupId, memberId }), turn);
}

export function clearMemberAlarms(coordinator: Coordinator, groupId: string, memberId: string, turn: Turn): void {
  for (const kind of KINDS) clearMemberAlarm(coordinator, kind, groupId, memberId, turn);
}

/**
 * The group was loaded: members have their time again. `graceMs`: what a dynamic member gets at most, because the node was started and nobody
 * can have heard from it since its last record.
 */
export function startMembers(
  coordinator: Coordinator,
  group: ConsumerGroup,
  graceMs: number | undefined,
  turn: Turn,
): void {
  const { groupId } = group;
  const { sessionTimeoutMs } = coordinator.cluster.consumerConfig(groupId);
  for (const member of group.members.values()) {
    const isGraced = graceMs !== undefined && member.instanceId === null;
    const delayMs = isGraced ? Math.min(graceMs, sessionTimeoutMs) : sessionTimeoutMs;
    setMemberAlarm(coordinator, 'session', groupId, member.memberId, delayMs, turn);
    if (member.state === MemberState.UNREVOKED_PARTITIONS) watchRevocation(coordinator, groupId, member, turn);
  }
}

/** After its assignment has changed: the time to give partitions up runs, or need not any more. */
export function watchRevocation(coordinator: Coordinator, groupId: string, member: ConsumerMember, turn: Turn): void {
  if (member.classic !== null) return;
  const { memberId, rebalanceTimeoutMs } = member;
  if (member.state !== MemberState.UNREVOKED_PARTITIONS) {
    clearMemberAlarm(coordinator, 'rebalance', groupId, memberId, turn);
  } else {
    setMemberAlarm(coordinator, 'rebalance', groupId, memberId, rebalanceTimeoutMs, turn);
  }
}
