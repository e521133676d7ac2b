/**
 * `ConcurrentKafkaListenerContainerFactory`: builds the container of an endpoint from what all its listeners share. Settings of
 * the endpoint win over those here.
 */
import { type Clock, type Logger, silentLogger, systemClock } from '#core';
import { MessagingMessageConverter, PayloadConverter, type RecordMessageConverter } from '#message';
import type { KafkaOperations } from '#template';
import { isManual, parseAckMode } from './ack-mode.ts';
import { ConcurrentMessageListenerContainer } from './concurrent-container.ts';
import type { ConsumerFactory } from './consumer-factory.ts';
import { ContainerProperties, type ContainerPropertiesFields } from './container-properties.ts';
import { DeadLetterPublishingRecoverer } from './dead-letter-publishing-recoverer.ts';
import { DefaultErrorHandler } from './default-error-handler.ts';
import type { KafkaListenerEndpoint } from './endpoint.ts';
import type { CommonErrorHandler } from './error-handler.ts';
import type { ContainerEventListener } from './events.ts';
import { ListenerConfigurationError } from './exceptions.ts';
import type { ListenerInvoker } from './invoker.ts';
import type { Subscription } from './message-listener-container.ts';
import type { RecordFilterStrategy } from './record-filter.ts';
import { plannedPartitions, type TopicPartitionAttributes } from './topic-partition-offset.ts';

export interface ContainerFactoryOptions {
  consumerFactory: ConsumerFactory;
  containerProperties?: ContainerProperties | ContainerPropertiesFields;
  /** Default: a `DefaultErrorHandler`. One without a recoverer is given a `DeadLetterPublishingRecoverer` when a template is here. */
  commonErrorHandler?: CommonErrorHandler;
  /** Sends dead letters; default the reply template. Without either, a record that cannot be handled is held, never dropped. */
  deadLetterTemplate?: KafkaOperations;
  /** Sends what `@SendTo` methods return. */
  replyTemplate?: KafkaOperations;
  batchListener?: boolean;
  /** Default 1. */
  concurrency?: number;
  /** Default true. */
  autoStartup?: boolean;
  payloadConverter?: PayloadConverter;
  recordMessageConverter?: RecordMessageConverter;
  recordFilterStrategy?: RecordFilterStrategy;
  clock?: Clock;
  logger?: Logger;
  /** Hears of everything that the containers do. */
  publish?: ContainerEventListener;
}

export class ConcurrentKafkaListenerContainerFactory {
  readonly containerProperties: ContainerProperties;
  private readonly options: ContainerFactoryOptions;
  private readonly errorHandler: CommonErrorHandler;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly payloadConverter: PayloadConverter;
  private readonly messageConverter: RecordMessageConverter;

  constructor(options: ContainerFactoryOptions) {
    const { containerProperties } = options;
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.logger = options.logger ?? silentLogger;
    this.containerProperties =
      containerProperties instanceof ContainerProperties
        ? containerProperties
        : new ContainerProperties(containerProperties);
    this.payloadConverter = options.payloadConverter ?? new PayloadConverter();
    this.messageConverter = options.recordMessageConverter ?? new MessagingMessageConverter();
    this.errorHandler = this.withRecoverer(options.commonErrorHandler ?? new DefaultErrorHandler());
  }

  /** @throws ListenerConfigurationError when the endpoint cannot work with this factory. */
  createListenerContainer(endpoint: KafkaListenerEndpoint): ConcurrentMessageListenerContainer {
    const properties = this.propertiesOf(endpoint);
    const isBatch = endpoint.isBatch ?? this.options.batchListener ?? false;
    if (isBatch && properties.ackMode === 'record') {
      const source = endpoint.ackMode === undefined ? ' of its container factory (spring.kafka.listener.ack-mode)' : '';
      const action = "choose 'batch', here with ackMode in @KafkaListener, or for all";
      throw new ListenerConfigurationError(
        `${endpoint.where}: a batch listener cannot have the ack mode 'record'${source}; ${action}`,
        { action },
      );
    }
    const { payloadConverter, messageConverter, logger } = this;
    const binding = {
      payloadConverter,
      messageConverter,
      listenerInfo: endpoint.info,
      isManual: isManual(properties.ackMode),
    };
    const { replyTemplate } = this.options;
    const invoker = endpoint.makeInvoker({ isBatch, binding, messageConverter, replyTemplate, logger });
    return this.container({ ...endpoint, invoker }, properties);
  }

