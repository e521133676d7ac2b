/**
 * What `send` returns: a thenable that costs one small object per record. A promise is made only when somebody looks (`await`,
 * `then`, `catch`); a failure nobody looked at is therefore never an unhandled rejection.
 */
import { Deferred, type KafkaError, type Logger } from '#core';
import { RecordMetadata } from '#serde';
import type { BatchResult } from './batch-result.ts';

/** Called once per record with its place or with why it failed. */
export type SendCallback = (metadata: RecordMetadata | null, error: KafkaError | null) => void;

export class SendHandle implements PromiseLike<RecordMetadata> {
  /** Of the batch that holds the record; undefined while the record waits for metadata or memory. */
  #result: BatchResult | undefined = undefined;
  /** Place of the record in its batch. */
  #index = 0;
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
    return this.failure !== undefined || this.#result?.isDone === true;
  }

  /** Why the record failed, once it has. */
  get error(): KafkaError | undefined {
    this.#follow();
    return this.failure ?? this.#result?.errorOf(this.#index);
  }

  /** Where the record is, once it is acknowledged. */
  get metadata(): RecordMetadata | undefined {
    if (!this.isDone || this.error !== undefined) return undefined;
    const result = this.#result;
    if (result === undefined) return undefined;
    const offset = result.baseOffset < 0 ? -1 : result.baseOffset + this.#index;
    const timestamp = result.logAppendTimeMs >= 0 ? result.logAppendTimeMs : this.timestamp;
    return new RecordMetadata(result.topic, result.partition, offset, timestamp, this.keySize, this.valueSize);
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
  attach(result: BatchResult, index: number): void {
    this.#result = result;
    this.#index = index;
    if (this.#deferred !== undefined) this.#watch();
  }

  /** Whether `result` is that of the batch, or of the part of a split one, that holds the record now. */
  isIn(result: BatchResult): boolean {
    this.#follow();
    return this.#result === result;
  }

  /** Called when the record will not come into any batch. */
  fail(error: KafkaError): void {
    this.failure = error;
    this.#settle();
  }

  /** Calls a user's callback with what became of the record. What it throws is logged: other records must hear of theirs. */
  callBack(callback: SendCallback, logger: Logger): void {
    try {
      callback(this.metadata ?? null, this.error ?? null);
    } catch (error) {
      logger.error({ err: error }, 'the callback of a send threw');
    }
  }

  #promise(): Promise<RecordMetadata> {
    if (this.#deferred !== undefined) return this.#deferred.promise;
    this.#deferred = new Deferred<RecordMetadata>();
    if (this.isDone) this.#settle();
    else this.#watch();
    return this.#deferred.promise;
  }

  /** Settles the promise with the end of the batch, or that of a part. */
  #watch(): void {
    this.#result?.watch(() => {
      if (this.isDone) this.#settle();
      else this.#watch();
    });
  }

  #settle(): void {
    if (this.#deferred === undefined) return;
    const { error, metadata } = this;
    if (error !== undefined) this.#deferred.reject(error);
    else if (metadata !== undefined) this.#deferred.resolve(metadata);
  }

  /** A batch that was too large was split since: finds the part that holds the record now. */
  #follow(): void {
    while (this.#result?.parts !== undefined) {
      for (const { result, recordCount } of this.#result.parts) {
        if (this.#index < recordCount) {
          this.#result = result;
          break;
        }
        this.#index -= recordCount;
      }
    }
  }
}
