/**
 * From a bean's metadata to registered endpoints. Everything that can be wrong with an annotated listener is found here, before
 * anything starts, in words that name class and member.
 */
import { errorText } from '#core';
import { type Class, defaultTypes, type TypeRegistry } from '#serde';
import { parseAckMode } from './ack-mode.ts';
import type { Attribute, KafkaListenerAttributes, ReplyTopic } from './attributes.ts';
import { bindBatchMethod, bindRecordMethod } from './bound-method.ts';
import type { ConcurrentMessageListenerContainer } from './concurrent-container.ts';
import { parseProperties } from './consumer-properties.ts';
import { ConcurrentKafkaListenerContainerFactory } from './container-factory.ts';
import type { InvokerParts, KafkaListenerEndpoint } from './endpoint.ts';
import { ListenerConfigurationError } from './exceptions.ts';
import { HandlerTable } from './handler-table.ts';
import type { ListenerInvoker } from './invoker.ts';
import type { KafkaListenerErrorHandler } from './listener-error-handler.ts';
import type { Subscription } from './message-listener-container.ts';
import {
  classListeners,
  decoratedClasses,
  handlerMembers,
  type Member,
  methodListeners,
  replyTopicOf,
} from './metadata.ts';
import { batchMethodInvoker, classInvoker, type MethodSurroundings, methodInvoker } from './method-invokers.ts';
import { doubtsAbout, type ListenerMethod, listenerMethod, refused } from './parameters.ts';
import type { RecordFilterStrategy } from './record-filter.ts';
import type { KafkaListenerEndpointRegistry } from './registry.ts';
import { ReplySender } from './replies.ts';
import { plannedPartitions } from './topic-partition-offset.ts';

export interface AnnotationProcessorOptions {
  registry: KafkaListenerEndpointRegistry;
  /** Fills `${…}` placeholders in. Default: text stays as it is. */
  resolvePlaceholders?: (text: string) => string;
  /** A bean by name; undefined when there is none. For `containerFactory`, `errorHandler` and `filter` given by name. */
  findBean?: (name: string) => unknown;
  /** Used by listeners that name no factory; a function is asked at the first such listener. */
  defaultFactory: ConcurrentKafkaListenerContainerFactory | (() => ConcurrentKafkaListenerContainerFactory);
  types?: TypeRegistry;
}

/** What is known of a listener before its attributes are read. */
interface Listener {
  bean: object;
  type: Class;
  where: string;
  attributes: KafkaListenerAttributes;
}

export class KafkaListenerAnnotationProcessor {
  private readonly options: AnnotationProcessorOptions;
  private readonly types: TypeRegistry;
  private generatedCount = 0;

  constructor(options: AnnotationProcessorOptions) {
    this.options = options;
    this.types = options.types ?? defaultTypes;
  }

  /** Whether the class has any listener, without making one. */
  static hasListeners(type: Class): boolean {
    return classListeners(type).length > 0 || methodListeners(type).size > 0;
  }

  /** The classes of the modules loaded so far that have listeners of their own, in the order of their evaluation. */
  static classesWithListeners(): Class[] {
    return decoratedClasses();
  }

  /** Registers every listener of the bean. @throws ListenerConfigurationError */
  process(bean: object): ConcurrentMessageListenerContainer[] {
    const type = bean.constructor as Class;
    const registered: ConcurrentMessageListenerContainer[] = [];
    for (const [member, all] of methodListeners(type)) {
      for (const attributes of all) {
        const listener = { bean, type, attributes, where: `${type.name}.${String(member)}` };
        registered.push(this.register(listener, (parts) => this.methodInvoker(listener, member, parts)));
      }
    }
    for (const attributes of classListeners(type)) {
      const listener = { bean, type, attributes, where: `class ${type.name}` };
      registered.push(this.register(listener, (parts) => this.classInvoker(listener, parts)));
    }
    return registered;
  }

  private register(
    listener: Listener,
    makeInvoker: (parts: InvokerParts) => ListenerInvoker,
  ): ConcurrentMessageListenerContainer {
    const endpoint = this.endpointOf(listener, makeInvoker);
    return this.options.registry.registerListenerContainer(endpoint, this.factoryOf(listener));
  }

