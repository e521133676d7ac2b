/**
 * What a batch must fulfil before it enters a log, as Apache Kafka's LogValidator and UnifiedLog ask it. Everything is judged by
 * the header: first and largest timestamp stand for all, and offset deltas are the client's affair. Records are walked only in
 * batches for compacted topics, whose keys must not be null, and to say which record made a batch be refused. ◇
 *
 *   origin `client`        a produce request: exactly one batch, base offset 0, no control batch
 *   origin `coordinator`   the broker's own records: several batches may come at once
 *   origin `log`           copied from another log: offsets and leader epochs stand and must only not go back
 */
import { CorruptError, KafkaError } from '#core';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  Errors,
  errorByName,
  type KafkaErrorRow,
  readRecords,
  scanRecords,
} from '#protocol';
import { hasRightCrc, MAGIC, MAGIC_POSITION } from './batch-frame.ts';
import type { TopicConfig } from './config.ts';

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

/** A record of nothing still has a length, attributes, two deltas, two lengths and a count of headers. */
const RECORD_BYTES_MIN = 7;
/** Bad records that an answer names; a batch may hold millions. */
const RECORD_ERRORS_MAX = 100;

/** Checks that need no header: whether `records` can begin with a batch of magic 2 at all. */
export function refuseFrame(records: Buffer, position: number): Refusal | undefined {
  if (records.length - position < BATCH_HEADER_BYTES) {
    return corrupt(`${records.length - position} bytes are less than the header of a batch`);
  }
  const magic = records.readInt8(position + MAGIC_POSITION);
  if (magic < MAGIC) return invalid(`record batches must have magic 2, this one has ${magic}`);
  return magic > MAGIC ? corrupt(`unknown magic ${magic}`) : undefined;
}

/** The first rule that the batch at `position` breaks. */
export function refuseBatch(
  records: Buffer,
  position: number,
  header: BatchHeader,
  origin: AppendOrigin,
  config: TopicConfig,
  wallMs: number,
): Refusal | undefined {
  if (header.sizeInBytes > records.length - position) {
    return corrupt(
      `a batch of ${header.sizeInBytes} bytes does not fit into the ${records.length - position} received`,
    );
  }
  const refusal = origin === 'log' ? undefined : refuseSize(header.sizeInBytes, config);
  if (refusal !== undefined) return refusal;
  if (!hasRightCrc(records, position, header.sizeInBytes)) return corrupt('the checksum of the batch is wrong');
  return (
    refuseFields(header) ??
    (origin === 'client' ? refuseFromClient(records, position, header, config, wallMs) : undefined)
  );
}

export function refuseSize(sizeInBytes: number, config: TopicConfig): Refusal | undefined {
  const limit = config['max.message.bytes'];
  if (sizeInBytes <= limit) return undefined;
  return {
    error: Errors.MESSAGE_TOO_LARGE,
    message: `a batch of ${sizeInBytes} bytes exceeds max.message.bytes=${limit}`,
  };
}

function refuseFields(header: BatchHeader): Refusal | undefined {
  const { recordCount, lastOffsetDelta, producerId, producerEpoch, baseSequence } = header;
  if (recordCount < 0 || lastOffsetDelta < 0)
    return invalid(`negative record count ${recordCount} or offset delta ${lastOffsetDelta}`);
  if (producerId < -1 || (producerId >= 0 && producerEpoch < 0)) {
    return invalid(`producer id ${producerId} with epoch ${producerEpoch}`);
  }
  if (producerId >= 0 && baseSequence < 0 && !header.isControl) {
    return invalid(`producer id ${producerId} without a sequence number`);
  }
  if (header.isTransactional && producerId < 0) return invalid('a transactional batch without a producer id');
  return undefined;
}

