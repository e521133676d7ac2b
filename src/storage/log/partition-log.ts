/**
 * The log of one partition: from where to where it is read, what it is configured with, and when it is closed. Its parts do the rest:
 * `LogAppends` and `LogReads` give the answers; `LogWriter` puts batches at the end; `LogDurability` knows when they are durable
 * (callbacks of `whenDurable` run then, there is no promise per append); `SegmentWork` is what retention and the cleaner do to segments.
 *
 * Transactions: their batches and markers are appended like all others. Readers of committed records stop at the last stable offset,
 * and are told of the aborted transactions below it.
 */
import { assert, type KafkaError, type Uuid } from '#core';
import type { AbortedTxn } from '#protocol';
import type { TopicConfig } from '../config.ts';
import type { ProducerState } from '../producers/producer-state.ts';
import { type DamagedRange, damageText, remedyText } from '../recovery/damage-book.ts';
import type { Segment } from '../segment/segment.ts';
import type { AppendOptions, AppendResult } from './append-result.ts';
import type { CommittedRead } from './committed-reader.ts';
import type { DurableCallback } from './durable-waiters.ts';
import { EpochStore } from './epoch-store.ts';
import type { EpochEnd, LeaderEpochs } from './leader-epochs.ts';
import type { LoadedLog } from './loaded-log.ts';
import { type AppendedLog, LogAppends } from './log-appends.ts';
import { LogConfig } from './log-config.ts';
import { type DurableLog, LogDurability } from './log-durability.ts';
import type { LogHome } from './log-home.ts';
import type { LogRead } from './log-read.ts';
import { LogReads, type ReadableLog } from './log-reads.ts';
import { LogSegments, type SegmentsOwner } from './log-segments.ts';
import { LogSync } from './log-sync.ts';
import { LogTrail } from './log-trail.ts';
import { LogWriter, type WrittenLog } from './log-writer.ts';
import { MemoryTail } from './memory-tail.ts';
import type { ReadRequest } from './read-window.ts';
import { SegmentWork, type WorkedLog } from './segment-work.ts';
import type { FoundRecord } from './time-lookup.ts';

export class PartitionLog implements AppendedLog, DurableLog, ReadableLog, SegmentsOwner, WorkedLog, WrittenLog {
  readonly topic: string;
  readonly partition: number;
  topicId: Uuid;
  readonly folder: string;
  /** It was damaged when it was opened, below what was durable: it takes no records. Its next start finds the same. */
  readonly readOnlyReason: string | undefined;
  /** The owner's hook: called with the new `durableEndOffset`, before the callbacks of `whenDurable`. */
  onDurableAdvance: ((durableEndOffset: number) => void) | undefined;
  /** The owner's hook: records from `endOffset` on could not be written for want of room, and are no more. */
  onTakenBack: ((endOffset: number) => void) | undefined;
  /** For who works on whole segments: retention, the cleaner, the scrub. */
  readonly segmentWork: SegmentWork;
  readonly producers: ProducerState;
  readonly #home: LogHome;
  readonly #segments: LogSegments;
  readonly #sync: LogSync;
  readonly #trail: LogTrail;
  readonly #durability: LogDurability;
  readonly #reads: LogReads;
  readonly #writer: LogWriter;
  readonly #appends: LogAppends;
  readonly #epochs: EpochStore;
  readonly #config: LogConfig;
  /** Taking no more records. */
  #isClosing = false;
  #isClosed = false;
  #logStartOffset: number;
  #highWatermark: number | undefined;
  /** The recovery point that is durable itself, in its checkpoint. Set with it. */
  storedRecoveryPoint: number;

  constructor(home: LogHome, loaded: LoadedLog, isNew: boolean) {
    this.topic = loaded.topic;
    this.partition = loaded.partition;
    this.topicId = loaded.topicId;
    this.folder = loaded.folder;
    this.producers = loaded.producers;
    this.storedRecoveryPoint = loaded.storedRecoveryPoint;
    this.#logStartOffset = loaded.logStartOffset;
    this.#home = home;
    this.#config = new LogConfig(loaded.config, isNew, loaded.compactedTo);
    const segments = new LogSegments(home, this, loaded.segments, loaded.damage);
    const tail = new MemoryTail(home.tailBytesPerLogMax, home.budget);
    const sync = new LogSync(home, loaded.folder, isNew);
    const epochs = new EpochStore(home, loaded.folder, loaded.epochs);
    const trail = new LogTrail(
      home,
      loaded.folder,
      () => epochs.settled(),
      (segment) => segments.holdIndexes(segment),
    );
    const { producers } = loaded;
    const reads = new LogReads(home, this, segments, tail);
    const durability = new LogDurability(home, this, { segments, sync, trail }, loaded);
    const writer = new LogWriter(home, this, { segments, tail, producers, epochs, trail, sync, durability }, loaded);
    this.segmentWork = new SegmentWork(home, this, { segments, sync, trail, reads, writer });
    this.#appends = new LogAppends(home, this, { producers, durability, writer });
    this.#segments = segments;
    this.#sync = sync;
    this.#epochs = epochs;
    this.#trail = trail;
    this.#reads = reads;
    this.#durability = durability;
    this.#writer = writer;
    this.readOnlyReason =
      loaded.damage.length === 0
        ? undefined
        : `${this.name} takes no records: ${damageText(loaded.damage[0])}. ${remedyText(this.folder)}`;
  }

