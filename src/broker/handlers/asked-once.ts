/**
 * Requests are lists of topics with lists of partitions; Kafka takes each partition once, in the order in which topics and partitions
 * were first named, and answers no topic without partitions. Of a partition that is named again the last word counts.
 */
interface AskedTopic<P> {
  readonly name: string;
  readonly partitions: readonly P[];
}

/** Partitions by topic, each once. */
export function askedOnce<P extends { readonly partitionIndex: number }>(
  topics: readonly AskedTopic<P>[],
): Map<string, ReadonlyMap<number, P>> {
  const found = new Map<string, Map<number, P>>();
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue;
    let known = found.get(name);
    if (known === undefined) found.set(name, (known = new Map()));
    for (const partition of partitions) known.set(partition.partitionIndex, partition);
  }
  return found;
}
