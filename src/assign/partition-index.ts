/**
 * Numbers all partitions of the subscribed topics densely, topics sorted by name, so that the sticky algorithms work on integers and arrays
 * instead of text keys. Ascending numbers are ascending (topic, partition).
 */
import { compareText, type TopicPartitionId } from './assignor.ts';

export class PartitionIndex {
  /** Topics with at least one partition, sorted. */
  readonly topics: readonly string[];
  /** First partition number of each topic, plus the total at the end. */
  readonly starts: readonly number[];
  readonly #topicIndexes = new Map<string, number>();
  readonly #topicOfPartition: Uint32Array;

  constructor(partitionCounts: ReadonlyMap<string, number>) {
    const topics = [...partitionCounts.keys()].filter((topic) => partitionCounts.get(topic)! > 0).sort(compareText);
    const starts = [0];
    for (const [topicIndex, topic] of topics.entries()) {
      this.#topicIndexes.set(topic, topicIndex);
      starts.push(starts[topicIndex] + partitionCounts.get(topic)!);
    }
    this.topics = topics;
    this.starts = starts;
    this.#topicOfPartition = new Uint32Array(this.count);
    for (let topicIndex = 0; topicIndex < topics.length; topicIndex++) {
      this.#topicOfPartition.fill(topicIndex, starts[topicIndex], starts[topicIndex + 1]);
    }
  }

  /** How many partitions there are. */
  get count(): number {
    return this.starts[this.topics.length];
  }

  /** The topic's index, or -1 when it is unknown. */
  topicIndex(topic: string): number {
    return this.#topicIndexes.get(topic) ?? -1;
  }

  /** The partition's number, or -1 when the topic or the partition does not exist (any more). */
  numberOf(id: TopicPartitionId): number {
    const topicIndex = this.topicIndex(id.topic);
    if (topicIndex < 0 || id.partition < 0) return -1;
    const number = this.starts[topicIndex] + id.partition;
    return number < this.starts[topicIndex + 1] ? number : -1;
  }

  topicIndexOf(number: number): number {
    return this.#topicOfPartition[number];
  }

  partitionOf(number: number): number {
    return number - this.starts[this.#topicOfPartition[number]];
  }

  idOf(number: number): TopicPartitionId {
    return { topic: this.topics[this.topicIndexOf(number)], partition: this.partitionOf(number) };
  }

  /** How many partitions the topic has. */
  countOf(topicIndex: number): number {
    return this.starts[topicIndex + 1] - this.starts[topicIndex];
  }
}
