/**
 * Metadata transactions, with which an Apache Kafka writes what is too much for one batch: records after a Begin count when the End
 * comes, all at once, and never when an Abort does. We write none; one that a Kafka left open is aborted at the start. Pure. @see KIP-868
 */
import { assert } from '#core';
import type { MetadataRecord } from './metadata-record.ts';

const NOTHING: readonly MetadataRecord[] = [];

export class MetadataTransaction {
  #pending: MetadataRecord[] | undefined;

  get isOpen(): boolean {
    return this.#pending !== undefined;
  }

  /** The records that count now that `record` was read. */
  take(record: MetadataRecord): readonly MetadataRecord[] {
    switch (record.type) {
      case 'BeginTransactionRecord':
        assert(this.#pending === undefined, 'a metadata transaction begins in another one');
        this.#pending = [];
        return NOTHING;
      case 'EndTransactionRecord':
      case 'AbortTransactionRecord':
        return this.#end(record.type === 'EndTransactionRecord');
      default:
        if (this.#pending === undefined) return [record];
        this.#pending.push(record);
        return NOTHING;
    }
  }

  #end(counts: boolean): readonly MetadataRecord[] {
    const pending = this.#pending;
    assert(pending !== undefined, 'a metadata transaction ends that did not begin');
    this.#pending = undefined;
    return counts ? pending : NOTHING;
  }
}
