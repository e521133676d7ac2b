/**
 * protocol ◇: Kafka's wire protocol and stored formats as declarations. Messages are declared once and give types and
 * codecs; record batches stay bytes until somebody looks inside. It promises that malformed bytes end in a
 * `CorruptError` or `KafkaError` and never in a wrong value. Pure. May import core.
 */
export type { CompressionCodec } from '#core';
export { type Api, type ApiName, Apis, apiByKey } from './apis.ts';
export { decode, decodeBuffer, encode, encodeToBuffer } from './codec.ts';
export { canGenerateCode } from './compiled-codec.ts';
export { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './consumer-protocol.ts';
export {
  type ControlType,
  controlRecordKey,
  controlRecordType,
  decodeEndTxnMarker,
  encodeEndTxnMarker,
} from './control-records.ts';
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
export {
  addToSequence,
  BATCH_HEADER_BYTES,
  type BatchAt,
  type BatchHeader,
  batches,
  NO_PRODUCER_ID,
  readBatchHeader,
  sealBatch,
  type TimestampType,
  verifyBatchCrc,
} from './record-batch.ts';
export {
  type BatchOptions,
  buildBatch,
  type ProducerState,
  RecordBatchBuilder,
  type RecordDraft,
} from './record-batch-builder.ts';
export { type RawRecord, RecordCursor, readRecords, recordsOf } from './record-cursor.ts';
export { type RecordHeader, recordBodyBytes, sizeOfVarlong } from './record-format.ts';
export { type RecordScan, scanRecords } from './record-scan.ts';
export { type Draft, type FieldSchema, INT64_MAX, type Infer, type MessageSchema, ZERO_HASH } from './schema.ts';
export * from './stored/index.ts';
export {
  coordinatorRecordType,
  decodeMetadataRecord,
  decodeStored,
  encodeStored,
  type MetadataEntry,
  storedSchemas,
} from './stored-records.ts';
export { buildTransactionMarker, readTransactionMarker, type TransactionMarker } from './transaction-marker.ts';
