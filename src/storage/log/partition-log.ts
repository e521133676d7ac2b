/**
 * The log of one partition. Appending is synchronous and touches no file: batches are judged, get offsets, and are queued
 * as they were received behind a fresh head of 16 bytes; one writev for everything that was queued in a turn follows in the
 * next, and for a lot at the end of the task that appended it. `writevSync` and not the thread pool: into the page cache it was measured as cheap for large and cheaper for 16 KiB frames,
 * and it keeps the order without any waiting (it blocks only while the kernel throttles dirty pages). Expected cost of an append: the
 * checksum (5.7 GB/s), the walk over a client's records (`record-validator.ts`), about 2 µs of bookkeeping, and its share of a writev.
 *
 * When a batch is durable `LogDurability` knows; callbacks of `whenDurable` run then, there is no promise per append. Reading is the
 * matter of `LogReads`, and what retention and the cleaner do to segments that of `SegmentWork`.
 *
 * Transactions: their batches and markers are appended like all others. Readers of committed records stop at the last stable offset,
 * and are told of the aborted transactions below it.
 */
import { assert, KafkaError, type Uuid } from '#core';
import { type AbortedTxn, Errors } from '#protocol';
import type { TopicConfig } from '../config.ts';
import { isShortage } from '../directory/shortage.ts';
import { encodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import type { ProducerState } from '../producers/producer-state.ts';
import { type DamagedRange, damageText, remedyText } from '../recovery/damage-book.ts';
import { HEAD_BYTES, STAMPED_HEAD_BYTES } from '../segment/batch-frame.ts';
import type { Segment, SegmentMark } from '../segment/segment.ts';
import { type AppendOptions, type AppendResult, accepted, refused } from './append-result.ts';
import type { Refusal } from './batch-validator.ts';
import type { CommittedRead } from './committed-reader.ts';
import type { DurableCallback } from './durable-waiters.ts';
import { EpochStore } from './epoch-store.ts';
import { HeadWriter } from './head-writer.ts';
import { type ParsedBatch, parseIncoming } from './incoming-batches.ts';
import type { EpochEnd, LeaderEpochs } from './leader-epochs.ts';
import type { LoadedLog } from './loaded-log.ts';
import { type DurableLog, LogDurability } from './log-durability.ts';
import type { LogHome, UnwrittenLog } from './log-home.ts';
import type { LogRead } from './log-read.ts';
import { LogReads, type ReadableLog } from './log-reads.ts';
import { LogSegments, type SegmentsOwner } from './log-segments.ts';
import { LogSync } from './log-sync.ts';
import { LogTrail, storeSnapshot } from './log-trail.ts';
import { MemoryTail } from './memory-tail.ts';
import type { ReadRequest } from './read-window.ts';
import { type RemovedSegments, SegmentWork, type WorkedLog } from './segment-work.ts';
import type { FoundRecord } from './time-lookup.ts';

export class PartitionLog implements DurableLog, ReadableLog, SegmentsOwner, WorkedLog, UnwrittenLog {
  readonly topic: string;
  readonly partition: number;
  topicId: Uuid;
  readonly folder: string;
  /** @see UnwrittenLog */
  isWriteDue = false;
  /** The owner's hook: called with the new `durableEndOffset`, before the callbacks of `whenDurable`. */
  onDurableAdvance: ((durableEndOffset: number) => void) | undefined;
  /** The owner's hook: records from `endOffset` on could not be written for want of room, and are no more. */
  onTakenBack: ((endOffset: number) => void) | undefined;
  readonly #home: LogHome;
  readonly #segments: LogSegments;
  readonly #sync: LogSync;
  readonly #trail: LogTrail;
  readonly #segmentWork: SegmentWork;
  readonly #durability: LogDurability;
  readonly #tail: MemoryTail;
  readonly #reads: LogReads;
  readonly #heads = new HeadWriter();
  readonly #epochStore: EpochStore;
  readonly #producers: ProducerState;
  #config: TopicConfig;
  /** Taking no more records. */
  #isClosing = false;
  #isClosed = false;
  #logStartOffset: number;
  #logEndOffset: number;
  #compactedTo: number;
  #highWatermark: number | undefined;
  /** Where the log goes back to when what was appended since cannot be written; undefined when nothing was. */
  #revertPoint: { readonly endOffset: number; readonly mark: SegmentMark } | undefined;
  /** `config` is the topic's own, not what stands in for it until the topic is known. */
  #isConfigured: boolean;
  readonly #readOnlyReason: string | undefined;
  /** Where the log ended when its last stop had left nothing to do, and closing it has nothing to do either; else undefined. */
  #sealedEndOffset: number | undefined;

  constructor(home: LogHome, loaded: LoadedLog, isNew: boolean) {
    this.topic = loaded.topic;
    this.partition = loaded.partition;
    this.topicId = loaded.topicId;
    this.folder = loaded.folder;
    this.#home = home;
    this.#config = loaded.config;
    this.#segments = new LogSegments(home, this, loaded.segments, loaded.damage);
    this.#sync = new LogSync(home, loaded.folder, isNew);
    this.#epochStore = new EpochStore(home, loaded.folder, loaded.epochs);
    this.#trail = new LogTrail(
      home,
      loaded.folder,
      () => this.#epochStore.settled(),
      (segment) => this.#segments.holdIndexes(segment),
    );
    this.#segmentWork = new SegmentWork(home, this, this.#segments, this.#sync, this.#trail);
    this.#tail = new MemoryTail(home.tailBytesPerLogMax, home.budget);
    this.#reads = new LogReads(home, this, this.#segments, this.#tail);
    const parts = { segments: this.#segments, sync: this.#sync, trail: this.#trail };
    this.#durability = new LogDurability(home, this, parts, loaded);
    this.#producers = loaded.producers;
    this.#logStartOffset = loaded.logStartOffset;
    this.#logEndOffset = loaded.logEndOffset;
    this.storedRecoveryPoint = loaded.storedRecoveryPoint;
    this.#compactedTo = compactedTo(loaded.config, loaded.compactedTo);
    this.#readOnlyReason =
      loaded.damage.length === 0
        ? undefined
        : `${this.name} takes no records: ${damageText(loaded.damage[0])}. ${remedyText(this.folder)}`;
    this.#isConfigured = isNew;
    this.#sealedEndOffset = loaded.isSealed ? loaded.logEndOffset : undefined;
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
    return this.#logEndOffset;
  }

  /** Records below survive what the durability mode promises. */
  get durableEndOffset(): number {
    return this.#durability.durableEndOffset;
  }

  /** The recovery point that is durable itself, in its checkpoint. Set with it. */
  storedRecoveryPoint: number;

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
    this.#producers.transactions.committed(offset);
  }

  /** Records below are decided and committed: no transaction that is under way, or whose end is not committed, began there. */
  get lastStableOffset(): number {
    const { highWatermark } = this;
    const firstUnstable = this.#producers.transactions.firstUnstableOffset(highWatermark) ?? highWatermark;
    return Math.min(Math.max(firstUnstable, this.#logStartOffset), highWatermark);
  }

  get config(): TopicConfig {
    return this.#config;
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    return this.#segments.sizeInBytes;
  }

  /** The lowest offset that the folder may hold a segment of after a power cut. */
  get firstBaseOffset(): number {
    return this.#segmentWork.firstFileOffset;
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

  /** It was damaged when it was opened, below what was durable: it takes no records. Its next start finds the same. */
  get isReadOnly(): boolean {
    return this.#readOnlyReason !== undefined;
  }

  /** What is known to be damaged, in the order of offsets. */
  get damage(): readonly DamagedRange[] {
    return this.#segments.damage.ranges;
  }

  /** @see SegmentsOwner */
  get compactedTo(): number {
    return this.#isConfigured ? this.#compactedTo : Number.POSITIVE_INFINITY;
  }

  /** Whether `config` is known to be that of the topic. */
  get isConfigured(): boolean {
    return this.#isConfigured;
  }

  /** It takes no more records; soon it is closed. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get producers(): ProducerState {
    return this.#producers;
  }

  get leaderEpochs(): LeaderEpochs {
    return this.#epochStore.epochs;
  }

  /**
   * Appends the batches of `records`, all or none, at `logEndOffset`. Synchronous; nothing is written before it has returned.
   * `records` belongs to the log from now on and must not be changed. Refusals are in the result; nothing is thrown.
   */
  append(records: Buffer, options: AppendOptions): AppendResult {
    if (this.#home.failure !== undefined || this.#isClosing) return this.#refused(this.#offline());
    if (this.#readOnlyReason !== undefined) return this.#refused(storageError(this.#readOnlyReason));
    const shortage = this.#home.shortage.refusal;
    if (shortage !== undefined) return this.#refused(storageError(shortage.message));
    if (options.requiresSync === true) this.#durability.requireSync();
    const now = this.#home.clock.now();
    const parsed = parseIncoming(records, options.origin, this.#config, this.#logEndOffset, now.wallMs);
    if (!Array.isArray(parsed)) return this.#refused(parsed);
    const [first] = parsed;
    if (first.header.producerId >= 0 && options.origin !== 'log') {
      const verdict = this.#judge(first, options.origin, options);
      if (verdict !== undefined) return verdict;
    }
    const baseOffset = options.origin === 'log' ? first.header.baseOffset : this.#logEndOffset;
    this.#revertPoint ??= { endOffset: this.#logEndOffset, mark: this.#segments.active.mark() };
    try {
      for (const batch of parsed) this.#appendBatch(batch, options, now.wallMs);
    } catch (error) {
      // Rolling touches the disk.
      if (!(error instanceof KafkaError)) throw error;
      if (isShortage(error)) return this.#refused(storageError(this.#takeBack(error).message));
      this.#home.fail(error);
      return this.#refused(this.#offline());
    }
    this.#home.scheduleWrite(this, records.length);
    return this.#accepted(baseOffset, this.#logEndOffset - 1, now.wallMs, false);
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
    return this.leaderEpochs.endOffsetFor(epoch, this.#logStartOffset, this.#logEndOffset);
  }

  /** The leader epoch whose leader wrote `offset`; undefined below the first known one. */
  epochAt(offset: number): number | undefined {
    return this.leaderEpochs.epochAt(offset);
  }

  /** A leader with this epoch begins to write at the end of the log. */
  assignEpoch(leaderEpoch: number): void {
    this.#epochStore.assign(leaderEpoch, this.#logEndOffset);
  }

  /** `partition.metadata` was written anew: what becomes durable from now on needs it. */
  metadataWritten(): void {
    this.#sync.metadataWritten();
    this.#durability.requestSync();
  }

  /** Takes over the topic's configuration, for everything from now on. */
  updateConfig(config: TopicConfig): void {
    this.#config = config;
    this.#compactedTo = compactedTo(config, this.#compactedTo);
    this.#isConfigured = true;
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

  /**
   * Takes away the oldest segments whose time has come, at most `countMax`; the log start offset moves up behind them, durably, before
   * their files are renamed. Undefined when there was none. Not to be called again before it has ended. Rejects when the disk refuses;
   * the segments are out of the log then, and their files go at a later start.
   */
  retain(wallMs: number, usesTime: boolean, countMax: number): Promise<RemovedSegments | undefined> {
    const removal = this.#segmentWork.retain(wallMs, usesTime, countMax);
    return removal.finally(() => this.#home.checkpoints.startMoved(this));
  }

  /**
   * Puts `fresh`, complete and synced in files that end in `.cleaned`, in the place of `replaced`: closed segments whose indexes are
   * loaded. Reads go on; those under way may still see the old ones. False: the log has changed meanwhile or was closed, and the files
   * of `fresh` are the caller's to remove. Rejects when the disk does; after the new segment was to be seen, the directory is offline.
   */
  replaceSegments(replaced: readonly Segment[], fresh: Segment): Promise<boolean> {
    return this.#segmentWork.replace(replaced, fresh);
  }

  /** Seals the active segment for retention, which may then take it. Throws when the disk refuses. */
  rollForRetention(wallMs: number): void {
    try {
      this.#roll(wallMs);
    } catch (error) {
      if (isShortage(error)) throw this.#takeBack(error);
      this.#home.fail(error);
      throw error;
    }
  }

  /** Nobody finds records below `offset` any more. Not durable by itself. */
  moveLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.#segments.damage.forgetBelow(offset);
    this.#home.checkpoints.startMoved(this);
    this.#epochStore.truncateFromStart(offset);
  }

  /** Segments below `endOffset` were replaced: memory still has what was in them. */
  forgetBelow(endOffset: number): void {
    this.#tail.forget(endOffset);
    this.#reads.clear();
  }

  /** Reads all of a closed segment and notes what is damaged. `spent`: waited for after each read of so many bytes. */
  verify(segment: Segment, spent: (bytes: number) => Promise<void>): Promise<void> {
    return this.#segments.verify(segment, spent);
  }

  /** Sees to it that the indexes of `segment` are in memory. */
  loadIndexes(segment: Segment): Promise<void> {
    return this.#segments.loadIndexes(segment);
  }

  /** Writes what is queued; called by the directory. */
  writePending(): void {
    if (this.#isClosed || this.#home.failure !== undefined) return;
    try {
      this.#segments.active.writePending();
    } catch (error) {
      if (isShortage(error)) this.#takeBack(error);
      else this.#home.fail(error);
      return;
    }
    this.#wrote();
    this.#durability.settleWritten();
  }

  durableAdvanced(endOffset: number): void {
    if (this.#highWatermark === undefined) this.#producers.transactions.committed(endOffset);
    this.onDurableAdvance?.(endOffset);
  }

  /**
   * Keeps what a start after a crash has to read of this log small: where much has come since its indexes and producers were stored last,
   * they are stored as they are now. Called now and then.
   */
  mark(): void {
    const { active } = this.#segments;
    const isDue = this.#durability.isSynced && !this.isReadOnly && !this.#isClosing && this.#trail.isIdle;
    if (!isDue || active.unindexedBytes < this.#home.markBytes) return;
    this.#epochStore.store();
    const { indexCounts: counts } = active;
    const endOffset = this.#logEndOffset;
    this.#trail.add({ endOffset, segment: active, counts, snapshot: this.#snapshot(), isMark: true });
    this.#trail.synced(this.recoveryPoint);
  }

  /** Writes and syncs everything appended so far. */
  async flush(): Promise<void> {
    this.writePending();
    await this.#durability.flush(() => this.#epochStore.settled());
  }

  /** Resolves when the epochs of all segments but the active one are in their file. */
  epochsStored(): Promise<void> {
    return this.#epochStore.settled();
  }

  /** Resolves when no sync, removal or swap of segments or small write of this log is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.#segmentWork.settled();
    await this.#sync.settled();
    await this.#trail.settled();
    await this.#epochStore.settled().catch(() => {});
  }

  /** Takes no more records, flushes, stores indexes and producer state, and gives the files back. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.#segmentWork.settled();
    if (this.#home.failure === undefined) {
      if (this.#sealedEndOffset === this.#logEndOffset) await this.#epochStore.settled();
      else await this.#seal();
    }
    this.abandon();
  }

  /** Gives memory and files back without writing anything; whoever waits hears an error. Idempotent. */
  abandon(): void {
    if (this.#isClosed) return;
    this.#isClosing = true;
    this.#isClosed = true;
    this.#tail.clear();
    this.#reads.clear();
    this.#trail.stop();
    this.#epochStore.stop();
    this.#segments.close();
    this.#durability.stop();
  }

  /** The directory went offline. */
  failed(error: KafkaError): void {
    this.#durability.fail(error);
  }

  /** The answer to a batch of a producer that is not appended; undefined when it may be. */
  #judge(
    { header, marker }: ParsedBatch,
    origin: 'client' | 'coordinator',
    { transactionVersion = 0, verification }: AppendOptions,
  ): AppendResult | undefined {
    const repeated = origin === 'client' ? this.#producers.repeated(header) : undefined;
    if (repeated !== undefined)
      return this.#accepted(repeated.baseOffset, repeated.lastOffset, repeated.timestamp, true);
    const refusal = this.#producers.refuse({ header, marker, origin, transactionVersion, verification });
    return refusal === undefined ? undefined : this.#refused(refusal);
  }

  #appendBatch({ bytes, header, marker }: ParsedBatch, options: AppendOptions, wallMs: number): void {
    const isCopied = options.origin === 'log';
    const isStamped = !isCopied && this.#config['message.timestamp.type'] === 'LogAppendTime';
    const baseOffset = isCopied ? header.baseOffset : this.#logEndOffset;
    const leaderEpoch = isCopied ? header.partitionLeaderEpoch : options.leaderEpoch;
    const lastOffset = baseOffset + header.lastOffsetDelta;
    const maxTimestamp = isStamped ? wallMs : header.maxTimestamp;
    const { sizeInBytes } = header;
    if (this.#segments.active.shouldRoll({ sizeInBytes, lastOffset, maxTimestamp }, this.#config, wallMs))
      this.#roll(wallMs);
    if (leaderEpoch > (this.leaderEpochs.latest?.epoch ?? -1)) this.#epochStore.assign(leaderEpoch, baseOffset);
    const head = isStamped
      ? this.#heads.stampedHead(bytes, baseOffset, leaderEpoch, wallMs)
      : this.#heads.head(baseOffset, sizeInBytes, leaderEpoch);
    const body = bytes.subarray(isStamped ? STAMPED_HEAD_BYTES : HEAD_BYTES);
    const { active } = this.#segments;
    active.note(lastOffset, maxTimestamp, sizeInBytes, this.#config['index.interval.bytes'], false);
    active.queue(head, body);
    this.#tail.push(baseOffset, lastOffset, head, body);
    if (header.producerId >= 0) {
      const aborted = this.#producers.update(header, baseOffset, marker, maxTimestamp, wallMs);
      if (aborted !== undefined) active.noteAborted(aborted);
    }
    this.#logEndOffset = lastOffset + 1;
  }

  async #seal(): Promise<void> {
    this.#epochStore.store();
    await this.flush();
    await this.#trail.settled();
    const { disk, clock } = this.#home;
    const { active } = this.#segments;
    active.finish();
    await active.storeIndexes(clock);
    await storeSnapshot(disk, this.folder, this.#logEndOffset, this.#snapshot());
    await disk.syncDirectory(this.folder);
  }

  /** Closes the active segment and begins the next one at the end of the log. Rare, so it may touch the disk at once. */
  #roll(wallMs: number): void {
    const { active } = this.#segments;
    active.writePending();
    this.#wrote();
    this.#revertPoint = { endOffset: this.#logEndOffset, mark: active.mark() };
    active.finish();
    this.#epochStore.store();
    this.#segments.roll(wallMs);
    const { indexCounts: counts } = active;
    this.#trail.add({
      endOffset: this.#logEndOffset,
      segment: active,
      counts,
      snapshot: this.#snapshot(),
      isMark: false,
    });
    this.#revertPoint = { endOffset: this.#logEndOffset, mark: this.#segments.active.mark() };
    this.#sealedEndOffset = undefined;
    this.#sync.rolled(active);
    this.#durability.requestSync();
  }

  /** Everything appended so far is in the file. */
  #wrote(): void {
    this.#revertPoint = undefined;
    this.#durability.written(this.#logEndOffset);
    this.#producers.written();
    this.#tail.written(this.#logEndOffset);
    this.#home.shortage.wrote();
  }

  /** There is no room (or no handle) for what was appended and not written: it never was. Returns what to tell its senders. */
  #takeBack(cause: KafkaError): KafkaError {
    const error = this.#home.shortage.began(cause);
    const point = this.#revertPoint;
    if (point === undefined) return error;
    this.#revertPoint = undefined;
    try {
      this.#segments.active.revert(point.mark);
    } catch (truncateError) {
      this.#home.fail(truncateError);
      return error;
    }
    this.#tail.clear();
    this.#trail.revert(point.endOffset);
    this.#producers.revert(point.endOffset);
    // A leader may have been announced at the end of the log, so an epoch that begins there stays.
    this.#epochStore.truncateFromEnd(point.endOffset + 1);
    this.#logEndOffset = point.endOffset;
    this.onTakenBack?.(point.endOffset);
    this.#durability.takenBack(point.endOffset, error);
    return error;
  }

  #snapshot(): Buffer {
    return encodeProducerSnapshot(this.#producers.entries());
  }

  #accepted(baseOffset: number, lastOffset: number, timestamp: number, isDuplicate: boolean): AppendResult {
    const isTold = isDuplicate || this.#config['message.timestamp.type'] === 'LogAppendTime';
    const logAppendTime = isTold ? timestamp : -1;
    const { logStartOffset } = this;
    return accepted({ baseOffset, lastOffset, logAppendTime, logStartOffset, isDuplicate });
  }

  #refused(refusal: Refusal): AppendResult {
    return refused(refusal, this.#logStartOffset);
  }

  #offline(): Refusal {
    return storageError(this.#durability.goneError().message);
  }
}

/** Once a topic is compacted, gaps may be anywhere. */
function compactedTo(config: TopicConfig, known: number): number {
  return config['cleanup.policy'].includes('compact') ? Number.POSITIVE_INFINITY : known;
}

function storageError(message: string): Refusal {
  return { error: Errors.KAFKA_STORAGE_ERROR, message };
}
