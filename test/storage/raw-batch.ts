/** Batches with any field set to anything: what no builder of ours would make. The checksum is right unless it is asked for not to be. */
import { type CompressionCodec, compress, compressionCodecs } from '#core';
import { sealBatch } from '#protocol';

export interface RawRecordFields {
  /** Counted for the record, unless something else is claimed. */
  readonly length?: number | Buffer;
  readonly attributes?: number;
  readonly timestampDelta?: bigint | number | Buffer;
  readonly offsetDelta?: number;
  readonly keyLength?: number;
  readonly key?: string | null;
  readonly valueLength?: number;
  readonly value?: string | null;
  readonly headerCount?: number;
  /** What follows the count, as bytes. */
  readonly headers?: Buffer;
}

export interface RawBatchFields {
  readonly baseOffset?: bigint;
  readonly batchLength?: number;
  readonly leaderEpoch?: number;
  readonly magic?: number;
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly baseTimestamp?: bigint | number;
  readonly maxTimestamp?: bigint | number;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly recordCount?: number;
  readonly codec?: CompressionCodec;
  /** The records, before compression. */
  readonly records?: readonly RawRecordFields[] | Buffer;
  /** What stands in the place of the records, as it is. */
  readonly section?: Buffer;
}

/** `timestamp` stands for base and largest timestamp, unless they are given. */
export function rawBatch(fields: RawBatchFields, timestamp: number): Buffer {
  const records = fields.records ?? [{}];
  const count = Buffer.isBuffer(records) ? 1 : records.length;
  const plain = Buffer.isBuffer(records) ? records : rawRecords(records);
  const codec = fields.codec ?? 'none';
  const section = fields.section ?? compress(codec, plain);
  const batch = Buffer.alloc(61 + section.length);
  section.copy(batch, 61);
  batch.writeBigInt64BE(fields.baseOffset ?? 0n, 0);
  batch.writeInt32BE(fields.batchLength ?? batch.length - 12, 8);
  batch.writeInt32BE(fields.leaderEpoch ?? -1, 12);
  batch.writeInt8(fields.magic ?? 2, 16);
  batch.writeUInt16BE((fields.attributes ?? 0) | compressionCodecs.indexOf(codec), 21);
  batch.writeInt32BE(fields.lastOffsetDelta ?? count - 1, 23);
  batch.writeBigInt64BE(BigInt(fields.baseTimestamp ?? timestamp), 27);
  batch.writeBigInt64BE(BigInt(fields.maxTimestamp ?? fields.baseTimestamp ?? timestamp), 35);
  batch.writeBigInt64BE(fields.producerId ?? -1n, 43);
  batch.writeInt16BE(fields.producerEpoch ?? -1, 51);
  batch.writeInt32BE(fields.baseSequence ?? -1, 53);
  batch.writeInt32BE(fields.recordCount ?? count, 57);
  sealBatch(batch);
  return batch;
}

export function rawRecords(records: readonly RawRecordFields[]): Buffer {
  return Buffer.concat(records.map((fields, index) => rawRecord({ offsetDelta: index, ...fields })));
}

export function rawRecord(fields: RawRecordFields): Buffer {
  const key = sized(fields.key === undefined ? 'k' : fields.key, fields.keyLength);
  const value = sized(fields.value === undefined ? 'v' : fields.value, fields.valueLength);
  const { timestampDelta = 0 } = fields;
  const body = Buffer.concat([
    Buffer.from([fields.attributes ?? 0]),
    Buffer.isBuffer(timestampDelta) ? timestampDelta : varlong(BigInt(timestampDelta)),
    varint(fields.offsetDelta ?? 0),
    ...key,
    ...value,
    varint(fields.headerCount ?? 0),
    fields.headers ?? Buffer.alloc(0),
  ]);
  const { length = body.length } = fields;
  return Buffer.concat([Buffer.isBuffer(length) ? length : varint(length), body]);
}

/** A header of a record, its lengths as claimed. */
export function rawHeader(key: string, value: string | null, keyLength?: number, valueLength?: number): Buffer {
  return Buffer.concat([...sized(key, keyLength), ...sized(value, valueLength)]);
}

function sized(text: string | null, claimed: number | undefined): Buffer[] {
  const bytes = Buffer.from(text ?? '');
  return [varint(claimed ?? (text === null ? -1 : bytes.length)), bytes];
}

export function varint(value: number): Buffer {
  return varlong(BigInt(value));
}

export function varlong(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** A message of the formats before 0.11, with the checksum that they had. */
export function legacyMessage(magic: 0 | 1, timestamp: number, crc32: (bytes: Buffer) => number): Buffer {
  const payload = Buffer.concat([
    Buffer.from([magic, 0]),
    ...(magic === 1 ? [int64(BigInt(timestamp))] : []),
    Buffer.from([0, 0, 0, 1, 0x6b, 0, 0, 0, 1, 0x76]),
  ]);
  const head = Buffer.alloc(16);
  head.writeInt32BE(payload.length + 4, 8);
  head.writeUInt32BE(crc32(payload), 12);
  return Buffer.concat([head, payload]);
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
