/**
 * The header of a stored batch as kafka-dump-log prints it. `readBatchHeader` refuses what cannot be; this shows whatever the bytes
 * say, because a dump is looked at when something is wrong. The layout is drawn in `#protocol`'s record-batch.ts. ◇
 */
import { CorruptError, compressionCodecs } from '#core';
import type { RawRecord } from '#protocol';
import { optionalLong } from './java-text.ts';

/** Bytes of a header, and of its part that every version has in front. */
export const SHOWN_HEADER_BYTES = 61;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;
const DELETE_HORIZON_BIT = 0x40;
const INT32_MAX = 2 ** 31 - 1;

/** `bytes` begins with the header and is borrowed. */
export class ShownBatch {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
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

  get lastOffset(): bigint {
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

  /** A record without what it holds; `offsetDelta` counts from the base offset. */
  recordText(record: RawRecord, offsetDelta: number): string {
    const sequence = this.baseSequence >= 0 ? incremented(this.baseSequence, offsetDelta) : -1;
    return (
      `| offset: ${record.offset} ${this.timestampType}: ${record.timestamp}` +
      ` keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}` +
      ` sequence: ${sequence} headerKeys: [${record.headers.map(({ key }) => key).join(',')}]`
    );
  }
}

/** Sequences go on at 0 after 2³¹−1, in 32-bit arithmetic, so that damaged numbers come out as in Kafka. */
function incremented(sequence: number, increment: number): number {
  return sequence > ((INT32_MAX - increment) | 0)
    ? (increment - (INT32_MAX - sequence) - 1) | 0
    : (sequence + increment) | 0;
}
