/**
 * A disk that keeps the number of open files bounded. A file that is opened through it is closed again when it was used longest ago
 * and others need the room; the next use opens it anew, under the name that it has by then, and its holder notices nothing. No file
 * is closed while a read or a sync of it runs, so the number can exceed the limit by those under way.
 *
 * Where a sync is promised, a file with bytes that were written and not synced stays open too: a writeback error that happens while
 * no descriptor is open may be told to nobody.
 */
import { KafkaError, RecencyList, type Recent } from '#core';
import type { Disk, DiskEntry, DiskFile, DiskLock } from '../disk/disk.ts';

/** Half of 2,048, the smallest limit on descriptors that is usual: connections need theirs. */
const FILES_MAX_UNTOLD = 1024;
const FILES_MAX = 32_768;
/** Descriptors that are left to others, but for half of them. */
const OTHERS_MAX = 4_096;

/** How many files to keep open where nobody has said it; opening one again costs as much as it does to append some batches. */
export function openFilesMax(disk: Disk): number {
  const descriptorsMax = disk.descriptorsMax?.();
  if (descriptorsMax === undefined) return FILES_MAX_UNTOLD;
  return Math.min(FILES_MAX, Math.max(Math.floor(descriptorsMax / 2), descriptorsMax - OTHERS_MAX));
}

export class OpenFiles implements Disk {
  readonly #disk: Disk;
  readonly #countMax: number;
  readonly #keepsUnsynced: boolean;
  /** Those that are open. */
  readonly #open = new RecencyList<PooledFile>();
  /** All that are in use, open or not, by their path. */
  readonly #used = new Map<string, Set<PooledFile>>();
  /** Names that are being given and those they replace, each by the other: until that is done nobody knows which one a file has. */
  readonly #renames = new Map<string, string>();

  readonly space: Disk['space'];

  /** @param keepsUnsynced whether files stay open until what was written is synced */
  constructor(disk: Disk, countMax: number, keepsUnsynced: boolean) {
    this.#disk = disk;
    this.#countMax = countMax;
    this.#keepsUnsynced = keepsUnsynced;
    this.space = disk.space?.bind(disk);
  }

  /** Files that are open now. */
  get count(): number {
    return this.#open.size;
  }

  openSync(path: string, options: { create: boolean }): DiskFile {
    const file = new PooledFile(this, path, this.open(path, options));
    this.#use(file);
    return file;
  }

  readFile(path: string): Promise<Buffer | undefined> {
    return this.#disk.readFile(path);
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.#disk.list(path);
  }

  makeDirectorySync(path: string): number {
    return this.#disk.makeDirectorySync(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#renames.set(from, to).set(to, from);
    try {
      await this.#disk.rename(from, to);
      for (const file of [...(this.#used.get(from) ?? [])]) this.#renamed(file, to);
    } finally {
      this.#renames.delete(from);
      this.#renames.delete(to);
    }
  }

  remove(path: string): Promise<void> {
    return this.#disk.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#disk.syncDirectory(path);
  }

  lock(path: string, onTakeover: (owner: string) => void): Promise<DiskLock> {
    return this.#disk.lock(path, onTakeover);
  }

  /** Below the pool, by the name that the file has now. */
  open(path: string, options: { create: boolean }): DiskFile {
    try {
      return this.#disk.openSync(path, options);
    } catch (error) {
      const otherPath = this.#renames.get(path);
      if (otherPath === undefined) throw error;
      return this.#disk.openSync(otherPath, options);
    }
  }

  /** `file` is open and about to be used. */
  touch(file: PooledFile): void {
    this.#open.touch(file);
    if (this.#open.size > this.#countMax) this.#evict(file);
  }

  /** `file` has given its descriptor back. */
  released(file: PooledFile): void {
    this.#open.remove(file);
  }

  /** `file` is used no more. */
  forget(file: PooledFile): void {
    const files = this.#used.get(file.path);
    files?.delete(file);
    if (files?.size === 0) this.#used.delete(file.path);
  }

  #use(file: PooledFile): void {
    const files = this.#used.get(file.path);
    if (files === undefined) this.#used.set(file.path, new Set([file]));
    else files.add(file);
  }

  #renamed(file: PooledFile, path: string): void {
    this.forget(file);
    file.path = path;
    this.#use(file);
  }

  #evict(wanted: PooledFile): void {
    for (let file = this.#open.oldest; file !== undefined && this.#open.size > this.#countMax; ) {
      const { newer }: PooledFile = file;
      const isNeeded = file === wanted || file.isBusy || (this.#keepsUnsynced && file.isUnsynced);
      if (!isNeeded) file.release();
      file = newer;
    }
  }
}

/** A file as its holder sees it: open until `close`. */
class PooledFile implements DiskFile, Recent<PooledFile> {
  path: string;
  newer: PooledFile | undefined = undefined;
  older: PooledFile | undefined = undefined;
  readonly #files: OpenFiles;
  #handle: DiskFile | undefined;
  #busyCount = 0;
  #isClosed = false;
  /** Counts writes; those up to `#syncedWrite` are synced. */
  #write = 0;
  #syncedWrite = 0;

  constructor(files: OpenFiles, path: string, handle: DiskFile) {
    this.#files = files;
    this.path = path;
    this.#handle = handle;
    files.touch(this);
  }

  get isBusy(): boolean {
    return this.#busyCount > 0;
  }

  get isUnsynced(): boolean {
    return this.#write > this.#syncedWrite;
  }

  sizeSync(): number {
    return this.#use().sizeSync();
  }

  async read(into: Buffer, position: number): Promise<number> {
    const handle = this.#use();
    this.#busyCount++;
    try {
      return await handle.read(into, position);
    } finally {
      this.#busyCount--;
    }
  }

  readSync(into: Buffer, position: number): number {
    return this.#use().readSync(into, position);
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    this.#write++;
    this.#use().writeSync(chunks, position);
  }

  truncateSync(sizeInBytes: number): void {
    this.#write++;
    this.#use().truncateSync(sizeInBytes);
  }

  async sync(): Promise<void> {
    const handle = this.#use();
    const write = this.#write;
    this.#busyCount++;
    try {
      await handle.sync();
      this.#syncedWrite = Math.max(this.#syncedWrite, write);
    } finally {
      this.#busyCount--;
    }
  }

  /** Gives the descriptor back until the next use. */
  release(): void {
    this.#files.released(this);
    this.#handle?.close();
    this.#handle = undefined;
  }

  close(): void {
    if (!this.#isClosed) this.#files.forget(this);
    this.#isClosed = true;
    this.release();
  }

  #use(): DiskFile {
    if (this.#isClosed) throw new KafkaError('STORAGE_FAILED', `${this.path} was closed`);
    this.#handle ??= this.#files.open(this.path, { create: false });
    this.#files.touch(this);
    return this.#handle;
  }
}
