/**
 * EndTxn, and the end that a transaction comes to without its producer (fence, timeout).
 *
 *     v1 state                    commit                     abort                      (the epoch must be the present one, else PRODUCER_FENCED)
 *     Ongoing                     PrepareCommit              PrepareAbort
 *     PrepareCommit, -Abort       CONCURRENT_TRANSACTIONS    CONCURRENT_TRANSACTIONS
 *     CompleteCommit              NONE, a retry              INVALID_TXN_STATE
 *     CompleteAbort               INVALID_TXN_STATE          NONE, a retry
 *     Empty                       INVALID_TXN_STATE          INVALID_TXN_STATE
 *
 * With transactions v2 each end takes a new epoch, which is the answer; so a retry names the epoch before the present one, or the last one
 * of the producer id before. Who does not know whether anything was written aborts, which is right in any state; while the markers of the
 * transaction before are written everybody has to wait, as the producer may have an id already that only comes into force behind them.
 *
 *     v2 state                    commit                     abort
 *                                 retry         present      retry         present
 *     Ongoing                     fenced        Prepare…     fenced        Prepare…
 *     PrepareCommit, -Abort       CONCURRENT_TRANSACTIONS, whoever asks
 *     CompleteCommit              NONE          INVALID      INVALID       PrepareAbort, CompleteAbort
 *     CompleteAbort               INVALID       INVALID      NONE          PrepareAbort, CompleteAbort
 *     Empty                       fenced        INVALID      fenced        PrepareAbort, CompleteAbort
 *
 * @see KIP-98, KIP-890
 */
import { Errors, type KafkaErrorRow } from '#protocol';
import {
  NEEDS_PRODUCER_ID,
  prepare,
  producerReply,
  type TransactionCoordinator,
  type TransactionTurn,
} from './coordinator.ts';
import type { EndTransactionEvent } from './events.ts';
import { isAtRest, isPrepared } from './states.ts';
import {
  CLIENT_EPOCH_MAX,
  EPOCH_BUMP_VERSION,
  fenced,
  isEpochExhausted,
  NO_EPOCH,
  NO_PRODUCER_ID,
  prepared,
  producerAfter,
  type Transaction,
} from './transaction.ts';

export function endTransaction(
  coordinator: TransactionCoordinator,
  event: EndTransactionEvent,
  turn: TransactionTurn,
): void {
  const { transactionalId, producerId, clientVersion, token } = event;
  const known = coordinator.transactions.get(transactionalId);
  if (known === undefined) turn.reply(token, producerReply(Errors.INVALID_PRODUCER_ID_MAPPING));
  else if (clientVersion >= EPOCH_BUMP_VERSION) endByVersion2(coordinator, known, event, turn);
  else if (known.producerId !== producerId) turn.reply(token, producerReply(Errors.INVALID_PRODUCER_ID_MAPPING));
  else endByVersion1(coordinator, known, event, turn);
}

/** Aborts an ongoing transaction in the name of nobody: whoever has begun it has an old epoch now. */
export function fence(coordinator: TransactionCoordinator, known: Transaction, turn: TransactionTurn): KafkaErrorRow {
  const { transactionVersion, lastEpochs } = coordinator;
  const bumps = transactionVersion >= EPOCH_BUMP_VERSION;
  const next = fenced(known, bumps ? transactionVersion : 0, turn.now.wallMs);
  if (!prepare(coordinator, next, turn)) return Errors.UNKNOWN_SERVER_ERROR;
  lastEpochs.set(known.transactionalId, bumps ? known.producerEpoch : NO_EPOCH);
  return Errors.NONE;
}

