/** The errors of this room, under Spring's names. */
import { errorText, KafkaError } from '#core';
import type { ConsumerRecord } from '#serde';

/** What every failed listener call is wrapped in; `cause` is what the listener threw. */
export class ListenerExecutionFailedException extends KafkaError {
  override readonly name = 'ListenerExecutionFailedException';
  readonly groupId: string | undefined;

  constructor(message: string, groupId: string | undefined, cause: unknown) {
    super('LISTENER_FAILED', message, { retriable: false, cause });
    this.groupId = groupId;
  }
}

/** Thrown by a batch listener: the record at `index` failed, those before it are done. */
export class BatchListenerFailedException extends KafkaError {
  override readonly name = 'BatchListenerFailedException';
  /** Place in the batch, or -1 when a record was given. */
  readonly index: number;
  readonly #record: ConsumerRecord | undefined;

  constructor(message: string, indexOrRecord: number | ConsumerRecord, cause?: unknown) {
    super('LISTENER_FAILED', message, { retriable: false, cause });
    this.index = typeof indexOrRecord === 'number' ? indexOrRecord : -1;
    this.#record = typeof indexOrRecord === 'number' ? undefined : indexOrRecord;
  }

  /** Not seen by loggers and JSON. */
  get record(): ConsumerRecord | undefined {
    return this.#record;
  }
}

/** An argument of a listener method could not be made from this record (a missing header, a header that is no number). */
export class MethodArgumentResolutionException extends KafkaError {
  override readonly name = 'MethodArgumentResolutionException';

  constructor(parameter: string, cause: unknown) {
    super('ARGUMENT_UNRESOLVED', `${parameter}: ${errorText(cause)}`, { retriable: false, cause });
  }
}

/** No `@KafkaHandler` method takes this payload. */
export class NoHandlerException extends KafkaError {
  override readonly name = 'NoHandlerException';

  constructor(message: string) {
    super('NO_HANDLER', message, { retriable: false });
  }
}

/** A listener or container is described in a way that cannot work; the text names class, member and remedy. */
export class ListenerConfigurationError extends KafkaError {
  override readonly name = 'ListenerConfigurationError';

  constructor(message: string, options: { cause?: unknown; action?: string } = {}) {
    super('INVALID_CONFIG', message, { retriable: false, cause: options.cause, action: options.action });
  }
}
