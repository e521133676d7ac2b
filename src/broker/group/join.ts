/**
 * JoinGroup: who may come in, under which id, and whether that means a rebalance.
 *
 *     member id   instance id   group state            what happens
 *     empty       none, v4+     any                    MEMBER_ID_REQUIRED with a fresh id; it is pending until it comes back (KIP-394)
 *     empty       none, v0–3    any                    a new member; rebalance
 *     empty       known         Stable, same protocol  takes the old one's place and assignment, no rebalance (KIP-345; v9 leaders skip
 *                                                      the assignment, KIP-814)
 *     empty       known         otherwise              takes the old one's place; rebalance
 *     pending     none          any                    a new member; rebalance
 *     known       own or none   PreparingRebalance     updated, parked
 *     known       own or none   CompletingRebalance    same subscription: the answer once more; other: rebalance
 *     known       own or none   Stable                 leader or other subscription: rebalance; else the current generation at once
 *     known       another's     any                    FENCED_INSTANCE_ID
 *     unknown     any           any                    UNKNOWN_MEMBER_ID
 */
import { Errors, type KafkaErrorRow } from '#protocol';
import type { Turn } from '../coordination/turn.ts';
import { newAlarm } from './alarms.ts';
import { ClassicGroup, type Member, type MemberProtocol } from './classic-group.ts';
import { limits } from './config.ts';
import { joinConsumerGroup } from './consumer/classic-member.ts';
import { groupTombstones } from './consumer/consumer-records.ts';
import type { Coordinator } from './coordinator.ts';
import type { JoinEvent } from './events.ts';
import {
  answerJoin,
  answerSync,
  completeJoinIfReady,
  prepareRebalance,
  rebalanceOrCompleteJoin,
  removeMember,
  removePending,
  touch,
} from './rebalance.ts';
import { groupRecord, readSubscribedTopics } from './records.ts';
import { joinRefusal, joinReply, syncRefusal } from './replies.ts';

/** The version from which a new dynamic member must come back with the id it was given. */
const MEMBER_ID_REQUIRED_VERSION = 4;
/** The version from which a leader can be told not to assign again. */
const SKIP_ASSIGNMENT_VERSION = 9;

/** Answers JoinGroup now, or parks it. */
export function join(coordinator: Coordinator, event: JoinEvent, turn: Turn): void {
  const { groupId, memberId } = event.request;
  const malformed = refuseRequest(coordinator, event);
  if (malformed !== undefined) {
    turn.reply(event.token, joinRefusal(memberId, malformed));
    return;
  }
  const found = coordinator.groups.get(groupId);
  if (found?.type === 'consumer' && !found.isEmpty) {
    joinConsumerGroup(coordinator, found, event, turn);
    return;
  }
  const known = found?.type === 'classic' ? found : undefined;
  if (known === undefined && memberId !== '') {
    turn.reply(event.token, joinRefusal(memberId, Errors.UNKNOWN_MEMBER_ID));
    return;
  }
  const group = known ?? new ClassicGroup(groupId);
  const refusal = refuseMember(coordinator, group, event);
  if (refusal !== undefined) {
    turn.reply(event.token, joinRefusal(memberId, refusal));
    if (refusal === Errors.GROUP_MAX_SIZE_REACHED) turnAway(coordinator, group, memberId, turn);
    return;
  }
  if (known === undefined) createGroup(coordinator, group, turn);
  if (memberId === '') joinNew(coordinator, group, event, turn);
  else if (removePending(coordinator, group, memberId, turn)) addMember(coordinator, group, memberId, event, turn);
  else rejoin(coordinator, group, group.members.get(memberId)!, event, turn);
}

function refuseRequest(coordinator: Coordinator, { request }: JoinEvent): KafkaErrorRow | undefined {
  const { sessionTimeoutMsMin, sessionTimeoutMsMax } = coordinator.settings;
  if (request.groupId === '') return Errors.INVALID_GROUP_ID;
  if (request.sessionTimeoutMs < sessionTimeoutMsMin || request.sessionTimeoutMs > sessionTimeoutMsMax) {
    return Errors.INVALID_SESSION_TIMEOUT;
  }
  let metadataBytes = 0;
  for (const { metadata } of request.protocols) metadataBytes += metadata.length;
  const isTooLarge =
    metadataBytes > limits.memberMetadataBytesMax || request.protocols.length > limits.memberProtocolCountMax;
  return isTooLarge ? Errors.INVALID_REQUEST : undefined;
}