function refuseFromClient(
  records: Buffer,
  position: number,
  header: BatchHeader,
  config: TopicConfig,
  wallMs: number,
): Refusal | undefined {
  const { baseOffset, recordCount, lastOffsetDelta, sizeInBytes } = header;
  if (baseOffset !== 0) return invalid(`the base offset must be 0, not ${baseOffset}`);
  if (recordCount === 0 || lastOffsetDelta + 1 !== recordCount) {
    return invalid(`${recordCount} records do not fit a last offset delta of ${lastOffsetDelta}`);
  }
  const recordBytes = sizeInBytes - BATCH_HEADER_BYTES;
  if (header.compression === 'none' && recordCount * RECORD_BYTES_MIN > recordBytes) {
    return invalid(`${recordCount} records do not fit into ${recordBytes} bytes`);
  }
  if (header.isControl) return invalid('a client may not write control records');
  const refusal = refuseTimestamps(records, position, header, config, wallMs);
  if (refusal !== undefined || !config['cleanup.policy'].includes('compact')) return refusal;
  return refuseNullKeys(records, position, header, config);
}

/** The first and the largest timestamp stand for all: a record between them is within the bounds too. */
function refuseTimestamps(
  records: Buffer,
  position: number,
  header: BatchHeader,
  config: TopicConfig,
  wallMs: number,
): Refusal | undefined {
  if (header.timestampType === 'append') {
    return {
      error: Errors.INVALID_TIMESTAMP,
      message: 'a client may not send batches of timestamp type LogAppendTime',
    };
  }
  if (config['message.timestamp.type'] === 'LogAppendTime') return undefined;
  const before = config['message.timestamp.before.max.ms'];
  const after = config['message.timestamp.after.max.ms'];
  const isOld = header.baseTimestamp >= 0 && wallMs - header.baseTimestamp > before;
  const isEarly = header.maxTimestamp - wallMs > after;
  if (!isOld && !isEarly) return undefined;
  const rule = isOld ? `message.timestamp.before.max.ms=${before}` : `message.timestamp.after.max.ms=${after}`;
  const isOutside = (timestamp: number): boolean =>
    timestamp >= 0 && (wallMs - timestamp > before || timestamp - wallMs > after);
  const recordErrors = recordsOutside(records, position, config, isOutside);
  const timestamp = isOld ? header.baseTimestamp : header.maxTimestamp;
  const message = `timestamp ${timestamp} is out of range: ${rule}, and the clock of the broker shows ${wallMs}`;
  return { error: Errors.INVALID_TIMESTAMP, message, recordErrors };
}

/** Which records to blame; none when the batch cannot even be read. */
function recordsOutside(
  records: Buffer,
  position: number,
  config: TopicConfig,
  isOutside: (timestamp: number) => boolean,
): RecordError[] {
  const errors: RecordError[] = [];
  try {
    const cursor = readRecords(records, position, { decompressedBytesMax: config['max.decompressed.message.bytes'] });
    for (let index = 0, record = cursor.next(); record !== undefined; record = cursor.next(), index++) {
      if (errors.length === RECORD_ERRORS_MAX) break;
      if (isOutside(record.timestamp))
        errors.push({ batchIndex: index, message: `timestamp ${record.timestamp} is out of range` });
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
  }
  return errors;
}

function refuseNullKeys(
  records: Buffer,
  position: number,
  header: BatchHeader,
  config: TopicConfig,
): Refusal | undefined {
  try {
    const options = { decompressedBytesMax: config['max.decompressed.message.bytes'] };
    const { firstNullKeyIndex } = scanRecords(records, position, header, options);
    if (firstNullKeyIndex < 0) return undefined;
    const message = 'a compacted topic takes no record without a key';
    return { ...invalid(message), recordErrors: [{ batchIndex: firstNullKeyIndex, message }] };
  } catch (error) {
    if (error instanceof CorruptError) return corrupt(error.message);
    if (error instanceof KafkaError)
      return { error: errorByName(error.code) ?? Errors.INVALID_RECORD, message: error.message };
    throw error;
  }
}

function corrupt(message: string): Refusal {
  return { error: Errors.CORRUPT_MESSAGE, message };
}

function invalid(message: string): Refusal {
  return { error: Errors.INVALID_RECORD, message };
}
