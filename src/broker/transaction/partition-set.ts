/** Partitions of a transaction: topic → partition numbers. Sets are never changed in place. */

export type PartitionSet = ReadonlyMap<string, ReadonlySet<number>>;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export const NO_PARTITIONS: PartitionSet = new Map();

export function includesAll(set: PartitionSet, partitions: readonly TopicPartition[]): boolean {
  return partitions.every(({ topic, partition }) => set.get(topic)?.has(partition) === true);
}

export function withPartitions(set: PartitionSet, partitions: readonly TopicPartition[]): PartitionSet {
  const next = new Map<string, ReadonlySet<number>>(set);
  for (const { topic, partition } of partitions) next.set(topic, new Set(next.get(topic)).add(partition));
  return next;
}

export function withoutPartitions(set: PartitionSet, partitions: readonly TopicPartition[]): PartitionSet {
  const next = new Map<string, ReadonlySet<number>>(set);
  for (const { topic, partition } of partitions) {
    const rest = [...(next.get(topic) ?? [])].filter((other) => other !== partition);
    if (rest.length === 0) next.delete(topic);
    else next.set(topic, new Set(rest));
  }
  return next;
}

export function listPartitions(set: PartitionSet): TopicPartition[] {
  return [...set].flatMap(([topic, partitions]) => [...partitions].map((partition) => ({ topic, partition })));
}
