/**
 * Records that transactions have written into the log of a coordinator: offsets that a producer commits with what it wrote. They count
 * when their marker says so, in the order of their offsets, and never where the transaction is aborted. Pure.
 *
 * @see KIP-98
 */
import type { TransactionMarker } from '#protocol';

export interface LogRecord<R> {
  readonly record: R;
  readonly offset: number;
}

export class UndecidedRecords<R> {
  /** By producer id: a producer has one transaction at a time. */
  readonly #records = new Map<number, LogRecord<R>[]>();

  add(producerId: number, record: R, offset: number): void {
    const records = this.#records.get(producerId);
    if (records === undefined) this.#records.set(producerId, [{ record, offset }]);
    else records.push({ record, offset });
  }

  /** The transaction of this producer has ended. @returns what counts now */
  end(producerId: number, type: TransactionMarker['type']): readonly LogRecord<R>[] {
    const records = this.#records.get(producerId) ?? [];
    this.#records.delete(producerId);
    return type === 'commit' ? records : [];
  }
}
