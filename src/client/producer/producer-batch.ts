/**
 * Records of one partition on their way: filled by `append`, sent as a whole, perhaps several times, ended once. Keys and values
 * are copied into the batch's memory by `append` and nowhere else. When the batch ends its memory is let go, the callbacks that came
 * with its records are called, and then everybody who watches its result is told.
 */
import { assert, type CompressionCodec, type KafkaError, type Logger } from '#core';
import { BATCH_HEADER_BYTES, type RawRecord, RecordBatchBuilder, type RecordHeader, readRecords } from '#protocol';
import { BatchResult } from './batch-result.ts';
import type { SendCallback, SendHandle } from './send-handle.ts';
import type { SequencedBatch } from './sequences.ts';

export interface Compression {
  codec: CompressionCodec;
  level: number | undefined;
}

export interface BatchOptions {
  readonly topic: string;
  readonly partition: number;
  /** Monotonic ms. */
  readonly createdMs: number;
  /** Most bytes of the batch, uncompressed. */
  readonly bytesMax: number;
  /** Room that it begins with. */
  readonly initialBytes: number;
  /** What it counts for in `buffer.memory`. */
  readonly memoryBytes: number;
  readonly compression: Compression;
}

export class ProducerBatch implements SequencedBatch {
  /** Outlives the batch. */
  readonly result: BatchResult;
  /** Monotonic ms. */
  readonly createdMs: number;
  /** What it counts for in `buffer.memory`, bytes. */
  readonly memoryBytes: number;
  readonly #compression: Compression;
  #builder: RecordBatchBuilder | undefined;
  /** Takes no more records. */
  isFull = false;
  recordCount = 0;
  sizeInBytes = 0;
  /** Times it was sent. */
  attemptCount = 0;
  /** Not sent again before, monotonic ms. */
  retryAtMs = 0;
  /** Whether it waits in its queue (also between tries) rather than for an answer. */
  isQueued = true;
  producerId = -1;
  producerEpoch = -1;
  baseSequence = -1;
  isSequenceReset = false;
  /** Why it is sent again. */
  lastError: KafkaError | undefined;
  #callbacks: { callback: SendCallback; handle: SendHandle }[] | undefined;

  constructor({ topic, partition, createdMs, bytesMax, initialBytes, memoryBytes, compression }: BatchOptions) {
    this.result = new BatchResult(topic, partition);
    this.createdMs = createdMs;
    this.memoryBytes = memoryBytes;
    this.#compression = compression;
    this.#builder = new RecordBatchBuilder({
      bytesMax,
      compression: compression.codec,
      compressionLevel: compression.level,
      initialBytes: Math.min(bytesMax, initialBytes),
    });
  }

  get topic(): string {
    return this.result.topic;
  }

  get partition(): number {
    return this.result.partition;
  }

  /** It has its result, and is not sent any more. */
  get isDone(): boolean {
    return this.result.isDone;
  }

  /** Copies a record in. @returns false, and is full from then on, when there is no room */
  append(
    timestamp: number,
    key: Buffer | null,
    value: Buffer | null,
    headers: RecordHeader[],
    handle: SendHandle,
    callback: SendCallback | undefined,
  ): boolean {
    if (this.isFull || this.#builder === undefined) return false;
    if (!this.#builder.append(timestamp, key, value, headers)) {
      this.isFull = true;
      return false;
    }
    if (callback !== undefined) {
      this.#callbacks ??= [];
      this.#callbacks.push({ callback, handle });
    }
    handle.attach(this.result, this.recordCount);
    this.recordCount = this.#builder.recordCount;
    this.sizeInBytes = this.#builder.sizeInBytes;
    return true;
  }

  /** The bytes to send, with the producer's numbers as they are now; the same buffer as long as those are the same. */
  records(): Buffer {
    const { producerId, producerEpoch, baseSequence } = this;
    assert(this.#builder !== undefined, 'a batch that has ended is not sent again');
    return this.#builder.build({ producerId, producerEpoch, baseSequence });
  }

  /** Acknowledged. `baseOffset` is -1 when the broker did not say. */
  complete(baseOffset: number, logAppendTimeMs: number, logger: Logger): void {
    this.result.complete(baseOffset, logAppendTimeMs);
    this.#end(logger);
  }

  /** Failed for good. `recordErrors` by place in the batch, where records have errors of their own. */
  fail(error: KafkaError, logger: Logger, recordErrors?: ReadonlyMap<number, KafkaError>): void {
    this.result.fail(error, recordErrors);
    this.#end(logger);
  }

  /**
   * Halves the batch, by records, so that it ends after a few times whatever the sizes are. Records and callbacks move to the parts,
   * which keep its age; who watches the result is told.
   */
  split(): ProducerBatch[] {
    const parts = [this.#part(), this.#part()];
    const firstCount = Math.ceil(this.recordCount / 2);
    const cursor = readRecords(this.records(), 0, { decompressedBytesMax: SPLIT_BYTES_MAX });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      const part = parts[0].recordCount < firstCount ? parts[0] : parts[1];
      part.#appendRaw(record);
    }
    this.#handOver(parts);
    return parts;
  }

  /** Copies a record in whose handle follows by itself. */
  #appendRaw({ timestamp, key, value, headers }: RawRecord): void {
    const isIn = this.#builder?.append(timestamp, key, value, headers) === true;
    assert(isIn, 'a half has room for what the whole had');
    this.recordCount++;
    this.sizeInBytes = this.#builder?.sizeInBytes ?? 0;
  }

  #part(): ProducerBatch {
    const { topic, partition, createdMs, sizeInBytes } = this;
    const part = new ProducerBatch({
      topic,
      partition,
      createdMs,
      bytesMax: sizeInBytes,
      initialBytes: sizeInBytes,
      memoryBytes: Math.ceil(this.memoryBytes / 2),
      compression: this.#compression,
    });
    part.isFull = true;
    part.attemptCount = this.attemptCount;
    return part;
  }

  #handOver(parts: ProducerBatch[]): void {
    this.#builder = undefined;
    this.result.split(parts.map(({ result, recordCount }) => ({ result, recordCount })));
    const callbacks = this.#callbacks ?? [];
    this.#callbacks = undefined;
    for (const one of callbacks) {
      const part = parts.find(({ result }) => one.handle.isIn(result))!;
      part.#callbacks ??= [];
      part.#callbacks.push(one);
    }
    this.result.tell();
  }

  #end(logger: Logger): void {
    this.isQueued = false;
    this.#builder = undefined;
    const callbacks = this.#callbacks;
    this.#callbacks = undefined;
    if (callbacks !== undefined) for (const { callback, handle } of callbacks) handle.callBack(callback, logger);
    this.result.tell();
  }
}

/** Bytes of a batch that holds just this record, at most, uncompressed. */
export function upperBoundBytes(key: Buffer | null, value: Buffer | null, headers: readonly RecordHeader[]): number {
  let bytes = BATCH_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) {
    bytes += 2 * VARINT_BYTES_MAX + Buffer.byteLength(header.key) + (header.value?.length ?? 0);
  }
  return bytes;
}

/** What our own batch may decompress to; it was smaller when it was built. */
const SPLIT_BYTES_MAX = 0x7fffffff;
const BATCH_OVERHEAD_BYTES = BATCH_HEADER_BYTES;
const VARINT_BYTES_MAX = 5;
/** Length, attributes, timestamp delta (10), offset delta, key length, value length, header count. */
const RECORD_OVERHEAD_BYTES = 1 + 10 + 5 * VARINT_BYTES_MAX;
