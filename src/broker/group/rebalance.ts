/**
 * How a group gets from one generation to the next: join phase, new generation, sync phase, and what the alarms do when somebody is late.
 * All functions change the living group (see classic-group.ts on what may be changed by `handle`) and put records, replies and timers into
 * the turn.
 */
import { Errors, type KafkaErrorRow } from '#protocol';
import type { Turn } from '../coordination/turn.ts';
import { type ClassicGroup, type Member, nextGenerationId } from './classic-group.ts';
import { limits } from './config.ts';
import type { Coordinator } from './coordinator.ts';
import { groupRecord } from './records.ts';
import { joinRefusal, joinReply, syncRefusal, syncReply } from './replies.ts';

/** A sign of life: the member's session begins anew. */
export function touch(coordinator: Coordinator, member: Member, turn: Turn): void {
  coordinator.alarms.set(member.session, member.sessionTimeoutMs, turn);
}

/** Starts a rebalance where the state allows it, else completes the join phase if this was all it waited for. */
export function rebalanceOrCompleteJoin(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  if (group.state === 'PreparingRebalance') completeJoinIfReady(coordinator, group, turn);
  else prepareRebalance(coordinator, group, turn);
}

/** Empty, CompletingRebalance, Stable → PreparingRebalance. */
export function prepareRebalance(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  if (group.state === 'CompletingRebalance') dropAssignments(coordinator, group, Errors.REBALANCE_IN_PROGRESS, turn);
  group.pendingSync.clear();
  coordinator.alarms.clear(group.syncAlarm, turn);
  const isInitial = group.state === 'Empty';
  group.transitionTo('PreparingRebalance', turn.now.wallMs);
  if (isInitial) beginInitialDelay(coordinator, group, turn);
  else if (group.hasEverybodyJoined) completeJoin(coordinator, group, turn);
  else coordinator.alarms.set(group.joinAlarm, group.rebalanceTimeoutMs, turn);
}

/** Somebody joined, left or was given up during the join phase: that may have been all it waited for. */
export function completeJoinIfReady(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  if (group.state !== 'PreparingRebalance' || !group.hasEverybodyJoined) return;
  const isDelayed = group.previousState === 'Empty' && coordinator.settings.initialRebalanceDelayMs > 0;
  if (!isDelayed || group.members.size === 0) completeJoin(coordinator, group, turn);
}

/** The join alarm rang: the delay of a first generation, or the end of the members' patience. */
export function onJoinAlarm(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  if (group.state !== 'PreparingRebalance') return;
  const leftMs = group.previousState === 'Empty' ? initialDelayLeftMs(group) : 0;
  if (leftMs === 0) {
    completeJoin(coordinator, group, turn);
    return;
  }
  const delayMs = Math.min(coordinator.settings.initialRebalanceDelayMs, leftMs);
  group.initialDelayLeftMs -= delayMs;
  group.pendingGraceLeftMs = Math.max(group.pendingGraceLeftMs - delayMs, 0);
  group.hasNewMember = false;
  coordinator.alarms.set(group.joinAlarm, delayMs, turn);
}

/** A newcomer extends the delay, as long as members are patient; an id that was just sent out does so for a moment, as its owner may have died. */
function initialDelayLeftMs(group: ClassicGroup): number {
  if (group.hasNewMember) return group.initialDelayLeftMs;
  return group.pendingMembers.size > 0 ? Math.min(group.initialDelayLeftMs, group.pendingGraceLeftMs) : 0;
}

/** The sync alarm rang: members that did not fetch their assignment in time are removed. */
export function onSyncAlarm(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
  if (group.pendingSync.size === 0) return;
  for (const memberId of [...group.pendingSync]) removeMember(coordinator, group, memberId, turn);
  prepareRebalance(coordinator, group, turn);
}

/** A session ended without a sign of life, or an id that was handed out was not used. */
export function onSessionAlarm(coordinator: Coordinator, group: ClassicGroup, memberId: string, turn: Turn): void {
  if (group.pendingMembers.delete(memberId)) {
    completeJoinIfReady(coordinator, group, turn);
    return;
  }
  const member = group.members.get(memberId);
  if (member === undefined) return;
  const isParked = member.joinToken !== null || member.syncToken !== null;
  if (isParked && !member.isNew) return;
  removeMember(coordinator, group, memberId, turn);
  rebalanceOrCompleteJoin(coordinator, group, turn);
}

