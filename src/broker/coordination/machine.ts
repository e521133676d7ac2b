/**
 * The shape every coordinator of the broker has: a pure machine whose state is the log it writes. `handle` reads state and proposes
 * records, answers and timers; `replay` alone changes what the records say, so running and recovering are one path. The shell that
 * runs a machine on a partition is `runtime.ts`. Pure: types only.
 */
import type { Instant } from '#core';
import type { TransactionMarker } from '#protocol';

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

/** Whose transaction a batch is part of. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** @typeParam R a record @typeParam O what the machine wants done outside */
export interface MachineOutput<R = CoordinatorRecord, O = never> {
  /** Appended as one batch: all of them are in the log, or none. */
  readonly records: readonly R[];
  /** Held back until the high watermark passes the last record the machine has seen. */
  readonly replies: readonly MachineReply[];
  readonly timers: readonly TimerChange[];
  /** The records are part of this producer's transaction. Where the log refuses them for it, the answers become that refusal. */
  readonly producer?: ProducerIdentity;
  /** Held back as replies are, and given to the owner behind them. */
  readonly orders?: readonly O[];
}

export interface TimerEvent {
  readonly type: 'timer';
  readonly name: string;
}

export interface Machine<E, R = CoordinatorRecord, O = never> {
  handle(event: E | TimerEvent, now: Instant): MachineOutput<R, O>;
  /** `producerId` of a record that counts when that producer's transaction is committed; -1 when it counts at once. */
  replay(record: R, offset: number, producerId: number): void;
  /** The transaction of a producer whose records were replayed, perhaps, is decided. */
  endTransaction?(producerId: number, type: TransactionMarker['type']): void;
}
