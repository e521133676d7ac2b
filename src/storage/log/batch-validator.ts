/**
 * What the bytes and the header of a batch must fulfil before it enters a log, as Apache Kafka's ProduceRequest, UnifiedLog and
 * LogValidator ask it, and in their order, so that a batch with several faults is refused for the same one. Records are the matter of
 * `record-validator.ts`. ◇
 *
 *   origin `client`        a produce request: exactly one batch, base offset 0, no control batch
 *   origin `coordinator`   the broker's own records: several batches may come at once
 *   origin `log`           copied from another log: offsets and leader epochs stand and must only not go back
 *
 * Where it differs from Apache Kafka 4.4.0: docs/design/produce-checks.md.
 */
import { compressionCodecs } from '#core';
import { BATCH_HEADER_BYTES, type BatchHeader, Errors, type KafkaErrorRow, NO_PRODUCER_ID } from '#protocol';
import type { TopicConfig } from '../config.ts';
import {
  ATTRIBUTES_POSITION,
  baseOffsetAt,
  CODEC_MASK,
  FRAME_BYTES,
  hasRightCrc,
  LAST_OFFSET_DELTA_POSITION,
  MAGIC,
  MAGIC_POSITION,
  RECORD_COUNT_POSITION,
  sizeAt,
} from '../segment/batch-frame.ts';

export type AppendOrigin = 'client' | 'coordinator' | 'log';

/** A refusal, and in words what exactly was wrong. */
export interface Refusal {
  readonly error: KafkaErrorRow;
  readonly message: string;
  /** The records that are to blame, where single ones are. */
  readonly recordErrors?: readonly RecordError[];
}

export interface RecordError {
  /** Index of the record in its batch. */
  readonly batchIndex: number;
  readonly message: string;
}

/** The shortest message of magic 0, without offset and length: what is shorter is no message of any format. */
const MESSAGE_BYTES_MIN = 14;

/** Whether a whole batch with a header that can be read begins at `position`; the first rule that it breaks. */
export function refuseBytes(
  records: Buffer,
  position: number,
  origin: AppendOrigin,
  config: TopicConfig,
): Refusal | undefined {
  const isClient = origin === 'client';
  const refusal = refuseFrame(records, position) ?? (isClient ? refuseMore(records, position) : undefined);
  if (refusal !== undefined) return refusal;
  const baseOffset = baseOffsetAt(records, position);
  if (isClient && baseOffset !== 0) return invalid(`the base offset must be 0, not ${baseOffset}`);
  const sizeInBytes = sizeAt(records, position);
  return (
    (origin === 'log' ? undefined : refuseSize(sizeInBytes, config)) ??
    refuseContent(records, position, sizeInBytes) ??
    refuseCounts(records, position)
  );
}

/** What `header` itself says that cannot be. */
export function refuseHeader(header: BatchHeader, origin: AppendOrigin): Refusal | undefined {
  const { producerId, producerEpoch, baseSequence, isControl } = header;
  const refusal = origin === 'client' ? refuseFromClient(header) : undefined;
  if (refusal !== undefined) return refusal;
  // A marker may be told to an id that no producer can have, as Kafka lets operators do: it ends nothing, and nothing is kept of it.
  const isMarkerOfNobody = isControl && producerId < NO_PRODUCER_ID;
  if (producerId < 0 && !isMarkerOfNobody)
    return header.isTransactional ? invalid('a transactional batch without a producer id') : undefined;
  if (baseSequence < 0 && !isControl) return invalid(`producer id ${producerId} without a sequence number`);
  if (producerEpoch >= 0) return undefined;
  return { error: Errors.INVALID_PRODUCER_EPOCH, message: `producer id ${producerId} with epoch ${producerEpoch}` };
}

export function refuseSize(sizeInBytes: number, config: TopicConfig): Refusal | undefined {
  const limit = config['max.message.bytes'];
  if (sizeInBytes <= limit) return undefined;
  return {
    error: Errors.MESSAGE_TOO_LARGE,
    message: `a batch of ${sizeInBytes} bytes exceeds max.message.bytes=${limit}`,
  };
}

export function corrupt(message: string): Refusal {
  return { error: Errors.CORRUPT_MESSAGE, message };
}

export function invalid(message: string): Refusal {
  return { error: Errors.INVALID_RECORD, message };
}

/** A batch must be there, whole, and of magic 2. */
function refuseFrame(records: Buffer, position: number): Refusal | undefined {
  const bytesLeft = records.length - position;
  if (bytesLeft < FRAME_BYTES) return invalid(`${bytesLeft} bytes are no record batch`);
  const sizeInBytes = sizeAt(records, position);
  if (sizeInBytes < FRAME_BYTES + MESSAGE_BYTES_MIN) return corrupt(`a batch of ${sizeInBytes} bytes`);
  if (bytesLeft <= MAGIC_POSITION) return invalid(`${bytesLeft} bytes are no record batch`);
  const magic = records.readInt8(position + MAGIC_POSITION);
  if (magic < 0 || magic > MAGIC) return corrupt(`unknown magic ${magic}`);
  if (sizeInBytes > bytesLeft) return invalid(`a batch of ${sizeInBytes} bytes of which only ${bytesLeft} came`);
  return magic < MAGIC ? invalid(`record batches must have magic ${MAGIC}, this one has ${magic}`) : undefined;
}

function refuseMore(records: Buffer, position: number): Refusal | undefined {
  const end = position + sizeAt(records, position);
  if (end === records.length) return undefined;
  const next = refuseFrame(records, end);
  if (next?.error === Errors.CORRUPT_MESSAGE) return next;
  return invalid('a produce request must have exactly one batch per partition, and nothing behind it');
}

function refuseContent(records: Buffer, position: number, sizeInBytes: number): Refusal | undefined {
  if (sizeInBytes < BATCH_HEADER_BYTES) return corrupt(`a batch of ${sizeInBytes} bytes is less than its header`);
  return hasRightCrc(records, position, sizeInBytes) ? undefined : corrupt('the checksum of the batch is wrong');
}

/** Fields that nothing else may be read of the header without. */
function refuseCounts(records: Buffer, position: number): Refusal | undefined {
  const codec = records.readInt16BE(position + ATTRIBUTES_POSITION) & CODEC_MASK;
  if (codec >= compressionCodecs.length) return invalid(`there is no compression codec ${codec}`);
  const lastOffsetDelta = records.readInt32BE(position + LAST_OFFSET_DELTA_POSITION);
  const recordCount = records.readInt32BE(position + RECORD_COUNT_POSITION);
  if (recordCount >= 0 && lastOffsetDelta >= 0) return undefined;
  return invalid(`negative record count ${recordCount} or offset delta ${lastOffsetDelta}`);
}

function refuseFromClient(header: BatchHeader): Refusal | undefined {
  const { recordCount, lastOffsetDelta } = header;
  if (recordCount === 0 || lastOffsetDelta + 1 !== recordCount) {
    return invalid(`${recordCount} records do not fit a last offset delta of ${lastOffsetDelta}`);
  }
  return header.isControl ? invalid('a client may not write control records') : undefined;
}
