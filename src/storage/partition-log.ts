/**
 * The log of one partition. Appending is synchronous and touches no file: batches are judged by their headers, get offsets, and are
 * queued as they were received behind a fresh head of 16 bytes; one writev for everything that was queued in a turn follows in the
 * next. `writevSync` and not the thread pool: into the page cache it was measured as cheap for large and cheaper for 16 KiB frames,
 * and it keeps the order without any waiting (it blocks only while the kernel throttles dirty pages). Expected cost of an append: the
 * checksum (5.7 GB/s), about 2 µs of bookkeeping, and its share of a writev.
 *
 * A batch is durable (`durableEndOffset`) when it was written (`os`), or when an fdatasync that began after the write has ended
 * (`sync`). Callbacks of `whenDurable` run then; there is no promise per append.
 *
 * Transactions: none can be open, since transactional batches are refused, so the last stable offset is the high watermark.
 */
import { assert, errorText, KafkaError, type Uuid } from '#core';
import { type BatchHeader, Errors, type KafkaErrorRow } from '#protocol';
import { AtomicFile } from './atomic-file.ts';
import { HEAD_BYTES, STAMPED_HEAD_BYTES } from './batch-frame.ts';
import type { AppendOrigin, Refusal } from './batch-validator.ts';
import { formatEpochs } from './checkpoint-format.ts';
import { swapSegments } from './compaction/segment-swap.ts';
import type { TopicConfig } from './config.ts';
import { type DurableCallback, DurableWaiters } from './durable-waiters.ts';
import { SNAPSHOT_SUFFIX, segmentFileName } from './file-names.ts';
import { FlushTimer } from './flush-timer.ts';
import { HeadWriter } from './head-writer.ts';
import { type ParsedBatch, parseIncoming } from './incoming-batches.ts';
import { loadSealedIndexes, rebuildSealedIndexes } from './index-files.ts';
import type { EpochEnd, LeaderEpochs } from './leader-epochs.ts';
import type { LogHome } from './log-home.ts';
import { emptyRead, failedRead, type LogRead, offsetOutOfRange } from './log-read.ts';
import { LogReader, type ReadRequest, type SegmentSource } from './log-reader.ts';
import { EPOCH_FILE } from './log-state.ts';
import type { SyncSource } from './log-syncer.ts';
import { MemoryTail } from './memory-tail.ts';
import { syncMetadata } from './open-partition.ts';
import { encodeProducerSnapshot } from './producer-snapshot.ts';
import type { ProducerState } from './producer-state.ts';
import { planRetention, type RetentionPlan, type RetentionReason } from './retention.ts';
import { RetiredSegments } from './retired-segments.ts';
import { Segment, type SegmentMark } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { renameDeleted } from './segment-removal.ts';
import { isShortage, withHandle } from './shortage.ts';
import { type FoundRecord, findMaxTimestamp, findTimestamp } from './time-lookup.ts';

export interface AppendOptions {
  /** Written into the batches; batches of origin `log` keep theirs. */
  readonly leaderEpoch: number;
  readonly origin: AppendOrigin;
  /** This log is synced before anything in it counts as durable, whatever the directory's mode is; from now on. */
  readonly requiresSync?: boolean;
}

export interface AppendResult {
  /** Undefined when the batches are in the log (or were before: `isDuplicate`). Else nothing was appended. */
  readonly error: KafkaErrorRow | undefined;
  /** What exactly was wrong. */
  readonly errorMessage: string | undefined;
  /** Of the first record; -1 with an error. A duplicate has the offsets of the first time, which need not be durable yet. */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** The time that the records were stamped with; -1 when the topic keeps the producer's. */
  readonly logAppendTime: number;
  readonly logStartOffset: number;
  readonly isDuplicate: boolean;
  readonly recordErrors: readonly { readonly batchIndex: number; readonly message: string }[];
}

/** What opening a partition's folder came to. */
export interface LoadedLog {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly folder: string;
  readonly config: TopicConfig;
  readonly segments: readonly Segment[];
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly recoveryPoint: number;
  readonly storedRecoveryPoint: number;
  readonly epochs: LeaderEpochs;
  readonly producers: ProducerState;
  /** Indexes and producer state are in their files, synced, for all of the log. */
  readonly isSealed: boolean;
}

