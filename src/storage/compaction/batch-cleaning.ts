/**
 * What compaction leaves of one batch. ◇
 *
 *   record                                            stays
 *   ──────                                            ─────
 *   at or above the end of the range                  yes
 *   of a transaction that was aborted                 no
 *   marker on which something depends                 yes, and so does every other control record
 *   marker on which nothing does, horizon is past     no
 *   without a key                                     no
 *   key has a later offset in the map                 no
 *   tombstone, delete horizon of its batch is past    no
 *   any other                                         yes
 *
 * A batch that gets to keep a tombstone, or a marker on which nothing depends, for the first time gets its delete horizon: now +
 * `delete.retention.ms`, in the place of the base timestamp and told by attribute bit 6. A batch of which nothing is left goes, unless a
 * producer's sequence or epoch hangs on it or it ends the range: then its header stays, with no records. Base offset, last offset, producer, sequence and leader epoch never change.
 */
import { compress } from '#core';
import { BATCH_HEADER_BYTES, type BatchHeader, sealBatch } from '#protocol';
import { ATTRIBUTES_POSITION, FRAME_BYTES, MAX_TIMESTAMP_POSITION } from '../segment/batch-frame.ts';
import { countedFrom } from './delete-horizon.ts';
import type { OffsetMap } from './offset-map.ts';
import { type RecordSlices, sliceRecords } from './record-slices.ts';

export interface CleaningRules {
  /** Latest offsets of keys in the dirty part of the range. */
  readonly latest: Pick<OffsetMap, 'get'>;
  /** Records from here on were not looked at and stay. */
  readonly rangeEnd: number;
  /** Last offset of the last batch of the range. */
  readonly lastOffset: number;
  /** By producer id, for those that the log remembers. */
  readonly lastOfProducer: ReadonlyMap<number, LastOfProducer>;
  readonly wallMs: number;
  /** Whether anything gets a delete horizon now. */
  readonly mayForget: boolean;
  readonly deleteRetentionMs: number;
  readonly decompressedBytesMax: number;
  /** For batches that are compressed anew; undefined: the codec's own. */
  readonly compressionLevel: (codec: BatchHeader['compression']) => number | undefined;
}

/** What the log must not lose of a producer: its last batch, or its epoch where a marker has begun that. */
export interface LastOfProducer {
  /** Of its last batch in this epoch; undefined: there is none. */
  readonly lastOffset: number | undefined;
  readonly epoch: number;
}

/** What is known of a whole batch: `dropped`, its records are of no use; `spent`, nothing depends on this marker any more. */
export type BatchFate = 'records' | 'stays' | 'dropped' | 'spent';

const CODEC_AND_HORIZON_BITS = 0x47;
const HORIZON_BIT = 0x40;
const BASE_TIMESTAMP_POSITION = 27;
const RECORD_COUNT_POSITION = 57;
/** Beyond every calendar, and deltas to it are still whole numbers. */
const HORIZON_MS_MAX = 2 ** 52;

export class BatchCleaning {
  readonly #batch: Buffer;
  readonly #header: BatchHeader;
  readonly #rules: CleaningRules;
  /** Undefined: nobody looks into this batch; it stays, or nothing of it does. */
  readonly #records: RecordSlices | undefined;
  readonly #fate: BatchFate;
  /** Pairs of start and end of what stays; ranges that touch are one. */
  readonly #kept: number[] = [];
  #keptCount = 0;
  #maxTimestamp = -1;
  #hasTombstone = false;

  /** `batch` is one whole batch with the right checksum, borrowed until `result`. Throws a CorruptError as `advance` does. */
  constructor(batch: Buffer, header: BatchHeader, rules: CleaningRules, fate: BatchFate = 'records') {
    this.#batch = batch;
    this.#header = header;
    this.#rules = rules;
    this.#fate = header.baseOffset >= rules.rangeEnd ? 'stays' : fate;
    const isRead = this.#fate === 'records' || (this.#fate === 'spent' && !this.#isSpent);
    this.#records = isRead ? sliceRecords(batch, header, rules.decompressedBytesMax) : undefined;
  }

