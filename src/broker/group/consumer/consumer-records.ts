/**
 * The records of groups of the consumer protocol, in Kafka's framing. All values are of version 0.
 *
 *     type   key               value                           written when
 *     3      group             group epoch, topic hash         the group epoch rises
 *     4      group             —                               never; that of a Kafka before 4.1 is deleted
 *     5      group, member     who it is and what it reads     that changes
 *     6      group             epoch and time of the target    an assignor has run
 *     7      group, member     its target                      that changes
 *     8      group, member     epoch, state, what it has       that changes
 *     16     group, pattern    the topics it stands for        it was matched
 */

import type { TopicIdPartitions } from '#assign';
import { ByteReader } from '#core';
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
  decode,
  encodeStored,
  type Infer,
  type MessageSchema,
} from '#protocol';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts';
import { type ConsumerMember, MemberState } from './consumer-member.ts';
import { listPartitions, type OwnedPartitions } from './partitions.ts';

export function epochRecord(groupId: string, epoch: number, metadataHash: string): CoordinatorRecord {
  const key = encodeStored(ConsumerGroupMetadataKey, 0, { groupId });
  return { key, value: encodeStored(ConsumerGroupMetadataValue, 0, { epoch, metadataHash }) };
}

export function partitionMetadataTombstone(groupId: string): CoordinatorRecord {
  return { key: encodeStored(ConsumerGroupPartitionMetadataKey, 0, { groupId }), value: null };
}

export function memberRecord(groupId: string, member: ConsumerMember): CoordinatorRecord {
  const value = encodeStored(ConsumerGroupMemberMetadataValue, 0, {
    instanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: member.serverAssignor,
    classicMemberMetadata: member.classic,
  });
  return { key: memberKey(ConsumerGroupMemberMetadataKey, groupId, member.memberId), value };
}

export function targetRecord(groupId: string, memberId: string, target: TopicIdPartitions): CoordinatorRecord {
  const topicPartitions = listPartitions(target);
  const value = encodeStored(ConsumerGroupTargetAssignmentMemberValue, 0, { topicPartitions });
  return { key: memberKey(ConsumerGroupTargetAssignmentMemberKey, groupId, memberId), value };
}

export function targetEpochRecord(groupId: string, assignmentEpoch: number, timestampMs: number): CoordinatorRecord {
  const key = encodeStored(ConsumerGroupTargetAssignmentMetadataKey, 0, { groupId });
  const value = { assignmentEpoch, assignmentTimestamp: timestampMs };
  return { key, value: encodeStored(ConsumerGroupTargetAssignmentMetadataValue, 0, value) };
}

export function assignmentRecord(groupId: string, member: ConsumerMember): CoordinatorRecord {
  const value = encodeStored(ConsumerGroupCurrentMemberAssignmentValue, 0, {
    memberEpoch: member.memberEpoch,
    previousMemberEpoch: member.previousMemberEpoch,
    state: member.state,
    assignedPartitions: listOwned(member.assigned),
    partitionsPendingRevocation: listOwned(member.revoking),
  });
  return { key: memberKey(ConsumerGroupCurrentMemberAssignmentKey, groupId, member.memberId), value };
}

export function regexRecord(groupId: string, regularExpression: string, resolved: ResolvedRegex): CoordinatorRecord {
  const { topics, version, timestampMs } = resolved;
  const key = encodeStored(ConsumerGroupRegularExpressionKey, 0, { groupId, regularExpression });
  const value = { topics: [...topics].sort(), version, timestamp: timestampMs };
  return { key, value: encodeStored(ConsumerGroupRegularExpressionValue, 0, value) };
}

export function regexTombstone(groupId: string, regularExpression: string): CoordinatorRecord {
  return { key: encodeStored(ConsumerGroupRegularExpressionKey, 0, { groupId, regularExpression }), value: null };
}

/** A member that goes, in the order that Kafka's replay asks for. */
export function memberTombstones(groupId: string, memberId: string): CoordinatorRecord[] {
  return [
    ConsumerGroupCurrentMemberAssignmentKey,
    ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupMemberMetadataKey,
  ].map((schema) => ({ key: memberKey(schema, groupId, memberId), value: null }));
}

/** A group that goes, in the order that Kafka's replay asks for. `memberIds`: of the members it has by then. */
export function groupTombstones(group: ConsumerGroup, memberIds: Iterable<string>): CoordinatorRecord[] {
  const { groupId } = group;
  const ids = [...memberIds];
  const ofMembers = (schema: MemberKey) => ids.map((memberId) => memberKey(schema, groupId, memberId));
  const keys = [
    ...ofMembers(ConsumerGroupCurrentMemberAssignmentKey),
    ...ofMembers(ConsumerGroupTargetAssignmentMemberKey),
    encodeStored(ConsumerGroupTargetAssignmentMetadataKey, 0, { groupId }),
    ...ofMembers(ConsumerGroupMemberMetadataKey),
    ...[...group.regexes.keys()].map((regularExpression) =>
      encodeStored(ConsumerGroupRegularExpressionKey, 0, { groupId, regularExpression }),
    ),
    encodeStored(ConsumerGroupPartitionMetadataKey, 0, { groupId }),
    encodeStored(ConsumerGroupMetadataKey, 0, { groupId }),
  ];
  return keys.map((key) => ({ key, value: null }));
}

