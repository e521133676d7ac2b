/**
 * template: sending from application code. Promises that every failed send is heard of once by its `SendFuture` and once by
 * the `ProducerListener`, and never as an unhandled rejection; and that records under way are answered before a factory is
 * closed. May import: core, serde, client, message, context.
 */
export { type KafkaOperations, KafkaTemplate, type KafkaTemplateOptions } from './kafka-template.ts';
export { KafkaProducerException } from './producer-exception.ts';
export {
  DefaultKafkaProducerFactory,
  type Producer,
  type ProducerFactory,
  type ProducerFactoryOptions,
  type ProducerMaker,
  type ProducerParts,
} from './producer-factory.ts';
export {
  LoggingProducerListener,
  type LoggingProducerListenerOptions,
  type ProducerInterceptor,
  type ProducerListener,
} from './producer-listener.ts';
export { type SendCallback, SendFuture, type SendResult } from './send-future.ts';
