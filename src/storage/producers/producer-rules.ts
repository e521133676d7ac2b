/**
 * Whether a batch or a marker of a producer may be appended, judged by what is known of it. ◇
 *
 *   batch of epoch e, first sequence s                        verdict
 *   ──────────────────────────────────                        ───────
 *   e, s and last sequence as one of the five known           that batch: a duplicate, its old offsets are the answer
 *   e below the known epoch                                   INVALID_PRODUCER_EPOCH
 *   begins a transaction, not verified though it has to be    INVALID_TXN_STATE
 *   begins one, v2: s ≠ 0, and no batch of it is known        OUT_OF_ORDER_SEQUENCE_NUMBER
 *   begins one, and a lower s came that was not written       OUT_OF_ORDER_SEQUENCE_NUMBER
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
import type { Verification } from './verifications.ts';

/** A batch of a producer that is to be appended. */
export interface ProducerAppend {
  readonly header: BatchHeader;
  /** Of a control batch. */
  readonly marker: TransactionMarker | undefined;
  readonly origin: Exclude<AppendOrigin, 'log'>;
  /** `transaction.version` by which the coordinator has written the marker. */
  readonly transactionVersion: number;
  /** What the coordinator has said yes to; undefined where nobody needs to ask it. */
  readonly verification: Verification | undefined;
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

/**
 * Undefined when the batch, which repeats none, may be appended.
 *
 * @param entry undefined when the producer is not known
 * @param asked what the coordinator is being asked for this producer
 */
export function refuseOfProducer(
  entry: ProducerEntry | undefined,
  append: ProducerAppend,
  asked: Verification | undefined,
): Refusal | undefined {
  const { header, origin } = append;
  if (header.isControl) return entry === undefined ? undefined : refuseMarker(entry, append);
  if (entry !== undefined && header.producerEpoch < entry.epoch) return staleEpoch(entry, header);
  const refusal = header.isTransactional ? refuseBeginning(entry, append, asked) : undefined;
  if (refusal !== undefined || entry === undefined) return refusal;
  if (origin === 'client' && !isInSequence(entry, header)) return outOfSequence(entry, header);
  if (header.isTransactional || entry.currentTxnFirstOffset < 0) return undefined;
  const message = `${producerText(header)} has a transaction under way, and this batch is not part of it`;
  return { error: Errors.INVALID_TXN_STATE, message };
}

function refuseBeginning(
  entry: ProducerEntry | undefined,
  { header, origin, verification }: ProducerAppend,
  asked: Verification | undefined,
): Refusal | undefined {
  const isUnderWay = entry !== undefined && entry.currentTxnFirstOffset >= 0 && entry.epoch === header.producerEpoch;
  if (!isUnderWay && verification !== undefined && verification !== asked) {
    const message = `${producerText(header)} has no transaction under way on this partition`;
    return { error: Errors.INVALID_TXN_STATE, message };
  }
  if (asked === undefined || origin !== 'client') return undefined;
  const isUnknown = entry === undefined || entry.batches.length === 0;
  const sequenceMax = asked.bumpsEpoch && isUnknown ? 0 : asked.lowestSequence;
  if (header.baseSequence <= sequenceMax) return undefined;
  const message = `sequence ${header.baseSequence} of ${producerText(header)} comes before ${sequenceMax} is written`;
  return { error: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER, message };
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
