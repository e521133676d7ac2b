/** What time does: transactions that are open for too long are aborted, ids that nobody uses are forgotten. */
import { Errors } from '#protocol';
import { complete, type TransactionCoordinator, type TransactionTurn } from './coordinator.ts';
import { fence } from './end.ts';
import { transactionTombstone } from './records.ts';
import { isAtRest, isPrepared } from './states.ts';

/** A transaction of two-phase commit has no timeout of its own. @see KIP-939 */
const NO_TIMEOUT_MS = 2147483647;

/**
 * Aborts what is open for longer than its producer wanted, and completes what is prepared and has no marker left to be written; false when
 * the batch was full before everything was looked at.
 */
export function settleOverdue(coordinator: TransactionCoordinator, turn: TransactionTurn): boolean {
  for (const transaction of coordinator.transactions.values()) {
    const { state, startMs, timeoutMs } = transaction;
    if (isPrepared(state) && !complete(coordinator, transaction, turn)) return false;
    if (state !== 'Ongoing' || timeoutMs === NO_TIMEOUT_MS || startMs + timeoutMs >= turn.now.wallMs) continue;
    if (fence(coordinator, transaction, turn) !== Errors.NONE) return false;
  }
  return true;
}

/** Writes tombstones for ids that have been at rest for too long; false when the batch was full before everything was looked at. */
export function removeExpired(
  { transactions, settings, lastEpochs }: TransactionCoordinator,
  turn: TransactionTurn,
): boolean {
  for (const { transactionalId, state, updateMs } of transactions.values()) {
    if (!isAtRest(state) || updateMs > turn.now.wallMs - settings.idExpirationMs) continue;
    if (!turn.propose([transactionTombstone(transactionalId)])) return false;
    lastEpochs.delete(transactionalId);
  }
  return true;
}
