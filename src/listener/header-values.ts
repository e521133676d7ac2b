/**
 * Header values for `@Header` parameters: what Spring puts into a message's headers is read straight from the record; any other
 * name is looked up among the record's own headers. Values are converted to the parameter's class. Pure.
 */
import { KafkaHeaders, type MessageHeaders, timestampTypeName } from '#message';
import { type Class, type ConsumerRecord, ConsumerRecordMetadata } from '#serde';
import type { ListenerContext } from './invoker.ts';

export type HeaderReader = (record: ConsumerRecord, context: ListenerContext) => unknown;

/** The headers that describe the record itself; no header map is built for them. */
export function standardHeader(name: string, listenerInfo: string | undefined): HeaderReader | undefined {
  if (name === KafkaHeaders.LISTENER_INFO) return () => listenerInfo;
  return standard[name];
}

const standard: Readonly<Record<string, HeaderReader | undefined>> = {
  [KafkaHeaders.OFFSET]: (record) => record.offset,
  [KafkaHeaders.RECEIVED_TOPIC]: (record) => record.topic,
  [KafkaHeaders.RECEIVED_PARTITION]: (record) => record.partition,
  [KafkaHeaders.RECEIVED_TIMESTAMP]: (record) => record.timestamp,
  [KafkaHeaders.TIMESTAMP_TYPE]: (record) => timestampTypeName(record.timestampType),
  [KafkaHeaders.RECEIVED_KEY]: (record) => record.key,
  [KafkaHeaders.RECORD_METADATA]: (record) => new ConsumerRecordMetadata(record),
  [KafkaHeaders.NATIVE_HEADERS]: (record) => record.headers,
  [KafkaHeaders.RAW_DATA]: (record) => record,
  [KafkaHeaders.GROUP_ID]: (_record, context) => context.groupId,
  [KafkaHeaders.CONSUMER]: (_record, context) => context.consumer,
  [KafkaHeaders.ACKNOWLEDGMENT]: (_record, context) => context.acknowledgment,
  [KafkaHeaders.DELIVERY_ATTEMPT]: (_record, context) => context.deliveryAttempt,
};

/** A header that any peer wrote, from the mapped headers. */
export function ownHeader(name: string, headersOf: (record: ConsumerRecord) => MessageHeaders): HeaderReader {
  return (record) => (record.headers.length === 0 ? undefined : headersOf(record).get(name));
}

const INTEGER_TEXT = /^[+-]?\d+$/;
const NUMBER_TEXT = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** `value` as `type`. @throws Error saying what does not fit. */
export function convertHeader(name: string, value: unknown, type: Class | undefined): unknown {
  if (value === null || value === undefined || type === undefined || type === Object) return value;
  if (type === (String as unknown as Class)) return textOf(name, value);
  if (type === (Number as unknown as Class)) return numberOf(name, value);
  if (type === (BigInt as unknown as Class)) return bigIntOf(name, value);
  if (type === (Boolean as unknown as Class)) return booleanOf(name, value);
  if (type === Buffer || type === Uint8Array) return bytesOf(name, value);
  if (type === Date) return dateOf(name, value);
  if (value instanceof type) return value;
  throw new Error(`header ${name} is ${describe(value)}, not a ${type.name}`);
}

function textOf(name: string, value: unknown): string {
  if (value instanceof Uint8Array) return bufferOf(value).toString('utf8');
  if (typeof value !== 'object') return String(value);
  throw new Error(`header ${name} is ${describe(value)}, not a string`);
}

/** Spring's own headers hold big-endian integers; other peers may as well have written digits. */
function numberOf(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  const text = digitsOf(value);
  if (!name.startsWith('kafka_') && NUMBER_TEXT.test(text)) return Number(text);
  const integer = bigEndian(value);
  if (integer !== undefined) return exactly(name, integer);
  if (NUMBER_TEXT.test(text)) return Number(text);
  throw new Error(`header ${name} is ${describe(value)}, not a number`);
}

/** As `numberOf`, with every 64-bit value. */
function bigIntOf(name: string, value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  const text = digitsOf(value);
  if (!name.startsWith('kafka_') && INTEGER_TEXT.test(text)) return BigInt(text);
  const integer = bigEndian(value);
  if (integer !== undefined) return integer;
  if (INTEGER_TEXT.test(text)) return BigInt(text);
  throw new Error(`header ${name} is ${describe(value)}, not a bigint`);
}

function digitsOf(value: unknown): string {
  return value instanceof Uint8Array ? bufferOf(value).toString('latin1') : String(value);
}

/** A Java byte, short, int or long; undefined when it is none of them. */
function bigEndian(value: unknown): bigint | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  if (value.length === 8) return bufferOf(value).readBigInt64BE();
  return [1, 2, 4].includes(value.length) ? BigInt(bufferOf(value).readIntBE(0, value.length)) : undefined;
}

function exactly(name: string, integer: bigint): number {
  if (Number.isSafeInteger(Number(integer))) return Number(integer);
  throw new Error(`header ${name} is ${integer}, more than a number holds exactly: declare the parameter as bigint`);
}

function booleanOf(name: string, value: unknown): boolean {
  const text = textOf(name, value);
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`header ${name} is ${describe(value)}, not true or false`);
}

function bytesOf(name: string, value: unknown): Buffer {
  if (value instanceof Uint8Array) return bufferOf(value);
  return Buffer.from(textOf(name, value), 'utf8');
}

function dateOf(name: string, value: unknown): Date {
  const date = value instanceof Date ? value : new Date(typeof value === 'number' ? value : textOf(name, value));
  if (!Number.isNaN(date.getTime())) return date;
  throw new Error(`header ${name} is ${describe(value)}, not a date`);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'object'
    ? `an object of class ${value?.constructor?.name}`
    : `'${String(value).slice(0, 60)}'`;
}
