/** Puts what recovery takes out of a log aside, so that a person can look at it; nothing is ever deleted here. */
import type { Logger } from '#core';
import type { Disk, DiskFile } from './disk/disk.ts';
import { INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX } from './file-names.ts';
import type { Segment } from './segment.ts';

const COPY_BYTES = 1024 * 1024;

export class Quarantine {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #logger: Logger;

  constructor(disk: Disk, folder: string, logger: Logger) {
    this.#disk = disk;
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Copies the bytes from `position` to `end`, durably; returns where they are, undefined when they are all zero. */
  async copyTail(segment: Segment, position: number, end: number): Promise<string | undefined> {
    let copy: DiskFile | undefined;
    for (let at = position; at < end; at += COPY_BYTES) {
      const chunk = Buffer.alloc(Math.min(COPY_BYTES, end - at));
      await segment.file().read(chunk, at);
      if (copy === undefined && chunk.every((byte) => byte === 0)) continue;
      copy ??= this.#newCopy(segment, position);
      copy.writeSync([chunk], at - position);
    }
    if (copy === undefined) return undefined;
    await copy.sync();
    copy.close();
    await this.#disk.syncDirectory(this.#folder);
    return copy.path;
  }

  /** Moves the files of a segment. */
  async moveSegment(segment: Segment): Promise<void> {
    this.#disk.makeDirectorySync(this.#folder);
    segment.close();
    const name = segment.path(LOG_SUFFIX).slice(segment.folder.length);
    await this.#disk.rename(segment.path(LOG_SUFFIX), this.#folder + name);
    for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX])
      await this.#disk.remove(segment.path(suffix));
    await this.#disk.syncDirectory(this.#folder);
    await this.#disk.syncDirectory(segment.folder);
    this.#logger.warn({ file: this.#folder + name }, 'A segment was moved out of its log');
  }

  #newCopy(segment: Segment, position: number): DiskFile {
    this.#disk.makeDirectorySync(this.#folder);
    const path = `${this.#folder}${segment.path(LOG_SUFFIX).slice(segment.folder.length)}.from-${position}`;
    return this.#disk.openSync(path, { create: true });
  }
}
