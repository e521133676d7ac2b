/**
 * message: payloads with headers as values, and the way between them and records. Pure: no async, no clock, no random, no
 * I/O; class-transformer and class-validator come in as interfaces. Promises Spring's header names and Spring's bytes in
 * record headers. May import: core, serde.
 */
export {
  DefaultKafkaHeaderMapper,
  type HeaderMapperOptions,
  JSON_TYPES_HEADER,
  type KafkaHeaderMapper,
  NonTrustedHeaderType,
  SimpleKafkaHeaderMapper,
} from './header-mapper.ts';
export { KafkaHeaders } from './kafka-headers.ts';
export { KafkaNull, Message, MessageBuilder, MessageHeaders } from './message.ts';
export {
  assigningTransformer,
  MessageConversionException,
  MethodArgumentNotValidException,
  PayloadConverter,
  type PayloadTransformer,
  type PayloadType,
  type PayloadValidator,
  type ValidationError,
} from './payload-converter.ts';
export {
  MessagingMessageConverter,
  type RecordMessageConverter,
  timestampTypeName,
} from './record-message-converter.ts';
