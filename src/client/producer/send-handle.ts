/**
 * What `send` returns: a thenable that costs one small object per record. A promise is made only when somebody looks (`await`,
 * `then`, `catch`); a failure nobody looked at is therefore never an unhandled rejection.
 */
import { Deferred, type KafkaError } from '#core';
import { RecordMetadata } from '#serde';
import type { ProducerBatch } from './producer-batch.ts';

export class SendHandle implements PromiseLike<RecordMetadata> {
  /** The batch that holds the record; undefined while the record waits for metadata or memory. */
  batch: ProducerBatch | undefined = undefined;
  /** Place of the record in its batch. */
  index = 0;
  /** Milliseconds since 1970. */
  timestamp = -1;
  /** Bytes; -1 for null. */
  keySize = -1;
  valueSize = -1;
  /** Why the record never reached a batch. */
  failure: KafkaError | undefined = undefined;
  #deferred: Deferred<RecordMetadata> | undefined = undefined;

  /** Whether the result is there: the record is acknowledged or has failed. */
  get isDone(): boolean {
    this.#follow();
    return this.failure !== undefined || this.batch?.isDone === true;
  }

  /** Why the record failed, once it has. */
  get error(): KafkaError | undefined {
    this.#follow();
    return this.failure ?? this.batch?.errorOf(this.index);
  }

  /** Where the record is, once it is acknowledged. */
  get metadata(): RecordMetadata | undefined {
    if (!this.isDone || this.error !== undefined) return undefined;
    const batch = this.batch;
    if (batch === undefined) return undefined;
    const offset = batch.baseOffset < 0 ? -1 : batch.baseOffset + this.index;
    const timestamp = batch.logAppendTimeMs >= 0 ? batch.logAppendTimeMs : this.timestamp;
    return new RecordMetadata(batch.topic, batch.partition, offset, timestamp, this.keySize, this.valueSize);
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaited is what this object is for.
  then<A = RecordMetadata, B = never>(
    onFulfilled?: ((metadata: RecordMetadata) => A | PromiseLike<A>) | null,
    onRejected?: ((error: KafkaError) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((error: KafkaError) => B | PromiseLike<B>) | null): Promise<RecordMetadata | B> {
    return this.#promise().catch(onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<RecordMetadata> {
    return this.#promise().finally(onSettled);
  }

  /** Called when the record has come into a batch. */
  attach(batch: ProducerBatch, index: number): void {
    this.batch = batch;
    this.index = index;
    if (this.#deferred !== undefined) batch.watch(this);
  }

  /** Called when the record will not come into any batch. */
  fail(error: KafkaError): void {
    this.failure = error;
    this.settle();
  }

  /** Called by the batch, for handles that asked to be told. */
  settle(): void {
    if (this.#deferred === undefined) return;
    const { error, metadata } = this;
    if (error !== undefined) this.#deferred.reject(error);
    else if (metadata !== undefined) this.#deferred.resolve(metadata);
  }

  #promise(): Promise<RecordMetadata> {
    if (this.#deferred !== undefined) return this.#deferred.promise;
    this.#deferred = new Deferred<RecordMetadata>();
    if (this.isDone) this.settle();
    else this.batch?.watch(this);
    return this.#deferred.promise;
  }

  /** A batch that was too large was split since: finds the part that holds the record now. */
  #follow(): void {
    while (this.batch?.parts !== undefined) {
      for (const part of this.batch.parts) {
        if (this.index < part.recordCount) {
          this.batch = part;
          break;
        }
        this.index -= part.recordCount;
      }
    }
  }
}
