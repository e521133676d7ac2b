/** Prints records of `__consumer_offsets` in one line each (classic groups: one a member), for text scripts. */
import { readRecord } from '#broker/group';
import { decodeAssignment } from '#protocol';
import type { CoordinatorRecord } from '../../../src/broker/coordination/machine.ts';
import type { ConsumerGroupRecord } from '../../../src/broker/group/consumer/consumer-records.ts';
import { readSubscribedTopics } from '../../../src/broker/group/records.ts';
import { nameOfId, printPartitions } from './fake-cluster.ts';

const STATES = new Map([
  [0, 'STABLE'],
  [1, 'UNREVOKED_PARTITIONS'],
  [2, 'UNRELEASED_PARTITIONS'],
]);

/** `startMs`: the wall time at the beginning of the script. */
export function printRecord(record: CoordinatorRecord, startMs: number): string {
  const read = readRecord(record);
  switch (read.type) {
    case 'group': {
      const { stored } = read;
      const members = stored.members.map((member) => {
        const instance = member.groupInstanceId === null ? '' : `@${member.groupInstanceId}`;
        const topics = readSubscribedTopics(member.subscription)?.join('+') ?? member.subscription.toString();
        return `${member.memberId}${instance} reads ${topics} has ${printAssignment(member.assignment)}`;
      });
      const head = `group ${read.groupId}: generation ${stored.generation} ${stored.protocolType || '-'}/${stored.protocol ?? '-'}`;
      return [`${head} leader ${stored.leader ?? '-'}`, ...members].join('\n    ');
    }
    case 'offset': {
      const { offset, metadata, leaderEpoch, expireTimestampMs } = read.committed;
      const expiry = expireTimestampMs < 0 ? '' : ` expires at ${expireTimestampMs - startMs}`;
      const epoch = leaderEpoch < 0 ? '' : ` epoch ${leaderEpoch}`;
      return `offset ${read.groupId} ${read.topic}/${read.partition} = ${offset}${epoch} "${metadata}"${expiry}`;
    }
    case 'group-tombstone':
      return `delete group ${read.groupId}`;
    case 'offset-tombstone':
      return `delete offset ${read.groupId} ${read.topic}/${read.partition}`;
    case 'consumer-group':
      return printConsumerGroup(read.record);
    case 'unknown':
      return 'unknown record';
  }
}

/** What a leader sent; scripts write text, servers what consumers read. */
export function printAssignment(assignment: Buffer): string {
  if (assignment.length === 0) return 'nothing';
  if (assignment[0] !== 0) return assignment.toString();
  const { assignedPartitions } = decodeAssignment(assignment);
  return assignedPartitions.map(({ topic, partitions }) => `${topic}/${partitions.join(',')}`).join(' ') || 'nothing';
}

function printConsumerGroup(record: ConsumerGroupRecord): string {
  const { groupId } = record;
  switch (record.type) {
    case 'epoch':
      return record.value === null
        ? `delete consumer group ${groupId}`
        : `epoch ${groupId}: ${record.value.epoch} #${record.value.metadataHash.slice(0, 4)}`;
    case 'partition-metadata':
      return `${record.isThere ? '' : 'delete '}partition metadata ${groupId}`;
    case 'member':
      return record.value === null ? `delete member ${groupId}/${record.memberId}` : printMember(record);
    case 'target-epoch':
      return record.value === null ? `delete target ${groupId}` : `target ${groupId}: ${record.value.assignmentEpoch}`;
    case 'target': {
      const { memberId, value } = record;
      return value === null
        ? `delete target ${groupId}/${memberId}`
        : `target ${groupId}/${memberId}: ${printPartitions(value.topicPartitions)}`;
    }
    case 'assignment': {
      const { memberId, value } = record;
      if (value === null) return `delete assignment ${groupId}/${memberId}`;
      const epochs = `epoch ${value.memberEpoch} after ${value.previousMemberEpoch}`;
      const given = value.assignedPartitions.length === 0 ? '-' : printOwned(value.assignedPartitions);
      const revoked =
        value.partitionsPendingRevocation.length === 0
          ? ''
          : ` gives up ${printOwned(value.partitionsPendingRevocation)}`;
      return `assignment ${groupId}/${memberId}: ${epochs} ${STATES.get(value.state)} ${given}${revoked}`;
    }
    case 'regex':
      return record.value === null
        ? `delete regex ${groupId} ~${record.regex}`
        : `regex ${groupId} ~${record.regex}: ${record.value.topics.join('+') || '-'}`;
  }
}

function printMember({ groupId, memberId, value }: Extract<ConsumerGroupRecord, { type: 'member' }>): string {
  const member = value!;
  const classic = member.classicMemberMetadata;
  const words = [
    `member ${groupId}/${memberId}${member.instanceId === null ? '' : `@${member.instanceId}`}`,
    `reads ${member.subscribedTopicNames.join('+') || '-'}`,
    ...(member.subscribedTopicRegex ? [`~${member.subscribedTopicRegex}`] : []),
    ...(member.serverAssignor === null ? [] : [`by ${member.serverAssignor}`]),
    ...(member.rackId === null ? [] : [`in ${member.rackId}`]),
    ...(classic === null ? [] : [`classic ${classic.supportedProtocols.map(({ name }) => name).join('+')}`]),
  ];
  return words.join(' ');
}

/** `a/0@2,1@3`: partitions with the epochs in which they were given. */
function printOwned(
  topics: readonly { topicId: string; partitions: readonly number[]; assignmentEpochs: readonly number[] | null }[],
): string {
  return topics
    .map(({ topicId, partitions, assignmentEpochs }) => {
      const owned = partitions.map((partition, index) => `${partition}@${assignmentEpochs?.[index] ?? '?'}`);
      return `${nameOfId(topicId)}/${owned.join(',')}`;
    })
    .join(' ');
}
