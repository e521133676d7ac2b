/**
 * ◇ What went wrong with fetches and was not told to the application yet. The error of a partition stands for the place it was asked
 * at: it is one, however often it is met again, and it is void once the partition was sought or given up. Bounded by the number
 * of partitions and of different texts.
 */
import type { PartitionState } from './subscription-state.ts';

export class FetchErrors {
  readonly #ofPartitions = new Map<PartitionState, { incarnation: number; error: Error }>();
  readonly #others = new Map<string, Error>();

  /** Of a whole fetch. */
  add(error: Error): void {
    this.#others.set(error.message, error);
  }

  addFor(state: PartitionState, error: Error): void {
    this.#ofPartitions.set(state, { incarnation: state.incarnation, error });
  }

  /** Takes one that nothing stands before: of partitions with buffered records, the records come first. */
  takeDue(): Error | undefined {
    return this.#take((state) => state.bufferedBytes === 0);
  }

  /** Takes any. */
  take(): Error | undefined {
    return this.#take(() => true);
  }

  get isEmpty(): boolean {
    return this.#others.size === 0 && this.#ofPartitions.size === 0;
  }

  #take(isDue: (state: PartitionState) => boolean): Error | undefined {
    for (const [text, error] of this.#others) {
      this.#others.delete(text);
      return error;
    }
    for (const [state, { incarnation, error }] of this.#ofPartitions) {
      const isCurrent = incarnation === state.incarnation;
      if (isCurrent && !isDue(state)) continue;
      this.#ofPartitions.delete(state);
      if (isCurrent) return error;
    }
    return undefined;
  }
}