function refuseMember(coordinator: Coordinator, group: ClassicGroup, event: JoinEvent): KafkaErrorRow | undefined {
  const { memberId, groupInstanceId, protocolType, protocols } = event.request;
  if (!hasRoom(coordinator, group, memberId, groupInstanceId)) return Errors.GROUP_MAX_SIZE_REACHED;
  if (!group.supports(protocolType, protocols)) return Errors.INCONSISTENT_GROUP_PROTOCOL;
  if (memberId === '') return undefined;
  if (group.pendingMembers.has(memberId)) return groupInstanceId === null ? undefined : Errors.UNKNOWN_MEMBER_ID;
  return group.refuse(memberId, groupInstanceId);
}

/** During a rebalance the places belong to those who have joined already; else to the members. */
function hasRoom(
  coordinator: Coordinator,
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
): boolean {
  const { groupMemberCountMax } = coordinator.settings;
  if (memberId === '' && group.pendingMembers.size >= limits.pendingMemberCountMax) return false;
  if (group.state === 'Empty') return true;
  const replacedId = memberId === '' && groupInstanceId !== null ? group.staticMemberId(groupInstanceId) : undefined;
  const member = group.members.get(replacedId ?? memberId);
  if (group.state === 'PreparingRebalance') {
    return (member !== undefined && member.joinToken !== null) || group.joinedCount < groupMemberCountMax;
  }
  return member !== undefined || group.members.size < groupMemberCountMax;
}

/** Nobody waits for a member that finds no room. */
function turnAway(coordinator: Coordinator, group: ClassicGroup, memberId: string, turn: Turn): void {
  removePending(coordinator, group, memberId, turn);
  removeMember(coordinator, group, memberId, turn);
  completeJoinIfReady(coordinator, group, turn);
}

/** A group exists from its first join on, so that it can be listed and its deletion means something. */
/** In the place of a group of the consumer protocol, if there is one: it has no members. */
function createGroup(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  const former = coordinator.groups.get(group.groupId);
  if (former?.type === 'consumer') turn.propose(groupTombstones(former, []));
  group.stateTimestampMs = turn.now.wallMs;
  coordinator.groups.set(group.groupId, group);
  turn.propose([groupRecord(group.groupId, group.toStored(new Map(), turn.now.wallMs))]);
}

function joinNew(coordinator: Coordinator, group: ClassicGroup, event: JoinEvent, turn: Turn): void {
  const { groupInstanceId, sessionTimeoutMs } = event.request;
  const memberId = `${groupInstanceId ?? event.clientId}-${event.newMemberUuid}`;
  const replacedId = groupInstanceId === null ? undefined : group.staticMemberId(groupInstanceId);
  if (replacedId !== undefined) {
    replaceStatic(coordinator, group, group.members.get(replacedId)!, memberId, event, turn);
  } else if (groupInstanceId === null && event.apiVersion >= MEMBER_ID_REQUIRED_VERSION) {
    const alarm = newAlarm({ kind: 'session', groupId: group.groupId, memberId });
    group.pendingMembers.set(memberId, alarm);
    coordinator.alarms.set(alarm, sessionTimeoutMs, turn);
    turn.reply(event.token, joinRefusal(memberId, Errors.MEMBER_ID_REQUIRED));
  } else {
    addMember(coordinator, group, memberId, event, turn);
  }
}

function addMember(
  coordinator: Coordinator,
  group: ClassicGroup,
  memberId: string,
  event: JoinEvent,
  turn: Turn,
): void {
  const { request } = event;
  if (group.members.size === 0) group.protocolType = request.protocolType;
  const member: Member = {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: event.clientId,
    clientHost: event.clientHost,
    ...wishesOf(event),
    assignment: Buffer.alloc(0),
    isNew: true,
    joinToken: event.token,
    syncToken: null,
    session: newAlarm({ kind: 'session', groupId: group.groupId, memberId }),
  };
  group.add(member);
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.hasNewMember = true;
  coordinator.alarms.set(member.session, limits.newMemberJoinTimeoutMs, turn);
  rebalanceOrCompleteJoin(coordinator, group, turn);
}

