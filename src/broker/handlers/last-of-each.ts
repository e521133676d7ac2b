/**
 * Of a partition that a produce request names again, Kafka takes the last batch and answers once. Requests hardly ever do that, so looking
 * for it has to be cheap: few partitions are compared with each other, without a table.
 */
import type { ProduceRequest } from '#protocol';

type Topic = ProduceRequest['topicData'][number];
type Partition = Topic['partitionData'][number];

/** Above that many, comparing each with each would cost more than a table. */
const COMPARED_MAX = 16;

/** @returns the very list unless a partition stands in it again */
export function lastOfEach(topics: readonly Topic[], isById: boolean): readonly Topic[] {
  if (topics.length === 1 && topics[0].partitionData.length === 1) return topics;
  const keyOf = isById ? (topic: Topic) => topic.topicId : (topic: Topic) => topic.name;
  const isPlain = topics.every(({ partitionData }) => !hasRepetition(partitionData, indexOf));
  if (isPlain && !hasRepetition(topics, keyOf)) return topics;
  const merged = new Map<string, { topic: Topic; partitions: Map<number, Partition> }>();
  for (const topic of topics) {
    const key = keyOf(topic);
    const known = merged.get(key) ?? { topic, partitions: new Map<number, Partition>() };
    merged.set(key, known);
    for (const partition of topic.partitionData) known.partitions.set(partition.index, partition);
  }
  return [...merged.values()].map(({ topic, partitions }) => ({ ...topic, partitionData: [...partitions.values()] }));
}

function indexOf({ index }: Partition): number {
  return index;
}

function hasRepetition<T>(list: readonly T[], keyOf: (element: T) => number | string): boolean {
  if (list.length > COMPARED_MAX) return new Set(list.map(keyOf)).size < list.length;
  for (let i = 1; i < list.length; i++) {
    const key = keyOf(list[i]);
    for (let j = 0; j < i; j++) if (keyOf(list[j]) === key) return true;
  }
  return false;
}
