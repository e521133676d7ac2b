/**
 * Members of the classic protocol in a consumer group (online migration, KIP-848): what they ask in their protocol is answered from the state of
 * the consumer one. Nobody waits for anybody: JoinGroup tells a member its epoch as generation, SyncGroup what it may use in it, and a
 * Heartbeat sends it to join again when there is more to get, or something to give up. What it owns it says in its subscription.
 */
import { CorruptError } from '#core';
import {
  type ConsumerProtocolSubscription,
  type Draft,
  decodeSubscription,
  Errors,
  encodeAssignment,
  type HeartbeatResponse,
  type JoinGroupResponse,
  type KafkaErrorRow,
  type SyncGroupResponse,
} from '#protocol';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import type { Coordinator } from '../coordinator.ts';
import type { HeartbeatEvent, JoinEvent, LeaveEvent, SyncEvent } from '../events.ts';
import { isRefusal } from '../refusal.ts';
import { joinRefusal, leaveReply, syncRefusal } from '../replies.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, MemberState, sortedNames } from './consumer-member.ts';
import { removeMembers } from './departure.ts';
import { becomeClassic, mayBecomeClassic } from './downgrade.ts';
import { approach, changeMember, type MemberChange, settle, takeOver } from './heartbeat.ts';
import { clearMemberAlarm, setMemberAlarm, setMemberAlarmOnce } from './member-alarms.ts';
import { findMember, findSpeaker, refuseWhenFull } from './membership.ts';
import { type TopicPartitions, withoutEpochs } from './partitions.ts';
import { membersWith } from './subscription.ts';

const MEMBER_ID_REQUIRED_VERSION = 4;

type JoinBody = Draft<typeof JoinGroupResponse>;

/** Answers JoinGroup to a consumer group that has members. */
export function joinConsumerGroup(coordinator: Coordinator, group: ConsumerGroup, event: JoinEvent, turn: Turn): void {
  turn.reply(event.token, answerJoin(coordinator, group, event, turn));
}

function answerJoin(coordinator: Coordinator, group: ConsumerGroup, event: JoinEvent, turn: Turn): JoinBody {
  const { request } = event;
  const { groupInstanceId: instanceId } = request;
  const isNew = request.memberId === '';
  const memberId = isNew ? event.newMemberUuid : request.memberId;
  const refusal = refuseJoin(coordinator, group, event, memberId);
  if (refusal !== undefined) return joinRefusal('', refusal);
  if (isNew && instanceId === null && event.apiVersion >= MEMBER_ID_REQUIRED_VERSION) {
    return joinRefusal(memberId, Errors.MEMBER_ID_REQUIRED);
  }
  const subscription = readSubscription(request.protocols[0].metadata);
  if (subscription === undefined) return joinRefusal('', Errors.UNKNOWN_SERVER_ERROR);
  const records: CoordinatorRecord[] = [];
  const isJoining = instanceId === null || isNew;
  const speaker = { memberId, instanceId, isJoining, memberEpoch: undefined, owned: [] };
  const member = findSpeaker(group, speaker, records);
  if (isRefusal(member)) return joinRefusal('', member.error);
  const updated = updateFrom(member, event, subscription);
  const owned = namedPartitions(coordinator, subscription.ownedPartitions);
  const change = { group, member, updated, owned, mayKnow: () => true };
  const next = join(coordinator, change, records, turn);
  if (next === undefined) return joinRefusal('', Errors.UNKNOWN_SERVER_ERROR);
  return {
    errorCode: 0,
    generationId: next.memberEpoch,
    protocolType: 'consumer',
    protocolName: next.classic!.supportedProtocols[0].name,
    leader: '',
    memberId,
    members: [],
  };
}

function refuseJoin(
  coordinator: Coordinator,
  group: ConsumerGroup,
  { request }: JoinEvent,
  memberId: string,
): KafkaErrorRow | undefined {
  if (coordinator.settings.consumerMigrationPolicy === 'disabled') return Errors.INCONSISTENT_GROUP_PROTOCOL;
  const full = refuseWhenFull(coordinator, group, memberId, request.groupInstanceId);
  if (full !== undefined) return full.error;
  const names = request.protocols.map(({ name }) => name);
  const isSupported = request.protocolType === 'consumer' && names.some((name) => isCommon(group, name));
  return isSupported ? undefined : Errors.INCONSISTENT_GROUP_PROTOCOL;
}

/** Whether all members of the classic protocol speak it: they may be alone one day. */
function isCommon(group: ConsumerGroup, protocolName: string): boolean {
  for (const { classic } of group.members.values()) {
    if (classic !== null && !classic.supportedProtocols.some(({ name }) => name === protocolName)) return false;
  }
  return true;
}

