/**
 * Spring's `DefaultErrorHandler`: deliver again with a back-off, then hand the record to a recoverer. Default back-off: no
 * wait, 9 further deliveries. Unlike Spring's, it never drops a record: without a recoverer, or while the recoverer fails, the
 * record is held and tried again with growing waits, and said so once a minute.
 */
import { type Clock, errorText, systemClock } from '#core';
import { type ConsumerRecord, PartitionMap, TopicPartition } from '#serde';
import { type BackOff, ExponentialBackOff, FixedBackOff, STOP } from './back-off.ts';
import type { ListenerConsumer } from './consumer-factory.ts';
import {
  type BatchErrorDecision,
  type BatchFailure,
  type CommonErrorHandler,
  type ConsumerRecordRecoverer,
  type ErrorDecision,
  listenerText,
  type RecordFailure,
  recoverWith,
} from './error-handler.ts';
import { type ErrorClass, ExceptionClassifier, rootOf } from './exception-classifier.ts';
import { BatchListenerFailedException } from './exceptions.ts';
import { FailedDeliveries } from './failed-deliveries.ts';

export interface RetryListener {
  failedDelivery?(record: ConsumerRecord, error: Error, deliveryAttempt: number): void;
  recovered?(record: ConsumerRecord, error: Error): void;
  recoveryFailed?(record: ConsumerRecord, original: Error, failure: unknown): void;
}

export interface DefaultErrorHandlerOptions {
  /** Another class of error than last time starts the back-off anew; default true. */
  resetStateOnExceptionChange?: boolean;
  /** Waits while a record is held because it cannot be recovered; default 1 s growing to 30 s. */
  heldBackOff?: BackOff;
  clock?: Clock;
}

interface ConsumerState {
  records: FailedDeliveries;
  batches: FailedDeliveries;
  /** Waits while recovery fails. */
  held: FailedDeliveries;
  /** When a held record of a partition was last told of, monotonic milliseconds. */
  heldToldMs: PartitionMap<number>;
}

const HELD_LOG_INTERVAL_MS = 60_000;

export class DefaultErrorHandler implements CommonErrorHandler {
  private recoverer: ConsumerRecordRecoverer | undefined;
  private readonly backOff: BackOff;
  private readonly classifier = new ExceptionClassifier();
  private readonly resetOnChange: boolean;
  private readonly heldBackOff: BackOff;
  private readonly clock: Clock;
  private readonly states = new WeakMap<ListenerConsumer, ConsumerState>();
  private backOffFunction: ((record: ConsumerRecord, error: unknown) => BackOff | null) | undefined;
  private retryListeners: readonly RetryListener[] = [];

  constructor(
    recoverer?: ConsumerRecordRecoverer,
    backOff: BackOff = new FixedBackOff(0, 9),
    options: DefaultErrorHandlerOptions = {},
  ) {
    this.recoverer = recoverer;
    this.backOff = backOff;
    this.resetOnChange = options.resetStateOnExceptionChange ?? true;
    this.heldBackOff =
      options.heldBackOff ?? new ExponentialBackOff({ initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 30_000 });
    this.clock = options.clock ?? systemClock;
  }

  setDefaultRecoverer(recoverer: ConsumerRecordRecoverer): void {
    this.recoverer ??= recoverer;
  }

  /** These (and subclasses, also as causes) go to the recoverer at once. */
  addNotRetryableExceptions(...types: ErrorClass[]): void {
    this.classifier.set(types, false);
  }

  addRetryableExceptions(...types: ErrorClass[]): void {
    this.classifier.set(types, true);
  }

  /** Forgets what was said about a class; also takes one of the default fatal classes off the list. */
  removeClassification(type: ErrorClass): boolean {
    return this.classifier.remove(type);
  }

  /** Retries only what `addRetryableExceptions` names. */
  defaultFalse(retainFatal = false): void {
    this.classifier.defaultFalse(retainFatal);
  }

  /** Chooses a back-off per record and error; null means the handler's own. */
  setBackOffFunction(choose: (record: ConsumerRecord, error: unknown) => BackOff | null): void {
    this.backOffFunction = choose;
  }

  setRetryListeners(...listeners: RetryListener[]): void {
    this.retryListeners = listeners;
  }

  async handleOne(failure: RecordFailure): Promise<ErrorDecision> {
    const { record, logger } = failure;
    const where = `${record.topic}-${record.partition}@${record.offset}`;
    const cause = rootOf(failure.error);
    const { records } = this.stateOf(failure.consumer);
    const { attemptCount, nextMs } = records.failed(record, cause, this.backOffFor(record, cause), this.resetOnChange);
    for (const listener of this.retryListeners) listener.failedDelivery?.(record, failure.error, attemptCount);
    if (nextMs === STOP || !this.classifier.isRetryable(failure.error)) return this.recover(failure);
    const text = `the listener failed on ${where} (delivery ${attemptCount}), again in ${nextMs} ms: ${errorText(cause)}`;
    if (attemptCount === 1) logger.warn({ err: cause }, text);
    else logger.debug(text);
    return { is: 'retry', afterMs: nextMs };
  }

