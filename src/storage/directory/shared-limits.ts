/** Limits of the process, which the log directories of a broker keep together: open files, memory, and one log compacted at a time. */
import type { Disk } from '../disk/disk.ts';
import type { Durability } from '../log/log-home.ts';
import { MemoryBudget } from './memory-budget.ts';
import { OpenFiles, openFilesMax } from './open-files.ts';
import { Turns } from './turns.ts';

export interface SharedLimits {
  /** The disk of all of them. */
  readonly files: OpenFiles;
  readonly budget: MemoryBudget;
  readonly cleaning: Turns;
}

export interface LimitOptions {
  readonly disk: Disk;
  readonly durability: Durability;
  /** Files that are open at a time, but for those that are being read or synced. Default: what the process may well have. */
  readonly openFilesMax?: number;
  /** Bytes of ArrayBuffers that all memory tails and read windows together may keep. */
  readonly memoryBytesMax?: number;
}

const MEMORY_BYTES_MAX = 64 * 1024 * 1024;

export function sharedLimits({ disk, durability, openFilesMax: filesMax, memoryBytesMax }: LimitOptions): SharedLimits {
  return {
    files: new OpenFiles(disk, filesMax ?? openFilesMax(disk), durability === 'sync'),
    budget: new MemoryBudget(memoryBytesMax ?? MEMORY_BYTES_MAX),
    cleaning: new Turns(),
  };
}
