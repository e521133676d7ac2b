/** What a log directory gives to each of its logs. */
import type { Clock, KafkaError, Logger, Random } from '#core';
import type { DirectoryCheckpoints } from '../directory/directory-checkpoints.ts';
import type { LogSyncer } from '../directory/log-syncer.ts';
import type { MemoryBudget } from '../directory/memory-budget.ts';
import type { Shortage } from '../directory/shortage.ts';
import type { Disk } from '../disk/disk.ts';

/** `os`: a record is durable once the page cache has it. `sync`: once an fdatasync has. */
export type Durability = 'os' | 'sync';

/** A log that has something queued. */
export interface UnwrittenLog {
  /** `writePending` is going to be called. Guarded by: only the home writes it. */
  isWriteDue: boolean;
  writePending(): void;
}

export interface LogHome {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly durability: Durability;
  readonly syncer: LogSyncer;
  readonly budget: MemoryBudget;
  readonly checkpoints: DirectoryCheckpoints;
  readonly tailBytesPerLogMax: number;
  /** So much may come to a log before its indexes and producers are stored again. */
  readonly markBytes: number;
  /** Why the directory is offline; undefined while it serves. */
  readonly failure: KafkaError | undefined;
  /** Whether the disk is full, or the process out of handles: the directory stays online. */
  readonly shortage: Shortage;
  /** Takes the directory offline: `error` came from the disk. Idempotent. */
  fail(error: unknown): void;
  /** Resolves when the names of all folders made so far are durable. */
  syncDirectory(): Promise<void>;
  /** Has `log.writePending()` called, once, in the next turn; sooner when much is queued. `sizeInBytes`: what was queued now. */
  scheduleWrite(log: UnwrittenLog, sizeInBytes: number): void;
}
