/**
 * Hands the records of a poll to a record listener, one at a time. A synchronous listener in a mode that does not commit per
 * record costs no promise: this loop awaits only what is really to be waited for.
 *
 * Per record: filter → decodable? → call → acknowledge → commit when the mode says so. A failure is decided by the error
 * handler and carried out here, from memory: later records of the poll wait, the partition's order is kept.
 */
import { type ConsumerRecord, type ConsumerRecords, deserializationErrorOf } from '#serde';
import { RecordAcknowledgment } from './acknowledgment.ts';
import type { LedgerPage } from './commit-ledger.ts';
import { Delivery, type DeliveryParts, onlyPartition } from './delivery.ts';
import type { ErrorDecision } from './error-handler.ts';
import { isPromiseLike, type RecordInvoker } from './invoker.ts';

/** One delivery's end. */
type Outcome = { is: 'done' } | { is: 'nacked'; sleepMs: number } | { is: 'failed'; error: unknown };

const DONE: Outcome = { is: 'done' };

export class RecordDelivery extends Delivery {
  private readonly invoker: RecordInvoker;

  constructor(parts: DeliveryParts, invoker: RecordInvoker) {
    super(parts);
    this.invoker = invoker;
  }

  async deliver(records: ConsumerRecords): Promise<void> {
    const { ledger, control, committer, properties } = this.parts;
    const partitions = records.partitions();
    const pages = partitions.map((of) => {
      const list = records.records(of);
      const page = ledger.pageFor(of, list[0].offset);
      for (const record of list) page.deliver(record.offset);
      return page;
    });
    const commitsOnlyItself = properties.ackMode === 'record';
    for (const page of pages) {
      for (const record of records.records(page.topicPartition)) {
        if (page.isClosed) break;
        if (control.mustLeave()) return;
        const handling = this.handle(record, page);
        if (handling !== undefined && !(await handling)) break;
        if (committer.isDue('after-record'))
          await committer.commit(commitsOnlyItself ? [page.topicPartition] : undefined);
        const breath = this.breathe();
        if (breath !== undefined) await breath;
      }
    }
  }

  /** Undefined when the record is done with already; else whether the next record of the partition may follow. */
  private handle(record: ConsumerRecord, page: LedgerPage): Promise<boolean> | undefined {
    this.parts.context.deliveryAttempt = 1;
    const outcome = this.attempt(record, page);
    return outcome === DONE ? undefined : this.finish(record, page, outcome);
  }

  private attempt(record: ConsumerRecord, page: LedgerPage): Outcome | Promise<Outcome> {
    const undecodable = deserializationErrorOf(record);
    if (undecodable !== undefined) return { is: 'failed', error: undecodable };
    const { context, filter } = this.parts;
    const acknowledgment = this.acknowledgmentFor(record, page);
    context.acknowledgment = acknowledgment;
    let result: unknown;
    try {
      if (filter?.filter(record) === true) return this.skip(record, page);
      result = this.invoker.invoke(record, context);
    } catch (error) {
      acknowledgment?.returned();
      return { is: 'failed', error };
    }
    return isPromiseLike(result)
      ? this.settle(result, record, page, acknowledgment)
      : this.returned(record, page, acknowledgment);
  }

  private acknowledgmentFor(record: ConsumerRecord, page: LedgerPage): RecordAcknowledgment | undefined {
    if (!this.isManual || !this.invoker.usesAcknowledgment) return undefined;
    return new RecordAcknowledgment(this.parts.committer, page, record.offset);
  }

  private skip(record: ConsumerRecord, page: LedgerPage): Outcome {
    page.handle(record.offset);
    return DONE;
  }

  /** The listener returned: its record counts as handled, unless it says so itself. */
  private returned(
    record: ConsumerRecord,
    page: LedgerPage,
    acknowledgment: RecordAcknowledgment | undefined,
  ): Outcome {
    acknowledgment?.returned();
    const nackMs = acknowledgment?.nackMs;
    if (nackMs !== undefined) return { is: 'nacked', sleepMs: nackMs };
    if (!this.isManual) page.handle(record.offset);
    return DONE;
  }

  /** The bookkeeping is part of the promise that a revocation waits for, so the commit that follows includes this record. */
  private async settle(
    result: PromiseLike<unknown>,
    record: ConsumerRecord,
    page: LedgerPage,
    acknowledgment: RecordAcknowledgment | undefined,
  ): Promise<Outcome> {
    let outcome: Outcome = DONE;
    const done = Promise.resolve(result).then(
      () => {
        outcome = this.returned(record, page, acknowledgment);
      },
      (error: unknown) => {
        acknowledgment?.returned();
        outcome = { is: 'failed', error };
      },
    );
    await this.waitFor(onlyPartition(page.topicPartition), done);
    return outcome;
  }

  /**
   * Sees a record through that was not done at once: waits, asks the error handler, delivers again. False when it stays
   * unhandled (stopped, or the partition is gone): then nothing after it may be delivered, the next start begins with it.
   */
  private async finish(record: ConsumerRecord, page: LedgerPage, first: Outcome | Promise<Outcome>): Promise<boolean> {
    const { control, context } = this.parts;
    for (let outcome = await first; outcome.is !== 'done'; outcome = await this.attempt(record, page)) {
      if (page.isClosed || control.isStopping()) return false;
      const decision = await this.decisionOn(record, outcome);
      if (decision.is === 'handled') {
        page.handle(record.offset);
        return true;
      }
      if (decision.is === 'stop') {
        control.stopAbnormally();
        return false;
      }
      if (!(await this.waitToRetry(decision.afterMs, () => page.isClosed))) return false;
      if (outcome.is === 'failed') context.deliveryAttempt++;
    }
    return !page.isClosed;
  }

  private decisionOn(record: ConsumerRecord, outcome: Outcome): ErrorDecision | Promise<ErrorDecision> {
    if (outcome.is === 'failed') return this.decideOne(record, outcome.error);
    return { is: 'retry', afterMs: outcome.is === 'nacked' ? outcome.sleepMs : 0 };
  }
}
