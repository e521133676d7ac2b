/**
 * Records on their way out (`ProducerRecord`), in (`ConsumerRecord`, `ConsumerRecords`) and the answer to a send
 * (`RecordMetadata`). Plain holders with Kafka's names; fields are set in one order so that every record has one shape.
 */
import { KafkaError } from '#core';
import type { DeserializationException } from './errors.ts';
import { Headers, type RecordHeader } from './headers.ts';
import { OffsetAndMetadata, PartitionMap, TopicPartition, type TopicPartitionLike } from './topic-partition.ts';

export type TimestampType = 'create' | 'append';

/** What a `ProducerRecord` may be made from by name. */
export interface ProducerRecordFields<K, V> {
  topic: string;
  partition?: number | null;
  /** Milliseconds since 1970. */
  timestamp?: number | null;
  key?: K | null;
  value: V | null;
  headers?: Headers | Iterable<RecordHeader> | Record<string, Buffer | string | null>;
}

/** A record to send. Without `partition` the partitioner chooses; without `timestamp` the producer takes the wall clock. */
export class ProducerRecord<K = unknown, V = unknown> {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly timestamp: number | undefined;
  readonly key: K | null;
  readonly value: V | null;
  readonly headers: Headers;

  constructor(fields: ProducerRecordFields<K, V>);
  constructor(topic: string, value: V | null);
  constructor(topic: string, key: K | null, value: V | null);
  constructor(topic: string, partition: number | null | undefined, key: K | null, value: V | null);
  constructor(...args: unknown[]) {
    const fields = (typeof args[0] === 'object' ? args[0] : fieldsOf(args)) as ProducerRecordFields<K, V>;
    this.topic = checkedTopic(fields.topic);
    this.partition = checkedNumber('partition', fields.partition ?? undefined);
    this.timestamp = checkedNumber('timestamp', fields.timestamp ?? undefined);
    this.key = fields.key ?? null;
    this.value = fields.value ?? null;
    this.headers = fields.headers instanceof Headers ? fields.headers : Headers.from(fields.headers);
  }
}

function fieldsOf(args: unknown[]): ProducerRecordFields<unknown, unknown> {
  const topic = args[0] as string;
  if (args.length <= 2) return { topic, value: args[1] };
  if (args.length === 3) return { topic, key: args[1], value: args[2] };
  return { topic, partition: args[1] as number, key: args[2], value: args[3] };
}

function checkedTopic(topic: unknown): string {
  if (typeof topic === 'string' && topic !== '') return topic;
  throw new KafkaError('INVALID_ARGUMENT', `a record needs the name of a topic, not ${String(topic)}`);
}

function checkedNumber(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw new KafkaError('INVALID_ARGUMENT', `the ${name} of a record is an integer >= 0, not ${value}`);
}

/** What failed to decode in a record; both may be present. */
export interface DeserializationErrors {
  key?: DeserializationException;
  value?: DeserializationException;
}

/**
 * A record as read. `serializedKeySize`/`serializedValueSize` are bytes, -1 for null. When a deserializer failed and the
 * consumer carries failures, `deserializationErrors` holds them and the failed part is null.
 */
export class ConsumerRecord<K = unknown, V = unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: TimestampType;
  readonly leaderEpoch: number | undefined;
  readonly serializedKeySize: number;
  readonly serializedValueSize: number;
  readonly headers: Headers;
  readonly key: K;
  readonly value: V;
  readonly deserializationErrors: DeserializationErrors | undefined;
  /**
   * The bytes as they came (null for null bytes), when the consumer keeps them: consumers of listeners do, so that a dead
   * letter is the original byte for byte. Borrowed from the fetched buffer; copy what you keep. Undefined: not kept.
   */
  readonly rawKey: Buffer | null | undefined;
  readonly rawValue: Buffer | null | undefined;

  constructor(
    topic: string,
    partition: number,
    offset: number,
    timestamp: number,
    timestampType: TimestampType,
    leaderEpoch: number | undefined,
    serializedKeySize: number,
    serializedValueSize: number,
    headers: Headers,
    key: K,
    value: V,
    deserializationErrors?: DeserializationErrors,
    rawKey?: Buffer | null,
    rawValue?: Buffer | null,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.timestampType = timestampType;
    this.leaderEpoch = leaderEpoch;
    this.serializedKeySize = serializedKeySize;
    this.serializedValueSize = serializedValueSize;
    this.headers = headers;
    this.key = key;
    this.value = value;
    this.deserializationErrors = deserializationErrors;
    this.rawKey = rawKey;
    this.rawValue = rawValue;
  }

  /** A record from the few fields that tests and examples care about. */
  static of<K, V>(fields: {
    topic: string;
    partition?: number;
    offset?: number;
    timestamp?: number;
    key?: K;
    value: V;
    headers?: Headers;
    deserializationErrors?: DeserializationErrors;
    rawKey?: Buffer | null;
    rawValue?: Buffer | null;
  }): ConsumerRecord<K, V> {
    const { topic, partition = 0, offset = 0, timestamp = 0, key = null, value } = fields;
    const headers = fields.headers ?? new Headers();
    const { deserializationErrors: errors, rawKey, rawValue } = fields;
    return new ConsumerRecord(
      topic,
      partition,
      offset,
      timestamp,
      'create',
      undefined,
      -1,
      -1,
      headers,
      key as K,
      value,
      errors,
      rawKey,
      rawValue,
    );
  }
}

