/**
 * Carries commits out: asks the ledger what may be committed, the ack mode when, and tells the ledger what was. A commit that
 * fails leaves the ledger as it was, so that the next one includes it.
 */
import { type Clock, errorText, KafkaError, type Logger } from '#core';
import { OffsetAndMetadata, PartitionMap, type TopicPartitionLike } from '#serde';
import { type AckMoment, isCommitDue } from './ack-mode.ts';
import type { AcknowledgmentHost } from './acknowledgment.ts';
import type { CommitLedger } from './commit-ledger.ts';
import type { ListenerConsumer } from './consumer-factory.ts';
import type { ContainerProperties } from './container-properties.ts';

/** The member is out of its group or between generations: the next poll sorts it out, and the records stay handled here. */
const REBALANCING = new Set(['REBALANCE_IN_PROGRESS', 'COMMIT_FAILED', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']);

export interface CommitterOptions {
  ledger: CommitLedger;
  consumer: ListenerConsumer;
  properties: ContainerProperties;
  /** Without a group there is nowhere to commit to; the ledger is still kept. */
  hasGroup: boolean;
  clock: Clock;
  logger: Logger;
  /** Ends the container's nap, so that a requested commit is carried out soon. */
  wake(): void;
}

export class Committer implements AcknowledgmentHost {
  readonly isImmediate: boolean;
  readonly asyncAcks: boolean;
  readonly commitHighestAck: boolean;
  private readonly options: CommitterOptions;
  private lastCommitMs: number;
  /** Settled when the commit that they asked for is done. */
  private waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(options: CommitterOptions) {
    const { properties, clock } = options;
    this.options = options;
    this.isImmediate = properties.ackMode === 'manual_immediate';
    this.asyncAcks = properties.asyncAcks;
    this.commitHighestAck = properties.commitHighestAck;
    this.lastCommitMs = clock.now().monotonicMs;
  }

  commitRequested(): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => this.waiters.push({ resolve, reject }));
    // An acknowledgment need not be awaited: a failed commit is logged, and repeated with the next one.
    promise.catch(() => {});
    this.options.wake();
    return promise;
  }

  acknowledged(): void {}

  get isRequested(): boolean {
    return this.waiters.length > 0;
  }

  /** Whether the ack mode wants a commit at this moment. */
  isDue(moment: AckMoment): boolean {
    const { properties, ledger, clock } = this.options;
    if (this.waiters.length > 0) return true;
    if (moment === 'after-record' && isNeverAfterRecord(properties)) return false;
    return isCommitDue(properties, moment, ledger.handledCount, clock.now().monotonicMs - this.lastCommitMs);
  }

  /**
   * Commits what may be committed, of all partitions or of those given; of all when somebody waits, for nobody knows here whose
   * record it was. Never rejects: what fails stays to be committed.
   */
  async commit(only?: readonly TopicPartitionLike[]): Promise<void> {
    const waiters = this.waiters;
    this.waiters = [];
    try {
      await this.commitPositions(this.options.ledger.committable(waiters.length > 0 ? undefined : only));
      for (const waiter of waiters) waiter.resolve();
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
      this.logFailure(error);
    }
  }

  /** The last commits. Afterwards no acknowledgment counts any more, and none waits. */
  async close(): Promise<void> {
    await this.commit();
    // What was acknowledged during that commit gets one of its own.
    if (this.isRequested) await this.commit();
    this.options.ledger.closeAll();
    const error = new KafkaError('CLOSED', 'the container was stopped before the offset could be committed');
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
  }

  private async commitPositions(positions: PartitionMap<number>): Promise<void> {
    const { ledger, hasGroup, properties, clock } = this.options;
    this.lastCommitMs = clock.now().monotonicMs;
    if (positions.size === 0) return;
    if (hasGroup) {
      const offsets = new PartitionMap<OffsetAndMetadata>();
      for (const [of, next] of positions) offsets.set(of, new OffsetAndMetadata(next));
      if (!properties.syncCommits) return this.commitLater(positions, offsets);
      await this.commitNow(offsets);
    }
    ledger.committed(positions);
  }

  private async commitNow(offsets: PartitionMap<OffsetAndMetadata>): Promise<void> {
    const { consumer, properties } = this.options;
    for (let triesLeft = properties.commitRetries; ; triesLeft--) {
      try {
        await consumer.commitSync(offsets, properties.syncCommitTimeoutMs);
        return;
      } catch (error) {
        // A wake-up that was meant for a poll that had ended by itself says nothing about this commit.
        const isRepeatable = error instanceof KafkaError && (error.retriable || error.code === 'WAKEUP');
        if (!isRepeatable || triesLeft <= 0 || REBALANCING.has(error.code)) throw error;
      }
    }
  }

  private commitLater(positions: PartitionMap<number>, offsets: PartitionMap<OffsetAndMetadata>): void {
    const { ledger, consumer } = this.options;
    ledger.committed(positions);
    consumer.commitAsync(offsets, (_offsets, error) => {
      if (error === null) return;
      ledger.recommit(positions);
      this.logFailure(error);
    });
  }

  private logFailure(error: unknown): void {
    const { logger } = this.options;
    const isRebalance = error instanceof KafkaError && REBALANCING.has(error.code);
    const text = `a commit failed and will be repeated: ${errorText(error)}`;
    if (isRebalance) logger.debug({ err: error }, text);
    else logger.error({ err: error }, text);
  }
}

/** Spares the common modes the look at ledger and clock after each record. */
function isNeverAfterRecord({ ackMode }: ContainerProperties): boolean {
  return ackMode === 'batch' || ackMode === 'manual' || ackMode === 'manual_immediate';
}
