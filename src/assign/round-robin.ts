/**
 * Round-robin: all partitions of all topics in order, dealt out in a circle over the members, skipping those that do not subscribe to the
 * topic at hand.
 */
import { type Assignment, type Assignor, compareText, sortedMemberIds } from './assignor.ts';

export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  protocols: ['eager'],
  assign(partitionCounts, members) {
    const assignment: Assignment = new Map([...members.keys()].map((memberId) => [memberId, []]));
    const circle = sortedMemberIds(members).map((memberId) => ({
      partitions: assignment.get(memberId)!,
      topics: new Set(members.get(memberId)!.topics),
    }));
    const topics = new Set(circle.flatMap((seat) => [...seat.topics]));
    let next = 0;
    for (const topic of [...topics].sort(compareText)) {
      const partitionCount = partitionCounts.get(topic) ?? 0;
      for (let partition = 0; partition < partitionCount; partition++) {
        while (!circle[next].topics.has(topic)) next = (next + 1) % circle.length;
        circle[next].partitions.push({ topic, partition });
        next = (next + 1) % circle.length;
      }
    }
    return assignment;
  },
};
