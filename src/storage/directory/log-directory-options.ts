/** What a log directory is opened with. */
import type { Clock, Logger, Random } from '#core';
import type { CleanerConfig } from '../compaction/index.ts';
import type { Disk } from '../disk/disk.ts';
import type { Durability } from '../log/log-home.ts';
import type { OpenFiles } from './open-files.ts';
import type { SharedLimits } from './shared-limits.ts';

export interface LogDirectoryOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The broker's keys: what partitions are configured with until their topic's own configuration is known. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly nodeId: number;
  /** The cluster this directory must belong to; a new directory gets it, or a random one. */
  readonly clusterId?: string;
  readonly durability: Durability;
  /** Bytes of ArrayBuffers that the memory tail of one log may keep. */
  readonly tailBytesPerLogMax?: number;
  /** So many bytes of a log, about, are read again after a crash at most: its indexes and producers are stored that often. Default 64 MiB. */
  readonly markBytes?: number;
  /** Of all logs together. */
  readonly memoryBytesMax?: number;
  /** Compacts the logs that want it. Default: nobody does. */
  readonly cleaner?: CleanerConfig;
  /** How long the sequences of a silent producer are remembered. Default a day. */
  readonly producerIdExpirationMs?: number;
  /** How often logs are looked through for segments whose time has come. Default 5 minutes. */
  readonly retentionCheckMs?: number;
  /** Closed segments are read again and again at this rate, to find damage. Default 0: never. */
  readonly scrubBytesPerSecond?: number;
  /** Files that are open at a time, but for those that are being read or synced. */
  readonly openFilesMax?: number;
  /** Limits that other directories keep as well; the two above are in them already. Default: limits of its own. */
  readonly limits?: SharedLimits;
}

/** The same, with what every directory has in the end. */
export type OpenOptions = LogDirectoryOptions & { readonly limits: SharedLimits; readonly disk: OpenFiles };

/** What may change while the directory is open. */
export interface DirectoryLimits {
  readonly cleaner: CleanerConfig | undefined;
  readonly producerIdExpirationMs: number;
}
