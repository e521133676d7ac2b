/**
 * Group commit of one log directory. Logs say that they have bytes to sync; everything said while a group is under way forms the
 * next group. A group is a set of dirty logs, whose files are synced in parallel, at most `SYNCS_PARALLEL_MAX` at a time. So one
 * fdatasync per file serves all that was written to it meanwhile, and nobody waits for a timer. Groups, because the journal of a file
 * system commits what stands together at once: without them 1,000 files were measured no faster, and more threads only that far.
 *
 * A failed sync is never tried again: the kernel may have dropped the bytes and call the page clean. The directory goes offline.
 */
import { KafkaError } from '#core';

export interface SyncSource {
  /** Syncs what is written so far. Resolves to what tells its waiters. Rejects when the disk does. */
  syncWritten(): Promise<() => void>;
}

/** More than the thread pool has threads by default, so that it never idles while files wait. */
const SYNCS_PARALLEL_MAX = 16;

export class LogSyncer {
  #dirty = new Set<SyncSource>();
  #isRunning = false;
  #isStopped = false;
  readonly #onFailure: (error: unknown) => void;
  #idle: (() => void)[] = [];
  /** How many groups were synced, and how many sources they had together. */
  groupCount = 0;
  sourceCount = 0;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** `source` has written something that must be synced. */
  request(source: SyncSource): void {
    if (this.#isStopped) return;
    this.#dirty.add(source);
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Logs that are written in this same turn belong to the group too.
    void Promise.resolve().then(() => this.#startGroup());
  }

  /** Resolves when nothing is under way and nothing waits. */
  idle(): Promise<void> {
    if (!this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #startGroup(): void {
    if (this.#dirty.size === 0 || this.#isStopped) {
      this.#isRunning = false;
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    const group = [...this.#dirty];
    this.#dirty.clear();
    this.groupCount++;
    this.sourceCount += group.length;
    void this.#syncGroup(group);
  }

  async #syncGroup(group: SyncSource[]): Promise<void> {
    let nextIndex = 0;
    let leftCount = group.length;
    const worker = async (): Promise<void> => {
      while (nextIndex < group.length && !this.#isStopped) {
        const tell = await group[nextIndex++].syncWritten();
        // To answer those who waited takes a while, in which the disk goes on.
        if (--leftCount === 0) this.#startGroup();
        tell();
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(SYNCS_PARALLEL_MAX, group.length) }, worker));
    } catch (error) {
      this.#isStopped = true;
      // Disks fail with a KafkaError; anything else is a bug of somebody who was told that his records are durable.
      if (!(error instanceof KafkaError)) throw error;
      this.#onFailure(error);
      this.#startGroup();
    }
  }
}
