/**
 * What record and batch delivery share: the parts of the container they work with, and the state of the call that is under way,
 * which a revocation waits for.
 */
import type { Logger } from '#core';
import { type ConsumerRecord, PartitionMap, type TopicPartition, type TopicPartitionLike } from '#serde';
import { isManual } from './ack-mode.ts';
import type { CommitLedger } from './commit-ledger.ts';
import type { Committer } from './committer.ts';
import type { ContainerProperties } from './container-properties.ts';
import type { CommonErrorHandler, ErrorDecision } from './error-handler.ts';
import { ListenerExecutionFailedException } from './exceptions.ts';
import type { ListenerContext } from './invoker.ts';
import type { KeepAlive } from './keep-alive.ts';
import type { RecordFilterStrategy } from './record-filter.ts';
import type { TurnBudget } from './turn-budget.ts';

/** The container's answers to a delivery. */
export interface DeliveryControl {
  /** stop() was called: nothing is retried any more. */
  isStopping(): boolean;
  /** stop() was called and the records that were polled already must wait for the next start. */
  mustLeave(): boolean;
  /** The error handler wants the container stopped. */
  stopAbnormally(): void;
}

export interface DeliveryParts {
  ledger: CommitLedger;
  committer: Committer;
  keepAlive: KeepAlive;
  budget: TurnBudget;
  properties: ContainerProperties;
  errorHandler: CommonErrorHandler;
  filter: RecordFilterStrategy | undefined;
  context: ListenerContext;
  listenerId: string;
  /** `Orders.onOrder`, for error texts. */
  description: string;
  control: DeliveryControl;
  logger: Logger;
}

/** After how long to ask a throwing error handler again. */
export const BROKEN_HANDLER_RETRY_MS = 1000;

export class Delivery {
  protected readonly parts: DeliveryParts;
  protected readonly isManual: boolean;
  private running: { partitions: PartitionMap<true>; done: Promise<void> } | undefined;

  constructor(parts: DeliveryParts) {
    this.parts = parts;
    this.isManual = isManual(parts.properties.ackMode);
  }

  /** The end of the call that is under way for one of these partitions; undefined when there is none. Never rejects. */
  runningCall(of: readonly TopicPartitionLike[]): Promise<void> | undefined {
    const { running } = this;
    return running !== undefined && of.some((one) => running.partitions.has(one)) ? running.done : undefined;
  }

  /** Waits for a call, while the consumer is kept alive. `done` never rejects. */
  protected async waitFor(partitions: PartitionMap<true>, done: Promise<void>): Promise<void> {
    this.running = { partitions, done };
    await this.parts.keepAlive.until(done);
    this.running = undefined;
  }

  /** Lets the loop breathe and the group know that we live; undefined when neither is due. */
  protected breathe(): Promise<void> | undefined {
    const { budget, keepAlive } = this.parts;
    if (budget.isSpent()) return budget.yield().then(() => keepAlive.pollIfDue());
    return keepAlive.pollIfDue();
  }

  /** Waits before the next delivery; returns whether there will be one. What is handled already is committed first. */
  protected async waitToRetry(afterMs: number, isGone: () => boolean): Promise<boolean> {
    const { control, keepAlive, committer } = this.parts;
    const isOver = (): boolean => control.isStopping() || isGone();
    if (afterMs > 0 && !isOver()) {
      await committer.commit();
      await keepAlive.sleep(afterMs, isOver);
    }
    await this.breathe();
    return !isOver();
  }

  /** Asks the error handler, while the consumer is kept alive; undefined when the handler itself failed. */
  protected async ask<D>(question: () => D | Promise<D>): Promise<D | undefined> {
    let decision: D | undefined;
    const asked = (async () => {
      decision = await question();
    })().catch((error: unknown) => {
      this.parts.logger.error({ err: error }, 'the error handler itself threw; the record is delivered again');
    });
    await this.parts.keepAlive.until(asked);
    return decision;
  }

  /** The error handler's word on one record. */
  protected async decideOne(record: ConsumerRecord, error: unknown): Promise<ErrorDecision> {
    const { errorHandler, context, listenerId, logger } = this.parts;
    const { consumer, groupId } = context;
    const failure = { error: this.wrapped(error), record, listenerId, groupId, consumer, logger };
    const decision = await this.ask(() => errorHandler.handleOne(failure));
    return decision ?? { is: 'retry', afterMs: BROKEN_HANDLER_RETRY_MS };
  }

  protected wrapped(error: unknown): Error {
    if (error instanceof ListenerExecutionFailedException) return error;
    const text = `Listener method '${this.parts.description}' threw exception`;
    return new ListenerExecutionFailedException(text, this.parts.context.groupId, error);
  }
}

export function onlyPartition(of: TopicPartition): PartitionMap<true> {
  return new PartitionMap([[of, true as const]]);
}
