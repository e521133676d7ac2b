/**
 * `KafkaMessageListenerContainer`: one consumer and one loop. The order of a turn is Spring's: commit what is due → queued
 * seeks → pauses → poll → deliver → resume. Everything that decides lives elsewhere (ledger, ack mode, pause state, error
 * handler); this file owns the consumer and its life.
 */
import { AssertionError, type Clock, errorText, KafkaError, type Logger } from '#core';
import { ConsumerRecords, type TopicPartition, type TopicPartitionLike } from '#serde';
import { BatchDelivery } from './batch-delivery.ts';
import { CommitLedger } from './commit-ledger.ts';
import { Committer } from './committer.ts';
import type { ListenerConsumer, RebalanceListener } from './consumer-factory.ts';
import type { ContainerProperties } from './container-properties.ts';
import type { DeliveryParts } from './delivery.ts';
import type { CommonErrorHandler } from './error-handler.ts';
import type { ContainerEvent, ContainerEventListener, StopReason } from './events.ts';
import type { ListenerContext, ListenerInvoker } from './invoker.ts';
import { KeepAlive } from './keep-alive.ts';
import { LoopErrors } from './loop-errors.ts';
import type { MissingTopics } from './missing-topics.ts';
import { PauseState } from './pause-state.ts';
import { RecordDelivery } from './record-delivery.ts';
import type { RecordFilterStrategy } from './record-filter.ts';
import { StartCommits } from './start-commits.ts';
import { seekToStart } from './start-positions.ts';
import type { TopicPartitionOffset } from './topic-partition-offset.ts';
import { TurnBudget } from './turn-budget.ts';

/** What a container reads. */
export type Subscription =
  | { by: 'topics'; topics: readonly string[] }
  | { by: 'pattern'; pattern: RegExp }
  | { by: 'partitions'; partitions: readonly TopicPartitionOffset[] };

export interface ChildContainerOptions {
  /** `<id>-<n>`. */
  name: string;
  listenerId: string;
  groupId: string | undefined;
  subscription: Subscription;
  consumer: ListenerConsumer;
  properties: ContainerProperties;
  invoker: ListenerInvoker;
  errorHandler: CommonErrorHandler;
  filter?: RecordFilterStrategy;
  clock: Clock;
  logger: Logger;
  publish: ContainerEventListener;
  /** Commit where fresh partitions start, before their first record. */
  commitsStarts: boolean;
  /** Told of from this container's loop; undefined: another one's, or nobody's task. */
  missingTopics: MissingTopics | undefined;
  /** Called at each rebalance, with everything that the consumer has now. */
  assigned(name: string, partitions: readonly TopicPartition[]): void;
  /** Called once, when the consumer is closed. */
  stopped(reason: StopReason): void;
}

/** How long closing the consumer (leaving the group) may take, in milliseconds. */
const CLOSE_TIMEOUT_MS = 10_000;

const NOTHING: ConsumerRecords = ConsumerRecords.empty();

export class KafkaMessageListenerContainer {
  readonly name: string;
  readonly groupId: string | undefined;
  private readonly options: ChildContainerOptions;
  private readonly consumer: ListenerConsumer;
  private readonly properties: ContainerProperties;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly ledger = new CommitLedger();
  private readonly pauses = new PauseState();
  private readonly committer: Committer;
  private readonly keepAlive: KeepAlive;
  private readonly budget: TurnBudget;
  private readonly delivery: RecordDelivery | BatchDelivery;
  private readonly loopErrors: LoopErrors;
  private readonly startCommits: StartCommits;
  private readonly seeks: { partition: TopicPartitionLike; offset: number }[] = [];
  private reason: StopReason = 'NORMAL';
  private isStopRequested = false;
  private leaveAtMs = Number.POSITIVE_INFINITY;
  private isPolling = false;
  private isDelivering = false;
  private isPositioned = false;
  private isPausedAnnounced = false;
  private lastRecordMs: number;
  private idleAnnouncedMs = 0;
  private isIdle = false;
  private loop: Promise<void> | undefined;

  constructor(options: ChildContainerOptions) {
    const { name, consumer, properties, clock, logger } = options;
    this.name = name;
    this.groupId = options.groupId;
    this.options = options;
    this.consumer = consumer;
    this.properties = properties;
    this.clock = clock;
    this.logger = logger;
    this.lastRecordMs = clock.now().monotonicMs;
    this.keepAlive = new KeepAlive(clock, properties.keepAliveMs, {
      poll: () => this.keepAlivePoll(),
      serve: () => this.serve(),
    });
    const hasGroup = options.groupId !== undefined;
    const wake = (): void => this.wake();
    this.committer = new Committer({ ledger: this.ledger, consumer, properties, hasGroup, clock, logger, wake });
    this.budget = new TurnBudget(clock, properties.yieldMs);
    this.loopErrors = new LoopErrors(properties.authExceptionRetryIntervalMs);
    this.startCommits = new StartCommits(consumer, properties.syncCommitTimeoutMs, logger);
    this.delivery = this.makeDelivery();
  }

