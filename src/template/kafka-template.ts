/**
 * `KafkaTemplate`: sending from application code. Every failure, also of the arguments, reaches the caller in one way, by
 * the returned `SendFuture`, and the `ProducerListener` in any case. Per send: one future, one callback; a promise only
 * when somebody awaits.
 */
import { KafkaError, type Logger, silentLogger } from '#core';
import { Message, MessagingMessageConverter, type RecordMessageConverter } from '#message';
import { ProducerRecord, type RecordMetadata, type Serializer } from '#serde';
import { KafkaProducerException } from './producer-exception.ts';
import type { Producer, ProducerFactory } from './producer-factory.ts';
import { LoggingProducerListener, type ProducerInterceptor, type ProducerListener } from './producer-listener.ts';
import { SendFuture } from './send-future.ts';

/** What can be done with a template; listeners, recoverers and tests ask for this, not for the class. */
export interface KafkaOperations<K = unknown, V = unknown> {
  send(topic: string, value: V | null): SendFuture<K, V>;
  send(topic: string, key: K | null, value: V | null): SendFuture<K, V>;
  send(topic: string, partition: number | null, key: K | null, value: V | null): SendFuture<K, V>;
  send(
    topic: string,
    partition: number | null,
    timestamp: number | null,
    key: K | null,
    value: V | null,
  ): SendFuture<K, V>;
  send(record: ProducerRecord<K, V>): SendFuture<K, V>;
  send(message: Message): SendFuture<K, V>;
  flush(): Promise<void>;
  partitionsFor(topic: string): Promise<readonly { partition: number }[]>;
}

export interface KafkaTemplateOptions<K = unknown, V = unknown> {
  defaultTopic?: string;
  /** Default: a `LoggingProducerListener`. */
  producerListener?: ProducerListener<K, V>;
  producerInterceptor?: ProducerInterceptor<K, V>;
  messageConverter?: RecordMessageConverter;
  /** Producer settings of this template alone; it then has a producer of its own. */
  configOverrides?: Record<string, unknown>;
  /** Serializers of this template alone; it then has a producer of its own. */
  keySerializer?: Serializer<K>;
  valueSerializer?: Serializer<V>;
  logger?: Logger;
}

export class KafkaTemplate<K = unknown, V = unknown> implements KafkaOperations<K, V> {
  readonly producerFactory: ProducerFactory<K, V>;
  defaultTopic: string | undefined;
  private readonly listener: ProducerListener<K, V>;
  private readonly interceptor: ProducerInterceptor<K, V> | undefined;
  private readonly converter: RecordMessageConverter;
  /** Where it tells of what nobody else hears; what works with the template may tell there, too. */
  readonly logger: Logger;
  /** One for all futures. */
  private readonly callbackThrew = (error: unknown): void =>
    this.logger.error({ err: error }, 'a whenComplete callback of a send threw');

  constructor(producerFactory: ProducerFactory<K, V>, options: KafkaTemplateOptions<K, V> = {}) {
    this.producerFactory = factoryFor(producerFactory, options);
    this.defaultTopic = options.defaultTopic;
    this.logger = options.logger ?? silentLogger;
    this.listener = options.producerListener ?? new LoggingProducerListener({ logger: this.logger });
    this.interceptor = options.producerInterceptor;
    this.converter = options.messageConverter ?? new MessagingMessageConverter();
  }

  /**
   * Sends a record: `(topic, value)`, `(topic, key, value)`, `(topic, partition, key, value)`,
   * `(topic, partition, timestamp, key, value)`, a `ProducerRecord`, or a `Message` whose headers say where to.
   */
  send(topic: string, value: V | null): SendFuture<K, V>;
  send(topic: string, key: K | null, value: V | null): SendFuture<K, V>;
  send(topic: string, partition: number | null, key: K | null, value: V | null): SendFuture<K, V>;
  send(
    topic: string,
    partition: number | null,
    timestamp: number | null,
    key: K | null,
    value: V | null,
  ): SendFuture<K, V>;
  send(record: ProducerRecord<K, V>): SendFuture<K, V>;
  send(message: Message): SendFuture<K, V>;
  send(...args: unknown[]): SendFuture<K, V> {
    const future = new SendFuture<K, V>(this.callbackThrew);
    let record: ProducerRecord<K, V> | undefined;
    try {
      record = this.recordOf(args);
      this.hand(record, future);
    } catch (error) {
      this.failed(record, future, error);
    }
    return future;
  }

