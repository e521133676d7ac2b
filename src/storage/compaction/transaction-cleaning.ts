/**
 * What a pass over the batches of a log, from the first to the last, finds out about transactions. Where the pass begins later, what
 * lies before stays, and the transactions in it too. ◇
 *
 *   batch                                                    verdict
 *   ─────                                                    ───────
 *   of data, its transaction was aborted                     its records may go
 *   of data, any other                                       as if it were of no transaction
 *   marker, the pass has met a batch of its transaction      stays; an aborted transaction stays in the index
 *   marker, it has not                                       nothing depends on it any more
 *
 * A batch that is kept for its header alone counts as one. So a marker outlives the last batch of its transaction by a pass at least.
 */
import type { AbortedTxn, BatchHeader, TransactionMarker } from '#protocol';

interface AbortedProgress {
  readonly transaction: AbortedTxn;
  /** The pass has met one of its batches. */
  hasBatches: boolean;
}

export class TransactionCleaning {
  readonly #startOffset: number;
  /** Those that the pass comes to next, by their first offsets; consumed from `#comingIndex`. */
  #coming: readonly AbortedTxn[] = [];
  #comingIndex = 0;
  /** By producer id: those that the pass is within. */
  readonly #aborted = new Map<number, AbortedProgress>();
  /** Producers that the pass has met batches of, which no marker has ended. */
  readonly #undecided = new Set<number>();

  /** @param startOffset where the pass begins; 0 for all of the log, wherever that begins by now */
  constructor(startOffset: number) {
    this.#startOffset = startOffset;
  }

  /** @param aborted all that have records in the batches to come, up to the next call; those that were given before may come again */
  expect(aborted: readonly AbortedTxn[]): void {
    this.#coming = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
    this.#comingIndex = 0;
  }

  /** The next batch is one of data. @returns whether its transaction was aborted */
  batch({ isTransactional, producerId, lastOffset }: BatchHeader): boolean {
    this.#enter(lastOffset);
    if (!isTransactional) return false;
    const aborted = this.#aborted.get(producerId);
    if (aborted === undefined) this.#undecided.add(producerId);
    else aborted.hasBatches = true;
    return aborted !== undefined;
  }

  /** The next batch is a marker. @returns whether something depends on it; of an abort: what belongs into the index then */
  marker({ producerId, lastOffset }: BatchHeader, { type }: TransactionMarker): AbortedTxn | boolean {
    this.#enter(lastOffset);
    if (type === 'commit') return this.#undecided.delete(producerId);
    const aborted = this.#aborted.get(producerId);
    this.#aborted.delete(producerId);
    return aborted?.hasBatches === true && aborted.transaction;
  }

  /** The pass has come to `offset`. */
  #enter(offset: number): void {
    for (; this.#comingIndex < this.#coming.length; this.#comingIndex++) {
      const transaction = this.#coming[this.#comingIndex];
      if (transaction.firstOffset > offset) return;
      const known = this.#aborted.get(transaction.producerId)?.transaction;
      if (known?.lastOffset !== transaction.lastOffset)
        this.#aborted.set(transaction.producerId, {
          transaction,
          hasBatches: transaction.firstOffset < this.#startOffset,
        });
    }
  }
}
