/**
 * Who is to have what: the assignor runs when the group epoch has passed the one of the target, though not more often than
 * `group.consumer.assignment.interval.ms` allows. Until then members go on towards the target there is.
 */

import type { ServerAssignorMember, TopicIdPartitions } from '#assign';
import { assert, type Uuid } from '#core';
import type { CoordinatorRecord } from '../../coordination/machine.ts';
import type { Turn } from '../../coordination/turn.ts';
import type { Coordinator } from '../coordinator.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import type { ConsumerMember } from './consumer-member.ts';
import { targetEpochRecord, targetRecord } from './consumer-records.ts';
import { isSameTarget } from './partitions.ts';
import { membersWith, preferredAssignor, topicIdsOf } from './subscription.ts';

/** The target of one member. */
export interface Target {
  readonly epoch: number;
  readonly partitions: TopicIdPartitions;
}

/** @param member as it is after this heartbeat */
export function updateTarget(
  coordinator: Coordinator,
  group: ConsumerGroup,
  groupEpoch: number,
  member: ConsumerMember,
  records: CoordinatorRecord[],
  turn: Turn,
): Target {
  const { wallMs } = turn.now;
  const isDue = group.assignmentEpoch < groupEpoch && mayAssign(coordinator, group, wallMs);
  if (!isDue) return { epoch: group.assignmentEpoch, partitions: group.targetOf(member) };
  const targets = assign(coordinator, group, member);
  for (const [memberId, partitions] of targets) {
    if (!isSameTarget(group.target.get(memberId), partitions))
      records.push(targetRecord(group.groupId, memberId, partitions));
  }
  records.push(targetEpochRecord(group.groupId, groupEpoch, wallMs));
  return { epoch: groupEpoch, partitions: targets.get(member.memberId)! };
}

/** 0 = nobody knows when the assignor ran last. */
function mayAssign({ cluster }: Coordinator, group: ConsumerGroup, wallMs: number): boolean {
  const { assignmentIntervalMs } = cluster.consumerConfig(group.groupId);
  const { assignmentTimestampMs } = group;
  if (assignmentTimestampMs === 0 || assignmentIntervalMs === 0) return true;
  return wallMs >= assignmentTimestampMs + assignmentIntervalMs;
}

function assign(
  coordinator: Coordinator,
  group: ConsumerGroup,
  member: ConsumerMember,
): ReadonlyMap<string, TopicIdPartitions> {
  const { cluster, settings } = coordinator;
  const members = membersWith(group, member);
  const partitionCounts = new Map<Uuid, number>();
  const rows = new Map<string, ServerAssignorMember>();
  for (const [memberId, each] of members) {
    const topicIds = topicIdsOf(cluster, each, group.regexes);
    for (const topicId of topicIds) partitionCounts.set(topicId, cluster.topicById(topicId)!.partitionCount);
    rows.set(memberId, { groupInstanceId: each.instanceId, topicIds, partitions: group.targetOf(each) });
  }
  const name = preferredAssignor(coordinator, members.values());
  const assignor = settings.consumerAssignors.find((each) => each.name === name);
  assert(assignor !== undefined, `there is no assignor ${name}`);
  return assignor.assign({ members: rows, partitionCounts });
}
