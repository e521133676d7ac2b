/**
 * What the records of a client's batch must fulfil, as Apache Kafka's LogValidator asks it. Every batch is decompressed and walked, as
 * Kafka does: what could not be read back would stop whoever reads the partition, for ever, and nobody could say who wrote it. ◇
 *
 *   bound       decompressed they are at most 4 MiB and 32 times the batch's own size: a bomb costs its sender about what it costs us
 *   walk        the records are just those that the header announces
 *   keys        none is missing where `cleanup.policy` has `compact`
 *   timestamps  CreateTime: each within `message.timestamp.{before,after}.max.ms` of the clock, or -1. LogAppendTime: none is looked at
 *
 * What it costs, and where it differs from Apache Kafka 4.4.0: docs/design/produce-checks.md.
 */
import { CorruptError, KafkaError } from '#core';
import { type BatchHeader, Errors, RecordCursor, type RecordScan, recordsOf, scanRecords } from '#protocol';
import type { TopicConfig } from '../config.ts';
import { DECOMPRESSED_BATCH_BYTES_MAX } from '../segment/batch-frame.ts';
import { invalid, type RecordError, type Refusal } from './batch-validator.ts';

export interface ValidRecords {
  /** Not compressed; a slice of the batch, or a fresh buffer. */
  readonly records: Buffer;
  readonly scan: RecordScan;
}

/** Bad records that an answer names; a batch may hold millions. */
const RECORD_ERRORS_MAX = 100;
const VARINT_BYTES_MAX = 5;

/** What the records of a compressed batch may be, however small it is; real ones compress to a tenth at best. */
const DECOMPRESSED_BYTES_FREE = 4 * 1024 * 1024;
/** And so many bytes more for each of its own. The memory of both is needed twice: the codecs put their output together at the end. */
const EXPANSION_MAX = 32;

/** @param batch a whole batch of a client; borrowed, as long as the records are used */
export function validateRecords(
  batch: Buffer,
  header: BatchHeader,
  config: TopicConfig,
  wallMs: number,
): ValidRecords | Refusal {
  const isPlain = header.compression === 'none';
  const bodyBytesMax = isPlain ? batch.length : config['max.decompressed.message.bytes'];
  const recordsBytesMax = header.recordCount * (bodyBytesMax + VARINT_BYTES_MAX);
  const wholeBytesMax = Math.min(DECOMPRESSED_BYTES_FREE + EXPANSION_MAX * batch.length, DECOMPRESSED_BATCH_BYTES_MAX);
  try {
    const records = recordsOf(batch, 0, header, { decompressedBytesMax: Math.min(recordsBytesMax, wholeBytesMax) });
    const scan = scanRecords(records, header, bodyBytesMax);
    const rules = new RecordRules(header, config, wallMs);
    return rules.areMet(scan) ? { records, scan } : rules.refusal(records);
  } catch (error) {
    if (error instanceof CorruptError) return invalid(error.message);
    if (!(error instanceof KafkaError)) throw error;
    const isWholeTooLarge = recordsBytesMax > wholeBytesMax;
    return { error: isWholeTooLarge ? Errors.MESSAGE_TOO_LARGE : Errors.INVALID_RECORD, message: error.message };
  }
}

class RecordRules {
  readonly #header: BatchHeader;
  readonly #wantsKeys: boolean;
  readonly #beforeMaxMs: number;
  readonly #afterMaxMs: number;
  readonly #wallMs: number;
  /** The batch says that a broker stamped it, with a time that could not be kept. */
  readonly #isStampWrong: boolean;

  constructor(header: BatchHeader, config: TopicConfig, wallMs: number) {
    const isStampedHere = config['message.timestamp.type'] === 'LogAppendTime';
    this.#header = header;
    this.#wantsKeys = config['cleanup.policy'].includes('compact');
    this.#beforeMaxMs = isStampedHere ? Number.POSITIVE_INFINITY : config['message.timestamp.before.max.ms'];
    this.#afterMaxMs = isStampedHere ? Number.POSITIVE_INFINITY : config['message.timestamp.after.max.ms'];
    this.#wallMs = wallMs;
    const { timestampType, maxTimestamp } = header;
    this.#isStampWrong =
      timestampType === 'append' && (isStampedHere || maxTimestamp === -1 || this.#isOutside(maxTimestamp));
  }

  areMet({ minTimestamp, maxTimestamp, hasNullKey }: RecordScan): boolean {
    if (this.#isStampWrong || (hasNullKey && this.#wantsKeys)) return false;
    return !this.#isOutside(maxTimestamp) && (minTimestamp > maxTimestamp || !this.#isOutside(minTimestamp));
  }

  /** Which records are to blame, and for what. */
  refusal(records: Buffer): Refusal {
    const recordErrors: RecordError[] = [];
    let badCount = 0;
    let isTimestampWrong = false;
    const cursor = new RecordCursor({ ...this.#header, timestampType: 'create' }, records);
    for (let index = 0, record = cursor.next(); record !== undefined; record = cursor.next(), index++) {
      const isKeyMissing = this.#wantsKeys && record.key === null;
      const message = isKeyMissing ? 'a compacted topic takes no record without a key' : this.#timeProblem(record);
      if (message === undefined) continue;
      if (recordErrors.length < RECORD_ERRORS_MAX) recordErrors.push({ batchIndex: index, message });
      if (!isKeyMissing) isTimestampWrong = true;
      badCount++;
    }
    const [first] = recordErrors;
    return {
      error: isTimestampWrong ? Errors.INVALID_TIMESTAMP : Errors.INVALID_RECORD,
      message: `${badCount} of ${this.#header.recordCount} records are refused, record ${first.batchIndex} first: ${first.message}`,
      recordErrors,
    };
  }

  #timeProblem({ timestamp }: { timestamp: number }): string | undefined {
    if (this.#isStampWrong) return 'a producer may not send batches of timestamp type LogAppendTime';
    if (!this.#isOutside(timestamp)) return undefined;
    const isOld = timestamp < this.#wallMs;
    const rule = isOld
      ? `message.timestamp.before.max.ms=${this.#beforeMaxMs}`
      : `message.timestamp.after.max.ms=${this.#afterMaxMs}`;
    return `timestamp ${timestamp} is out of range: ${rule}, and the clock of the broker shows ${this.#wallMs}`;
  }

  #isOutside(timestamp: number): boolean {
    if (timestamp === -1) return false;
    return this.#wallMs - timestamp > this.#beforeMaxMs || timestamp - this.#wallMs > this.#afterMaxMs;
  }
}
