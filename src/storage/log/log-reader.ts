/**
 * Reads a log from its files: index lookup, one positional read, whole batches. A read that goes on where an earlier one ended
 * gets more than it asked for, and the rest is kept for the next one (a window); so a reader that goes through a log pays one read
 * of 1 MiB for many answers. The next window is read ahead, while the reader is busy with what it got, so that nearly all answers are
 * synchronous. Checksums of what comes from the disk are verified once in the life of the process: damage is an answer, never data.
 */
import { BATCH_HEADER_BYTES, Errors } from '#protocol';
import { isUnreadable } from '../directory/disk-errors.ts';
import type { MemoryBudget, MemoryHolder } from '../directory/memory-budget.ts';
import { baseOffsetAt, lastOffsetAt, MAGIC, MAGIC_POSITION, PLACE_BYTES, sizeAt } from '../segment/batch-frame.ts';
import type { Segment } from '../segment/segment.ts';
import type { Location } from '../segment/segment-lookup.ts';
import { emptyRead, failedRead, type LogRead } from './log-read.ts';
import { type ReadRequest, ReadWindow, readBytes } from './read-window.ts';

/** As much as one read of a segment fetches from the disk at most, but for a batch that is larger. */
const WINDOW_BYTES_MAX = 1024 * 1024;
/** And at least: reads of a few batches cost the same. */
const WINDOW_BYTES_MIN = 16 * 1024;
/** As many readers of one log, at different places, go on without an index lookup. */
const WINDOWS_PER_LOG_MAX = 4;

/** What looking for an offset from some place on came to. */
type Place =
  /** The batch at `at`, whole in the buffer, which begins at `baseOffset`. */
  | { readonly kind: 'found'; readonly at: number; readonly baseOffset: number }
  /** Go on reading at `at`, where the batch that begins at `nextOffset` needs so many bytes. */
  | { readonly kind: 'more'; readonly at: number; readonly bytesWanted: number; readonly nextOffset: number }
  /** Something is not as usual: a gap that compaction left, the end of the segment, a wrong index, damage. */
  | { readonly kind: 'odd' };

/** A batch in a file: where it is, and one of its ends. */
interface Start {
  readonly position: number;
  /** Where it begins. Undefined: where it ends is known. */
  readonly baseOffset: number | undefined;
  readonly lastOffset: number | undefined;
  /** A reader comes back there. */
  readonly isContinued: boolean;
}

/** One read of the disk. */
interface Reading extends ReadRequest {
  readonly offset: number;
  /** Of the reader when it began. */
  readonly generation: number;
}

/** Where the log's segments come from: the one that may hold `offset`, and the one after it (or now in its place). */
export interface SegmentSource {
  floorSegment(offset: number): Segment | undefined;
  segmentAfter(segment: Segment): Segment | undefined;
  /** Where `segment` ends. */
  endOffset(segment: Segment): number;
  /** Sees to it that `segment.indexes` are there. */
  loadIndexes(segment: Segment): Promise<void>;
  /** Whether `offset` is known to be damaged. */
  isDamaged(offset: number): boolean;
  /** Finds the place of `offset` with nothing taken for granted, and mends or notes what is wrong on the way. */
  lookUp(segment: Segment, offset: number): Promise<Location>;
}