  async handleBatch(failure: BatchFailure): Promise<BatchErrorDecision> {
    const index = failedIndex(failure);
    if (index === undefined) return this.handleWholeBatch(failure);
    const decision = await this.handleOne({ ...failure, record: failure.records[index] });
    if (decision.is === 'stop') return decision;
    if (decision.is === 'handled') return { is: 'handled-up-to', handledCount: index + 1, afterMs: 0 };
    return { is: 'handled-up-to', handledCount: index, afterMs: decision.afterMs };
  }

  forget(consumer: ListenerConsumer, partitions: readonly TopicPartition[]): void {
    const state = this.states.get(consumer);
    if (state === undefined) return;
    for (const of of partitions) {
      for (const deliveries of [state.records, state.batches, state.held]) deliveries.forget(of);
      state.heldToldMs.delete(of);
    }
  }

  private async handleWholeBatch(failure: BatchFailure): Promise<BatchErrorDecision> {
    const { records, consumer, logger, error } = failure;
    const cause = rootOf(error);
    const { batches } = this.stateOf(consumer);
    const first = records[0];
    const { attemptCount, nextMs } = batches.failed(first, cause, this.backOffFor(first, cause), this.resetOnChange);
    if (nextMs !== STOP && this.classifier.isRetryable(error)) {
      const text = `the batch listener failed on ${records.length} records (delivery ${attemptCount}), again in ${nextMs} ms`;
      if (attemptCount === 1) logger.warn({ err: cause }, text);
      else logger.debug(text);
      return { is: 'handled-up-to', handledCount: 0, afterMs: nextMs };
    }
    for (const [index, record] of records.entries()) {
      const decision = await this.recover({ ...failure, record });
      if (decision.is === 'retry') return { is: 'handled-up-to', handledCount: index, afterMs: decision.afterMs };
    }
    batches.forget(first);
    return { is: 'handled-up-to', handledCount: records.length, afterMs: 0 };
  }

  private async recover(failure: RecordFailure): Promise<ErrorDecision> {
    const { record, error, consumer } = failure;
    const state = this.stateOf(consumer);
    try {
      if (this.recoverer === undefined) throw new Error('the error handler has no recoverer');
      await recoverWith(this.recoverer, record, error, failure);
    } catch (recoveryError) {
      for (const listener of this.retryListeners) listener.recoveryFailed?.(record, error, recoveryError);
      state.records.forget(record);
      const { nextMs } = state.held.failed(record, recoveryError, this.heldBackOff, false);
      this.logHeld(failure, recoveryError, nextMs);
      return { is: 'retry', afterMs: Math.max(nextMs, 1) };
    }
    state.records.forget(record);
    state.held.forget(record);
    for (const listener of this.retryListeners) listener.recovered?.(record, error);
    return { is: 'handled' };
  }

  /** A held record is loud, but not a flood: each partition of each consumer once a minute. */
  private logHeld(failure: RecordFailure, recoveryError: unknown, nextMs: number): void {
    const { record, error, logger, consumer } = failure;
    const nowMs = this.clock.now().monotonicMs;
    const { heldToldMs } = this.stateOf(consumer);
    if (nowMs - (heldToldMs.get(record) ?? Number.NEGATIVE_INFINITY) < HELD_LOG_INTERVAL_MS) return;
    heldToldMs.set(new TopicPartition(record.topic, record.partition), nowMs);
    const where = `${listenerText(failure)}: ${record.topic}-${record.partition}@${record.offset}`;
    const text = `${where} can be neither handled (${errorText(rootOf(error))}) nor recovered (${errorText(recoveryError)})`;
    logger.error({ err: error }, `${text}: its partition is held, next try in ${nextMs} ms`);
  }

  private backOffFor(record: ConsumerRecord, error: unknown): BackOff {
    return this.backOffFunction?.(record, error) ?? this.backOff;
  }

  private stateOf(consumer: ListenerConsumer): ConsumerState {
    let state = this.states.get(consumer);
    if (state === undefined) {
      state = {
        records: new FailedDeliveries(),
        batches: new FailedDeliveries(),
        held: new FailedDeliveries(),
        heldToldMs: new PartitionMap(),
      };
      this.states.set(consumer, state);
    }
    return state;
  }
}

/** Where in the batch the listener says it failed; undefined when it does not say, or says something impossible. */
function failedIndex({ error, records, logger }: BatchFailure): number | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 32 && Error.isError(current); depth++) {
    if (current instanceof BatchListenerFailedException) {
      const index = current.record === undefined ? current.index : records.indexOf(current.record);
      if (index >= 0 && index < records.length) return index;
      logger.warn(`BatchListenerFailedException names no record of its batch (index ${index} of ${records.length})`);
      return undefined;
    }
    current = current.cause;
  }
  return undefined;
}
