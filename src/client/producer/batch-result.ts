/**
 * What became of the records of one batch: nothing yet; an end, with where they are or why they failed; or a split, when the results of
 * the parts tell. Handles of sends keep this, and not the batch with its memory.
 */
import type { KafkaError } from '#core';

/** What was split off. */
export interface BatchPart {
  readonly result: BatchResult;
  readonly recordCount: number;
}

export class BatchResult {
  readonly topic: string;
  readonly partition: number;
  /** The batch has ended. */
  isDone = false;
  /** Of the first record; -1 when the broker did not say. */
  baseOffset = -1;
  /** -1: the records keep their own. */
  logAppendTimeMs = -1;
  /** What stands for it since it was split, in the order of the records. */
  parts: readonly BatchPart[] | undefined = undefined;
  #error: KafkaError | undefined = undefined;
  #recordErrors: ReadonlyMap<number, KafkaError> | undefined = undefined;
  #listeners: (() => void)[] | undefined = undefined;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Why the record at `index` of the batch failed, once it has. */
  errorOf(index: number): KafkaError | undefined {
    return this.#recordErrors?.get(index) ?? this.#error;
  }

  /** Calls `listener` once, when there is something to tell: the batch has ended, or was split. Not at once. */
  watch(listener: () => void): void {
    this.#listeners ??= [];
    this.#listeners.push(listener);
  }

  /** Calls `listener` at the end, of all parts when it was split by then. */
  whenDone(listener: () => void): void {
    if (this.parts !== undefined) whenAllDone(this.parts, listener);
    else if (this.isDone) listener();
    else this.watch(() => this.whenDone(listener));
  }

  /** Acknowledged. Nobody is told before `tell`. */
  complete(baseOffset: number, logAppendTimeMs: number): void {
    this.isDone = true;
    this.baseOffset = baseOffset;
    this.logAppendTimeMs = logAppendTimeMs;
  }

  /** Failed for good. `recordErrors` by place in the batch, where records have errors of their own. Nobody is told before `tell`. */
  fail(error: KafkaError, recordErrors: ReadonlyMap<number, KafkaError> | undefined): void {
    this.isDone = true;
    this.#error = error;
    this.#recordErrors = recordErrors;
  }

  /** From here on `parts` stand for it. Nobody is told before `tell`. */
  split(parts: readonly BatchPart[]): void {
    this.parts = parts;
  }

  /** Calls those who watch. */
  tell(): void {
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }
}

function whenAllDone(parts: readonly BatchPart[], listener: () => void): void {
  let left = parts.length;
  for (const { result } of parts) {
    result.whenDone(() => {
      if (--left === 0) listener();
    });
  }
}
