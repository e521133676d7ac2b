/**
 * Uniform assignment of a group whose members all read the same topics. The quota of a member is the number of partitions divided by the
 * number of members; as many members as there is a remainder may have one more, those who hold it already first. What is over the quota or
 * not read any more is given up; what nobody has goes to those below their quota.
 */
import { assert, type Uuid } from '#core';
import { PartitionCollector, type ServerAssignorGroup, type TopicIdPartitions } from './server-assignor.ts';

interface FreePartition {
  readonly topicId: Uuid;
  readonly partition: number;
}

interface Share {
  readonly collector: PartitionCollector;
  missingCount: number;
}

export function assignEqually(group: ServerAssignorGroup, topicIds: ReadonlySet<Uuid>): Map<string, TopicIdPartitions> {
  const free = freePartitions(group, topicIds);
  const shares = keepWhatFits(group, topicIds, free);
  let next = 0;
  for (const share of shares.values()) {
    for (; share.missingCount > 0 && next < free.length; share.missingCount--, next++) {
      share.collector.add(free[next].topicId, free[next].partition);
    }
  }
  assert(next === free.length, 'partitions were left without an owner');
  return new Map([...shares].map(([memberId, { collector }]) => [memberId, collector.finish()]));
}

function freePartitions(group: ServerAssignorGroup, topicIds: ReadonlySet<Uuid>): FreePartition[] {
  const taken = new Map<Uuid, Set<number>>([...topicIds].map((topicId) => [topicId, new Set()]));
  for (const { partitions } of group.members.values()) {
    for (const [topicId, owned] of partitions) for (const partition of owned) taken.get(topicId)?.add(partition);
  }
  const free: FreePartition[] = [];
  for (const [topicId, owned] of taken) {
    const count = group.partitionCounts.get(topicId) ?? 0;
    for (let partition = 0; partition < count; partition++)
      if (!owned.has(partition)) free.push({ topicId, partition });
  }
  return free;
}

/** Puts what members must give up into `free`; the answer says how many each still lacks. */
function keepWhatFits(
  { members, partitionCounts }: ServerAssignorGroup,
  topicIds: ReadonlySet<Uuid>,
  free: FreePartition[],
): Map<string, Share> {
  let partitionCount = 0;
  for (const topicId of topicIds) partitionCount += partitionCounts.get(topicId) ?? 0;
  const quota = Math.floor(partitionCount / members.size);
  let extraCount = partitionCount % members.size;
  let memberCountLeft = members.size;
  const shares = new Map<string, Share>();
  for (const [memberId, { partitions }] of members) {
    const collector = new PartitionCollector(partitions);
    let mayTakeExtra = extraCount > 0;
    let missingCount = mayTakeExtra ? quota + 1 : quota;
    for (const [topicId, owned] of partitions) {
      if (!topicIds.has(topicId)) {
        collector.deleteTopic(topicId);
        continue;
      }
      for (const partition of owned.slice(missingCount)) {
        collector.delete(topicId, partition);
        free.push({ topicId, partition });
      }
      missingCount = Math.max(missingCount - owned.length, 0);
    }
    // One more than the quota is left to members that hold it already, unless there are only just as many members left to take it.
    if (missingCount > 0 && mayTakeExtra && memberCountLeft > extraCount) {
      missingCount--;
      mayTakeExtra = false;
    }
    if (mayTakeExtra) extraCount--;
    memberCountLeft--;
    shares.set(memberId, { collector, missingCount });
  }
  return shares;
}
