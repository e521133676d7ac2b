/**
 * Where records gather: the queues of all partitions, the batches being filled at their ends, and the account of
 * `buffer.memory`. Counts for the account what a batch may grow to, as Java's pool does, so the bound holds
 * whatever the batches contain. Synchronous; the sender is told when a batch begins and when one is full.
 */
import { assert } from '#core';
import type { RecordHeader } from '#protocol';
import { PartitionQueue } from './partition-queue.ts';
import { type Compression, ProducerBatch } from './producer-batch.ts';
import type { SendCallback, SendHandle } from './send-handle.ts';

export interface AccumulatorOptions {
  batchBytes: number;
  memoryBytes: number;
  compression: Compression;
}

export interface AccumulatorEvents {
  /** The queue got a batch that may linger. */
  batchBegan(queue: PartitionQueue, batch: ProducerBatch): void;
  /** A batch of the queue takes no more. */
  batchFull(queue: PartitionQueue): void;
}

export class RecordAccumulator {
  readonly #options: AccumulatorOptions;
  readonly #events: AccumulatorEvents;
  readonly #queues = new Map<string, PartitionQueue[]>();
  /** Batches without a final result, oldest first. */
  readonly open = new Set<ProducerBatch>();
  #memoryBytesUsed = 0;

  constructor(options: AccumulatorOptions, events: AccumulatorEvents) {
    this.#options = options;
    this.#events = events;
  }

  get memoryBytesAvailable(): number {
    return this.#options.memoryBytes - this.#memoryBytesUsed;
  }

  /** Whether there is no memory for another batch. */
  get isFull(): boolean {
    return this.memoryBytesAvailable < this.#options.batchBytes;
  }

  /** The queues of a topic, by partition, `partitionCount` of them at least. */
  queuesOf(topic: string, partitionCount: number): readonly PartitionQueue[] {
    let queues = this.#queues.get(topic);
    if (queues === undefined) {
      queues = [];
      this.#queues.set(topic, queues);
    }
    while (queues.length < partitionCount) queues.push(new PartitionQueue(topic, queues.length));
    return queues;
  }

  /** The queue that a batch waits in, or came from. */
  queueOf({ topic, partition }: ProducerBatch): PartitionQueue {
    return this.#queues.get(topic)![partition];
  }

  /** All queues that hold something. */
  *filledQueues(): Generator<PartitionQueue> {
    for (const queues of this.#queues.values()) for (const queue of queues) if (queue.length > 0) yield queue;
  }

  /**
   * Copies a record into the last batch of `queue`, or into a new one.
   *
   * @param boundBytes what a batch of just this record takes at most
   * @returns false when a new batch is needed and `buffer.memory` does not allow it; nothing has changed then
   */
  append(
    queue: PartitionQueue,
    nowMs: number,
    timestamp: number,
    key: Buffer | null,
    value: Buffer | null,
    headers: RecordHeader[],
    boundBytes: number,
    handle: SendHandle,
    callback: SendCallback | undefined,
  ): boolean {
    const last = queue.batches.at(-1);
    if (last !== undefined && !last.isFull) {
      if (last.append(timestamp, key, value, headers, handle, callback)) {
        if (last.sizeInBytes >= this.#options.batchBytes) this.#close(queue, last);
        return true;
      }
      this.#close(queue, last);
    }
    const bytesMax = Math.max(this.#options.batchBytes, boundBytes);
    if (bytesMax > this.memoryBytesAvailable) return false;
    const batch = new ProducerBatch({
      topic: queue.topic,
      partition: queue.partition,
      createdMs: nowMs,
      bytesMax,
      initialBytes: queue.usualBatchBytes,
      memoryBytes: bytesMax,
      compression: this.#options.compression,
    });
    this.#open(batch);
    queue.batches.push(batch);
    const isIn = batch.append(timestamp, key, value, headers, handle, callback);
    assert(isIn, 'a record fits into a batch made for it');
    this.#events.batchBegan(queue, batch);
    if (batch.sizeInBytes >= this.#options.batchBytes) this.#close(queue, batch);
    return true;
  }

  /** The batch has its final result: its memory is free again. */
  release(batch: ProducerBatch): void {
    if (this.open.delete(batch)) this.#memoryBytesUsed -= batch.memoryBytes;
  }

  /** Replaces `batch` by its halves, in the account too. */
  split(batch: ProducerBatch): ProducerBatch[] {
    const parts = batch.split();
    this.release(batch);
    for (const part of parts) this.#open(part);
    return parts;
  }

  #open(batch: ProducerBatch): void {
    this.open.add(batch);
    this.#memoryBytesUsed += batch.memoryBytes;
  }

  #close(queue: PartitionQueue, batch: ProducerBatch): void {
    batch.isFull = true;
    queue.usualBatchBytes = batch.sizeInBytes;
    this.#events.batchFull(queue);
  }
}
