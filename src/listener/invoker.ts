/** The seam between containers and listener methods: a container hands over records, an invoker makes a call of them. */
import type { ConsumerRecord } from '#serde';
import type { Acknowledgment } from './acknowledgment.ts';
import type { ListenerConsumer } from './consumer-factory.ts';

/** What a call can ask about besides its records. One object per container, valid while the call is made. */
export interface ListenerContext {
  readonly consumer: ListenerConsumer;
  readonly groupId: string | undefined;
  /** Undefined unless the ack mode is manual. */
  acknowledgment: Acknowledgment | undefined;
  /** 1 for the first delivery of a record. */
  deliveryAttempt: number;
}

/** One call per record. A promise in return means the record is being handled until it settles. */
export interface RecordInvoker {
  readonly kind: 'record';
  /** `Orders.onOrder`, for error texts. */
  readonly description: string;
  readonly usesAcknowledgment: boolean;
  invoke(record: ConsumerRecord, context: ListenerContext): unknown;
}

/** One call per poll (or per partition of it). */
export interface BatchInvoker {
  readonly kind: 'batch';
  readonly description: string;
  readonly usesAcknowledgment: boolean;
  /** Undecodable records are handed over as they are, instead of to the error handler. */
  readonly takesFailures: boolean;
  /** What the call needs of one record (its converted payload). Throws when this record cannot be converted. */
  prepare(record: ConsumerRecord): unknown;
  invoke(records: readonly ConsumerRecord[], prepared: readonly unknown[], context: ListenerContext): unknown;
}

export type ListenerInvoker = RecordInvoker | BatchInvoker;

/** A listener without a class: `factory.createContainer('orders').setupMessageListener(...)`. */
export type MessageListener<K = unknown, V = unknown> = (
  record: ConsumerRecord<K, V>,
  acknowledgment: Acknowledgment | undefined,
  consumer: ListenerConsumer,
) => unknown;

export type BatchMessageListener<K = unknown, V = unknown> = (
  records: readonly ConsumerRecord<K, V>[],
  acknowledgment: Acknowledgment | undefined,
  consumer: ListenerConsumer,
) => unknown;

export function recordInvoker(listener: MessageListener): RecordInvoker {
  return {
    kind: 'record',
    description: listener.name,
    usesAcknowledgment: listener.length > 1,
    invoke: (record, { acknowledgment, consumer }) => listener(record, acknowledgment, consumer),
  };
}

export function batchInvoker(listener: BatchMessageListener): BatchInvoker {
  return {
    kind: 'batch',
    description: listener.name,
    usesAcknowledgment: listener.length > 1,
    takesFailures: false,
    prepare: () => undefined,
    invoke: (records, _prepared, { acknowledgment, consumer }) => listener(records, acknowledgment, consumer),
  };
}

export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
