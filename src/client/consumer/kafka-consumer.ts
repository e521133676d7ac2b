/**
 * The consumer, with the calls, the rules and the configuration keys of Kafka's Java consumer, made for one event loop: calls may
 * overlap, except that one `poll` runs at a time. Fetching, joining the group and heartbeats go on between polls; rebalance
 * callbacks and auto commit happen inside poll. So a consumer is alive as long as the event loop turns and poll is called within
 * `max.poll.interval.ms`.
 *
 * This file is the face; `fetcher.ts`, `group-coordinator.ts`, `offset-commits.ts` and `position-finder.ts` do the work.
 */
import {
  type Clock,
  KafkaError,
  type Logger,
  MetricsRegistry,
  type Random,
  silentLogger,
  systemClock,
  systemRandom,
} from '#core';
import { type Transport, tcpTransport } from '#net';
import {
  ConsumerRecords,
  type Deserializer,
  OffsetAndMetadata,
  PartitionMap,
  type TopicPartition,
  type TopicPartitionLike,
} from '#serde';
import { consumedOffsets } from './auto-commit.ts';
import { type ConsumerParts, makeConsumerParts } from './consumer-parts.ts';
import { type ConsumerSettings, readConsumerSettings, readDeserializer } from './consumer-settings.ts';
import type { OffsetCommitCallback } from './offset-commits.ts';
import type { FoundOffset } from './offset-lookup.ts';
import { EARLIEST, EARLIEST_TIMESTAMP, LATEST, LATEST_TIMESTAMP, type ResetStrategy } from './offset-reset.ts';
import type { ConsumerRebalanceListener } from './rebalance-listener.ts';
import { type DeserializationErrorMode, RecordMaker } from './record-maker.ts';
import { Signal } from './signal.ts';
import { type PartitionInfo, TopicCatalog } from './topic-catalog.ts';
import { Wakeup } from './wakeup.ts';

export interface KafkaConsumerOptions<K, V> {
  readonly keyDeserializer?: Deserializer<K>;
  readonly valueDeserializer?: Deserializer<V>;
  /** What a record does that cannot be decoded: stop poll there (default), or come with its error inside. */
  readonly deserializationErrors?: DeserializationErrorMode;
  readonly transport?: Transport;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

/** Who this member is, for a transaction that commits its offsets. */
export interface ConsumerGroupMetadata {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** The first record at or after a time. `timestamp` is that record's. */
export interface OffsetAndTimestamp {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number | undefined;
}

/** Offsets by partition, as a map or as anything that lists its entries. */
export type OffsetsLike = Iterable<readonly [TopicPartitionLike, OffsetAndMetadata]>;

/** close() without a timeout takes at most this long, as in Java. */
export const CLOSE_TIMEOUT_MS = 30_000;

/** Other things in the process get a turn at least this often, however much is buffered. */
const TURN_MS_MAX = 10;

export class KafkaConsumer<K = unknown, V = unknown> {
  readonly #settings: ConsumerSettings;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics = new MetricsRegistry();
  readonly #signal: Signal;
  readonly #wakeup = new Wakeup();
  readonly #parts: ConsumerParts<K, V>;
  readonly #catalog: TopicCatalog;
  readonly #deserializers: readonly Deserializer[];
  #isPolling = false;
  /** Close waits for the end of the poll that is running. */
  #onPollEnd: () => void = () => {};
  /** Close is under way, and the rebalance listener may be called, which may commit. */
  #isHandingOver = false;
  #closing: Promise<void> | undefined;
  #lastTurnMs = 0;

  /** @throws KafkaError INVALID_CONFIG, INVALID_GROUP_ID. No connection is made before the first call that needs one. */
  constructor(config: Record<string, unknown>, options: KafkaConsumerOptions<K, V> = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#settings = readConsumerSettings(config, this.#logger);
    const keys = readDeserializer(config, true, options.keyDeserializer);
    const values = readDeserializer(config, false, options.valueDeserializer);
    this.#deserializers = [keys, values];
    this.#signal = new Signal(this.#clock);
    this.#parts = makeConsumerParts<K, V>({
      settings: this.#settings,
      maker: new RecordMaker(keys, values, options.deserializationErrors ?? 'throw'),
      transport: options.transport ?? tcpTransport(),
      clock: this.#clock,
      random: options.random ?? systemRandom,
      logger: this.#logger,
      metrics: this.#metrics,
      signal: this.#signal,
    });
    this.#catalog = new TopicCatalog(this.#parts.cluster, this.#clock, this.#settings.config['retry.backoff.ms']);
  }

