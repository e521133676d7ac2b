/** A cluster of topics for group machines in tests. The id of a topic is made from its name; one that is made anew gets another. */
import { type ClusterView, type ConsumerGroupConfig, type GroupTopic, topicHash } from '#broker/group';
import type { Uuid } from '#core';

export class FakeCluster implements ClusterView {
  version = 1;
  newTopicsVersion = 1;
  config: ConsumerGroupConfig = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 0 };
  readonly #topics = new Map<string, GroupTopic>();
  #madeCount = 0;

  /** Makes the topic, or gives it more partitions. */
  put(name: string, partitionCount: number): void {
    const known = this.#topics.get(name);
    this.version++;
    if (known === undefined) this.newTopicsVersion = this.version;
    const life = known === undefined ? this.#madeCount++ : 0;
    const topicId = known?.topicId ?? `${name.padEnd(19, '-')}${life.toString().padStart(2, '0')}A`;
    this.#topics.set(name, { name, topicId, partitionCount });
  }

  delete(name: string): void {
    this.version++;
    this.#topics.delete(name);
  }

  topic(name: string): GroupTopic | undefined {
    return this.#topics.get(name);
  }

  topicById(topicId: Uuid): GroupTopic | undefined {
    return [...this.#topics.values()].find((topic) => topic.topicId === topicId);
  }

  topicNames(): Iterable<string> {
    return this.#topics.keys();
  }

  topicHash(name: string): string | undefined {
    const topic = this.#topics.get(name);
    if (topic === undefined) return undefined;
    const racks = Array.from({ length: topic.partitionCount }, () => []);
    return topicHash(name, topic.topicId, racks);
  }

  consumerConfig(): ConsumerGroupConfig {
    return this.config;
  }
}

/** The name that an id was made from. */
export function nameOfId(topicId: Uuid): string {
  return topicId.slice(0, 19).replace(/-+$/, '');
}

/** `a/0,1 b/2`; nothing = `-`. */
export function printPartitions(topics: readonly { topicId: Uuid; partitions: readonly number[] }[]): string {
  return topics.map(({ topicId, partitions }) => `${nameOfId(topicId)}/${partitions.join(',')}`).join(' ') || '-';
}
