/**
 * Where containers get their consumers: one fresh consumer per child, with the factory's settings, the listener's overrides
 * and numbered client ids. Consumers made here carry deserialization failures with their records instead of throwing, which is
 * Spring's `ErrorHandlingDeserializer` without having to ask for it.
 */
import { KafkaConsumer } from '#client';
import { type Clock, type Logger, type Random, silentLogger } from '#core';
import type {
  ConsumerRecords,
  Deserializer,
  OffsetAndMetadata,
  PartitionMap,
  TopicPartition,
  TopicPartitionLike,
} from '#serde';
import { demoted } from './demoted-logger.ts';

/** Awaited inside `poll`, so that no record is handed out and the group does not move on meanwhile. */
export interface RebalanceListener {
  onPartitionsRevoked?(partitions: TopicPartition[]): void | Promise<void>;
  onPartitionsAssigned?(partitions: TopicPartition[]): void | Promise<void>;
  onPartitionsLost?(partitions: TopicPartition[]): void | Promise<void>;
}

/** What a container needs of a consumer; `KafkaConsumer` fits. */
export interface ListenerConsumer<K = unknown, V = unknown> {
  subscribe(topics: string[] | RegExp, listener?: RebalanceListener): void;
  assign(partitions: TopicPartition[]): void;
  poll(timeoutMs: number): Promise<ConsumerRecords<K, V>>;
  commitSync(offsets?: PartitionMap<OffsetAndMetadata>, timeoutMs?: number): Promise<void>;
  commitAsync(
    offsets?: PartitionMap<OffsetAndMetadata>,
    callback?: (offsets: PartitionMap<OffsetAndMetadata>, error: Error | null) => void,
  ): void;
  seek(partition: TopicPartitionLike, offset: number): void;
  seekToBeginning(partitions: TopicPartition[]): void | Promise<void>;
  seekToEnd(partitions: TopicPartition[]): void | Promise<void>;
  position(partition: TopicPartitionLike): Promise<number>;
  offsetsForTimes(times: PartitionMap<number>): Promise<PartitionMap<{ offset: number } | null | undefined>>;
  beginningOffsets(partitions: TopicPartition[]): Promise<PartitionMap<number>>;
  pause(partitions: TopicPartition[]): void;
  resume(partitions: TopicPartition[]): void;
  paused(): TopicPartition[];
  assignment(): TopicPartition[];
  committed?(partitions: TopicPartition[]): Promise<PartitionMap<OffsetAndMetadata | null>>;
  listTopics?(timeoutMs?: number): Promise<ReadonlyMap<string, unknown>>;
  metrics?(): Record<string, number>;
  enforceRebalance?(): void;
  wakeup(): void;
  close(options?: { timeoutMs?: number }): Promise<void>;
}

export interface ConsumerRequest {
  groupId: string | undefined;
  /** Overrides the factory's `client.id`. */
  clientIdPrefix: string | undefined;
  /** Appended to the client id and, when set, to `group.instance.id`: `-0`, `-1`, … */
  clientIdSuffix: string;
  overrides: Readonly<Record<string, unknown>>;
}

export interface ConsumerFactory<K = unknown, V = unknown> {
  readonly configurationProperties: Readonly<Record<string, unknown>>;
  createConsumer(request: ConsumerRequest): ListenerConsumer<K, V>;
}

type KafkaConsumerOptions = NonNullable<ConstructorParameters<typeof KafkaConsumer>[1]>;

export interface ConsumerFactoryOptions<K, V> {
  keyDeserializer?: Deserializer<K>;
  valueDeserializer?: Deserializer<V>;
  /** How brokers are reached; default TCP. */
  transport?: KafkaConsumerOptions['transport'];
  clock?: Clock;
  random?: Random;
  logger?: Logger;
}

export class DefaultKafkaConsumerFactory<K = unknown, V = unknown> implements ConsumerFactory<K, V> {
  readonly configurationProperties: Readonly<Record<string, unknown>>;
  private readonly options: ConsumerFactoryOptions<K, V>;

  constructor(configs: Record<string, unknown>, options: ConsumerFactoryOptions<K, V> = {}) {
    this.configurationProperties = { ...configs };
    this.options = options;
  }

  createConsumer(request: ConsumerRequest): ListenerConsumer<K, V> {
    const config = consumerConfig(this.configurationProperties, request);
    const logger = demoted(this.options.logger ?? silentLogger);
    logger.debug({ clientId: config['client.id'] }, 'creating a consumer');
    return new KafkaConsumer<K, V>(config, { ...this.options, logger, deserializationErrors: 'carry' });
  }
}

/** The factory's settings, then the listener's, then what the container decides: group, client id, manual commits. */
export function consumerConfig(
  base: Readonly<Record<string, unknown>>,
  { groupId, clientIdPrefix, clientIdSuffix, overrides }: ConsumerRequest,
): Record<string, unknown> {
  const config: Record<string, unknown> = { ...base, ...overrides };
  if (groupId !== undefined) config['group.id'] = groupId;
  const clientId = clientIdPrefix ?? config['client.id'] ?? groupId;
  if (clientId !== undefined) config['client.id'] = `${String(clientId)}${clientIdSuffix}`;
  const instanceId = config['group.instance.id'];
  if (instanceId !== undefined && instanceId !== '')
    config['group.instance.id'] = `${String(instanceId)}${clientIdSuffix}`;
  // The container commits, by its ledger; the consumer's own timer would commit records that are still being handled.
  config['enable.auto.commit'] = false;
  return config;
}