/** A record that tells something of a group of the consumer protocol; a null value deletes it. */
export type ConsumerGroupRecord = { readonly groupId: string } & (
  | { readonly type: 'epoch'; readonly value: ConsumerGroupMetadataValue | null }
  | { readonly type: 'partition-metadata'; readonly isThere: boolean }
  | {
      readonly type: 'member';
      readonly memberId: string;
      readonly value: ConsumerGroupMemberMetadataValue | null;
    }
  | { readonly type: 'target-epoch'; readonly value: ConsumerGroupTargetAssignmentMetadataValue | null }
  | {
      readonly type: 'target';
      readonly memberId: string;
      readonly value: ConsumerGroupTargetAssignmentMemberValue | null;
    }
  | {
      readonly type: 'assignment';
      readonly memberId: string;
      readonly value: ConsumerGroupCurrentMemberAssignmentValue | null;
    }
  | {
      readonly type: 'regex';
      readonly regex: string;
      readonly value: ConsumerGroupRegularExpressionValue | null;
    }
);

/** Reads a record of one of the types above, or gives undefined for another type. Byte fields are slices of the record's buffers. */
export function readConsumerGroupRecord(
  recordType: number,
  key: ByteReader,
  value: Buffer | null,
): ConsumerGroupRecord | undefined {
  switch (recordType) {
    case 3: {
      const { groupId } = decode(ConsumerGroupMetadataKey, 0, key);
      return { type: 'epoch', groupId, value: read(ConsumerGroupMetadataValue, value) };
    }
    case 4: {
      const { groupId } = decode(ConsumerGroupPartitionMetadataKey, 0, key);
      return { type: 'partition-metadata', groupId, isThere: value !== null };
    }
    case 5: {
      const { groupId, memberId } = decode(ConsumerGroupMemberMetadataKey, 0, key);
      return { type: 'member', groupId, memberId, value: read(ConsumerGroupMemberMetadataValue, value) };
    }
    case 6: {
      const { groupId } = decode(ConsumerGroupTargetAssignmentMetadataKey, 0, key);
      return { type: 'target-epoch', groupId, value: read(ConsumerGroupTargetAssignmentMetadataValue, value) };
    }
    case 7: {
      const { groupId, memberId } = decode(ConsumerGroupTargetAssignmentMemberKey, 0, key);
      return { type: 'target', groupId, memberId, value: read(ConsumerGroupTargetAssignmentMemberValue, value) };
    }
    case 8: {
      const { groupId, memberId } = decode(ConsumerGroupCurrentMemberAssignmentKey, 0, key);
      return { type: 'assignment', groupId, memberId, value: read(ConsumerGroupCurrentMemberAssignmentValue, value) };
    }
    case 16: {
      const { groupId, regularExpression: regex } = decode(ConsumerGroupRegularExpressionKey, 0, key);
      return { type: 'regex', groupId, regex, value: read(ConsumerGroupRegularExpressionValue, value) };
    }
    default:
      return undefined;
  }
}

/** What a stored number of a state means; those of a later Kafka are unknown. */
export function memberStateOf(state: number): MemberState {
  const known = Object.values(MemberState).find((value) => value === state);
  return known ?? MemberState.UNKNOWN;
}

/** Records before Kafka 4.3 have no epochs: the member's counts, which is negative for a static member that left. */
export function ownedOf(
  topics: ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions'],
  memberEpoch: number,
): OwnedPartitions {
  const fallback = Math.max(memberEpoch, 0);
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs }) => {
      const hasEpochs = assignmentEpochs !== null && assignmentEpochs.length === partitions.length;
      const epochs = partitions.map(
        (partition, index) => [partition, hasEpochs ? assignmentEpochs[index] : fallback] as const,
      );
      return [topicId, new Map(epochs)];
    }),
  );
}

type MemberKey =
  | typeof ConsumerGroupMemberMetadataKey
  | typeof ConsumerGroupTargetAssignmentMemberKey
  | typeof ConsumerGroupCurrentMemberAssignmentKey;

function memberKey(schema: MemberKey, groupId: string, memberId: string): Buffer {
  return encodeStored(schema as typeof ConsumerGroupMemberMetadataKey, 0, { groupId, memberId });
}

function read<S extends MessageSchema>(schema: S, value: Buffer | null): Infer<S> | null {
  if (value === null) return null;
  const reader = new ByteReader(value);
  return decode(schema, reader.int16(), reader);
}

function listOwned(partitions: OwnedPartitions) {
  return [...partitions]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([topicId, epochs]) => {
      const entries = [...epochs].sort(([left], [right]) => left - right);
      const assignmentEpochs = entries.map(([, epoch]) => epoch);
      return { topicId, partitions: entries.map(([partition]) => partition), assignmentEpochs };
    });
}