  /** As its folder is called. */
  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  /** The offset of the next record; what is appended and not written yet is included. */
  get logEndOffset(): number {
    return this.#writer.logEndOffset;
  }

  /** Records below survive what the durability mode promises. */
  get durableEndOffset(): number {
    return this.#durability.durableEndOffset;
  }

  /** Records below were synced; recovery after a crash begins here. */
  get recoveryPoint(): number {
    return this.#durability.recoveryPoint;
  }

  /** What the owner set last; until then the durable end. Stored in `replication-offset-checkpoint`. */
  get highWatermark(): number {
    return this.#highWatermark ?? this.durableEndOffset;
  }

  set highWatermark(offset: number) {
    if (offset !== this.highWatermark) this.#home.checkpoints.changed(this);
    this.#highWatermark = offset;
    this.producers.transactions.committed(offset);
  }

  /** Records below are decided and committed: no transaction that is under way, or whose end is not committed, began there. */
  get lastStableOffset(): number {
    const { highWatermark } = this;
    const firstUnstable = this.producers.transactions.firstUnstableOffset(highWatermark) ?? highWatermark;
    return Math.min(Math.max(firstUnstable, this.#logStartOffset), highWatermark);
  }

  get config(): TopicConfig {
    return this.#config.topicConfig;
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    return this.#segments.sizeInBytes;
  }

  /** The lowest offset that the folder may hold a segment of after a power cut. */
  get firstBaseOffset(): number {
    return this.segmentWork.firstFileOffset;
  }

  get segmentCount(): number {
    return this.#segments.all.length;
  }

  /** All but the active one, oldest first. */
  get closedSegments(): readonly Segment[] {
    return this.#segments.all.slice(0, -1);
  }

  get activeBaseOffset(): number {
    return this.#segments.active.baseOffset;
  }

  get isReadOnly(): boolean {
    return this.readOnlyReason !== undefined;
  }

  /** What is known to be damaged, in the order of offsets. */
  get damage(): readonly DamagedRange[] {
    return this.#segments.damage.ranges;
  }

  /** @see SegmentsOwner */
  get compactedTo(): number {
    return this.#config.compactedTo;
  }

  /** Whether `config` is known to be that of the topic. */
  get isConfigured(): boolean {
    return this.#config.isTopics;
  }

  /** It takes no more records; soon it is closed. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get leaderEpochs(): LeaderEpochs {
    return this.#epochs.epochs;
  }

  /**
   * Appends the batches of `records`, all or none, at `logEndOffset`. Synchronous; nothing is written before it has returned.
   * `records` belongs to the log from now on and must not be changed. Refusals are in the result; nothing is thrown.
   */
  append(records: Buffer, options: AppendOptions): AppendResult {
    return this.#appends.append(records, options);
  }

  /**
   * Calls `callback` once everything below `endOffset` is durable, at once when it is; with an error when that will never be
   * (the directory went offline, the log was closed).
   */
  whenDurable(endOffset: number, callback: DurableCallback): void {
    this.#durability.whenDurable(endOffset, callback);
  }

  /**
   * Whole batches from the one that holds `offset` on, in sum at most `bytesMax`, none that reaches `endOffsetMax`. With
   * `atLeastOneBatch` the first one is given whatever its size. Synchronous when memory holds them. Never rejects.
   */
  read(offset: number, request: ReadRequest): LogRead | Promise<LogRead> {
    return this.#reads.read(offset, request);
  }

  /** As `read`, below the last stable offset, and with the aborted transactions that have records in what was read. */
  readCommitted(offset: number, request: ReadRequest): CommittedRead | Promise<CommittedRead> {
    return this.#reads.readCommitted(offset, request);
  }

  /** The aborted transactions that have records from `offset` on and below `endOffset`, in the order of their markers. */
  abortedIn(offset: number, endOffset: number): AbortedTxn[] | Promise<AbortedTxn[]> {
    return this.#segments.abortedIn(offset, endOffset);
  }

  /** Chunks of whole batches from the one that holds `fromOffset` up to `endOffset`: for replay. Throws when a part is damaged. */
  readAll(fromOffset: number, endOffset: number, bytesMax = 1024 * 1024): AsyncGenerator<Buffer, void> {
    return this.#reads.readAll(fromOffset, endOffset, bytesMax);
  }

  /** The first record below `endOffsetMax` whose timestamp is at least `timestamp`. */
  offsetForTimestamp(timestamp: number, endOffsetMax = this.highWatermark): Promise<FoundRecord | undefined> {
    return this.#reads.offsetForTimestamp(timestamp, endOffsetMax);
  }

  /** The record with the largest timestamp below `endOffsetMax`, the first one when several have it. */
  maxTimestampOffset(endOffsetMax = this.highWatermark): Promise<FoundRecord | undefined> {
    return this.#reads.maxTimestampOffset(endOffsetMax);
  }

  /** @see LeaderEpochs.endOffsetFor. Undefined: UNDEFINED_EPOCH in Kafka's words. */
  endOffsetForEpoch(epoch: number): EpochEnd | undefined {
    return this.leaderEpochs.endOffsetFor(epoch, this.#logStartOffset, this.logEndOffset);
  }

  /** The leader epoch whose leader wrote `offset`; undefined below the first known one. */
  epochAt(offset: number): number | undefined {
    return this.leaderEpochs.epochAt(offset);
  }

  /** A leader with this epoch begins to write at the end of the log. */
  assignEpoch(leaderEpoch: number): void {
    this.#epochs.assign(leaderEpoch, this.logEndOffset);
  }

  /** `partition.metadata` was written anew: what becomes durable from now on needs it. */
  metadataWritten(): void {
    this.#sync.metadataWritten();
    this.#durability.requestSync();
  }

  /** Takes over the topic's configuration, for everything from now on. */
  updateConfig(config: TopicConfig): void {
    this.#config.update(config);
    if (this.#home.failure === undefined && !this.#isClosing) this.#durability.checkFlush();
  }

  /**
   * Deletes the records below `offset`, which must not lie above the high watermark: nobody reads them any more. Resolves when a crash
   * cannot bring them back; their segments go with the next round of retention.
   */
  async deleteRecords(offset: number): Promise<void> {
    assert(offset <= this.highWatermark, `offset ${offset} of ${this.name} is not committed`);
    this.moveLogStart(offset);
    await this.#home.checkpoints.storeLogStarts();
  }

  /** Nobody finds records below `offset` any more. Not durable by itself. */
  moveLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.#segments.damage.forgetBelow(offset);
    this.#home.checkpoints.startMoved(this);
    this.#epochs.truncateFromStart(offset);
  }

  /** Writes what is queued, at once. */
  writePending(): void {
    this.#writer.writePending();
  }

  durableAdvanced(endOffset: number): void {
    if (this.#highWatermark === undefined) this.producers.transactions.committed(endOffset);
    this.onDurableAdvance?.(endOffset);
  }

  takenBack(endOffset: number): void {
    this.onTakenBack?.(endOffset);
  }

  /** Keeps what a start after a crash has to read of this log small. Called now and then. */
  mark(): void {
    if (!this.isReadOnly && !this.#isClosing) this.#writer.mark();
  }

  /** Writes and syncs everything appended so far. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /** Resolves when the epochs of all segments but the active one are in their file. */
  epochsStored(): Promise<void> {
    return this.#epochs.settled();
  }

  /** Resolves when no sync, removal or swap of segments or small write of this log is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.segmentWork.settled();
    await this.#sync.settled();
    await this.#trail.settled();
    await this.#epochs.settled().catch(() => {});
  }

  /** Takes no more records, flushes, stores indexes and producer state, and gives the files back. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.segmentWork.settled();
    if (this.#home.failure === undefined) await this.#writer.seal();
    this.abandon();
  }

  /** Gives memory and files back without writing anything; whoever waits hears an error. Idempotent. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#isClosing = true;
    this.#isClosed = true;
    this.#reads.clear();
    this.#trail.stop();
    this.#epochs.stop();
    this.#segments.close();
    this.#durability.stop();
  }

  /** The directory went offline. */
  failed(error: KafkaError): void {
    this.#durability.fail(error);
  }
}
