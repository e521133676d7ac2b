/**
 * What is read of a log: batches, from memory where it has them and else from the files, and the offsets that belong to times. Segments
 * may go while they are read; the answer is then that of the log without them.
 */
import { errorText, KafkaError } from '#core';
import { Errors } from '#protocol';
import { isUnreadable } from '../directory/disk-errors.ts';
import { damageText, remedyText } from '../recovery/damage-book.ts';
import { type CommittedRead, type CommittedSource, readCommitted } from './committed-reader.ts';
import type { LogHome } from './log-home.ts';
import { emptyRead, failedRead, type LogRead, offsetOutOfRange } from './log-read.ts';
import { LogReader } from './log-reader.ts';
import type { LogSegments } from './log-segments.ts';
import type { MemoryTail } from './memory-tail.ts';
import type { ReadRequest } from './read-window.ts';
import { type FoundRecord, findMaxTimestamp, findTimestamp } from './time-lookup.ts';

/** The log that is read. */
export interface ReadableLog {
  readonly name: string;
  readonly folder: string;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  readonly isClosed: boolean;
}

export class LogReads implements CommittedSource {
  readonly #home: LogHome;
  readonly #log: ReadableLog;
  readonly #segments: LogSegments;
  readonly #tail: MemoryTail;
  readonly #reader: LogReader;

  constructor(home: LogHome, log: ReadableLog, segments: LogSegments, tail: MemoryTail) {
    this.#home = home;
    this.#log = log;
    this.#segments = segments;
    this.#tail = tail;
    this.#reader = new LogReader(segments, home.budget);
  }

  get lastStableOffset(): number {
    return this.#log.lastStableOffset;
  }

  /** @see PartitionLog.read */
  read(offset: number, request: ReadRequest): LogRead | Promise<LogRead> {
    const { isClosed, logStartOffset, logEndOffset } = this.#log;
    if (isClosed) return failedRead(offset, Errors.KAFKA_STORAGE_ERROR);
    if (offset < logStartOffset || offset > logEndOffset) return offsetOutOfRange(offset);
    if (offset >= Math.min(request.endOffsetMax, logEndOffset)) return emptyRead(offset);
    return (
      this.#tail.read(offset, request.bytesMax, request.endOffsetMax, request.atLeastOneBatch) ??
      this.#reader.readWindow(offset, request) ??
      this.#reader.read(offset, request).then(
        // The segment may have been deleted under the reader: what comes after it is no answer.
        (read) => (offset < this.#log.logStartOffset ? offsetOutOfRange(offset) : read),
        (error: unknown) => this.readFailed(offset, error),
      )
    );
  }

  /** @see PartitionLog.readCommitted */
  readCommitted(offset: number, request: ReadRequest): CommittedRead | Promise<CommittedRead> {
    return readCommitted(this, this.#segments, offset, request);
  }

  /** What to answer where the disk has failed: a place that it cannot read is damaged. */
  readFailed(offset: number, error: unknown): LogRead {
    const { isClosed, logStartOffset, name } = this.#log;
    if (offset < logStartOffset) return offsetOutOfRange(offset);
    if (!isClosed) this.#home.logger.error({ log: name, offset }, `A read failed: ${errorText(error)}`);
    return failedRead(offset, isUnreadable(error) ? Errors.CORRUPT_MESSAGE : Errors.KAFKA_STORAGE_ERROR);
  }

  /** @see PartitionLog.readAll */
  async *readAll(fromOffset: number, endOffset: number, bytesMax: number): AsyncGenerator<Buffer, void> {
    const { name, folder } = this.#log;
    let offset = fromOffset;
    while (offset < endOffset) {
      const read = await this.read(offset, { bytesMax, endOffsetMax: endOffset, atLeastOneBatch: true });
      if (read.error !== undefined) {
        const damage = this.#segments.damage.at(offset);
        const reason = damage === undefined ? read.error.message : `${damageText(damage)}. ${remedyText(folder)}`;
        throw new KafkaError(read.error.name, `cannot read ${name} at offset ${offset}: ${reason}`);
      }
      if (read.sizeInBytes === 0) return;
      yield read.records.length === 1 ? read.records[0] : Buffer.concat(read.records, read.sizeInBytes);
      offset = read.endOffset;
    }
  }

  /** @see PartitionLog.offsetForTimestamp */
  offsetForTimestamp(timestamp: number, endOffsetMax: number): Promise<FoundRecord | undefined> {
    return this.#whileStartStands((start) => findTimestamp(this.#segments, timestamp, { start, end: endOffsetMax }));
  }

  /** @see PartitionLog.maxTimestampOffset */
  maxTimestampOffset(endOffsetMax: number): Promise<FoundRecord | undefined> {
    return this.#whileStartStands((start) => findMaxTimestamp(this.#segments, { start, end: endOffsetMax }));
  }

  /** Segments below `endOffset` were replaced: memory still has what was in them. */
  forgetBelow(endOffset: number): void {
    this.#tail.forget(endOffset);
    this.#reader.clear();
  }

  /** Gives memory back. */
  clear(): void {
    this.#tail.clear();
    this.#reader.clear();
  }

  /** Runs `find` again when segments were deleted meanwhile: it may have failed for want of them, or found what is gone. */
  async #whileStartStands<T>(find: (logStartOffset: number) => Promise<T>): Promise<T> {
    while (true) {
      const { logStartOffset: start } = this.#log;
      try {
        const found = await find(start);
        if (start === this.#log.logStartOffset) return found;
      } catch (error) {
        if (start === this.#log.logStartOffset || this.#log.isClosed) throw error;
      }
    }
  }
}
