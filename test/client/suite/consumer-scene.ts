/**
 * What the consumer suite needs of any Kafka: topics of its own, records written by plain Produce requests (so that the suite proves the
 * consumer and not the producer with it), and consumers that are closed at the end. Waits are for events, each with a deadline.
 */
import { randomUUID } from 'node:crypto';
import { type CompressionCodec, silentLogger, systemClock, systemRandom } from '#core';
import { type Transport, tcpTransport } from '#net';
import { Apis, buildBatch, errorByCode, toKafkaError } from '#protocol';
import { type ConsumerRecord, TopicPartition } from '#serde';
import { Cluster } from '../../../src/client/cluster.ts';
import { clientConfigTable, readClientConfig } from '../../../src/client/config.ts';
import {
  type ConsumerRebalanceListener,
  KafkaConsumer,
  type KafkaConsumerOptions,
} from '../../../src/client/consumer/index.ts';

/** Where the Kafka under test is. */
export interface Connected {
  readonly bootstrapServers: string;
  /** Default: TCP. */
  readonly transport?: Transport;
}

export type Connect = () => Promise<Connected>;

/** A condition that has not come true by then fails its test. */
export const PATIENCE_MS = 60_000;

export interface SentRecord {
  readonly key?: string | null;
  readonly value: string | null;
  readonly timestamp?: number;
  readonly headers?: { key: string; value: Buffer | null }[];
}

export class ConsumerScene {
  readonly #connected: Connected;
  readonly #cluster: Cluster;
  readonly #consumers: KafkaConsumer<unknown, unknown>[] = [];

  static async open(connect: Connect): Promise<ConsumerScene> {
    return new ConsumerScene(await connect());
  }

  private constructor(connected: Connected) {
    this.#connected = connected;
    const raw = { 'bootstrap.servers': connected.bootstrapServers };
    this.#cluster = new Cluster({
      config: readClientConfig(clientConfigTable, raw, 'suite', silentLogger),
      transport: connected.transport ?? tcpTransport(),
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });
  }

  /** A name that no other test has. */
  name(prefix: string): string {
    return `${prefix}-${randomUUID().slice(0, 8)}`;
  }

  /** A fresh topic whose partitions have leaders. */
  async topic(partitionCount = 1, name = this.name('topic')): Promise<string> {
    const topics = [{ name, numPartitions: partitionCount, replicationFactor: 1 }];
    const response = await this.#cluster.request('controller', Apis.CreateTopics, { topics, timeoutMs: 10_000 });
    const { errorCode } = response.topics[0];
    if (errorCode !== 0) throw toKafkaError(errorCode, `creating ${name}`);
    await this.#untilLed(name, partitionCount);
    return name;
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    const body = { topics: [{ name: topic, count, assignments: null }], timeoutMs: 10_000, validateOnly: false };
    const response = await this.#cluster.request('controller', Apis.CreatePartitions, body);
    const { errorCode } = response.results[0];
    if (errorCode !== 0) throw toKafkaError(errorCode, `growing ${topic}`);
    await this.#untilLed(topic, count);
  }

  /** Writes one batch, acknowledged by all; returns its first offset. */
  async send(
    topic: string,
    partition: number,
    records: readonly (string | SentRecord)[],
    compression: CompressionCodec = 'none',
  ): Promise<number> {
    const now = Date.now();
    const drafts = records.map((record) => {
      const {
        key = null,
        value,
        timestamp = now,
        headers = [],
      } = typeof record === 'string' ? { value: record } : record;
      return {
        timestamp,
        headers,
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      };
    });
    const batch = buildBatch(drafts, { compression });
    const deadlineMs = this.#deadlineMs();
    for (;;) {
      const { errorCode, baseOffset } = await this.#produce(topic, partition, batch, deadlineMs);
      if (errorCode === 0) return baseOffset;
      // A fresh topic's leader may not know of it yet.
      const error = toKafkaError(errorCode, `writing to ${topic}-${partition}`);
      if (!error.retriable || systemClock.now().monotonicMs > deadlineMs) throw error;
      await this.#cluster.refresh();
    }
  }

  async #produce(topic: string, partition: number, records: Buffer, deadlineMs: number) {
    const { topicId } = await this.#cluster.topic(topic, { deadlineMs });
    const partitionData = [{ index: partition, records }];
    const body = (version: number) => ({
      acks: -1,
      timeoutMs: 10_000,
      topicData: [version >= 13 ? { topicId, partitionData } : { name: topic, partitionData }],
    });
    const { leaderId } = this.#cluster.leader(topic, partition)!;
    const response = await this.#cluster.request(leaderId, Apis.Produce, body);
    return response.responses[0].partitionResponses[0];
  }

  /** A consumer of texts with short waits. */
  consumer<K = string, V = string>(
    config: Record<string, unknown> = {},
    options: KafkaConsumerOptions<K, V> = {},
  ): KafkaConsumer<K, V> {
    const consumer = new KafkaConsumer<K, V>(
      {
        'bootstrap.servers': this.#connected.bootstrapServers,
        'key.deserializer': 'string',
        'value.deserializer': 'string',
        'auto.offset.reset': 'earliest',
        'fetch.max.wait.ms': 100,
        'heartbeat.interval.ms': 100,
        ...config,
      },
      { transport: this.#connected.transport, ...options },
    );
    this.#consumers.push(consumer);
    return consumer;
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.close({ timeoutMs: 5_000 })));
    await this.#cluster.close();
  }

  async #untilLed(topic: string, partitionCount: number): Promise<void> {
    const deadlineMs = this.#deadlineMs();
    for (;;) {
      const { partitions } = await this.#cluster.topic(topic, { deadlineMs, allowAutoCreate: false });
      const isLed = partitions.length >= partitionCount && partitions.every(({ leaderId }) => leaderId >= 0);
      if (isLed) return;
      if (systemClock.now().monotonicMs > deadlineMs) throw new Error(`${topic}: ${errorByCode(5).name}`);
      await this.#cluster.refresh();
    }
  }

  #deadlineMs(): number {
    return systemClock.now().monotonicMs + PATIENCE_MS;
  }
}

