/**
 * The way of records into the batches of their partitions: chooses the partition, and lets records wait, in order, while their topic is
 * not known or `buffer.memory` is used up (`waiting-sends.ts` has the limits). As long as somebody waits for memory nothing lingers.
 */
import { type Clock, Deferred, errorText, KafkaError, type Logger, type Random } from '#core';
import type { ProducerRecord } from '#serde';
import type { Cluster } from '../cluster.ts';
import { deadlineIn } from '../deadline.ts';
import type { PartitionMetadata, TopicMetadata } from '../metadata.ts';
import type { ProducerConfig } from './config.ts';
import type { ProducerMetrics } from './metrics.ts';
import type { Partitioner } from './partitioner.ts';
import type { RecordAccumulator } from './record-accumulator.ts';
import type { SendCallback, SendHandle } from './send-handle.ts';
import type { Sender } from './sender.ts';
import { type LaneRules, TopicLane } from './topic-lane.ts';
import {
  bufferExhausted,
  MemoryWaiters,
  type Outgoing,
  tooManyWaiting,
  WAITING_SENDS_MAX,
  type Waiting,
} from './waiting-sends.ts';

export interface PlacementOptions {
  readonly cluster: Cluster;
  readonly sender: Sender;
  readonly config: ProducerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: ProducerMetrics;
  /** Undefined: Kafka's own rules. */
  readonly partitioner: Partitioner | undefined;
}

export class RecordPlacement {
  readonly #options: PlacementOptions;
  readonly #accumulator: RecordAccumulator;
  readonly #lanes = new Map<string, TopicLane>();
  readonly #laneRules: LaneRules;
  readonly #memoryWaiters: MemoryWaiters;
  #waitingCount = 0;
  #isHurriedByWaiters = false;
  #roomWaiters: (() => void)[] = [];

