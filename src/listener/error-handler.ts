/**
 * What a container asks when a listener has failed. Handlers decide, the container does: waiting (by pausing and polling, so
 * the group is kept), delivering again from memory, counting as handled, stopping.
 */
import type { Logger } from '#core';
import type { ConsumerRecord, TopicPartition } from '#serde';
import type { ListenerConsumer } from './consumer-factory.ts';

/** Which listener could not handle a record, and where its container logs. */
export interface RecoveryContext {
  readonly listenerId: string;
  readonly groupId: string | undefined;
  readonly logger: Logger;
}

interface Failure extends RecoveryContext {
  /** A `ListenerExecutionFailedException` around what was thrown. */
  readonly error: Error;
  /** Identifies the child container: state is kept per consumer. */
  readonly consumer: ListenerConsumer;
}

export interface RecordFailure extends Failure {
  readonly record: ConsumerRecord;
}

export interface BatchFailure extends Failure {
  readonly records: readonly ConsumerRecord[];
}

/** `handled`: the record is done with and may be committed. `retry`: deliver it again. `stop`: stop the container, uncommitted. */
export type ErrorDecision = { is: 'handled' } | { is: 'retry'; afterMs: number } | { is: 'stop' };

/** The first `handledCount` records are done with; those after them are delivered again after `afterMs`. */
export type BatchErrorDecision = { is: 'handled-up-to'; handledCount: number; afterMs: number } | { is: 'stop' };

export interface CommonErrorHandler {
  handleOne(failure: RecordFailure): ErrorDecision | Promise<ErrorDecision>;
  /** Without it, a failing batch is delivered again and again, one second apart. */
  handleBatch?(failure: BatchFailure): BatchErrorDecision | Promise<BatchErrorDecision>;
  /** An error outside any listener (poll, commit); the container goes on by itself. */
  handleOtherException?(error: unknown, consumer: ListenerConsumer): void;
  /** These partitions are gone; forget how often their records failed. */
  forget?(consumer: ListenerConsumer, partitions: readonly TopicPartition[]): void;
  /** Containers offer their factory's recoverer to a handler that has none. */
  setDefaultRecoverer?(recoverer: ConsumerRecordRecoverer): void;
}

/** The last resort for a record. When it returns (or resolves), the record counts as handled; when it throws, it does not. */
export type ConsumerRecordRecoverer =
  | { recover(record: ConsumerRecord, error: Error, context: RecoveryContext): void | Promise<void> }
  | ((record: ConsumerRecord, error: Error, context: RecoveryContext) => void | Promise<void>);

export function recoverWith(
  recoverer: ConsumerRecordRecoverer,
  record: ConsumerRecord,
  error: Error,
  context: RecoveryContext,
): void | Promise<void> {
  return typeof recoverer === 'function'
    ? recoverer(record, error, context)
    : recoverer.recover(record, error, context);
}

/** `billing (group g)`, or `billing` when the group is named after it. */
export function listenerText({ listenerId, groupId }: Omit<RecoveryContext, 'logger'>): string {
  return groupId === undefined || groupId === listenerId ? listenerId : `${listenerId} (group ${groupId})`;
}

/** Logs and goes on: the record is dropped. Spring's `CommonLoggingErrorHandler`; never a default here. */
export class CommonLoggingErrorHandler implements CommonErrorHandler {
  handleOne({ error, record, logger }: RecordFailure): ErrorDecision {
    logger.error({ err: error }, `dropped ${record.topic}-${record.partition}@${record.offset}: its listener failed`);
    return { is: 'handled' };
  }

  handleBatch({ error, records, logger }: BatchFailure): BatchErrorDecision {
    logger.error({ err: error }, `dropped a batch of ${records.length} records: its listener failed`);
    return { is: 'handled-up-to', handledCount: records.length, afterMs: 0 };
  }
}

/** Stops the container at the first failure; the record is not committed and comes again after a restart. */
export class CommonContainerStoppingErrorHandler implements CommonErrorHandler {
  handleOne({ error, record, logger }: RecordFailure): ErrorDecision {
    const where = `${record.topic}-${record.partition}@${record.offset}`;
    logger.error({ err: error }, `the listener failed on ${where}: stopping the container`);
    return { is: 'stop' };
  }

  handleBatch({ error, logger }: BatchFailure): BatchErrorDecision {
    logger.error({ err: error }, 'the batch listener failed: stopping the container');
    return { is: 'stop' };
  }
}

/** The first delegate whose class fits the thrown error or one of its causes; else the default. */
export class CommonDelegatingErrorHandler implements CommonErrorHandler {
  private readonly otherwise: CommonErrorHandler;
  private readonly delegates: readonly (readonly [abstract new (...args: never[]) => Error, CommonErrorHandler])[];

  constructor(
    otherwise: CommonErrorHandler,
    delegates: Iterable<readonly [abstract new (...args: never[]) => Error, CommonErrorHandler]>,
  ) {
    this.otherwise = otherwise;
    this.delegates = [...delegates];
  }

  handleOne(failure: RecordFailure): ErrorDecision | Promise<ErrorDecision> {
    return this.delegateFor(failure.error).handleOne(failure);
  }

  handleBatch(failure: BatchFailure): BatchErrorDecision | Promise<BatchErrorDecision> {
    const retry: BatchErrorDecision = { is: 'handled-up-to', handledCount: 0, afterMs: 1000 };
    return this.delegateFor(failure.error).handleBatch?.(failure) ?? retry;
  }

  forget(consumer: ListenerConsumer, partitions: readonly TopicPartition[]): void {
    for (const handler of this.all()) handler.forget?.(consumer, partitions);
  }

  setDefaultRecoverer(recoverer: ConsumerRecordRecoverer): void {
    for (const handler of this.all()) handler.setDefaultRecoverer?.(recoverer);
  }

  private all(): CommonErrorHandler[] {
    return [this.otherwise, ...this.delegates.map(([, handler]) => handler)];
  }

  private delegateFor(error: Error): CommonErrorHandler {
    for (
      let current: unknown = error, depth = 0;
      Error.isError(current) && depth < 32;
      current = current.cause, depth++
    ) {
      const found = this.delegates.find(([type]) => current instanceof type);
      if (found !== undefined) return found[1];
    }
    return this.otherwise;
  }
}