  private endpointOf(listener: Listener, makeInvoker: (parts: InvokerParts) => ListenerInvoker): KafkaListenerEndpoint {
    const { attributes, where } = listener;
    const id = this.text(listener, 'id');
    const groupId = this.text(listener, 'groupId') ?? (attributes.idIsGroup === false ? undefined : id);
    const ackMode = this.text(listener, 'ackMode');
    return {
      id: id ?? `org.springframework.kafka.KafkaListenerEndpointContainer#${this.generatedCount++}`,
      where,
      subscription: this.naming(listener, 'topics', () => this.subscriptionOf(listener)),
      groupId,
      clientIdPrefix: this.text(listener, 'clientIdPrefix'),
      concurrency: this.concurrencyOf(listener),
      autoStartup: this.booleanOf(listener, 'autoStartup'),
      isBatch: this.booleanOf(listener, 'batch'),
      ackMode: ackMode === undefined ? undefined : this.naming(listener, 'ackMode', () => parseAckMode(ackMode)),
      consumerProperties: this.naming(listener, 'properties', () =>
        parseProperties(attributes.properties, (text) => this.resolve(text)),
      ),
      containerGroup: this.text(listener, 'containerGroup'),
      filter: this.beanOf<RecordFilterStrategy>(listener, 'filter', 'filter'),
      info: this.text(listener, 'info'),
      makeInvoker,
    };
  }

  private subscriptionOf({ bean, attributes }: Listener): Subscription {
    const { topics, topicPattern, topicPartitions } = attributes;
    if (topicPartitions !== undefined) {
      return { by: 'partitions', partitions: plannedPartitions(topicPartitions, (text) => this.resolve(text)) };
    }
    if (topicPattern !== undefined) {
      const pattern = attributeValue(topicPattern, bean);
      return { by: 'pattern', pattern: typeof pattern === 'string' ? wholePattern(this.resolve(pattern)) : pattern };
    }
    const named = attributeValue(topics ?? [], bean);
    const list = (typeof named === 'string' ? [named] : [...named]).flatMap((text) => this.resolve(text).split(','));
    const names = list.map((topic) => topic.trim()).filter((topic) => topic !== '');
    if (names.length === 0) throw new Error('no topic is named');
    return { by: 'topics', topics: [...new Set(names)] };
  }

  private concurrencyOf(listener: Listener): number | undefined {
    const text = this.text(listener, 'concurrency');
    if (text === undefined) return undefined;
    const count = Number(text);
    if (Number.isInteger(count) && count > 0) return count;
    throw refused(listener.where, `concurrency is a whole number above 0, not '${text}'`);
  }

  private booleanOf(listener: Listener, name: 'autoStartup' | 'batch'): boolean | undefined {
    const text = this.text(listener, name)?.toLowerCase();
    if (text === undefined || text === '') return undefined;
    if (text === 'true' || text === 'false') return text === 'true';
    throw refused(listener.where, `${name} is true or false, not '${text}'`);
  }

  private factoryOf(listener: Listener): ConcurrentKafkaListenerContainerFactory {
    const { defaultFactory } = this.options;
    const named = this.beanOf<object>(listener, 'containerFactory');
    if (named === undefined) return typeof defaultFactory === 'function' ? defaultFactory() : defaultFactory;
    if (named instanceof ConcurrentKafkaListenerContainerFactory) return named;
    throw refused(listener.where, 'containerFactory is no ConcurrentKafkaListenerContainerFactory');
  }

  /** An attribute that is an object, or the name of a bean. `method`: what the object must be able to do. */
  private beanOf<T extends object>(
    { where, attributes }: Listener,
    name: 'containerFactory' | 'errorHandler' | 'filter',
    method?: keyof T & string,
  ): T | undefined {
    const given = attributes[name];
    if (given === undefined || given === '') return undefined;
    const bean = typeof given === 'string' ? this.options.findBean?.(this.resolve(given)) : given;
    if (bean === undefined || bean === null) throw refused(where, `${name}: there is no bean named '${String(given)}'`);
    if (method === undefined || typeof (bean as Record<string, unknown>)[method] === 'function') return bean as T;
    throw refused(where, `${name}: '${String(given)}' has no method ${method}`);
  }

  private methodInvoker(listener: Listener, member: Member, parts: InvokerParts): ListenerInvoker {
    const method = this.methodOf(listener, member, parts);
    const surroundings = this.surroundings(listener, member, parts);
    if (parts.isBatch) return batchMethodInvoker(bindBatchMethod(method, parts.binding), surroundings);
    return methodInvoker(bindRecordMethod(method, parts.binding), surroundings);
  }

