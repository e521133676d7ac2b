/**
 * What a partition remembers of each idempotent producer: its epoch and its last five batches. `duplicateOf` and `refusalOf` judge
 * a batch, `update` alone changes state, so appending and recovering are one path. ◇
 *
 *   batch of producer p, epoch e, first sequence s          verdict
 *   ──────────────────────────────────────────────          ───────
 *   e, s and last sequence as one of the five cached        that batch: a duplicate, its old offsets are the answer
 *   e below the known epoch                                 INVALID_PRODUCER_EPOCH
 *   e above the known epoch, s = 0                          append; the old batches are forgotten
 *   e above the known epoch, s ≠ 0                          OUT_OF_ORDER_SEQUENCE_NUMBER
 *   e known, s = last + 1 (2³¹−1 is followed by 0)          append
 *   e known, any other s                                    OUT_OF_ORDER_SEQUENCE_NUMBER
 *   p unknown (never seen, or expired)                      append, whatever s is
 *
 * Five batches, because that is how many requests a client may have under way. A control batch (transaction marker) carries no
 * sequence: it raises the epoch and forgets batches of the older one.
 * @see KIP-98, KIP-360
 */
import { type BatchHeader, Errors, type KafkaErrorRow } from '#protocol';

export interface ProducerBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Largest timestamp of the batch. */
  readonly timestamp: number;
}

export interface ProducerEntry {
  readonly producerId: number;
  epoch: number;
  /** The last `CACHED_BATCHES_MAX`, oldest first. */
  batches: ProducerBatch[];
  coordinatorEpoch: number;
  /** When it wrote last, as far as that is known: expiration counts from here. Never goes back. */
  lastTimestamp: number;
  /** First offset of the transaction under way, -1 for none. */
  currentTxnFirstOffset: number;
}

const CACHED_BATCHES_MAX = 5;
const SEQUENCE_MAX = 2 ** 31 - 1;