  /** As `send`, to the default topic: `(value)`, `(key, value)`, `(partition, key, value)`, `(partition, timestamp, key, value)`. */
  sendDefault(value: V | null): SendFuture<K, V>;
  sendDefault(key: K | null, value: V | null): SendFuture<K, V>;
  sendDefault(partition: number | null, key: K | null, value: V | null): SendFuture<K, V>;
  sendDefault(partition: number | null, timestamp: number | null, key: K | null, value: V | null): SendFuture<K, V>;
  sendDefault(...args: unknown[]): SendFuture<K, V> {
    if (this.defaultTopic !== undefined) return this.sendArgs([this.defaultTopic, ...args]);
    const future = new SendFuture<K, V>(this.callbackThrew);
    const text = 'sendDefault needs a default topic: set spring.kafka.template.default-topic, or use send(topic, …)';
    this.failed(undefined, future, new KafkaError('ILLEGAL_STATE', text));
    return future;
  }

  /** Resolves when every record sent before (by anyone on the shared producer) is answered. */
  async flush(): Promise<void> {
    await this.producerFactory.createProducer().flush();
  }

  async partitionsFor(topic: string): Promise<readonly { partition: number }[]> {
    return await this.producerFactory.createProducer().partitionsFor(topic);
  }

  /** The producer's metrics by name. */
  metrics(): Record<string, number> {
    return this.producerFactory.createProducer().metrics();
  }

  /** Runs `work` with the raw producer. */
  async execute<T>(work: (producer: Producer<K, V>) => T | Promise<T>): Promise<T> {
    return await work(this.producerFactory.createProducer());
  }

  private sendArgs(args: unknown[]): SendFuture<K, V> {
    return (this.send as (...args: unknown[]) => SendFuture<K, V>).apply(this, args);
  }

  private recordOf(args: unknown[]): ProducerRecord<K, V> {
    const first = args[0];
    if (first instanceof ProducerRecord) return first as ProducerRecord<K, V>;
    if (first instanceof Message) return this.converter.fromMessage(first, this.defaultTopic) as ProducerRecord<K, V>;
    const topic = first as string;
    const key = args.length > 2 ? (args[args.length - 2] as K) : null;
    const value = args[args.length - 1] as V;
    switch (args.length) {
      case 2:
      case 3:
        return new ProducerRecord<K, V>({ topic, key, value });
      case 4:
        return new ProducerRecord<K, V>({ topic, partition: args[1] as number, key, value });
      case 5:
        return new ProducerRecord<K, V>({
          topic,
          partition: args[1] as number,
          timestamp: args[2] as number,
          key,
          value,
        });
      default:
        throw new KafkaError(
          'INVALID_ARGUMENT',
          `send takes a record, a message, or topic … value; got ${args.length} arguments`,
        );
    }
  }

  private hand(record: ProducerRecord<K, V>, future: SendFuture<K, V>): void {
    const sent = this.interceptor?.onSend?.(record) ?? record;
    this.producerFactory.createProducer().send(sent, (metadata, error) => {
      if (error === null && metadata !== null) this.succeeded(sent, future, metadata);
      else this.failed(sent, future, error);
    });
  }

  private succeeded(record: ProducerRecord<K, V>, future: SendFuture<K, V>, metadata: RecordMetadata): void {
    if (this.interceptor !== undefined) this.observe(() => this.interceptor?.onAcknowledgement?.(metadata, null));
    future.succeed({ producerRecord: record, recordMetadata: metadata });
    if (this.listener.onSuccess !== undefined) this.observe(() => this.listener.onSuccess?.(record, metadata));
  }

  private failed(record: ProducerRecord<K, V> | undefined, future: SendFuture<K, V>, cause: unknown): void {
    if (future.isDone()) return;
    const error = new KafkaProducerException(record as ProducerRecord | undefined, cause);
    this.observe(() => this.interceptor?.onAcknowledgement?.(null, error));
    future.fail(error);
    this.observe(() => this.listener.onError?.(record, null, error));
  }

  /** Observers must not disturb sending: what they throw is logged. */
  private observe(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.logger.error({ err: error }, 'a ProducerListener or ProducerInterceptor threw');
    }
  }
}

function factoryFor<K, V>(factory: ProducerFactory<K, V>, options: KafkaTemplateOptions<K, V>): ProducerFactory<K, V> {
  const { configOverrides, keySerializer, valueSerializer } = options;
  if (configOverrides === undefined && keySerializer === undefined && valueSerializer === undefined) return factory;
  return factory.copyWithConfigurationOverride<K, V>(configOverrides ?? {}, { keySerializer, valueSerializer });
}