/** Segments that retention took away. */
export interface RemovedSegments {
  /** Why, of each. */
  readonly reasons: readonly RetentionReason[];
  readonly sizeInBytes: number;
  /** Where the log starts now. */
  readonly logStartOffset: number;
  /** Their files, under the names under which they wait for removal. */
  readonly paths: readonly string[];
}

const NO_RECORD_ERRORS: AppendResult['recordErrors'] = [];

export class PartitionLog implements SyncSource, SegmentSource {
  readonly topic: string;
  readonly partition: number;
  topicId: Uuid;
  readonly folder: string;
  /** The owner's hook: called with the new `durableEndOffset`, before the callbacks of `whenDurable`. */
  onDurableAdvance: ((durableEndOffset: number) => void) | undefined;
  /** The owner's hook: records from `endOffset` on could not be written for want of room, and are no more. */
  onTakenBack: ((endOffset: number) => void) | undefined;
  readonly #home: LogHome;
  readonly #segments: SegmentList;
  readonly #tail: MemoryTail;
  readonly #reader: LogReader;
  readonly #heads = new HeadWriter();
  readonly #waiters = new DurableWaiters();
  readonly #retired: RetiredSegments;
  readonly #epochs: LeaderEpochs;
  readonly #epochFile: AtomicFile;
  readonly #producers: ProducerState;
  #config: TopicConfig;
  #isSynced: boolean;
  /** Taking no more records. */
  #isClosing = false;
  #isClosed = false;
  #logStartOffset: number;
  #logEndOffset: number;
  #writtenEndOffset: number;
  #durableEndOffset: number;
  #recoveryPoint: number;
  #highWatermark: number | undefined;
  /** Where the log goes back to when what was appended since cannot be written; undefined when nothing was. */
  #revertPoint: { readonly endOffset: number; readonly mark: SegmentMark } | undefined;
  /** The lowest offset that the folder may have a file for: it trails the first segment until names are durable. */
  #firstFileOffset: number;
  /** `config` is the topic's own, not what stands in for it until the topic is known. */
  #isConfigured: boolean;
  /** Mode `os`: the next sync takes the active segment with it. */
  #isFlushDue = false;
  readonly #flushTimer: FlushTimer;
  /** Where the log ended when its last stop had left nothing to do, and closing it has nothing to do either; else undefined. */
  #sealedEndOffset: number | undefined;
  /** Settled when no segments are being removed or replaced: one after the other. */
  #segmentWork: Promise<unknown> = Promise.resolve();
  /** Rolled segments whose files are not synced yet. */
  #sealedUnsynced: Segment[] = [];
  /** Names were added to the folder, or the folder itself is new. */
  #isFolderDirty: boolean;
  /** `partition.metadata` was written and not synced: without it the records would belong to no topic after a power cut. */
  #isMetadataDirty: boolean;
  /** Settled when the last sync has ended, well or not; its caller hears which. */
  #lastSync: Promise<void> = Promise.resolve();

  constructor(home: LogHome, loaded: LoadedLog, isNew: boolean) {
    this.topic = loaded.topic;
    this.partition = loaded.partition;
    this.topicId = loaded.topicId;
    this.folder = loaded.folder;
    this.#home = home;
    this.#config = loaded.config;
    this.#segments = new SegmentList(loaded.segments);
    this.#tail = new MemoryTail(home.tailBytesPerLogMax, home.budget);
    this.#reader = new LogReader(this, home.budget);
    this.#retired = new RetiredSegments(home);
    this.#epochs = loaded.epochs;
    this.#epochFile = new AtomicFile(home.disk, loaded.folder, EPOCH_FILE);
    this.#producers = loaded.producers;
    this.#isSynced = home.durability === 'sync';
    this.#isFolderDirty = isNew;
    this.#isMetadataDirty = isNew;
    this.#logStartOffset = loaded.logStartOffset;
    this.#logEndOffset = loaded.logEndOffset;
    this.#writtenEndOffset = loaded.logEndOffset;
    this.#durableEndOffset = loaded.logEndOffset;
    this.#recoveryPoint = loaded.recoveryPoint;
    this.storedRecoveryPoint = loaded.storedRecoveryPoint;
    this.#firstFileOffset = this.#segments.first.baseOffset;
    this.#isConfigured = isNew;
    this.#sealedEndOffset = loaded.isSealed ? loaded.logEndOffset : undefined;
    this.#flushTimer = new FlushTimer(home.clock, () => this.#flushSoon());
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
    return this.#durableEndOffset;
  }

