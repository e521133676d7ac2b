/**
 * `ConcurrentMessageListenerContainer`: what users know as the container of a listener; n children with a consumer each. Group
 * subscriptions are dealt by the group, explicit partitions here, as Spring deals them.
 */

import { LISTENER_PHASE } from '#context';
import { type Clock, errorText, KafkaError, type Logger, type Timer } from '#core';
import type { TopicPartition, TopicPartitionLike } from '#serde';
import { AssignmentLine } from './assignment-line.ts';
import type { ConsumerFactory, ListenerConsumer } from './consumer-factory.ts';
import type { ContainerProperties } from './container-properties.ts';
import { type CommonErrorHandler, listenerText } from './error-handler.ts';
import type { ContainerEventListener, StopReason } from './events.ts';
import { ListenerConfigurationError } from './exceptions.ts';
import {
  type BatchMessageListener,
  batchInvoker,
  type ListenerInvoker,
  type MessageListener,
  recordInvoker,
} from './invoker.ts';
import { KafkaMessageListenerContainer, type Subscription } from './message-listener-container.ts';
import { MissingTopics } from './missing-topics.ts';
import type { RecordFilterStrategy } from './record-filter.ts';
import { describePlan } from './start-positions.ts';
import { slicePartitions } from './topic-partition-offset.ts';

export interface ConcurrentContainerOptions {
  listenerId: string;
  /** For error texts. */
  where: string;
  subscription: Subscription;
  groupId: string | undefined;
  clientIdPrefix: string | undefined;
  consumerProperties: Readonly<Record<string, unknown>>;
  consumerFactory: ConsumerFactory;
  containerProperties: ContainerProperties;
  concurrency: number;
  autoStartup: boolean;
  containerGroup: string | undefined;
  invoker: ListenerInvoker | undefined;
  errorHandler: CommonErrorHandler;
  filter: RecordFilterStrategy | undefined;
  clock: Clock;
  logger: Logger;
  publish: ContainerEventListener;
}

/** How long joining the group may take before that is worth a line, in milliseconds. */
const JOIN_PATIENCE_MS = 5000;

/** Beyond `shutdownTimeoutMs`, for the last commit and for leaving the group, in milliseconds. */
const STOP_GRACE_MS = 2000;

export class ConcurrentMessageListenerContainer {
  readonly listenerId: string;
  readonly groupId: string | undefined;
  readonly phase = LISTENER_PHASE;
  readonly containerProperties: ContainerProperties;
  readonly containerGroup: string | undefined;
  /** Consumers at the next start. */
  concurrency: number;
  private readonly options: ConcurrentContainerOptions;
  private invoker: ListenerInvoker | undefined;
  private children: KafkaMessageListenerContainer[] = [];
  private runningCount = 0;
  /** Of the last stop, those that have not ended. */
  private stoppingChildren: ReadonlySet<KafkaMessageListenerContainer> = new Set();
  private isPaused = false;
  private stopping: Promise<void> | undefined;
  private lastReason: StopReason = 'NORMAL';
  private readonly assignmentLine: AssignmentLine;
  private joinTimer: Timer | undefined;

  constructor(options: ConcurrentContainerOptions) {
    this.options = options;
    this.listenerId = options.listenerId;
    this.groupId = options.groupId;
    this.assignmentLine = new AssignmentLine(options.listenerId, options.groupId);
    this.containerProperties = options.containerProperties;
    this.containerGroup = options.containerGroup;
    this.concurrency = options.concurrency;
    this.invoker = options.invoker;
  }

  /** For containers made by hand: one call per record. */
  setupMessageListener(listener: MessageListener): void {
    this.invoker = recordInvoker(listener);
  }

  /** For containers made by hand: one call per poll. */
  setupBatchMessageListener(listener: BatchMessageListener): void {
    this.invoker = batchInvoker(listener);
  }

  isAutoStartup(): boolean {
    return this.options.autoStartup;
  }

  isRunning(): boolean {
    return this.children.some((child) => child.isRunning());
  }

  /** False after a stop that nobody asked for. */
  isInExpectedState(): boolean {
    return this.isRunning() || this.lastReason === 'NORMAL';
  }

