/**
 * The only door to files. Everything the storage engine does to a disk goes through these calls, and the steps that a power cut
 * can come between are separate calls: write, `sync` (fdatasync), `rename`, `syncDirectory`. So the same engine runs on the real
 * disk, in memory, and on a disk that fails on purpose.
 *
 * What an implementation promises: after `sync` resolves, the bytes and the length of the file survive a power cut; after
 * `syncDirectory` resolves, the names in that directory (created, renamed, removed) do; a `rename` over an existing name
 * replaces it in one step. Nothing else is promised. A failed `sync` must not be tried again: the bytes may be gone.
 *
 * Paths are joined with `/`. Calls that end in `Sync` block: they are for the page cache, where they were measured cheaper than a
 * trip through the thread pool. Errors are `KafkaError` STORAGE_FAILED with path and reason; `code` of the cause tells ENOSPC.
 */
export interface Disk {
  /** Opens for reading and writing. With `create`, an absent file is made; without, it is an error. */
  openSync(path: string, options: { create: boolean }): DiskFile;
  /** Whole content, or undefined when there is no such file. */
  readFile(path: string): Promise<Buffer | undefined>;
  /** Names in a directory in no order; empty when it does not exist. */
  list(path: string): Promise<DiskEntry[]>;
  /**
   * Makes the directory and its parents where they are absent, and returns how many were made. Their names are durable after
   * `syncDirectory` of as many parents.
   */
  makeDirectorySync(path: string): number;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a directory with all it holds. Nothing happens when it is absent. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** What the file system that `path` lies in has room for; absent on disks that know no bounds. */
  space?(path: string): Promise<DiskSpace>;
  /** So many files, connections included, the process may have open; undefined where nobody can tell. */
  descriptorsMax?(): number | undefined;
  /**
   * Takes the directory for this process, through the file `path`. Throws LOCKED, whose text names the owner, when a live owner
   * holds it. `onTakeover` hears of a dead owner whose lock was taken over.
   */
  lock(path: string, onTakeover: (owner: string) => void): Promise<DiskLock>;
}

export interface DiskSpace {
  readonly totalBytes: number;
  /** Free for this process. */
  readonly usableBytes: number;
}

export interface DiskEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'other';
}

export interface DiskFile {
  readonly path: string;
  sizeSync(): number;
  /** Fills `into` from `position` on; returns the bytes read, fewer only at the end of the file. */
  read(into: Buffer, position: number): Promise<number>;
  readSync(into: Buffer, position: number): number;
  /** Writes all of `chunks` back to back from `position` on, or throws; what was written before the error stays unknown. */
  writeSync(chunks: readonly Buffer[], position: number): void;
  truncateSync(sizeInBytes: number): void;
  /** fdatasync: the content so far survives a power cut. */
  sync(): Promise<void>;
  /** Idempotent. The handle is given back when the reads and syncs under way have ended. */
  close(): void;
}

export interface DiskLock {
  /** Idempotent. */
  release(): Promise<void>;
}