  /** Subscribes and starts the loop; records may be delivered from now on. */
  start(): void {
    const { subscription } = this.options;
    this.publish({ type: 'ConsumerStarting' });
    if (subscription.by === 'topics') this.consumer.subscribe([...subscription.topics], this.rebalances());
    else if (subscription.by === 'pattern') this.consumer.subscribe(subscription.pattern, this.rebalances());
    else this.consumer.assign(subscription.partitions.map(({ topicPartition }) => topicPartition));
    this.loop = this.run();
  }

  isRunning(): boolean {
    return this.loop !== undefined && !this.isStopRequested;
  }

  /** Stops after the records that were polled already, or after the running one once `shutdownTimeoutMs` is over. Resolves when all is committed and closed. */
  async stop(reason: StopReason = 'NORMAL'): Promise<void> {
    this.requestStop(reason);
    await this.loop;
  }

  requestStop(reason: StopReason): void {
    if (this.isStopRequested) return;
    this.isStopRequested = true;
    this.reason = reason;
    this.leaveAtMs = this.clock.now().monotonicMs + this.properties.shutdownTimeoutMs;
    this.wake();
  }

  pause(isPaused: boolean): void {
    if (this.pauses.hold('requested', isPaused)) this.wake();
  }

  pausePartition(partition: TopicPartitionLike, isPaused: boolean): void {
    this.pauses.requestPartition(partition, isPaused);
    this.wake();
  }

  isPauseRequested(): boolean {
    return this.pauses.isHeld('requested');
  }

  /** Whether the pause has taken effect. */
  isContainerPaused(): boolean {
    return this.isPausedAnnounced;
  }

  /** Before the next poll; ignored with a warning when the partition is not assigned then. */
  seek(partition: TopicPartitionLike, offset: number): void {
    this.seeks.push({ partition, offset });
    this.wake();
  }

  getAssignedPartitions(): TopicPartition[] {
    return this.consumer.assignment();
  }

  /** The consumer's figures. */
  metrics(): Record<string, number> {
    return this.consumer.metrics?.() ?? {};
  }

  enforceRebalance(): void {
    this.consumer.enforceRebalance?.();
  }

  private makeDelivery(): RecordDelivery | BatchDelivery {
    const { consumer, listenerId, groupId, invoker, errorHandler, filter, logger } = this.options;
    const context: ListenerContext = { consumer, groupId, acknowledgment: undefined, deliveryAttempt: 1 };
    const { ledger, committer, keepAlive, budget, properties } = this;
    const control = {
      isStopping: () => this.isStopRequested,
      mustLeave: () => this.mustLeave(),
      stopAbnormally: () => this.requestStop('ABNORMAL'),
    };
    const parts: DeliveryParts = {
      ledger,
      committer,
      keepAlive,
      budget,
      properties,
      errorHandler,
      filter,
      context,
      listenerId,
      description: invoker.description,
      control,
      logger,
    };
    return invoker.kind === 'record' ? new RecordDelivery(parts, invoker) : new BatchDelivery(parts, invoker);
  }

  private async run(): Promise<void> {
    this.publish({ type: 'ConsumerStarted' });
    try {
      while (!this.isStopRequested) await this.turnOrWait();
    } catch (bug) {
      this.logger.fatal({ err: bug }, `${this.name} stops because of a bug: ${errorText(bug)}`);
      this.requestStop('ERROR');
    }
    await this.wrapUp();
  }

  private async turnOrWait(): Promise<void> {
    try {
      await this.turn();
      this.loopErrors.succeeded();
    } catch (error) {
      await this.failed(error);
    }
  }

  private async turn(): Promise<void> {
    await this.startPositions();
    if (this.startCommits.isPending) await this.startCommits.commit(NOTHING);
    const { missingTopics } = this.options;
    if (missingTopics?.isDue()) await missingTopics.tell(this.consumer);
    if (this.properties.idleBetweenPollsMs > 0) await this.rest();
    this.applySeeks();
    this.pauses.hold('handler', false);
    this.applyPauses();
    if (this.isStopRequested) return;
    const records = await this.poll(this.pollTimeoutMs());
    this.budget.restart();
    // What is polled while stopping has not been delivered: its positions are not committed and it comes again.
    if (this.isStopRequested) return;
    if (records.isEmpty()) return this.nothingCame();
    if (this.startCommits.isPending) await this.startCommits.commit(records);
    this.recordsCame();
    this.isDelivering = true;
    await this.delivery.deliver(records);
    this.isDelivering = false;
    if (this.committer.isDue('after-poll')) await this.committer.commit();
    this.boundUnacked();
  }

