/**
 * One segment of a log: the `.log` file with its batches, the two sparse indexes beside it, and the aborted transactions that end in
 * it. It keeps the books of what is appended (indexes, largest timestamp, when to roll) and writes; it does not judge batches and does
 * not read them.
 *
 * The indexes of the segment that is written to live in memory, and follow it to the disk (`log-trail.ts`). Those of a sealed segment
 * are loaded at first use (`index-files.ts`). Our index files have no padding; Kafka, which makes them larger while it writes, reads
 * them as they are.
 */
import { assert, type Clock, KafkaError } from '#core';
import type { AbortedTxn } from '#protocol';
import type { TopicConfig } from '../config.ts';
import type { MemoryBudget, MemoryHolder } from '../directory/memory-budget.ts';
import { withHandle } from '../directory/shortage.ts';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { INDEX_SUFFIX, LOG_SUFFIX, segmentFileName, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX } from './file-names.ts';
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts';
import { TIME_ENTRY_BYTES, TimeIndex, type TimestampOffset } from './time-index.ts';
import { ABORTED_TXN_BYTES, TransactionIndex } from './transaction-index.ts';

/** Relative offsets in the indexes are int32. */
const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

/** What two indexes cost besides their entries. */
const INDEX_OBJECT_BYTES = 1024;
const NOTHING_STORED = Promise.resolve();
const NO_ENTRIES = { offsetEntryCount: 0, timeEntryCount: 0 };

export interface SegmentIndexes {
  readonly offsets: OffsetIndex;
  readonly times: TimeIndex;
}

/** What is about to be appended, as far as rolling depends on it. */
export interface IncomingBatch {
  readonly sizeInBytes: number;
  readonly lastOffset: number;
  readonly maxTimestamp: number;
}

/** How many entries the indexes of a segment had. */
export interface IndexCounts {
  readonly offsetEntryCount: number;
  readonly timeEntryCount: number;
  readonly abortedCount: number;
}

/** How far the books of a segment were, so that what came after can be taken back. */
export interface SegmentMark extends IndexCounts {
  readonly sizeInBytes: number;
  readonly bytesSinceIndexEntry: number;
  readonly maxTimestamp: TimestampOffset | undefined;
  readonly firstTimestamp: number | undefined;
}

/**
 * What the `.txnindex` file of a segment is good for: `whole`: it tells all its aborted transactions; `none`: there is no file, for
 * there are none; `doubtful`: neither can be said, and the batches must be read.
 */
export type TransactionFile = 'whole' | 'none' | 'doubtful';

export class Segment implements MemoryHolder {
  readonly baseOffset: number;
  readonly folder: string;
  readonly #disk: Disk;
  readonly #jitterShare: number;
  /** When it was made, or (after a restart) first seen. */
  readonly createdWallMs: number;
  #file: DiskFile | undefined;
  #isClosed = false;
  /** What comes behind the names of the files: `.cleaned`, `.swap`, `.deleted`; usually nothing. */
  #nameSuffix: string;
  /** Another segment has taken its place: who reads it may finish, its files go soon. */
  isRetired = false;
  /** Undefined: in their files, not loaded. */
  indexes: SegmentIndexes | undefined;
  /** The aborted transactions that end here; undefined: not loaded, or `transactionFile` says that there are none. */
  transactions: TransactionIndex | undefined;
  transactionFile: TransactionFile = 'none';
  /** Bytes appended, written or not. */
  sizeInBytes = 0;
  #writtenBytes = 0;
  #soundBytes = 0;
  #pending: Buffer[] = [];
  #bytesSinceIndexEntry = 0;
  /** Largest `maxTimestamp` of a batch and the last offset of that batch, -1 when empty; undefined: nobody has looked yet. */
  #maxTimestamp: TimestampOffset | undefined;
  /** `maxTimestamp` of the first batch, which the age of a segment counts from; undefined: not known (yet). */
  #firstTimestamp: number | undefined;

