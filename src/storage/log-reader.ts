/**
 * Reads a log from its files: index lookup, one positional read, whole batches. A read that goes on where an earlier one ended
 * gets more than it asked for, and the rest is kept for the next one (a window); so a reader that goes through a log pays one read
 * of 1 MiB for many answers, and most answers are synchronous. Checksums of what comes from disk are verified: damage is an answer,
 * never data.
 */
import { BATCH_HEADER_BYTES, Errors } from '#protocol';
import { baseOffsetAt, hasRightCrc, lastOffsetAt, MAGIC, MAGIC_POSITION, PLACE_BYTES, sizeAt } from './batch-frame.ts';
import { emptyRead, failedRead, type LogRead } from './log-read.ts';
import type { MemoryBudget, MemoryHolder } from './memory-budget.ts';
import type { Segment } from './segment.ts';

/** As much as one read of a segment fetches from the disk at most, but for a batch that is larger. */
const WINDOW_BYTES_MAX = 1024 * 1024;
/** And at least: reads of a few batches cost the same. */
const WINDOW_BYTES_MIN = 16 * 1024;
/** As many readers of one log, at different places, go on without an index lookup. */
const WINDOWS_PER_LOG_MAX = 4;
const NOTHING = Buffer.alloc(0);

/** A piece of a segment in memory, and how far somebody has read in it. */
interface Window {
  readonly segment: Segment;
  /** Empty once all of it was given away: what is left then is the knowledge where the reader stopped. */
  buffer: Buffer;
  /** Position of `buffer` in the file. */
  filePosition: number;
  /** The reader is expected back for this offset, which lies (or is to come) at `cursor` in `buffer`. */
  nextOffset: number;
  cursor: number;
}

/** What looking for an offset from some place on came to. */
type Place =
  /** The batch at `at`, whole in the buffer. */
  | { readonly kind: 'found'; readonly at: number }
  /** Go on reading at `at`, where the next batch needs so many bytes. */
  | { readonly kind: 'more'; readonly at: number; readonly bytesWanted: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'damaged'; readonly at: number };

export interface ReadRequest {
  readonly bytesMax: number;
  /** No batch that reaches this offset is given. */
  readonly endOffsetMax: number;
  readonly atLeastOneBatch: boolean;
}

/** Where the log's segments come from: the one that may hold `offset`, and the one after it (or now in its place). */
export interface SegmentSource {
  floorSegment(offset: number): Segment | undefined;
  segmentAfter(segment: Segment): Segment | undefined;
  /** Sees to it that `segment.indexes` are there. */
  loadIndexes(segment: Segment): Promise<void>;
  /** The indexes led to a place where there is no such batch: builds them anew. */
  rebuildIndexes(segment: Segment): Promise<void>;
}

export class LogReader implements MemoryHolder {
  readonly #source: SegmentSource;
  readonly #budget: MemoryBudget;
  /** Least recently used first. */
  #windows: Window[] = [];
  #heldBytes = 0;

  constructor(source: SegmentSource, budget: MemoryBudget) {
    this.#source = source;
    this.#budget = budget;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** What a window holds ready at `offset`, if any. */
  readWindow(offset: number, request: ReadRequest): LogRead | undefined {
    const index = this.#windows.findIndex((window) => window.nextOffset === offset);
    if (index < 0) return undefined;
    const window = this.#windows[index];
    const isMore = window.buffer.length - window.cursor >= PLACE_BYTES;
    if (!isMore || sizeAt(window.buffer, window.cursor) > window.buffer.length - window.cursor) return undefined;
    const read = collect(window, request);
    this.#windows.push(...this.#windows.splice(index, 1));
    if (window.cursor === window.buffer.length) this.#hollow(window);
    return read;
  }

  /** From the disk. */
  async read(offset: number, request: ReadRequest): Promise<LogRead> {
    let segment = this.#source.floorSegment(offset);
    while (segment !== undefined) {
      const read = await this.#readUnlessRetired(segment, offset, request);
      if (read !== undefined) return read;
      segment = this.#source.segmentAfter(segment);
    }
    return emptyRead(offset);
  }

  shed(): number {
    let shedBytes = 0;
    while (shedBytes === 0 && this.#windows.length > 0) shedBytes = (this.#windows.shift() as Window).buffer.length;
    this.#heldBytes -= shedBytes;
    return shedBytes;
  }

  clear(): void {
    this.#budget.leave(this, this.#heldBytes);
    this.#windows = [];
    this.#heldBytes = 0;
  }

  /** Files of a segment that was replaced may be gone in the middle of a read; the one in its place has the same offsets. */
  async #readUnlessRetired(segment: Segment, offset: number, request: ReadRequest): Promise<LogRead | undefined> {
    try {
      return await this.#readSegment(segment, offset, request);
    } catch (error) {
      if (segment.isRetired) return undefined;
      throw error;
    }
  }

  /** Undefined when the segment ends before `offset`. */
  async #readSegment(segment: Segment, offset: number, request: ReadRequest): Promise<LogRead | undefined> {
    const continuation = this.#takeContinuation(segment, offset);
    if (continuation !== undefined) {
      const read = await this.#readFrom(segment, continuation, offset, request, WINDOW_BYTES_MAX);
      return read === 'damaged' ? failedRead(offset, Errors.CORRUPT_MESSAGE) : read;
    }
    const windowBytes = Math.min(Math.max(request.bytesMax, WINDOW_BYTES_MIN), WINDOW_BYTES_MAX);
    const read = await this.#readFrom(segment, await this.#lookUp(segment, offset), offset, request, windowBytes);
    if (read !== 'damaged') return read;
    // Perhaps only the index is damaged.
    await this.#source.rebuildIndexes(segment);
    const again = await this.#readFrom(segment, await this.#lookUp(segment, offset), offset, request, windowBytes);
    return again === 'damaged' ? failedRead(offset, Errors.CORRUPT_MESSAGE) : again;
  }

