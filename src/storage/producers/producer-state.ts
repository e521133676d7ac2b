/**
 * What a partition remembers of its producers: their epochs and last batches, and their transactions under way. `repeated` and
 * `refuse` judge a batch, `update` alone changes state, so appending and recovering are one path. What was noted since `written`
 * can be taken back. ◇
 */
import type { AbortedTxn, BatchHeader, TransactionMarker } from '#protocol';
import type { Refusal } from '../log/batch-validator.ts';
import {
  afterBatch,
  afterControlBatch,
  newProducer,
  type ProducerBatch,
  type ProducerEntry,
} from './producer-entry.ts';
import { type ProducerAppend, refuseOfProducer, repeatedBatch } from './producer-rules.ts';
import { Transactions } from './transactions.ts';
import { type Verification, Verifications } from './verifications.ts';

interface ReplacedEntry {
  readonly producerId: number;
  /** Undefined: the producer was not known. */
  readonly entry: ProducerEntry | undefined;
}

export class ProducerState {
  readonly transactions = new Transactions();
  readonly #verifications = new Verifications();
  readonly #entries = new Map<number, ProducerEntry>();
  /** What each change since `written` has replaced, in their order. */
  #before: ReplacedEntry[] = [];

  get producerCount(): number {
    return this.#entries.size;
  }

  entries(): Iterable<ProducerEntry> {
    return this.#entries.values();
  }

  find(producerId: number): ProducerEntry | undefined {
    return this.#entries.get(producerId);
  }

  /** The batch already appended that `header` repeats. */
  repeated(header: BatchHeader): ProducerBatch | undefined {
    const entry = this.#entries.get(header.producerId);
    return entry === undefined ? undefined : repeatedBatch(entry, header);
  }

  /** Why a batch of a producer, which repeats none, must not be appended; undefined when it may. */
  refuse(append: ProducerAppend): Refusal | undefined {
    const { producerId } = append.header;
    return refuseOfProducer(this.#entries.get(producerId), append, this.#verifications.find(producerId));
  }

  /** Is a transaction of this epoch of the producer under way? */
  hasTransaction(producerId: number, producerEpoch: number): boolean {
    const entry = this.#entries.get(producerId);
    return entry !== undefined && entry.currentTxnFirstOffset >= 0 && entry.epoch === producerEpoch;
  }

  /** The first batch of a transaction has come: the coordinator is to be asked. @returns what to append the batch with then */
  beginVerification(producerId: number, verification: Verification, wallMs: number): Verification {
    return this.#verifications.begin(producerId, verification, wallMs);
  }

  /**
   * Notes a batch of a producer that is in the log. It is not judged: what is in the log is the truth.
   *
   * @param marker of a control batch, when it has one
   * @param timestamp the largest one as stored, which is the broker's own where it stamps
   * @param wallMs when it was appended, where that is known: old records do not make an old producer (Kafka forgets it at once)
   * @returns the transaction that it aborts, when that has records
   */
  update(
    header: BatchHeader,
    baseOffset: number,
    marker: TransactionMarker | undefined,
    timestamp = header.maxTimestamp,
    wallMs = timestamp,
  ): AbortedTxn | undefined {
    const { producerId } = header;
    const known = this.#entries.get(producerId);
    this.#before.push({ producerId, entry: known });
    const entry = known ?? newProducer(producerId);
    const after = header.isControl
      ? afterControlBatch(entry, header, marker, Math.max(timestamp, wallMs))
      : afterBatch(entry, header, baseOffset, timestamp, wallMs);
    this.#entries.set(producerId, after);
    if (header.isTransactional) this.#verifications.end(producerId);
    const firstOffset = entry.currentTxnFirstOffset;
    if (firstOffset < 0 && after.currentTxnFirstOffset >= 0) this.transactions.begin(baseOffset);
    if (firstOffset < 0 || after.currentTxnFirstOffset >= 0) return undefined;
    const lastStableOffset = this.transactions.end(firstOffset, baseOffset);
    if (marker?.type === 'commit') return undefined;
    return { producerId, firstOffset, lastOffset: baseOffset, lastStableOffset };
  }

  /** As `update`, of a batch that was found in the log: nothing takes it back. */
  replay(header: BatchHeader, marker: TransactionMarker | undefined): AbortedTxn | undefined {
    const aborted = this.update(header, header.baseOffset, marker);
    this.written();
    return aborted;
  }

  /** Takes over the batches of `recent`, the same producer as read from the end of the log, when it knows more of them. */
  complete(recent: ProducerEntry): void {
    const entry = this.#entries.get(recent.producerId);
    if (entry === undefined || entry.epoch !== recent.epoch) return;
    // The log may lack what the snapshot knew last: damage has taken it.
    const isOlder = (recent.batches.at(-1)?.lastOffset ?? -1) < (entry.batches.at(-1)?.lastOffset ?? -1);
    if (isOlder || recent.batches.length <= entry.batches.length) return;
    this.#entries.set(entry.producerId, { ...entry, batches: recent.batches });
  }

  /** Begins with the entries of a snapshot. */
  restore(entries: readonly ProducerEntry[]): void {
    for (const entry of entries) this.#entries.set(entry.producerId, entry);
    const firstOffsets = entries.map(({ currentTxnFirstOffset }) => currentTxnFirstOffset);
    for (const offset of firstOffsets.sort((a, b) => a - b)) if (offset >= 0) this.transactions.begin(offset);
  }

  /** What was noted so far is in the log for good. */
  written(): void {
    if (this.#before.length > 0) this.#before = [];
  }

  /** Forgets the batches from `endOffset` on, which came after the last `written`. */
  revert(endOffset: number): void {
    for (const { producerId, entry } of this.#before.toReversed()) {
      if (entry === undefined) this.#entries.delete(producerId);
      else this.#entries.set(producerId, entry);
    }
    this.#before = [];
    this.transactions.revert(endOffset);
  }

  /** Forgets producers that wrote nothing for `expirationMs` and have no transaction under way. */
  removeExpired(wallMs: number, expirationMs: number): void {
    for (const entry of this.#entries.values()) {
      const isExpired = wallMs - entry.lastTimestamp >= expirationMs && entry.currentTxnFirstOffset < 0;
      if (isExpired) this.#entries.delete(entry.producerId);
    }
    this.#verifications.removeExpired(wallMs, expirationMs);
  }
}
