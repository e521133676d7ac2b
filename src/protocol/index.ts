/**
 * protocol ◇: Kafka's wire protocol and stored formats as declarations. Messages are declared once and give types and
 * codecs; record batches are sliced, not parsed, until somebody looks. It promises that malformed bytes end in a
 * `CorruptError` or `KafkaError` and never in a wrong value. Pure: no async, clock, random or I/O. May import core.
 */
export { type Api, type ApiName, Apis, apiByKey } from './apis.ts';
export { decode, decodeBuffer, encode, encodeToBuffer } from './codec.ts';
export { Errors, errorByCode, errorByName, type KafkaErrorRow, toKafkaError } from './errors.ts';
export { FrameReader } from './frame-reader.ts';
export {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type RequestHead,
} from './headers.ts';
export { RequestHeader, ResponseHeader } from './messages/headers.ts';
export * from './messages/index.ts';
export { type Draft, INT64_MAX, type Infer, type MessageSchema } from './schema.ts';
export * from './stored/index.ts';