  private async poll(timeoutMs: number): Promise<ConsumerRecords> {
    this.keepAlive.polled();
    this.isPolling = true;
    try {
      return await this.consumer.poll(timeoutMs);
    } finally {
      this.isPolling = false;
    }
  }

  private pollTimeoutMs(): number {
    if (this.committer.isRequested) return 0;
    return this.pauses.isHeld() ? this.properties.pollTimeoutWhilePausedMs : this.properties.pollTimeoutMs;
  }

  /** While something else is waited for: all partitions are paused, so nothing should come. What comes is read again later. */
  private async keepAlivePoll(): Promise<void> {
    try {
      this.pauses.hold('handler', true);
      this.applyPauses();
      const records = await this.poll(0);
      for (const of of records.partitions()) this.consumer.seek(of, records.records(of)[0].offset);
    } catch (error) {
      if (!isWakeup(error)) this.logger.warn({ err: error }, `a poll to stay in the group failed: ${errorText(error)}`);
    }
  }

  private async serve(): Promise<void> {
    if (this.committer.isRequested) await this.committer.commit();
  }

  private async startPositions(): Promise<void> {
    const { subscription } = this.options;
    if (this.isPositioned || subscription.by !== 'partitions') return;
    await seekToStart(this.consumer, subscription.partitions, this.logger);
    this.isPositioned = true;
    const untold = subscription.partitions.filter(({ start }) => start.at === 'committed');
    if (this.options.commitsStarts) this.startCommits.assigned(untold.map(({ topicPartition }) => topicPartition));
    await this.properties.consumerRebalanceListener?.onPartitionsAssigned?.(this.consumer.assignment());
  }

  private rest(): Promise<void> {
    return this.keepAlive.sleep(this.properties.idleBetweenPollsMs, () => this.isStopRequested);
  }

  private applySeeks(): void {
    const assigned = this.consumer.assignment();
    for (const { partition, offset } of this.seeks.splice(0)) {
      if (assigned.some((one) => one.equals(partition))) {
        this.ledger.close(partition);
        this.consumer.seek(partition, offset);
      } else this.logger.warn(`cannot seek ${partition.topic}-${partition.partition} to ${offset}: it is not assigned`);
    }
  }

  private applyPauses(): void {
    const { pause, resume } = this.pauses.change(this.consumer.assignment(), this.consumer.paused());
    if (pause.length > 0) this.consumer.pause(pause);
    if (resume.length > 0) this.consumer.resume(resume);
    const isPaused = this.pauses.isHeld('requested');
    if (isPaused === this.isPausedAnnounced) return;
    this.isPausedAnnounced = isPaused;
    const partitions = this.consumer.assignment();
    this.publish({ type: isPaused ? 'ConsumerPaused' : 'ConsumerResumed', partitions });
  }

  /** Records that nobody acknowledges must not pile up without end. */
  private boundUnacked(): void {
    const { unackedRecordsMax } = this.properties;
    const openCount = this.ledger.outstandingCount;
    const isHeld = this.pauses.isHeld('unacked');
    if (!isHeld && openCount >= unackedRecordsMax) {
      const oldest = Array.from(this.ledger.oldestOutstanding(), ([of, offset]) => `${of}@${offset}`).join(', ');
      this.logger.warn(
        `${openCount} records wait for their acknowledgment, the oldest: ${oldest}; pausing until half are acknowledged`,
      );
      this.pauses.hold('unacked', true);
    } else if (isHeld && openCount <= unackedRecordsMax / 2) this.pauses.hold('unacked', false);
  }

  private async nothingCame(): Promise<void> {
    if (this.committer.isDue('empty-poll')) await this.committer.commit();
    this.boundUnacked();
    const { idleEventIntervalMs } = this.properties;
    const nowMs = this.clock.now().monotonicMs;
    if (idleEventIntervalMs === undefined) return;
    if (nowMs - Math.max(this.lastRecordMs, this.idleAnnouncedMs) < idleEventIntervalMs) return;
    this.idleAnnouncedMs = nowMs;
    this.isIdle = true;
    const partitions = this.consumer.assignment();
    this.publish({ type: 'ListenerContainerIdle', idleMs: nowMs - this.lastRecordMs, partitions });
  }

