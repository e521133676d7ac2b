/**
 * Whether a batch or a marker of a producer may be appended, judged by what is known of it. ◇
 *
 *   batch of epoch e, first sequence s                        verdict
 *   ──────────────────────────────────                        ───────
 *   e, s and last sequence as one of the five known           that batch: a duplicate, its old offsets are the answer
 *   e below the known epoch                                   INVALID_PRODUCER_EPOCH
 *   e above the known epoch, s ≠ 0                            OUT_OF_ORDER_SEQUENCE_NUMBER
 *   e known, s ≠ last + 1 (0 follows 2³¹−1, and no batch)     OUT_OF_ORDER_SEQUENCE_NUMBER
 *   not transactional, though a transaction is under way      INVALID_TXN_STATE
 *   any other; of a producer that is not known, whatever s    append
 *
 *   marker of epoch e                                         verdict
 *   ─────────────────                                         ───────
 *   e below the known epoch                                   INVALID_PRODUCER_EPOCH
 *   transactions v2: e known, a transaction is under way      INVALID_PRODUCER_EPOCH
 *   coordinator epoch below that of the last marker           TRANSACTION_COORDINATOR_FENCED
 *   any other; v2, e known, none under way: it is repeated    append
 *
 * Only clients send sequences. What is copied from another log was judged there.
 * @see KIP-98, KIP-360, KIP-890
 */
import { type BatchHeader, Errors, type TransactionMarker } from '#protocol';
import type { AppendOrigin, Refusal } from '../log/batch-validator.ts';
import type { ProducerBatch, ProducerEntry } from './producer-entry.ts';

/** A batch of a producer that is to be appended. */
export interface ProducerAppend {
  readonly header: BatchHeader;
  /** Of a control batch. */
  readonly marker: TransactionMarker | undefined;
  readonly origin: Exclude<AppendOrigin, 'log'>;
  /** `transaction.version` by which the coordinator has written the marker. */
  readonly transactionVersion: number;
}

const SEQUENCE_MAX = 2 ** 31 - 1;
/** The first version whose markers have an epoch of their own. */
const EPOCH_BUMP_VERSION = 2;

/** The batch already appended that `header` repeats. */
export function repeatedBatch(entry: ProducerEntry, header: BatchHeader): ProducerBatch | undefined {
  if (entry.epoch !== header.producerEpoch) return undefined;
  const { baseSequence, lastSequence } = header;
  return entry.batches.find((batch) => batch.baseSequence === baseSequence && batch.lastSequence === lastSequence);
}

/** Undefined when the batch, which repeats none, may be appended. */
export function refuseOfProducer(entry: ProducerEntry, append: ProducerAppend): Refusal | undefined {
  if (append.header.isControl) return refuseMarker(entry, append);
  const { header, origin } = append;
  if (header.producerEpoch < entry.epoch) return staleEpoch(entry, header);
  if (origin === 'client' && !isInSequence(entry, header)) return outOfSequence(entry, header);
  if (header.isTransactional || entry.currentTxnFirstOffset < 0) return undefined;
  const message = `${producerText(header)} has a transaction under way, and this batch is not part of it`;
  return { error: Errors.INVALID_TXN_STATE, message };
}

function refuseMarker(
  entry: ProducerEntry,
  { header, marker, transactionVersion }: ProducerAppend,
): Refusal | undefined {
  const isOpen = entry.currentTxnFirstOffset >= 0;
  const isOld = header.producerEpoch === entry.epoch && transactionVersion >= EPOCH_BUMP_VERSION && isOpen;
  if (header.producerEpoch < entry.epoch || isOld) return staleEpoch(entry, header);
  if (marker === undefined || marker.coordinatorEpoch >= entry.coordinatorEpoch) return undefined;
  const message =
    `the marker of coordinator epoch ${marker.coordinatorEpoch} comes after one of ${entry.coordinatorEpoch}` +
    ` for ${producerText(header)}`;
  return { error: Errors.TRANSACTION_COORDINATOR_FENCED, message };
}

function isInSequence(entry: ProducerEntry, { producerEpoch, baseSequence }: BatchHeader): boolean {
  return producerEpoch > entry.epoch ? baseSequence === 0 : baseSequence === nextSequence(entry);
}

/** After a marker with an epoch of its own nothing is known but that epoch: the next batch starts at 0. */
function nextSequence({ batches }: ProducerEntry): number {
  const last = batches.at(-1)?.lastSequence;
  return last === undefined || last === SEQUENCE_MAX ? 0 : last + 1;
}

function staleEpoch(entry: ProducerEntry, header: BatchHeader): Refusal {
  const message = `${producerText(header)} is fenced: epoch ${entry.epoch} is known`;
  return { error: Errors.INVALID_PRODUCER_EPOCH, message };
}

function outOfSequence(entry: ProducerEntry, header: BatchHeader): Refusal {
  const wanted = header.producerEpoch > entry.epoch ? 0 : nextSequence(entry);
  const message = `sequence ${header.baseSequence} of ${producerText(header)} does not follow: ${wanted} would`;
  return { error: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER, message };
}

function producerText({ producerId, producerEpoch }: BatchHeader): string {
  return `producer ${producerId}, epoch ${producerEpoch}`;
}