function rejoin(coordinator: Coordinator, group: ClassicGroup, member: Member, event: JoinEvent, turn: Turn): void {
  const isSame = isSameSubscription(member.protocols, event.request.protocols);
  const isLeader = group.isLeader(member.memberId);
  const mayStay = (group.state === 'Stable' && !isLeader) || group.state === 'CompletingRebalance';
  if (isSame && mayStay) {
    touch(coordinator, member, turn);
    turn.reply(event.token, joinReply(group, member, isLeader));
    return;
  }
  update(member, event, turn);
  rebalanceOrCompleteJoin(coordinator, group, turn);
}

/** The member speaks anew; a JoinGroup of its that is still parked belongs to a connection it has given up. */
function update(member: Member, event: JoinEvent, turn: Turn): void {
  answerJoin(member, joinRefusal(member.memberId, Errors.REBALANCE_IN_PROGRESS), turn);
  answerSync(member, syncRefusal(Errors.REBALANCE_IN_PROGRESS), turn);
  Object.assign(member, wishesOf(event));
  member.joinToken = event.token;
}

function replaceStatic(
  coordinator: Coordinator,
  group: ClassicGroup,
  old: Member,
  memberId: string,
  event: JoinEvent,
  turn: Turn,
): void {
  const leaderBefore = group.leaderId ?? '';
  coordinator.alarms.clear(old.session, turn);
  answerJoin(old, joinRefusal(old.memberId, Errors.FENCED_INSTANCE_ID), turn);
  answerSync(old, syncRefusal(Errors.FENCED_INSTANCE_ID), turn);
  const member = group.replaceStatic(old, memberId);
  update(member, event, turn);
  touch(coordinator, member, turn);
  const isSameProtocol = group.state === 'Stable' && group.selectProtocol() === group.protocolName;
  if (isSameProtocol && hasSameTopics(group, old, member)) {
    keepAssignment(group, member, leaderBefore, event, turn);
  } else if (group.state === 'PreparingRebalance') {
    rebalanceOrCompleteJoin(coordinator, group, turn);
  } else {
    prepareRebalance(coordinator, group, turn);
  }
}

/**
 * The group stays Stable; its record is written with the new id. Below v9 a leader cannot be told to skip the assignment: it is sent the old
 * leader's id, so that it takes itself for a follower.
 */
function keepAssignment(group: ClassicGroup, member: Member, leaderBefore: string, event: JoinEvent, turn: Turn): void {
  const assignments = new Map([...group.members.values()].map((each) => [each.memberId, each.assignment]));
  turn.propose([groupRecord(group.groupId, group.toStored(assignments, group.stateTimestampMs))]);
  const isLeader = group.isLeader(member.memberId);
  const body =
    event.apiVersion >= SKIP_ASSIGNMENT_VERSION
      ? joinReply(group, member, isLeader, isLeader)
      : { ...joinReply(group, member, false), leader: leaderBefore };
  answerJoin(member, body, turn);
}

/**
 * Whether a restarted consumer still reads the topics it read. Kafka does not ask, and such a member then waits for its new topic until
 * somebody else causes a rebalance.
 */
function hasSameTopics(group: ClassicGroup, old: Member, member: Member): boolean {
  if (!group.isConsumer) return true;
  const before = new Set(readSubscribedTopics(group.metadataOf(old)));
  const after = new Set(readSubscribedTopics(group.metadataOf(member)));
  return before.size === after.size && [...after].every((topic) => before.has(topic));
}

/** What a member wants, copied out of the request's buffer. JoinGroup v0 has no rebalance timeout: its session timeout serves. */
function wishesOf({ request }: JoinEvent): Pick<Member, 'rebalanceTimeoutMs' | 'sessionTimeoutMs' | 'protocols'> {
  return {
    rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
  };
}

function isSameSubscription(left: readonly MemberProtocol[], right: readonly MemberProtocol[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ name, metadata }, index) => name === right[index].name && metadata.equals(right[index].metadata))
  );
}
