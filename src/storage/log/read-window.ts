/**
 * A piece of a segment in memory, and how far somebody has read in it. When no whole batch is left in it, it moves on: to a reader that
 * goes through the log what follows is read ahead and verified while the reader is busy with what it got.
 */
import { hold, release, takeBuffer } from '#core';
import { BATCH_HEADER_BYTES } from '#protocol';
import { lastOffsetAt, sizeAt } from '../segment/batch-frame.ts';
import { bytesNeeded, damageOf } from '../segment/batch-judgement.ts';
import type { Segment } from '../segment/segment.ts';
import { emptyRead, type LogRead } from './log-read.ts';

const NOTHING = Buffer.alloc(0);

export interface ReadRequest {
  readonly bytesMax: number;
  /** No batch that reaches this offset is given. */
  readonly endOffsetMax: number;
  readonly atLeastOneBatch: boolean;
}

/** Where a window begins. */
export interface WindowPlace {
  readonly segment: Segment;
  readonly filePosition: number;
  readonly buffer: Buffer;
  /** Of the batch to begin with, which holds `offset`, in `buffer`. */
  readonly cursor: number;
  readonly offset: number;
  /** The reader came back: it goes through the log. */
  readonly isFollowed: boolean;
}

export class ReadWindow {
  readonly segment: Segment;
  isFollowed: boolean;
  /** Bytes in memory, be it that they are on their way. */
  heldBytes: number;
  /** Fulfilled when what follows has come, or could not be read. */
  ahead: Promise<void> | undefined = undefined;
  readonly #endOffset: (segment: Segment) => number;
  #buffer: Buffer;
  /** Position of the buffer in the file. */
  #filePosition: number;
  /** Where the reader goes on in the buffer. */
  #cursor: number;
  #nextOffset: number;
  /** Batches that end up to here, in the buffer, were found right in it. */
  #verifiedEnd: number;
  #isGivenUp = false;

  /** @param endOffset where a segment ends */
  constructor(place: WindowPlace, endOffset: (segment: Segment) => number) {
    this.segment = place.segment;
    this.isFollowed = place.isFollowed;
    this.heldBytes = place.buffer.length;
    this.#endOffset = endOffset;
    this.#buffer = place.buffer;
    this.#filePosition = place.filePosition;
    this.#cursor = place.cursor;
    this.#nextOffset = place.offset;
    this.#verifiedEnd = place.cursor;
  }

  /** The reader is expected back for this offset. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Where in the file it goes on. */
  get position(): number {
    return this.#filePosition + this.#cursor;
  }

  get hasWholeBatch(): boolean {
    return isWhole(this.#buffer, this.#cursor);
  }

  /**
   * Whole, right batches from the cursor on, as many as fit; moves the cursor behind them. The first one must not begin below `baseOffset`.
   * Undefined when the window does not hold that one, or it is odd.
   */
  collect(baseOffset: number, request: ReadRequest): LogRead | undefined {
    const cursor = this.#cursor;
    let at = cursor;
    let nextOffset = baseOffset;
    while (isWhole(this.#buffer, at)) {
      const sizeInBytes = sizeAt(this.#buffer, at);
      if (at > cursor && at + sizeInBytes - cursor > request.bytesMax) break;
      if (!this.#isSound(at, nextOffset)) break;
      const lastOffset = lastOffsetAt(this.#buffer, at);
      const isWanted =
        lastOffset < request.endOffsetMax && (sizeInBytes <= request.bytesMax || request.atLeastOneBatch);
      if (!isWanted && at === cursor) return emptyRead(this.#nextOffset);
      if (!isWanted) break;
      at += sizeInBytes;
      nextOffset = lastOffset + 1;
    }
    if (at === cursor) return undefined;
    this.#cursor = at;
    this.#nextOffset = nextOffset;
    const records = [hold(this.#buffer.subarray(cursor, at))];
    return { error: undefined, records, sizeInBytes: at - cursor, endOffset: nextOffset };
  }

  /** Gives up what is in memory, of which no batch is wanted any more, and reads up to `bytesMax` of what follows instead. */
  readAhead(bytesMax: number): void {
    release(this.#buffer);
    this.#filePosition += this.#cursor;
    this.#cursor = 0;
    this.#verifiedEnd = 0;
    this.#buffer = NOTHING;
    this.heldBytes = Math.min(bytesMax, Math.max(0, this.segment.writtenBytes - this.#filePosition));
    if (this.heldBytes > 0) this.ahead = this.#fill(this.heldBytes);
  }

  /** Gives its memory back. */
  giveUp(): void {
    this.#isGivenUp = true;
    release(this.#buffer);
    this.#buffer = NOTHING;
  }

  /** In a turn of its own: what the reader waits for goes out first. What cannot be read is read again by who wants it, who then says so. */
  async #fill(bytes: number): Promise<void> {
    await undefined;
    if (this.#isGivenUp) return;
    const buffer = await readBytes(this.segment, this.#filePosition, bytes).catch(() => NOTHING);
    this.ahead = undefined;
    if (this.#isGivenUp) {
      release(buffer);
      return;
    }
    this.#buffer = buffer;
    this.#verify();
  }

  #verify(): void {
    if (this.segment.soundBytes >= this.#filePosition + this.#buffer.length) return;
    let nextOffset = this.#nextOffset;
    let at = 0;
    while (isWhole(this.#buffer, at) && this.#isSound(at, nextOffset)) {
      nextOffset = lastOffsetAt(this.#buffer, at) + 1;
      at += sizeAt(this.#buffer, at);
    }
  }

  /** Whether the batch at `at`, which is all in the buffer, is right as far as can be told. */
  #isSound(at: number, nextOffset: number): boolean {
    if (at < this.#verifiedEnd || this.#filePosition + at < this.segment.soundBytes) return true;
    const bytesLeft = this.segment.writtenBytes - this.#filePosition - at;
    if (bytesNeeded(this.#buffer, at, bytesLeft, nextOffset) > this.#buffer.length - at) return false;
    const bounds = { nextOffset, endOffset: this.#endOffset(this.segment), denseFrom: Number.POSITIVE_INFINITY };
    if (damageOf(this.#buffer, at, bytesLeft, bounds) !== undefined) return false;
    this.#verifiedEnd = at + sizeAt(this.#buffer, at);
    this.segment.foundSound(this.#filePosition + at, this.#filePosition + this.#verifiedEnd);
    return true;
  }
}

/** `bytesWanted` bytes from `position` on, in memory that the caller holds; fewer when the file is shorter than it was written. */
export async function readBytes(segment: Segment, position: number, bytesWanted: number): Promise<Buffer> {
  const buffer = takeBuffer(bytesWanted);
  const bytesRead = await segment.file().read(buffer, position);
  return bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
}

function isWhole(buffer: Buffer, at: number): boolean {
  if (buffer.length - at < BATCH_HEADER_BYTES) return false;
  const sizeInBytes = sizeAt(buffer, at);
  return sizeInBytes >= BATCH_HEADER_BYTES && sizeInBytes <= buffer.length - at;
}
