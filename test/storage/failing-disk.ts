/** A simulated disk whose calls a test can hold up or make fail. */
import { KafkaError } from '#core';
import { type Disk, type DiskFile, type SimulatedDisk, simulatedDisk } from '#storage';

export type Step = 'write' | 'sync' | 'read' | 'open' | 'rename' | 'syncDirectory';

export class FailingDisk implements Disk {
  readonly below: SimulatedDisk;
  /** Called before each step; throws or returns a promise to hold it up. */
  before: (step: Step, path: string) => void | Promise<void> = () => {};
  /** How often each step was asked for. */
  readonly counts: Record<Step, number> = { write: 0, sync: 0, read: 0, open: 0, rename: 0, syncDirectory: 0 };
  /** Counted only for files of this suffix. */
  countedSuffix = '.log';

  constructor(below: SimulatedDisk = simulatedDisk()) {
    this.below = below;
  }

  openSync(path: string, options: { create: boolean }): DiskFile {
    void this.#step('open', path);
    const file = this.below.openSync(path, options);
    return {
      path,
      sizeSync: () => file.sizeSync(),
      read: async (into, position) => {
        await this.#step('read', path);
        return file.read(into, position);
      },
      readSync: (into, position) => file.readSync(into, position),
      writeSync: (chunks, position) => {
        void this.#step('write', path);
        file.writeSync(chunks, position);
      },
      truncateSync: (sizeInBytes) => file.truncateSync(sizeInBytes),
      sync: async () => {
        await this.#step('sync', path);
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  readFile(path: string) {
    return this.below.readFile(path);
  }

  list(path: string) {
    return this.below.list(path);
  }

  makeDirectorySync(path: string): number {
    return this.below.makeDirectorySync(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step('rename', from);
    await this.below.rename(from, to);
  }

  remove(path: string) {
    return this.below.remove(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#step('syncDirectory', path);
    await this.below.syncDirectory(path);
  }

  lock(path: string) {
    return this.below.lock(path);
  }

  #step(step: Step, path: string): void | Promise<void> {
    if (path.endsWith(this.countedSuffix)) this.counts[step]++;
    return this.before(step, path);
  }
}

export function diskError(what: string): KafkaError {
  return new KafkaError('STORAGE_FAILED', `${what}: input/output error`);
}
