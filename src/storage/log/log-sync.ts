/** What of one log was written and not synced yet, and its syncs: one after the other, each with all that is due when it begins. */

import { syncPartitionMetadata } from '../directory/partition-metadata.ts';
import { withHandle } from '../directory/shortage.ts';
import type { Segment } from '../segment/segment.ts';
import type { LogHome } from './log-home.ts';

export class LogSync {
  readonly #home: LogHome;
  readonly #folder: string;
  /** Rolled segments whose batches are not synced yet. */
  #rolled: Segment[] = [];
  /** Names were added to the folder, or the folder itself is new. */
  #isFolderDirty: boolean;
  /** `partition.metadata` was written and not synced: without it the records would belong to no topic after a power cut. */
  #isMetadataDirty: boolean;
  /** Settled when the last sync has ended, well or not; its caller hears which. */
  #last: Promise<void> = Promise.resolve();
  #unendedCount = 0;
  #isStopped = false;

  constructor(home: LogHome, folder: string, isNew: boolean) {
    this.#home = home;
    this.#folder = folder;
    this.#isFolderDirty = isNew;
    this.#isMetadataDirty = isNew;
  }

  /** `segment` takes no more batches, and the next one has its name in the folder. */
  rolled(segment: Segment): void {
    this.#rolled.push(segment);
    this.#isFolderDirty = true;
  }

  /** `segments` are out of the log. */
  forget(segments: readonly Segment[]): void {
    this.#rolled = this.#rolled.filter((segment) => !segments.includes(segment));
  }

  metadataWritten(): void {
    this.#isMetadataDirty = true;
    this.#isFolderDirty = true;
  }

  /** `active` is asked when the sync begins: the segment to take with it, if any. */
  sync(active: () => Segment | undefined): Promise<void> {
    // At once where it can: a disk that waits for a turn of the loop idles.
    const begun = this.#unendedCount++ === 0 ? this.#sync(active()) : this.#last.then(() => this.#sync(active()));
    const sync = begun.finally(() => this.#unendedCount--);
    this.#last = sync.catch(() => {});
    return sync;
  }

  /** Resolves when no sync is under way. Never rejects. */
  settled(): Promise<void> {
    return this.#last;
  }

  /** No sync begins any more. */
  stop(): void {
    this.#isStopped = true;
  }

  async #sync(active: Segment | undefined): Promise<void> {
    if (this.#isStopped) return;
    const { disk, clock } = this.#home;
    const syncs = this.#rolled.map((segment) => segment.sync(clock));
    this.#rolled = [];
    if (active !== undefined) syncs.push(active.sync(clock));
    if (this.#isMetadataDirty) syncs.push(withHandle(clock, () => syncPartitionMetadata(disk, this.#folder)));
    if (this.#isFolderDirty) {
      syncs.push(
        withHandle(clock, () => disk.syncDirectory(this.#folder)),
        this.#home.syncDirectory(),
      );
    }
    this.#isMetadataDirty = false;
    this.#isFolderDirty = false;
    await Promise.all(syncs);
  }
}
