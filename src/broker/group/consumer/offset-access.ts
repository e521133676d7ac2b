/**
 * Who may commit and fetch offsets of a consumer group.
 *
 *     commit of                     answer
 *     nobody (epoch < 0)            taken while the group has no members (admin tools, simple consumers)
 *     a member's epoch              taken
 *     a later epoch                 STALE_MEMBER_EPOCH (ILLEGAL_GENERATION for a member of the classic protocol)
 *     an earlier epoch              taken when each partition is the member's, be it to be given up, and was given to it in that epoch
 *                                   or before (KIP-1251); else the same errors
 */
import type { Uuid } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';

/** Members of the consumer protocol commit from this version on. */
const MEMBER_EPOCH_VERSION = 9;

export interface OffsetWriter {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly memberEpoch: number;
  /** Of OffsetCommit; undefined for TxnOffsetCommit, which need not name a member. */
  readonly apiVersion: number | undefined;
}

/** Why all of the commit is refused, or undefined. */
export function refuseConsumerCommit(
  group: ConsumerGroup,
  writer: OffsetWriter,
  partitions: Iterable<{ readonly topicId: Uuid; readonly partition: number }>,
): KafkaErrorRow | undefined {
  const { memberId, memberEpoch, apiVersion } = writer;
  if (memberEpoch < 0 && group.isEmpty) return undefined;
  const isAnonymous = memberEpoch === -1 && memberId === '' && writer.groupInstanceId === null;
  if (apiVersion === undefined && isAnonymous) return undefined;
  const member = group.members.get(memberId);
  if (member === undefined) return Errors.UNKNOWN_MEMBER_ID;
  const isTooOld = apiVersion !== undefined && apiVersion < MEMBER_EPOCH_VERSION;
  if (isTooOld && member.classic === null) return Errors.UNSUPPORTED_VERSION;
  if (memberEpoch === member.memberEpoch) return undefined;
  if (memberEpoch > member.memberEpoch) return staleError(member);
  for (const { topicId, partition } of partitions) {
    const epoch = member.assigned.get(topicId)?.get(partition) ?? member.revoking.get(topicId)?.get(partition);
    if (epoch === undefined || memberEpoch < epoch) return staleError(member);
  }
  return undefined;
}

/** `memberId` null with an epoch below 0: somebody who is no member, such as an admin tool. */
export function refuseConsumerFetch(
  group: ConsumerGroup,
  memberId: string | null,
  memberEpoch: number,
): KafkaErrorRow | undefined {
  if (memberId === null && memberEpoch < 0) return undefined;
  const member = group.members.get(memberId ?? '');
  if (member === undefined) return Errors.UNKNOWN_MEMBER_ID;
  return memberEpoch === member.memberEpoch ? undefined : staleError(member);
}

function staleError({ classic }: ConsumerMember): KafkaErrorRow {
  return classic === null ? Errors.STALE_MEMBER_EPOCH : Errors.ILLEGAL_GENERATION;
}