export class LogReader implements MemoryHolder {
  readonly #source: SegmentSource;
  readonly #budget: MemoryBudget;
  /** Least recently used first. */
  #windows: ReadWindow[] = [];
  #heldBytes = 0;
  /** Counts on when what is in memory is forgotten: reads that are under way leave nothing there any more. */
  #generation = 0;
  newer: MemoryHolder | undefined = undefined;
  older: MemoryHolder | undefined = undefined;

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
    const read = window.collect(offset, request);
    if (read === undefined) return undefined;
    this.#windows.push(...this.#windows.splice(index, 1));
    window.isFollowed = true;
    this.#moveOn(window);
    return read;
  }

  /** From the disk. */
  async read(offset: number, request: ReadRequest): Promise<LogRead> {
    if (this.#source.isDamaged(offset)) return failedRead(offset, Errors.CORRUPT_MESSAGE);
    await this.#windows.find((window) => window.nextOffset === offset)?.ahead;
    const generation = this.#generation;
    return this.readWindow(offset, request) ?? this.#readSegments({ ...request, offset, generation });
  }

  async #readSegments(reading: Reading): Promise<LogRead> {
    const { offset } = reading;
    let segment = this.#source.floorSegment(offset);
    while (segment !== undefined) {
      const read = await this.#readUnlessRetired(segment, reading);
      if (read !== undefined) return read;
      segment = this.#source.segmentAfter(segment);
    }
    return emptyRead(offset);
  }

  shed(): number {
    let shedBytes = 0;
    while (shedBytes === 0 && this.#windows.length > 0) {
      const window = this.#windows.shift() as ReadWindow;
      window.giveUp();
      shedBytes = window.heldBytes;
    }
    this.#heldBytes -= shedBytes;
    return shedBytes;
  }

  clear(): void {
    this.#generation++;
    this.#budget.leave(this, this.#heldBytes);
    for (const window of this.#windows) window.giveUp();
    this.#windows = [];
    this.#heldBytes = 0;
  }

  /** Files of a segment that was replaced may be gone in the middle of a read; the one in its place has the same offsets. */
  async #readUnlessRetired(segment: Segment, reading: Reading): Promise<LogRead | undefined> {
    try {
      return await this.#readSegment(segment, reading);
    } catch (error) {
      if (segment.isRetired) return undefined;
      throw error;
    }
  }

  /** Undefined when the segment ends before `offset`. */
  async #readSegment(segment: Segment, reading: Reading): Promise<LogRead | undefined> {
    const { offset } = reading;
    const start = this.#takeContinuation(segment, offset) ?? (await this.#indexed(segment, offset));
    const bytes = start.isContinued ? WINDOW_BYTES_MAX : firstWindowBytes(segment, start, reading);
    const read = await this.#readAround(segment, start, reading, bytes);
    if (read !== undefined) return read;
    const location = await this.#source.lookUp(segment, offset);
    if (location.kind === 'end' || segment.isRetired) return undefined;
    if (location.kind === 'damage') return failedRead(offset, Errors.CORRUPT_MESSAGE);
    const place = {
      position: location.position,
      baseOffset: location.baseOffset,
      lastOffset: undefined,
      isContinued: false,
    };
    // Else it has changed since it was found.
    return (await this.#readFrom(segment, place, reading, bytes)) ?? failedRead(offset, Errors.CORRUPT_MESSAGE);
  }

  /** Where the disk cannot read all of a window, what lies before may still be read. */
  async #readAround(
    segment: Segment,
    start: Start,
    reading: Reading,
    windowBytes: number,
  ): Promise<LogRead | undefined> {
    try {
      return await this.#readFrom(segment, start, reading, windowBytes);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return this.#readFrom(segment, start, reading, PLACE_BYTES);
    }
  }

  /** Undefined: something is odd there. */
  async #readFrom(
    segment: Segment,
    start: Start,
    reading: Reading,
    windowBytesMin: number,
  ): Promise<LogRead | undefined> {
    const { offset } = reading;
    let from = start;
    let windowBytes = windowBytesMin;
    while (true) {
      const bytesLeft = segment.writtenBytes - from.position;
      const buffer = await readBytes(segment, from.position, Math.max(0, Math.min(windowBytes, bytesLeft)));
      const place = placeOf(buffer, from, offset, bytesLeft);
      if (place.kind === 'odd') return undefined;
      if (place.kind === 'found') {
        const { position: filePosition, isContinued: isFollowed } = from;
        const windowPlace = { segment, filePosition, buffer, cursor: place.at, offset, isFollowed };
        const window = new ReadWindow(windowPlace, (ofSegment) => this.#source.endOffset(ofSegment));
        return this.#serve(window, place.baseOffset, reading);
      }
      // The file is shorter than it was.
      if (buffer.length < Math.min(windowBytes, bytesLeft)) return undefined;
      from = { ...from, position: from.position + place.at, baseOffset: place.nextOffset, lastOffset: undefined };
      windowBytes = Math.max(windowBytesMin, place.bytesWanted);
    }
  }

  #serve(window: ReadWindow, baseOffset: number, reading: Reading): LogRead | undefined {
    const read = window.collect(baseOffset, reading);
    if (read === undefined) return undefined;
    if (reading.generation !== this.#generation) {
      window.giveUp();
      return read;
    }
    if (this.#windows.length === WINDOWS_PER_LOG_MAX) this.#drop(0);
    this.#windows.push(window);
    this.#take(window.heldBytes);
    this.#moveOn(window);
    return read;
  }

  /** When no whole batch is left. The place is kept: the reader may come back there. */
  #moveOn(window: ReadWindow): void {
    if (window.hasWholeBatch || !this.#windows.includes(window)) return;
    // Where batches are larger than a window, none would be whole in the next one.
    const isOfUse = window.isFollowed && window.heldBytes <= WINDOW_BYTES_MAX;
    this.#give(window.heldBytes);
    window.readAhead(isOfUse ? WINDOW_BYTES_MAX : 0);
    this.#take(window.heldBytes);
  }

  #take(bytes: number): void {
    this.#heldBytes += bytes;
    this.#budget.take(this, bytes);
  }

  #give(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#budget.give(bytes);
  }

  /** The place in the file where the reader that asks for `offset` stopped; its window has nothing more for it. */
  #takeContinuation(segment: Segment, offset: number): Start | undefined {
    const index = this.#windows.findIndex((window) => window.nextOffset === offset && window.segment === segment);
    if (index < 0) return undefined;
    return { position: this.#drop(index).position, baseOffset: offset, lastOffset: undefined, isContinued: true };
  }

  #drop(index: number): ReadWindow {
    const [window] = this.#windows.splice(index, 1);
    window.giveUp();
    this.#give(window.heldBytes);
    return window;
  }

  async #indexed(segment: Segment, offset: number): Promise<Start> {
    if (segment.indexes === undefined) await this.#source.loadIndexes(segment);
    else if (segment.heldBytes > 0) this.#budget.take(segment, 0);
    const entry = segment.indexes?.offsets.floorEntry(offset);
    if (entry === undefined)
      return { position: 0, baseOffset: segment.baseOffset, lastOffset: undefined, isContinued: false };
    return { position: entry.position, baseOffset: undefined, lastOffset: entry.offset, isContinued: false };
  }
}

