/**
 * How fast something came lately: sums in windows of time, as Kafka's quotas measure it. A window begins with the first value after the
 * one before has ended, so silence makes none; what is older than all windows together is forgotten. The rate is taken over the windows
 * that are there and at least `windowCount - 1` of them, so that a single early value is no burst.
 *
 * Nothing is allocated once there are `windowCount + 1` windows: the one that the span of all windows just still touches is kept.
 */
export class SampledRate {
  readonly #windowCount: number;
  readonly #windowMs: number;
  readonly #sums: number[] = [];
  readonly #startsMs: number[] = [];
  readonly #lastsMs: number[] = [];
  #current = 0;

  constructor(windowCount: number, windowMs: number) {
    this.#windowCount = windowCount;
    this.#windowMs = windowMs;
  }

  /** A negative amount takes back what was recorded. */
  record(amount: number, nowMs: number): void {
    if (this.#sums.length === 0) this.#begin(0, nowMs);
    else if (nowMs - this.#startsMs[this.#current] >= this.#windowMs) {
      this.#current = (this.#current + 1) % (this.#windowCount + 1);
      this.#begin(this.#current, nowMs);
    }
    this.#sums[this.#current] += amount;
    this.#lastsMs[this.#current] = nowMs;
  }

  /** Per second. */
  rate(nowMs: number): number {
    const spanMs = this.spanMs(nowMs);
    let sum = 0;
    for (const part of this.#sums) sum += part;
    return (sum * 1000) / spanMs;
  }

  /** The time that `rate` is taken over. */
  spanMs(nowMs: number): number {
    this.#forget(nowMs);
    let oldestMs = nowMs;
    for (const startMs of this.#startsMs) if (startMs < oldestMs) oldestMs = startMs;
    const elapsedMs = nowMs - oldestMs;
    const missing = this.#windowCount - 1 - Math.floor(elapsedMs / this.#windowMs);
    return Math.max(1, missing > 0 ? elapsedMs + missing * this.#windowMs : elapsedMs);
  }

  #forget(nowMs: number): void {
    const ageMs = this.#windowCount * this.#windowMs;
    for (let at = 0; at < this.#sums.length; at++) if (nowMs - this.#lastsMs[at] >= ageMs) this.#begin(at, nowMs);
  }

  #begin(at: number, nowMs: number): void {
    this.#sums[at] = 0;
    this.#startsMs[at] = nowMs;
    this.#lastsMs[at] = nowMs;
  }
}

/** How long to stay silent until a rate of that much over `spanMs` has come down to `limit`. */
export function throttleMs(rate: number, limit: number, spanMs: number): number {
  return rate <= limit ? 0 : Math.round(((rate - limit) / limit) * spanMs);
}
