/**
 * testing: what tests of applications need. `EmbeddedKafka` is the real broker on a memory disk inside the process of the test; what it
 * does there is what it does in production. May import every room.
 */
export { EmbeddedKafka, type EmbeddedKafkaOptions, type EmbeddedTopic } from './embedded-kafka.ts';