/** The member in its place; with it the last one of the consumer protocol may have been replaced. */
function join(
  coordinator: Coordinator,
  change: MemberChange,
  records: CoordinatorRecord[],
  turn: Turn,
): ConsumerMember | undefined {
  const { group, updated } = change;
  const members = membersWith(group, updated);
  const replaced = group.staticMember(updated.instanceId);
  if (replaced !== undefined && replaced.classic === null && mayBecomeClassic(coordinator, members)) {
    return joinAsLast(coordinator, change, members, records, turn);
  }
  const next = changeMember(coordinator, change, records, turn);
  if (isRefusal(next) || !settle(coordinator, { group }, updated, next, records, turn)) return undefined;
  const { memberId, rebalanceTimeoutMs, classic } = next;
  clearMemberAlarm(coordinator, 'rejoin', group.groupId, memberId, turn);
  setMemberAlarm(coordinator, 'session', group.groupId, memberId, classic!.sessionTimeoutMs, turn);
  setMemberAlarm(coordinator, 'resync', group.groupId, memberId, rebalanceTimeoutMs, turn);
  return next;
}

/** It takes the place of the last member of the consumer protocol: the group is a classic one from now on, and records of the other kind are moot. */
function joinAsLast(
  coordinator: Coordinator,
  change: MemberChange,
  members: ReadonlyMap<string, ConsumerMember>,
  records: CoordinatorRecord[],
  turn: Turn,
): ConsumerMember | undefined {
  const { group, updated } = change;
  const { groupEpoch, hasSubscriptionChanged } = takeOver(coordinator, change, records, turn);
  const rebalances = group.assignmentEpoch < groupEpoch;
  const target = { epoch: group.assignmentEpoch, partitions: group.targetOf(updated) };
  const next = rebalances ? updated : approach(coordinator, change, target, hasSubscriptionChanged, records);
  if (isRefusal(next)) return undefined;
  const isDone = becomeClassic(coordinator, group, { members, rebalances }, turn);
  return isDone ? next : undefined;
}

/** Answers SyncGroup to a consumer group. */
export function syncConsumerGroup(coordinator: Coordinator, group: ConsumerGroup, event: SyncEvent, turn: Turn): void {
  const { request } = event;
  const member = findClassic(group, request.memberId, request.groupInstanceId, request.generationId);
  const error = 'name' in member ? member : refuseSync(coordinator, group, member, event, turn);
  if ('name' in member || error !== undefined) {
    turn.reply(event.token, syncRefusal(error ?? Errors.UNKNOWN_MEMBER_ID));
    return;
  }
  clearMemberAlarm(coordinator, 'resync', group.groupId, member.memberId, turn);
  touchClassic(coordinator, group, member, turn);
  const { protocolType, protocolName } = request;
  const assignment = assignmentOf(coordinator, member);
  turn.reply(event.token, { errorCode: 0, protocolType, protocolName, assignment } satisfies Draft<
    typeof SyncGroupResponse
  >);
}

/** Answers Heartbeat to a consumer group. */
export function heartbeatConsumerGroup(
  coordinator: Coordinator,
  group: ConsumerGroup,
  event: HeartbeatEvent,
  turn: Turn,
): void {
  const { memberId, groupInstanceId, generationId } = event.request;
  const member = findClassic(group, memberId, groupInstanceId, generationId);
  let error = Errors.NONE;
  if ('name' in member) {
    error = member;
  } else {
    touchClassic(coordinator, group, member, turn);
    if (mustRejoin(group, member)) {
      error = Errors.REBALANCE_IN_PROGRESS;
      setMemberAlarmOnce(coordinator, 'rejoin', group.groupId, memberId, member.rebalanceTimeoutMs, turn);
    }
  }
  turn.reply(event.token, { errorCode: error.code } satisfies Draft<typeof HeartbeatResponse>);
}

/** Answers LeaveGroup to a consumer group; administrators remove members of either protocol with it. */
export function leaveConsumerGroupAsClassic(
  coordinator: Coordinator,
  group: ConsumerGroup,
  event: LeaveEvent,
  turn: Turn,
): void {
  const { request, apiVersion } = event;
  const leavers =
    apiVersion >= 3 ? request.members : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
  const leaving = new Set<ConsumerMember>();
  const results = leavers.map(({ memberId, groupInstanceId }) => {
    const isByInstance = memberId === '' && groupInstanceId !== null;
    const knownId = isByInstance ? (group.staticMember(groupInstanceId)?.memberId ?? '') : memberId;
    const member = findMember(group, knownId, groupInstanceId);
    if (!isRefusal(member)) leaving.add(member);
    return { memberId, groupInstanceId, errorCode: isRefusal(member) ? member.error.code : 0 };
  });
  removeMembers(coordinator, group, leaving, turn);
  turn.reply(event.token, leaveReply(apiVersion, results));
}

