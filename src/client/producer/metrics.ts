/** The producer's figures, under Kafka's names. Updated per batch and per request, never per record. */
import { type Counter, type Histogram, MetricsRegistry } from '#core';

export class ProducerMetrics {
  readonly #registry = new MetricsRegistry();
  readonly recordSend: Counter = this.#registry.counter('record-send-total');
  readonly recordError: Counter = this.#registry.counter('record-error-total');
  readonly recordRetry: Counter = this.#registry.counter('record-retry-total');
  /** Bytes of batches as sent, compressed. */
  readonly outgoingBytes: Counter = this.#registry.counter('outgoing-byte-total');
  readonly request: Counter = this.#registry.counter('request-total');
  readonly batchSplit: Counter = this.#registry.counter('batch-split-total');
  readonly bufferExhausted: Counter = this.#registry.counter('buffer-exhausted-total');
  /** Bytes of a batch as sent. */
  readonly batchSize: Histogram = this.#registry.histogram('batch-size');
  /** Records of a batch. */
  readonly recordsPerBatch: Histogram = this.#registry.histogram('records-per-batch');
  /** Milliseconds from the first record to the first sending. */
  readonly recordQueueTime: Histogram = this.#registry.histogram('record-queue-time');
  /** Milliseconds from the sending of a request to its reply. */
  readonly requestLatency: Histogram = this.#registry.histogram('request-latency');

  gauge(name: string, read: () => number): void {
    this.#registry.gauge(name, read);
  }

  snapshot(): Record<string, number> {
    return this.#registry.snapshot();
  }
}
