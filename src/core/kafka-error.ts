/**
 * Operating errors: what can go wrong without a bug of ours (a peer, a disk, a configuration, a deadline). Each has a
 * stable `code`, which is either the name of a Kafka wire error (`protocol/errors.ts`) or a row of `operatingErrors`.
 * Expected refusals inside machines and handlers are values, not these.
 */
import { operatingErrors } from './operating-errors.ts';

export interface KafkaErrorOptions {
  /** Whether doing the same again may succeed. Default: what the table says about `code`, else false. */
  retriable?: boolean;
  cause?: unknown;
  /** Kafka's number on the wire, when the error came from or goes to a peer. */
  errorCode?: number;
  /** The way out, when the message ends with it: a failed start tells the two apart. */
  action?: string;
}

export class KafkaError extends Error {
  override readonly name: string = 'KafkaError';
  readonly code: string;
  readonly retriable: boolean;
  readonly errorCode: number | undefined;
  readonly action: string | undefined;

  constructor(code: string, message: string, options: KafkaErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retriable = options.retriable ?? operatingErrors[code]?.retriable ?? false;
    this.errorCode = options.errorCode;
    this.action = options.action;
  }
}

/** Bytes that are not what they must be: on the wire, or, with `file` and `position`, on disk. */
export class CorruptError extends KafkaError {
  override readonly name = 'CorruptError';
  readonly file: string | undefined;
  /** Byte position in `file`, or in the buffer that was read. */
  readonly position: number | undefined;

  constructor(message: string, where: { file?: string; position?: number; cause?: unknown } = {}) {
    super('CORRUPT_MESSAGE', message, { errorCode: 2, ...('cause' in where ? { cause: where.cause } : {}) });
    this.file = where.file;
    this.position = where.position;
  }
}

/** The text of anything that was thrown, for the end of a message. */
export function errorText(error: unknown): string {
  return Error.isError(error) ? error.message : String(error);
}