  private recordsCame(): void {
    const nowMs = this.clock.now().monotonicMs;
    if (this.isIdle) {
      this.isIdle = false;
      const partitions = this.consumer.assignment();
      this.publish({ type: 'ListenerContainerNoLongerIdle', idleMs: nowMs - this.lastRecordMs, partitions });
    }
    this.lastRecordMs = nowMs;
  }

  private rebalances(): RebalanceListener {
    const { consumerRebalanceListener: user } = this.properties;
    return {
      onPartitionsRevoked: async (partitions) => {
        await this.revoked(partitions);
        await user?.onPartitionsRevoked?.(partitions);
      },
      onPartitionsLost: async (partitions) => {
        this.forget(partitions);
        await (user?.onPartitionsLost ?? user?.onPartitionsRevoked)?.call(user, partitions);
      },
      onPartitionsAssigned: async (partitions) => {
        this.assigned(partitions);
        await user?.onPartitionsAssigned?.(partitions);
        // The poll ends early, so that the start is committed before anything can come in behind it.
        if (this.startCommits.isPending) this.consumer.wakeup();
      },
    };
  }

  /** The running handler finishes, what is done is committed, the rest is left to the next owner. */
  private async revoked(partitions: TopicPartition[]): Promise<void> {
    const running = this.delivery.runningCall(partitions);
    if (running !== undefined) await this.keepAlive.untilWithoutPoll(running);
    await this.committer.commit(partitions);
    this.forget(partitions);
  }

  private forget(partitions: TopicPartition[]): void {
    for (const of of partitions) this.ledger.close(of);
    this.startCommits.forget(partitions);
    this.options.errorHandler.forget?.(this.consumer, partitions);
    this.keepAlive.wake();
  }

  private assigned(partitions: TopicPartition[]): void {
    this.applyPauses();
    if (this.options.commitsStarts) this.startCommits.assigned(partitions);
    this.options.assigned(this.name, this.consumer.assignment());
  }

  private async failed(error: unknown): Promise<void> {
    if (isWakeup(error)) return;
    if (error instanceof AssertionError) throw error;
    if (this.isDelivering) this.rewind();
    this.isDelivering = false;
    this.options.errorHandler.handleOtherException?.(error, this.consumer);
    const verdict = this.loopErrors.failed(error, this.clock.now().monotonicMs);
    if (verdict.stop !== undefined) {
      this.logger.error({ err: error }, `${this.name} stops: ${errorText(error)}`);
      return this.requestStop(verdict.stop);
    }
    if (verdict.isAuth) this.publish({ type: 'ConsumerRetryAuth', error });
    if (verdict.isWorthALine) this.logger.error({ err: error }, `${this.name}: ${errorText(error)}; trying again`);
    await this.keepAlive.sleep(verdict.waitMs, () => this.isStopRequested);
  }

  /** Whatever was polled and not handled is read again. Not after a failed poll: then what is open waits for its acknowledgment. */
  private rewind(): void {
    const assigned = this.consumer.assignment();
    for (const [of, offset] of this.ledger.oldestOutstanding()) {
      this.ledger.close(of);
      if (assigned.some((one) => one.equals(of))) this.consumer.seek(of, offset);
    }
  }

  private mustLeave(): boolean {
    if (!this.isStopRequested) return false;
    if (this.reason !== 'NORMAL' || this.properties.stopImmediate) return true;
    return this.clock.now().monotonicMs >= this.leaveAtMs;
  }

  private async wrapUp(): Promise<void> {
    this.publish({ type: 'ConsumerStopping', partitions: this.consumer.assignment() });
    await this.committer.close();
    this.keepAlive.rest();
    try {
      await this.consumer.close({ timeoutMs: CLOSE_TIMEOUT_MS });
    } catch (error) {
      this.logger.warn({ err: error }, `${this.name}: closing the consumer failed: ${errorText(error)}`);
    }
    this.publish({ type: 'ConsumerStopped', reason: this.reason });
    this.publish({ type: 'ContainerStopped' });
    this.options.stopped(this.reason);
  }

  private wake(): void {
    this.keepAlive.wake();
    if (this.isPolling) this.consumer.wakeup();
  }

  private publish(event: DistributiveOmit<ContainerEvent, 'container' | 'listenerId'>): void {
    const { publish, listenerId } = this.options;
    try {
      publish({ ...event, container: this.name, listenerId } as ContainerEvent);
    } catch (error) {
      this.logger.error({ err: error }, `an observer of ${event.type} threw`);
    }
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function isWakeup(error: unknown): boolean {
  return error instanceof KafkaError && error.code === 'WAKEUP';
}
