/**
 * serde: records, headers, partition names, and the way between objects and bytes. Pure: no async, no clock, no random, no
 * I/O. Promises Kafka's bytes for the standard types, Spring's header names for JSON, and that a value which cannot be
 * written or read exactly is refused with an error that says so. May import: core.
 */
export { deserializerByName, serializerByName, serializerNames } from './by-name.ts';
export {
  DelegatingByTopicDeserializer,
  DelegatingByTopicSerializer,
  DelegatingByTypeSerializer,
  DelegatingDeserializer,
  DelegatingSerializer,
  KEY_SELECTOR_HEADER,
  type TopicRules,
  type TypeKey,
  VALUE_SELECTOR_HEADER,
} from './delegating.ts';
export {
  asDeserializationException,
  DeserializationExceptionHeader,
  deserializationErrorOf,
  ErrorHandlingDeserializer,
  type FailedDeserialization,
  KEY_EXCEPTION_HEADER,
  VALUE_EXCEPTION_HEADER,
} from './error-handling-deserializer.ts';
export { DeserializationException, RecordDeserializationException, SerializationException } from './errors.ts';
export { Headers, type RecordHeader } from './headers.ts';
export { JsonDeserializer, type JsonDeserializerOptions, JsonSerializer, type JsonSerializerOptions } from './json.ts';
export {
  ConsumerRecord,
  ConsumerRecordMetadata,
  ConsumerRecords,
  type DeserializationErrors,
  ProducerRecord,
  type ProducerRecordFields,
  RecordMetadata,
  type TimestampType,
} from './records.ts';
export type { Deserializer, Serializer } from './serializer.ts';
export * from './standard.ts';
export {
  asTopicPartition,
  OffsetAndMetadata,
  PartitionMap,
  TopicPartition,
  type TopicPartitionLike,
} from './topic-partition.ts';
export { type Class, defaultTypes, KEY_TYPE_ID_HEADER, TYPE_ID_HEADER, TypeRegistry } from './type-registry.ts';
