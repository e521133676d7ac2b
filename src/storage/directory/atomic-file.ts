/**
 * A small file that is replaced as a whole, in the order that survives a power cut at any step: write a temporary file, sync it,
 * rename it over the old one, sync the directory. Writes that come while one is under way are merged: only the last text counts.
 */

import type { Disk } from '../disk/disk.ts';
import { TEMPORARY_SUFFIX } from '../segment/file-names.ts';

export class AtomicFile {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #name: string;
  #next: string | undefined;
  #running: Promise<void> | undefined;

  constructor(disk: Disk, directory: string, name: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#name = name;
  }

  get path(): string {
    return `${this.#directory}/${this.#name}`;
  }

  /** Resolves when `text`, or a later one, is durable. */
  write(text: string): Promise<void> {
    this.#next = text;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Resolves when the last text is durable. One that could not be written is tried again. */
  settled(): Promise<void> {
    if (this.#next !== undefined) return this.write(this.#next);
    return this.#running ?? Promise.resolve();
  }

  async read(): Promise<string | undefined> {
    return (await this.#disk.readFile(this.path))?.toString('utf8');
  }

  async #run(): Promise<void> {
    try {
      while (this.#next !== undefined) {
        const text = this.#next;
        this.#next = undefined;
        try {
          await replaceFile(this.#disk, this.#directory, this.#name, Buffer.from(text));
        } catch (error) {
          this.#next ??= text;
          throw error;
        }
      }
    } finally {
      this.#running = undefined;
    }
  }
}

/** Resolves when the file holds `content`, durably; a power cut leaves the old or the new one. */
export async function replaceFile(disk: Disk, directory: string, name: string, content: Buffer): Promise<void> {
  const path = `${directory}/${name}`;
  const file = disk.openSync(path + TEMPORARY_SUFFIX, { create: true });
  try {
    file.truncateSync(0);
    file.writeSync([content], 0);
    await file.sync();
  } finally {
    file.close();
  }
  await disk.rename(path + TEMPORARY_SUFFIX, path);
  await disk.syncDirectory(directory);
}
