/**
 * Changes that may be made: tokens come at the rate of the limit, and as many are kept as come in `burstSeconds`. Whoever finds none
 * below zero may take any number, so that a change larger than the bucket is possible at all. A bucket begins full. @see KIP-599
 */
export class TokenBucket {
  readonly #burstSeconds: number;
  #tokens = Number.POSITIVE_INFINITY;
  #lastMs = 0;

  constructor(burstSeconds: number) {
    this.#burstSeconds = burstSeconds;
  }

  /** Tokens left, below zero when too many were taken. `limit`: tokens a second. */
  left(limit: number, nowMs: number): number {
    const come = (limit * (nowMs - this.#lastMs)) / 1000;
    this.#tokens = Math.min(limit * this.#burstSeconds, this.#tokens + come);
    this.#lastMs = nowMs;
    return this.#tokens;
  }

  take(count: number, limit: number, nowMs: number): void {
    this.left(limit, nowMs);
    this.#tokens -= count;
  }

  /** Until there are no less than none. */
  throttleMs(limit: number, nowMs: number): number {
    return Math.max(0, Math.round((-this.left(limit, nowMs) / limit) * 1000));
  }
}
