/**
 * A partition that this broker hosts: its log, the pure state that knows leader, epoch and high watermark, and whoever waits for the
 * high watermark: produce requests and coordinator answers (each for one offset), parked fetches (for anything new), runtimes.
 * The shell of `partition/`; it holds no rule of its own.
 */
import type { Uuid } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import type { AppendOptions, AppendResult, PartitionLog, TopicConfig } from '#storage';
import { TopicTraffic } from '../meters/topic-traffic.ts';
import { type PartitionAssignment, PartitionState } from '../partition/index.ts';

/** Waits until everything below an offset is committed. One object may wait on many partitions. */
export interface CommitWaiter {
  /** `error` is NONE when committed. `index` is what the waiter gave when it began to wait. */
  settled(index: number, error: KafkaErrorRow): void;
}

/** Waits for new committed records. Stays registered until it takes itself away. */
export interface AdvanceWaiter {
  /** `bytes` more became readable since the last call, or the partition changed hands (`bytes` 0). */
  advanced(partition: HostedPartition, bytes: number): void;
}

interface PendingCommit {
  readonly endOffset: number;
  readonly waiter: CommitWaiter | undefined;
  readonly index: number;
  /** Bytes of the append, counted once. */
  readonly bytes: number;
}

export type AppendOrigin = 'client' | 'coordinator' | 'log';

/** What else there is to say of an append. */
export type AppendDetails = Pick<AppendOptions, 'requiresSync' | 'transactionVersion' | 'verification'>;

const NO_DETAILS: AppendDetails = {};

export class HostedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly log: PartitionLog;
  readonly state: PartitionState;
  readonly traffic: TopicTraffic;
  config: TopicConfig;
  /** In the order of offsets; consumed from `#pendingHead`. */
  #pending: PendingCommit[] = [];
  #pendingHead = 0;
  readonly #advanceWaiters = new Set<AdvanceWaiter>();
  #isOffline = false;

  constructor(localId: number, log: PartitionLog, config: TopicConfig, traffic: TopicTraffic = new TopicTraffic()) {
    this.topic = log.topic;
    this.partition = log.partition;
    this.topicId = log.topicId;
    this.log = log;
    this.config = config;
    this.traffic = traffic;
    this.state = new PartitionState(localId, log.logStartOffset);
    log.onDurableAdvance = (durableEndOffset) => this.#durableAdvanced(durableEndOffset);
    log.onTakenBack = (endOffset) => this.#takenBack(endOffset);
  }

  get highWatermark(): number {
    return this.state.highWatermark;
  }

  /** Records below are committed, and their transactions decided. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset;
  }

  /** The storage below gave up, or the partition was deleted: nobody is served any more. */
  get isOffline(): boolean {
    return this.#isOffline;
  }

  /** May a request with this leader epoch (-1: unknown to it) be served here? */
  check(currentLeaderEpoch: number): KafkaErrorRow {
    return this.#isOffline ? Errors.KAFKA_STORAGE_ERROR : this.state.checkLeader(currentLeaderEpoch);
  }

  assign(assignment: PartitionAssignment): void {
    const epochBefore = this.state.leaderEpoch;
    if (!this.state.assign(assignment, this.log.durableEndOffset)) return;
    if (this.state.isLeader && assignment.leaderEpoch > epochBefore) this.log.assignEpoch(assignment.leaderEpoch);
    this.#settleCommitted();
    this.#wake(0);
  }

  /**
   * Appends batches; `records` belongs to the log until written. Follow with `whenCommitted` for the answer.
   *
   * @returns what the log says; its `error` is undefined when the records were taken (or are a duplicate)
   */
  append(records: Buffer, origin: AppendOrigin, details: AppendDetails = NO_DETAILS): AppendResult {
    const { requiresSync, transactionVersion, verification } = details;
    const { leaderEpoch } = this.state;
    const bytes = records.length;
    const result = this.log.append(records, { leaderEpoch, origin, requiresSync, transactionVersion, verification });
    if (result.error !== undefined) this.traffic.refused(bytes, result.error);
    else if (!result.isDuplicate) this.traffic.appended(bytes, result.lastOffset - result.baseOffset + 1);
    return result;
  }

  /** Calls `waiter.settled(index, …)` once everything below `endOffset` is committed, at once when it is. `bytes`: what was appended. */
  whenCommitted(endOffset: number, waiter: CommitWaiter | undefined, index: number, bytes: number): void {
    if (this.#isOffline) waiter?.settled(index, Errors.KAFKA_STORAGE_ERROR);
    else if (endOffset <= this.state.highWatermark) waiter?.settled(index, Errors.NONE);
    else this.#addPending({ endOffset, waiter, index, bytes });
  }

  /** Records below `offset`, at most the high watermark, are no more. Fulfilled when that is durable. */
  async deleteRecords(offset: number): Promise<void> {
    const deletion = this.log.deleteRecords(offset);
    // Whoever waits for more below must hear that there is nothing.
    this.#wake(0);
    await deletion;
  }

  addAdvanceWaiter(waiter: AdvanceWaiter): void {
    this.#advanceWaiters.add(waiter);
  }

  removeAdvanceWaiter(waiter: AdvanceWaiter): void {
    this.#advanceWaiters.delete(waiter);
  }

  /** Ends the service of this partition: everyone who waits hears `error`. Idempotent. */
  stop(error: KafkaErrorRow): void {
    if (this.#isOffline) return;
    this.#isOffline = true;
    const pending = this.#pending.slice(this.#pendingHead);
    this.#pending = [];
    this.#pendingHead = 0;
    for (const { waiter, index } of pending) waiter?.settled(index, error);
    this.#wake(0);
  }

  /** At the end, but for a repeated batch, which has the end offset of the first time. */
  #addPending(pending: PendingCommit): void {
    let at = this.#pending.length;
    while (at > this.#pendingHead && this.#pending[at - 1].endOffset > pending.endOffset) at--;
    if (at === this.#pending.length) this.#pending.push(pending);
    else this.#pending.splice(at, 0, pending);
  }

  /** The disk had no room for the records from `endOffset` on: whoever waits for them may send them again. */
  #takenBack(endOffset: number): void {
    const first = this.#pending.findIndex(
      (pending, index) => index >= this.#pendingHead && pending.endOffset > endOffset,
    );
    const pending = first < 0 ? [] : this.#pending.splice(first);
    for (const { waiter, index } of pending) waiter?.settled(index, Errors.KAFKA_STORAGE_ERROR);
    this.#wake(0);
  }

  #durableAdvanced(durableEndOffset: number): void {
    if (!this.#isOffline && this.state.localAdvanced(durableEndOffset)) this.#wake(this.#settleCommitted());
  }

  /** Settles whoever waits for an offset that is committed now; returns the bytes that became readable. */
  #settleCommitted(): number {
    const { highWatermark } = this.state;
    this.log.highWatermark = highWatermark;
    let bytes = 0;
    while (this.#pendingHead < this.#pending.length) {
      const next = this.#pending[this.#pendingHead];
      if (next.endOffset > highWatermark) break;
      this.#pendingHead++;
      bytes += next.bytes;
      next.waiter?.settled(next.index, Errors.NONE);
    }
    if (this.#pendingHead === this.#pending.length) {
      this.#pending = [];
      this.#pendingHead = 0;
    }
    return bytes;
  }

  #wake(bytes: number): void {
    for (const waiter of this.#advanceWaiters) waiter.advanced(this, bytes);
  }
}
