/**
 * Keeps background work in the background: gives the loop back after a few milliseconds, and sleeps as long as the bytes read and
 * written are ahead of the rate that is allowed. Every wait ends with ABORTED when the owner stops.
 */
import { type Clock, KafkaError } from '#core';

export interface PaceOptions {
  readonly clock: Clock;
  /** Bytes read and written together. `Infinity`: no limit. */
  readonly bytesPerSecondMax: number;
  readonly signal: AbortSignal;
}

/** The loop is given back after so long. */
const SLICE_MS = 2;
/** Sleeps are at least so long. */
const SLEEP_MS_MIN = 20;

export class Pace {
  readonly #options: PaceOptions;
  #sliceStartMs: number;
  /** When the bytes so far may have been done at the earliest. */
  #paidUntilMs: number;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#sliceStartMs = options.clock.monotonicMs();
    this.#paidUntilMs = this.#sliceStartMs;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Whether it is time for `yieldTurn`. */
  get isSliceOver(): boolean {
    return this.#options.clock.monotonicMs() - this.#sliceStartMs >= SLICE_MS;
  }

  /** Resolves in a later turn of the loop. */
  async yieldTurn(): Promise<void> {
    const { clock, signal } = this.#options;
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
    if (signal.aborted) throw new KafkaError('ABORTED', 'the cleaner was stopped');
    this.#sliceStartMs = clock.monotonicMs();
  }

  /** `bytes` more were read or written: resolves in a later turn, and not before the rate allows it. */
  async spent(bytes: number): Promise<void> {
    const { clock, bytesPerSecondMax, signal } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + (bytes / bytesPerSecondMax) * 1000;
    if (this.#paidUntilMs - nowMs >= SLEEP_MS_MIN) await clock.sleep(this.#paidUntilMs - nowMs, signal);
    await this.yieldTurn();
  }
}

/** Unlike `Clock.sleep`, keeps no process alive. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end, { unref: true });
    signal.addEventListener('abort', end, { once: true });
  });
}

/** Whether work ended because its owner has stopped. */
export function isStop(error: unknown): boolean {
  return error instanceof KafkaError && error.code === 'ABORTED';
}
