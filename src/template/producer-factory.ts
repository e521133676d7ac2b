/**
 * Where templates get their producer: one shared producer per factory, made at the first send and closed when the factory
 * stops. A template with other serializers or settings works on a copy of the factory, with a producer of its own.
 */

import { KafkaProducer } from '#client';
import { type Clock, KafkaError, type Logger, type Random, silentLogger } from '#core';
import type { ProducerRecord, RecordMetadata, Serializer } from '#serde';

/** What a template needs of a producer; `KafkaProducer` fits. */
export interface Producer<K = unknown, V = unknown> {
  send(
    record: ProducerRecord<K, V>,
    callback: (metadata: RecordMetadata | null, error: KafkaError | null) => void,
  ): unknown;
  flush(): Promise<void>;
  partitionsFor(topic: string): Promise<readonly { partition: number }[]>;
  metrics(): Record<string, number>;
  close(options?: { timeoutMs?: number }): Promise<void>;
}

export interface ProducerParts<K, V> {
  keySerializer?: Serializer<K>;
  valueSerializer?: Serializer<V>;
  /** How brokers are reached; default TCP. */
  transport?: NonNullable<ConstructorParameters<typeof KafkaProducer>[1]>['transport'];
  clock?: Clock;
  random?: Random;
  logger?: Logger;
}

/** Makes the physical producer; `app/` and tests decide which. */
export type ProducerMaker = <K, V>(config: Record<string, unknown>, parts: ProducerParts<K, V>) => Producer<K, V>;

export interface ProducerFactory<K = unknown, V = unknown> {
  /** The shared producer; the caller must not close it. */
  createProducer(): Producer<K, V>;
  readonly configurationProperties: Readonly<Record<string, unknown>>;
  copyWithConfigurationOverride<K2 = K, V2 = V>(
    overrides: Record<string, unknown>,
    serializers?: { keySerializer?: Serializer<K2>; valueSerializer?: Serializer<V2> },
  ): ProducerFactory<K2, V2>;
  /** Closes the shared producer; the next send makes a fresh one. */
  reset(): Promise<void>;
  /** Answers what is under way and closes the shared producer; what beans still send while they end makes a fresh one. */
  stop(): Promise<void>;
  /** The end: as `stop`, and further sends are refused. */
  close(): Promise<void>;
}

export interface ProducerFactoryOptions<K, V> extends ProducerParts<K, V> {
  /** Default: a `KafkaProducer`. */
  makeProducer?: ProducerMaker;
  /** Milliseconds that a close waits for records under way; default 30 000. */
  physicalCloseTimeoutMs?: number;
}

export class DefaultKafkaProducerFactory<K = unknown, V = unknown> implements ProducerFactory<K, V> {
  /** Stops after everything that may still send. */
  readonly phase = Number.MIN_SAFE_INTEGER;
  readonly configurationProperties: Readonly<Record<string, unknown>>;
  private readonly options: ProducerFactoryOptions<K, V>;
  private shared: Producer<K, V> | undefined;
  private copies: ProducerFactory[] = [];
  /** Shared with copies, so that no two producers have one client id. */
  private counter = { producerCount: 0 };
  private isStopped = false;
  private isClosed = false;

  constructor(configs: Record<string, unknown>, options: ProducerFactoryOptions<K, V> = {}) {
    this.configurationProperties = { ...configs };
    this.options = options;
  }

  createProducer(): Producer<K, V> {
    if (this.isClosed) throw new KafkaError('CLOSED', 'the producer factory is closed: the application has ended');
    if (this.shared === undefined) this.shared = this.makeShared();
    return this.shared;
  }

  copyWithConfigurationOverride<K2 = K, V2 = V>(
    overrides: Record<string, unknown>,
    serializers: { keySerializer?: Serializer<K2>; valueSerializer?: Serializer<V2> } = {},
  ): ProducerFactory<K2, V2> {
    const options = { ...this.options, ...defined(serializers) } as unknown as ProducerFactoryOptions<K2, V2>;
    const copy = new DefaultKafkaProducerFactory<K2, V2>({ ...this.configurationProperties, ...overrides }, options);
    copy.counter = this.counter;
    this.copies.push(copy as unknown as ProducerFactory);
    return copy;
  }

  async reset(): Promise<void> {
    const closing = this.shared;
    this.shared = undefined;
    const timeoutMs = this.options.physicalCloseTimeoutMs ?? 30_000;
    await Promise.all([closing?.close({ timeoutMs }), ...this.copies.map((copy) => copy.reset())]);
  }

  start(): void {
    this.isStopped = false;
  }

  /**
   * Closes the producer of this factory and of its copies after records under way are answered. `@PreDestroy` methods run later
   * and may send: that makes a fresh producer, which `close` ends. Idempotent.
   */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.reset();
  }

  /** Called when the bean is destroyed, after every bean that depends on it. Idempotent. */
  async close(): Promise<void> {
    this.isStopped = true;
    this.isClosed = true;
    await Promise.all(this.copies.map((copy) => copy.close()));
    await this.reset();
  }

  isRunning(): boolean {
    return !this.isStopped;
  }

  private makeShared(): Producer<K, V> {
    const config = { ...this.configurationProperties };
    const clientId = config['client.id'];
    if (clientId !== undefined) config['client.id'] = `${String(clientId)}-${++this.counter.producerCount}`;
    (this.options.logger ?? silentLogger).debug({ clientId: config['client.id'] }, 'creating a producer');
    return (this.options.makeProducer ?? kafkaProducer)<K, V>(config, this.options);
  }
}

const kafkaProducer: ProducerMaker = <K, V>(config: Record<string, unknown>, parts: ProducerParts<K, V>) =>
  new KafkaProducer<K, V>(config, parts);

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
