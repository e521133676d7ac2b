/**
 * Tells a client that is there from one that is idle, does not read, or sends a request a byte at a time. Looked at about once a second,
 * so a connection costs no timer and its requests no look at the clock. ◇
 */

/** A client that takes nothing of what was written to it for so long is stuck. */
export const STUCK_MS = 60_000;
/** In each of these spans a request that is being read must end, or grow by `FRAME_BYTES_MIN`. */
export const FRAME_MS = 60_000;
const FRAME_BYTES_MIN = 1024 * 1024;

/** What is to be known of a connection. */
export interface ConnectionPulse {
  /** Nothing is being read, answered or waited for. */
  readonly isIdle: boolean;
  /** We read what the client sends. */
  readonly isReading: boolean;
  /** What is there of a request that is not complete. */
  readonly partialBytes: number;
  /** What was written and the client has not read. */
  readonly unreadBytes: number;
}

export type Verdict = 'alive' | 'idle' | 'stuck' | 'crawling';

export class Liveness {
  readonly #idleMsMax: number;
  #isActive = false;
  #lastActiveMs: number;
  /** Where the request that is being read stood when it last made progress. */
  #frameMs: number;
  #frameBytes = 0;
  #hasTaken = false;
  /** When the client last read something of what was written, or there was nothing to read. */
  #takenMs: number;
  #unreadBytes = 0;

  constructor(idleMsMax: number, nowMs: number) {
    this.#idleMsMax = idleMsMax;
    this.#lastActiveMs = nowMs;
    this.#frameMs = nowMs;
    this.#takenMs = nowMs;
  }

  /** A request was begun, or an answer left. */
  active(): void {
    this.#isActive = true;
  }

  /** The client has read everything that was written. */
  taken(): void {
    this.#hasTaken = true;
  }

  /** For how long the client has read nothing, though there is something, as of the last check. */
  deafMs(nowMs: number): number {
    return this.#unreadBytes === 0 ? 0 : nowMs - this.#takenMs;
  }

  check(nowMs: number, pulse: ConnectionPulse): Verdict {
    if (this.#isActive || !pulse.isIdle) this.#lastActiveMs = nowMs;
    const isProgressing = this.#isActive || !pulse.isReading || pulse.partialBytes === 0;
    this.#isActive = false;
    if (isProgressing || pulse.partialBytes >= this.#frameBytes + FRAME_BYTES_MIN) {
      this.#frameMs = nowMs;
      this.#frameBytes = pulse.partialBytes;
    }
    if (this.#hasTaken || pulse.unreadBytes < this.#unreadBytes || this.#unreadBytes === 0) this.#takenMs = nowMs;
    this.#hasTaken = false;
    this.#unreadBytes = pulse.unreadBytes;
    if (this.deafMs(nowMs) >= STUCK_MS) return 'stuck';
    if (nowMs - this.#frameMs >= FRAME_MS) return 'crawling';
    return nowMs - this.#lastActiveMs >= this.#idleMsMax ? 'idle' : 'alive';
  }
}
