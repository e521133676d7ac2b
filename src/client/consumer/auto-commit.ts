/**
 * `enable.auto.commit`: when it is due, and what it commits, which is every position, so everything that earlier polls returned counts as
 * processed. A failure is logged and never thrown: its records are read again at worst.
 */
import { type Clock, KafkaError, type Logger } from '#core';
import { Errors } from '#protocol';
import { OffsetAndMetadata, PartitionMap } from '#serde';
import type { OffsetCommits } from './offset-commits.ts';
import type { Position, SubscriptionState } from './subscription-state.ts';

export interface AutoCommitOptions {
  readonly isEnabled: boolean;
  readonly intervalMs: number;
  readonly retryBackoffMs: number;
  readonly subscriptions: SubscriptionState;
  readonly commits: OffsetCommits;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AutoCommit {
  readonly #options: AutoCommitOptions;
  /** Monotonic. */
  #dueMs: number;

  constructor(options: AutoCommitOptions) {
    this.#options = options;
    this.#dueMs = options.isEnabled ? options.clock.now().monotonicMs + options.intervalMs : Number.POSITIVE_INFINITY;
  }

  /** To be called where poll begins: sends a commit if the interval is over, without waiting for it. */
  sendIfDue(): void {
    if (this.#options.clock.now().monotonicMs >= this.#dueMs) this.send();
  }

  /** Sends a commit now, without waiting for it. */
  send(): void {
    const { isEnabled, commits, subscriptions, logger, retryBackoffMs } = this.#options;
    if (!isEnabled) return;
    this.#setDue(this.#options.intervalMs);
    commits.commitAsync(consumedOffsets(subscriptions), (_offsets, error) => {
      if (error === null) return;
      logger.warn({ code: error.code }, `auto commit failed: ${error.message}`);
      if (error.retriable) this.#setDue(retryBackoffMs);
    });
  }

  /** Commits before partitions are given up; ends with `deadlineMs` (monotonic) at the latest. */
  async finish(deadlineMs: number): Promise<void> {
    const { isEnabled, commits, subscriptions, logger, intervalMs } = this.#options;
    if (!isEnabled) return;
    this.#setDue(intervalMs);
    try {
      await commits.commitSync(consumedOffsets(subscriptions), deadlineMs, isWorthWaiting);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      logger.warn({ code: error.code }, `auto commit failed, so some records will be read again: ${error.message}`);
    }
  }

  #setDue(delayMs: number): void {
    this.#dueMs = this.#options.clock.now().monotonicMs + delayMs;
  }
}

/** A topic that is gone does not come back as it was, and the group is waiting. */
function isWorthWaiting(error: KafkaError): boolean {
  return error.retriable && error.code !== Errors.UNKNOWN_TOPIC_OR_PARTITION.name;
}

/** The positions after everything that poll has returned, as they are committed. */
export function consumedOffsets(subscriptions: SubscriptionState): PartitionMap<OffsetAndMetadata> {
  const offsets = new PartitionMap<OffsetAndMetadata>();
  for (const { topicPartition, position } of subscriptions.states()) {
    if (position !== undefined) offsets.set(topicPartition, committable(position));
  }
  return offsets;
}

export function committable({ offset, leaderEpoch }: Position): OffsetAndMetadata {
  return new OffsetAndMetadata(offset, '', leaderEpoch < 0 ? undefined : leaderEpoch);
}
