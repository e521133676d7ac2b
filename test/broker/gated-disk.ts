/** A disk whose syncs wait until the test lets them through, or fail when it says so. */
import { Deferred, KafkaError } from '#core';
import type { Disk, DiskFile, DiskLock } from '#storage';

export class GatedDisk implements Disk {
  readonly #disk: Disk;
  #gate: Deferred<void> | undefined;
  #isShut: (path: string) => boolean = () => true;
  #failure: KafkaError | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** From now on no sync ends, or none of files with such a path. */
  shut(which = /./): void {
    this.#isShut = (path) => which.test(path);
    this.#gate ??= new Deferred();
  }

  /** Everything that waits goes on. */
  open(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** From now on every sync fails, also those that wait. */
  fail(): void {
    this.#failure = new KafkaError('STORAGE_FAILED', 'the disk is broken');
    this.open();
  }

  openSync(path: string, options: { create: boolean }): DiskFile {
    const file = this.#disk.openSync(path, options);
    return {
      path,
      sizeSync: () => file.sizeSync(),
      read: (into, position) => file.read(into, position),
      readSync: (into, position) => file.readSync(into, position),
      writeSync: (chunks, position) => file.writeSync(chunks, position),
      truncateSync: (sizeInBytes) => file.truncateSync(sizeInBytes),
      sync: async () => {
        if (this.#isShut(path)) await this.#gate?.promise;
        if (this.#failure !== undefined) throw this.#failure;
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  readFile(path: string): Promise<Buffer | undefined> {
    return this.#disk.readFile(path);
  }

  list(path: string): ReturnType<Disk['list']> {
    return this.#disk.list(path);
  }

  makeDirectorySync(path: string): ReturnType<Disk['makeDirectorySync']> {
    return this.#disk.makeDirectorySync(path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
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
}
