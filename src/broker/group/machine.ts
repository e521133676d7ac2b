/**
 * The group coordinator of one `__consumer_offsets` partition, as a pure machine: an event and the time go in, records, answers and timers
 * come out. `handle` reads state and proposes; `replay` takes records over, the machine's own as well as those Kafka or an earlier run
 * wrote, so that recovery and running are one path.
 *
 * Stored state (groups as of their last stable or empty moment, committed offsets) is changed by `replay` alone. Ephemeral state (rebalances
 * under way, parked requests, pending ids, deadlines) lives in memory: `handle` changes it at once. The runtime may throw the machine away at
 * any time, replay the log into a new one and answer every token it still owes with an error; members then join
 * again.
 *
 * The runtime owns the timers, as names; the machine owns the deadlines, so a timer that fires early or twice does no harm. `timers` are to
 * be applied in order. A reply is held back until the records proposed up to then are committed.
 */
import type { Instant } from '#core';
import type { CoordinatorRecord } from '../coordination/machine.ts';
import { Turn } from '../coordination/turn.ts';
import { deleteGroups, describeGroups, listGroups } from './admin.ts';
import { Alarms, type GroupAlarmTarget, newAlarm } from './alarms.ts';
import { ClassicGroup } from './classic-group.ts';
import type { ClusterView } from './cluster-view.ts';
import type { GroupSettings } from './config.ts';
import type { ConsumerGroup } from './consumer/consumer-group.ts';
import { fence, onRebalanceAlarm } from './consumer/departure.ts';
import { describeConsumerGroups } from './consumer/describe.ts';
import { consumerHeartbeat } from './consumer/heartbeat.ts';
import { startMembers } from './consumer/member-alarms.ts';
import { onRegexAlarm } from './consumer/regex-alarm.ts';
import { replayConsumerGroup } from './consumer/replay.ts';
import type { Coordinator } from './coordinator.ts';
import type { GroupEvent, GroupRequestEvent } from './events.ts';
import { expire, forgetTopics } from './expiry.ts';
import { join } from './join.ts';
import { heartbeat, leave, sync } from './membership.ts';
import { OffsetTable } from './offset-table.ts';
import { commitOffsets, commitTransactionalOffsets, deleteOffsets, fetchOffsets } from './offsets.ts';
import { PendingOffsets } from './pending-offsets.ts';
import { onJoinAlarm, onSessionAlarm, onSyncAlarm, prepareRebalance } from './rebalance.ts';
import { readRecord } from './records.ts';

export class GroupMachine {
  readonly #coordinator: Coordinator;
  readonly #expiryAlarm = newAlarm({ kind: 'expiry' });
  readonly #forgettingAlarm = newAlarm({ kind: 'forgetting' });
  /** Topics whose offsets are still to be deleted. */
  readonly #deletedTopics = new Set<string>();
  #isLoaded = false;