/** One read has all of the batch that is looked for. */
function firstWindowBytes(segment: Segment, start: Start, { offset, bytesMax }: Reading): number {
  const behind = segment.indexes?.offsets.positionBehind(offset);
  const batchBytes = behind === undefined ? 0 : behind - start.position;
  return Math.min(Math.max(bytesMax, WINDOW_BYTES_MIN, batchBytes), WINDOW_BYTES_MAX);
}

/**
 * Looks in `buffer` for the batch that holds `offset`. `bytesLeft` counts from the start of the buffer to the end of the segment. What
 * is passed over is not verified, but each batch must begin where the one before says that it ends, so a single wrong byte that could
 * mislead is noticed.
 */
function placeOf(buffer: Buffer, start: Start, offset: number, bytesLeft: number): Place {
  let at = 0;
  let nextOffset = start.baseOffset;
  while (bytesLeft - at >= BATCH_HEADER_BYTES) {
    if (buffer.length - at < PLACE_BYTES)
      return { kind: 'more', at, bytesWanted: PLACE_BYTES, nextOffset: nextOffset ?? 0 };
    const sizeInBytes = sizeAt(buffer, at);
    if (buffer[at + MAGIC_POSITION] !== MAGIC || sizeInBytes < BATCH_HEADER_BYTES || sizeInBytes > bytesLeft - at)
      break;
    const baseOffset = baseOffsetAt(buffer, at);
    const lastOffset = lastOffsetAt(buffer, at);
    const isExpected = nextOffset === undefined ? lastOffset === start.lastOffset : baseOffset === nextOffset;
    if (!isExpected || lastOffset < baseOffset) break;
    if (lastOffset >= offset) {
      if (at + sizeInBytes > buffer.length)
        return { kind: 'more', at, bytesWanted: sizeInBytes, nextOffset: baseOffset };
      return { kind: 'found', at, baseOffset };
    }
    nextOffset = lastOffset + 1;
    at += sizeInBytes;
  }
  return { kind: 'odd' };
}
