/**
 * Auto-configuration of listening: consumer factory, container factory (`kafkaListenerContainerFactory`), registry, and the reading of
 * `@KafkaListener` on every bean once all beans exist. Beans of the user that the container factory takes up: error handlers (the
 * classes of ../overlooked-beans.ts, or any bean named `commonErrorHandler`), `PayloadConverter`, `MessagingMessageConverter`, `recordFilterStrategy`.
 */
import { type ApplicationContext, type BeanDefinition, dependsOn, StartupFailure } from '#context';
import {
  type CommonErrorHandler,
  ConcurrentKafkaListenerContainerFactory,
  type ContainerEvent,
  ContainerProperties,
  DefaultKafkaConsumerFactory,
  KafkaListenerAnnotationProcessor,
  KafkaListenerEndpointRegistry,
  type RecordFilterStrategy,
} from '#listener';
import { MessagingMessageConverter, PayloadConverter } from '#message';
import { KafkaTemplate } from '#template';
import { KafkaConnection } from '../kafka-connection.ts';
import type { KafkaProperties } from '../kafka-properties.ts';
import { BEAN_NAMES, ERROR_HANDLERS, warnAboutOverlookedBeans } from '../overlooked-beans.ts';
import { warnAboutOverlookedListeners } from '../overlooked-listeners.ts';
import { type AutoConfigurationParts, withClientId } from './parts.ts';

const ORIGIN = 'auto-configuration of listening';
const FACTORY = 'kafkaListenerContainerFactory';

/** What a listener container tells; `ApplicationContext.onEvent(KafkaEvent, ...)` hears it. */
export class KafkaEvent {
  readonly event: ContainerEvent;

  constructor(event: ContainerEvent) {
    this.event = event;
  }
}

export function listenerDefinitions(context: ApplicationContext, parts: AutoConfigurationParts): BeanDefinition[] {
  return [consumerFactory(parts), containerFactory(context, parts), registry()];
}

/** Registers the listeners of every bean, those of beans that are made later as well. */
export function registerListenersWhenReady(context: ApplicationContext, parts: AutoConfigurationParts): void {
  const askedFor = new Set<string>();
  let processor: KafkaListenerAnnotationProcessor | undefined;
  context.onBeansReady(() => {
    processor = new KafkaListenerAnnotationProcessor({
      registry: context.get(KafkaListenerEndpointRegistry),
      resolvePlaceholders: (text) => context.environment.resolvePlaceholders(text),
      findBean: (name) => {
        askedFor.add(name);
        return context.find(name);
      },
      defaultFactory: () => context.get<ConcurrentKafkaListenerContainerFactory>(FACTORY),
    });
    for (const { instance } of [...context.beans()]) if (hasListeners(instance)) processor.process(instance);
    warnAboutOverlookedBeans(context, askedFor, parts.logging.getLogger('springtide.app'));
    warnAboutOverlookedListeners(context, parts.logging.getLogger('springtide.app'));
  });
  context.onBeanCreated(async (bean) => {
    if (processor === undefined || !hasListeners(bean)) return;
    for (const container of processor.process(bean))
      await context.get(KafkaListenerEndpointRegistry).startIfRunning(container);
  });
}

function hasListeners(bean: unknown): bean is object {
  if (typeof bean !== 'object' || bean === null || typeof bean.constructor !== 'function') return false;
  return KafkaListenerAnnotationProcessor.hasListeners(
    bean.constructor as Parameters<typeof KafkaListenerAnnotationProcessor.hasListeners>[0],
  );
}

/** Spring's default: texts. A listener's parameter of another class gets its instance from the text by the payload converter. */
const DESERIALIZERS = { 'key.deserializer': 'string', 'value.deserializer': 'string' };

function consumerFactory(parts: AutoConfigurationParts): BeanDefinition {
  return {
    name: 'kafkaConsumerFactory',
    type: DefaultKafkaConsumerFactory,
    dependencies: [dependsOn(KafkaConnection, ORIGIN)],
    create: (connection: KafkaConnection) => {
      const config = withClientId(parts.properties.clientConfig('consumer'), parts, 'consumer');
      return new DefaultKafkaConsumerFactory(connection.apply({ ...DESERIALIZERS, ...config }), {
        transport: connection.transport,
        logger: parts.logging.getLogger('springtide.consumer'),
      });
    },
    yieldsTo: 'type',
    origin: ORIGIN,
  };
}

