/**
 * Takes over the records of groups of the consumer protocol. Lenient where Kafka's compaction can have removed what came before: a record of
 * a member that is not known makes it, a tombstone of one that is not known is passed over.
 */

import type { Coordinator } from '../coordinator.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerGroupRecord } from './consumer-records.ts';
import { memberStateOf, ownedOf } from './consumer-records.ts';

export function replayConsumerGroup(coordinator: Coordinator, record: ConsumerGroupRecord): void {
  const known = coordinator.groups.get(record.groupId);
  if (isTombstone(record)) {
    if (known?.type === 'consumer') bury(coordinator, known, record);
    return;
  }
  // Offsets that were committed before made a classic group without a protocol.
  const group = known?.type === 'consumer' ? known : new ConsumerGroup(record.groupId);
  coordinator.groups.set(record.groupId, group);
  restore(group, record);
}

function isTombstone(record: ConsumerGroupRecord): boolean {
  return record.type === 'partition-metadata' ? !record.isThere : record.value === null;
}

function bury(coordinator: Coordinator, group: ConsumerGroup, record: ConsumerGroupRecord): void {
  switch (record.type) {
    case 'epoch':
      coordinator.groups.delete(group.groupId);
      return;
    case 'partition-metadata':
      group.hasPartitionMetadata = false;
      return;
    case 'member':
      group.remove(record.memberId);
      return;
    case 'target-epoch':
      group.assignmentEpoch = -1;
      group.assignmentTimestampMs = 0;
      return;
    case 'target':
      group.target.delete(record.memberId);
      return;
    case 'assignment':
      group.unassign(record.memberId);
      return;
    case 'regex':
      group.setRegex(record.regex, undefined);
      return;
  }
}

function restore(group: ConsumerGroup, record: ConsumerGroupRecord): void {
  switch (record.type) {
    case 'epoch':
      group.groupEpoch = record.value!.epoch;
      group.metadataHash = record.value!.metadataHash;
      return;
    case 'partition-metadata':
      group.hasPartitionMetadata = true;
      return;
    case 'member':
      restoreMember(group, record.memberId, record.value!);
      return;
    case 'target-epoch':
      group.assignmentEpoch = record.value!.assignmentEpoch;
      group.assignmentTimestampMs = record.value!.assignmentTimestamp;
      return;
    case 'target':
      group.target.set(
        record.memberId,
        new Map(record.value!.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions])),
      );
      return;
    case 'assignment':
      restoreAssignment(group, record.memberId, record.value!);
      return;
    case 'regex': {
      const { topics, version, timestamp } = record.value!;
      group.setRegex(record.regex, { topics: new Set(topics), version, timestampMs: timestamp });
      return;
    }
  }
}

function restoreMember(
  group: ConsumerGroup,
  memberId: string,
  value: NonNullable<Extract<ConsumerGroupRecord, { type: 'member' }>['value']>,
): void {
  const { classicMemberMetadata: classic, ...metadata } = value;
  const protocols = classic?.supportedProtocols.map((each) => ({ ...each, metadata: Buffer.from(each.metadata) }));
  group.put({
    ...group.memberOf(memberId),
    ...metadata,
    classic: classic === null ? null : { sessionTimeoutMs: classic.sessionTimeoutMs, supportedProtocols: protocols! },
  });
}

function restoreAssignment(
  group: ConsumerGroup,
  memberId: string,
  value: NonNullable<Extract<ConsumerGroupRecord, { type: 'assignment' }>['value']>,
): void {
  const { memberEpoch, previousMemberEpoch } = value;
  group.put({
    ...group.memberOf(memberId),
    memberEpoch,
    previousMemberEpoch,
    state: memberStateOf(value.state),
    assigned: ownedOf(value.assignedPartitions, memberEpoch),
    revoking: ownedOf(value.partitionsPendingRevocation, memberEpoch),
  });
}
