/** Skipping records before the listener sees them. A skipped record counts as handled. */
import type { ConsumerRecord } from '#serde';

export interface RecordFilterStrategy<K = unknown, V = unknown> {
  /** true: skip the record. */
  filter(record: ConsumerRecord<K, V>): boolean;
}