  /** A container by hand, in no registry: topics, a pattern, or explicit partitions. Give it a listener before it starts. */
  createContainer(...what: string[] | [RegExp] | TopicPartitionAttributes[]): ConcurrentMessageListenerContainer {
    const subscription = subscriptionOf(what);
    const where = `container of ${JSON.stringify(what)}`;
    return this.container({ id: where, where, subscription, invoker: undefined }, this.containerProperties.copy());
  }

  private container(
    endpoint: Omit<KafkaListenerEndpoint, 'makeInvoker'> & { invoker: ListenerInvoker | undefined },
    containerProperties: ContainerProperties,
  ): ConcurrentMessageListenerContainer {
    const { consumerFactory, concurrency, autoStartup, recordFilterStrategy, publish } = this.options;
    const configuredGroup = consumerFactory.configurationProperties['group.id'];
    return new ConcurrentMessageListenerContainer({
      listenerId: endpoint.id,
      where: endpoint.where,
      subscription: endpoint.subscription,
      groupId: endpoint.groupId ?? containerProperties.groupId ?? textOrUndefined(configuredGroup),
      clientIdPrefix: endpoint.clientIdPrefix,
      consumerProperties: endpoint.consumerProperties ?? {},
      consumerFactory,
      containerProperties,
      concurrency: endpoint.concurrency ?? concurrency ?? 1,
      autoStartup: endpoint.autoStartup ?? autoStartup ?? true,
      containerGroup: endpoint.containerGroup,
      invoker: endpoint.invoker,
      errorHandler: this.errorHandler,
      filter: endpoint.filter ?? recordFilterStrategy,
      clock: this.clock,
      logger: this.logger,
      publish: publish ?? (() => {}),
    });
  }

  /**
   * `enable.auto.commit=true` keeps its meaning (a commit each `auto.commit.interval.ms`), but by the ledger: what is committed
   * is what listeners have finished, not what was polled.
   */
  private propertiesOf({ ackMode, consumerProperties, where }: KafkaListenerEndpoint): ContainerProperties {
    const properties = this.containerProperties.copy(ackMode === undefined ? {} : { ackMode });
    const config = { ...this.options.consumerFactory.configurationProperties, ...consumerProperties };
    if (String(config['enable.auto.commit'] ?? false) !== 'true') return properties;
    if (isManual(properties.ackMode)) {
      throw new ListenerConfigurationError(
        `${where}: enable.auto.commit=true and the ack mode ${properties.ackMode} exclude each other`,
      );
    }
    const ackTimeMs = Number(config['auto.commit.interval.ms'] ?? 5000);
    return properties.copy({ ackMode: parseAckMode('time'), ackTimeMs });
  }

  private withRecoverer(handler: CommonErrorHandler): CommonErrorHandler {
    const template = this.options.deadLetterTemplate ?? this.options.replyTemplate;
    if (template !== undefined) {
      handler.setDefaultRecoverer?.(new DeadLetterPublishingRecoverer(template, { logger: this.logger }));
    }
    return handler;
  }
}

function subscriptionOf(what: readonly (string | RegExp | TopicPartitionAttributes)[]): Subscription {
  const [first] = what;
  if (first instanceof RegExp) return { by: 'pattern', pattern: first };
  if (typeof first === 'string') return { by: 'topics', topics: what as string[] };
  return { by: 'partitions', partitions: plannedPartitions(what as TopicPartitionAttributes[]) };
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