/** The records of one poll, by partition, and the position after each partition's last one. */
export class ConsumerRecords<K = unknown, V = unknown> implements Iterable<ConsumerRecord<K, V>> {
  private readonly byPartition: PartitionMap<ConsumerRecord<K, V>[]>;
  private readonly next: PartitionMap<OffsetAndMetadata>;

  /** Takes over both maps. Lists must not be empty; without `nextOffsets` the position is the last offset + 1. */
  constructor(byPartition: PartitionMap<ConsumerRecord<K, V>[]>, nextOffsets?: PartitionMap<OffsetAndMetadata>) {
    this.byPartition = byPartition;
    this.next = nextOffsets ?? positionsAfter(byPartition);
  }

  static empty<K, V>(): ConsumerRecords<K, V> {
    return new ConsumerRecords<K, V>(new PartitionMap());
  }

  partitions(): TopicPartition[] {
    return this.byPartition.keys();
  }

  /** The records of one partition (in offset order) or of all partitions of a topic. The list must not be changed. */
  records(of: TopicPartitionLike | string): ConsumerRecord<K, V>[] {
    if (typeof of !== 'string') return this.byPartition.get(of) ?? [];
    return [...this.byPartition].filter(([tp]) => tp.topic === of).flatMap(([, list]) => list);
  }

  count(): number {
    let count = 0;
    for (const [, list] of this.byPartition) count += list.length;
    return count;
  }

  isEmpty(): boolean {
    return this.byPartition.size === 0;
  }

  nextOffsets(): PartitionMap<OffsetAndMetadata> {
    return this.next;
  }

  *[Symbol.iterator](): IterableIterator<ConsumerRecord<K, V>> {
    for (const [, list] of this.byPartition) yield* list;
  }
}

function positionsAfter<K, V>(records: PartitionMap<ConsumerRecord<K, V>[]>): PartitionMap<OffsetAndMetadata> {
  const positions = new PartitionMap<OffsetAndMetadata>();
  for (const [tp, list] of records) {
    const last = list[list.length - 1];
    if (last !== undefined) positions.set(tp, new OffsetAndMetadata(last.offset + 1, '', last.leaderEpoch));
  }
  return positions;
}

/** Where a sent record ended up. `offset` is -1 with acks=0; sizes are bytes, -1 for null. */
export class RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly serializedKeySize: number;
  readonly serializedValueSize: number;

  constructor(
    topic: string,
    partition: number,
    offset: number,
    timestamp: number,
    serializedKeySize: number,
    serializedValueSize: number,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestamp = timestamp;
    this.serializedKeySize = serializedKeySize;
    this.serializedValueSize = serializedValueSize;
  }

  hasOffset(): boolean {
    return this.offset >= 0;
  }

  toString(): string {
    return `${this.topic}-${this.partition}@${this.offset}`;
  }
}

/** Metadata of a consumed record, what a listener gets when it asks for a `ConsumerRecordMetadata`. */
export class ConsumerRecordMetadata extends RecordMetadata {
  readonly timestampType: TimestampType;

  constructor(record: ConsumerRecord) {
    const { topic, partition, offset, timestamp, serializedKeySize, serializedValueSize } = record;
    super(topic, partition, offset, timestamp, serializedKeySize, serializedValueSize);
    this.timestampType = record.timestampType;
  }
}
