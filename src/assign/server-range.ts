/**
 * The coordinator's range assignor: each topic is cut into contiguous ranges, one for each member that reads it, in the order of instance ids
 * and member ids; the first ones are one longer where it does not come out even. Topics with the same number of partitions, read by the same
 * members, are cut alike, so that records of one key come to one member. What members had before plays no part.
 */
import type { Uuid } from '#core';
import { inServerOrder, type ServerAssignor, type TopicIdPartitions } from './server-assignor.ts';

export const serverRangeAssignor: ServerAssignor = {
  name: 'range',
  assign({ members, partitionCounts }) {
    const readerCounts = new Map<Uuid, number>();
    for (const { topicIds } of members.values())
      for (const topicId of topicIds) readerCounts.set(topicId, (readerCounts.get(topicId) ?? 0) + 1);
    const nextIndexes = new Map<Uuid, number>();
    const assignment = new Map<string, TopicIdPartitions>();
    for (const memberId of inServerOrder(members)) {
      const own = new Map<Uuid, readonly number[]>();
      for (const topicId of members.get(memberId)!.topicIds) {
        const index = nextIndexes.get(topicId) ?? 0;
        nextIndexes.set(topicId, index + 1);
        const range = rangeOf(partitionCounts.get(topicId) ?? 0, readerCounts.get(topicId)!, index);
        if (range.length > 0) own.set(topicId, range);
      }
      assignment.set(memberId, own);
    }
    return assignment;
  },
};

/** The partitions of the reader at `index`. */
function rangeOf(partitionCount: number, readerCount: number, index: number): readonly number[] {
  const quota = Math.floor(partitionCount / readerCount);
  const extraCount = partitionCount % readerCount;
  const start = quota * index + Math.min(index, extraCount);
  return Array.from({ length: quota + (index < extraCount ? 1 : 0) }, (_, offset) => start + offset);
}
