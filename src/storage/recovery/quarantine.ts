/**
 * Puts what is taken out of a log aside, so that a person can look at it; nothing is ever deleted here. What is put aside is durable, and
 * its folder as well, before the log is without it.
 */
import type { Logger } from '#core';
import type { Disk, DiskFile } from '../disk/disk.ts';
import { INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX } from '../segment/file-names.ts';
import type { Segment } from '../segment/segment.ts';

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

  /** Copies the bytes of a segment from `position` on; returns where they are, undefined when they are all zero. */
  async copyTail(segment: Segment, position: number, end = segment.file().sizeSync()): Promise<string | undefined> {
    let copy: DiskFile | undefined;
    for (let at = position; at < end; at += COPY_BYTES) {
      const chunk = Buffer.alloc(Math.min(COPY_BYTES, end - at));
      await segment.file().read(chunk, at);
      if (copy === undefined && chunk.every((byte) => byte === 0)) continue;
      copy ??= await this.#newCopy(segment, position);
      copy.writeSync([chunk], at - position);
    }
    if (copy === undefined) return undefined;
    await copy.sync();
    copy.close();
    await this.#disk.syncDirectory(this.#folder);
    return copy.path;
  }

  /** Moves the files of segments, the last one first: what is left at any moment is a log with a shorter end. */
  async moveSegments(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments.toReversed()) await this.#moveSegment(segment);
  }

  /** Moves files of `folder`, by their names. */
  async moveFiles(folder: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#makeFolder();
    for (const name of names) await this.#disk.rename(`${folder}/${name}`, `${this.#folder}/${name}`);
    await this.#disk.syncDirectory(this.#folder);
    await this.#disk.syncDirectory(folder);
  }

  async #moveSegment(segment: Segment): Promise<void> {
    await this.#makeFolder();
    segment.close();
    const name = segment.path(LOG_SUFFIX).slice(segment.folder.length);
    await this.#disk.rename(segment.path(LOG_SUFFIX), this.#folder + name);
    for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX])
      await this.#disk.remove(segment.path(suffix));
    await this.#disk.syncDirectory(this.#folder);
    await this.#disk.syncDirectory(segment.folder);
    this.#logger.warn({ file: this.#folder + name }, 'A segment was moved out of its log');
  }

  async #makeFolder(): Promise<void> {
    if (this.#disk.makeDirectorySync(this.#folder) === 0) return;
    await this.#disk.syncDirectory(this.#folder.slice(0, this.#folder.lastIndexOf('/')));
  }

  async #newCopy(segment: Segment, position: number): Promise<DiskFile> {
    await this.#makeFolder();
    const path = `${this.#folder}${segment.path(LOG_SUFFIX).slice(segment.folder.length)}.from-${position}`;
    return this.#disk.openSync(path, { create: true });
  }
}