  /** The recovery point that is durable itself, in its checkpoint. Set by the directory. */
  storedRecoveryPoint: number;

  /** Records below were synced; recovery after a crash begins here. */
  get recoveryPoint(): number {
    return this.#recoveryPoint;
  }

  /** What the owner set last; until then the durable end. Stored in `replication-offset-checkpoint`. */
  get highWatermark(): number {
    return this.#highWatermark ?? this.#durableEndOffset;
  }

  set highWatermark(offset: number) {
    this.#highWatermark = offset;
  }

  get lastStableOffset(): number {
    return this.highWatermark;
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
    return this.#firstFileOffset;
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

  /** Whether `config` is known to be that of the topic. */
  get isConfigured(): boolean {
    return this.#isConfigured;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get producers(): ProducerState {
    return this.#producers;
  }

  get leaderEpochs(): LeaderEpochs {
    return this.#epochs;
  }

  /**
   * Appends the batches of `records`, all or none, at `logEndOffset`. Synchronous; nothing is written before the next turn.
   * `records` belongs to the log from now on and must not be changed. Refusals are in the result; nothing is thrown.
   */
  append(records: Buffer, options: AppendOptions): AppendResult {
    if (this.#home.failure !== undefined || this.#isClosing) return this.#refused(this.#offline());
    const shortage = this.#home.shortage.refusal;
    if (shortage !== undefined) return this.#refused(passing(shortage));
    if (options.requiresSync === true) this.#isSynced = true;
    const now = this.#home.clock.now();
    const parsed = parseIncoming(records, options.origin, this.#config, this.#logEndOffset, now.wallMs);
    if (!Array.isArray(parsed)) return this.#refused(parsed);
    const [first] = parsed;
    if (options.origin === 'client' && first.header.producerId >= 0) {
      const duplicate = this.#producers.duplicateOf(first.header);
      if (duplicate !== undefined)
        return this.#accepted(duplicate.baseOffset, duplicate.lastOffset, duplicate.timestamp, true);
      const error = this.#producers.refusalOf(first.header);
      if (error !== undefined) return this.#refused({ error, message: this.#sequenceMessage(first.header) });
    }
    const baseOffset = options.origin === 'log' ? first.header.baseOffset : this.#logEndOffset;
    this.#revertPoint ??= { endOffset: this.#logEndOffset, mark: this.#segments.active.mark() };
    try {
      for (const batch of parsed) this.#appendBatch(batch, options, now.wallMs);
    } catch (error) {
      // Rolling touches the disk.
      if (!(error instanceof KafkaError)) throw error;
      if (isShortage(error)) return this.#refused(passing(this.#takeBack(error)));
      this.#home.fail(error);
      return this.#refused(this.#offline());
    }
    this.#home.scheduleWrite(this);
    return this.#accepted(baseOffset, this.#logEndOffset - 1, now.wallMs, false);
  }

  /**
   * Calls `callback` once everything below `endOffset` is durable, at once when it is; with an error when that will never be
   * (the directory went offline, the log was closed).
   */
  whenDurable(endOffset: number, callback: DurableCallback): void {
    if (endOffset <= this.#durableEndOffset) callback();
    else if (this.#home.failure !== undefined || this.#isClosed) callback(this.#home.failure ?? this.#closedError());
    else this.#waiters.add(endOffset, callback);
  }

  /**
   * Whole batches from the one that holds `offset` on, in sum at most `bytesMax`, none that reaches `endOffsetMax`. With
   * `atLeastOneBatch` the first one is given whatever its size. Synchronous when memory holds them. Never rejects.
   */
  read(offset: number, request: ReadRequest): LogRead | Promise<LogRead> {
    if (this.#isClosed) return failedRead(offset, Errors.KAFKA_STORAGE_ERROR);
    if (offset < this.#logStartOffset || offset > this.#logEndOffset) return offsetOutOfRange(offset);
    if (offset >= Math.min(request.endOffsetMax, this.#logEndOffset)) return emptyRead(offset);
    return (
      this.#tail.read(offset, request.bytesMax, request.endOffsetMax, request.atLeastOneBatch) ??
      this.#reader.readWindow(offset, request) ??
      this.#reader.read(offset, request).then(
        // The segment may have been deleted under the reader: what comes after it is no answer.
        (read) => (offset < this.#logStartOffset ? offsetOutOfRange(offset) : read),
        (error: unknown) => this.#readFailed(offset, error),
      )
    );
  }

  /** Chunks of whole batches from the one that holds `fromOffset` up to `endOffset`: for replay. Throws when a part is damaged. */
  async *readAll(fromOffset: number, endOffset: number, bytesMax = 1024 * 1024): AsyncGenerator<Buffer, void> {
    let offset = fromOffset;
    while (offset < endOffset) {
      const read = await this.read(offset, { bytesMax, endOffsetMax: endOffset, atLeastOneBatch: true });
      if (read.error !== undefined) {
        throw new KafkaError(read.error.name, `cannot read ${this.#name} at offset ${offset}: ${read.error.message}`);
      }
      if (read.sizeInBytes === 0) return;
      yield read.records.length === 1 ? read.records[0] : Buffer.concat(read.records, read.sizeInBytes);
      offset = read.endOffset;
    }
  }

  /** The first record below `endOffsetMax` whose timestamp is at least `timestamp`. */
  offsetForTimestamp(timestamp: number, endOffsetMax = this.highWatermark): Promise<FoundRecord | undefined> {
    return this.#whileStartStands((start) =>
      findTimestamp(this, this.#segments.all, timestamp, { start, end: endOffsetMax }),
    );
  }

  /** The record with the largest timestamp below `endOffsetMax`, the first one when several have it. */
  maxTimestampOffset(endOffsetMax = this.highWatermark): Promise<FoundRecord | undefined> {
    return this.#whileStartStands((start) => findMaxTimestamp(this, this.#segments.all, { start, end: endOffsetMax }));
  }

  /** @see LeaderEpochs.endOffsetFor. Undefined: UNDEFINED_EPOCH in Kafka's words. */
  endOffsetForEpoch(epoch: number): EpochEnd | undefined {
    return this.#epochs.endOffsetFor(epoch, this.#logStartOffset, this.#logEndOffset);
  }

  /** The leader epoch whose leader wrote `offset`; undefined below the first known one. */
  epochAt(offset: number): number | undefined {
    return this.#epochs.epochAt(offset);
  }

  /** A leader with this epoch begins to write at the end of the log. */
  assignEpoch(leaderEpoch: number): void {
    if (this.#epochs.assign(leaderEpoch, this.#logEndOffset)) this.#storeEpochs();
  }

  /** `partition.metadata` was written anew: what becomes durable from now on needs it. */
  metadataWritten(): void {
    this.#isMetadataDirty = true;
    this.#isFolderDirty = true;
    this.#home.syncer.request(this);
  }

  /** Takes over the topic's configuration, for everything from now on. */
  updateConfig(config: TopicConfig): void {
    this.#config = config;
    this.#isConfigured = true;
    if (this.#home.failure === undefined && !this.#isClosing) this.#checkFlush();
  }

  /**
   * Deletes the records below `offset`, which must not lie above the high watermark: nobody reads them any more. Resolves when a crash
   * cannot bring them back; their segments go with the next round of retention.
   */
  async deleteRecords(offset: number): Promise<void> {
    assert(offset <= this.highWatermark, `offset ${offset} of ${this.#name} is not committed`);
    this.#moveLogStart(offset);
    await this.#home.storeLogStarts();
  }

  /**
   * Takes away the oldest segments whose time has come, at most `countMax`; the log start offset moves up behind them, durably, before
   * their files are renamed. Undefined when there was none. Not to be called again before it has ended. Rejects when the disk refuses;
   * the segments are out of the log then, and their files go at a later start.
   */
  retain(wallMs: number, usesTime: boolean, countMax: number): Promise<RemovedSegments | undefined> {
    const removal = this.#segmentWork.then(() => this.#retain(wallMs, usesTime, countMax));
    this.#segmentWork = removal.catch(() => {});
    return removal;
  }

  /**
   * Puts `fresh`, complete and synced in files that end in `.cleaned`, in the place of `replaced`: closed segments whose indexes are
   * loaded. Reads go on; those under way may still see the old ones. False: the log has changed meanwhile or was closed, and the files
   * of `fresh` are the caller's to remove. Rejects when the disk does; after the new segment was to be seen, the directory is offline.
   */
  replaceSegments(replaced: readonly Segment[], fresh: Segment): Promise<boolean> {
    const swap = this.#segmentWork.then(() => this.#swap(replaced, fresh));
    this.#segmentWork = swap.catch(() => {});
    return swap;
  }

  /** Writes what is queued; called by the directory once per turn. */
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
    if (this.#isSynced) {
      this.#home.syncer.request(this);
      return;
    }
    // As in Kafka, the append that makes it `flush.messages` is answered when it is synced.
    if (!this.#checkFlush()) this.#advanceDurable(this.#writtenEndOffset);
  }

  /** Syncs what is written so far; called by the syncer only. In mode `os` these are the segments that were rolled. */
  async syncWritten(): Promise<void> {
    if (this.#isClosed) return;
    const withActive = this.#isSynced || this.#isFlushDue;
    this.#isFlushDue = false;
    const endOffset = withActive ? this.#writtenEndOffset : this.#segments.active.baseOffset;
    try {
      await this.#syncFiles(withActive);
    } catch (error) {
      // Deleted meanwhile: nobody waits for this sync any more.
      if (this.#isClosed) return;
      throw error;
    }
    if (this.#isClosed) return;
    this.#recoveryPoint = Math.max(this.#recoveryPoint, endOffset);
    if (withActive) this.#advanceDurable(endOffset);
    if (!this.#isSynced) this.#checkFlush();
  }

  /** Writes and syncs everything appended so far. */
  async flush(): Promise<void> {
    this.writePending();
    const endOffset = this.#writtenEndOffset;
    await this.#syncFiles(true);
    await this.#epochFile.settled();
    this.#recoveryPoint = Math.max(this.#recoveryPoint, endOffset);
    this.#advanceDurable(endOffset);
  }

  /** Resolves when the epoch file is as new as the log. */
  epochsStored(): Promise<void> {
    return this.#epochFile.settled();
  }

  /** Resolves when no sync, removal or swap of segments or small write of this log is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.#segmentWork;
    await this.#lastSync;
    await this.#epochFile.settled().catch(() => {});
  }

  /** Takes no more records, flushes, stores indexes and producer state, and gives the files back. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.#segmentWork;
    if (this.#home.failure === undefined) {
      if (this.#sealedEndOffset === this.#logEndOffset) await this.#epochFile.settled();
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
    this.#reader.clear();
    this.#flushTimer.cancel();
    for (const segment of this.#segments.all) this.#closeSegment(segment);
    this.#retired.clear();
    this.#waiters.fail(this.#home.failure ?? this.#closedError());
  }

  /** The directory went offline. */
  failed(error: KafkaError): void {
    this.#waiters.fail(error);
  }

  floorSegment(offset: number): Segment | undefined {
    return this.#segments.floor(offset);
  }

  segmentAfter(segment: Segment): Segment | undefined {
    return this.#segments.after(segment);
  }

  async loadIndexes(segment: Segment): Promise<void> {
    const endOffset = this.#segments.endOffsetOf(segment, this.#logEndOffset);
    await loadSealedIndexes(this.#home.disk, segment, endOffset, this.#config, this.#home.logger);
    this.#holdIndexes(segment);
  }

  async rebuildIndexes(segment: Segment): Promise<void> {
    if (segment === this.#segments.active) return;
    await rebuildSealedIndexes(segment, this.#config, this.#home.logger);
    this.#holdIndexes(segment);
  }

  get #name(): string {
    return `${this.topic}-${this.partition}`;
  }

  #appendBatch({ bytes, header }: ParsedBatch, options: AppendOptions, wallMs: number): void {
    const isCopied = options.origin === 'log';
    const isStamped = !isCopied && this.#config['message.timestamp.type'] === 'LogAppendTime';
    const baseOffset = isCopied ? header.baseOffset : this.#logEndOffset;
    const leaderEpoch = isCopied ? header.partitionLeaderEpoch : options.leaderEpoch;
    const lastOffset = baseOffset + header.lastOffsetDelta;
    const maxTimestamp = isStamped ? wallMs : header.maxTimestamp;
    const { sizeInBytes } = header;
    if (this.#segments.active.shouldRoll({ sizeInBytes, lastOffset, maxTimestamp }, this.#config, wallMs))
      this.#roll(wallMs);
    if (leaderEpoch > (this.#epochs.latest?.epoch ?? -1)) {
      this.#epochs.assign(leaderEpoch, baseOffset);
      this.#storeEpochs();
    }
    const head = isStamped
      ? this.#heads.stampedHead(bytes, baseOffset, leaderEpoch, wallMs)
      : this.#heads.head(baseOffset, sizeInBytes, leaderEpoch);
    const body = bytes.subarray(isStamped ? STAMPED_HEAD_BYTES : HEAD_BYTES);
    const { active } = this.#segments;
    active.note(lastOffset, maxTimestamp, sizeInBytes, this.#config['index.interval.bytes'], false);
    active.queue(head, body);
    this.#tail.push(baseOffset, lastOffset, head, body);
    if (header.producerId >= 0)
      this.#producers.update(header, baseOffset, maxTimestamp, wallMs, this.#writtenEndOffset);
    this.#logEndOffset = lastOffset + 1;
  }

  async #seal(): Promise<void> {
    await this.flush();
    this.#segments.active.seal();
    this.#storeProducers(this.#logEndOffset);
    await this.#segments.active.sync(true, this.#home.clock);
    await this.#home.disk.syncDirectory(this.folder);
  }

  /** Closes the active segment and begins the next one at the end of the log. Rare, so it may touch the disk at once. */
  #roll(wallMs: number): void {
    const { active } = this.#segments;
    active.writePending();
    this.#wrote();
    this.#revertPoint = { endOffset: this.#logEndOffset, mark: active.mark() };
    active.seal();
    this.#storeProducers(this.#logEndOffset);
    const { disk, random } = this.#home;
    const next = new Segment(disk, this.folder, this.#logEndOffset, wallMs, random.float());
    next.create(this.#config);
    this.#segments.add(next);
    this.#revertPoint = { endOffset: this.#logEndOffset, mark: next.mark() };
    this.#sealedEndOffset = undefined;
    this.#holdIndexes(active);
    this.#sealedUnsynced.push(active);
    this.#isFolderDirty = true;
    this.#home.syncer.request(this);
  }

  /** Everything appended so far is in the file. */
  #wrote(): void {
    this.#revertPoint = undefined;
    this.#writtenEndOffset = this.#logEndOffset;
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
    this.#producers.revert(point.endOffset);
    // A leader may have been announced at the end of the log, so an epoch that begins there stays.
    if (this.#epochs.truncateFromEnd(point.endOffset + 1)) this.#storeEpochs();
    this.#logEndOffset = point.endOffset;
    this.onTakenBack?.(point.endOffset);
    this.#waiters.failAbove(point.endOffset, error);
    return error;
  }

  async #retain(wallMs: number, usesTime: boolean, countMax: number): Promise<RemovedSegments | undefined> {
    const plan = await this.#planRetention(wallMs, { usesTime, countMax });
    if (plan === undefined || plan.reasons.length === 0) return undefined;
    const removed = this.#detachSegments(plan, wallMs);
    try {
      await this.#home.storeLogStarts();
    } catch (error) {
      // A full disk must not keep retention from making room: at worst a power cut brings the segments back until the next round.
      const reason = errorText(error);
      this.#home.logger.warn({ log: this.#name }, `Where logs start could not be stored: ${reason}`);
    }
    // A sync that began before has files of these segments open, or is about to.
    await this.#lastSync;
    for (const segment of removed) this.#closeSegment(segment);
    if (this.#isClosed) return undefined;
    const baseOffsets = removed.map((segment) => segment.baseOffset);
    const firstOffset = this.#segments.first.baseOffset;
    const paths = await renameDeleted(this.#home.disk, this.folder, baseOffsets, firstOffset);
    this.#firstFileOffset = firstOffset;
    const sizeInBytes = removed.reduce((sum, segment) => sum + segment.sizeInBytes, 0);
    return { reasons: plan.reasons, sizeInBytes, logStartOffset: this.#logStartOffset, paths };
  }

  /** Asks segments for their largest timestamp where that decides. Undefined when the log is closing or its disk has failed. */
  async #planRetention(
    wallMs: number,
    options: { usesTime: boolean; countMax: number },
  ): Promise<RetentionPlan | undefined> {
    while (this.#home.failure === undefined && !this.#isClosing) {
      const plan = planRetention(
        {
          segments: this.#segments.all,
          logStartOffset: this.#logStartOffset,
          logEndOffset: this.#logEndOffset,
          highWatermark: this.highWatermark,
          config: this.#config,
        },
        wallMs,
        options,
      );
      const unknown = plan.unknown === undefined ? undefined : this.#segments.all[plan.unknown];
      if (unknown === undefined) return plan;
      await this.loadIndexes(unknown);
    }
    return undefined;
  }

  /** From here on nobody finds these segments, and the log starts behind them. */
  #detachSegments(plan: RetentionPlan, wallMs: number): Segment[] {
    if (plan.rollsActive) {
      try {
        this.#roll(wallMs);
      } catch (error) {
        if (isShortage(error)) throw this.#takeBack(error);
        this.#home.fail(error);
        throw error;
      }
    }
    const removed = this.#segments.removeFirst(plan.reasons.length);
    this.#sealedUnsynced = this.#sealedUnsynced.filter((segment) => !removed.includes(segment));
    this.#moveLogStart(plan.logStartOffset);
    return removed;
  }

  #moveLogStart(offset: number): void {
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    if (this.#epochs.truncateFromStart(offset)) this.#storeEpochs();
  }

  #holdIndexes(segment: Segment): void {
    if (!this.#isClosed && this.#segments.has(segment)) segment.holdIndexes(this.#home.budget);
  }

  #closeSegment(segment: Segment): void {
    segment.close();
    this.#home.budget.leave(segment, segment.shed());
  }

  /** Runs `find` again when segments were deleted meanwhile: it may have failed for want of them, or found what is gone. */
  async #whileStartStands<T>(find: (logStartOffset: number) => Promise<T>): Promise<T> {
    while (true) {
      const start = this.#logStartOffset;
      try {
        const found = await find(start);
        if (start === this.#logStartOffset) return found;
      } catch (error) {
        if (start === this.#logStartOffset || this.#isClosed) throw error;
      }
    }
  }

  /** Mode `os`: has the log synced when its topic's flush rules say so; whether that is now. */
  #checkFlush(): boolean {
    if (this.#isSynced) return false;
    const dirtyCount = this.#writtenEndOffset - this.#recoveryPoint;
    this.#flushTimer.update(dirtyCount > 0, this.#config['flush.ms']);
    const isDue = dirtyCount > 0 && dirtyCount >= this.#config['flush.messages'];
    if (isDue) this.#flushSoon();
    return isDue;
  }

  #flushSoon(): void {
    if (this.#isClosing || this.#home.failure !== undefined) return;
    this.#isFlushDue = true;
    this.#home.syncer.request(this);
  }

  async #swap(replaced: readonly Segment[], fresh: Segment): Promise<boolean> {
    let isInstalled = false;
    const install = (): boolean => {
      if (this.#isClosing || this.#home.failure !== undefined || !this.#segments.holds(replaced)) return false;
      for (const segment of replaced) segment.isRetired = true;
      this.#segments.replace(replaced, fresh);
      this.#tail.forget(this.#segments.endOffsetOf(fresh, this.#logEndOffset));
      this.#reader.clear();
      isInstalled = true;
      return true;
    };
    try {
      const { disk } = this.#home;
      await swapSegments({ disk, folder: this.folder, replaced, fresh, install });
      if (isInstalled) this.#holdIndexes(fresh);
      if (isInstalled) this.#retired.add(replaced, fresh, this.#config['file.delete.delay.ms']);
    } catch (error) {
      if (isInstalled) this.#home.fail(error);
      throw error;
    }
    return isInstalled;
  }

  /** One after the other: what a sync took upon itself is not synced before it ends. */
  #syncFiles(withActive: boolean): Promise<void> {
    const sync = this.#lastSync.then(() => this.#syncNow(withActive));
    this.#lastSync = sync.catch(() => {});
    return sync;
  }

  async #syncNow(withActive: boolean): Promise<void> {
    if (this.#isClosed) return;
    const { disk, clock } = this.#home;
    const sealed = this.#sealedUnsynced;
    this.#sealedUnsynced = [];
    const isFolderDirty = this.#isFolderDirty;
    this.#isFolderDirty = false;
    const syncs: Promise<void>[] = sealed.map((segment) => segment.sync(true, clock));
    if (withActive) syncs.push(this.#segments.active.sync(false, clock));
    if (this.#isMetadataDirty) syncs.push(withHandle(clock, () => syncMetadata(disk, this.folder)));
    this.#isMetadataDirty = false;
    if (isFolderDirty) {
      syncs.push(
        withHandle(clock, () => disk.syncDirectory(this.folder)),
        this.#home.syncDirectory(),
      );
    }
    await Promise.all(syncs);
  }

  #advanceDurable(endOffset: number): void {
    if (endOffset <= this.#durableEndOffset) return;
    this.#durableEndOffset = endOffset;
    this.onDurableAdvance?.(endOffset);
    this.#waiters.advance(endOffset);
  }

  /** Not synced: it has a checksum, and recovery can do without it. */
  #storeProducers(offset: number): void {
    const file = this.#home.disk.openSync(`${this.folder}/${segmentFileName(offset, SNAPSHOT_SUFFIX)}`, {
      create: true,
    });
    try {
      file.truncateSync(0);
      file.writeSync([encodeProducerSnapshot(this.#producers.entries())], 0);
    } finally {
      file.close();
    }
  }

  /** In the background: the epochs are in the batches too, and the recovery point waits for `epochsStored`. */
  #storeEpochs(): void {
    this.#epochFile.write(formatEpochs(this.#epochs.entries)).catch((error: unknown) => {
      if (this.#isClosed) return;
      if (isShortage(error)) this.#home.shortage.began(error);
      else this.#home.fail(error);
    });
  }

  #accepted(baseOffset: number, lastOffset: number, timestamp: number, isDuplicate: boolean): AppendResult {
    const logAppendTime = this.#config['message.timestamp.type'] === 'LogAppendTime' ? timestamp : -1;
    return {
      error: undefined,
      errorMessage: undefined,
      baseOffset,
      lastOffset,
      logAppendTime,
      logStartOffset: this.#logStartOffset,
      isDuplicate,
      recordErrors: NO_RECORD_ERRORS,
    };
  }

  #refused({ error, message, recordErrors }: Refusal): AppendResult {
    return {
      error,
      errorMessage: message,
      baseOffset: -1,
      lastOffset: -1,
      logAppendTime: -1,
      logStartOffset: this.#logStartOffset,
      isDuplicate: false,
      recordErrors: recordErrors ?? NO_RECORD_ERRORS,
    };
  }

  #offline(): Refusal {
    return { error: Errors.KAFKA_STORAGE_ERROR, message: (this.#home.failure ?? this.#closedError()).message };
  }

  #closedError(): KafkaError {
    return new KafkaError('KAFKA_STORAGE_ERROR', `the log ${this.#name} was closed`, {
      errorCode: Errors.KAFKA_STORAGE_ERROR.code,
    });
  }

  #sequenceMessage(header: BatchHeader): string {
    const { producerId, producerEpoch, baseSequence } = header;
    return `${this.#name} does not expect sequence ${baseSequence} of producer ${producerId}, epoch ${producerEpoch}`;
  }

  #readFailed(offset: number, error: unknown): LogRead {
    if (offset < this.#logStartOffset) return offsetOutOfRange(offset);
    if (!this.#isClosed) this.#home.logger.error({ log: this.#name, offset }, `A read failed: ${errorText(error)}`);
    return failedRead(offset, Errors.KAFKA_STORAGE_ERROR);
  }
}

function passing(error: KafkaError): Refusal {
  return { error: Errors.KAFKA_STORAGE_ERROR, message: error.message };
}
