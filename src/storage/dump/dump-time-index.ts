/** Prints a `.timeindex` file and compares it with its log, which is reached through the `.index` file as readers reach it. */
import { CorruptError } from '#core';
import { readBatchHeader, recordsOf, scanRecords } from '#protocol';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { INDEX_SUFFIX, LOG_SUFFIX } from '../segment/file-names.ts';
import type { ShownBatch } from './batch-text.ts';
import { BatchWalk } from './batch-walk.ts';
import type { IndexDumpOptions } from './dump-index.ts';
import { contentOf, type DumpFile, type DumpOutput, siblingPath, startOffset } from './dump-output.ts';
import { OffsetEntries, TimeEntries } from './index-entries.ts';
import { LogWindow } from './log-window.ts';

const BATCH_BYTES_MAX = 256 * 1024 * 1024;

/** What is wrong with one time index; pairs of the index's value and the other one. */
export interface TimeIndexFaults {
  readonly timestampMismatches: [bigint, number][];
  readonly outOfOrder: [bigint, bigint][];
  readonly offsetsNotFound: [number, bigint][];
}

export async function dumpTimeIndex(
  disk: Disk,
  file: DumpFile,
  options: IndexDumpOptions,
  output: DumpOutput,
): Promise<TimeIndexFaults> {
  const faults: TimeIndexFaults = { timestampMismatches: [], outOfOrder: [], offsetsNotFound: [] };
  const baseOffset = startOffset(file);
  const log = disk.openSync(siblingPath(file, LOG_SUFFIX), { create: false });
  try {
    const offsets = new OffsetEntries(await contentOf(disk, siblingPath(file, INDEX_SUFFIX)), baseOffset);
    const entries = new TimeEntries(await contentOf(disk, file.path), baseOffset);
    if (options.isSanityOnly) {
      entries.checkSanity(file.absolutePath);
      output.out(`${file.path} passed sanity check.\n`);
      return faults;
    }
    const lookup = new BatchLookup(log, offsets);
    let previous = -1n;
    for (let index = 0; index < entries.count; index++) {
      const [timestamp, offset] = [entries.timestamp(index), entries.offset(index)];
      if (offset === baseOffset && index > 0) break;
      await compare(lookup, timestamp, offset, previous, faults);
      if (!options.isVerifyOnly) output.out(`timestamp: ${timestamp} offset: ${offset}\n`);
      previous = timestamp;
      await output.drained();
    }
    return faults;
  } finally {
    log.close();
  }
}

async function compare(
  lookup: BatchLookup,
  timestamp: bigint,
  offset: number,
  previous: bigint,
  faults: TimeIndexFaults,
): Promise<void> {
  const batch = await lookup.find(offset);
  if (batch?.lastOffset !== BigInt(offset)) {
    faults.offsetsNotFound.push([offset, batch?.lastOffset ?? -1n]);
    return;
  }
  const maxTimestamp = await lookup.maxTimestamp(batch);
  if (BigInt(maxTimestamp) !== timestamp) faults.timestampMismatches.push([timestamp, maxTimestamp]);
  if (previous >= timestamp) faults.outOfOrder.push([timestamp, previous]);
}

/** Finds batches by offset. A walk that began at the same place goes on where it is, so that a whole index takes one walk. */
class BatchLookup {
  readonly #window: LogWindow;
  readonly #log: DiskFile;
  readonly #offsets: OffsetEntries;
  readonly #path: string;
  readonly #logBytes: number;
  #walk: BatchWalk | undefined;
  #start = -1;
  #lowest = 0;

  constructor(log: DiskFile, offsets: OffsetEntries) {
    this.#window = new LogWindow(log);
    this.#offsets = offsets;
    this.#path = log.path;
    this.#logBytes = log.sizeSync();
    this.#log = log;
  }

  /** The first batch from the indexed position on that ends at or behind `offset`. */
  async find(offset: number): Promise<ShownBatch | undefined> {
    const start = this.#offsets.floorPosition(offset);
    if (start < 0) throw new CorruptError(`Invalid position: ${start} in read from ${this.#path}`);
    if (start > this.#logBytes)
      throw new CorruptError(`Slice from position ${start} exceeds end position of ${this.#path}`);
    if (this.#walk === undefined) await this.#checkLengths(start);
    if (this.#walk === undefined || start !== this.#start || offset < this.#lowest) {
      this.#walk = new BatchWalk(this.#window, start, this.#logBytes, this.#path);
      this.#start = start;
    }
    this.#lowest = offset;
    for (;;) {
      const batch = await this.#walk.current();
      if (batch === undefined || batch.lastOffset >= BigInt(offset)) return batch;
      this.#walk.skip(batch);
    }
  }

  /** Kafka's tool looks at all batches before it compares the first one, so that a length that cannot be ends it there. */
  async #checkLengths(start: number): Promise<void> {
    const walk = new BatchWalk(new LogWindow(this.#log), start, this.#logBytes, this.#path);
    for (let batch = await walk.current(); batch !== undefined; batch = await walk.current()) walk.skip(batch);
  }

  /** The largest timestamp of the records of the batch found last. */
  async maxTimestamp(batch: ShownBatch): Promise<number> {
    const position = this.#walk?.position ?? 0;
    const { sizeInBytes } = batch;
    if (sizeInBytes > BATCH_BYTES_MAX)
      throw new CorruptError(`The batch at position ${position} has ${sizeInBytes} bytes, too many to look into.`);
    const bytes = await this.#window.bytes(position, sizeInBytes);
    const header = readBatchHeader(bytes, 0);
    if (header.recordCount === 0) return -1;
    const records = recordsOf(bytes, 0, header, { decompressedBytesMax: BATCH_BYTES_MAX });
    const { maxTimestamp } = scanRecords(records, header);
    return header.timestampType === 'append' ? Math.max(-1, header.maxTimestamp) : maxTimestamp;
  }
}
