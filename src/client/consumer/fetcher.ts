/**
 * Brings records from the brokers into the buffer, ahead of the application, and hands them out of it. One fetch is in
 * flight per broker; an answer is taken in and the next fetch sent without waiting for a poll, within the bounds of
 * `fetch-plan.ts`. Answers that nobody wants any more (the partition was sought, paused for good or taken away) are dropped by
 * their incarnation. No promise per record: one per fetch.
 *
 * Rules are in `fetch-plan.ts`, `fetch-buffer.ts` and `fetched-records.ts`; this is their shell.
 */
import { type Clock, KafkaError, type Logger, type MetricsRegistry, ZERO_UUID } from '#core';
import { Apis, Errors, errorByCode, type FetchResponse, type RawRecord, toKafkaError } from '#protocol';
import { type ConsumerRecord, ConsumerRecords, type OffsetAndMetadata, PartitionMap } from '#serde';
import type { Cluster } from '../cluster.ts';
import { committable } from './auto-commit.ts';
import { FetchBuffer, type FetchChunk } from './fetch-buffer.ts';
import { FetchErrors } from './fetch-errors.ts';
import {
  type FetchLimits,
  type FetchPlan,
  type FetchTarget,
  fetchErrorAction,
  fetchRequest,
  type NodeFetch,
  planFetches,
} from './fetch-plan.ts';
import { FetchedRecords, regionEnd } from './fetched-records.ts';
import { EARLIEST, type ResetPolicy } from './offset-reset.ts';
import type { RecordMaker } from './record-maker.ts';
import type { Signal } from './signal.ts';
import type { PartitionState, SubscriptionState } from './subscription-state.ts';

export interface FetcherOptions<K, V> {
  readonly cluster: Cluster;
  readonly subscriptions: SubscriptionState;
  readonly limits: FetchLimits;
  readonly checkCrcs: boolean;
  readonly resetPolicy: ResetPolicy;
  readonly maker: RecordMaker<K, V>;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  /** How long a follower stays preferred (metadata.max.age.ms). */
  readonly preferredReplicaMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** Raised when there is something for poll to do. */
  readonly signal: Signal;
}

type FetchResponseBody = FetchResponse;
type FetchedTopic = FetchResponseBody['responses'][number];
type FetchedPartition = FetchedTopic['partitions'][number];

/** Last Fetch version that names topics by their name. */
const NAMED_TOPICS_VERSION = 12;

/** A batch may unfold to this much; beyond it the poll fails with MESSAGE_TOO_LARGE. */
export const DECOMPRESSED_BATCH_BYTES_MAX = 256 * 1024 * 1024;

export class Fetcher<K, V> {
  readonly #options: FetcherOptions<K, V>;
  readonly #buffer = new FetchBuffer();
  readonly #inFlight = new Map<number, NodeFetch>();
  readonly #errors = new FetchErrors();
  #turn = 0;
  #isClosed = false;