export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>();
  /** Producers as they were (or were not) before their first batch of a new epoch since `written`. */
  readonly #replaced = new Map<number, ProducerEntry | undefined>();

  get producerCount(): number {
    return this.#entries.size;
  }

  entries(): Iterable<ProducerEntry> {
    return this.#entries.values();
  }

  /** The batch already appended that `header` repeats. */
  duplicateOf(header: BatchHeader): ProducerBatch | undefined {
    const entry = this.#entries.get(header.producerId);
    if (entry === undefined || entry.epoch !== header.producerEpoch) return undefined;
    const index = entry.batches.findLastIndex(
      (batch) => batch.baseSequence === header.baseSequence && batch.lastSequence === header.lastSequence,
    );
    return index < entry.batches.length - CACHED_BATCHES_MAX ? undefined : entry.batches[index];
  }

  /** Why a batch of a producer, which is no duplicate, must not be appended; undefined when it may. */
  refusalOf(header: BatchHeader): KafkaErrorRow | undefined {
    const entry = this.#entries.get(header.producerId);
    if (entry === undefined) return undefined;
    if (header.producerEpoch < entry.epoch) return Errors.INVALID_PRODUCER_EPOCH;
    if (header.isControl) return undefined;
    return isInSequence(entry, header) ? undefined : Errors.OUT_OF_ORDER_SEQUENCE_NUMBER;
  }

  /**
   * Notes a batch that is in the log. Sequences are not checked: what is in the log is the truth.
   *
   * @param timestamp the largest one as stored, which is the broker's own where it stamps
   * @param wallMs when it was appended, where that is known: old records do not make an old producer (Kafka forgets it at once)
   * @param writtenEndOffset batches from there on may be taken back by `revert`, so they push no older one out
   */
  update(
    header: BatchHeader,
    baseOffset: number,
    timestamp = header.maxTimestamp,
    wallMs = timestamp,
    writtenEndOffset = Number.MAX_SAFE_INTEGER,
  ): void {
    const entry = this.#entryFor(header);
    if (entry.epoch !== header.producerEpoch) {
      if (!this.#replaced.has(entry.producerId)) this.#replaced.set(entry.producerId, { ...entry });
      entry.epoch = header.producerEpoch;
      entry.batches = [];
    }
    entry.lastTimestamp = Math.max(entry.lastTimestamp, timestamp, wallMs);
    if (header.isControl) return;
    if (entry.batches.length >= CACHED_BATCHES_MAX) makeRoom(entry.batches, baseOffset, writtenEndOffset);
    entry.batches.push({
      baseSequence: header.baseSequence,
      lastSequence: header.lastSequence,
      baseOffset,
      lastOffset: baseOffset + header.lastOffsetDelta,
      timestamp,
    });
  }

  /** Takes over the batches of `recent`, the same producer as read from the end of the log, when it knows more of them. */
  complete(recent: ProducerEntry): void {
    const entry = this.#entries.get(recent.producerId);
    if (entry === undefined || entry.epoch !== recent.epoch) return;
    if (recent.batches.length > entry.batches.length) entry.batches = recent.batches;
  }

  /** Puts an entry of a snapshot in place. */
  restore(entry: ProducerEntry): void {
    this.#entries.set(entry.producerId, entry);
  }

  clear(): void {
    this.#entries.clear();
    this.#replaced.clear();
  }

  /** What was noted so far is in the log for good. */
  written(): void {
    if (this.#replaced.size > 0) this.#replaced.clear();
  }

  /** Forgets the batches from `endOffset` on, which came after the last `written`. */
  revert(endOffset: number): void {
    for (const [producerId, entry] of this.#replaced) {
      if (entry === undefined) this.#entries.delete(producerId);
      else this.#entries.set(producerId, entry);
    }
    this.#replaced.clear();
    for (const entry of this.#entries.values()) {
      entry.batches = entry.batches.filter((batch) => batch.baseOffset < endOffset);
    }
  }

  /** Forgets producers that wrote nothing for `expirationMs` and have no transaction under way. */
  removeExpired(wallMs: number, expirationMs: number): void {
    for (const entry of this.#entries.values()) {
      const isExpired = wallMs - entry.lastTimestamp >= expirationMs && entry.currentTxnFirstOffset < 0;
      if (isExpired) this.#entries.delete(entry.producerId);
    }
  }

  #entryFor(header: BatchHeader): ProducerEntry {
    let entry = this.#entries.get(header.producerId);
    if (entry === undefined) {
      this.#replaced.set(header.producerId, undefined);
      entry = {
        producerId: header.producerId,
        epoch: header.producerEpoch,
        batches: [],
        coordinatorEpoch: -1,
        lastTimestamp: -1,
        currentTxnFirstOffset: -1,
      };
      this.#entries.set(header.producerId, entry);
    }
    return entry;
  }
}

/** Before a batch at `baseOffset` comes in. The last five that are written stay, as `revert` may take back all others. */
function makeRoom(batches: ProducerBatch[], baseOffset: number, writtenEndOffset: number): void {
  const firstUnwritten = batches.findLastIndex((batch) => batch.baseOffset < writtenEndOffset) + 1;
  const keptCount = baseOffset < writtenEndOffset ? CACHED_BATCHES_MAX - 1 : CACHED_BATCHES_MAX;
  if (firstUnwritten > keptCount) batches.splice(0, firstUnwritten - keptCount);
}

function isInSequence(entry: ProducerEntry, header: BatchHeader): boolean {
  if (header.producerEpoch > entry.epoch) return header.baseSequence === 0;
  const last = entry.batches.at(-1);
  // After a marker nothing of this epoch is known but the epoch: the next data batch starts at 0.
  if (last === undefined) return header.baseSequence === 0;
  return header.baseSequence === (last.lastSequence === SEQUENCE_MAX ? 0 : last.lastSequence + 1);
}