  // ── what to read ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Subscribes to topics, or to all topics whose name the pattern matches; the group assigns partitions inside poll. Replaces an
   * earlier subscription of the same kind. A pattern matches as JavaScript does, anywhere in the name unless it is anchored: `/orders/`
   * takes `orders-dlt` too (Java's matches whole names).
   *
   * @throws KafkaError INVALID_GROUP_ID without a group.id, ILLEGAL_STATE when partitions are assigned by hand
   */
  subscribe(topics: readonly string[] | RegExp, listener: ConsumerRebalanceListener = {}): void {
    this.#checkOpen();
    this.#needGroup();
    const { subscriptions, watch } = this.#parts;
    if (topics instanceof RegExp) subscriptions.subscribePattern(topics, listener);
    else subscriptions.subscribeTopics(checkTopics(topics), listener);
    watch.follow();
    this.#signal.raise();
  }

  /** Reads these partitions, without the group's say. Replaces an earlier assignment; kept partitions keep their position. */
  assign(partitions: readonly TopicPartitionLike[]): void {
    this.#checkOpen();
    const { subscriptions, watch, fetcher } = this.#parts;
    this.#parts.autoCommit?.send();
    subscriptions.assignManually(partitions);
    fetcher.dropStale();
    watch.follow();
    this.#signal.raise();
  }

  /** Gives everything up: callbacks are called, the group is left. */
  async unsubscribe(): Promise<void> {
    this.#checkOpen();
    const { subscriptions, group, fetcher, watch } = this.#parts;
    try {
      if (subscriptions.isAutoAssigned)
        await group?.leave('the consumer unsubscribed', this.#settings.config['request.timeout.ms']);
    } finally {
      subscriptions.replaceAssignment([]);
      subscriptions.unsubscribe();
      fetcher.dropStale();
      watch.follow();
    }
  }

  assignment(): TopicPartition[] {
    return this.#parts.subscriptions.assignment();
  }

  /** Topics subscribed to; for a pattern, those it matches now. */
  subscription(): Set<string> {
    return new Set(this.#parts.subscriptions.topics);
  }

  // ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Records from where the last poll ended, at most `max.poll.records`; as soon as there are some, or empty after `timeoutMs`.
   * Values that are Buffers are slices of memory that belongs to the consumer and is never reused.
   *
   * @throws KafkaError INVALID_ARGUMENT, WAKEUP, CLOSED, ILLEGAL_STATE (nothing to read from, or another poll is running), RecordDeserializationException,
   * NO_OFFSET_FOR_PARTITION, OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, FENCED_INSTANCE_ID, authorization errors
   */
  async poll(timeoutMs: number): Promise<ConsumerRecords<K, V>> {
    this.#checkOpen();
    if (!(timeoutMs >= 0)) throw new KafkaError('INVALID_ARGUMENT', `poll needs a time in ms, not ${timeoutMs}`);
    if (this.#isPolling) throw illegalState('poll is already running: a consumer has one poll at a time');
    if (this.#parts.subscriptions.subscription.type === 'none') {
      throw illegalState('there is nothing to poll: give the consumer topics (subscribe) or partitions (assign) first');
    }
    this.#isPolling = true;
    try {
      return await this.#poll(this.#nowMs() + timeoutMs);
    } finally {
      this.#isPolling = false;
      this.#onPollEnd();
    }
  }

  async #poll(deadlineMs: number): Promise<ConsumerRecords<K, V>> {
    const { fetcher } = this.#parts;
    this.#parts.autoCommit?.sendIfDue();
    for (;;) {
      const seenVersion = this.#signal.version;
      this.#checkOpen();
      this.#wakeup.check();
      await this.#advance();
      // Before records are taken: nothing may come between moving the positions and returning what they have moved over.
      if (this.#nowMs() - this.#lastTurnMs >= TURN_MS_MAX && fetcher.hasWork()) {
        await this.#takeTurn();
        continue;
      }
      const records = fetcher.collect(this.#settings.config['max.poll.records']);
      fetcher.pump();
      const nowMs = this.#nowMs();
      if (records !== undefined) return records;
      if (nowMs >= deadlineMs) {
        await this.#takeTurn();
        return ConsumerRecords.empty();
      }
      const untilMs = Math.min(deadlineMs, fetcher.nextRetryAtMs());
      await this.#signal.wait(seenVersion, Math.min(untilMs - nowMs, this.#pollSliceMs));
      this.#lastTurnMs = this.#nowMs();
    }
  }

  /** Everything poll does besides handing out records: group, positions, metadata. */
  async #advance(): Promise<void> {
    const { subscriptions, watch, group, finder } = this.#parts;
    const topicError = watch.update();
    if (topicError !== undefined) throw topicError;
    if (subscriptions.isAutoAssigned && watch.isReady) await group?.poll();
    finder.update();
    const error = finder.takeError();
    if (error !== undefined) throw error;
  }

  /** A poll that waits longer than this tells the membership in between that the application is alive. */
  get #pollSliceMs(): number {
    return Math.max(1, this.#settings.config['max.poll.interval.ms'] / 2);
  }

  #takeTurn(): Promise<void> {
    return new Promise((resolve) =>
      this.#clock.nextTurn(() => {
        this.#lastTurnMs = this.#nowMs();
        resolve();
      }),
    );
  }

