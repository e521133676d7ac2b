/**
 * Hands the records of a poll to a batch listener, in one call or one per partition. Records that cannot be decoded or
 * converted go to the error handler one by one and never reach the listener, so that one of them does not fail the rest; a
 * failed call is delivered again from memory, from the record that the error handler says.
 */
import { type ConsumerRecords, deserializationErrorOf, PartitionMap } from '#serde';
import { BatchAcknowledgment, type BatchEntry } from './acknowledgment.ts';
import { BROKEN_HANDLER_RETRY_MS, Delivery, type DeliveryParts, onlyPartition } from './delivery.ts';
import type { BatchErrorDecision } from './error-handler.ts';
import { type BatchInvoker, isPromiseLike } from './invoker.ts';

interface PreparedEntry extends BatchEntry {
  prepared: unknown;
}

type Outcome = { is: 'done' } | { is: 'nacked'; index: number; sleepMs: number } | { is: 'failed'; error: unknown };

export class BatchDelivery extends Delivery {
  private readonly invoker: BatchInvoker;

  constructor(parts: DeliveryParts, invoker: BatchInvoker) {
    super(parts);
    this.invoker = invoker;
  }

  async deliver(records: ConsumerRecords): Promise<void> {
    const { control, committer, properties } = this.parts;
    const all = this.enter(records);
    const batches = properties.subBatchPerPartition ? byPartition(all) : [all];
    for (const batch of batches) {
      if (control.mustLeave()) return;
      await this.deliverBatch(batch);
      if (committer.isDue('after-poll')) await committer.commit();
      await this.breathe();
    }
  }

  private enter(records: ConsumerRecords): BatchEntry[] {
    const entries: BatchEntry[] = [];
    for (const of of records.partitions()) {
      const list = records.records(of);
      const page = this.parts.ledger.pageFor(of, list[0].offset);
      for (const record of list) {
        page.deliver(record.offset);
        entries.push({ record, page });
      }
    }
    return entries;
  }

  private async deliverBatch(batch: BatchEntry[]): Promise<void> {
    const { control, context } = this.parts;
    let entries = await this.prepare(batch);
    context.deliveryAttempt = 1;
    while (entries.length > 0) {
      const outcome = await this.attempt(entries);
      if (outcome.is === 'done') return;
      entries = this.stillOurs(entries);
      if (entries.length === 0 || control.isStopping()) return;
      const decision: BatchErrorDecision =
        outcome.is === 'nacked'
          ? { is: 'handled-up-to', handledCount: outcome.index, afterMs: outcome.sleepMs }
          : await this.decide(entries, outcome.error);
      if (decision.is === 'stop') return control.stopAbnormally();
      for (const { record, page } of entries.slice(0, decision.handledCount)) page.handle(record.offset);
      entries = entries.slice(decision.handledCount);
      const isGone = (): boolean => entries.every(({ page }) => page.isClosed);
      if (entries.length === 0 || !(await this.waitToRetry(decision.afterMs, isGone))) return;
      if (outcome.is === 'failed') context.deliveryAttempt++;
      entries = this.stillOurs(entries);
    }
  }

  /** What the listener will see: filtered, decoded, converted. What cannot be is seen through here, record by record. */
  private async prepare(batch: BatchEntry[]): Promise<PreparedEntry[]> {
    const ready: PreparedEntry[] = [];
    /** Partitions with a record that stays unhandled: what follows it must wait for the next start. */
    const left = new PartitionMap<true>();
    for (const entry of batch) {
      const { page, record } = entry;
      if (page.isClosed || left.has(page.topicPartition)) continue;
      const result = this.prepareOne(entry);
      if (result.is === 'ready') ready.push({ page, record, prepared: result.prepared });
      else if (result.is === 'skipped') page.handle(record.offset);
      else if (!(await this.seeThrough(entry, result.error))) left.set(page.topicPartition, true);
    }
    return this.stillOurs(ready);
  }

