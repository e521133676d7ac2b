/**
 * The shape every coordinator of the broker has: a pure machine whose state is the log it writes. `handle` reads state and proposes
 * records, answers and timers; `replay` alone changes what the records say, so running and recovering are one path. The shell that
 * runs a machine on a partition is `runtime.ts`. Pure: types only.
 */
import type { Instant } from '#core';

/** A record as it stands in the log of a coordinator: `key` null for metadata records, `value` null is a tombstone. */
export interface CoordinatorRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** An answer for whoever asked with `token`. */
export interface MachineReply {
  readonly token: number;
  readonly body: unknown;
}

/** Sets the timer `name` (again) or, with null, clears it. A timer that fires comes back as a `TimerEvent`. */
export interface TimerChange {
  readonly name: string;
  readonly delayMs: number | null;
}

export interface MachineOutput<R = CoordinatorRecord> {
  /** Appended as one batch: all of them are in the log, or none. */
  readonly records: readonly R[];
  /** Held back until the high watermark passes the last record the machine has seen. */
  readonly replies: readonly MachineReply[];
  readonly timers: readonly TimerChange[];
}

export interface TimerEvent {
  readonly type: 'timer';
  readonly name: string;
}

export interface Machine<E, R = CoordinatorRecord> {
  handle(event: E | TimerEvent, now: Instant): MachineOutput<R>;
  replay(record: R, offset: number): void;
}
