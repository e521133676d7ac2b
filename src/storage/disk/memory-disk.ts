/**
 * A disk in memory: the floor of tests and of the embedded broker. It never fails and knows no power cut; `simulatedDisk` does. Two
 * names are open at once to one file after a rename, as on a real disk.
 */
import { KafkaError } from '#core';
import type { Disk, DiskEntry, DiskFile, DiskLock } from './disk.ts';

export function memoryDisk(): MemoryDisk {
  return new MemoryDisk();
}

interface FileNode {
  readonly kind: 'file';
  bytes: Buffer;
  sizeInBytes: number;
}

interface DirectoryNode {
  readonly kind: 'directory';
  names: Map<string, Node>;
}

type Node = FileNode | DirectoryNode;

const FIRST_FILE_BYTES = 4096;

export class MemoryDisk implements Disk {
  readonly #root: DirectoryNode;
  readonly #locks = new Set<string>();

  constructor(root: DirectoryNode = newDirectory()) {
    this.#root = root;
  }

  openSync(path: string, { create }: { create: boolean }): DiskFile {
    const { directory, name } = this.#parent(path);
    let node = directory.names.get(name);
    if (node === undefined) {
      if (!create) throw absent(path);
      node = fileOf(Buffer.alloc(0));
      directory.names.set(name, node);
    }
    if (node.kind !== 'file') throw new KafkaError('STORAGE_FAILED', `cannot open ${path}: it is a directory`);
    return new MemoryFile(path, node);
  }

  async readFile(path: string): Promise<Buffer | undefined> {
    const node = this.#find(path);
    return node?.kind === 'file' ? Buffer.from(node.bytes.subarray(0, node.sizeInBytes)) : undefined;
  }

  async list(path: string): Promise<DiskEntry[]> {
    const node = this.#find(path);
    return node?.kind === 'directory' ? [...node.names].map(([name, { kind }]) => ({ name, kind })) : [];
  }

  makeDirectorySync(path: string): number {
    let madeCount = 0;
    let directory = this.#root;
    for (const name of parts(path)) {
      let child = directory.names.get(name);
      if (child === undefined) {
        child = newDirectory();
        directory.names.set(name, child);
        madeCount++;
      }
      if (child.kind !== 'directory')
        throw new KafkaError('STORAGE_FAILED', `cannot create ${path}: ${name} is a file`);
      directory = child;
    }
    return madeCount;
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#parent(from);
    const node = source.directory.names.get(source.name);
    if (node === undefined) throw absent(from);
    const target = this.#parent(to);
    target.directory.names.set(target.name, node);
    source.directory.names.delete(source.name);
  }

  async remove(path: string): Promise<void> {
    const name = parts(path).at(-1);
    const directory = this.#find(path.slice(0, path.length - (name ?? '').length));
    if (directory?.kind === 'directory' && name !== undefined) directory.names.delete(name);
  }

  async syncDirectory(path: string): Promise<void> {
    const node = this.#find(path);
    if (node?.kind !== 'directory') throw absent(path);
  }

  async lock(path: string): Promise<DiskLock> {
    if (this.#locks.has(path)) {
      const directory = path.slice(0, path.lastIndexOf('/'));
      throw new KafkaError(
        'LOCKED',
        `the log directory ${directory} is in use by this process. Close that broker first.`,
      );
    }
    this.#locks.add(path);
    return { release: async () => void this.#locks.delete(path) };
  }

  /** What a start after `kill -9` finds: all that was written. A disk of its own; this one stays as it is. */
  kill(): MemoryDisk {
    return new MemoryDisk(copyOf(this.#root) as DirectoryNode);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of parts(path)) node = node?.kind === 'directory' ? node.names.get(name) : undefined;
    return node;
  }

  #parent(path: string): { directory: DirectoryNode; name: string } {
    const names = parts(path);
    const name = names.pop();
    let node: Node | undefined = this.#root;
    for (const each of names) node = node?.kind === 'directory' ? node.names.get(each) : undefined;
    if (node?.kind !== 'directory' || name === undefined) throw absent(path);
    return { directory: node, name };
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #node: FileNode;
  #isClosed = false;

  constructor(path: string, node: FileNode) {
    this.path = path;
    this.#node = node;
  }

  sizeSync(): number {
    return this.#node.sizeInBytes;
  }

  async read(into: Buffer, position: number): Promise<number> {
    return this.readSync(into, position);
  }

  readSync(into: Buffer, position: number): number {
    this.#checkOpen('read');
    const end = Math.min(this.#node.sizeInBytes, position + into.length);
    return end <= position ? 0 : this.#node.bytes.copy(into, 0, position, end);
  }

  writeSync(chunks: readonly Buffer[], position: number): void {
    this.#checkOpen('write');
    let at = position;
    for (const chunk of chunks) at += chunk.length;
    this.#grow(at);
    at = position;
    for (const chunk of chunks) {
      chunk.copy(this.#node.bytes, at);
      at += chunk.length;
    }
    this.#node.sizeInBytes = Math.max(this.#node.sizeInBytes, at);
  }

  truncateSync(sizeInBytes: number): void {
    this.#checkOpen('truncate');
    this.#grow(sizeInBytes);
    this.#node.bytes.fill(0, Math.min(sizeInBytes, this.#node.sizeInBytes));
    this.#node.sizeInBytes = sizeInBytes;
  }

  async sync(): Promise<void> {
    this.#checkOpen('sync');
  }

  close(): void {
    this.#isClosed = true;
  }

  #grow(sizeInBytes: number): void {
    const node = this.#node;
    if (sizeInBytes <= node.bytes.length) return;
    const grown = Buffer.alloc(Math.max(sizeInBytes, node.bytes.length * 2, FIRST_FILE_BYTES));
    node.bytes.copy(grown, 0, 0, node.sizeInBytes);
    node.bytes = grown;
  }

  #checkOpen(verb: string): void {
    if (this.#isClosed) throw new KafkaError('STORAGE_FAILED', `cannot ${verb} ${this.path}: the file was closed`);
  }
}

function newDirectory(): DirectoryNode {
  return { kind: 'directory', names: new Map() };
}

function parts(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function absent(path: string): KafkaError {
  return new KafkaError('STORAGE_FAILED', `no such file or directory: ${path}`);
}

function copyOf(node: Node): Node {
  if (node.kind === 'file') return fileOf(Buffer.from(node.bytes.subarray(0, node.sizeInBytes)));
  return { kind: 'directory', names: new Map([...node.names].map(([name, child]) => [name, copyOf(child)])) };
}

function fileOf(bytes: Buffer): FileNode {
  return { kind: 'file', bytes, sizeInBytes: bytes.length };
}
