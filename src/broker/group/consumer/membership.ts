/** Who speaks in a heartbeat or a join: a member there is, a new one, or one that takes a static member's place. */
import { Errors } from '#protocol';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Coordinator } from '../coordinator.ts';
import { type Refusal, refuse } from '../refusal.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerMember, LEAVE_STATIC_EPOCH } from './consumer-member.ts';
import { assignmentRecord, memberRecord, memberTombstones, targetRecord } from './consumer-records.ts';
import { isSubset, type TopicPartitions } from './partitions.ts';

/** What a member says of itself. */
export interface Speaker {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** It wants to come in. */
  readonly isJoining: boolean;
  /** Of a member of the consumer protocol; undefined for one of the classic one. */
  readonly memberEpoch: number | undefined;
  readonly owned: readonly TopicPartitions[] | null;
}

/** Places are for those who are in the group, or take a static member's. */
export function refuseWhenFull(
  { settings }: Coordinator,
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): Refusal | undefined {
  const { consumerGroupMemberCountMax } = settings;
  if (group.staticMember(instanceId) !== undefined) return undefined;
  if (group.members.size < consumerGroupMemberCountMax || group.members.has(memberId)) return undefined;
  const message = `Group '${group.groupId}' has as many members as it may have: ${consumerGroupMemberCountMax} (group.consumer.max.size).`;
  return refuse(Errors.GROUP_MAX_SIZE_REACHED, message);
}

/** The member as it is before what it says now; records that put it in another's place are added. */
export function findSpeaker(
  group: ConsumerGroup,
  speaker: Speaker,
  records: CoordinatorRecord[],
): ConsumerMember | Refusal {
  return speaker.instanceId === null
    ? findDynamic(group, speaker)
    : findStatic(group, speaker, speaker.instanceId, records);
}

/** The member, by its id or as the instance it says it is. */
export function findMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember | Refusal {
  if (instanceId === null) return group.members.get(memberId) ?? refuseUnknown(group, memberId);
  const member = group.staticMember(instanceId);
  if (member === undefined)
    return refuse(Errors.UNKNOWN_MEMBER_ID, `Group '${group.groupId}' has no instance '${instanceId}'.`);
  if (member.memberId === memberId) return member;
  const text = `Instance '${instanceId}' is member '${member.memberId}' now, not '${memberId}'.`;
  return refuse(Errors.FENCED_INSTANCE_ID, text);
}

function findDynamic(group: ConsumerGroup, speaker: Speaker): ConsumerMember | Refusal {
  const known = group.members.get(speaker.memberId);
  if (known === undefined && !speaker.isJoining) return refuseUnknown(group, speaker.memberId);
  const member = known ?? group.memberOf(speaker.memberId);
  return refuseEpoch(member, speaker) ?? member;
}

function findStatic(
  group: ConsumerGroup,
  speaker: Speaker,
  instanceId: string,
  records: CoordinatorRecord[],
): ConsumerMember | Refusal {
  if (!speaker.isJoining) {
    const member = findMember(group, speaker.memberId, instanceId);
    return 'error' in member ? member : (refuseEpoch(member, speaker) ?? member);
  }
  const old = group.staticMember(instanceId);
  if (old === undefined) return group.memberOf(speaker.memberId);
  const isConsumer = speaker.memberEpoch !== undefined && old.classic === null;
  if (isConsumer && old.memberEpoch !== LEAVE_STATIC_EPOCH) {
    const text = `Instance '${instanceId}' is still member '${old.memberId}', which has not left.`;
    return refuse(Errors.UNRELEASED_INSTANCE_ID, text);
  }
  const member = { ...old, memberId: speaker.memberId, memberEpoch: 0, previousMemberEpoch: 0 };
  records.push(
    ...memberTombstones(group.groupId, old.memberId),
    memberRecord(group.groupId, member),
    targetRecord(group.groupId, member.memberId, group.targetOf(old)),
    assignmentRecord(group.groupId, member),
  );
  return member;
}

/** 0 = join, or join again. The previous epoch is heard from a client that has not got the answer that told it the next one. */
function refuseEpoch(member: ConsumerMember, { memberEpoch, owned }: Speaker): Refusal | undefined {
  if (memberEpoch === undefined || memberEpoch === 0 || memberEpoch === member.memberEpoch) return undefined;
  const isLostAnswer =
    memberEpoch < member.memberEpoch && memberEpoch === member.previousMemberEpoch && isSubset(owned, member.assigned);
  if (isLostAnswer) return undefined;
  const text = `Member '${member.memberId}' is in epoch ${member.memberEpoch}, not ${memberEpoch}: it must give up its partitions and join anew.`;
  return refuse(Errors.FENCED_MEMBER_EPOCH, text);
}

function refuseUnknown(group: ConsumerGroup, memberId: string): Refusal {
  return refuse(Errors.UNKNOWN_MEMBER_ID, `Group '${group.groupId}' has no member '${memberId}'.`);
}
