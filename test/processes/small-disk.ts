/** A file system of a few megabytes that a test may fill: in memory, mounted for it. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BLOCK_BYTES = 4096;

export class SmallDisk {
  readonly path: string;

  /** The disk, or why this machine gives us none. */
  static mount(megabytes: number): SmallDisk | string {
    if (process.platform !== 'linux') return `there is no tmpfs on ${process.platform}`;
    if (process.getuid?.() !== 0) return 'mounting needs root';
    const path = mkdtempSync(join(tmpdir(), 'springtide-disk-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], {
      encoding: 'utf8',
    });
    if (mounted.status === 0) return new SmallDisk(path);
    rmdirSync(path);
    return `a tmpfs cannot be mounted: ${mounted.error?.message ?? mounted.stderr.trim()}`;
  }

  private constructor(path: string) {
    this.path = path;
  }

  /** Takes so much of the room, until `free(name)`. */
  take(name: string, megabytes: number): void {
    writeFileSync(join(this.path, name), Buffer.alloc(megabytes * 1024 * 1024));
  }

  /** Takes all the room that is left. */
  takeRest(name: string): void {
    const file = openSync(join(this.path, name), 'w');
    try {
      for (;;) writeSync(file, Buffer.alloc(BLOCK_BYTES));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  free(name: string): void {
    rmSync(join(this.path, name));
  }

  remove(): void {
    spawnSync('umount', [this.path]);
    rmdirSync(this.path);
  }
}