  /** Entries that the index files have already. */
  #stored: Omit<IndexCounts, 'abortedCount'> = NO_ENTRIES;
  #storedAbortedCount = 0;
  #storing = NOTHING_STORED;
  /** Bytes of indexes of a sealed segment that a memory budget counts. */
  #heldBytes = 0;
  newer: MemoryHolder | undefined = undefined;
  older: MemoryHolder | undefined = undefined;

  /**
   * @param jitterShare from 0 to 1: how much of `segment.jitter.ms` this segment rolls early
   * @param nameSuffix what its files have behind their names
   */
  constructor(
    disk: Disk,
    folder: string,
    baseOffset: number,
    createdWallMs: number,
    jitterShare: number,
    nameSuffix = '',
  ) {
    this.#disk = disk;
    this.#nameSuffix = nameSuffix;
    this.folder = folder;
    this.baseOffset = baseOffset;
    this.createdWallMs = createdWallMs;
    this.#jitterShare = jitterShare;
  }

  path(suffix: string): string {
    return `${this.folder}/${segmentFileName(this.baseOffset, suffix)}${this.#nameSuffix}`;
  }

  /** Bytes that are in the file. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Bytes from the start on, up to the end of a batch, that this process wrote or found right. What damages them later the scrub finds. */
  get soundBytes(): number {
    return this.#soundBytes;
  }

