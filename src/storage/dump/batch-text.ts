/**
 * The header of a stored batch as kafka-dump-log prints it. `readBatchHeader` refuses what cannot be; this shows whatever the bytes
 * say, because a dump is looked at when something is wrong. The layout is drawn in `#protocol`'s record-batch.ts. ◇
 */
import { CorruptError, compressionCodecs } from '#core';
import { type BatchHeader, type RawRecord, readBatchHeader } from '#protocol';
import { optionalLong } from './java-text.ts';

/** Bytes of a header, and of its part that every version has in front. */
export const SHOWN_HEADER_BYTES = 61;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;
const DELETE_HORIZON_BIT = 0x40;
/** The least that a record takes. */
const RECORD_BYTES_MIN = 7;
const INT32_MAX = 2 ** 31 - 1;

/** `bytes` begins with the header and is borrowed. */
export class ShownBatch {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The header, if it can be one; else a `CorruptError`. */
  header(): BatchHeader {
    return readBatchHeader(this.#bytes, 0);
  }

  get sizeInBytes(): number {
    return 12 + this.#bytes.readInt32BE(8);
  }

  get crc(): number {
    return this.#bytes.readUInt32BE(17);
  }

  get attributes(): number {
    return this.#bytes.readInt16BE(21);
  }

  get isControl(): boolean {
    return (this.attributes & CONTROL_BIT) !== 0;
  }

  get isCompressed(): boolean {
    return (this.attributes & CODEC_MASK) !== 0;
  }

  get timestampType(): string {
    return (this.attributes & LOG_APPEND_TIME_BIT) === 0 ? 'CreateTime' : 'LogAppendTime';
  }

  get baseSequence(): number {
    return this.#bytes.readInt32BE(53);
  }

  get recordCount(): number {
    return this.#bytes.readInt32BE(57);
  }

  /** Whether it says to be of the formats before Kafka 0.11. Only its place is known then. */
  get isLegacy(): boolean {
    return this.#bytes.readInt8(16) < 2;
  }

  get lastOffset(): bigint {
    if (this.isLegacy) return this.#bytes.readBigInt64BE(0);
    return BigInt.asIntN(64, this.#bytes.readBigInt64BE(0) + BigInt(this.#bytes.readInt32BE(23)));
  }

  /** The first half of the line: what is printed even when the codec is unknown. */
  head(): string {
    const { attributes } = this;
    const bytes = this.#bytes;
    const deleteHorizonMs = (attributes & DELETE_HORIZON_BIT) === 0 ? -1 : bytes.readBigInt64BE(27);
    const lastSequence = this.baseSequence === -1 ? -1 : incremented(this.baseSequence, bytes.readInt32BE(23));
    return (
      `baseOffset: ${bytes.readBigInt64BE(0)} lastOffset: ${this.lastOffset} count: ${this.recordCount}` +
      ` baseSequence: ${this.baseSequence} lastSequence: ${lastSequence}` +
      ` producerId: ${bytes.readBigInt64BE(43)} producerEpoch: ${bytes.readInt16BE(51)}` +
      ` partitionLeaderEpoch: ${bytes.readInt32BE(12)} isTransactional: ${(attributes & TRANSACTIONAL_BIT) !== 0}` +
      ` isControl: ${this.isControl} deleteHorizonMs: ${optionalLong(deleteHorizonMs)}`
    );
  }

  /** The second half. Throws when the codec is none that exists. */
  tail(position: number, isValid: boolean): string {
    const codec = compressionCodecs[this.attributes & CODEC_MASK];
    if (codec === undefined) throw new CorruptError(`Unknown compression type id: ${this.attributes & CODEC_MASK}`);
    return (
      ` position: ${position} ${this.timestampType}: ${this.#bytes.readBigInt64BE(35)} size: ${this.sizeInBytes}` +
      ` magic: ${this.#bytes.readInt8(16)} compresscodec: ${codec} crc: ${this.crc} isvalid: ${isValid}\n`
    );
  }

  /** A record without what it holds. `record` comes from the `readable` form of the batch. */
  recordText(record: RawRecord): string {
    const sequence = this.baseSequence >= 0 ? incremented(this.baseSequence, record.offset) : -1;
    return (
      `| offset: ${this.offsetOf(record)} ${this.timestampType}: ${this.#timestampOf(record)}` +
      ` keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}` +
      ` sequence: ${sequence} headerKeys: [${record.headers.map(({ key }) => key).join(',')}]`
    );
  }

  /** Where a record of the `readable` form really is. */
  offsetOf(record: RawRecord): bigint {
    return BigInt.asIntN(64, this.#bytes.readBigInt64BE(0) + BigInt(record.offset));
  }

  #timestampOf(record: RawRecord): bigint {
    const isStamped = (this.attributes & LOG_APPEND_TIME_BIT) !== 0;
    if (isStamped) return this.#bytes.readBigInt64BE(35);
    return BigInt.asIntN(64, this.#bytes.readBigInt64BE(27) + BigInt(record.timestamp));
  }

  /**
   * A copy of the whole batch that `readRecords` takes, whatever its header says: offsets and timestamps of the records count from
   * 0, the version is ours, and there are no more records than fit, so that those that are there can be had.
   */
  readable(): Buffer {
    const copy = Buffer.from(this.#bytes);
    copy.fill(0, 0, 8);
    copy.fill(0, 27, 35);
    copy.writeInt8(2, 16);
    copy.writeInt32BE(0, 23);
    const recordsMax = Math.floor((copy.length - SHOWN_HEADER_BYTES) / RECORD_BYTES_MIN);
    if (!this.isCompressed) copy.writeInt32BE(Math.min(this.recordCount, recordsMax), 57);
    return copy;
  }
}

/** Sequences go on at 0 after 2³¹−1, in 32-bit arithmetic, so that damaged numbers come out as in Kafka. */
function incremented(sequence: number, increment: number): number {
  return sequence > ((INT32_MAX - increment) | 0)
    ? (increment - (INT32_MAX - sequence) - 1) | 0
    : (sequence + increment) | 0;
}
