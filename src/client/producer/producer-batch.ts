/**
 * Records of one partition on their way: filled by `append`, sent as a whole, perhaps several times, ended once. Keys and values
 * are copied into the batch's memory by `append` and nowhere else. What the senders of its records left behind (callbacks,
 * handles that are waited for) is kept in arrays here; when the batch ends they are called and its memory is let go.
 */
import { assert, type CompressionCodec, type KafkaError, type Logger } from '#core';
import { BATCH_HEADER_BYTES, type RawRecord, RecordBatchBuilder, type RecordHeader, readRecords } from '#protocol';
import type { RecordMetadata } from '#serde';
import type { PartitionQueue } from './partition-queue.ts';
import type { SendHandle } from './send-handle.ts';
import type { SequencedBatch } from './sequences.ts';

/** Called once per record with its place or with why it failed. */
export type SendCallback = (metadata: RecordMetadata | null, error: KafkaError | null) => void;

export interface Compression {
  codec: CompressionCodec;
  level: number | undefined;
}

export class ProducerBatch implements SequencedBatch {
  readonly queue: PartitionQueue;
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
  isDone = false;
  baseOffset = -1;
  logAppendTimeMs = -1;
  error: KafkaError | undefined;
  /** Why it is sent again. */
  lastError: KafkaError | undefined;
  /** What it was split into: these stand for it from then on. */
  parts: ProducerBatch[] | undefined;
  #recordErrors: ReadonlyMap<number, KafkaError> | undefined;
  #callbacks: { callback: SendCallback; handle: SendHandle }[] | undefined;
  #watchers: SendHandle[] | undefined;
  #onDone: (() => void)[] | undefined;

  /**
   * @param createdMs monotonic ms
   * @param bytesMax most bytes of the batch, uncompressed
   * @param memoryBytes what it counts for in `buffer.memory`
   */
  constructor(
    queue: PartitionQueue,
    createdMs: number,
    bytesMax: number,
    memoryBytes: number,
    compression: Compression,
  ) {
    this.queue = queue;
    this.createdMs = createdMs;
    this.memoryBytes = memoryBytes;
    this.#compression = compression;
    this.#builder = new RecordBatchBuilder({
      bytesMax,
      compression: compression.codec,
      compressionLevel: compression.level,
      initialBytes: Math.min(bytesMax, queue.usualBatchBytes),
    });
  }

  get topic(): string {
    return this.queue.topic;
  }

  get partition(): number {
    return this.queue.partition;
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
    handle.attach(this, this.recordCount);
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

  /** Error of the record at `index`, once the batch is done. */
  errorOf(index: number): KafkaError | undefined {
    return this.#recordErrors?.get(index) ?? this.error;
  }

  /** `handle` wants to be told of the end. */
  watch(handle: SendHandle): void {
    this.#watchers ??= [];
    this.#watchers.push(handle);
  }

  /** Calls `listener` at the end, of its parts when it was split by then. */
  whenDone(listener: () => void): void {
    if (this.parts !== undefined) whenAllDone(this.parts, listener);
    else if (this.isDone) listener();
    else {
      this.#onDone ??= [];
      this.#onDone.push(listener);
    }
  }

  /** Acknowledged. `baseOffset` is -1 when the broker did not say. */
  complete(baseOffset: number, logAppendTimeMs: number, logger: Logger): void {
    this.baseOffset = baseOffset;
    this.logAppendTimeMs = logAppendTimeMs;
    this.#end(logger);
  }

  /** Failed for good. `recordErrors` by place in the batch, where records have errors of their own. */
  fail(error: KafkaError, logger: Logger, recordErrors?: ReadonlyMap<number, KafkaError>): void {
    this.error = error;
    this.#recordErrors = recordErrors;
    this.#end(logger);
  }

  /**
   * Halves the batch, by records, so that it ends after a few times whatever the sizes are. Records, callbacks and watchers move to
   * the parts, which keep its age.
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
    const memoryBytes = Math.ceil(this.memoryBytes / 2);
    const part = new ProducerBatch(this.queue, this.createdMs, this.sizeInBytes, memoryBytes, this.#compression);
    part.isFull = true;
    part.attemptCount = this.attemptCount;
    return part;
  }

  #handOver(parts: ProducerBatch[]): void {
    this.parts = parts;
    this.#builder = undefined;
    const callbacks = this.#callbacks ?? [];
    this.#callbacks = undefined;
    const watchers = this.#watchers ?? [];
    this.#watchers = undefined;
    for (const one of callbacks) {
      // Reading the handle makes it move on to its part.
      void one.handle.isDone;
      const part = one.handle.batch as ProducerBatch;
      part.#callbacks ??= [];
      part.#callbacks.push(one);
    }
    for (const handle of watchers) {
      void handle.isDone;
      handle.batch?.watch(handle);
    }
    const listeners = this.#onDone ?? [];
    this.#onDone = undefined;
    for (const listener of listeners) whenAllDone(parts, listener);
  }

  #end(logger: Logger): void {
    this.isDone = true;
    this.isQueued = false;
    this.#builder = undefined;
    const callbacks = this.#callbacks;
    const watchers = this.#watchers;
    const listeners = this.#onDone;
    this.#callbacks = undefined;
    this.#watchers = undefined;
    this.#onDone = undefined;
    if (callbacks !== undefined) for (const { callback, handle } of callbacks) callBack(callback, handle, logger);
    if (watchers !== undefined) for (const handle of watchers) handle.settle();
    if (listeners !== undefined) for (const listener of listeners) listener();
  }
}

/** Calls a user's callback with what became of its record. What it throws is logged: other records must hear of theirs. */
export function callBack(callback: SendCallback, handle: SendHandle, logger: Logger): void {
  try {
    callback(handle.metadata ?? null, handle.error ?? null);
  } catch (error) {
    logger.error({ err: error }, 'the callback of a send threw');
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

function whenAllDone(batches: readonly ProducerBatch[], listener: () => void): void {
  let left = batches.length;
  for (const batch of batches) {
    batch.whenDone(() => {
      if (--left === 0) listener();
    });
  }
}
