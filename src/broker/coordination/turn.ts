/** What one call of `handle` collects: a machine's answer in the making. ◇ */
import type { Instant } from '#core';
import type { CoordinatorRecord, MachineOutput, MachineReply, ProducerIdentity, TimerChange } from './machine.ts';

/** Lengths, timestamps and offsets of one record in a batch, at most. */
const RECORD_OVERHEAD_BYTES = 24;

export class Turn<O = never> implements MachineOutput<CoordinatorRecord, O> {
  readonly now: Instant;
  readonly records: CoordinatorRecord[] = [];
  readonly replies: (MachineReply & { readonly body: object })[] = [];
  readonly timers: TimerChange[] = [];
  readonly orders: O[] = [];
  producer: ProducerIdentity | undefined;

  #bytesLeft: number;

  /** All records together, with their overhead, take at most `batchBytesMax` bytes: they become one batch. */
  constructor(now: Instant, batchBytesMax: number) {
    this.now = now;
    this.#bytesLeft = batchBytesMax;
  }

  /** Proposes these records, all of them or, when the batch has no room for them, none. They are made no further than there is room. */
  propose(records: Iterable<CoordinatorRecord>): boolean {
    const countBefore = this.records.length;
    let bytes = 0;
    for (const record of records) {
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
      if (bytes > this.#bytesLeft) {
        this.records.length = countBefore;
        return false;
      }
      this.records.push(record);
    }
    this.#bytesLeft -= bytes;
    return true;
  }

  reply(token: number, body: object): void {
    this.replies.push({ token, body });
  }
}
