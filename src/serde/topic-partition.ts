/**
 * Names of partitions and positions in them, and the map keyed by partition. A JS `Map` compares object keys by identity,
 * so two equal `TopicPartition`s would be two keys; `PartitionMap` compares by topic and number.
 */
import { KafkaError } from '#core';

/** Anything that names a partition: a `TopicPartition`, a record, a record's metadata. */
export interface TopicPartitionLike {
  readonly topic: string;
  readonly partition: number;
}

/** One partition of one topic. Immutable. */
export class TopicPartition implements TopicPartitionLike {
  readonly topic: string;
  readonly partition: number;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  equals(other: TopicPartitionLike): boolean {
    return this.partition === other.partition && this.topic === other.topic;
  }

  /** Kafka's text form, `topic-partition`. */
  toString(): string {
    return `${this.topic}-${this.partition}`;
  }
}

/** A position to commit: `offset` is the next record to read, not the last one that was handled. */
export class OffsetAndMetadata {
  readonly offset: number;
  readonly metadata: string;
  readonly leaderEpoch: number | undefined;

  /** @throws KafkaError INVALID_ARGUMENT when `offset` is negative or not a safe integer. */
  constructor(offset: number, metadata = '', leaderEpoch?: number) {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new KafkaError('INVALID_ARGUMENT', `an offset is an integer >= 0, not ${offset}`);
    }
    this.offset = offset;
    this.metadata = metadata;
    this.leaderEpoch = leaderEpoch;
  }
}

/** A map from partition to `X`, iterated topic by topic in order of first insertion. */
export class PartitionMap<X> implements Iterable<[TopicPartition, X]> {
  private readonly topics = new Map<string, Map<number, { key: TopicPartition; value: X }>>();
  private count = 0;

  constructor(entries: Iterable<readonly [TopicPartitionLike, X]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.count;
  }

  get(key: TopicPartitionLike): X | undefined {
    return this.topics.get(key.topic)?.get(key.partition)?.value;
  }

  has(key: TopicPartitionLike): boolean {
    return this.topics.get(key.topic)?.has(key.partition) ?? false;
  }

  set(key: TopicPartitionLike, value: X): this {
    let partitions = this.topics.get(key.topic);
    if (partitions === undefined) this.topics.set(key.topic, (partitions = new Map()));
    const entry = partitions.get(key.partition);
    if (entry !== undefined) entry.value = value;
    else {
      partitions.set(key.partition, { key: asTopicPartition(key), value });
      this.count++;
    }
    return this;
  }

  /** The value of `key`; when there is none, `make()` is stored and returned. */
  getOrSet(key: TopicPartitionLike, make: () => X): X {
    const entry = this.topics.get(key.topic)?.get(key.partition);
    if (entry !== undefined) return entry.value;
    const value = make();
    this.set(key, value);
    return value;
  }

  delete(key: TopicPartitionLike): boolean {
    const partitions = this.topics.get(key.topic);
    if (partitions === undefined || !partitions.delete(key.partition)) return false;
    this.count--;
    if (partitions.size === 0) this.topics.delete(key.topic);
    return true;
  }

  clear(): void {
    this.topics.clear();
    this.count = 0;
  }

  keys(): TopicPartition[] {
    return Array.from(this, ([key]) => key);
  }

  values(): X[] {
    return Array.from(this, ([, value]) => value);
  }

  entries(): IterableIterator<[TopicPartition, X]> {
    return this[Symbol.iterator]();
  }

  forEach(visit: (value: X, key: TopicPartition) => void): void {
    for (const [key, value] of this) visit(value, key);
  }

  *[Symbol.iterator](): IterableIterator<[TopicPartition, X]> {
    for (const partitions of this.topics.values()) {
      for (const { key, value } of partitions.values()) yield [key, value];
    }
  }
}

/** `key` itself when it is a `TopicPartition`, else a fresh one with its topic and number. */
export function asTopicPartition(key: TopicPartitionLike): TopicPartition {
  return key instanceof TopicPartition ? key : new TopicPartition(key.topic, key.partition);
}
