/**
 * The headers of a dead letter: where it came from and why, byte for byte as Spring's `DeadLetterPublishingRecoverer` writes
 * them (numbers big-endian, text UTF-8, Java's class names for Spring's own exceptions), so that Java tools read them. Pure.
 */
import { KafkaHeaders } from '#message';
import {
  type ConsumerRecord,
  deserializationErrorOf,
  Headers,
  KEY_EXCEPTION_HEADER,
  VALUE_EXCEPTION_HEADER,
} from '#serde';

export type DeadLetterHeader =
  | 'OFFSET'
  | 'TS'
  | 'TS_TYPE'
  | 'TOPIC'
  | 'PARTITION'
  | 'GROUP'
  | 'EXCEPTION'
  | 'EX_CAUSE'
  | 'EX_MSG'
  | 'EX_STACKTRACE';

/** A stack of a thousand frames must not make the dead letter too large to be sent. */
const STACKTRACE_CHARACTERS_MAX = 16_384;

const JAVA_NAMES: Readonly<Record<string, string>> = {
  ListenerExecutionFailedException: 'org.springframework.kafka.listener.ListenerExecutionFailedException',
  BatchListenerFailedException: 'org.springframework.kafka.listener.BatchListenerFailedException',
  DeserializationException: 'org.springframework.kafka.support.serializer.DeserializationException',
  MessageConversionException: 'org.springframework.messaging.converter.MessageConversionException',
  MethodArgumentNotValidException:
    'org.springframework.messaging.handler.annotation.support.MethodArgumentNotValidException',
  MethodArgumentResolutionException:
    'org.springframework.messaging.handler.invocation.MethodArgumentResolutionException',
};

const EXCEPTION_HEADERS: readonly string[] = [
  KafkaHeaders.DLT_EXCEPTION_FQCN,
  KafkaHeaders.DLT_EXCEPTION_CAUSE_FQCN,
  KafkaHeaders.DLT_EXCEPTION_MESSAGE,
  KafkaHeaders.DLT_EXCEPTION_STACKTRACE,
  KafkaHeaders.DLT_KEY_EXCEPTION_FQCN,
  KafkaHeaders.DLT_KEY_EXCEPTION_MESSAGE,
  KafkaHeaders.DLT_KEY_EXCEPTION_STACKTRACE,
  VALUE_EXCEPTION_HEADER,
  KEY_EXCEPTION_HEADER,
];

/** The record's own headers plus those of the dead letter; exceptions of an earlier failure are replaced. */
export function deadLetterHeaders(
  record: ConsumerRecord,
  error: Error,
  groupId: string | undefined,
  excluded: ReadonlySet<DeadLetterHeader> = new Set(),
): Headers {
  const headers = new Headers();
  for (const header of record.headers) if (!EXCEPTION_HEADERS.includes(header.key)) headers.addHeader(header);
  const add = (kind: DeadLetterHeader, name: string, value: Buffer | string | undefined): void => {
    if (value !== undefined && !excluded.has(kind)) headers.add(name, value);
  };
  add('TOPIC', KafkaHeaders.DLT_ORIGINAL_TOPIC, record.topic);
  add('PARTITION', KafkaHeaders.DLT_ORIGINAL_PARTITION, int32(record.partition));
  add('OFFSET', KafkaHeaders.DLT_ORIGINAL_OFFSET, int64(record.offset));
  add('TS', KafkaHeaders.DLT_ORIGINAL_TIMESTAMP, int64(record.timestamp));
  add(
    'TS_TYPE',
    KafkaHeaders.DLT_ORIGINAL_TIMESTAMP_TYPE,
    record.timestampType === 'append' ? 'LogAppendTime' : 'CreateTime',
  );
  add('GROUP', KafkaHeaders.DLT_ORIGINAL_CONSUMER_GROUP, groupId);
  const failure = deserializationErrorOf(record);
  addException(add, failure ?? error, failure?.isKey === true);
  return headers;
}

function addException(
  add: (kind: DeadLetterHeader, name: string, value: string | undefined) => void,
  error: Error,
  isKey: boolean,
): void {
  const cause = Error.isError(error.cause) ? error.cause : undefined;
  add('EXCEPTION', isKey ? KafkaHeaders.DLT_KEY_EXCEPTION_FQCN : KafkaHeaders.DLT_EXCEPTION_FQCN, javaName(error));
  add('EX_CAUSE', KafkaHeaders.DLT_EXCEPTION_CAUSE_FQCN, cause === undefined ? undefined : javaName(cause));
  const isNews = cause !== undefined && cause.message !== '' && !error.message.includes(cause.message);
  const message = isNews ? [error.message, cause.message].filter((text) => text !== '').join('; ') : error.message;
  add('EX_MSG', isKey ? KafkaHeaders.DLT_KEY_EXCEPTION_MESSAGE : KafkaHeaders.DLT_EXCEPTION_MESSAGE, message);
  const stack = stackOf(error);
  add(
    'EX_STACKTRACE',
    isKey ? KafkaHeaders.DLT_KEY_EXCEPTION_STACKTRACE : KafkaHeaders.DLT_EXCEPTION_STACKTRACE,
    stack,
  );
}

function javaName(error: Error): string {
  const name = error.constructor.name;
  return JAVA_NAMES[name] ?? name;
}

function stackOf(error: Error): string {
  const parts: string[] = [];
  for (let current: unknown = error, depth = 0; Error.isError(current) && depth < 8; current = current.cause, depth++) {
    parts.push(`${depth === 0 ? '' : 'Caused by: '}${current.stack ?? String(current)}`);
  }
  return parts.join('\n').slice(0, STACKTRACE_CHARACTERS_MAX);
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
