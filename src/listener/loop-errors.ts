/**
 * What to do when a turn of a container's loop fails outside any listener: stop for what no retry can mend, wait and go on for
 * the rest, and not flood the log. Pure.
 */
import { KafkaError } from '#core';
import type { BackOffExecution } from './back-off.ts';
import { ExponentialBackOff } from './back-off.ts';
import type { StopReason } from './events.ts';

export interface LoopVerdict {
  /** Set: stop, for this reason. */
  stop?: StopReason;
  waitMs: number;
  isAuth: boolean;
  /** The first of a row of equal failures, or the first for a minute. */
  isWorthALine: boolean;
}

const FATAL: Readonly<Record<string, StopReason>> = {
  NO_OFFSET_FOR_PARTITION: 'NO_OFFSET',
  FENCED_INSTANCE_ID: 'FENCED',
  INVALID_GROUP_ID: 'ERROR',
  INCONSISTENT_GROUP_PROTOCOL: 'ERROR',
  UNSUPPORTED_VERSION: 'ERROR',
  CLOSED: 'ERROR',
};

const AUTH = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

const REPEAT_LINE_MS = 60_000;
const backOff = new ExponentialBackOff({ initialIntervalMs: 200, multiplier: 2, maxIntervalMs: 10_000 });

export class LoopErrors {
  /** Milliseconds between tries after an authentication or authorization error; null: stop. */
  private readonly authRetryMs: number | null;
  private waits: BackOffExecution = backOff.start();
  private lastCode: string | undefined;
  private lastLineMs = Number.NEGATIVE_INFINITY;

  constructor(authRetryMs: number | null) {
    this.authRetryMs = authRetryMs;
  }

  succeeded(): void {
    if (this.lastCode === undefined) return;
    this.lastCode = undefined;
    this.waits = backOff.start();
  }

  failed(error: unknown, nowMs: number): LoopVerdict {
    const code = error instanceof KafkaError ? error.code : 'unknown';
    const isAuth = AUTH.has(code);
    const isWorthALine = code !== this.lastCode || nowMs - this.lastLineMs >= REPEAT_LINE_MS;
    if (isWorthALine) this.lastLineMs = nowMs;
    this.lastCode = code;
    const stop = isAuth && this.authRetryMs === null ? 'AUTH' : FATAL[code];
    const waitMs = isAuth ? (this.authRetryMs ?? 0) : this.waits.nextBackOffMs();
    return { stop, waitMs, isAuth, isWorthALine };
  }
}