  /** The batches from `position` to `endPosition` were found right. */
  foundSound(position: number, endPosition: number): void {
    if (position <= this.#soundBytes) this.#soundBytes = Math.max(this.#soundBytes, endPosition);
  }

  /** What lies from `position` on is to be verified when it is read. */
  doubt(position: number): void {
    this.#soundBytes = Math.min(this.#soundBytes, position);
  }

  get maxTimestamp(): TimestampOffset {
    return this.#maxTimestamp ?? { timestamp: -1, offset: this.baseOffset };
  }

  /** As `maxTimestamp`; undefined when that is not known before the indexes are loaded. */
  get largestTimestamp(): number | undefined {
    return this.#maxTimestamp?.timestamp;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The `.log` file, opened at first use. */
  file(): DiskFile {
    if (this.#isClosed) throw new KafkaError('KAFKA_STORAGE_ERROR', `${this.path(LOG_SUFFIX)} was closed`);
    this.#file ??= this.#disk.openSync(this.path(LOG_SUFFIX), { create: false });
    return this.#file;
  }

  /** Makes the file of a new segment, with indexes that hold nothing. */
  create(config: TopicConfig): void {
    this.#file = this.#disk.openSync(this.path(LOG_SUFFIX), { create: true });
    this.startIndexes(config['segment.index.bytes']);
  }

  /** The same segment with nothing known of its content, and a file handle of its own; with `nameSuffix`, in files of its own. */
  emptyCopy(nameSuffix = this.#nameSuffix): Segment {
    const { folder, baseOffset } = this;
    return new Segment(this.#disk, folder, baseOffset, this.createdWallMs, this.#jitterShare, nameSuffix);
  }

  /**
   * Gives those of its files that are in `names` another name suffix, the `.log` last. Reads that are under way go on. The names are
   * durable after a sync of the folder.
   */
  async move(nameSuffix: string, names: ReadonlySet<string>): Promise<void> {
    for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX, LOG_SUFFIX]) {
      const name = segmentFileName(this.baseOffset, suffix);
      if (!names.has(name + this.#nameSuffix)) continue;
      const path = this.path(suffix);
      // From here on the file is opened by its new name.
      if (suffix === LOG_SUFFIX) this.#nameSuffix = nameSuffix;
      await this.#disk.rename(path, `${this.folder}/${name}${nameSuffix}`);
    }
  }

  /** Forgets what is known of the content, so that a scan can tell it anew by `note`. */
  startIndexes(bytesMax: number): void {
    this.indexes = {
      offsets: new OffsetIndex(this.baseOffset, bytesMax),
      times: new TimeIndex(this.baseOffset, bytesMax),
    };
    this.#stored = NO_ENTRIES;
    this.sizeInBytes = 0;
    this.#writtenBytes = 0;
    this.#soundBytes = 0;
    this.#bytesSinceIndexEntry = 0;
    this.#maxTimestamp = { timestamp: -1, offset: this.baseOffset };
    this.#firstTimestamp = undefined;
  }

  /** Takes over indexes from files; what they do not cover (from `position` on) is to be told by `note`. */
  adoptIndexes(indexes: SegmentIndexes, position: number): void {
    this.indexes = indexes;
    this.#stored = this.indexCounts;
    this.#maxTimestamp = indexes.times.lastEntry() ?? { timestamp: -1, offset: this.baseOffset };
    this.sizeInBytes = position;
    this.#writtenBytes = position;
    this.#bytesSinceIndexEntry = 0;
  }

  set firstTimestamp(timestamp: number) {
    this.#firstTimestamp = timestamp;
  }

  /** A sealed segment of which only the size is known. */
  adoptSize(sizeInBytes: number): void {
    this.sizeInBytes = sizeInBytes;
    this.#writtenBytes = sizeInBytes;
  }

  /**
   * Notes that a batch lies at the end of the segment. Kafka's rule: an entry comes before a batch when more than
   * `indexIntervalBytes` were appended since the last one, and names that batch. `isWritten`: it was found in the file.
   */
  note(
    lastOffset: number,
    maxTimestamp: number,
    sizeInBytes: number,
    indexIntervalBytes: number,
    isWritten: boolean,
  ): void {
    const indexes = this.indexes;
    assert(indexes !== undefined, 'a batch was noted in a segment without indexes');
    if (this.#firstTimestamp === undefined && this.sizeInBytes === 0) this.#firstTimestamp = maxTimestamp;
    if (maxTimestamp > this.maxTimestamp.timestamp)
      this.#maxTimestamp = { timestamp: maxTimestamp, offset: lastOffset };
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      indexes.offsets.append(lastOffset, this.sizeInBytes);
      indexes.times.maybeAppend(this.maxTimestamp.timestamp, this.maxTimestamp.offset);
      this.#bytesSinceIndexEntry = 0;
    }
    this.#bytesSinceIndexEntry += sizeInBytes;
    this.sizeInBytes += sizeInBytes;
    if (isWritten) this.#writtenBytes = this.sizeInBytes;
  }

  /** Notes that the marker of an aborted transaction lies at the end of the segment. */
  noteAborted(aborted: AbortedTxn): void {
    assert(this.isTransactionsLoaded, 'an aborted transaction was noted beside those of a file');
    this.transactions ??= new TransactionIndex();
    this.transactions.append(aborted);
  }

  /** `index` tells all aborted transactions that end here, and its content is that of the file. */
  adoptTransactions(index: TransactionIndex): void {
    this.transactions = index;
    this.transactionFile = index.entryCount > 0 ? 'whole' : 'none';
    this.#storedAbortedCount = index.entryCount;
  }

  get isTransactionsLoaded(): boolean {
    return this.transactions !== undefined || this.transactionFile === 'none';
  }

  /** Notes that so many bytes which are no batch lie at the end of the segment. */
  skip(sizeInBytes: number): void {
    this.#bytesSinceIndexEntry += sizeInBytes;
    this.sizeInBytes += sizeInBytes;
    this.#writtenBytes = this.sizeInBytes;
  }

  /** Queues slices of a batch that was noted; they reach the file with `writePending`. */
  queue(head: Buffer | undefined, body: Buffer): void {
    if (head !== undefined) this.#pending.push(head);
    this.#pending.push(body);
  }

  /** One writev for everything queued. */
  writePending(): void {
    if (this.#pending.length === 0) return;
    this.file().writeSync(this.#pending, this.#writtenBytes);
    this.#pending = [];
    this.foundSound(this.#writtenBytes, this.sizeInBytes);
    this.#writtenBytes = this.sizeInBytes;
  }

  mark(): SegmentMark {
    const { offsetEntryCount, timeEntryCount, abortedCount } = this.indexCounts;
    return {
      offsetEntryCount,
      timeEntryCount,
      abortedCount,
      sizeInBytes: this.sizeInBytes,
      bytesSinceIndexEntry: this.#bytesSinceIndexEntry,
      maxTimestamp: this.#maxTimestamp,
      firstTimestamp: this.#firstTimestamp,
    };
  }

  /** Takes back what was noted and queued since `mark`, and what a failed write left of it in the file. */
  revert(mark: SegmentMark): void {
    this.#pending = [];
    this.sizeInBytes = mark.sizeInBytes;
    this.#writtenBytes = Math.min(this.#writtenBytes, mark.sizeInBytes);
    this.doubt(this.#writtenBytes);
    this.indexes?.offsets.truncate(mark.offsetEntryCount);
    this.indexes?.times.truncate(mark.timeEntryCount);
    this.transactions?.truncate(mark.abortedCount);
    this.#bytesSinceIndexEntry = mark.bytesSinceIndexEntry;
    this.#maxTimestamp = mark.maxTimestamp;
    this.#firstTimestamp = mark.firstTimestamp;
    this.truncateFile(this.#writtenBytes);
  }

  /** Whether `incoming` must go to a new segment. */
  shouldRoll(incoming: IncomingBatch, config: TopicConfig, wallMs: number): boolean {
    if (this.sizeInBytes > config['segment.bytes'] - incoming.sizeInBytes) return this.sizeInBytes > 0;
    if (incoming.lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true;
    if (this.sizeInBytes === 0) return false;
    const segmentMs = segmentMsMax(config);
    const jitterMs = Math.floor(this.#jitterShare * Math.min(config['segment.jitter.ms'], segmentMs));
    if (this.#ageMs(incoming.maxTimestamp, wallMs) > segmentMs - jitterMs) return true;
    const indexBytesMax = config['segment.index.bytes'];
    return (
      this.indexes === undefined ||
      this.indexes.offsets.isFull(indexBytesMax) ||
      this.indexes.times.isFull(indexBytesMax) ||
      (this.transactions?.entryCount ?? 0) >= Math.floor(indexBytesMax / ABORTED_TXN_BYTES)
    );
  }

  /** No more batches come: forces the largest timestamp into the time index. */
  finish(): void {
    const { indexes } = this;
    assert(indexes !== undefined && this.#pending.length === 0, 'a segment was finished before it was written');
    indexes.times.maybeAppend(this.maxTimestamp.timestamp, this.maxTimestamp.offset);
  }

  get indexCounts(): IndexCounts {
    return {
      offsetEntryCount: this.indexes?.offsets.entryCount ?? 0,
      timeEntryCount: this.indexes?.times.entryCount ?? 0,
      abortedCount: this.transactions?.entryCount ?? 0,
    };
  }

  /**
   * Brings the first `counts` entries into the index files, durably, but for their names. Times come first: an entry of the offset
   * index on the disk says that the times up to its batch are there, so neither file needs the other to be judged after a power cut.
   */
  storeIndexes(clock: Clock, counts: IndexCounts = this.indexCounts): Promise<void> {
    const { indexes } = this;
    return this.#track(async () => {
      await this.#storeIndexes(clock, indexes, counts);
      await this.#storeTransactions(clock, counts.abortedCount);
    });
  }

  /** Writes the index files anew. Without an offset index nothing is believed of the times: a cut in between has both built again. */
  replaceIndexFiles(clock: Clock): Promise<void> {
    const { indexes, indexCounts } = this;
    return this.#track(async () => {
      await this.#disk.remove(this.path(INDEX_SUFFIX));
      await this.#disk.syncDirectory(this.folder);
      this.#stored = NO_ENTRIES;
      await this.#storeIndexes(clock, indexes, indexCounts);
    });
  }

  /** Bytes that no entry in the index files leads into or over: what a start after a crash has to read of this segment, at least. */
  get unindexedBytes(): number {
    const entry = this.indexes?.offsets.entry(this.#stored.offsetEntryCount - 1);
    return this.sizeInBytes - (entry?.position ?? 0);
  }

  /** Resolves when no index file is being written. Never rejects. */
  settled(): Promise<void> {
    return this.#storing;
  }

  #track(run: () => Promise<void>): Promise<void> {
    const storing = this.#storing.then(run);
    this.#storing = storing.catch(() => {});
    return storing;
  }

  async #storeIndexes(clock: Clock, indexes: SegmentIndexes | undefined, counts: IndexCounts): Promise<void> {
    assert(indexes !== undefined, 'the indexes of a segment were stored without being there');
    const stored = this.#stored;
    const from = [stored.timeEntryCount * TIME_ENTRY_BYTES, stored.offsetEntryCount * OFFSET_ENTRY_BYTES];
    const times = indexes.times.content().subarray(from[0], counts.timeEntryCount * TIME_ENTRY_BYTES);
    const offsets = indexes.offsets.content().subarray(from[1], counts.offsetEntryCount * OFFSET_ENTRY_BYTES);
    await withHandle(clock, () => this.#appendTo(TIME_INDEX_SUFFIX, times, from[0]));
    await withHandle(clock, () => this.#appendTo(INDEX_SUFFIX, offsets, from[1]));
    this.#stored = counts;
  }

  /** Kafka makes the file with its first entry. Its name is durable before anything says that the segment is complete. */
  async #storeTransactions(clock: Clock, count: number): Promise<void> {
    const storedCount = this.#storedAbortedCount;
    if (this.transactions === undefined || count <= storedCount) return;
    this.transactionFile = 'doubtful';
    const position = storedCount * ABORTED_TXN_BYTES;
    const entries = this.transactions.content().subarray(position, count * ABORTED_TXN_BYTES);
    await withHandle(clock, () => this.#appendTo(TXN_INDEX_SUFFIX, entries, position));
    if (storedCount === 0) await withHandle(clock, () => this.#disk.syncDirectory(this.folder));
    this.#storedAbortedCount = count;
    this.transactionFile = 'whole';
  }

  /** fdatasync of the batches. A file whose descriptor was taken back is opened before it is synced. */
  async sync(clock: Clock): Promise<void> {
    const file = this.file();
    await withHandle(clock, () => file.sync());
  }

  /** Cuts the file after `sizeInBytes`, which must be the end of a batch. The indexes must be told anew. */
  truncateFile(sizeInBytes: number): void {
    this.file().truncateSync(sizeInBytes);
  }

  /** The indexes of a sealed segment are in memory, from where `budget` may take them again: they are in their files. */
  holdIndexes(budget: MemoryBudget): void {
    const { offsets, times } = this.indexes ?? {};
    const contents = [offsets, times, this.transactions].map((index) => index?.content().length ?? 0);
    const bytes = contents.reduce((sum, length) => sum + length, INDEX_OBJECT_BYTES);
    const newBytes = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    budget.take(this, newBytes);
  }

  /** Forgets the indexes of a sealed segment until their next use. */
  shed(): number {
    const shedBytes = this.#heldBytes;
    this.indexes = undefined;
    if ((this.transactions?.entryCount ?? 0) > this.#storedAbortedCount) this.transactionFile = 'doubtful';
    this.transactions = undefined;
    this.#heldBytes = 0;
    return shedBytes;
  }

  /** Gives the file handle back; the next use opens it again. */
  releaseFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** For good. Idempotent. */
  close(): void {
    this.releaseFile();
    this.#isClosed = true;
  }

  /** Kafka's rule: by the timestamps of the records; by the clock only when the first batch has none. */
  #ageMs(maxTimestamp: number, wallMs: number): number {
    const first = this.#firstTimestamp;
    return first !== undefined && first >= 0 ? maxTimestamp - first : wallMs - this.createdWallMs;
  }

  async #appendTo(suffix: string, entries: Buffer, position: number): Promise<void> {
    const file = this.#disk.openSync(this.path(suffix), { create: true });
    try {
      if (entries.length > 0) file.writeSync([entries], position);
      file.truncateSync(position + entries.length);
      await file.sync();
    } finally {
      file.close();
    }
  }
}

/** Only closed segments are compacted, so a compacted log closes them in time for `max.compaction.lag.ms`. */
function segmentMsMax(config: TopicConfig): number {
  const isCompacted = config['cleanup.policy'].includes('compact');
  return isCompacted ? Math.min(config['segment.ms'], config['max.compaction.lag.ms']) : config['segment.ms'];
}
