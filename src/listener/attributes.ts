/**
 * What `@KafkaListener` and the parameter decorators may say. A new attribute is a row in this type and in
 * `listenerAttributeNames`, a field of the endpoint, and its rule in one place.
 */
import type { Class, ConsumerRecord } from '#serde';
import type { AckMode } from './ack-mode.ts';
import type { KafkaListenerErrorHandler } from './listener-error-handler.ts';
import type { RecordFilterStrategy } from './record-filter.ts';
import type { TopicPartitionAttributes } from './topic-partition-offset.ts';

/** A value, text with `${…}` placeholders, or a function of the bean (Spring's `#{__listener…}`). */
export type Attribute<T> = T | ((bean: object) => T);

export interface KafkaListenerAttributes {
  /** Name in the registry; also the group id unless `groupId` is given or `idIsGroup` is false. Default: generated. */
  id?: Attribute<string>;
  /** Overrides `spring.kafka.consumer.group-id` for this listener. */
  groupId?: Attribute<string>;
  /** Exactly one of `topics`, `topicPattern` and `topicPartitions`. */
  topics?: Attribute<string | readonly string[]>;
  topicPattern?: Attribute<string | RegExp>;
  /** Explicit assignment: no group management, no rebalance. */
  topicPartitions?: readonly TopicPartitionAttributes[];
  /** Consumers of this listener; default the factory's. */
  concurrency?: Attribute<number | string>;
  /** The method takes lists. */
  batch?: boolean | 'true' | 'false';
  ackMode?: Attribute<AckMode | Uppercase<AckMode> | string>;
  /** Start with the application; default the factory's. Always honoured, also for listeners added later. */
  autoStartup?: Attribute<boolean | string>;
  /** Bean name of the container factory, or the factory. */
  containerFactory?: string | object;
  /** Bean name, or the handler, that is asked first when the method throws; what it returns is the reply. */
  errorHandler?: string | KafkaListenerErrorHandler;
  /** Consumer properties of this listener: an object, or lines `key=value`. `group.id` and `client.id` have their own attributes. */
  properties?: Readonly<Record<string, unknown>> | string | readonly string[];
  /** Overrides `client.id`; `-<n>` is appended per consumer. */
  clientIdPrefix?: Attribute<string>;
  idIsGroup?: boolean;
  /** Name under which the registry hands out the containers that carry it. */
  containerGroup?: Attribute<string>;
  /** Bean name, or the filter; records for which it says true are skipped. */
  filter?: string | RecordFilterStrategy;
  /** A returned list is sent as one reply per element; default true. */
  splitIterables?: boolean;
  /** Value of the header `kafka_listenerInfo` for every record of this listener. */
  info?: Attribute<string>;
}

export const listenerAttributeNames = [
  'id',
  'groupId',
  'topics',
  'topicPattern',
  'topicPartitions',
  'concurrency',
  'batch',
  'ackMode',
  'autoStartup',
  'containerFactory',
  'errorHandler',
  'properties',
  'clientIdPrefix',
  'idIsGroup',
  'containerGroup',
  'filter',
  'splitIterables',
  'info',
] as const satisfies readonly (keyof KafkaListenerAttributes)[];

export interface PayloadAttributes {
  /** false: a tombstone (null value) is passed as null. Default true: it is an error of the record. */
  required?: boolean;
  /**
   * The class of the payload, or of the list's elements when the parameter is a list. Needed where the compiler tells none: for
   * `order: Order | null` it says Object (for `order?: Order` it says Order). `Object`: as it is.
   */
  type?: Class | (() => Class);
}

export interface HeaderAttributes {
  /** false: null when the record has no such header. Default true. */
  required?: boolean;
  /** Used when the record has no such header. */
  defaultValue?: unknown;
  /** The class to convert to, where the compiler tells none: for `count: number | null` it says Object. */
  type?: Class;
}

export type ParameterMark =
  | { is: 'payload'; attributes: PayloadAttributes }
  | { is: 'header'; name: string; attributes: HeaderAttributes }
  | { is: 'headers' };

/** Where replies go: a topic (placeholders allowed), a function of request and result, or the request's `kafka_replyTopic`. */
export type ReplyTopic =
  | { from: 'text'; text: string }
  | { from: 'function'; of: ReplyTopicFunction }
  | { from: 'request' };
export type ReplyTopicFunction = (request: ConsumerRecord, result: unknown) => string;