type FactoryBeans = [
  consumerFactory: DefaultKafkaConsumerFactory,
  template: KafkaTemplate | undefined,
  payloadConverter: PayloadConverter,
  messageConverter: MessagingMessageConverter | undefined,
  filter: RecordFilterStrategy | undefined,
  namedErrorHandler: CommonErrorHandler | undefined,
  ...errorHandlers: (CommonErrorHandler | undefined)[],
];

function containerFactory(context: ApplicationContext, parts: AutoConfigurationParts): BeanDefinition {
  const { properties, logging, clock } = parts;
  return {
    name: FACTORY,
    type: ConcurrentKafkaListenerContainerFactory,
    dependencies: [
      dependsOn(DefaultKafkaConsumerFactory, ORIGIN),
      dependsOn(KafkaTemplate, ORIGIN, true),
      dependsOn(PayloadConverter, ORIGIN),
      dependsOn(MessagingMessageConverter, ORIGIN, true),
      dependsOn(BEAN_NAMES.recordFilter, ORIGIN, true),
      dependsOn(BEAN_NAMES.errorHandler, ORIGIN, true),
      ...ERROR_HANDLERS.map((type) => dependsOn(type, ORIGIN, true)),
    ],
    create: (...beans: FactoryBeans) => {
      const [factory, template, payloadConverter, recordMessageConverter, recordFilterStrategy, ...errorHandlers] =
        beans;
      return new ConcurrentKafkaListenerContainerFactory({
        consumerFactory: factory,
        containerProperties: containerProperties(properties),
        commonErrorHandler: oneErrorHandler(errorHandlers),
        replyTemplate: template,
        batchListener: properties.get('listener.type') === 'batch',
        concurrency: properties.get<number | null>('listener.concurrency') ?? undefined,
        autoStartup: properties.get<boolean>('listener.auto-startup'),
        payloadConverter,
        recordMessageConverter,
        recordFilterStrategy,
        clock,
        logger: logging.getLogger('springtide.listener'),
        publish: (event) => context.publishEvent(new KafkaEvent(event)),
      });
    },
    yieldsTo: 'name',
    origin: ORIGIN,
  };
}

/** `spring.kafka.listener.*`; what is not set keeps the container's own default. */
function containerProperties(properties: KafkaProperties): ContainerProperties {
  const optional = <T>(name: string): T | undefined => properties.get<T | null>(`listener.${name}`) ?? undefined;
  return new ContainerProperties({
    ackMode: optional<string>('ack-mode'),
    asyncAcks: optional('async-acks'),
    clientId: optional('client-id'),
    pollTimeoutMs: optional('poll-timeout'),
    ackCount: optional('ack-count'),
    ackTimeMs: optional('ack-time'),
    idleBetweenPollsMs: optional('idle-between-polls'),
    idleEventIntervalMs: optional('idle-event-interval'),
    missingTopicsFatal: optional('missing-topics-fatal'),
    stopImmediate: optional('immediate-stop'),
    authExceptionRetryIntervalMs: optional('auth-exception-retry-interval'),
  });
}

/** Spring takes none when there are two; which one is meant must be said. */
function oneErrorHandler(found: readonly (CommonErrorHandler | undefined)[]): CommonErrorHandler | undefined {
  const handlers = [...new Set(found.filter((handler) => handler !== undefined))];
  if (handlers.length <= 1) return handlers[0];
  const names = handlers.map((handler) => handler.constructor.name).join(', ');
  throw new StartupFailure(`There are ${handlers.length} error handlers for listeners: ${names}.`, {
    action: `Keep one of them as a bean, or make the bean ${FACTORY} yourself and give it the one you mean.`,
  });
}

function registry(): BeanDefinition {
  return {
    name: 'kafkaListenerEndpointRegistry',
    type: KafkaListenerEndpointRegistry,
    create: () => new KafkaListenerEndpointRegistry(),
    yieldsTo: 'type',
    origin: ORIGIN,
  };
}
