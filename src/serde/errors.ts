/**
 * What goes wrong between objects and bytes. All are `KafkaError`s that are never worth a retry with the same bytes. The bytes of a
 * record are there for code, not for loggers and JSON.
 */
import { errorText, KafkaError } from '#core';
import type { Headers } from './headers.ts';
import type { TopicPartition } from './topic-partition.ts';

/** A value could not be turned into bytes. */
export class SerializationException extends KafkaError {
  override readonly name = 'SerializationException';
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('SERIALIZATION_FAILED', message, { retriable: false, cause: options.cause });
  }
}

/** Bytes could not be turned into a value. Carries a copy of the bytes, so that they can go to a dead letter topic as they came. */
export class DeserializationException extends KafkaError {
  override readonly name = 'DeserializationException';
  readonly topic: string;
  readonly isKey: boolean;
  readonly #data: Buffer | null;

  constructor(topic: string, isKey: boolean, data: Buffer | null, cause: unknown) {
    const part = isKey ? 'key' : 'value';
    super('DESERIALIZATION_FAILED', `failed to deserialize the ${part} of a record of ${topic}: ${errorText(cause)}`, {
      retriable: false,
      cause,
    });
    this.topic = topic;
    this.isKey = isKey;
    this.#data = data === null ? null : Buffer.from(data);
  }

  get data(): Buffer | null {
    return this.#data;
  }
}

/** What a plain consumer's `poll` throws at a record that cannot be decoded; seek past `offset` to go on. @see KIP-1036 */
export class RecordDeserializationException extends KafkaError {
  override readonly name = 'RecordDeserializationException';
  readonly topicPartition: TopicPartition;
  readonly offset: number;
  readonly timestamp: number;
  readonly #bytes: { key: Buffer | null; value: Buffer | null; headers: Headers };

  constructor(
    at: { topicPartition: TopicPartition; offset: number; timestamp: number },
    bytes: { key: Buffer | null; value: Buffer | null; headers: Headers },
    cause: DeserializationException,
  ) {
    const where = `${at.topicPartition} at offset ${at.offset}`;
    super('DESERIALIZATION_FAILED', `${where}: ${cause.message}. To go on, seek past the record.`, {
      retriable: false,
      cause,
    });
    this.topicPartition = at.topicPartition;
    this.offset = at.offset;
    this.timestamp = at.timestamp;
    this.#bytes = bytes;
  }

  get keyBuffer(): Buffer | null {
    return this.#bytes.key;
  }

  get valueBuffer(): Buffer | null {
    return this.#bytes.value;
  }

  get headers(): Headers {
    return this.#bytes.headers;
  }
}
