/**
 * A listener method with its arguments compiled: one reader per parameter, made at start, so that a call only runs them. What
 * fails while reading is an error of the record.
 */
import { KafkaError } from '#core';
import {
  KafkaNull,
  Message,
  MessageConversionException,
  type PayloadConverter,
  type RecordMessageConverter,
} from '#message';
import { type Class, ConsumerRecord, ConsumerRecordMetadata, ConsumerRecords, PartitionMap } from '#serde';
import { MethodArgumentResolutionException } from './exceptions.ts';
import { convertHeader, ownHeader, standardHeader } from './header-values.ts';
import type { ListenerContext } from './invoker.ts';
import { type ListenerMethod, type Parameter, type ParameterWish, readParameters, refused } from './parameters.ts';

export interface BindingParts {
  payloadConverter: PayloadConverter;
  messageConverter: RecordMessageConverter;
  listenerInfo: string | undefined;
  /** Whether the ack mode is manual: exactly then the method must take an Acknowledgment. */
  isManual: boolean;
}

export interface BoundRecordMethod {
  readonly method: ListenerMethod;
  readonly usesAcknowledgment: boolean;
  /** The class of the payload parameter, for dispatch; undefined when there is none or any will do. */
  readonly payloadType: Class | undefined;
  readonly takesNull: boolean;
  call(record: ConsumerRecord, context: ListenerContext): unknown;
}

export interface BoundBatchMethod {
  readonly method: ListenerMethod;
  readonly usesAcknowledgment: boolean;
  readonly takesFailures: boolean;
  prepare(record: ConsumerRecord): unknown;
  call(records: readonly ConsumerRecord[], prepared: readonly unknown[], context: ListenerContext): unknown;
}

type Reader = (record: ConsumerRecord, context: ListenerContext) => unknown;
type BatchReader = (
  records: readonly ConsumerRecord[],
  prepared: readonly unknown[],
  context: ListenerContext,
) => unknown;
type Callable = (this: object, ...args: unknown[]) => unknown;

/** @throws ListenerConfigurationError naming class, method and parameter. */
export function bindRecordMethod(method: ListenerMethod, parts: BindingParts): BoundRecordMethod {
  const parameters = readParameters(method);
  checkAcknowledgment(parameters, parts, method.where);
  const readers = parameters.map((parameter) => recordReader(parameter, parts));
  const payload = parameters.map(({ wish }) => wish).find((wish) => wish.wants === 'payload');
  const { bean, member } = method;
  const callable = (bean as Record<string | symbol, Callable>)[member];
  const [first] = readers;
  return {
    method,
    usesAcknowledgment: wantsAcknowledgment(parameters),
    payloadType: payload?.type,
    takesNull: payload !== undefined && (!payload.isRequired || payload.type === KafkaNull),
    call:
      readers.length === 1
        ? (record, context) => callable.call(bean, first(record, context))
        : (record, context) =>
            callable.apply(
              bean,
              readers.map((read) => read(record, context)),
            ),
  };
}

/** @throws ListenerConfigurationError naming class, method and parameter. */
export function bindBatchMethod(method: ListenerMethod, parts: BindingParts): BoundBatchMethod {
  const parameters = readParameters(method, true);
  checkAcknowledgment(parameters, parts, method.where);
  const readers = parameters.map((parameter) => batchReader(parameter, parts));
  const payload = parameters.find(({ wish }) => wish.wants === 'payload');
  const { bean, member } = method;
  const callable = (bean as Record<string | symbol, Callable>)[member];
  return {
    method,
    usesAcknowledgment: wantsAcknowledgment(parameters),
    takesFailures: false,
    prepare: payload === undefined ? () => undefined : elementReader(payload, parts),
    call: (records, prepared, context) =>
      callable.apply(
        bean,
        readers.map((read) => read(records, prepared, context)),
      ),
  };
}

function wantsAcknowledgment(parameters: readonly Parameter[]): boolean {
  return parameters.some(({ wish }) => wish.wants === 'acknowledgment');
}

function checkAcknowledgment(parameters: readonly Parameter[], { isManual }: BindingParts, where: string): void {
  const parameter = parameters.find(({ wish }) => wish.wants === 'acknowledgment');
  if (parameter !== undefined && !isManual) {
    throw refused(
      parameter.where,
      "an Acknowledgment needs the ack mode manual or manual_immediate (ackMode: 'manual')",
    );
  }
  if (parameter === undefined && isManual) {
    const remedy = 'take an Acknowledgment as a parameter, or choose another ackMode';
    throw refused(
      where,
      `in a manual ack mode a method that takes no Acknowledgment would never commit anything: ${remedy}`,
    );
  }
}

