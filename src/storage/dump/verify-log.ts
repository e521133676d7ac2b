/**
 * Checks the batches of one `.log` or `.checkpoint` file, front to back in pieces: lengths, header, checksum, offsets that grow,
 * leader epochs that do not fall. A batch with a wrong checksum is told and passed over; where a length is wrong the rest of the
 * file has no batches that could be found, and is told as one thing.
 */
import { CorruptError, errorText } from '#core';
import type { BatchHeader } from '#protocol';
import type { DiskFile } from '../disk/disk.ts';
import { BatchWalk } from './batch-walk.ts';
import type { Report } from './findings.ts';
import { LogWindow } from './log-window.ts';

export interface LogBounds {
  /** Offsets in the file begin here or later. */
  readonly baseOffset: number;
  /** The base offset of the next segment; offsets end before it. */
  readonly endOffsetMax: number;
}

export interface LogSummary {
  readonly batchCount: number;
  readonly sizeInBytes: number;
  /** The offset after the last good batch. */
  readonly endOffset: number;
  readonly lastEpoch: number;
  /** Whether every byte belonged to a batch whose header could be read. */
  readonly isWhole: boolean;
}

/** A control batch has one small record. */
const CONTROL_BYTES_MAX = 4096;
/** Relative offsets are int32. */
const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

/** @param visit sees every batch whose header can be, also those with a wrong checksum; of control batches, borrowed, all bytes. */
export async function verifyLog(
  file: DiskFile,
  bounds: LogBounds,
  firstEpoch: number,
  report: Report,
  visit: (header: BatchHeader, position: number, control: Buffer | undefined) => void,
): Promise<LogSummary> {
  const sizeInBytes = file.sizeSync();
  const window = new LogWindow(file);
  const walk = new BatchWalk(window, 0, sizeInBytes, file.path);
  const check = new BatchCheck(bounds, firstEpoch, report);
  let batchCount = 0;
  try {
    for (let batch = await walk.current(); batch !== undefined; batch = await walk.current()) {
      const { position } = walk;
      const header = check.headerOf(() => batch.header(), position);
      walk.skip(batch);
      batchCount++;
      if (header === undefined) continue;
      const crc = await window.crc(position + 21, position + header.sizeInBytes);
      check.accept(header, crc, position);
      const isReadable = header.isControl && crc === header.crc && header.sizeInBytes <= CONTROL_BYTES_MAX;
      visit(header, position, isReadable ? await window.bytes(position, header.sizeInBytes) : undefined);
    }
    if (walk.position < sizeInBytes)
      check.lose(`the last ${sizeInBytes - walk.position} bytes are no whole batch`, walk.position);
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    const left = sizeInBytes - walk.position;
    check.lose(`${errorText(error)} The ${left} bytes from here on were not checked.`, walk.position);
  }
  const { endOffset, lastEpoch, isWhole } = check;
  return { batchCount, sizeInBytes, endOffset, lastEpoch, isWhole };
}

class BatchCheck {
  readonly #bounds: LogBounds;
  readonly #report: Report;
  endOffset: number;
  lastEpoch: number;
  isWhole = true;

  constructor(bounds: LogBounds, firstEpoch: number, report: Report) {
    this.#bounds = bounds;
    this.#report = report;
    this.endOffset = bounds.baseOffset;
    this.lastEpoch = firstEpoch;
  }

  /** Undefined, and told, when it cannot be a header. */
  headerOf(read: () => BatchHeader, position: number): BatchHeader | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      this.lose(errorText(error), position);
      return undefined;
    }
  }

  accept(header: BatchHeader, crc: number, position: number): void {
    const { baseOffset, lastOffset, partitionLeaderEpoch: epoch } = header;
    const which = `the batch of offsets ${baseOffset} to ${lastOffset}`;
    if (crc !== header.crc) this.#damage(`${which} has a wrong checksum`, position);
    if (baseOffset < this.endOffset)
      this.#damage(`${which} begins below ${this.endOffset}, where the one before it ends`, position);
    if (lastOffset >= this.#bounds.endOffsetMax)
      this.#damage(`${which} reaches into the next segment, at ${this.#bounds.endOffsetMax}`, position);
    if (lastOffset - this.#bounds.baseOffset > RELATIVE_OFFSET_MAX)
      this.#damage(`${which} is too far from the start of its segment for the indexes`, position);
    if (epoch < this.lastEpoch) this.#damage(`${which} has leader epoch ${epoch} after ${this.lastEpoch}`, position);
    this.endOffset = Math.max(this.endOffset, lastOffset + 1);
    this.lastEpoch = Math.max(this.lastEpoch, epoch);
  }

  /** Bytes that are no batch. */
  lose(text: string, position: number): void {
    this.isWhole = false;
    this.#damage(text, position);
  }

  #damage(text: string, position: number): void {
    this.#report('damage', text, position);
  }
}
