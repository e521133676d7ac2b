/**
 * Opens a group to a member of the consumer protocol that joins: one there is, a new one, or one that becomes a consumer group for it. A classic
 * group without members goes, one with members is converted online when the migration policy allows it: its members stay, with what they have,
 * and go on in their protocol.
 */
import type { TopicIdPartitions } from '#assign';
import { CorruptError, type Uuid } from '#core';
import { decodeAssignment, decodeSubscription, Errors } from '#protocol';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import type { ClassicGroup, Member } from '../classic-group.ts';
import type { Coordinator } from '../coordinator.ts';
import { answerJoin, answerSync } from '../rebalance.ts';
import { groupTombstone } from '../records.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import { joinRefusal, syncRefusal } from '../replies.ts';
import { ConsumerGroup } from './consumer-group.ts';
import { newMember, sortedNames } from './consumer-member.ts';
import { assignmentRecord, epochRecord, memberRecord, targetEpochRecord, targetRecord } from './consumer-records.ts';
import { refuseGroup } from './departure.ts';
import { setMemberAlarm } from './member-alarms.ts';
import { inEpoch } from './partitions.ts';
import { metadataHashOf } from './subscription.ts';

export interface OpenedGroup {
  readonly group: ConsumerGroup;
  /** The classic group that it was until now. */
  readonly converted?: ConvertedGroup;
}

/** A classic group whose records are gone once those of the consumer group are proposed. */
export class ConvertedGroup {
  readonly #classic: ClassicGroup;

  constructor(classic: ClassicGroup) {
    this.#classic = classic;
  }

  /** Who is parked joins anew; sessions go on under the consumer group. */
  abandon(coordinator: Coordinator, turn: Turn): void {
    const { groupId, members, pendingMembers, joinAlarm, syncAlarm } = this.#classic;
    for (const alarm of [joinAlarm, syncAlarm, ...pendingMembers.values()]) coordinator.alarms.clear(alarm, turn);
    for (const member of members.values()) {
      answerJoin(member, joinRefusal(member.memberId, Errors.REBALANCE_IN_PROGRESS), turn);
      answerSync(member, syncRefusal(Errors.REBALANCE_IN_PROGRESS), turn);
      coordinator.alarms.clear(member.session, turn);
      setMemberAlarm(coordinator, 'session', groupId, member.memberId, member.sessionTimeoutMs, turn);
    }
  }
}

/** `mayOpen`: the member joins; otherwise there must be a consumer group already. */
export function openConsumerGroup(
  coordinator: Coordinator,
  groupId: string,
  mayOpen: boolean,
  records: CoordinatorRecord[],
): OpenedGroup | Refusal {
  const known = coordinator.groups.get(groupId);
  if (known?.type === 'consumer') return { group: known };
  if (!mayOpen) return refuseGroup(groupId, known !== undefined);
  if (known === undefined) return { group: new ConsumerGroup(groupId) };
  const converted = new ConvertedGroup(known);
  records.push(groupTombstone(groupId));
  if (known.state === 'Empty') return { group: new ConsumerGroup(groupId), converted };
  const group = refuseUpgrade(coordinator, known) ?? convert(coordinator, known);
  if (isRefusal(group)) return group;
  records.push(...recordsOf(group));
  return { group, converted };
}

function refuseUpgrade({ settings }: Coordinator, group: ClassicGroup): Refusal | undefined {
  const { consumerMigrationPolicy, consumerGroupMemberCountMax } = settings;
  const refusal = (why: string) =>
    refuse(Errors.GROUP_ID_NOT_FOUND, `Classic group '${group.groupId}' stays one: ${why}.`);
  if (consumerMigrationPolicy !== 'upgrade' && consumerMigrationPolicy !== 'bidirectional') {
    return refusal(`group.consumer.migration.policy is ${consumerMigrationPolicy}`);
  }
  if (!group.isConsumer) return refusal('its members are no consumers');
  if (group.members.size > consumerGroupMemberCountMax)
    return refusal('it has more members than group.consumer.max.size');
  return undefined;
}

function convert(coordinator: Coordinator, classic: ClassicGroup): ConsumerGroup | Refusal {
  try {
    return convertMembers(coordinator, classic);
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    const text = `Classic group '${classic.groupId}' stays one: what its members wrote cannot be read (${error.message}).`;
    return refuse(Errors.GROUP_ID_NOT_FOUND, text);
  }
}

function convertMembers(coordinator: Coordinator, classic: ClassicGroup): ConsumerGroup | Refusal {
  const { groupId, generationId } = classic;
  const group = new ConsumerGroup(groupId);
  group.groupEpoch = generationId;
  group.assignmentEpoch = generationId;
  for (const member of classic.members.values()) {
    const target = readAssignment(coordinator, member);
    if (target === undefined) {
      const text = `Classic group '${groupId}' stays one: its assignor keeps data of its own, which would be lost.`;
      return refuse(Errors.GROUP_ID_NOT_FOUND, text);
    }
    const { topics, rackId } = decodeSubscription(subscriptionOf(classic, member));
    group.target.set(member.memberId, target);
    group.put({
      ...newMember(member.memberId),
      instanceId: member.groupInstanceId,
      rackId: rackId === '' ? null : rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      subscribedTopicNames: sortedNames(topics),
      classic: { sessionTimeoutMs: member.sessionTimeoutMs, supportedProtocols: member.protocols },
      memberEpoch: generationId,
      previousMemberEpoch: generationId,
      assigned: inEpoch(target, generationId),
    });
  }
  group.metadataHash = metadataHashOf(coordinator.cluster, group.members, group.regexes);
  return group;
}

/** Before the first generation no protocol is chosen; all of them hold the same subscription. */
function subscriptionOf(classic: ClassicGroup, member: Member): Buffer {
  const metadata = classic.metadataOf(member);
  return metadata.length > 0 ? metadata : member.protocols[0].metadata;
}

/** Undefined when its assignor wrote more than partitions. */
function readAssignment({ cluster }: Coordinator, member: Member): TopicIdPartitions | undefined {
  if (member.assignment.length === 0) return new Map();
  const { assignedPartitions, userData } = decodeAssignment(member.assignment);
  if (userData !== null && userData.length > 0) return undefined;
  const target = new Map<Uuid, readonly number[]>();
  for (const { topic, partitions } of assignedPartitions) {
    const found = cluster.topic(topic);
    if (found !== undefined && partitions.length > 0)
      target.set(
        found.topicId,
        [...new Set(partitions)].sort((left, right) => left - right),
      );
  }
  return target;
}

function recordsOf(group: ConsumerGroup): CoordinatorRecord[] {
  const { groupId, groupEpoch, metadataHash, assignmentEpoch, assignmentTimestampMs } = group;
  const members = [...group.members.values()];
  return [
    ...members.map((member) => memberRecord(groupId, member)),
    epochRecord(groupId, groupEpoch, metadataHash),
    ...members.map(({ memberId }) => targetRecord(groupId, memberId, group.target.get(memberId)!)),
    targetEpochRecord(groupId, assignmentEpoch, assignmentTimestampMs),
    ...members.map((member) => assignmentRecord(groupId, member)),
  ];
}