/** Polls until `isDone` says so; what was read meanwhile. */
export async function pollUntil<K, V>(
  consumer: KafkaConsumer<K, V>,
  isDone: (records: ConsumerRecord<K, V>[]) => boolean,
  what = 'the condition',
): Promise<ConsumerRecord<K, V>[]> {
  const read: ConsumerRecord<K, V>[] = [];
  const deadlineMs = systemClock.now().monotonicMs + PATIENCE_MS;
  while (!isDone(read)) {
    if (systemClock.now().monotonicMs > deadlineMs)
      throw new Error(`${what} did not come true; read ${read.length} records`);
    for (const record of await consumer.poll(100)) read.push(record);
  }
  return read;
}

/** Polls until `count` records came. */
export function pollCount<K, V>(consumer: KafkaConsumer<K, V>, count: number): Promise<ConsumerRecord<K, V>[]> {
  return pollUntil(consumer, (records) => records.length >= count, `${count} records`);
}

/** Polls several consumers side by side, as their processes would, until `isDone`. */
export async function pollTogether(
  consumers: readonly KafkaConsumer<string, string>[],
  isDone: () => boolean,
  visit: (record: ConsumerRecord<string, string>, consumer: KafkaConsumer<string, string>) => void = () => {},
): Promise<void> {
  await Promise.all(
    consumers.map((consumer) =>
      pollUntil(consumer, (records) => {
        for (const record of records.splice(0)) visit(record, consumer);
        return isDone();
      }),
    ),
  );
}

export function at(topic: string, partition = 0): TopicPartition {
  return new TopicPartition(topic, partition);
}

export function valuesOf<K, V>(records: Iterable<ConsumerRecord<K, V>>): V[] {
  return Array.from(records, ({ value }) => value);
}

/** A listener that writes down what it hears. */
export class RebalanceDiary implements ConsumerRebalanceListener {
  readonly entries: string[] = [];

  onPartitionsAssigned(partitions: TopicPartition[]): void {
    this.#note('assigned', partitions);
  }

  onPartitionsRevoked(partitions: TopicPartition[]): void {
    this.#note('revoked', partitions);
  }

  onPartitionsLost(partitions: TopicPartition[]): void {
    this.#note('lost', partitions);
  }

  #note(what: string, partitions: TopicPartition[]): void {
    this.entries.push(
      `${what} ${partitions
        .map(({ partition }) => partition)
        .sort()
        .join(',')}`.trimEnd(),
    );
  }
}
