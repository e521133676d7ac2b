/**
 * Compares the indexes of a segment with its batches while somebody walks these from the first to the last: each audit keeps its
 * place in the index and is told of every batch once. Padding at the end of a file is no entry. ◇
 */
import type { BatchHeader } from '#protocol';
import { withoutPadding } from '../segment/entry-table.ts';
import { OFFSET_ENTRY_BYTES } from '../segment/offset-index.ts';
import { TIME_ENTRY_BYTES } from '../segment/time-index.ts';
import type { Report } from './findings.ts';
import { OffsetEntries, TimeEntries } from './index-entries.ts';

export interface IndexAudit {
  batch(header: BatchHeader, position: number): void;
  /** `isWhole`: every batch of the log was told, so that what is left in the index leads nowhere. */
  end(isWhole: boolean): void;
}

export class OffsetIndexAudit implements IndexAudit {
  readonly #entries: OffsetEntries;
  readonly #report: Report;
  #next = 0;

  constructor(content: Buffer, baseOffset: number, report: Report) {
    this.#entries = new OffsetEntries(withoutPadding(content, OFFSET_ENTRY_BYTES), baseOffset);
    this.#report = report;
    reportUneven(content.length, OFFSET_ENTRY_BYTES, report);
    const index = this.#firstOutOfOrder();
    if (index < 0) return;
    report('damage', `entry ${index} does not lie behind the one before it`, index * OFFSET_ENTRY_BYTES);
    this.#next = this.#entries.count;
  }

  batch(header: BatchHeader, position: number): void {
    const entries = this.#entries;
    for (; this.#next < entries.count && entries.position(this.#next) <= position; this.#next++) {
      const target = entries.position(this.#next);
      const offset = entries.offset(this.#next);
      if (target < position) this.#entryReport(`leads to position ${target} of the log, where no batch begins`);
      else if (offset !== header.lastOffset)
        this.#entryReport(
          `says offset ${offset} of the batch at position ${target}, which ends at ${header.lastOffset}`,
        );
    }
  }

  end(isWhole: boolean): void {
    if (!isWhole || this.#next >= this.#entries.count) return;
    this.#entryReport(`leads to position ${this.#entries.position(this.#next)} of the log, behind its last batch`);
  }

  #entryReport(text: string): void {
    this.#report('damage', `entry ${this.#next} ${text}`, this.#next * OFFSET_ENTRY_BYTES);
  }

  #firstOutOfOrder(): number {
    const entries = this.#entries;
    let [lastOffset, lastPosition] = [entries.baseOffset - 1, 0];
    for (let index = 0; index < entries.count; index++) {
      if (entries.offset(index) <= lastOffset || entries.position(index) <= lastPosition) return index;
      lastOffset = entries.offset(index);
      lastPosition = entries.position(index);
    }
    return -1;
  }
}

export class TimeIndexAudit implements IndexAudit {
  readonly #entries: TimeEntries;
  readonly #report: Report;
  #next = 0;
  #maxTimestamp = -1;

  constructor(content: Buffer, baseOffset: number, report: Report) {
    this.#entries = new TimeEntries(withoutPadding(content, TIME_ENTRY_BYTES), baseOffset);
    this.#report = report;
    reportUneven(content.length, TIME_ENTRY_BYTES, report);
    const index = this.#firstOutOfOrder();
    if (index < 0) return;
    report('damage', `entry ${index} does not lie behind the one before it`, index * TIME_ENTRY_BYTES);
    this.#next = this.#entries.count;
  }

  batch(header: BatchHeader): void {
    const entries = this.#entries;
    this.#maxTimestamp = Math.max(this.#maxTimestamp, header.maxTimestamp);
    for (; this.#next < entries.count && entries.offset(this.#next) <= header.lastOffset; this.#next++) {
      const offset = entries.offset(this.#next);
      const timestamp = Number(entries.timestamp(this.#next));
      if (offset < header.baseOffset) this.#entryReport(`says offset ${offset}, which no batch holds`);
      else if (timestamp !== header.maxTimestamp)
        this.#entryReport(`says timestamp ${timestamp} of offset ${offset}, where it is ${header.maxTimestamp}`);
      else if (timestamp < this.#maxTimestamp)
        this.#entryReport(`says timestamp ${timestamp}, but ${this.#maxTimestamp} comes before offset ${offset}`);
    }
  }

  end(isWhole: boolean): void {
    if (!isWhole || this.#next >= this.#entries.count) return;
    this.#entryReport(`says offset ${this.#entries.offset(this.#next)}, behind the last batch of the log`);
  }

  #entryReport(text: string): void {
    this.#report('damage', `entry ${this.#next} ${text}`, this.#next * TIME_ENTRY_BYTES);
  }

  #firstOutOfOrder(): number {
    const entries = this.#entries;
    let [lastTimestamp, lastOffset] = [-1n, entries.baseOffset];
    for (let index = 0; index < entries.count; index++) {
      if (entries.timestamp(index) <= lastTimestamp || entries.offset(index) < lastOffset) return index;
      lastTimestamp = entries.timestamp(index);
      lastOffset = entries.offset(index);
    }
    return -1;
  }
}

export function reportUneven(length: number, entryBytes: number, report: Report): void {
  const rest = length % entryBytes;
  if (rest !== 0) report('damage', `${rest} bytes are left behind the last entry of ${entryBytes}`, length - rest);
}