  constructor(options: PlacementOptions) {
    this.#options = options;
    this.#accumulator = options.sender.accumulator;
    this.#laneRules = this.#makeLaneRules();
    this.#memoryWaiters = new MemoryWaiters(options.clock, (waiting) => this.#memoryExpired(waiting));
    options.cluster.onUpdate(({ topics }) => this.#onMetadata(topics));
  }

  /** Records that wait. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Whether a record would have to wait for memory. */
  get isFull(): boolean {
    return this.#memoryWaiters.length > 0 || this.#accumulator.isFull;
  }

  /** Copies a record into its batch, now or later. @throws KafkaError when its partition is wrong, or too many wait */
  take(outgoing: Outgoing): void {
    const lane = this.#lane(outgoing.record.topic);
    if (!lane.isKnown || lane.waiting.length > 0) this.#awaitTopic(lane, outgoing);
    else if (this.#memoryWaiters.length > 0 || !this.#place(lane, outgoing)) this.#awaitMemory(outgoing);
  }

  /** Resolves when there may be room again. */
  nextRoom(): Promise<void> {
    const { promise, resolve } = new Deferred<void>();
    this.#roomWaiters.push(resolve);
    this.#updateHurry();
    return promise;
  }

  /** Whoever waits for room looks again. */
  wakeRoomWaiters(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }

  /** Some of `buffer.memory` is free again. */
  memoryFreed(): void {
    if (this.#memoryWaiters.length > 0) this.#memoryWaiters.release((outgoing) => this.#tryPlace(outgoing));
    if (this.#roomWaiters.length > 0 && !this.isFull) this.wakeRoomWaiters();
    this.#updateHurry();
  }

  /** Ends a record that comes into no batch. */
  refuse(handle: SendHandle, callback: SendCallback | undefined, error: KafkaError): SendHandle {
    this.#options.metrics.recordError.add();
    handle.fail(error);
    // After `send` has returned, as with every other error.
    if (callback !== undefined) this.#options.clock.nextTurn(() => handle.callBack(callback, this.#options.logger));
    return handle;
  }

  /** Ends all that wait. */
  failWaiting(error: KafkaError): void {
    for (const lane of this.#lanes.values()) {
      this.#endWaiting(lane.waiting, error);
      lane.waiting = [];
    }
    this.#endWaiting(this.#memoryWaiters.takeAll(), error);
    this.#updateHurry();
  }

  /** Of the records that wait. */
  waitingHandles(): SendHandle[] {
    const waiting = [...this.#lanes.values()].flatMap((lane) => lane.waiting);
    return [...waiting, ...this.#memoryWaiters.toArray()].map((one) => one.outgoing.handle);
  }

  /** Copies a record into its batch. @returns false when there is no memory. @throws KafkaError when its partition is wrong */
  #place(lane: TopicLane, outgoing: Outgoing): boolean {
    const { record, key, value, headers, boundBytes, handle, callback } = outgoing;
    const now = this.#options.clock.now();
    const chosen = this.#chosenPartition(lane, outgoing);
    const partition = chosen ?? lane.stickyPartition();
    const queue = lane.queue(partition);
    const timestamp = record.timestamp ?? now.wallMs;
    handle.timestamp = timestamp;
    const isIn = this.#accumulator.append(
      queue,
      now.monotonicMs,
      timestamp,
      key,
      value,
      headers,
      boundBytes,
      handle,
      callback,
    );
    if (isIn && chosen === undefined) lane.sticky.produced(partition, boundBytes, queue.isLastBatchFull);
    return isIn;
  }

  /** Undefined: the sticky one. */
  #chosenPartition(lane: TopicLane, { record, key, value }: Outgoing): number | undefined {
    const { partitions } = lane;
    if (record.partition !== undefined) {
      if (record.partition < partitions.length) return record.partition;
      this.#options.cluster.refreshSoon();
      throw noSuchPartition(lane.name, record.partition, partitions.length);
    }
    if (this.#options.partitioner !== undefined) {
      const own = partitioned(this.#options.partitioner, record, key, value, partitions);
      if (Number.isInteger(own) && own >= 0 && own < partitions.length) return own;
      throw noSuchPartition(lane.name, own, partitions.length);
    }
    if (key === null || this.#options.config['partitioner.ignore.keys']) return undefined;
    return lane.partitionForKey(key);
  }

  #lane(topic: string): TopicLane {
    let lane = this.#lanes.get(topic);
    if (lane === undefined) {
      lane = new TopicLane(topic, this.#accumulator, this.#laneRules, this.#options.random);
      lane.update(this.#options.cluster.metadata.topics.get(topic));
      this.#lanes.set(topic, lane);
      this.#options.sender.prepare();
    }
    return lane;
  }

  #awaitTopic(lane: TopicLane, outgoing: Outgoing): void {
    lane.waiting.push(this.#waiting(outgoing));
    if (!lane.isLookingUp) void this.#lookUp(lane);
  }

  #awaitMemory(outgoing: Outgoing): void {
    this.#memoryWaiters.push(this.#waiting(outgoing));
    this.#updateHurry();
  }

  #waiting(outgoing: Outgoing): Waiting {
    if (this.#waitingCount >= WAITING_SENDS_MAX) throw tooManyWaiting();
    this.#waitingCount++;
    return { outgoing, deadlineMs: deadlineIn(this.#options.clock, this.#options.config['max.block.ms']) };
  }

  /** Looks a topic up for those who wait for it, again for those whose time is not over when it was not found. */
  async #lookUp(lane: TopicLane): Promise<void> {
    lane.isLookingUp = true;
    for (let first = lane.waiting[0]; first !== undefined; first = lane.waiting[0]) {
      try {
        lane.update(await this.#options.cluster.topic(lane.name, { deadlineMs: first.deadlineMs }));
        this.#placeWaiting(lane);
      } catch (error) {
        this.#topicNotFound(lane, error as KafkaError);
      }
    }
    lane.isLookingUp = false;
  }

  #placeWaiting(lane: TopicLane): void {
    const waiting = lane.waiting;
    lane.waiting = [];
    for (const one of waiting) {
      const isBehind = this.#memoryWaiters.length > 0;
      if (isBehind || !this.#tryPlace(one.outgoing)) this.#memoryWaiters.push(one);
    }
    this.#updateHurry();
  }

  /** As `#place`, for a record that waited: what is wrong with it ends it. Counts it out when it is placed or ended. */
  #tryPlace(outgoing: Outgoing): boolean {
    try {
      if (!this.#place(this.#lane(outgoing.record.topic), outgoing)) return false;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.refuse(outgoing.handle, outgoing.callback, error);
    }
    this.#waitingCount--;
    return true;
  }

  #topicNotFound(lane: TopicLane, error: KafkaError): void {
    const nowMs = this.#options.clock.now().monotonicMs;
    const isFinal = !error.retriable || this.#options.cluster.isClosed;
    const isOver = (one: Waiting) => isFinal || one.deadlineMs <= nowMs;
    const over = lane.waiting.filter(isOver);
    lane.waiting = lane.waiting.filter((one) => !isOver(one));
    this.#endWaiting(over, error);
  }

  #memoryExpired(waiting: Waiting): void {
    this.#options.metrics.bufferExhausted.add();
    this.#endWaiting(
      [waiting],
      bufferExhausted(this.#options.config['buffer.memory'], this.#options.config['max.block.ms']),
    );
    this.#updateHurry();
  }

  #endWaiting(waiting: readonly Waiting[], error: KafkaError): void {
    for (const { outgoing } of waiting) {
      this.#waitingCount--;
      this.refuse(outgoing.handle, outgoing.callback, error);
    }
  }

  /** As long as somebody waits for memory, nothing lingers. */
  #updateHurry(): void {
    const isNeeded = this.#memoryWaiters.length > 0 || this.#roomWaiters.length > 0;
    if (isNeeded === this.#isHurriedByWaiters) return;
    this.#isHurriedByWaiters = isNeeded;
    if (isNeeded) this.#options.sender.hurry();
    else this.#options.sender.unhurry();
  }

  #onMetadata(topics: ReadonlyMap<string, TopicMetadata>): void {
    for (const lane of this.#lanes.values()) lane.update(topics.get(lane.name));
  }

  #makeLaneRules(): LaneRules {
    const timeoutMs = this.#options.config['partitioner.availability.timeout.ms'];
    return {
      batchBytes: this.#options.config['batch.size'],
      isAdaptive: this.#options.config['partitioner.adaptive.partitioning.enable'],
      isAvailable: (leaderId) => timeoutMs === 0 || !this.#options.sender.isStalled(leaderId, timeoutMs),
    };
  }
}

function partitioned(
  partitioner: Partitioner,
  record: ProducerRecord,
  key: Buffer | null,
  value: Buffer | null,
  partitions: readonly PartitionMetadata[],
): number {
  try {
    return partitioner.partition(record.topic, record.key, key, record.value, value, partitions);
  } catch (cause) {
    const text = `the partitioner threw for a record of '${record.topic}': ${errorText(cause)}`;
    throw new KafkaError('PARTITIONER_FAILED', text, { cause });
  }
}

function noSuchPartition(topic: string, partition: number, partitionCount: number): KafkaError {
  const text = `topic '${topic}' has no partition ${partition}, only 0 to ${partitionCount - 1}`;
  return new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', text, { retriable: true, errorCode: 3 });
}
