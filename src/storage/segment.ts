/**
 * One segment of a log: the `.log` file with its batches and the two sparse indexes beside it. It keeps the books of what is
 * appended (indexes, largest timestamp, when to roll) and writes; it does not judge batches and does not read them.
 *
 * The indexes of the segment that is written to live in memory, and reach their files when it is sealed: after a crash they are
 * built anew from the batches, which recovery reads anyway. Those of a sealed segment are loaded at first use (`index-files.ts`).
 * Our index files have no padding; Kafka, which makes them larger while it writes, reads them as they are.
 */
import { assert, KafkaError } from '#core';
import type { TopicConfig } from './config.ts';
import type { Disk, DiskFile } from './disk/disk.ts';
import { INDEX_SUFFIX, LOG_SUFFIX, segmentFileName, TIME_INDEX_SUFFIX } from './file-names.ts';
import { OffsetIndex } from './offset-index.ts';
import { TimeIndex, type TimestampOffset } from './time-index.ts';

/** Relative offsets in the indexes are int32. */
const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

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

export class Segment {
  readonly baseOffset: number;
  readonly folder: string;
  readonly #disk: Disk;
  readonly #jitterMs: number;
  readonly #createdWallMs: number;
  #file: DiskFile | undefined;
  #isClosed = false;
  /** Undefined: in their files, not loaded. */
  indexes: SegmentIndexes | undefined;
  /** Bytes appended, written or not. */
  sizeInBytes = 0;
  #writtenBytes = 0;
  #pending: Buffer[] = [];
  #bytesSinceIndexEntry = 0;
  /** Largest `maxTimestamp` of a batch and the last offset of that batch; -1 when empty. */
  #maxTimestamp: TimestampOffset;
  /** `maxTimestamp` of the first batch, which the age of a segment counts from; undefined: not known (yet). */
  #firstTimestamp: number | undefined;

  constructor(disk: Disk, folder: string, baseOffset: number, createdWallMs: number, jitterMs: number) {
    this.#disk = disk;
    this.folder = folder;
    this.baseOffset = baseOffset;
    this.#createdWallMs = createdWallMs;
    this.#jitterMs = jitterMs;
    this.#maxTimestamp = { timestamp: -1, offset: baseOffset };
  }

  path(suffix: string): string {
    return `${this.folder}/${segmentFileName(this.baseOffset, suffix)}`;
  }

  /** Bytes that are in the file. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  get maxTimestamp(): TimestampOffset {
    return this.#maxTimestamp;
  }

  /** The `.log` file, opened at first use. The place for a limit on open files: nobody else holds the handle for longer than a call. */
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

  /** The same segment with nothing known of its content, and a file handle of its own. */
  emptyCopy(): Segment {
    return new Segment(this.#disk, this.folder, this.baseOffset, this.#createdWallMs, this.#jitterMs);
  }

  /** Forgets what is known of the content, so that a scan can tell it anew by `note`. */
  startIndexes(bytesMax: number): void {
    this.indexes = {
      offsets: new OffsetIndex(this.baseOffset, bytesMax),
      times: new TimeIndex(this.baseOffset, bytesMax),
    };
    this.sizeInBytes = 0;
    this.#writtenBytes = 0;
    this.#bytesSinceIndexEntry = 0;
    this.#maxTimestamp = { timestamp: -1, offset: this.baseOffset };
    this.#firstTimestamp = undefined;
  }

  /** Takes over indexes from files; what they do not cover (from `position` on) is to be told by `note`. */
  adoptIndexes(indexes: SegmentIndexes, position: number): void {
    this.indexes = indexes;
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
    if (maxTimestamp > this.#maxTimestamp.timestamp)
      this.#maxTimestamp = { timestamp: maxTimestamp, offset: lastOffset };
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      indexes.offsets.append(lastOffset, this.sizeInBytes);
      indexes.times.maybeAppend(this.#maxTimestamp.timestamp, this.#maxTimestamp.offset);
      this.#bytesSinceIndexEntry = 0;
    }
    this.#bytesSinceIndexEntry += sizeInBytes;
    this.sizeInBytes += sizeInBytes;
    if (isWritten) this.#writtenBytes = this.sizeInBytes;
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
    this.#writtenBytes = this.sizeInBytes;
  }

  /** Whether `incoming` must go to a new segment. */
  shouldRoll(incoming: IncomingBatch, config: TopicConfig, wallMs: number): boolean {
    if (this.sizeInBytes > config['segment.bytes'] - incoming.sizeInBytes) return this.sizeInBytes > 0;
    if (incoming.lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true;
    if (this.sizeInBytes === 0) return false;
    if (this.#ageMs(incoming.maxTimestamp, wallMs) > config['segment.ms'] - this.#jitterMs) return true;
    return this.indexes === undefined || this.indexes.offsets.isFull || this.indexes.times.isFull;
  }

  /** No more batches come: forces the largest timestamp into the time index and writes both index files. */
  seal(): void {
    const { indexes } = this;
    assert(indexes !== undefined && this.#pending.length === 0, 'a segment was sealed before it was written');
    indexes.times.maybeAppend(this.#maxTimestamp.timestamp, this.#maxTimestamp.offset);
    this.#writeIndexFile(INDEX_SUFFIX, indexes.offsets.content());
    this.#writeIndexFile(TIME_INDEX_SUFFIX, indexes.times.content());
  }

  /** fdatasync of the batches and, for a sealed segment, of the index files. */
  async sync(withIndexes: boolean): Promise<void> {
    const file = this.file();
    if (!withIndexes) return file.sync();
    await Promise.all([file.sync(), this.#syncFile(INDEX_SUFFIX), this.#syncFile(TIME_INDEX_SUFFIX)]);
    return undefined;
  }

  /** Cuts the file after `sizeInBytes`, which must be the end of a batch. The indexes must be told anew. */
  truncateFile(sizeInBytes: number): void {
    this.file().truncateSync(sizeInBytes);
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
    return first !== undefined && first >= 0 ? maxTimestamp - first : wallMs - this.#createdWallMs;
  }

  #writeIndexFile(suffix: string, content: Buffer): void {
    const file = this.#disk.openSync(this.path(suffix), { create: true });
    try {
      file.writeSync([content], 0);
      file.truncateSync(content.length);
    } finally {
      file.close();
    }
  }

  async #syncFile(suffix: string): Promise<void> {
    const file = this.#disk.openSync(this.path(suffix), { create: false });
    try {
      await file.sync();
    } finally {
      file.close();
    }
  }
}