/** Takes a member out, answering what it has parked. What follows from that is the caller's to do. */
export function removeMember(coordinator: Coordinator, group: ClassicGroup, memberId: string, turn: Turn): void {
  const member = group.members.get(memberId);
  if (member === undefined) return;
  coordinator.alarms.clear(member.session, turn);
  answerJoin(member, joinRefusal('', Errors.UNKNOWN_MEMBER_ID), turn);
  answerSync(member, syncRefusal(Errors.UNKNOWN_MEMBER_ID), turn);
  group.remove(memberId);
}

/** Takes back an id that was handed out. */
export function removePending(coordinator: Coordinator, group: ClassicGroup, memberId: string, turn: Turn): boolean {
  const alarm = group.pendingMembers.get(memberId);
  if (alarm === undefined) return false;
  coordinator.alarms.clear(alarm, turn);
  return group.pendingMembers.delete(memberId);
}

/** Answers a member's parked JoinGroup, if there is one. */
export function answerJoin(member: Member, body: object, turn: Turn): void {
  if (member.joinToken === null) return;
  turn.reply(member.joinToken, body);
  member.joinToken = null;
}

/** Answers a member's parked SyncGroup, if there is one. */
export function answerSync(member: Member, body: object, turn: Turn): void {
  if (member.syncToken === null) return;
  turn.reply(member.syncToken, body);
  member.syncToken = null;
}

/** Ends a sync phase without an assignment: parked members get `error` and join again. */
function dropAssignments(coordinator: Coordinator, group: ClassicGroup, error: KafkaErrorRow, turn: Turn): void {
  for (const member of group.members.values()) {
    member.assignment = Buffer.alloc(0);
    if (member.syncToken === null) continue;
    answerSync(member, syncRefusal(error), turn);
    touch(coordinator, member, turn);
  }
}

/** The leader's assignments are known: they go into the group's record, whose replay makes the group Stable, and to all that wait. */
export function completeSync(
  coordinator: Coordinator,
  group: ClassicGroup,
  assignments: ReadonlyMap<string, Buffer>,
  turn: Turn,
): void {
  if (!turn.propose([groupRecord(group.groupId, group.toStored(assignments, turn.now.wallMs))])) {
    dropAssignments(coordinator, group, Errors.UNKNOWN_SERVER_ERROR, turn);
    prepareRebalance(coordinator, group, turn);
    return;
  }
  for (const member of group.members.values()) {
    if (member.syncToken === null) continue;
    answerSync(member, syncReply(group, assignments.get(member.memberId) ?? Buffer.alloc(0)), turn);
    touch(coordinator, member, turn);
  }
}

function beginInitialDelay(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  const delayMs = coordinator.settings.initialRebalanceDelayMs;
  group.hasNewMember = false;
  group.initialDelayLeftMs = delayMs === 0 ? 0 : Math.max(group.rebalanceTimeoutMs - delayMs, 0);
  group.pendingGraceLeftMs = Math.max(limits.pendingGraceMs - delayMs, 0);
  if (delayMs > 0) coordinator.alarms.set(group.joinAlarm, delayMs, turn);
  else if (group.hasEverybodyJoined) completeJoin(coordinator, group, turn);
  else coordinator.alarms.set(group.joinAlarm, Math.min(limits.pendingGraceMs, group.rebalanceTimeoutMs), turn);
}

/** The join phase ends: who did not come is out, static members excepted; those present form the next generation. */
function completeJoin(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  coordinator.alarms.clear(group.joinAlarm, turn);
  for (const member of [...group.members.values()]) {
    if (member.joinToken !== null || member.groupInstanceId !== null) continue;
    removeMember(coordinator, group, member.memberId, turn);
  }
  if (group.members.size === 0) {
    becomeEmpty(group, turn);
  } else if (group.electJoinedLeader()) {
    beginGeneration(coordinator, group, turn);
  } else {
    coordinator.alarms.set(group.joinAlarm, group.rebalanceTimeoutMs, turn);
  }
}

/** The record of the next, empty generation; its replay makes the group Empty. */
function becomeEmpty(group: ClassicGroup, turn: Turn): void {
  const stored = group.toStored(new Map(), turn.now.wallMs);
  const generation = nextGenerationId(group.generationId);
  turn.propose([groupRecord(group.groupId, { ...stored, generation, protocol: null, leader: null })]);
}

function beginGeneration(coordinator: Coordinator, group: ClassicGroup, turn: Turn): void {
  group.beginGeneration(turn.now.wallMs);
  for (const member of group.members.values()) {
    const isParked = member.joinToken !== null;
    answerJoin(member, joinReply(group, member, group.isLeader(member.memberId)), turn);
    if (isParked) touch(coordinator, member, turn);
    member.isNew = false;
    group.pendingSync.add(member.memberId);
  }
  coordinator.alarms.set(group.syncAlarm, group.rebalanceTimeoutMs, turn);
}
