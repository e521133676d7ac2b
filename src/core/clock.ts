/**
 * Time as an argument. Everything that waits or stamps gets a `Clock`; this file and `random.ts` are the only ones in
 * the project that touch the real world's time and chance, so a test can run a day in a millisecond.
 */
import { KafkaError } from './kafka-error.ts';

/** One moment on two scales: stored stamps are wall time; timers and sessions are monotonic. */
export interface Instant {
  /** Milliseconds since 1970, whole. May jump when somebody sets the machine's clock. */
  wallMs: number;
  /** Milliseconds since some start, fractional. Never goes back. */
  monotonicMs: number;
}

export interface Timer {
  /** Idempotent; a timer that has fired ignores it. */
  cancel(): void;
}

export interface Clock {
  now(): Instant;
  /** `now().monotonicMs` at half the price: for what happens with every request. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`. With `unref` the timer does not keep the process alive. */
  setTimer(delayMs: number, fire: () => void, options?: { unref?: boolean }): Timer;
  /** Calls `fire` in a later macrotask, after I/O had its turn. */
  nextTurn(fire: () => void): void;
  /** Resolves after `delayMs`; rejects with ABORTED as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The runtime's timers fire at once when asked for more than this, so longer ones are chained. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => ({ wallMs: Date.now(), monotonicMs: performance.now() }),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire, options) {
    let timeout: NodeJS.Timeout;
    const start = (leftMs: number): void => {
      // The runtime cuts fractions off, and a timer that fires early finds its time not come.
      const stepMs = Math.min(Math.ceil(Math.max(leftMs, 0)), TIMER_MS_MAX);
      timeout = setTimeout(() => (leftMs > stepMs ? start(leftMs - stepMs) : fire()), stepMs);
      if (options?.unref === true) timeout.unref();
    };
    start(delayMs);
    return { cancel: () => clearTimeout(timeout) };
  },
  nextTurn: (fire) => void setImmediate(fire),
  sleep: (delayMs, signal) => sleepOn(systemClock, delayMs, signal),
};

/** `sleep` in terms of `setTimer`, for every implementation of `Clock`. */
export function sleepOn(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(aborted(signal));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(aborted(signal));
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function aborted(signal: AbortSignal | undefined): KafkaError {
  return new KafkaError('ABORTED', 'the wait was aborted', { cause: signal?.reason });
}
