/** How long the loop was held up at most, by a timer that should fire each millisecond: a few tenths are its own. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;

export class Turns {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** Milliseconds of the longest delay. */
  stop(): number {
    this.#histogram.disable();
    return Math.max(0, this.#histogram.max / 1e6 - RESOLUTION_MS);
  }
}
