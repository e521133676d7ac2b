/**
 * # app: the public door `springtide`
 *
 * `Application.run(Main)` and everything an application is written with: decorators, templates, listeners, messages, records, topics.
 * Promises: what the settings say is wired as Spring Boot would, every automatic bean steps back for one of the user's, the included
 * broker runs exactly when it was chosen, and a start that fails says why.
 *
 * May import: every room below it. Packages: class-validator and class-transformer, lazily.
 */
export { Admin, KafkaConsumer, KafkaProducer } from '#client';
export {
  ApplicationContext,
  Bean,
  type BeanDefinition,
  type BeanOptions,
  type Class,
  Component,
  Configuration,
  ContextClosedEvent,
  ContextClosingEvent,
  ContextStartedEvent,
  Environment,
  Inject,
  InjectAll,
  Lazy,
  LISTENER_PHASE,
  LoggerFactory,
  Order,
  PostConstruct,
  PreDestroy,
  Primary,
  Profile,
  Qualifier,
  Service,
  type SmartLifecycle,
  StartupFailure,
  Value,
} from '#context';
export { KafkaError, type Logger } from '#core';
export * from '#message';
export {
  ConsumerRecord,
  ConsumerRecordMetadata,
  ConsumerRecords,
  type Deserializer,
  Headers as RecordHeaders,
  OffsetAndMetadata,
  PartitionMap,
  ProducerRecord,
  RecordMetadata,
  type Serializer,
  TopicPartition,
} from '#serde';
export * from '#template';
export { Application } from './application.ts';
export type { ApplicationOptions } from './application-options.ts';
export { type ApplicationAttributes, SpringtideApplication } from './components.ts';
export { KafkaAdmin, type KafkaAdminOptions } from './kafka-admin.ts';
export { KafkaConnection } from './kafka-connection.ts';
export { NewTopic, NewTopics, TopicBuilder } from './new-topic.ts';