  constructor(options: FetcherOptions<K, V>) {
    this.#options = options;
    options.metrics.gauge('fetch.buffered-bytes', () => this.#buffer.sizeInBytes);
  }

  /** Sends every fetch that is due. Cheap when none is. */
  pump(): void {
    if (this.#isClosed) return;
    let plan = this.#plan();
    // Paused partitions hold all the room, and poll has nothing to make some: they give theirs up.
    if (plan.isRoomMissing && !this.#buffer.hasData() && this.#buffer.dropPaused()) plan = this.#plan();
    for (const fetch of plan.fetches) void this.#fetch(fetch);
    if (plan.isLeaderMissing) this.#refreshMetadata();
  }

  #plan(): FetchPlan {
    const { cluster, subscriptions, limits, clock } = this.#options;
    return planFetches(subscriptions.states(), limits, {
      leader: (topic, partition) => cluster.leader(topic, partition),
      topicId: (topic) => cluster.metadata.topics.get(topic)?.topicId ?? ZERO_UUID,
      isBusy: (nodeId) => this.#inFlight.has(nodeId),
      committedBytes: this.#committedBytes(),
      turn: this.#turn,
      nowMs: clock.now().monotonicMs,
    });
  }

  /** Whether `collect` would find something. */
  hasWork(): boolean {
    return !this.#errors.isEmpty || this.#buffer.hasData();
  }

  /**
   * At most `countMax` buffered records; undefined when there are none. Positions move past what is returned.
   *
   * @throws what went wrong at the next record, once everything before it was returned; what went wrong with a partition of
   * which nothing is buffered comes first, so that records of others cannot keep it from being told
   */
  collect(countMax: number): ConsumerRecords<K, V> | undefined {
    const due = this.#errors.takeDue();
    if (due !== undefined) throw due;
    const collector = new Collector(this.#options.maker);
    let error: unknown;
    try {
      this.#buffer.drain(countMax, collector);
    } catch (thrown) {
      error = thrown;
    }
    if (collector.count > 0) {
      this.#options.metrics.counter('fetch.records-consumed-total').add(collector.count);
      return collector.finish();
    }
    const problem = error ?? this.#errors.take();
    if (problem !== undefined) throw problem;
    return undefined;
  }

  /** Monotonic time at which a partition in back-off may be asked again; Infinity when none waits. */
  nextRetryAtMs(): number {
    const nowMs = this.#options.clock.now().monotonicMs;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { retryAtMs } of this.#options.subscriptions.states()) {
      if (retryAtMs > nowMs && retryAtMs < nextMs) nextMs = retryAtMs;
    }
    return nextMs;
  }

  /** Frees what was fetched for partitions that are no longer assigned or were sought. */
  dropStale(): void {
    this.#buffer.dropStale();
  }

  /**
   * The topic was deleted and created again. Nothing of the new one was read, so it is read from its beginning, also where
   * `auto.offset.reset` says latest; with none the application has to say.
   */
  onTopicRecreated(state: PartitionState): void {
    const { resetPolicy, logger } = this.#options;
    const name = state.topicPartition.toString();
    logger.warn(
      { partition: name, offset: state.position?.offset },
      `${name}: its topic was deleted and created again, so offset ${state.position?.offset} means nothing any more; the new one is read from its beginning`,
    );
    if (resetPolicy.type === 'none') state.unplace();
    else state.awaitReset(EARLIEST);
    this.#buffer.dropStale();
  }

  close(): void {
    this.#isClosed = true;
  }

  #committedBytes(): number {
    let bytes = this.#buffer.sizeInBytes;
    for (const fetch of this.#inFlight.values()) bytes += fetch.bytesMax;
    return bytes;
  }

  async #fetch(fetch: NodeFetch): Promise<void> {
    const { cluster, limits, requestTimeoutMs, metrics, clock } = this.#options;
    const { nodeId, targets } = fetch;
    this.#inFlight.set(nodeId, fetch);
    this.#turn += 1;
    const startMs = clock.now().monotonicMs;
    try {
      const body = (version: number) => fetchRequest(fetch, limits, version);
      const options = { timeoutMs: requestTimeoutMs, version: versionMax(targets) };
      const response = await cluster.request(nodeId, Apis.Fetch, body, options);
      metrics.histogram('fetch.latency-ms').record(clock.now().monotonicMs - startMs);
      if (!this.#isClosed) this.#takeIn(fetch, response);
    } catch (error) {
      this.#onFailure(nodeId, targets, error);
    } finally {
      this.#inFlight.delete(nodeId);
    }
    this.#options.signal.raise();
    this.pump();
  }

  #onFailure(nodeId: number, targets: readonly FetchTarget[], error: unknown): void {
    if (this.#isClosed) return;
    for (const { state } of targets) this.#backOff(state);
    if (!(error instanceof KafkaError)) {
      this.#errors.add(Error.isError(error) ? error : new Error(String(error)));
      return;
    }
    this.#options.logger.debug({ nodeId, code: error.code }, `fetch from broker ${nodeId} failed: ${error.message}`);
    if (error.retriable) this.#refreshMetadata();
    else this.#errors.add(error);
  }

  #takeIn(fetch: NodeFetch, response: FetchResponseBody): void {
    if (response.errorCode !== Errors.NONE.code) {
      this.#onFailure(fetch.nodeId, fetch.targets, toKafkaError(response.errorCode));
      return;
    }
    const targets = new TargetIndex(fetch.targets);
    let bytes = 0;
    for (const topic of response.responses) {
      for (const partition of topic.partitions) {
        const target = targets.find(topic, partition.partitionIndex);
        if (target === undefined || !isAwaited(target)) continue;
        if (partition.errorCode !== Errors.NONE.code) this.#onPartitionError(fetch.nodeId, target, partition, response);
        else bytes += this.#takePartition(target, partition);
      }
    }
    this.#options.metrics.counter('fetch.bytes-consumed-total').add(bytes);
  }

  /** Bytes of records that were buffered. */
  #takePartition(target: FetchTarget, partition: FetchedPartition): number {
    const { state } = target;
    state.topicId = target.topicId;
    state.highWatermark = partition.highWatermark;
    state.lastStableOffset = partition.lastStableOffset;
    if (partition.logStartOffset >= 0) state.logStartOffset = partition.logStartOffset;
    if (partition.preferredReadReplica >= 0) this.#prefer(state, partition.preferredReadReplica);
    if (partition.divergingEpoch.endOffset >= 0) return this.#onTruncation(target, partition.divergingEpoch);
    const buffer = partition.records;
    if (buffer === null || buffer.length === 0) return 0;
    const end = regionEnd(buffer);
    if (end === undefined) return this.#onCutBatch(target, buffer.length);
    const { limits, checkCrcs } = this.#options;
    const records = new FetchedRecords({
      buffer,
      fetchOffset: target.fetchOffset,
      abortedTransactions: limits.isReadCommitted ? (partition.abortedTransactions ?? []) : null,
      checkCrcs,
      decompressedBytesMax: DECOMPRESSED_BATCH_BYTES_MAX,
    });
    state.nextFetch = { offset: end.nextOffset, leaderEpoch: end.leaderEpoch };
    this.#buffer.add({ state, incarnation: target.incarnation, records, sizeInBytes: buffer.length });
    return buffer.length;
  }

