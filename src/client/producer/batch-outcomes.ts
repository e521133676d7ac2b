/**
 * What becomes of batches: written, sent again, halved, failed, or given up when `delivery.timeout.ms` is over. Sequences, the account of
 * `buffer.memory`, queues and figures hear of it here, and nowhere else. What an answer means says `verdict.ts`.
 */
import { type Clock, KafkaError, type Logger, type Random } from '#core';
import { backoffMs } from '../backoff.ts';
import type { Cluster } from '../cluster.ts';
import type { ProducerConfig } from './config.ts';
import type { ProducerMetrics } from './metrics.ts';
import type { PartitionQueue } from './partition-queue.ts';
import type { ProducerBatch } from './producer-batch.ts';
import type { RecordAccumulator } from './record-accumulator.ts';
import type { Sequences } from './sequences.ts';
import { judge, type PartitionAnswer, type Verdict } from './verdict.ts';

export interface OutcomeOptions {
  cluster: Cluster;
  config: ProducerConfig;
  clock: Clock;
  random: Random;
  logger: Logger;
  metrics: ProducerMetrics;
}

export class BatchOutcomes {
  readonly #options: OutcomeOptions;
  readonly #accumulator: RecordAccumulator;
  readonly #sequences: Sequences<ProducerBatch> | undefined;

  /** `sequences` undefined: without idempotence. */
  constructor(
    options: OutcomeOptions,
    accumulator: RecordAccumulator,
    sequences: Sequences<ProducerBatch> | undefined,
  ) {
    this.#options = options;
    this.#accumulator = accumulator;
    this.#sequences = sequences;
  }

  /** Takes the answer about a batch of `queue`. */
  answered(queue: PartitionQueue, batch: ProducerBatch, answer: PartitionAnswer): void {
    // Its delivery timeout came first; whether it was written is settled by the sequences.
    if (batch.isDone) return;
    const { config } = this.#options;
    const isLate = this.#nowMs >= this.expiryMsOf(batch);
    const rules = { retryCountMax: config.retries, isLate, sequences: this.#sequences, partition: queue.sequences };
    const verdict = judge(batch, answer, rules);
    if (isLate && verdict.kind === 'failed' && verdict.error.retriable) {
      batch.lastError = verdict.error;
      verdict.error = expiredError(batch, config['delivery.timeout.ms']);
    }
    this.#apply(queue, batch, verdict);
  }

  /** When a batch is given up, monotonic ms. */
  expiryMsOf(batch: ProducerBatch): number {
    return batch.createdMs + this.#options.config['delivery.timeout.ms'];
  }

  /**
   * Gives up the batches whose time is over; `expired` hears of their queues.
   *
   * @returns the earliest time, monotonic ms, when there may be more
   */
  expire(nowMs: number, expired: (queue: PartitionQueue) => void): number {
    let nextExpiryMs = Number.POSITIVE_INFINITY;
    for (const batch of [...this.#accumulator.open]) {
      const expiryMs = this.expiryMsOf(batch);
      if (expiryMs > nowMs) {
        nextExpiryMs = Math.min(nextExpiryMs, expiryMs);
        continue;
      }
      const queue = this.#accumulator.queueOf(batch);
      if (batch.isQueued) queue.remove(batch);
      this.#sequences?.expired(queue.sequences, batch);
      expired(queue);
      this.#end(batch, expiredError(batch, this.#options.config['delivery.timeout.ms']));
    }
    return nextExpiryMs;
  }

  /** Whatever is open fails with `error`. */
  failAll(error: KafkaError): void {
    for (const batch of [...this.#accumulator.open]) {
      const queue = this.#accumulator.queueOf(batch);
      if (batch.isQueued) queue.remove(batch);
      this.#fail(queue, batch, error);
    }
  }

  get #nowMs(): number {
    return this.#options.clock.now().monotonicMs;
  }

  #apply(queue: PartitionQueue, batch: ProducerBatch, verdict: Verdict): void {
    if (verdict.kind === 'written') this.#complete(queue, batch, verdict.baseOffset, verdict.logAppendTimeMs);
    else if (verdict.kind === 'split') this.#split(queue, batch);
    else {
      if (verdict.isMetadataStale) this.#options.cluster.refreshSoon();
      if (verdict.kind === 'retry') this.#retry(queue, batch, verdict.error);
      else this.#fail(queue, batch, verdict.error, verdict.recordErrors);
    }
  }

  #complete(queue: PartitionQueue, batch: ProducerBatch, baseOffset: number, logAppendTimeMs: number): void {
    const lastOffset = baseOffset < 0 ? -1 : baseOffset + batch.recordCount - 1;
    this.#sequences?.completed(queue.sequences, batch, lastOffset);
    this.#options.metrics.recordSend.add(batch.recordCount);
    this.#accumulator.release(batch);
    batch.complete(baseOffset, logAppendTimeMs, this.#options.logger);
  }

  #retry(queue: PartitionQueue, batch: ProducerBatch, error: KafkaError): void {
    const { config, random, logger, metrics } = this.#options;
    const backoff = { firstMs: config['retry.backoff.ms'], mostMs: config['retry.backoff.max.ms'] };
    batch.retryAtMs = this.#nowMs + backoffMs(backoff, batch.attemptCount, random.float());
    batch.lastError = error;
    metrics.recordRetry.add(batch.recordCount);
    const { topic, partition, attemptCount } = batch;
    logger.debug({ topic, partition, attemptCount, code: error.code }, 'a batch is sent again');
    queue.putBack(batch, this.#sequences);
  }

  #fail(
    queue: PartitionQueue,
    batch: ProducerBatch,
    error: KafkaError,
    recordErrors?: ReadonlyMap<number, KafkaError>,
  ): void {
    this.#sequences?.failed(queue.sequences, batch);
    this.#end(batch, error, recordErrors);
  }

  #end(batch: ProducerBatch, error: KafkaError, recordErrors?: ReadonlyMap<number, KafkaError>): void {
    this.#options.metrics.recordError.add(batch.recordCount);
    this.#accumulator.release(batch);
    batch.fail(error, this.#options.logger, recordErrors);
  }

  #split(queue: PartitionQueue, batch: ProducerBatch): void {
    const parts = this.#accumulator.split(batch);
    this.#options.metrics.batchSplit.add();
    this.#sequences?.split(queue.sequences, batch, parts);
    // From the last to the first: without sequences each one goes to the front.
    for (const part of parts.toReversed()) queue.putBack(part, this.#sequences);
  }
}

function expiredError(batch: ProducerBatch, timeoutMs: number): KafkaError {
  const tried = batch.attemptCount === 0 ? 'it was never sent' : `sent ${batch.attemptCount} times`;
  const last = batch.lastError === undefined ? '' : `, last error ${batch.lastError.code}: ${batch.lastError.message}`;
  return new KafkaError(
    'DELIVERY_TIMED_OUT',
    `${batch.recordCount} records for ${batch.topic}-${batch.partition} were not acknowledged within ` +
      `delivery.timeout.ms=${timeoutMs}: ${tried}${last}`,
    { cause: batch.lastError },
  );
}
