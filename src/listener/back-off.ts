/**
 * How long to wait between the deliveries of a failing record, and when to give up. Pure: an execution is a counter that
 * answers with milliseconds. Names and defaults are Spring's.
 */

/** The answer that means: no further delivery. */
export const STOP = -1;

export interface BackOffExecution {
  /** Milliseconds to wait before the next delivery, or `STOP`. */
  nextBackOffMs(): number;
}

export interface BackOff {
  start(): BackOffExecution;
}

/** The same wait each time. `maxAttempts` counts the deliveries after the first one. */
export class FixedBackOff implements BackOff {
  static readonly UNLIMITED_ATTEMPTS = Number.MAX_SAFE_INTEGER;
  readonly intervalMs: number;
  readonly maxAttempts: number;

  constructor(intervalMs = 5000, maxAttempts = FixedBackOff.UNLIMITED_ATTEMPTS) {
    this.intervalMs = intervalMs;
    this.maxAttempts = maxAttempts;
  }

  start(): BackOffExecution {
    const { intervalMs, maxAttempts } = this;
    let attemptCount = 0;
    return { nextBackOffMs: () => (++attemptCount <= maxAttempts ? intervalMs : STOP) };
  }
}

export interface ExponentialBackOffOptions {
  /** Default 2000. */
  initialIntervalMs?: number;
  /** Default 1.5. */
  multiplier?: number;
  /** Default 30 000. */
  maxIntervalMs?: number;
  /** Sum of waits after which to give up; default unlimited. */
  maxElapsedTimeMs?: number;
  /** Deliveries after the first one; default unlimited. */
  maxAttempts?: number;
}

/** Each wait is the previous one times `multiplier`, up to `maxIntervalMs`. */
export class ExponentialBackOff implements BackOff {
  private readonly options: Required<ExponentialBackOffOptions>;

  constructor(options: ExponentialBackOffOptions = {}) {
    const { initialIntervalMs = 2000, multiplier = 1.5, maxIntervalMs = 30_000 } = options;
    const { maxElapsedTimeMs = Number.POSITIVE_INFINITY, maxAttempts = Number.POSITIVE_INFINITY } = options;
    this.options = { initialIntervalMs, multiplier, maxIntervalMs, maxElapsedTimeMs, maxAttempts };
  }

  start(): BackOffExecution {
    const { initialIntervalMs, multiplier, maxIntervalMs, maxElapsedTimeMs, maxAttempts } = this.options;
    let attemptCount = 0;
    let elapsedMs = 0;
    let intervalMs = initialIntervalMs;
    return {
      nextBackOffMs() {
        if (elapsedMs >= maxElapsedTimeMs || attemptCount >= maxAttempts) return STOP;
        const waitMs = Math.min(intervalMs, maxIntervalMs);
        attemptCount++;
        elapsedMs += waitMs;
        intervalMs = Math.min(intervalMs * multiplier, maxIntervalMs);
        return waitMs;
      },
    };
  }
}

/** An exponential back-off that gives up after `maxRetries` deliveries beyond the first. */
export class ExponentialBackOffWithMaxRetries extends ExponentialBackOff {
  constructor(maxRetries: number, options: Omit<ExponentialBackOffOptions, 'maxAttempts'> = {}) {
    super({ ...options, maxAttempts: maxRetries });
  }
}