function recordReader({ wish, where }: Parameter, parts: BindingParts): Reader {
  switch (wish.wants) {
    case 'payload':
      return payloadReader(wish, where, parts);
    case 'header':
      return headerReader(wish, where, parts);
    case 'headers':
      return headersReader(wish.asMap, parts);
    case 'record':
      return (record) => record;
    case 'message':
      return (record, { groupId }) =>
        new Message(record.value ?? KafkaNull.INSTANCE, parts.messageConverter.headersOf(record, groupId));
    case 'metadata':
      return (record) => new ConsumerRecordMetadata(record);
    case 'acknowledgment':
      return (_record, context) => context.acknowledgment;
    case 'consumer':
      return (_record, context) => context.consumer;
    case 'records':
      throw refused(where, 'ConsumerRecords belong to batch listeners: set `batch: true`');
  }
}

function batchReader({ wish, where }: Parameter, parts: BindingParts): BatchReader {
  switch (wish.wants) {
    case 'payload':
      if (wish.type !== Array && wish.type !== undefined)
        throw refused(where, `a batch listener takes a list, not one ${wish.type.name}`);
      return (_records, prepared) => [...prepared];
    case 'header':
      return batchHeaderReader(wish, where, parts);
    case 'headers': {
      const read = headersReader(wish.asMap, parts);
      return (records, _prepared, context) => records.map((record) => read(record, context));
    }
    case 'records':
      return (records) => grouped(records);
    case 'acknowledgment':
      return (_records, _prepared, context) => context.acknowledgment;
    case 'consumer':
      return (_records, _prepared, context) => context.consumer;
    default:
      throw refused(
        where,
        'a batch listener takes lists: payloads, ConsumerRecords, or @Payload({ type: ConsumerRecord }) records: ConsumerRecord[]',
      );
  }
}

/** What the list holds for one record: its converted payload, the record itself, or a message. */
function elementReader({ wish, where }: Parameter, parts: BindingParts): (record: ConsumerRecord) => unknown {
  if (wish.wants !== 'payload') return () => undefined;
  const { elementType, isRequired } = wish;
  if (elementType === ConsumerRecord) return (record) => record;
  if (elementType === Message) {
    return (record) => new Message(record.value ?? KafkaNull.INSTANCE, parts.messageConverter.headersOf(record));
  }
  const { payloadConverter } = parts;
  return (record) => {
    if (record.value === null && isRequired && elementType !== undefined) throw tombstone(where);
    return payloadConverter.convert(record.value, { type: elementType });
  };
}

function payloadReader(
  wish: ParameterWish & { wants: 'payload' },
  where: string,
  { payloadConverter }: BindingParts,
): Reader {
  const { type, elementType, isRequired } = wish;
  if (type === KafkaNull) return (record) => (record.value === null ? KafkaNull.INSTANCE : record.value);
  if (type === undefined && elementType === undefined) {
    return (record) => {
      if (isRequired && (record.value === null || record.value === undefined)) throw tombstone(where);
      return record.value;
    };
  }
  const wanted = { type, elementType };
  return (record) => {
    const payload = payloadConverter.convert(record.value, wanted);
    if (isRequired && payload === null) throw tombstone(where);
    return payload;
  };
}

function tombstone(where: string): MessageConversionException {
  return new MessageConversionException(
    `${where}: the record has no value (a tombstone); allow it with @Payload({ required: false })`,
  );
}

function headerReader(wish: ParameterWish & { wants: 'header' }, where: string, parts: BindingParts): Reader {
  const { name, type, attributes } = wish;
  const read =
    standardHeader(name, parts.listenerInfo) ?? ownHeader(name, (record) => parts.messageConverter.headersOf(record));
  return (record, context) => {
    try {
      const value = read(record, context) ?? attributes.defaultValue;
      if (value !== undefined && value !== null) return convertHeader(name, value, type);
    } catch (error) {
      throw new MethodArgumentResolutionException(where, error);
    }
    if (attributes.required === false) return null;
    const text = `the record has no header ${name}; give a defaultValue or set required: false`;
    throw new MethodArgumentResolutionException(where, new KafkaError('INVALID_ARGUMENT', text));
  };
}

/** One value per record; a parameter that is no list gets the first record's (the group id, for example). */
function batchHeaderReader(wish: ParameterWish & { wants: 'header' }, where: string, parts: BindingParts): BatchReader {
  const isList = wish.type === Array || wish.type === undefined;
  const read = headerReader({ ...wish, type: isList ? undefined : wish.type }, where, parts);
  return isList
    ? (records, _prepared, context) => records.map((record) => read(record, context))
    : (records, _prepared, context) => read(records[0], context);
}

function headersReader(asMap: boolean, { messageConverter }: BindingParts): Reader {
  return (record, { groupId }) => {
    const headers = messageConverter.headersOf(record, groupId);
    return asMap ? headers : headers.toObject();
  };
}

function grouped(records: readonly ConsumerRecord[]): ConsumerRecords {
  const byPartition = new PartitionMap<ConsumerRecord[]>();
  for (const record of records) byPartition.getOrSet(record, () => []).push(record);
  return new ConsumerRecords(byPartition);
}
