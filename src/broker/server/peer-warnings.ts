/**
 * Warnings that a peer causes, at most `LINES_MAX` in `WINDOW_MS`: whoever sends rubbish in a loop must not fill the disk with our log.
 * The first line of the next window tells how many were left out.
 */
import type { Clock, Logger } from '#core';

const LINES_MAX = 20;
const WINDOW_MS = 10_000;

export class PeerWarnings {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #windowStartMs = 0;
  #lineCount = 0;
  #omittedCount = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  warn(fields: object, message: string): void {
    const { monotonicMs } = this.#clock.now();
    if (monotonicMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = monotonicMs;
      this.#lineCount = 0;
    }
    if (this.#lineCount === LINES_MAX) {
      this.#omittedCount++;
      return;
    }
    this.#lineCount++;
    const omitted = this.#omittedCount === 0 ? '' : ` (${this.#omittedCount} lines like this were left out before)`;
    this.#omittedCount = 0;
    this.#logger.warn(fields, message + omitted);
  }
}
