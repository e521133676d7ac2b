/** What the first bytes of a produced batch tell, before the log has looked at it. What is too short, or of another format, is none of these. */
import type { ProducerIdentity } from '../coordination/machine.ts';

const LENGTH_POSITION = 8;
/** A batch tells the length of what follows it. */
const LENGTH_END = 12;
const MAGIC_POSITION = 16;
const MAGIC = 2;
const ATTRIBUTES_LOW_POSITION = 22;
const CODEC_MASK = 0x07;
const ZSTD = 4;
const TRANSACTIONAL_BIT = 0x10;
const PRODUCER_ID_POSITION = 43;
const PRODUCER_EPOCH_POSITION = 51;
const BASE_SEQUENCE_POSITION = 53;
const HEADER_BYTES = 61;

/** The writer of a batch of a transaction. */
export interface TransactionalBatch extends ProducerIdentity {
  readonly baseSequence: number;
}

export function isOneBatch(records: Buffer): boolean {
  return records.length > LENGTH_END && records.readInt32BE(LENGTH_POSITION) === records.length - LENGTH_END;
}

export function isZstd(records: Buffer): boolean {
  return (attributesOf(records) & CODEC_MASK) === ZSTD;
}

export function isTransactional(records: Buffer): boolean {
  return (attributesOf(records) & TRANSACTIONAL_BIT) !== 0;
}

/** Undefined when it is none, or has no producer id, for which the log refuses it. */
export function transactionalBatch(records: Buffer): TransactionalBatch | undefined {
  if (!isTransactional(records) || records.length < HEADER_BYTES) return undefined;
  const producerId = Number(records.readBigInt64BE(PRODUCER_ID_POSITION));
  if (producerId < 0) return undefined;
  const producerEpoch = records.readInt16BE(PRODUCER_EPOCH_POSITION);
  return { producerId, producerEpoch, baseSequence: records.readInt32BE(BASE_SEQUENCE_POSITION) };
}

/** Their lower byte; 0 where there are none. */
function attributesOf(records: Buffer): number {
  const isBatch = records.length > ATTRIBUTES_LOW_POSITION && records[MAGIC_POSITION] === MAGIC;
  return isBatch ? records[ATTRIBUTES_LOW_POSITION] : 0;
}
