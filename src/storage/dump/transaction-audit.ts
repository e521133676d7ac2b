/**
 * Compares the transaction indexes of a partition with its batches while somebody walks these from the first segment to the last. What
 * an index says too much does no harm, for the cleaner may have taken the records of a transaction; what it lacks, or ends its search
 * too early with, makes aborted records look like committed ones. ◇
 */
import { CorruptError } from '#core';
import { type AbortedTxn, type BatchHeader, readTransactionMarker, type TransactionMarker } from '#protocol';
import { ProducerState } from '../producers/producer-state.ts';
import { ABORTED_TXN_BYTES, TransactionIndex } from '../segment/transaction-index.ts';
import type { Report } from './findings.ts';
import { reportUneven } from './index-audit.ts';

/** What the batches so far say of transactions. */
export class TransactionReplay {
  readonly #producers = new ProducerState();

  /** @param control the bytes of a control batch. @returns the transaction that it aborts */
  batch(header: BatchHeader, control: Buffer | undefined): AbortedTxn | undefined {
    if (header.producerId < 0) return undefined;
    const marker = control === undefined ? undefined : markerIn(control, header);
    return this.#producers.replay(header, marker);
  }
}

export class TransactionIndexAudit {
  readonly #content: Buffer;
  readonly #index: TransactionIndex;
  readonly #replay: TransactionReplay;
  readonly #report: Report;
  /** Of the next entry. */
  #next = 0;
  readonly #missing: AbortedTxn[] = [];

  /** @param content of the file; empty when there is none */
  constructor(content: Buffer, replay: TransactionReplay, report: Report) {
    const wholeBytes = content.length - (content.length % ABORTED_TXN_BYTES);
    this.#content = content;
    this.#index = new TransactionIndex(content.subarray(0, wholeBytes));
    this.#replay = replay;
    this.#report = report;
    reportUneven(content.length, ABORTED_TXN_BYTES, report);
    for (let entry = 0; entry < this.#index.entryCount; entry++) {
      const fault = this.#faultAt(entry);
      if (fault === undefined) continue;
      this.#damage(fault, entry);
      this.#next = this.#index.entryCount;
      return;
    }
  }

  batch(header: BatchHeader, control: Buffer | undefined): void {
    const aborted = this.#replay.batch(header, control);
    let told: AbortedTxn | undefined;
    for (; this.#next < this.#index.entryCount; this.#next++) {
      const entry = this.#index.entry(this.#next);
      if (entry.lastOffset > header.lastOffset) break;
      if (entry.lastOffset < header.baseOffset) continue;
      if (!header.isControl || header.producerId !== entry.producerId)
        this.#damage(`offset ${entry.lastOffset} is no marker of producer ${entry.producerId}`, this.#next);
      else told = this.#compared(entry, aborted);
    }
    if (aborted !== undefined && told === undefined) this.#missing.push(aborted);
  }

  /** @param isComplete the broker has said that it stored all of the index; `isActive`: it may still have some in memory */
  end(isWhole: boolean, { isComplete, isActive }: { readonly isComplete: boolean; readonly isActive: boolean }): void {
    const left = this.#next < this.#index.entryCount ? this.#index.entry(this.#next) : undefined;
    if (isWhole && left !== undefined)
      this.#damage(`offset ${left.lastOffset} lies behind the last batch of the log`, this.#next);
    if (isActive && !isComplete) return;
    for (const { producerId, firstOffset, lastOffset } of this.#missing) {
      const text = `the transaction of producer ${producerId} from offset ${firstOffset} on, aborted at ${lastOffset}, is not told`;
      if (isComplete) this.#report('damage', `${text}: its records are read as committed`);
      else this.#report('warning', `${text}; the index is built again from the log when it is needed`);
    }
  }

  #compared(entry: AbortedTxn, aborted: AbortedTxn | undefined): AbortedTxn {
    if (aborted === undefined) return entry;
    const which = `the transaction of producer ${entry.producerId} that was aborted at ${entry.lastOffset}`;
    if (entry.firstOffset > aborted.firstOffset)
      this.#damage(`${which} begins at offset ${aborted.firstOffset}, not at ${entry.firstOffset}`, this.#next);
    if (entry.lastStableOffset > aborted.lastStableOffset) {
      const { lastStableOffset } = entry;
      this.#damage(`${which} left offset ${aborted.lastStableOffset} undecided, not ${lastStableOffset}`, this.#next);
    }
    return entry;
  }

  #faultAt(index: number): string | undefined {
    const version = this.#content.readInt16BE(index * ABORTED_TXN_BYTES);
    if (version !== 0) return `an aborted transaction has version ${version}, not 0`;
    const { firstOffset, lastOffset } = this.#index.entry(index);
    if (firstOffset > lastOffset)
      return `an aborted transaction begins at offset ${firstOffset} and ends at ${lastOffset}`;
    const isBehind = index === 0 || lastOffset > this.#index.entry(index - 1).lastOffset;
    return isBehind ? undefined : `offset ${lastOffset} does not lie behind that of the entry before it`;
  }

  #damage(text: string, entry: number): void {
    this.#report('damage', text, entry * ABORTED_TXN_BYTES);
  }
}

/** Undefined also where it cannot be read: the checks of batches tell that. */
function markerIn(control: Buffer, header: BatchHeader): TransactionMarker | undefined {
  try {
    return readTransactionMarker(control, 0, header);
  } catch (error) {
    if (error instanceof CorruptError) return undefined;
    throw error;
  }
}