  private prepareOne({
    record,
  }: BatchEntry): { is: 'ready'; prepared: unknown } | { is: 'skipped' } | { is: 'failed'; error: unknown } {
    const undecodable = this.invoker.takesFailures ? undefined : deserializationErrorOf(record);
    if (undecodable !== undefined) return { is: 'failed', error: undecodable };
    try {
      if (this.parts.filter?.filter(record) === true) return { is: 'skipped' };
      return { is: 'ready', prepared: this.invoker.prepare(record) };
    } catch (error) {
      return { is: 'failed', error };
    }
  }

  private async seeThrough({ record, page }: BatchEntry, error: unknown): Promise<boolean> {
    const { control } = this.parts;
    while (!page.isClosed && !control.isStopping()) {
      const decision = await this.decideOne(record, error);
      if (decision.is === 'handled') {
        page.handle(record.offset);
        return true;
      }
      if (decision.is === 'stop') {
        control.stopAbnormally();
        return false;
      }
      if (!(await this.waitToRetry(decision.afterMs, () => page.isClosed))) return false;
    }
    return false;
  }

  private async attempt(entries: readonly PreparedEntry[]): Promise<Outcome> {
    const { context, committer } = this.parts;
    const needsAcknowledgment = this.isManual && this.invoker.usesAcknowledgment;
    const acknowledgment = needsAcknowledgment ? new BatchAcknowledgment(committer, entries) : undefined;
    context.acknowledgment = acknowledgment;
    let outcome: Outcome = { is: 'done' };
    const records = entries.map((entry) => entry.record);
    const fail = (error: unknown): void => {
      acknowledgment?.returned();
      outcome = { is: 'failed', error };
    };
    const succeed = (): void => {
      outcome = this.returned(entries, acknowledgment);
    };
    try {
      const result = this.invoker.invoke(
        records,
        entries.map((entry) => entry.prepared),
        context,
      );
      if (!isPromiseLike(result)) succeed();
      else await this.waitFor(partitionsOf(entries), Promise.resolve(result).then(succeed, fail));
    } catch (error) {
      fail(error);
    }
    return outcome;
  }

  private returned(entries: readonly BatchEntry[], acknowledgment: BatchAcknowledgment | undefined): Outcome {
    acknowledgment?.returned();
    if (acknowledgment?.nacked !== undefined) return { is: 'nacked', ...acknowledgment.nacked };
    if (!this.isManual) for (const { record, page } of entries) page.handle(record.offset);
    return { is: 'done' };
  }

  private stillOurs<E extends BatchEntry>(entries: E[]): E[] {
    return entries.some(({ page }) => page.isClosed) ? entries.filter(({ page }) => !page.isClosed) : entries;
  }

  private async decide(entries: readonly BatchEntry[], error: unknown): Promise<BatchErrorDecision> {
    const { errorHandler, context, listenerId, logger } = this.parts;
    const { consumer, groupId } = context;
    const records = entries.map(({ record }) => record);
    const again: BatchErrorDecision = { is: 'handled-up-to', handledCount: 0, afterMs: BROKEN_HANDLER_RETRY_MS };
    const failure = { error: this.wrapped(error), records, listenerId, groupId, consumer, logger };
    return (await this.ask(() => errorHandler.handleBatch?.(failure) ?? again)) ?? again;
  }
}

function byPartition(entries: readonly BatchEntry[]): BatchEntry[][] {
  const groups = new PartitionMap<BatchEntry[]>();
  for (const entry of entries) groups.getOrSet(entry.page.topicPartition, () => []).push(entry);
  return groups.values();
}

function partitionsOf(entries: readonly BatchEntry[]): PartitionMap<true> {
  const first = entries[0].page.topicPartition;
  const partitions = onlyPartition(first);
  for (const { page } of entries) partitions.set(page.topicPartition, true);
  return partitions;
}