  async #readFrom(
    segment: Segment,
    start: number,
    offset: number,
    request: ReadRequest,
    windowBytesMin: number,
  ): Promise<LogRead | 'damaged' | undefined> {
    let position = start;
    let windowBytes = windowBytesMin;
    while (true) {
      const bytesLeft = segment.writtenBytes - position;
      const bytesExpected = Math.max(0, Math.min(windowBytes, bytesLeft));
      const buffer = await load(segment, position, bytesExpected);
      const isShort = buffer.length < bytesExpected;
      const place = placeOf(buffer, offset, isShort ? buffer.length : bytesLeft, position === start && start > 0);
      switch (place.kind) {
        case 'end':
          return undefined;
        case 'damaged':
          return 'damaged';
        case 'found':
          return this.#serve(
            { segment, buffer, filePosition: position, nextOffset: offset, cursor: place.at },
            request,
          );
        case 'more':
          position += place.at;
          windowBytes = Math.max(windowBytesMin, place.bytesWanted);
      }
    }
  }

  #serve(window: Window, request: ReadRequest): LogRead {
    const read = collect(window, request);
    this.#windows.push(window);
    this.#heldBytes += window.buffer.length;
    if (this.#windows.length > WINDOWS_PER_LOG_MAX) this.#budget.give(this.shed());
    this.#budget.take(this, window.buffer.length);
    if (window.cursor === window.buffer.length) this.#hollow(window);
    return read;
  }

  #hollow(window: Window): void {
    if (!this.#windows.includes(window)) return;
    this.#heldBytes -= window.buffer.length;
    this.#budget.give(window.buffer.length);
    window.filePosition += window.cursor;
    window.cursor = 0;
    window.buffer = NOTHING;
  }

  /** The place in the file where the reader that asks for `offset` stopped; its window has nothing more for it. */
  #takeContinuation(segment: Segment, offset: number): number | undefined {
    const index = this.#windows.findIndex((window) => window.nextOffset === offset && window.segment === segment);
    if (index < 0) return undefined;
    const [window] = this.#windows.splice(index, 1);
    this.#heldBytes -= window.buffer.length;
    this.#budget.give(window.buffer.length);
    return window.filePosition + window.cursor;
  }

  async #lookUp(segment: Segment, offset: number): Promise<number> {
    if (segment.indexes === undefined) await this.#source.loadIndexes(segment);
    else if (segment.heldBytes > 0) this.#budget.take(segment, 0);
    return segment.indexes?.offsets.floorPosition(offset) ?? 0;
  }
}

/** `bytesWanted` bytes from `position` on; fewer when the file is shorter than it was written. */
async function load(segment: Segment, position: number, bytesWanted: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(bytesWanted);
  const bytesRead = await segment.file().read(buffer, position);
  return bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
}

/**
 * Looks in `buffer` for the batch that holds `offset`, or the first one after it. `bytesLeft` counts from the start of the buffer
 * to the end of the segment. `isIndexed`: the index led here, so the first batch must not begin above `offset`.
 */
function placeOf(buffer: Buffer, offset: number, bytesLeft: number, isIndexed: boolean): Place {
  let at = 0;
  while (at < bytesLeft) {
    if (bytesLeft - at < BATCH_HEADER_BYTES) return { kind: 'damaged', at };
    if (buffer.length - at < PLACE_BYTES) return { kind: 'more', at, bytesWanted: PLACE_BYTES };
    const sizeInBytes = sizeAt(buffer, at);
    const isBatch =
      buffer[at + MAGIC_POSITION] === MAGIC && sizeInBytes >= BATCH_HEADER_BYTES && sizeInBytes <= bytesLeft - at;
    if (!isBatch || (isIndexed && at === 0 && baseOffsetAt(buffer, at) > offset)) return { kind: 'damaged', at };
    if (lastOffsetAt(buffer, at) >= offset) {
      if (at + sizeInBytes > buffer.length) return { kind: 'more', at, bytesWanted: sizeInBytes };
      return { kind: 'found', at };
    }
    at += sizeInBytes;
  }
  return { kind: 'end' };
}

/** Whole batches from the cursor on, as many as fit; moves the cursor behind them. */
function collect(window: Window, request: ReadRequest): LogRead {
  const { buffer, cursor, nextOffset } = window;
  let at = cursor;
  let endOffset = nextOffset;
  while (buffer.length - at >= BATCH_HEADER_BYTES) {
    const sizeInBytes = sizeAt(buffer, at);
    if (sizeInBytes < BATCH_HEADER_BYTES || sizeInBytes > buffer.length - at) break;
    const lastOffset = lastOffsetAt(buffer, at);
    if (lastOffset >= request.endOffsetMax) break;
    if (at + sizeInBytes - cursor > request.bytesMax && !(at === cursor && request.atLeastOneBatch)) break;
    if (!hasRightCrc(buffer, at, sizeInBytes)) {
      if (at === cursor) return failedRead(nextOffset, Errors.CORRUPT_MESSAGE);
      break;
    }
    at += sizeInBytes;
    endOffset = lastOffset + 1;
  }
  if (at === cursor) return emptyRead(nextOffset);
  window.cursor = at;
  window.nextOffset = endOffset;
  return { error: undefined, records: [buffer.subarray(cursor, at)], sizeInBytes: at - cursor, endOffset };
}
