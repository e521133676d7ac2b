/** One session: its partitions in the order in which they are read, and the number of the request that comes next. */
import type { Recent } from '#core';
import type { FetchPartition, FetchPartitions, PartitionNews } from './fetch-partition.ts';

/** The epoch of a full fetch that may begin a session. */
export const INITIAL_EPOCH = 0;
/** The epoch of a full fetch that ends one, or wants none. */
export const FINAL_EPOCH = -1;

const EPOCH_MAX = 2 ** 31 - 1;

export class FetchSession implements Recent<FetchSession> {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  /** Monotonic, like `createdMs`. */
  usedMs: number;
  /** Of the next request. */
  epoch = nextEpoch(INITIAL_EPOCH);
  newer: FetchSession | undefined = undefined;
  older: FetchSession | undefined = undefined;
  readonly #partitions: FetchPartitions;

  constructor(id: number, usesTopicIds: boolean, partitions: FetchPartitions, nowMs: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.createdMs = nowMs;
    this.usedMs = nowMs;
    this.#partitions = partitions;
  }

  get size(): number {
    return this.#partitions.size;
  }

  partitions(): FetchPartition[] {
    return [...this.#partitions.values()];
  }

  /** An incremental request: partitions that it names are added or asked anew, others forgotten. */
  update(asked: FetchPartitions, forgottenKeys: readonly string[]): void {
    for (const [key, partition] of asked) {
      const known = this.#partitions.get(key);
      if (known === undefined) this.#partitions.set(key, partition);
      else known.ask(partition);
    }
    for (const key of forgottenKeys) this.#partitions.delete(key);
  }

  /**
   * Whether the answer to the client is to have this partition. One that brings records goes to the end of the order, so that it does
   * not use up the bytes of those after it for ever.
   */
  tell(partition: FetchPartition, news: PartitionNews): boolean {
    const isNews = partition.tell(news);
    if (news.hasRecords && this.size > 1) this.#moveToEnd(partition);
    return isNews;
  }

  #moveToEnd(partition: FetchPartition): void {
    if (this.#partitions.delete(partition.key)) this.#partitions.set(partition.key, partition);
  }
}

export function nextEpoch(epoch: number): number {
  return epoch === EPOCH_MAX ? 1 : epoch + 1;
}
