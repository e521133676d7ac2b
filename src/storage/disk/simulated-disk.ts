/**
 * A disk that loses what a real one may lose. It keeps what is durable and what is pending apart, per sector of a file and per name
 * of a directory; `crash(seed)` gives the disk that the next start finds after a power cut, `kill()` the one after `kill -9`. It
 * fails on command (`faults`) and holds steps up (`before`). The same seed gives the same disk.
 *
 * A failed fdatasync drops what it should have written and calls it clean, as Linux does: a second one would succeed and lie.
 * fdatasync makes no name durable: real journaling file systems often do, and `Disk` does not promise it.
 */
import { KafkaError, type Random, seededRandom } from '#core';
import type { Disk, DiskEntry, DiskFile, DiskLock } from './disk.ts';
import { DiskFaults, type DiskStep } from './disk-faults.ts';
import type { SimulatedContent } from './simulated-content.ts';
import { SimulatedTree } from './simulated-tree.ts';
import { writeAll } from './write-all.ts';

/** @param seed of what happens by chance before a crash */
export function simulatedDisk(seed = 0): SimulatedDisk {
  return new SimulatedDisk(seededRandom(seed));
}

export class SimulatedDisk implements Disk {
  readonly faults: DiskFaults;
  /** Called before each step. A promise holds up steps that are asynchronous; what it throws fails the step. */
  before: (step: DiskStep, path: string) => void | Promise<void> = () => {};
  readonly #random: Random;
  readonly #tree: SimulatedTree;
  readonly #locks = new Set<string>();
  #openCount = 0;
  #usedBytes = 0;

  constructor(random: Random, tree: SimulatedTree = new SimulatedTree()) {
    this.#random = random;
    this.#tree = tree;
    this.faults = new DiskFaults(random);
  }

  /** Bytes of all files: what counts against `faults.capacityBytes`. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Handles that nobody closed. */
  get openFileCount(): number {
    return this.#openCount;
  }

