/** Hooks around sends. They see every record, so they are free only when there are none. */
import type { KafkaError } from '#core';
import type { ProducerRecord, RecordMetadata } from '#serde';

export interface ProducerInterceptor<K = unknown, V = unknown> {
  /** Called before serialising; may give another record. What it throws is logged, and the record goes on as it was. */
  onSend?(record: ProducerRecord<K, V>): ProducerRecord<K, V>;
  /** Called with the record's place or why it failed, before its callback. What it throws is logged. */
  onAcknowledgement?(metadata: RecordMetadata | null, error: KafkaError | null): void;
  close?(): void;
}