  private classInvoker(listener: Listener, parts: InvokerParts): ListenerInvoker {
    const { type, where } = listener;
    const members = handlerMembers(type);
    if (members.size === 0) throw refused(where, 'a class-level listener needs methods decorated with @KafkaHandler');
    if (parts.isBatch)
      throw refused(where, 'a class-level listener takes one record at a time; put batch listeners on methods');
    const handlers = Array.from(members, ([member, isDefault]) => ({
      bound: bindRecordMethod(this.methodOf(listener, member, parts), parts.binding),
      isDefault,
      reply: this.replyOf(listener, member, parts),
    }));
    for (const { bound } of handlers) this.nameType(bound.payloadType);
    const usesAcknowledgment = handlers.some(({ bound }) => bound.usesAcknowledgment);
    const table = new HandlerTable(where, handlers, this.types);
    return classInvoker(table, where, usesAcknowledgment, this.surroundings(listener, undefined, parts));
  }

  private methodOf({ bean }: Listener, member: Member, { logger }: InvokerParts): ListenerMethod {
    const method = listenerMethod(bean, member);
    for (const doubt of doubtsAbout(method)) logger.warn(doubt);
    return method;
  }

  /** Payload classes of handlers travel under their own name, unless they were given one. */
  private nameType(type: Class | undefined): void {
    if (type === undefined || BUILT_IN.has(type) || this.types.has(type)) return;
    if (this.types.typeOf(type.name) === undefined) this.types.register(type.name, type);
  }

  private surroundings(listener: Listener, member: Member | undefined, parts: InvokerParts): MethodSurroundings {
    return {
      errorHandler: this.beanOf<KafkaListenerErrorHandler>(listener, 'errorHandler', 'handleError'),
      reply: member === undefined ? undefined : this.replyOf(listener, member, parts),
      messageConverter: parts.messageConverter,
    };
  }

  private replyOf({ type, attributes }: Listener, member: Member, parts: InvokerParts): ReplySender | undefined {
    const topic = replyTopicOf(type, member);
    if (topic === undefined) return undefined;
    const where = `${type.name}.${String(member)}`;
    const { replyTemplate: template, logger } = parts;
    if (template === undefined)
      throw refused(where, '@SendTo needs a KafkaTemplate: the container factory has no replyTemplate');
    return new ReplySender({
      topic: this.resolvedReply(topic),
      template,
      splitIterables: attributes.splitIterables ?? true,
      logger,
    });
  }

  private resolvedReply(topic: ReplyTopic): ReplyTopic {
    return topic.from === 'text' ? { from: 'text', text: this.resolve(topic.text) } : topic;
  }

  /** A text attribute with functions called and placeholders filled in. */
  private text(
    listener: Listener,
    name:
      | 'id'
      | 'groupId'
      | 'concurrency'
      | 'ackMode'
      | 'autoStartup'
      | 'batch'
      | 'clientIdPrefix'
      | 'containerGroup'
      | 'info',
  ): string | undefined {
    const attribute = listener.attributes[name] as Attribute<unknown>;
    if (attribute === undefined) return undefined;
    const value = this.naming(listener, name, () => this.resolve(String(attributeValue(attribute, listener.bean))));
    return value === '' ? undefined : value;
  }

  private resolve(text: string): string {
    return text.includes('${') ? (this.options.resolvePlaceholders?.(text) ?? text) : text;
  }

  /** Errors of an attribute say whose it is. */
  private naming<T>({ where }: Listener, attribute: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof ListenerConfigurationError) throw error;
      throw new ListenerConfigurationError(`@KafkaListener on ${where}, ${attribute}: ${errorText(error)}`, {
        cause: error,
      });
    }
  }
}

const BUILT_IN = new Set<unknown>([Object, String, Number, Boolean, BigInt, Array, Buffer, Uint8Array, Date, Map]);

function attributeValue<T>(attribute: Attribute<T>, bean: object): T {
  return typeof attribute === 'function' ? (attribute as (bean: object) => T)(bean) : attribute;
}

/** Spring matches the whole topic name. */
function wholePattern(source: string): RegExp {
  return new RegExp(`^(?:${source})$`);
}