function findClassic(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
  generationId: number,
): ConsumerMember | KafkaErrorRow {
  const member = findMember(group, memberId, instanceId);
  if (isRefusal(member)) return member.error;
  if (member.classic === null) return Errors.UNKNOWN_MEMBER_ID;
  return member.memberEpoch === generationId ? member : Errors.ILLEGAL_GENERATION;
}

/** A member that is to give partitions up has joined already: it must do that first. */
function refuseSync(
  coordinator: Coordinator,
  group: ConsumerGroup,
  member: ConsumerMember,
  { request }: SyncEvent,
  turn: Turn,
): KafkaErrorRow | undefined {
  const { protocolType, protocolName } = request;
  const isOther = (asked: string | null, actual: string) => asked !== null && asked !== actual;
  if (isOther(protocolType, 'consumer') || isOther(protocolName, member.classic!.supportedProtocols[0].name)) {
    return Errors.INCONSISTENT_GROUP_PROTOCOL;
  }
  if (group.assignmentEpoch <= member.memberEpoch || member.state === MemberState.UNREVOKED_PARTITIONS)
    return undefined;
  const { memberId, rebalanceTimeoutMs } = member;
  setMemberAlarmOnce(coordinator, 'rejoin', group.groupId, memberId, rebalanceTimeoutMs, turn);
  return Errors.REBALANCE_IN_PROGRESS;
}

/** There is a newer target; or something to give up; or what it waited for is free. */
function mustRejoin(group: ConsumerGroup, member: ConsumerMember): boolean {
  if (member.memberEpoch < group.assignmentEpoch || member.state === MemberState.UNREVOKED_PARTITIONS) return true;
  return member.state === MemberState.UNRELEASED_PARTITIONS && !isWaiting(group, member);
}

function isWaiting(group: ConsumerGroup, member: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.targetOf(member)) {
    const owned = member.assigned.get(topicId);
    if (partitions.some((partition) => !owned?.has(partition) && group.isTaken(topicId, partition))) return true;
  }
  return false;
}

function touchClassic(coordinator: Coordinator, group: ConsumerGroup, member: ConsumerMember, turn: Turn): void {
  const { memberId, classic } = member;
  setMemberAlarm(coordinator, 'session', group.groupId, memberId, classic!.sessionTimeoutMs, turn);
}

function updateFrom(
  member: ConsumerMember,
  { request, clientId, clientHost }: JoinEvent,
  subscription: ConsumerProtocolSubscription,
): ConsumerMember {
  const { rebalanceTimeoutMs, sessionTimeoutMs } = request;
  const protocols = request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }));
  return {
    ...member,
    instanceId: request.groupInstanceId ?? member.instanceId,
    rackId: subscription.rackId === null || subscription.rackId === '' ? member.rackId : subscription.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    subscribedTopicNames: sortedNames(subscription.topics),
    subscribedTopicRegex: '',
    clientId,
    clientHost,
    classic: { sessionTimeoutMs, supportedProtocols: protocols },
  };
}

function readSubscription(metadata: Buffer): ConsumerProtocolSubscription | undefined {
  try {
    return decodeSubscription(metadata);
  } catch (error) {
    if (error instanceof CorruptError) return undefined;
    throw error;
  }
}

function namedPartitions(
  { cluster }: Coordinator,
  owned: ConsumerProtocolSubscription['ownedPartitions'],
): TopicPartitions[] {
  return owned.flatMap(({ topic, partitions }) => {
    const found = cluster.topic(topic);
    return found === undefined ? [] : [{ topicId: found.topicId, partitions }];
  });
}

/** In the version in which the member speaks. */
function assignmentOf({ cluster }: Coordinator, { assigned, classic }: ConsumerMember): Buffer {
  const assignedPartitions = [...withoutEpochs(assigned)].flatMap(([topicId, partitions]) => {
    const topic = cluster.topicById(topicId);
    return topic === undefined ? [] : [{ topic: topic.name, partitions }];
  });
  const version = Math.min(classic!.supportedProtocols[0].metadata.readInt16BE(0), 3);
  return encodeAssignment({ assignedPartitions, userData: null }, version);
}