  /**
   * Makes the consumers and starts their loops. Idempotent.
   * @throws ListenerConfigurationError (no group id, missing topics, …), KafkaError INVALID_CONFIG
   */
  async start(): Promise<void> {
    await this.stopping;
    if (this.isRunning()) return;
    if (this.runningCount > 0) {
      const text = `${this.options.where} cannot start: a handler of its last run has not returned yet`;
      throw new KafkaError('ILLEGAL_STATE', text);
    }
    this.lastReason = 'NORMAL';
    this.checkStartable();
    const slices = this.subscriptions();
    const consumers: ListenerConsumer[] = [];
    try {
      for (const index of slices.keys()) consumers.push(this.makeConsumer(index));
      if (this.containerProperties.missingTopicsFatal) await this.checkTopics(consumers[0]);
    } catch (error) {
      await Promise.allSettled(consumers.map((consumer) => consumer.close()));
      this.options.publish({
        type: 'ConsumerFailedToStart',
        container: this.listenerId,
        listenerId: this.listenerId,
        error,
      });
      throw error;
    }
    this.children = slices.map((subscription, index) => this.makeChild(index, subscription, consumers[index]));
    this.runningCount = this.children.length;
    this.assignmentLine.forget();
    this.sayPartitions();
    this.sayWhenJoiningIsSlow();
    for (const child of this.children) {
      child.pause(this.isPaused);
      child.start();
    }
  }

  /** Drains: records that were polled are handled and committed, up to `shutdownTimeoutMs`; then the group is left. Idempotent. */
  stop(): Promise<void> {
    this.stopping ??= this.stopChildren().finally(() => {
      this.stopping = undefined;
    });
    return this.stopping;
  }

  /** The consumers whose handler went on beyond the stop, by child name. */
  stillRunning(): string[] {
    return Array.from(this.stoppingChildren, ({ name }) => name);
  }

  /** Takes effect before the next poll; survives rebalances and restarts. */
  pause(): void {
    this.setPaused(true);
  }

  resume(): void {
    this.setPaused(false);
  }

  isPauseRequested(): boolean {
    return this.isPaused;
  }

  /** Whether the pause has taken effect everywhere. */
  isContainerPaused(): boolean {
    return this.isPaused && this.children.every((child) => child.isContainerPaused());
  }

  pausePartition(partition: TopicPartitionLike): void {
    for (const child of this.owners(partition)) child.pausePartition(partition, true);
  }

  resumePartition(partition: TopicPartitionLike): void {
    for (const child of this.owners(partition)) child.pausePartition(partition, false);
  }

  /** Reads the partition from `offset` on, after the records that were polled already. */
  seek(partition: TopicPartitionLike, offset: number): void {
    for (const child of this.owners(partition)) child.seek(partition, offset);
  }

  enforceRebalance(): void {
    this.children[0]?.enforceRebalance();
  }

  getContainers(): readonly KafkaMessageListenerContainer[] {
    return this.children;
  }

  getAssignedPartitions(): TopicPartition[] {
    return this.children.flatMap((child) => (child.isRunning() ? child.getAssignedPartitions() : []));
  }

