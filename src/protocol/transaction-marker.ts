/**
 * The batch that ends a transaction on a partition: one control record, written by the transaction coordinator through the leader.
 * Its producer epoch is that of the transaction, or one more (transactions v2), which fences what the producer still has under way.
 * @see KIP-98, KIP-890
 */
import { CorruptError } from '#core';
import { controlRecordKey, controlRecordType, decodeEndTxnMarker, encodeEndTxnMarker } from './control-records.ts';
import type { BatchHeader } from './record-batch.ts';
import { buildBatch } from './record-batch-builder.ts';
import { RecordCursor, recordsOf } from './record-cursor.ts';

export interface TransactionMarker {
  readonly type: 'abort' | 'commit';
  readonly coordinatorEpoch: number;
}

/** A marker has ten bytes of key and value. */
const MARKER_BYTES_MAX = 1024;

/** @param timestamp wall time in ms */
export function buildTransactionMarker(
  { type, coordinatorEpoch }: TransactionMarker,
  producer: { readonly producerId: number; readonly producerEpoch: number },
  timestamp: number,
): Buffer {
  const record = { key: controlRecordKey(type), value: encodeEndTxnMarker(coordinatorEpoch), timestamp };
  return buildBatch([record], { ...producer, isTransactional: true, isControl: true, initialBytes: 128 });
}

/**
 * What the control batch at `position`, whole in `buffer`, says of a transaction: undefined when it is of another kind, or when
 * compaction has taken its record. Throws a `CorruptError` when its record cannot be read.
 */
export function readTransactionMarker(
  buffer: Buffer,
  position: number,
  header: BatchHeader,
): TransactionMarker | undefined {
  const records = recordsOf(buffer, position, header, { decompressedBytesMax: MARKER_BYTES_MAX });
  const record = new RecordCursor(header, records).next();
  if (record === undefined) return undefined;
  const type = controlRecordType(record.key);
  if (type !== 'abort' && type !== 'commit') return undefined;
  if (record.value === null) throw new CorruptError(`the marker at offset ${record.offset} has no value`);
  return { type, coordinatorEpoch: decodeEndTxnMarker(record.value).coordinatorEpoch };
}