  #prefer(state: PartitionState, nodeId: number): void {
    const { clock, preferredReplicaMs } = this.#options;
    state.preferredReplica = { nodeId, untilMs: clock.now().monotonicMs + preferredReplicaMs };
  }

  /**
   * The leader's log has another history after `endOffset`: records read beyond it no longer exist. What was only buffered is asked
   * for again. @see KIP-320
   */
  #onTruncation(target: FetchTarget, diverging: { epoch: number; endOffset: number }): number {
    const { state, fetchOffset } = target;
    const { resetPolicy, logger } = this.#options;
    if (state.position !== undefined && state.position.offset <= diverging.endOffset) {
      this.#backOff(state);
      this.#buffer.dropPartition(state);
      return 0;
    }
    const name = state.topicPartition.toString();
    const text = `${name} was truncated: offset ${fetchOffset} of leader epoch ${target.lastFetchedEpoch} is gone, the log goes back to ${diverging.endOffset}`;
    if (resetPolicy.type === 'none') {
      this.#backOff(state);
      this.#errors.addFor(state, new KafkaError('LOG_TRUNCATED', `${text}. Seek to a valid offset to go on.`));
      return 0;
    }
    logger.warn({ partition: name, endOffset: diverging.endOffset }, `${text}; reading on from there`);
    this.#buffer.dropPartition(state);
    state.place({ offset: diverging.endOffset, leaderEpoch: diverging.epoch });
    return 0;
  }

  #onCutBatch({ state, fetchOffset }: FetchTarget, sizeInBytes: number): number {
    this.#backOff(state);
    const text = `${state.topicPartition}: the broker sent ${sizeInBytes} bytes at offset ${fetchOffset} that hold no whole batch. Raise max.partition.fetch.bytes and fetch.max.bytes above the largest batch.`;
    this.#errors.addFor(state, new KafkaError('MESSAGE_TOO_LARGE', text));
    return 0;
  }

  #onPartitionError(
    nodeId: number,
    target: FetchTarget,
    partition: FetchedPartition,
    response: FetchResponseBody,
  ): void {
    const { state } = target;
    const error = errorByCode(partition.errorCode);
    const hadFollower = state.preferredReplica?.nodeId === nodeId;
    state.preferredReplica = undefined;
    switch (fetchErrorAction(partition.errorCode)) {
      case 'out-of-range':
        if (!hadFollower) this.#onOutOfRange(target);
        break;
      case 'refresh':
        if (this.#learnLeader(target, partition, response)) break;
        this.#refreshMetadata();
        this.#backOff(state);
        break;
      case 'retry':
        this.#backOff(state);
        break;
      case 'raise':
        this.#backOff(state);
        this.#errors.addFor(state, toKafkaError(partition.errorCode, `fetching from ${state.topicPartition}`));
        break;
    }
    this.#options.logger.debug({ nodeId, error: error.name }, `fetch of ${state.topicPartition} failed: ${error.name}`);
  }

  /** A refusal may say who leads instead, which saves the question for metadata. True when that was news. @see KIP-951 */
  #learnLeader({ state }: FetchTarget, { currentLeader }: FetchedPartition, response: FetchResponseBody): boolean {
    const { cluster } = this.#options;
    const { topic, partition } = state.topicPartition;
    const known = cluster.leader(topic, partition);
    cluster.updateLeader({ topic, partition, ...currentLeader }, response.nodeEndpoints);
    return cluster.leader(topic, partition)?.leaderEpoch !== known?.leaderEpoch;
  }

  #onOutOfRange({ state, fetchOffset }: FetchTarget): void {
    const { resetPolicy, logger } = this.#options;
    // Records before the missing offset are still to be handed out; the question comes again once they are.
    if (state.position?.offset !== fetchOffset) {
      this.#backOff(state);
      state.nextFetch = state.bufferedBytes > 0 ? state.nextFetch : (state.position ?? state.nextFetch);
      return;
    }
    const name = state.topicPartition.toString();
    if (resetPolicy.type === 'none') {
      this.#backOff(state);
      const text = `Offset ${fetchOffset} of ${name} is not in the log (any more), and auto.offset.reset is none. Seek to an offset that exists.`;
      this.#errors.addFor(
        state,
        new KafkaError('OFFSET_OUT_OF_RANGE', text, { errorCode: Errors.OFFSET_OUT_OF_RANGE.code }),
      );
      return;
    }
    // Not in the log any more, perhaps: records that nobody has read may be gone.
    logger.warn(
      { partition: name, offset: fetchOffset },
      `${name}: offset ${fetchOffset} is out of range, resetting to ${resetPolicy.type}`,
    );
    state.awaitReset(resetPolicy);
  }

  #backOff(state: PartitionState): void {
    state.retryAtMs = this.#options.clock.now().monotonicMs + this.#options.retryBackoffMs;
  }

  /** Poll looks again when the answer is there; the cluster keeps a pause between fruitless questions. */
  #refreshMetadata(): void {
    const wake = () => this.#options.signal.raise();
    this.#options.cluster.refresh().then(wake, wake);
  }
}

