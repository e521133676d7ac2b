/** Prints the machine's answers in one line each (lists: one line an element), for text scripts. */
import type {
  ConsumerGroupDescribeResponse,
  ConsumerGroupHeartbeatResponse,
  DeleteGroupsResponse,
  DescribeGroupsResponse,
  HeartbeatResponse,
  JoinGroupResponse,
  LeaveGroupResponse,
  ListGroupsResponse,
  OffsetCommitResponse,
  OffsetDeleteResponse,
  OffsetFetchResponse,
  SyncGroupResponse,
} from '#protocol';
import { errorByCode } from '#protocol';
import { readSubscribedTopics } from '../../../src/broker/group/records.ts';
import { printPartitions } from './fake-cluster.ts';
import { printAssignment } from './print-record.ts';

/** `type` is the type of the event that was answered. Answers are drafts: fields may be absent. */
export function printReply(type: string, body: object): string {
  const print = printers[type];
  if (print === undefined) throw new Error(`no printer for ${type}`);
  return print(body);
}

const printers: Readonly<Record<string, (body: object) => string>> = {
  join: (body) => printJoin(body as JoinGroupResponse),
  sync: (body) => {
    const { errorCode, protocolType, protocolName, assignment } = body as SyncGroupResponse;
    if (errorCode !== 0) return name(errorCode);
    return `${protocolType}/${protocolName} assigned ${printAssignment(assignment)}`;
  },
  heartbeat: (body) => name((body as HeartbeatResponse).errorCode),
  leave: (body) => {
    const { errorCode, members } = body as LeaveGroupResponse;
    const each = (members ?? []).map(
      (member) => `${member.memberId || `@${member.groupInstanceId}`} ${name(member.errorCode)}`,
    );
    return lines(name(errorCode), each);
  },
  'offset-commit': (body) => {
    const { topics } = body as OffsetCommitResponse;
    const parts = topics.flatMap((topic) =>
      topic.partitions.map((partition) => `${topic.name}/${partition.partitionIndex} ${name(partition.errorCode)}`),
    );
    return parts.join(', ');
  },
  'txn-offset-commit': (body) => printers['offset-commit'](body),
  'offset-fetch': (body) => {
    const { groups, topics, errorCode } = body as OffsetFetchResponse;
    const offsetOf = (row: OffsetFetchResponse['topics'][number]['partitions'][number]) =>
      row.errorCode === 0 ? `${row.committedOffset} "${row.metadata}"` : name(row.errorCode);
    const of = (rows: OffsetFetchResponse['topics']) =>
      rows.flatMap((topic) => topic.partitions.map((row) => `${topic.name}/${row.partitionIndex} = ${offsetOf(row)}`));
    if (groups === undefined) return lines(name(errorCode), of(topics));
    return groups.map((group) => lines(`${group.groupId} ${name(group.errorCode)}`, of(group.topics))).join('\n');
  },
  'offset-delete': (body) => {
    const { errorCode, topics } = body as OffsetDeleteResponse;
    const each = (topics ?? []).flatMap((topic) =>
      topic.partitions.map((row) => `${topic.name}/${row.partitionIndex} ${name(row.errorCode)}`),
    );
    return lines(name(errorCode), each);
  },
  'list-groups': (body) =>
    lines(
      'groups',
      (body as ListGroupsResponse).groups.map(
        (group) => `${group.groupId} ${group.groupState} ${group.groupType} ${group.protocolType || '-'}`,
      ),
    ),
  'describe-groups': (body) => (body as DescribeGroupsResponse).groups.map(printDescribed).join('\n'),
  'consumer-heartbeat': (body) => printHeartbeat(body as ConsumerGroupHeartbeatResponse),
  'describe-consumer-groups': (body) =>
    (body as ConsumerGroupDescribeResponse).groups.map(printDescribedConsumer).join('\n'),
  'delete-groups': (body) =>
    (body as DeleteGroupsResponse).results.map((result) => `${result.groupId} ${name(result.errorCode)}`).join(', '),
};

function printHeartbeat(reply: ConsumerGroupHeartbeatResponse): string {
  const { errorCode, errorMessage, memberId, memberEpoch, heartbeatIntervalMs, assignment } = reply;
  if (errorCode !== 0) return `${name(errorCode)}: ${errorMessage}`;
  const interval =
    heartbeatIntervalMs === undefined || heartbeatIntervalMs === 5000 ? '' : ` every ${heartbeatIntervalMs}`;
  const uses = assignment == null ? '' : ` uses ${printPartitions(assignment.topicPartitions)}`;
  return `${memberId} epoch ${memberEpoch}${interval}${uses}`;
}

function printDescribedConsumer(group: ConsumerGroupDescribeResponse['groups'][number]): string {
  if (group.errorCode !== 0) return `${group.groupId} ${name(group.errorCode)}: ${group.errorMessage}`;
  const members = group.members.map((member) => {
    const instance = member.instanceId === null ? '' : `@${member.instanceId}`;
    const regex = member.subscribedTopicRegex ? ` ~${member.subscribedTopicRegex}` : '';
    const reads = `reads ${member.subscribedTopicNames.join('+') || '-'}${regex}`;
    const has = printPartitions(member.assignment.topicPartitions);
    const target = printPartitions(member.targetAssignment.topicPartitions);
    const kind = member.memberType === 0 ? 'classic' : 'consumer';
    return `${member.memberId}${instance} ${kind} epoch ${member.memberEpoch} ${reads} has ${has} is to have ${target}`;
  });
  const head = `${group.groupId} ${group.groupState} epoch ${group.groupEpoch} target ${group.assignmentEpoch} by ${group.assignorName}`;
  return lines(head, members);
}

function printJoin(reply: JoinGroupResponse): string {
  if (reply.errorCode !== 0) return `${name(reply.errorCode)}${reply.memberId === '' ? '' : ` as ${reply.memberId}`}`;
  const head = `generation ${reply.generationId} ${reply.protocolType}/${reply.protocolName} as ${reply.memberId}`;
  const role = reply.leader === reply.memberId ? 'leads' : `follows ${reply.leader}`;
  const skip = reply.skipAssignment ? ' and skips the assignment' : '';
  const members = reply.members.map(
    (member) => `${member.memberId} reads ${readSubscribedTopics(member.metadata)?.join('+') ?? member.metadata}`,
  );
  return lines(`${head}, ${role}${skip}`, members);
}

function printDescribed(group: DescribeGroupsResponse['groups'][number]): string {
  if (group.errorCode !== 0) return `${group.groupId} ${name(group.errorCode)} ${group.groupState}`;
  const members = group.members.map((member) => {
    const instance = member.groupInstanceId === null ? '' : `@${member.groupInstanceId}`;
    return `${member.memberId}${instance} ${member.clientId} ${member.clientHost} has ${printAssignment(member.memberAssignment)}`;
  });
  return lines(
    `${group.groupId} ${group.groupState} ${group.protocolType || '-'}/${group.protocolData || '-'}`,
    members,
  );
}

function lines(head: string, rows: readonly string[]): string {
  return [head, ...rows].join('\n    ');
}

function name(code: number): string {
  return errorByCode(code).name;
}
