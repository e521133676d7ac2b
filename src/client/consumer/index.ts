/**
 * The consumer: Kafka's Java consumer in its calls, rules and configuration keys. It promises that poll returns as soon as there is
 * something, that fetched bytes have a named bound, that records come in offset order and none twice without a seek or a
 * rebalance, and that a position is only moved by what poll has returned. May import `core`, `protocol`, `serde`, `net`, `assign`, and `../`.
 */
export { type ConsumerConfig, consumerConfigTable } from './config.ts';
export {
  CLOSE_TIMEOUT_MS,
  type ConsumerGroupMetadata,
  KafkaConsumer,
  type KafkaConsumerOptions,
  type OffsetAndTimestamp,
  type OffsetsLike,
} from './kafka-consumer.ts';
export type { OffsetCommitCallback } from './offset-commits.ts';
export type { ConsumerRebalanceListener } from './rebalance-listener.ts';
export type { DeserializationErrorMode } from './record-maker.ts';
export type { PartitionInfo } from './topic-catalog.ts';