  /** Ends the running poll, commitSync, position, …, or the next one, with WAKEUP. The only call meant for other contexts. */
  wakeup(): void {
    this.#wakeup.request();
    this.#signal.raise();
  }

  // ── positions ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next poll reads from `offset`. What was buffered of the partition is dropped. @throws KafkaError ILLEGAL_STATE when not assigned */
  seek(partition: TopicPartitionLike, offset: number | OffsetAndMetadata): void {
    this.#checkOpen();
    const target = typeof offset === 'number' ? new OffsetAndMetadata(offset) : offset;
    this.#parts.subscriptions
      .assigned(partition)
      .place({ offset: target.offset, leaderEpoch: target.leaderEpoch ?? -1 });
    this.#afterJump();
  }

  /** Looked up when the position is needed. Without partitions: all assigned ones. */
  seekToBeginning(partitions?: readonly TopicPartitionLike[]): void {
    this.#seekTo(EARLIEST, partitions);
  }

  /** As `seekToBeginning`, to the end (read_committed: to the last stable offset). */
  seekToEnd(partitions?: readonly TopicPartitionLike[]): void {
    this.#seekTo(LATEST, partitions);
  }

  #seekTo(strategy: ResetStrategy, partitions: readonly TopicPartitionLike[] | undefined): void {
    this.#checkOpen();
    const { subscriptions } = this.#parts;
    const wanted = partitions === undefined || partitions.length === 0 ? subscriptions.assignment() : partitions;
    for (const state of wanted.map((partition) => subscriptions.assigned(partition))) state.awaitReset(strategy);
    this.#afterJump();
  }

  #afterJump(): void {
    this.#parts.fetcher.dropStale();
    this.#signal.raise();
  }

  /** The offset of the next record that poll will return, looked up if it is not known yet. */
  async position(partition: TopicPartitionLike, timeoutMs = this.#apiTimeoutMs): Promise<number> {
    this.#checkInCharge();
    const deadlineMs = this.#nowMs() + timeoutMs;
    for (;;) {
      const seenVersion = this.#signal.version;
      const { position, topicPartition } = this.#parts.subscriptions.assigned(partition);
      if (position !== undefined) return position.offset;
      this.#wakeup.check();
      this.#checkInCharge();
      this.#parts.watch.update();
      this.#parts.finder.update();
      const error = this.#parts.finder.takeError();
      if (error !== undefined) throw error;
      const leftMs = deadlineMs - this.#nowMs();
      if (leftMs <= 0) throw timedOut(`the position of ${topicPartition} could not be determined in time`);
      await this.#signal.wait(seenVersion, Math.min(leftMs, this.#settings.config['retry.backoff.ms']));
    }
  }

  /** Paused partitions stay assigned and keep what is buffered, but poll returns nothing of them. */
  pause(partitions: readonly TopicPartitionLike[]): void {
    this.#setPaused(partitions, true);
  }

  resume(partitions: readonly TopicPartitionLike[]): void {
    this.#setPaused(partitions, false);
    this.#signal.raise();
  }

  paused(): TopicPartition[] {
    return Array.from(this.#parts.subscriptions.states())
      .filter(({ isPaused }) => isPaused)
      .map(({ topicPartition }) => topicPartition);
  }

  #setPaused(partitions: readonly TopicPartitionLike[], isPaused: boolean): void {
    this.#checkOpen();
    const states = partitions.map((partition) => this.#parts.subscriptions.assigned(partition));
    for (const state of states) state.isPaused = isPaused;
  }

  /** Records between the position and the end of the partition, as far as fetches have told; undefined before. */
  currentLag(partition: TopicPartitionLike): number | undefined {
    const state = this.#parts.subscriptions.assigned(partition);
    const endOffset = this.#parts.isReadCommitted ? state.lastStableOffset : state.highWatermark;
    return state.position === undefined || endOffset < 0 ? undefined : Math.max(0, endOffset - state.position.offset);
  }

  // ── commits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Commits offsets (without an argument: the positions after everything that poll has returned), trying again while that may help.
   *
   * @throws KafkaError COMMIT_FAILED, REBALANCE_IN_PROGRESS, WAKEUP, INVALID_GROUP_ID, …
   */
  async commitSync(offsets?: OffsetsLike | null, timeoutMs = this.#apiTimeoutMs): Promise<void> {
    this.#checkInCharge();
    const commits = this.#needGroup();
    const wanted = offsets == null ? consumedOffsets(this.#parts.subscriptions) : new PartitionMap(offsets);
    await this.#wakeup.race(commits.commitSync(wanted, this.#nowMs() + timeoutMs));
  }

  /** Commits without waiting and without a second try. Callbacks come in the order of the calls. */
  commitAsync(offsets?: OffsetsLike | null, callback?: OffsetCommitCallback): void {
    this.#checkInCharge();
    this.#needGroup().commitAsync(
      offsets == null ? consumedOffsets(this.#parts.subscriptions) : new PartitionMap(offsets),
      callback,
    );
  }

  /** The group's committed offsets; null for partitions without one. */
  async committed(
    partitions: readonly TopicPartitionLike[],
    timeoutMs = this.#apiTimeoutMs,
  ): Promise<PartitionMap<OffsetAndMetadata | null>> {
    this.#checkInCharge();
    const found = await this.#wakeup.race(this.#needGroup().fetch(partitions, this.#nowMs() + timeoutMs));
    return new PartitionMap(partitions.map((partition) => [partition, found.get(partition) ?? null] as const));
  }

  // ── what there is ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** For each partition the first record at or after the time given (ms since 1970); null when there is none. */
  async offsetsForTimes(
    timestamps: Iterable<readonly [TopicPartitionLike, number]>,
    timeoutMs = this.#apiTimeoutMs,
  ): Promise<PartitionMap<OffsetAndTimestamp | null>> {
    const wanted = new PartitionMap(timestamps);
    for (const [partition, timestamp] of wanted) {
      if (timestamp < 0)
        throw new KafkaError('INVALID_ARGUMENT', `the time for ${partition} is negative: ${timestamp}`);
    }
    const found = await this.#lookUp(wanted, timeoutMs);
    return new PartitionMap(
      [...found].map(([partition, answer]) => [partition, asOffsetAndTimestamp(answer)] as const),
    );
  }

  beginningOffsets(partitions: readonly TopicPartitionLike[], timeoutMs?: number): Promise<PartitionMap<number>> {
    return this.#edges(partitions, EARLIEST_TIMESTAMP, timeoutMs);
  }

  /** Offset after the last record (read_committed: the last stable offset). */
  endOffsets(partitions: readonly TopicPartitionLike[], timeoutMs?: number): Promise<PartitionMap<number>> {
    return this.#edges(partitions, LATEST_TIMESTAMP, timeoutMs);
  }

  async #edges(
    partitions: readonly TopicPartitionLike[],
    timestamp: number,
    timeoutMs = this.#apiTimeoutMs,
  ): Promise<PartitionMap<number>> {
    const found = await this.#lookUp(
      new PartitionMap(partitions.map((partition) => [partition, timestamp] as const)),
      timeoutMs,
    );
    return new PartitionMap([...found].map(([partition, { offset }]) => [partition, offset] as const));
  }

  async #lookUp(timestamps: PartitionMap<number>, timeoutMs: number): Promise<PartitionMap<FoundOffset>> {
    this.#checkOpen();
    const { cluster, lookup } = this.#parts;
    const deadlineMs = this.#nowMs() + timeoutMs;
    const topics = new Set(timestamps.keys().map(({ topic }) => topic));
    const known = Promise.all(Array.from(topics, (topic) => cluster.topic(topic, { deadlineMs })));
    return this.#wakeup.race(known.then(() => lookup.find(timestamps, deadlineMs)));
  }

  /** Partitions of a topic; empty when it does not exist. */
  partitionsFor(topic: string, timeoutMs = this.#apiTimeoutMs): Promise<PartitionInfo[]> {
    this.#checkOpen();
    const isCreating = this.#settings.config['allow.auto.create.topics'];
    return this.#wakeup.race(this.#catalog.partitionsFor(topic, isCreating, this.#nowMs() + timeoutMs));
  }

  listTopics(timeoutMs = this.#apiTimeoutMs): Promise<Map<string, PartitionInfo[]>> {
    this.#checkOpen();
    return this.#wakeup.race(this.#catalog.listTopics(this.#nowMs() + timeoutMs));
  }

  // ── membership ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  groupMetadata(): ConsumerGroupMetadata {
    this.#needGroup();
    const { config, groupId } = this.#settings;
    const { generationId, memberId } = this.#parts.group!.generation;
    return { groupId: groupId!, generationId, memberId, groupInstanceId: config['group.instance.id'] };
  }

  /** Joins the group again at the next poll, so that it rebalances. */
  enforceRebalance(reason = 'the application asked for it'): void {
    this.#checkOpen();
    this.#needGroup();
    this.#parts.group!.requestRejoin(reason);
  }

  /** Figures now: totals and latencies, and per partition position, lag and end (`records-lag.<topic>-<partition>`, …). */
  metrics(): Record<string, number> {
    const figures = this.#metrics.snapshot();
    let lagMax = 0;
    for (const { topicPartition, position } of this.#parts.subscriptions.states()) {
      const lag = this.currentLag(topicPartition);
      if (position !== undefined) figures[`fetch.position.${topicPartition}`] = position.offset;
      if (lag === undefined) continue;
      figures[`fetch.records-lag.${topicPartition}`] = lag;
      lagMax = Math.max(lagMax, lag);
    }
    figures['fetch.records-lag-max'] = lagMax;
    return figures;
  }

  // ── end ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Commits (auto commit), calls the listener, leaves the group and closes all connections, in at most `timeoutMs`. A poll that is
   * running ends with CLOSED, and is waited for: do not await close inside a rebalance callback. Idempotent.
   */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    const { subscriptions, group, commits, autoCommit, fetcher, watch, cluster } = this.#parts;
    const deadlineMs = this.#nowMs() + timeoutMs;
    this.#isHandingOver = true;
    this.#signal.raise();
    fetcher.close();
    try {
      if (this.#isPolling) await this.#within(new Promise<void>((end) => (this.#onPollEnd = end)), deadlineMs);
      if (autoCommit !== undefined && subscriptions.assignmentCount > 0) {
        await this.#within(autoCommit.finish(deadlineMs), deadlineMs);
      }
      await this.#within(commits?.settle() ?? Promise.resolve(), deadlineMs);
      const leftMs = Math.max(1, deadlineMs - this.#nowMs());
      if (subscriptions.isAutoAssigned && group !== undefined)
        await this.#within(group.leave('the consumer is closed', leftMs), deadlineMs);
    } finally {
      this.#isHandingOver = false;
      group?.close();
      watch.close();
      await cluster.close();
      for (const deserializer of this.#deserializers) deserializer.close?.();
    }
  }

  /** Waits for `promise`, but no longer than `deadlineMs`. */
  async #within(promise: Promise<unknown>, deadlineMs: number): Promise<void> {
    const aborter = new AbortController();
    const late = this.#clock.sleep(Math.max(1, deadlineMs - this.#nowMs()), aborter.signal).catch(() => {});
    await Promise.race([promise, late]).finally(() => aborter.abort());
  }

  #needGroup() {
    const { commits } = this.#parts;
    if (commits !== undefined) return commits;
    throw new KafkaError(
      'INVALID_GROUP_ID',
      'Subscribing and committing offsets need a consumer group: set group.id. To read without a group, use assign.',
    );
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new KafkaError('CLOSED', 'the consumer was closed');
  }

  /** As `#checkOpen`, for what a rebalance callback may do as long as close has not handed everything over. */
  #checkInCharge(): void {
    if (!this.#isHandingOver) this.#checkOpen();
  }

  get #apiTimeoutMs(): number {
    return this.#settings.config['default.api.timeout.ms'];
  }

  #nowMs(): number {
    return this.#clock.now().monotonicMs;
  }
}

function checkTopics(topics: readonly string[]): readonly string[] {
  if (topics.length === 0)
    throw new KafkaError('INVALID_ARGUMENT', 'subscribe needs at least one topic; to give all up, call unsubscribe');
  const blank = topics.find((topic) => typeof topic !== 'string' || topic.trim() === '');
  if (blank !== undefined) throw new KafkaError('INVALID_ARGUMENT', `'${blank}' is not a topic name`);
  return topics;
}

function asOffsetAndTimestamp({ offset, timestamp, leaderEpoch }: FoundOffset): OffsetAndTimestamp | null {
  return offset < 0 ? null : { offset, timestamp, leaderEpoch: leaderEpoch < 0 ? undefined : leaderEpoch };
}

function illegalState(message: string): KafkaError {
  return new KafkaError('ILLEGAL_STATE', message);
}

function timedOut(message: string): KafkaError {
  return new KafkaError('REQUEST_TIMED_OUT', message);
}
