/**
 * listener: `@KafkaListener` and everything behind it. Decorators leave metadata; the processor makes endpoints of it; a factory
 * makes containers of those; a registry keeps, starts and stops them. Promises: an offset is committed only when every record
 * below it was handled; a record that cannot be handled goes to its dead letter topic or is held, never dropped; two calls never
 * run at once for one partition of one container; revocation waits for the running call; a listener that is wrong is refused
 * before it starts, naming class and member. May import: core, serde, client, message, context, template.
 */
import 'reflect-metadata';

export { type AckMode, AckModes, ackModes, isManual, parseAckMode } from './ack-mode.ts';
export { Acknowledgment } from './acknowledgment.ts';
export { type AnnotationProcessorOptions, KafkaListenerAnnotationProcessor } from './annotation-processor.ts';
export type {
  Attribute,
  HeaderAttributes,
  KafkaListenerAttributes,
  PayloadAttributes,
  ReplyTopicFunction,
} from './attributes.ts';
export {
  type BackOff,
  type BackOffExecution,
  ExponentialBackOff,
  type ExponentialBackOffOptions,
  ExponentialBackOffWithMaxRetries,
  FixedBackOff,
  STOP,
} from './back-off.ts';
export { CommitLedger, LedgerPage } from './commit-ledger.ts';
export { ConcurrentMessageListenerContainer } from './concurrent-container.ts';
export {
  type ConsumerFactory,
  type ConsumerFactoryOptions,
  type ConsumerRequest,
  DefaultKafkaConsumerFactory,
  type ListenerConsumer,
  type RebalanceListener,
} from './consumer-factory.ts';
export { ConcurrentKafkaListenerContainerFactory, type ContainerFactoryOptions } from './container-factory.ts';
export { ContainerProperties, type ContainerPropertiesFields } from './container-properties.ts';
export { type DeadLetterHeader, deadLetterHeaders } from './dead-letter-headers.ts';
export {
  DeadLetterPublishingRecoverer,
  type DeadLetterPublishingRecovererOptions,
  type DestinationResolver,
} from './dead-letter-publishing-recoverer.ts';
export { Header, Headers, KafkaHandler, KafkaListener, Payload, SendTo } from './decorators.ts';
export { DefaultErrorHandler, type DefaultErrorHandlerOptions, type RetryListener } from './default-error-handler.ts';
export type { KafkaListenerEndpoint } from './endpoint.ts';
export {
  type BatchErrorDecision,
  type BatchFailure,
  CommonContainerStoppingErrorHandler,
  CommonDelegatingErrorHandler,
  type CommonErrorHandler,
  CommonLoggingErrorHandler,
  type ConsumerRecordRecoverer,
  type ErrorDecision,
  type RecordFailure,
  type RecoveryContext,
} from './error-handler.ts';
export type { ContainerEvent, ContainerEventListener, StopReason } from './events.ts';
export {
  BatchListenerFailedException,
  ListenerConfigurationError,
  ListenerExecutionFailedException,
  MethodArgumentResolutionException,
  NoHandlerException,
} from './exceptions.ts';
export type { BatchMessageListener, ListenerContext, ListenerInvoker, MessageListener } from './invoker.ts';
export type { KafkaListenerErrorHandler } from './listener-error-handler.ts';
export { KafkaMessageListenerContainer, type Subscription } from './message-listener-container.ts';
export type { RecordFilterStrategy } from './record-filter.ts';
export { KafkaListenerEndpointRegistry } from './registry.ts';
export {
  type PartitionOffsetAttributes,
  plannedPartitions,
  type SeekPosition,
  type StartPosition,
  slicePartitions,
  type TopicPartitionAttributes,
  type TopicPartitionOffset,
} from './topic-partition-offset.ts';
