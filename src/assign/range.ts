/**
 * Range: for each topic on its own, the subscribed members in order get contiguous ranges of partitions, the first ones one more when the
 * division leaves a rest. Topics with equally many partitions and the same subscribers are thereby co-partitioned.
 */
import { type Assignment, type Assignor, compareText, sortedMemberIds } from './assignor.ts';

export const rangeAssignor: Assignor = {
  name: 'range',
  protocols: ['eager'],
  assign(partitionCounts, members) {
    const assignment: Assignment = new Map([...members.keys()].map((memberId) => [memberId, []]));
    const subscribersByTopic = new Map<string, Set<string>>();
    for (const memberId of sortedMemberIds(members)) {
      for (const topic of members.get(memberId)!.topics) {
        const subscribers = subscribersByTopic.get(topic);
        if (subscribers === undefined) subscribersByTopic.set(topic, new Set([memberId]));
        else subscribers.add(memberId);
      }
    }
    for (const topic of [...subscribersByTopic.keys()].sort(compareText)) {
      assignTopic(assignment, topic, partitionCounts.get(topic) ?? 0, [...subscribersByTopic.get(topic)!]);
    }
    return assignment;
  },
};

function assignTopic(assignment: Assignment, topic: string, partitionCount: number, memberIds: string[]): void {
  const perMember = Math.floor(partitionCount / memberIds.length);
  let rest = partitionCount % memberIds.length;
  let partition = 0;
  for (const memberId of memberIds) {
    const end = partition + perMember + (rest-- > 0 ? 1 : 0);
    const partitions = assignment.get(memberId)!;
    while (partition < end) partitions.push({ topic, partition: partition++ });
  }
}
