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
  type AnyClass,
  ApplicationContext,
  Bean,
  type BeanDefinition,
  type BeanOptions,
  type Class,
  type ClosedClass,
  Component,
  Configuration,
  ContextClosedEvent,
  ContextClosingEvent,
  ContextStartedEvent,
  EARLIEST_PHASE,
  Environment,
  Inject,
  InjectAll,
  LATEST_PHASE,
  Lazy,
  LISTENER_PHASE,
  LoggerFactory,
  Order,
  type Origin,
  PostConstruct,
  PreDestroy,
  Primary,
  Profile,
  Qualifier,
  Service,
  type SmartLifecycle,
  StartupFailure,
  type Token,
  Value,
  type ValueType,
} from '#context';
export { KafkaError, type Logger } from '#core';
export {
  type AckMode,
  AckModes,
  Acknowledgment,
  type Attribute,
  type BackOff,
  type BackOffExecution,
  type BatchErrorDecision,
  type BatchFailure,
  BatchListenerFailedException,
  type BatchMessageListener,
  CommonContainerStoppingErrorHandler,
  CommonDelegatingErrorHandler,
  type CommonErrorHandler,
  CommonLoggingErrorHandler,
  ConcurrentKafkaListenerContainerFactory,
  ConcurrentMessageListenerContainer,
  type ConsumerFactory,
  type ConsumerFactoryOptions,
  type ConsumerRecordRecoverer,
  type ConsumerRequest,
  type ContainerEvent,
  type ContainerEventListener,
  type ContainerFactoryOptions,
  ContainerProperties,
  type ContainerPropertiesFields,
  type DeadLetterHeader,
  DeadLetterPublishingRecoverer,
  type DeadLetterPublishingRecovererOptions,
  DefaultErrorHandler,
  type DefaultErrorHandlerOptions,
  DefaultKafkaConsumerFactory,
  type DestinationResolver,
  type ErrorDecision,
  ExponentialBackOff,
  type ExponentialBackOffOptions,
  ExponentialBackOffWithMaxRetries,
  FixedBackOff,
  Header,
  type HeaderAttributes,
  Headers,
  KafkaHandler,
  KafkaListener,
  type KafkaListenerAttributes,
  KafkaListenerEndpointRegistry,
  type KafkaListenerErrorHandler,
  KafkaMessageListenerContainer,
  ListenerConfigurationError,
  type ListenerConsumer,
  ListenerExecutionFailedException,
  type MessageListener,
  MethodArgumentResolutionException,
  NoHandlerException,
  type PartitionOffsetAttributes,
  Payload,
  type PayloadAttributes,
  type RebalanceListener,
  type RecordFailure,
  type RecordFilterStrategy,
  type RecoveryContext,
  type ReplyTopicFunction,
  type RetryListener,
  SendTo,
  STOP,
  type StopReason,
  type TopicPartitionAttributes,
} from '#listener';
export * from '#message';
// Names that stand above win over these: `Headers` is the decorator, `RecordHeaders` the headers of a record.
export * from '#serde';
export { Headers as RecordHeaders } from '#serde';
export * from '#template';
export { Application } from './application.ts';
export type { ApplicationOptions } from './application-options.ts';
export { KafkaEvent } from './auto/listener.ts';
export { type ApplicationAttributes, SpringtideApplication } from './components.ts';
export { KafkaAdmin, type KafkaAdminOptions } from './kafka-admin.ts';
export { KafkaConnection } from './kafka-connection.ts';
export { NewTopic, NewTopics, TopicBuilder } from './new-topic.ts';
