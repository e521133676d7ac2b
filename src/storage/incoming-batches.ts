/** What an append hands in, taken apart into batches and judged: all of them, or the first refusal. ◇ */
import { CorruptError } from '#core';
import { type BatchHeader, Errors, readBatchHeader, readTransactionMarker, type TransactionMarker } from '#protocol';
import { type AppendOrigin, type Refusal, refuseBatch, refuseFrame, refuseSize } from './batch-validator.ts';
import type { TopicConfig } from './config.ts';
import { recompress, wantedCodec } from './recompress.ts';

export interface ParsedBatch {
  /** The whole batch: a slice of what was handed in, or a fresh one in the codec that the topic asks for. */
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
  if (origin !== 'log' && records.length > config['segment.bytes']) {
    const message = `${records.length} bytes exceed segment.bytes=${config['segment.bytes']}`;
    return { error: Errors.RECORD_LIST_TOO_LARGE, message };
  }
  const batches: ParsedBatch[] = [];
  let position = 0;
  let offsetMin = logEndOffset;
  do {
    if (position > 0 && origin === 'client') {
      return { error: Errors.INVALID_RECORD, message: 'a produce request must have exactly one batch per partition' };
    }
    const header = readHeader(records, position);
    if (!('sizeInBytes' in header)) return header;
    const isAlone = position === 0 && header.sizeInBytes === records.length;
    const refusal =
      refuseBatch(records, position, header, origin, config, wallMs) ??
      refuseOffset(header, origin, offsetMin) ??
      refuseCompany(header, origin, isAlone);
    if (refusal !== undefined) return refusal;
    const batch = inWantedCodec(records.subarray(position, position + header.sizeInBytes), header, origin, config);
    if ('error' in batch) return batch;
    batches.push(batch);
    offsetMin = header.lastOffset + 1;
    position += header.sizeInBytes;
  } while (position < records.length);
  return batches;
}

function inWantedCodec(
  bytes: Buffer,
  received: BatchHeader,
  origin: AppendOrigin,
  config: TopicConfig,
): ParsedBatch | Refusal {
  const codec = origin === 'log' ? undefined : wantedCodec(config, received);
  if (codec === undefined) return withMarker(bytes, received, origin);
  const stored = recompress(bytes, received, codec, config);
  if (!Buffer.isBuffer(stored)) return stored;
  const header = readBatchHeader(stored, 0);
  return refuseSize(stored.length, config) ?? { bytes: stored, header, marker: undefined };
}

/** Control batches are never compressed. */
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

function readHeader(records: Buffer, position: number): BatchHeader | Refusal {
  const refusal = refuseFrame(records, position);
  if (refusal !== undefined) return refusal;
  try {
    return readBatchHeader(records, position);
  } catch (error) {
    if (error instanceof CorruptError) return { error: Errors.CORRUPT_MESSAGE, message: error.message };
    throw error;
  }
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
