/**
 * How long the loop was held up at most: by a timer that should fire each millisecond. The CPU time between two firings tells what was
 * our own work (and that of the garbage collector) from what the machine did meanwhile with other processes.
 */

const EVERY_MS = 1;

export interface TurnFigures {
  /** Milliseconds. */
  readonly longestMs: number;
  readonly longestCpuMs: number;
}

export class Turns {
  readonly #timer = setInterval(() => this.#look(), EVERY_MS);
  #lastMs = performance.now();
  #lastCpuMs = cpuMs();
  #longestMs = 0;
  #longestCpuMs = 0;

  stop(): TurnFigures {
    clearInterval(this.#timer);
    return { longestMs: this.#longestMs, longestCpuMs: this.#longestCpuMs };
  }

  #look(): void {
    const nowMs = performance.now();
    const nowCpuMs = cpuMs();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs - EVERY_MS);
    this.#longestCpuMs = Math.max(this.#longestCpuMs, nowCpuMs - this.#lastCpuMs);
    this.#lastMs = nowMs;
    this.#lastCpuMs = nowCpuMs;
  }
}

/** Of this thread. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
