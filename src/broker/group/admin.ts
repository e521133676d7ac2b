/** ListGroups, DescribeGroups and DeleteGroups. What the caller may do with a group is the handler's to add. */
import { shortened } from '#core';
import {
  type DeleteGroupsResponse,
  type DescribeGroupsResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
  type ListGroupsResponse,
} from '#protocol';
import type { Turn } from '../coordination/turn.ts';
import type { ClassicGroup, Member } from './classic-group.ts';
import { groupTombstones } from './consumer/consumer-records.ts';
import type { Coordinator, Group } from './coordinator.ts';
import type { DeleteGroupsEvent, DescribeGroupsEvent, ListGroupsEvent } from './events.ts';
import { groupTombstone, offsetTombstone } from './records.ts';

type DescribedGroup = NonNullable<Draft<typeof DescribeGroupsResponse>['groups']>[number];

/** The version from which describing an unknown group is an error. @see KIP-1043 */
const GROUP_NOT_FOUND_VERSION = 6;

const EMPTY_BYTES = Buffer.alloc(0);

/** Answers ListGroups; filters are compared without regard to case, an empty filter lets all pass. */
export function listGroups(coordinator: Coordinator, event: ListGroupsEvent, turn: Turn): void {
  const states = new Set(event.request.statesFilter.map((state) => state.toLowerCase()));
  const types = new Set(event.request.typesFilter.map((type) => type.toLowerCase()));
  const isListed = (group: Group) =>
    (states.size === 0 || states.has(group.state.toLowerCase())) && (types.size === 0 || types.has(group.type));
  const groups = [...coordinator.groups.values()].filter(isListed).map((group) => ({
    groupId: group.groupId,
    protocolType: group.protocolType ?? '',
    groupState: group.state,
    groupType: group.type,
  }));
  turn.reply(event.token, { errorCode: 0, groups } satisfies Draft<typeof ListGroupsResponse>);
}

/** Answers DescribeGroups. An unknown group, and one of the consumer protocol, is a Dead one, and from v6 on an error. */
export function describeGroups(coordinator: Coordinator, event: DescribeGroupsEvent, turn: Turn): void {
  const groups = event.request.groups.map((groupId): DescribedGroup => {
    const group = coordinator.groups.get(groupId);
    if (group?.type === 'classic') return describeGroup(group);
    const dead = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] };
    return event.apiVersion < GROUP_NOT_FOUND_VERSION
      ? { ...dead, errorCode: 0 }
      : {
          ...dead,
          errorCode: Errors.GROUP_ID_NOT_FOUND.code,
          errorMessage: shortened(
            group === undefined
              ? `There is no group '${groupId}'.`
              : `Group '${groupId}' is not one of the classic protocol.`,
          ),
        };
  });
  turn.reply(event.token, { groups } satisfies Draft<typeof DescribeGroupsResponse>);
}

/** Answers DeleteGroups: an Empty group goes with all its offsets. */
export function deleteGroups(coordinator: Coordinator, event: DeleteGroupsEvent, turn: Turn): void {
  const results = event.request.groupsNames.map((groupId) => ({
    groupId,
    errorCode: deleteGroup(coordinator, groupId, turn).code,
  }));
  turn.reply(event.token, { results } satisfies Draft<typeof DeleteGroupsResponse>);
}

function describeGroup(group: ClassicGroup): DescribedGroup {
  const isStable = group.state === 'Stable';
  const describeMember = (member: Member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: isStable ? group.metadataOf(member) : EMPTY_BYTES,
    memberAssignment: member.assignment,
  });
  return {
    errorCode: 0,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map(describeMember),
  };
}

/** More offsets than one batch holds go in several requests: the client repeats what was not available. */
function deleteGroup(coordinator: Coordinator, groupId: string, turn: Turn): KafkaErrorRow {
  const group = coordinator.groups.get(groupId);
  if (group === undefined) return Errors.GROUP_ID_NOT_FOUND;
  if (group.state !== 'Empty') return Errors.NON_EMPTY_GROUP;
  for (const [topic, offsets] of coordinator.offsets.topics(groupId)) {
    for (const partition of offsets.keys()) {
      if (!turn.propose([offsetTombstone(groupId, topic, partition)])) return Errors.COORDINATOR_NOT_AVAILABLE;
    }
  }
  for (const { topic, partition } of coordinator.pendingOffsets.partitions(groupId)) {
    if (coordinator.offsets.get(groupId, topic, partition) !== undefined) continue;
    if (!turn.propose([offsetTombstone(groupId, topic, partition)])) return Errors.COORDINATOR_NOT_AVAILABLE;
  }
  const records = group.type === 'consumer' ? groupTombstones(group, []) : [groupTombstone(groupId)];
  return turn.propose(records) ? Errors.NONE : Errors.COORDINATOR_NOT_AVAILABLE;
}