  /** The figures of each consumer by child name. */
  metrics(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      this.children.filter((child) => child.isRunning()).map((child) => [child.name, child.metrics()]),
    );
  }

  private checkStartable(): void {
    const { where, subscription } = this.options;
    if (this.invoker === undefined) throw new ListenerConfigurationError(`${where}: the container has no listener`);
    if (this.groupId !== undefined) return;
    const action = 'set groupId (or id) in @KafkaListener, or spring.kafka.consumer.group-id in application.yaml';
    if (subscription.by !== 'partitions')
      throw new ListenerConfigurationError(`${where} has no group id: ${action}`, { action });
    this.options.logger.warn(`${where} has no group id, so its offsets are not committed: ${action}`);
  }

  private subscriptions(): Subscription[] {
    const { subscription, where, logger } = this.options;
    if (subscription.by !== 'partitions') return Array.from({ length: this.concurrency }, () => subscription);
    const { partitions } = subscription;
    const count = Math.min(this.concurrency, partitions.length);
    if (count < this.concurrency) {
      logger.warn(`${where}: concurrency ${this.concurrency} is reduced to ${count}, the number of its partitions`);
    }
    return slicePartitions(partitions, count).map((slice) => ({ by: 'partitions', partitions: slice }));
  }

  private makeConsumer(index: number): ListenerConsumer {
    const { consumerFactory, clientIdPrefix, consumerProperties } = this.options;
    const overrides = { ...this.containerProperties.kafkaConsumerProperties, ...consumerProperties };
    const clientId = clientIdPrefix ?? this.containerProperties.clientId;
    return consumerFactory.createConsumer({
      groupId: this.groupId,
      clientIdPrefix: clientId,
      clientIdSuffix: `-${index}`,
      overrides,
    });
  }

  private commitsStarts(): boolean {
    const { consumerFactory, consumerProperties } = this.options;
    const { kafkaConsumerProperties, assignmentCommitOption } = this.containerProperties;
    if (this.groupId === undefined || assignmentCommitOption === 'never') return false;
    const config = { ...consumerFactory.configurationProperties, ...kafkaConsumerProperties, ...consumerProperties };
    return assignmentCommitOption === 'always' || config['auto.offset.reset'] !== 'earliest';
  }

  private async checkTopics(consumer: ListenerConsumer): Promise<void> {
    const { where } = this.options;
    const wanted = this.namedTopics();
    if (wanted.length === 0 || consumer.listTopics === undefined) return;
    const known = await consumer.listTopics();
    const missing = wanted.filter((topic) => !known.has(topic));
    if (missing.length === 0) return;
    const remedy = 'create them, or set spring.kafka.listener.missing-topics-fatal to false';
    throw new ListenerConfigurationError(`${where}: the topics ${missing.join(', ')} do not exist: ${remedy}`);
  }

  /** Those that are named, each once; none for a pattern. */
  private namedTopics(): string[] {
    const { subscription } = this.options;
    if (subscription.by === 'pattern') return [];
    if (subscription.by === 'topics') return [...new Set(subscription.topics)];
    return [...new Set(subscription.partitions.map((one) => one.topicPartition.topic))];
  }

  private missingTopics(): MissingTopics | undefined {
    const { listenerId, clock, logger } = this.options;
    const topics = this.namedTopics();
    if (topics.length === 0) return undefined;
    return new MissingTopics(listenerText({ listenerId, groupId: this.groupId }), topics, clock, logger);
  }

  private makeChild(
    index: number,
    subscription: Subscription,
    consumer: ListenerConsumer,
  ): KafkaMessageListenerContainer {
    const { listenerId, groupId, errorHandler, filter, clock, logger, publish } = this.options;
    const name = `${listenerId}-${index}`;
    return new KafkaMessageListenerContainer({
      name,
      listenerId,
      groupId,
      subscription,
      consumer,
      properties: this.containerProperties,
      invoker: this.invoker as ListenerInvoker,
      errorHandler,
      filter,
      clock,
      logger: logger.child({ container: name }),
      publish,
      commitsStarts: this.commitsStarts(),
      missingTopics: index === 0 ? this.missingTopics() : undefined,
      assigned: (child, partitions) => {
        this.joinTimer?.cancel();
        const line = this.assignmentLine.assigned(child, partitions, this.runningCount);
        if (line !== undefined) this.options.logger.info(line);
      },
      stopped: (reason) => this.childStopped(reason),
    });
  }

  /** Explicit partitions are known before anything runs. */
  private sayPartitions(): void {
    const { subscription, listenerId, logger } = this.options;
    if (subscription.by !== 'partitions') return;
    const group = this.groupId === undefined ? '' : ` (group ${this.groupId})`;
    logger.info(`${listenerId}: reads ${describePlan(subscription.partitions)}${group}`);
  }

  /** After a crash the group waits for the members that died, and nothing happens for the best part of a minute. */
  private sayWhenJoiningIsSlow(): void {
    const { subscription, listenerId, clock, logger } = this.options;
    if (subscription.by === 'partitions') return;
    const text = `${listenerId}: the group ${this.groupId} has dealt no partitions yet; a member that died without leaving is waited for until its session.timeout.ms (45 s) is over`;
    this.joinTimer = clock.setTimer(JOIN_PATIENCE_MS, () => logger.info(text), { unref: true });
  }

  /** One child that stops by itself takes the others with it: half a listener is worse than one that is seen to be down. */
  private childStopped(reason: StopReason): void {
    this.runningCount--;
    if (reason !== 'NORMAL') {
      this.lastReason = reason;
      for (const child of this.children) child.requestStop(reason);
    }
    if (this.runningCount > 0) return;
    this.joinTimer?.cancel();
    const { listenerId, publish } = this.options;
    publish({ type: 'ConcurrentContainerStopped', container: listenerId, listenerId, reason: this.lastReason });
  }

  private async stopChildren(): Promise<void> {
    const { clock, logger, where } = this.options;
    const stopping = new Set(this.children);
    this.stoppingChildren = stopping;
    const all = Promise.all(
      this.children.map(async (child) => {
        await child.stop();
        stopping.delete(child);
      }),
    );
    let isLate = false;
    const late = new Promise<void>((resolve) => {
      const timer = clock.setTimer(this.containerProperties.shutdownTimeoutMs + STOP_GRACE_MS, () => {
        isLate = true;
        resolve();
      });
      void all.then(() => timer.cancel()).catch((error: unknown) => logger.error({ err: error }, errorText(error)));
    });
    await Promise.race([all, late]);
    if (isLate)
      logger.warn(
        `${where} did not stop within its shutdownTimeout: a handler is still running (it must not await the stop of its own container)`,
      );
  }

  private setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    for (const child of this.children) child.pause(isPaused);
  }

  private owners(partition: TopicPartitionLike): KafkaMessageListenerContainer[] {
    return this.children.filter(
      (child) => child.isRunning() && child.getAssignedPartitions().some((one) => one.equals(partition)),
    );
  }
}
