/** The answer to a read of a log. */
import { Errors, type KafkaErrorRow } from '#protocol';

export interface LogRead {
  /** OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR; then there are no records. */
  readonly error: KafkaErrorRow | undefined;
  /**
   * Whole batches back to back, in slices that end anywhere. The first batch holds the offset asked for, which may be in its
   * middle. Borrowed: they must not be changed, and keep what they lie in alive. Each holds its memory: who is done with it may `release` it.
   */
  readonly records: Buffer[];
  /** Sum of the lengths of `records`. */
  readonly sizeInBytes: number;
  /** The offset to read next: the one after the last record here, or the offset asked for. */
  readonly endOffset: number;
}

export function emptyRead(offset: number): LogRead {
  return { error: undefined, records: [], sizeInBytes: 0, endOffset: offset };
}

export function failedRead(offset: number, error: KafkaErrorRow): LogRead {
  return { error, records: [], sizeInBytes: 0, endOffset: offset };
}

export function offsetOutOfRange(offset: number): LogRead {
  return failedRead(offset, Errors.OFFSET_OUT_OF_RANGE);
}