  openSync(path: string, { create }: { create: boolean }): DiskFile {
    this.#stepSync('open', path);
    this.faults.checkOpenFiles(path, this.#openCount);
    const { content } = this.#tree.file(path, create);
    this.#openCount++;
    return new SimulatedFile(path, content, {
      step: (step) => this.#step(step, path),
      stepSync: (step) => this.#stepSync(step, path),
      write: (chunk, position) => this.#write(path, content, chunk, position),
      resized: (bytes) => {
        this.#usedBytes += bytes;
      },
      closed: () => {
        this.#openCount--;
      },
      check: () => this.faults.check('sync', path),
      isPowerOff: () => this.faults.isPowerOff,
    });
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    await this.#step('read', path);
    const node = this.#tree.find(path);
    return node?.kind === 'file' ? Buffer.from(node.content.view()) : undefined;
  }

  async list(path: string): Promise<DiskEntry[]> {
    await this.#step('read', path);
    const node = this.#tree.find(path);
    return node?.kind === 'directory' ? [...node.names].map(([name, { kind }]) => ({ name, kind })) : [];
  }

  makeDirectorySync(path: string): number {
    this.#stepSync('makeDirectory', path);
    return this.#tree.makeDirectory(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step('rename', from);
    this.#usedBytes -= this.#bytesOf(to);
    this.#tree.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#step('remove', path);
    this.#usedBytes -= this.#bytesOf(path);
    this.#tree.remove(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#step('syncDirectory', path);
    this.#tree.sync(path);
  }

  async lock(path: string): Promise<DiskLock> {
    if (this.#locks.has(path)) throw new KafkaError('LOCKED', `${path} is held already`);
    this.#locks.add(path);
    return { release: async () => void this.#locks.delete(path) };
  }

  /**
   * What a start after a power cut finds: a disk of its own, on which everything is durable. This one stays as it is. Without
   * `seed` nothing that was not synced is left; with one, what the seed draws.
   */
  crash(seed?: number): SimulatedDisk {
    const random = seed === undefined ? undefined : seededRandom(seed);
    return this.#next(this.#tree.afterCrash(random));
  }

  /** What a start after `kill -9` finds: all that was written. What was not synced still is not. */
  kill(): SimulatedDisk {
    return this.#next(this.#tree.clone());
  }

  #next(tree: SimulatedTree): SimulatedDisk {
    const disk = new SimulatedDisk(seededRandom(this.#random.uint32()), tree);
    disk.#usedBytes = disk.#bytesOf('/');
    return disk;
  }

  #bytesOf(path: string): number {
    const node = this.#tree.find(path);
    if (node === undefined) return 0;
    if (node.kind === 'file') return node.content.sizeInBytes;
    return [...node.names.keys()].reduce((sum, name) => sum + this.#bytesOf(`${path}/${name}`), 0);
  }

  /** Takes a part of `chunk` when there is no room for all of it, or by chance. */
  #write(path: string, content: SimulatedContent, chunk: Buffer, position: number): number {
    const newBytes = Math.min(chunk.length, Math.max(0, position + chunk.length - content.sizeInBytes));
    const takenBytes = this.faults.writableBytes(path, chunk.length, newBytes, this.#usedBytes);
    const sizeBefore = content.sizeInBytes;
    content.write(chunk.subarray(0, takenBytes), position);
    this.#usedBytes += content.sizeInBytes - sizeBefore;
    return takenBytes;
  }

  async #step(step: DiskStep, path: string): Promise<void> {
    await this.before(step, path);
    if (step !== 'sync') this.faults.check(step, path);
  }

  #stepSync(step: DiskStep, path: string): void {
    void this.before(step, path);
    this.faults.check(step, path);
  }
}

/** What a file needs of its disk. */
interface FileHome {
  step(step: DiskStep): Promise<void>;
  stepSync(step: DiskStep): void;
  write(chunk: Buffer, position: number): number;
  resized(bytes: number): void;
  closed(): void;
  /** Whether an fdatasync that ends now ends well. */
  check(): void;
  isPowerOff(): boolean;
}

class SimulatedFile implements DiskFile {
  readonly path: string;
  readonly #content: SimulatedContent;
  readonly #home: FileHome;
  #isClosed = false;

  constructor(path: string, content: SimulatedContent, home: FileHome) {
    this.path = path;
    this.#content = content;
    this.#home = home;
  }

  sizeSync(): number {
    return this.#content.sizeInBytes;
  }

  async read(into: Buffer, position: number): Promise<number> {
    this.#checkOpen('read');
    await this.#home.step('read');
    return this.#content.view().copy(into, 0, Math.min(position, this.#content.sizeInBytes));
  }

  readSync(into: Buffer, position: number): number {
    this.#checkOpen('read');
    this.#home.stepSync('read');
    return this.#content.view().copy(into, 0, Math.min(position, this.#content.sizeInBytes));
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    this.#checkOpen('write');
    this.#home.stepSync('write');
    writeAll((slice, at) => this.#home.write(Buffer.concat(slice), at), chunks, position);
  }

  truncateSync(sizeInBytes: number): void {
    this.#checkOpen('truncate');
    this.#home.stepSync('truncate');
    const before = this.#content.sizeInBytes;
    this.#content.truncate(sizeInBytes);
    this.#home.resized(sizeInBytes - before);
  }

  /** What is written while it is under way may have to wait for the next one. */
  async sync(): Promise<void> {
    this.#checkOpen('sync');
    const end = this.#content.sync();
    try {
      await this.#home.step('sync');
      this.#home.check();
    } catch (error) {
      // Without power nobody calls the pages clean: some of them may have been written.
      if (!this.#home.isPowerOff()) end(false);
      throw error;
    }
    end(true);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#home.closed();
  }

  #checkOpen(verb: string): void {
    if (this.#isClosed) throw new KafkaError('STORAGE_FAILED', `cannot ${verb} ${this.path}: the file was closed`);
  }
}
