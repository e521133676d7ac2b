/**
 * Spring's `ErrorHandlingDeserializer`. Listeners need not ask for it: their consumers carry every deserialization failure
 * with its record. It is here for plain consumers and for the substitute function.
 */
import { KafkaError } from '#core';
import { DeserializationException } from './errors.ts';
import type { Headers, RecordHeader } from './headers.ts';
import type { ConsumerRecord } from './records.ts';
import type { Deserializer } from './serializer.ts';

export const VALUE_EXCEPTION_HEADER = 'springDeserializerExceptionValue';
export const KEY_EXCEPTION_HEADER = 'springDeserializerExceptionKey';

/** A header that carries the failure object itself. Only objects of this class count, so it cannot be forged from the wire. */
export class DeserializationExceptionHeader implements RecordHeader {
  readonly key: string;
  readonly value: Buffer;
  readonly exception: DeserializationException;

  constructor(exception: DeserializationException) {
    this.key = exception.isKey ? KEY_EXCEPTION_HEADER : VALUE_EXCEPTION_HEADER;
    this.value = Buffer.from(exception.message, 'utf8');
    this.exception = exception;
  }
}

export interface FailedDeserialization {
  topic: string;
  headers: Headers;
  data: Buffer | null;
  isForKey: boolean;
  exception: unknown;
}

export class ErrorHandlingDeserializer<T> implements Deserializer<T | null> {
  private delegate: Deserializer<T> | undefined;
  private readonly substitute: ((failed: FailedDeserialization) => T | null) | undefined;
  private readonly find: ((name: string) => Deserializer) | undefined;
  private isKey = false;

  /** Without a delegate, `configure` looks one up under `spring.deserializer.<key|value>.delegate.class` by `find`. */
  constructor(
    delegate?: Deserializer<T>,
    options: { substitute?: (failed: FailedDeserialization) => T | null; find?: (name: string) => Deserializer } = {},
  ) {
    this.delegate = delegate;
    this.substitute = options.substitute;
    this.find = options.find;
  }

  configure(configs: Record<string, unknown>, isKey: boolean): void {
    this.isKey = isKey;
    const key = `spring.deserializer.${isKey ? 'key' : 'value'}.delegate.class`;
    const named = configs[key];
    if (named !== undefined) this.delegate = this.delegateOf(named, key);
    if (this.delegate === undefined) throw new KafkaError('INVALID_CONFIG', `set ${key} to the deserializer to guard`);
    this.delegate.configure?.(configs, isKey);
  }

  deserialize(topic: string, bytes: Buffer | null, headers: Headers): T | null {
    try {
      return (this.delegate as Deserializer<T>).deserialize(topic, bytes, headers);
    } catch (exception) {
      if (this.substitute !== undefined) {
        return this.substitute({ topic, headers, data: bytes, isForKey: this.isKey, exception });
      }
      headers.addHeader(
        new DeserializationExceptionHeader(asDeserializationException(topic, this.isKey, bytes, exception)),
      );
      return null;
    }
  }

  close(): void {
    this.delegate?.close?.();
  }

  private delegateOf(named: unknown, key: string): Deserializer<T> {
    if (typeof named === 'object' && named !== null) return named as Deserializer<T>;
    if (typeof named === 'string' && this.find !== undefined) return this.find(named) as Deserializer<T>;
    throw new KafkaError('INVALID_CONFIG', `${key} must name a deserializer or be one, not ${String(named)}`);
  }
}

/** `cause` as a `DeserializationException` of this record part (it may be one already). */
export function asDeserializationException(
  topic: string,
  isKey: boolean,
  data: Buffer | null,
  cause: unknown,
): DeserializationException {
  if (cause instanceof DeserializationException && cause.isKey === isKey) return cause;
  const origin = cause instanceof DeserializationException ? cause.cause : cause;
  return new DeserializationException(topic, isKey, data, origin);
}

/** The first thing that failed to decode in `record` (the key before the value), however the consumer carries it. */
export function deserializationErrorOf(record: ConsumerRecord): DeserializationException | undefined {
  const carried = record.deserializationErrors;
  if (carried !== undefined) return carried.key ?? carried.value;
  return exceptionIn(record.headers, KEY_EXCEPTION_HEADER) ?? exceptionIn(record.headers, VALUE_EXCEPTION_HEADER);
}

function exceptionIn(headers: Headers, key: string): DeserializationException | undefined {
  if (headers.length === 0) return undefined;
  const header = headers.lastHeader(key);
  return header instanceof DeserializationExceptionHeader ? header.exception : undefined;
}