  /** Looks at up to `countMax` more records. True when all were seen. Throws a CorruptError when the batch is damaged. */
  advance(countMax: number): boolean {
    const records = this.#records;
    if (records === undefined) return true;
    for (let count = 0; count < countMax; count++) {
      if (!records.next()) return true;
      if (this.#stays(records)) this.#keep(records);
    }
    return false;
  }

  /** What is left: the batch itself when nothing changes, a fresh one, or undefined for nothing. After `advance` has said true. */
  result(): Buffer | undefined {
    const records = this.#records;
    if (this.#fate === 'stays') return this.#batch;
    if (records === undefined || this.#keptCount === 0) return this.#emptied();
    const horizonMs = this.#newHorizonMs();
    const isWhole = this.#keptCount === this.#header.recordCount;
    if (isWhole && horizonMs === undefined) return this.#batch;
    const kept = this.#keptBytes(records);
    if (horizonMs !== undefined) {
      const counted = countedFrom(horizonMs, kept, this.#header, this.#keptCount);
      if (counted !== undefined) return this.#rebuilt(counted, horizonMs);
      if (isWhole) return this.#batch;
    }
    return this.#rebuilt(kept, undefined);
  }

  #stays({ offset, key, isTombstone }: RecordSlices): boolean {
    const { latest, rangeEnd, wallMs } = this.#rules;
    if (offset >= rangeEnd || this.#fate === 'spent') return true;
    if (key === null) return false;
    const latestOffset = latest.get(key);
    if (latestOffset !== undefined && latestOffset > offset) return false;
    const { deleteHorizonMs } = this.#header;
    return !(isTombstone && deleteHorizonMs !== undefined && wallMs >= deleteHorizonMs);
  }

  #keep({ start, end, timestamp, isTombstone }: RecordSlices): void {
    const ranges = this.#kept;
    if (ranges.length > 0 && ranges[ranges.length - 1] === start) ranges[ranges.length - 1] = end;
    else ranges.push(start, end);
    this.#keptCount++;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    if (isTombstone) this.#hasTombstone = true;
  }

  #newHorizonMs(): number | undefined {
    const { rangeEnd, wallMs, deleteRetentionMs, mayForget } = this.#rules;
    const { deleteHorizonMs, lastOffset } = this.#header;
    const hasPerishable = mayForget && (this.#hasTombstone || this.#fate === 'spent');
    if (!hasPerishable || deleteHorizonMs !== undefined || lastOffset >= rangeEnd) return undefined;
    return Math.min(wallMs + deleteRetentionMs, HORIZON_MS_MAX);
  }

  #keptBytes({ bytes }: RecordSlices): Buffer {
    const slices: Buffer[] = [];
    for (let i = 0; i < this.#kept.length; i += 2) slices.push(bytes.subarray(this.#kept[i], this.#kept[i + 1]));
    return slices.length === 1 ? slices[0] : Buffer.concat(slices);
  }

  #rebuilt(records: Buffer, horizonMs: number | undefined): Buffer {
    const { compression, timestampType } = this.#header;
    const section = compress(compression, records, this.#rules.compressionLevel(compression));
    const batch = Buffer.concat([this.#batch.subarray(0, BATCH_HEADER_BYTES), section]);
    if (timestampType === 'create') putInt64(batch, MAX_TIMESTAMP_POSITION, this.#maxTimestamp);
    if (horizonMs !== undefined) {
      putInt64(batch, BASE_TIMESTAMP_POSITION, horizonMs);
      batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_POSITION) | HORIZON_BIT, ATTRIBUTES_POSITION);
    }
    return sealed(batch, this.#keptCount);
  }

  /** A marker on which nothing depends, past its delete horizon. */
  get #isSpent(): boolean {
    const { deleteHorizonMs } = this.#header;
    return deleteHorizonMs !== undefined && this.#rules.wallMs >= deleteHorizonMs;
  }

  get #isLastOfProducer(): boolean {
    const last = this.#rules.lastOfProducer.get(this.#header.producerId);
    return last !== undefined && isLast(last, this.#header);
  }

  /** The header alone, as Kafka writes it: not compressed, both timestamps the largest one. */
  #emptied(): Buffer | undefined {
    const { lastOffset, maxTimestamp, recordCount } = this.#header;
    const isLastOfRange = lastOffset >= this.#rules.rangeEnd || lastOffset === this.#rules.lastOffset;
    if (!isLastOfRange && !this.#isLastOfProducer) return undefined;
    if (recordCount === 0) return this.#batch;
    const batch = Buffer.from(this.#batch.subarray(0, BATCH_HEADER_BYTES));
    putInt64(batch, BASE_TIMESTAMP_POSITION, maxTimestamp);
    batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_POSITION) & ~CODEC_AND_HORIZON_BITS, ATTRIBUTES_POSITION);
    return sealed(batch, 0);
  }
}

function isLast({ lastOffset, epoch }: LastOfProducer, header: BatchHeader): boolean {
  return lastOffset === undefined
    ? header.isControl && header.producerEpoch === epoch
    : header.lastOffset === lastOffset;
}

function sealed(batch: Buffer, recordCount: number): Buffer {
  batch.writeInt32BE(batch.length - FRAME_BYTES, 8);
  batch.writeInt32BE(recordCount, RECORD_COUNT_POSITION);
  sealBatch(batch);
  return batch;
}

function putInt64(into: Buffer, position: number, value: number): void {
  into.writeInt32BE(Math.floor(value / 0x1_0000_0000), position);
  into.writeUInt32BE(value >>> 0, position + 4);
}
