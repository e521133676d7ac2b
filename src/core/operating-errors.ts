/**
 * The operating errors that have no number on the wire, plus the few wire errors that this layer itself throws. One
 * row per code; the reference in the docs is printed from it. All other wire errors: `protocol/errors.ts`.
 */
export interface OperatingErrorRow {
  readonly retriable: boolean;
  /** What happened and what to do, one or two sentences. */
  readonly doc: string;
}

export const operatingErrors: Readonly<Record<string, OperatingErrorRow>> = {
  CORRUPT_MESSAGE: { retriable: true, doc: 'Bytes do not have the form they must have, or fail their checksum.' },
  MESSAGE_TOO_LARGE: { retriable: false, doc: 'A record or batch, perhaps once decompressed, exceeds its limit.' },
  INVALID_CONFIG: { retriable: false, doc: 'A configuration value breaks its rule; the text names key, value, rule.' },
  INVALID_REQUEST: { retriable: false, doc: 'A peer sent something that the protocol does not allow.' },
  UNSUPPORTED_VERSION: {
    retriable: false,
    doc: 'The peer, or the version asked for, does not know this API or field.',
  },
  UNSUPPORTED_COMPRESSION_TYPE: { retriable: false, doc: 'The codec is unknown, or the peer may not be sent it.' },
  REQUEST_TIMED_OUT: { retriable: true, doc: 'No answer within the deadline; the request may have been carried out.' },
  NETWORK_EXCEPTION: { retriable: true, doc: 'The connection was lost before the answer came.' },
  BROKER_NOT_AVAILABLE: { retriable: true, doc: 'None of the known brokers can be reached; see bootstrap.servers.' },
  DELIVERY_TIMED_OUT: { retriable: false, doc: 'A record was not acknowledged within delivery.timeout.ms.' },
  BUFFER_EXHAUSTED: { retriable: true, doc: 'buffer.memory stayed full for max.block.ms.' },
  CLOSED: { retriable: false, doc: 'The object was closed before or during the call.' },
  ABORTED: { retriable: false, doc: 'The caller aborted the call through its signal.' },
  WAKEUP: { retriable: false, doc: 'wakeup() ended the poll.' },
  ILLEGAL_STATE: { retriable: false, doc: 'The call does not fit the state of the object; the text says which.' },
  INVALID_ARGUMENT: { retriable: false, doc: 'An argument breaks its rule; the text names argument, value and rule.' },
  PARTITIONER_FAILED: {
    retriable: false,
    doc: 'The partitioner of a producer threw: the record of that send is not sent.',
  },
  SERIALIZATION_FAILED: { retriable: false, doc: 'A serializer could not turn the value into bytes.' },
  DESERIALIZATION_FAILED: { retriable: false, doc: 'A deserializer could not make a value of the bytes.' },
  COMMIT_FAILED: {
    retriable: false,
    doc: 'The member left its group before the commit; its partitions have new owners.',
  },
  NO_OFFSET_FOR_PARTITION: { retriable: false, doc: 'No committed offset, and auto.offset.reset is none.' },
  LOG_TRUNCATED: { retriable: false, doc: 'Records that were read no longer exist, and auto.offset.reset is none.' },
  STORAGE_FAILED: { retriable: false, doc: 'The disk refused a read or write; the log folder is offline.' },
  LOCKED: { retriable: false, doc: 'Another process uses the log folder; the text names it.' },
  SEND_FAILED: { retriable: false, doc: 'A template could not send a record; the cause says why.' },
  LISTENER_FAILED: { retriable: false, doc: 'A listener method threw; the cause is what it threw.' },
  ARGUMENT_UNRESOLVED: { retriable: false, doc: 'An argument of a listener method could not be made from the record.' },
  NO_HANDLER: { retriable: false, doc: 'No @KafkaHandler method takes the payload, or more than one does.' },
  PAYLOAD_CONVERSION_FAILED: { retriable: false, doc: 'A payload does not have the form that the listener declares.' },
  PAYLOAD_INVALID: {
    retriable: false,
    doc: 'A payload breaks the rules of its class; the text names property and rule.',
  },
};