function endByVersion1(
  coordinator: TransactionCoordinator,
  known: Transaction,
  event: EndTransactionEvent,
  turn: TransactionTurn,
): void {
  const { producerEpoch, isCommit, token } = event;
  if (producerEpoch !== known.producerEpoch) turn.reply(token, producerReply(Errors.PRODUCER_FENCED));
  else if (known.state === 'Ongoing') {
    const next = prepared(
      known,
      outcome(isCommit),
      { clientVersion: 0, nextProducerId: NO_PRODUCER_ID },
      turn.now.wallMs,
    );
    const isProposed = prepare(coordinator, next, turn);
    turn.reply(token, producerReply(isProposed ? Errors.NONE : Errors.UNKNOWN_SERVER_ERROR));
  } else turn.reply(token, producerReply(answerOf(known, isCommit)));
}

function endByVersion2(
  coordinator: TransactionCoordinator,
  known: Transaction,
  event: EndTransactionEvent,
  turn: TransactionTurn,
): void {
  const { producerId, producerEpoch, isCommit, token } = event;
  const isOverflowRetry =
    known.previousProducerId === producerId && producerEpoch === CLIENT_EPOCH_MAX && known.producerEpoch === 0;
  const isRetry = isOverflowRetry || known.producerEpoch === producerEpoch + 1;
  if (isPrepared(known.state)) {
    turn.reply(token, producerReply(Errors.CONCURRENT_TRANSACTIONS));
  } else if (known.producerId !== producerId && !isOverflowRetry) {
    turn.reply(token, producerReply(Errors.INVALID_PRODUCER_ID_MAPPING));
  } else if (!isEpochOf(known, producerEpoch, isRetry)) {
    turn.reply(token, producerReply(Errors.PRODUCER_FENCED));
  } else if (known.state === 'Ongoing' || (isAtRest(known.state) && !isRetry && !isCommit)) {
    bumpAndPrepare(coordinator, known, event, turn);
  } else if (isAtRest(known.state) && !isRetry) {
    turn.reply(token, producerReply(Errors.INVALID_TXN_STATE));
  } else {
    const error = answerOf(known, isCommit);
    turn.reply(token, producerReply(error, error === Errors.NONE ? known : undefined));
  }
}

function bumpAndPrepare(
  coordinator: TransactionCoordinator,
  known: Transaction,
  { isCommit, clientVersion, newProducerId, token }: EndTransactionEvent,
  turn: TransactionTurn,
): void {
  const isExhausted = isEpochExhausted(known.producerEpoch);
  if (isExhausted && newProducerId === undefined) {
    turn.reply(token, NEEDS_PRODUCER_ID);
    return;
  }
  const nextProducerId = isExhausted ? newProducerId! : NO_PRODUCER_ID;
  const next = prepared(known, outcome(isCommit), { clientVersion, nextProducerId }, turn.now.wallMs);
  const isProposed = prepare(coordinator, next, turn);
  coordinator.lastEpochs.set(known.transactionalId, known.producerEpoch);
  turn.reply(
    token,
    isProposed ? producerReply(Errors.NONE, producerAfter(next)) : producerReply(Errors.UNKNOWN_SERVER_ERROR),
  );
}

/**
 * Which epochs may speak, by transactions v2. The last epoch of all is there to fence: Kafka gives it to a producer that aborts what was
 * aborted for it, which then can never be fenced any more; here it is told that it is fenced.
 */
function isEpochOf(known: Transaction, producerEpoch: number, isRetry: boolean): boolean {
  if (producerEpoch === known.producerEpoch) return true;
  const isComplete = known.state === 'CompleteCommit' || known.state === 'CompleteAbort';
  return isComplete && isRetry && known.producerEpoch <= CLIENT_EPOCH_MAX;
}

/** Where nothing is to be done: a retry of what was said before, or the opposite of it. */
function answerOf({ state }: Transaction, isCommit: boolean): KafkaErrorRow {
  if (isPrepared(state)) return Errors.CONCURRENT_TRANSACTIONS;
  return state === (isCommit ? 'CompleteCommit' : 'CompleteAbort') ? Errors.NONE : Errors.INVALID_TXN_STATE;
}

function outcome(isCommit: boolean): 'PrepareCommit' | 'PrepareAbort' {
  return isCommit ? 'PrepareCommit' : 'PrepareAbort';
}