  /** `cluster` is asked while an event is handled, and changes only between events. */
  constructor(settings: GroupSettings, cluster: ClusterView) {
    this.#coordinator = {
      settings,
      cluster,
      groups: new Map(),
      offsets: new OffsetTable(),
      pendingOffsets: new PendingOffsets(),
      alarms: new Alarms(),
      refreshes: new Map(),
    };
  }

  /** Answers one event. The buffers of a request are borrowed until its answer is sent. */
  handle(event: GroupEvent, now: Instant): Turn {
    const turn = new Turn(now, this.#coordinator.settings.batchBytesMax);
    if (!this.#isLoaded) this.#load(event, turn);
    this.#dispatch(event, turn);
    return turn;
  }

  /**
   * Takes over one record of the partition, in order. The record's buffers are copied where they are kept. Records of types that this
   * machine does not know are skipped; one of a known type that cannot be read throws (see `readRecord`).
   *
   * @param producerId of the transaction that the record is part of, -1 for none: offsets wait for `endTransaction`
   */
  replay(record: CoordinatorRecord, offset: number, producerId = -1): void {
    const read = readRecord(record);
    const { groups, offsets, pendingOffsets } = this.#coordinator;
    switch (read.type) {
      case 'group':
        this.#classicGroup(read.groupId).restore(read.stored);
        return;
      case 'group-tombstone':
        groups.delete(read.groupId);
        return;
      case 'offset':
        if (!groups.has(read.groupId)) this.#classicGroup(read.groupId);
        if (producerId >= 0) pendingOffsets.set(producerId, { ...read, recordOffset: offset });
        else offsets.set(read.groupId, read.topic, read.partition, read.committed, offset);
        return;
      case 'offset-tombstone':
        offsets.delete(read.groupId, read.topic, read.partition);
        pendingOffsets.delete(read.groupId, read.topic, read.partition);
        return;
      case 'consumer-group':
        replayConsumerGroup(this.#coordinator, read.record);
        return;
      case 'unknown':
        return;
    }
  }

  /** The marker of a producer's transaction: the offsets it has committed with it count now, or never. */
  endTransaction(producerId: number, type: 'abort' | 'commit'): void {
    this.#coordinator.pendingOffsets.end(producerId, type, this.#coordinator.offsets);
  }

  #dispatch(event: GroupEvent, turn: Turn): void {
    switch (event.type) {
      case 'loaded':
        break;
      case 'timer':
        this.#onTimer(event.name, turn);
        break;
      case 'stall':
        this.#coordinator.alarms.shift(event.stalledMs);
        break;
      case 'topics-deleted':
        for (const topic of event.topics) this.#deletedTopics.add(topic);
        this.#forget(turn);
        break;
      case 'topics-changed':
        this.#topicsChanged(event.topics);
        break;
      default:
        answer(this.#coordinator, event, turn);
    }
  }

  /** Sessions of loaded members begin now: they could not speak while there was no coordinator. */
  #load(event: GroupEvent, turn: Turn): void {
    this.#isLoaded = true;
    const { groups, settings, alarms } = this.#coordinator;
    const hasGrace = event.type === 'loaded' && event.isAfterNodeStart === true && settings.restartGraceMs > 0;
    const graceMs = hasGrace ? settings.restartGraceMs : undefined;
    alarms.set(this.#expiryAlarm, settings.offsetsRetentionCheckMs, turn);
    for (const group of groups.values()) {
      if (group.type === 'consumer') startMembers(this.#coordinator, group, graceMs, turn);
      else this.#startMembers(group, graceMs, turn);
    }
  }

  #startMembers(group: ClassicGroup, graceMs: number | undefined, turn: Turn): void {
    const { settings, alarms } = this.#coordinator;
    for (const { groupInstanceId, sessionTimeoutMs, session } of group.members.values()) {
      const isGraced = graceMs !== undefined && groupInstanceId === null;
      alarms.set(session, isGraced ? Math.min(graceMs, sessionTimeoutMs) : sessionTimeoutMs, turn);
    }
    if (group.members.size > settings.groupMemberCountMax) prepareRebalance(this.#coordinator, group, turn);
  }

  #topicsChanged(topics: readonly string[]): void {
    for (const group of this.#coordinator.groups.values()) {
      if (group.type === 'consumer' && topics.some((topic) => group.isSubscribedTo(topic))) {
        group.isTopicMetadataKnown = false;
      }
    }
  }

  #onTimer(name: string, turn: Turn): void {
    const target = this.#coordinator.alarms.fired(name, turn);
    if (target === undefined) return;
    if (target.kind === 'expiry') this.#expire(turn);
    else if (target.kind === 'forgetting') this.#forget(turn);
    else this.#ring(target, turn);
  }

  #ring(target: GroupAlarmTarget, turn: Turn): void {
    const group = this.#coordinator.groups.get(target.groupId);
    if (group?.type === 'consumer') ringConsumer(this.#coordinator, group, target, turn);
    else if (group !== undefined) ringClassic(this.#coordinator, group, target, turn);
  }

  /** What does not fit into one batch goes on in the next turn. */
  #forget(turn: Turn): void {
    if (forgetTopics(this.#coordinator, this.#deletedTopics, turn)) this.#deletedTopics.clear();
    else this.#coordinator.alarms.set(this.#forgettingAlarm, 0, turn);
  }

  #expire(turn: Turn): void {
    const { settings, alarms } = this.#coordinator;
    const isFinished = expire(this.#coordinator, turn);
    alarms.set(this.#expiryAlarm, isFinished ? settings.offsetsRetentionCheckMs : 0, turn);
  }

  #classicGroup(groupId: string): ClassicGroup {
    const known = this.#coordinator.groups.get(groupId);
    if (known?.type === 'classic') return known;
    const group = new ClassicGroup(groupId);
    this.#coordinator.groups.set(groupId, group);
    return group;
  }
}

/** Alarms outlive the group they were set for: one that has become a group of the other protocol has its own. */
function ringClassic(coordinator: Coordinator, group: ClassicGroup, target: GroupAlarmTarget, turn: Turn): void {
  if (target.kind === 'join') onJoinAlarm(coordinator, group, turn);
  else if (target.kind === 'sync') onSyncAlarm(coordinator, group, turn);
  else if (target.kind === 'session') onSessionAlarm(coordinator, group, target.memberId, turn);
}

function ringConsumer(coordinator: Coordinator, group: ConsumerGroup, target: GroupAlarmTarget, turn: Turn): void {
  if (target.kind === 'regex') onRegexAlarm(coordinator, group, turn);
  else if (target.kind === 'rebalance') onRebalanceAlarm(coordinator, group, target.memberId, turn);
  else if ('memberId' in target) fence(coordinator, group, target.memberId, turn);
}

type Answer<E> = (coordinator: Coordinator, event: E, turn: Turn) => void;

const answers: { readonly [T in GroupRequestEvent['type']]: Answer<Extract<GroupRequestEvent, { type: T }>> } = {
  join,
  sync,
  heartbeat,
  leave,
  'offset-commit': commitOffsets,
  'txn-offset-commit': commitTransactionalOffsets,
  'offset-fetch': fetchOffsets,
  'offset-delete': deleteOffsets,
  'list-groups': listGroups,
  'describe-groups': describeGroups,
  'delete-groups': deleteGroups,
  'consumer-heartbeat': consumerHeartbeat,
  'describe-consumer-groups': describeConsumerGroups,
};

function answer<E extends GroupRequestEvent>(coordinator: Coordinator, event: E, turn: Turn): void {
  const rule = answers[event.type] as Answer<E>;
  rule(coordinator, event, turn);
}
