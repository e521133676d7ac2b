/**
 * What a listener in a manual mode says about its record or batch. `Acknowledgment` is the class that listener methods
 * declare; the two below are what they get.
 */
import { KafkaError } from '#core';
import type { ConsumerRecord } from '#serde';
import type { LedgerPage } from './commit-ledger.ts';

export abstract class Acknowledgment {
  /**
   * The record (or all of the batch, or the batch up to and including `index`) is handled. Resolves at once in mode `manual`,
   * when what may be committed is committed in `manual_immediate` (rejects when that commit fails; it is repeated all the same);
   * need not be awaited. Idempotent. When the partition was taken away meanwhile it counts for nothing: the next owner gets the record.
   */
  abstract acknowledge(index?: number): Promise<void>;
  /** The record failed for now: deliver it again after `sleepMs`. Ends the handling of this poll's records until then. */
  abstract nack(sleepMs: number): void;
  /** Batch: the records before `index` are handled, deliver those from `index` on again after `sleepMs`. */
  abstract nack(index: number, sleepMs: number): void;
  /** Whether acknowledgments may come in any order after the listener has returned. */
  abstract isOutOfOrderCommit(): boolean;
}

/** The container's side. */
export interface AcknowledgmentHost {
  readonly isImmediate: boolean;
  readonly asyncAcks: boolean;
  readonly commitHighestAck: boolean;
  /** Something became committable; resolves when it is committed. */
  commitRequested(): Promise<void>;
  /** Something became committable and will be committed when its time has come. */
  acknowledged(): void;
}

const DONE = Promise.resolve();

export class RecordAcknowledgment extends Acknowledgment {
  private readonly host: AcknowledgmentHost;
  private readonly page: LedgerPage;
  private readonly offset: number;
  /** Set by `acknowledge`: what every call of it answers. */
  private acked: Promise<void> | undefined;
  private isReturned = false;
  /** Set by `nack`: milliseconds to wait before the next delivery. */
  nackMs: number | undefined;

  constructor(host: AcknowledgmentHost, page: LedgerPage, offset: number) {
    super();
    this.host = host;
    this.page = page;
    this.offset = offset;
  }

  acknowledge(index?: number): Promise<void> {
    if (index !== undefined) throw illegal('acknowledge(index) belongs to batch listeners');
    if (this.nackMs !== undefined) throw illegal('the record was nacked');
    this.acked ??= settle(this.host, this.page, this.offset);
    return this.acked;
  }

  nack(first: number, second?: number): void {
    if (second !== undefined) throw illegal('nack(index, sleepMs) belongs to batch listeners');
    checkNack(this.host, this.isReturned, first);
    if (this.acked !== undefined) throw illegal('the record is acknowledged already');
    this.nackMs = first;
  }

  isOutOfOrderCommit(): boolean {
    return this.host.asyncAcks;
  }

  /** The listener has returned: nack is over. */
  returned(): void {
    this.isReturned = true;
  }
}

/** One record of a batch with the page it counts on. */
export interface BatchEntry {
  readonly record: ConsumerRecord;
  readonly page: LedgerPage;
}

export class BatchAcknowledgment extends Acknowledgment {
  private readonly host: AcknowledgmentHost;
  private readonly entries: readonly BatchEntry[];
  private ackedCount = 0;
  private acked: Promise<void> = DONE;
  private isReturned = false;
  nacked: { index: number; sleepMs: number } | undefined;

  constructor(host: AcknowledgmentHost, entries: readonly BatchEntry[]) {
    super();
    this.host = host;
    this.entries = entries;
  }

  acknowledge(index?: number): Promise<void> {
    if (this.nacked !== undefined) throw illegal('the batch was nacked');
    if (index === undefined) return this.ackTo(this.entries.length);
    if (!this.host.isImmediate) throw illegal('acknowledge(index) needs the ack mode manual_immediate');
    if (this.isReturned) throw illegal('acknowledge(index) belongs into the listener');
    if (!Number.isInteger(index) || index < this.ackedCount || index >= this.entries.length) {
      throw illegal(`acknowledge(${index}): the index must be from ${this.ackedCount} to ${this.entries.length - 1}`);
    }
    return this.ackTo(index + 1);
  }

  nack(first: number, second?: number): void {
    const [index, sleepMs] = second === undefined ? [this.ackedCount, first] : [first, second];
    checkNack(this.host, this.isReturned, sleepMs);
    if (!Number.isInteger(index) || index < this.ackedCount || index >= this.entries.length) {
      throw illegal(`nack(${index}): the index must be from ${this.ackedCount} to ${this.entries.length - 1}`);
    }
    for (; this.ackedCount < index; this.ackedCount++) this.handle(this.entries[this.ackedCount]);
    this.nacked = { index, sleepMs };
  }

  isOutOfOrderCommit(): boolean {
    return this.host.asyncAcks;
  }

  returned(): void {
    this.isReturned = true;
  }

  private ackTo(count: number): Promise<void> {
    if (this.ackedCount >= count) return this.acked;
    for (; this.ackedCount < count; this.ackedCount++) this.handle(this.entries[this.ackedCount]);
    this.acked = committed(this.host);
    return this.acked;
  }

  private handle({ page, record }: BatchEntry): void {
    page.handle(record.offset);
  }
}

/** Enters the acknowledgment; a late one (partition gone, record rewound) counts for nothing and needs no answer. */
function settle(host: AcknowledgmentHost, page: LedgerPage, offset: number): Promise<void> {
  const isExpected = host.commitHighestAck ? page.handleUpTo(offset) : page.handle(offset);
  return isExpected ? committed(host) : DONE;
}

function committed(host: AcknowledgmentHost): Promise<void> {
  if (host.isImmediate) return host.commitRequested();
  host.acknowledged();
  return DONE;
}

function checkNack(host: AcknowledgmentHost, isReturned: boolean, sleepMs: number): void {
  if (host.asyncAcks) throw illegal('nack is not possible with asyncAcks: the records after this one are under way');
  if (isReturned) throw illegal('nack belongs into the listener; it has returned');
  if (!(sleepMs >= 0)) throw illegal(`nack: sleepMs must be >= 0, not ${sleepMs}`);
}

function illegal(text: string): KafkaError {
  return new KafkaError('ILLEGAL_STATE', text);
}