/**
 * Whether an answer is still about the next fetch of its partition: not when that was sought, revoked or lost since, nor when
 * another broker (leaders move) has answered the same question before.
 */
function isAwaited({ state, incarnation, fetchOffset }: FetchTarget): boolean {
  return incarnation === state.incarnation && fetchOffset === state.nextFetch.offset;
}

/** A topic whose id is not known yet can only be asked for by name. */
function versionMax(targets: readonly FetchTarget[]): number | undefined {
  return targets.some((target) => target.topicId === ZERO_UUID) ? NAMED_TOPICS_VERSION : undefined;
}

/** Collects the records of one poll by partition. */
class Collector<K, V> {
  count = 0;
  readonly #maker: RecordMaker<K, V>;
  readonly #records = new PartitionMap<ConsumerRecord<K, V>[]>();
  readonly #states: PartitionState[] = [];
  #state: PartitionState | undefined;
  #list: ConsumerRecord<K, V>[] = [];

  constructor(maker: RecordMaker<K, V>) {
    this.#maker = maker;
  }

  take(chunk: FetchChunk, raw: RawRecord): void {
    const { state } = chunk;
    const record = this.#maker.make(state.topicPartition, chunk.records.batch!, raw);
    if (state !== this.#state) this.#enter(state);
    this.#list.push(record);
    this.count += 1;
  }

  finish(): ConsumerRecords<K, V> {
    const nextOffsets = new PartitionMap<OffsetAndMetadata>();
    for (const { topicPartition, position } of this.#states) {
      if (position !== undefined) nextOffsets.set(topicPartition, committable(position));
    }
    return new ConsumerRecords(this.#records, nextOffsets);
  }

  /** Made on the first record, so that no list is ever empty. */
  #enter(state: PartitionState): void {
    this.#state = state;
    if (!this.#states.includes(state)) this.#states.push(state);
    this.#list = this.#records.getOrSet(state.topicPartition, () => []);
  }
}

/** Finds what was asked by what was answered: topics come back by name or by id. */
class TargetIndex {
  readonly #byTopic = new Map<string, Map<number, FetchTarget>>();

  constructor(targets: readonly FetchTarget[]) {
    for (const target of targets) {
      this.#add(target.state.topicPartition.topic, target);
      if (target.topicId !== ZERO_UUID) this.#add(target.topicId, target);
    }
  }

  find(topic: FetchedTopic, partition: number): FetchTarget | undefined {
    return this.#byTopic.get(topic.topic !== '' ? topic.topic : topic.topicId)?.get(partition);
  }

  #add(key: string, target: FetchTarget): void {
    const partitions = this.#byTopic.get(key);
    const partition = target.state.topicPartition.partition;
    if (partitions === undefined) this.#byTopic.set(key, new Map([[partition, target]]));
    else partitions.set(partition, target);
  }
}
