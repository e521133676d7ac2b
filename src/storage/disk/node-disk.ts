/** The real disk, through node:fs. */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  open,
  openSync,
  promises,
  read,
  readFileSync,
  readSync,
  writevSync,
} from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { errorText, KafkaError } from '#core';
import type { Disk, DiskEntry, DiskFile, DiskLock } from './disk.ts';
import { lockFile } from './lock-file.ts';
import { type PartialWrite, writeAll } from './write-all.ts';

/** A link in the place of a file is an error: it may lead anywhere. (Windows has no such flag.) */
const NO_LINKS = constants.O_NOFOLLOW ?? 0;

export function nodeDisk(): Disk {
  return disk;
}

const disk: Disk = {
  openSync(path, { create }) {
    const descriptor = guardSync(path, 'open', () => openExisting(path, create));
    return new NodeFile(path, descriptor);
  },
  readFile: (path) =>
    unlessAbsent(path, 'read', () => promises.readFile(path, { flag: constants.O_RDONLY | NO_LINKS })),
  async list(path) {
    const entries = await unlessAbsent(path, 'list', () => promises.readdir(path, { withFileTypes: true }));
    return (entries ?? []).map(
      (entry): DiskEntry => ({
        name: entry.name,
        kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other',
      }),
    );
  },
  makeDirectorySync(path) {
    const first = guardSync(path, 'create', () => mkdirSync(path, { recursive: true }));
    return first === undefined ? 0 : relative(dirname(first), resolve(path)).split(sep).length;
  },
  rename: (from, to) => guard(from, `rename to ${to}`, () => promises.rename(from, to)),
  remove: (path) => guard(path, 'remove', () => promises.rm(path, { recursive: true, force: true })),
  syncDirectory: (path) => guard(path, 'sync', () => syncDirectory(path)),
  async space(path) {
    const { bsize, blocks, bavail } = await guard(path, 'stat', () => promises.statfs(path));
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail };
  },
  descriptorsMax,
  lock: (path, onTakeover): Promise<DiskLock> => lockFile(path, onTakeover),
};

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #write: PartialWrite = (chunks, position) => writevSync(this.#descriptor, chunks, position);
  #busyCount = 0;
  #isClosed = false;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  sizeSync(): number {
    return guardSync(this.path, 'stat', () => fstatSync(this.#descriptor).size);
  }

  async read(into: Buffer, position: number): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      const bytesRead = await this.#readOnce(into, filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  readSync(into: Buffer, position: number): number {
    return guardSync(this.path, 'read', () => {
      let filled = 0;
      while (filled < into.length) {
        const bytesRead = readSync(this.#descriptor, into, filled, into.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    });
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    try {
      writeAll(this.#write, chunks, position);
    } catch (error) {
      throw failure(this.path, 'write', error);
    }
  }

  truncateSync(sizeInBytes: number): void {
    guardSync(this.path, 'truncate', () => ftruncateSync(this.#descriptor, sizeInBytes));
  }

  sync(): Promise<void> {
    return this.#busy('sync', (done) => fdatasync(this.#descriptor, (error) => done(error, undefined)));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#busyCount === 0) closeSync(this.#descriptor);
  }

  #readOnce(into: Buffer, at: number, position: number): Promise<number> {
    return this.#busy('read', (done) => read(this.#descriptor, into, at, into.length - at, position, done));
  }

  /** A descriptor that is closed under a running call may be another file's by the time the call runs. */
  #busy<T>(verb: string, run: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new KafkaError('STORAGE_FAILED', `cannot ${verb} ${this.path}: the file was closed`));
        return;
      }
      this.#busyCount++;
      run((error, value) => {
        this.#busyCount--;
        if (this.#isClosed && this.#busyCount === 0) closeSync(this.#descriptor);
        if (error) reject(failure(this.path, verb, error));
        else resolve(value);
      });
    });
  }
}

/** `r+` and not `a`: positions are given; and an existing file is never truncated by opening it. */
function openExisting(path: string, create: boolean): number {
  try {
    return openSync(path, constants.O_RDWR | NO_LINKS);
  } catch (error) {
    if (!create || !isAbsent(error)) throw error;
    return openSync(path, 'wx+');
  }
}

function syncDirectory(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    open(path, 'r', (openError, descriptor) => {
      if (openError) {
        reject(openError);
        return;
      }
      fsync(descriptor, (error) => {
        closeSync(descriptor);
        // Windows cannot sync a directory; NTFS journals its names.
        if (error && process.platform !== 'win32') reject(error);
        else resolve();
      });
    });
  });
}

/** Linux tells it in a file; Node has raised the limit to the highest one that it may have. */
function descriptorsMax(): number | undefined {
  try {
    const limit = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : limit === undefined ? undefined : Number(limit);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function guardSync<T>(path: string, verb: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw failure(path, verb, error);
  }
}

async function guard<T>(path: string, verb: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw failure(path, verb, error);
  }
}

async function unlessAbsent<T>(path: string, verb: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw failure(path, verb, error);
  }
}

function isAbsent(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && error.code === 'ENOENT';
}

function failure(path: string, verb: string, error: unknown): KafkaError {
  return new KafkaError('STORAGE_FAILED', `cannot ${verb} ${path}: ${errorText(error)}`, { cause: error });
}
