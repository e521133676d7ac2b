/**
 * Raw records made into the application's. A deserializer that fails either stops the poll at its record (`throw`, as Java
 * does) or leaves its error in the record with the failed part null (`carry`, what listeners want). ◇
 */
import type { BatchHeader, RawRecord } from '#protocol';
import {
  asDeserializationException,
  ConsumerRecord,
  type DeserializationErrors,
  type DeserializationException,
  type Deserializer,
  Headers,
  RecordDeserializationException,
  type TopicPartition,
} from '#serde';

export type DeserializationErrorMode = 'throw' | 'carry';

export class RecordMaker<K, V> {
  readonly #keys: Deserializer<K>;
  readonly #values: Deserializer<V>;
  readonly #mode: DeserializationErrorMode;

  constructor(keys: Deserializer<K>, values: Deserializer<V>, mode: DeserializationErrorMode) {
    this.#keys = keys;
    this.#values = values;
    this.#mode = mode;
  }

  /** @throws RecordDeserializationException in mode `throw`. */
  make(at: TopicPartition, batch: BatchHeader, raw: RawRecord): ConsumerRecord<K, V> {
    const headers = new Headers(raw.headers);
    let errors: DeserializationErrors | undefined;
    let key: K | null = null;
    let value: V | null = null;
    try {
      key = this.#keys.deserialize(at.topic, raw.key, headers);
    } catch (error) {
      errors = { key: this.#failed(at, raw, headers, true, error) };
    }
    try {
      value = this.#values.deserialize(at.topic, raw.value, headers);
    } catch (error) {
      errors = { ...errors, value: this.#failed(at, raw, headers, false, error) };
    }
    return new ConsumerRecord<K, V>(
      at.topic,
      at.partition,
      raw.offset,
      raw.timestamp,
      batch.timestampType,
      batch.partitionLeaderEpoch < 0 ? undefined : batch.partitionLeaderEpoch,
      raw.key === null ? -1 : raw.key.length,
      raw.value === null ? -1 : raw.value.length,
      headers,
      key as K,
      value as V,
      errors,
      this.#mode === 'carry' ? raw.key : undefined,
      this.#mode === 'carry' ? raw.value : undefined,
    );
  }

  #failed(
    at: TopicPartition,
    raw: RawRecord,
    headers: Headers,
    isKey: boolean,
    error: unknown,
  ): DeserializationException {
    const bytes = isKey ? raw.key : raw.value;
    const exception = asDeserializationException(at.topic, isKey, bytes, error);
    if (this.#mode === 'carry') return exception;
    const where = { topicPartition: at, offset: raw.offset, timestamp: raw.timestamp };
    throw new RecordDeserializationException(where, { key: raw.key, value: raw.value, headers }, exception);
  }
}
