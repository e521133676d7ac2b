/** What an append hands in, taken apart into batches and judged: all of them as they are to be stored, or the first refusal. ◇ */
import { CorruptError } from '#core';
import { type BatchHeader, Errors, readBatchHeader, readTransactionMarker, type TransactionMarker } from '#protocol';
import type { TopicConfig } from '../config.ts';
import { sizeAt } from '../segment/batch-frame.ts';
import { type AppendOrigin, type Refusal, refuseBytes, refuseHeader, refuseSize } from './batch-validator.ts';
import { validateRecords } from './record-validator.ts';
import { storedBatch, storedOwnBatch } from './stored-batch.ts';

export interface ParsedBatch {
  /** The whole batch: a slice of what was handed in, or a fresh one with the same records. */
  readonly bytes: Buffer;
  readonly header: BatchHeader;
  /** What a control batch says of a transaction. */
  readonly marker: TransactionMarker | undefined;
}

export function parseIncoming(
  records: Buffer,
  origin: AppendOrigin,
  config: TopicConfig,
  logEndOffset: number,
  wallMs: number,
): ParsedBatch[] | Refusal {
  const batches: ParsedBatch[] = [];
  let storedBytes = 0;
  let offsetMin = logEndOffset;
  for (let position = 0; position === 0 || position < records.length; position += sizeAt(records, position)) {
    const batch = parseBatch(records, position, origin, config, wallMs);
    if ('error' in batch) return batch;
    const isAlone = position === 0 && sizeAt(records, position) === records.length;
    const refusal = refuseOffset(batch.header, origin, offsetMin) ?? refuseCompany(batch.header, origin, isAlone);
    if (refusal !== undefined) return refusal;
    batches.push(batch);
    offsetMin = batch.header.lastOffset + 1;
    storedBytes += batch.bytes.length;
  }
  return refuseSum(storedBytes, origin, config) ?? batches;
}

function parseBatch(
  records: Buffer,
  position: number,
  origin: AppendOrigin,
  config: TopicConfig,
  wallMs: number,
): ParsedBatch | Refusal {
  const refusal = refuseBytes(records, position, origin, config);
  if (refusal !== undefined) return refusal;
  const header = readBatchHeader(records, position);
  const isAll = header.sizeInBytes === records.length;
  const bytes = isAll ? records : records.subarray(position, position + header.sizeInBytes);
  const stored = refuseHeader(header, origin) ?? storedForm(bytes, header, origin, config, wallMs);
  if (!Buffer.isBuffer(stored)) return stored;
  if (stored === bytes) return withMarker(bytes, header, origin);
  return refuseSize(stored.length, config) ?? withMarker(stored, readBatchHeader(stored, 0), origin);
}

function withMarker(bytes: Buffer, header: BatchHeader, origin: AppendOrigin): ParsedBatch | Refusal {
  if (!header.isControl || header.producerId < 0) return { bytes, header, marker: undefined };
  try {
    const marker = readTransactionMarker(bytes, 0, header);
    if (marker !== undefined || origin === 'log') return { bytes, header, marker };
    return { error: Errors.INVALID_RECORD, message: 'a control batch of a producer must end a transaction' };
  } catch (error) {
    if (error instanceof CorruptError) return { error: Errors.CORRUPT_MESSAGE, message: error.message };
    throw error;
  }
}

function storedForm(
  bytes: Buffer,
  header: BatchHeader,
  origin: AppendOrigin,
  config: TopicConfig,
  wallMs: number,
): Buffer | Refusal {
  if (origin === 'log') return bytes;
  if (origin === 'coordinator') return storedOwnBatch(bytes, header, config);
  const valid = validateRecords(bytes, header, config, wallMs);
  return 'error' in valid ? valid : storedBatch(bytes, header, valid, config);
}

/** Each batch of a producer is judged by what the log knows before the append. */
function refuseCompany({ producerId }: BatchHeader, origin: AppendOrigin, isAlone: boolean): Refusal | undefined {
  if (origin === 'log' || producerId < 0 || isAlone) return undefined;
  return { error: Errors.INVALID_RECORD, message: 'a batch of a producer must be appended by itself' };
}

/** Copied batches keep their offsets; these may leave gaps, but not go back. */
function refuseOffset({ baseOffset }: BatchHeader, origin: AppendOrigin, offsetMin: number): Refusal | undefined {
  if (origin !== 'log' || baseOffset >= offsetMin) return undefined;
  const message = `offset ${baseOffset} lies before the end of the log, ${offsetMin}`;
  return { error: Errors.OFFSET_OUT_OF_RANGE, message };
}

/** Everything of an append lies in one segment. */
function refuseSum(storedBytes: number, origin: AppendOrigin, config: TopicConfig): Refusal | undefined {
  if (origin === 'log' || storedBytes <= config['segment.bytes']) return undefined;
  const message = `${storedBytes} bytes exceed segment.bytes=${config['segment.bytes']}`;
  return { error: Errors.RECORD_LIST_TOO_LARGE, message };
}
