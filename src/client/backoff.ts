/**
 * ◇ How long to wait before trying again: doubles from `firstMs` to `mostMs`, then ±20 % of chance, so that many clients that
 * lost the same broker do not come back together. @see KIP-580
 */
const JITTER = 0.2;

export interface Backoff {
  firstMs: number;
  mostMs: number;
}

/**
 * The wait before try number `failureCount + 1`, milliseconds.
 *
 * @param failureCount tries that failed in a row, from 1 on; 0 waits for nothing
 * @param chance 0 ≤ x < 1
 */
export function backoffMs(backoff: Backoff, failureCount: number, chance: number): number {
  if (failureCount <= 0) return 0;
  const doublings = Math.min(failureCount - 1, 30);
  const plainMs = Math.min(backoff.firstMs * 2 ** doublings, Math.max(backoff.firstMs, backoff.mostMs));
  return plainMs * (1 - JITTER + 2 * JITTER * chance);
}
