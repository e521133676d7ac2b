/**
 * What a log directory does to its logs by itself: it stores checkpoints, forgets producers, takes away segments whose time has come
 * (`RetentionSweep`), compacts (`LogCleaner`), and looks for damage (`LogScrub`).
 */
import { LogCleaner } from '../compaction/index.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { LogScrub } from '../recovery/log-scrub.ts';
import { RetentionSweep } from '../retention/retention-sweep.ts';
import type { DirectoryChores } from './directory-chores.ts';
import type { DirectoryHome } from './directory-home.ts';
import type { DirectoryLimits, OpenOptions } from './log-directory-options.ts';

/** `sync` promises that little is read again after a crash; for `os` it is Kafka's interval for high watermarks. */
const CHECKPOINT_MS = { sync: 1_000, os: 5_000 } as const;
const RETENTION_CHECK_MS = 300_000;
const PRODUCER_EXPIRATION_CHECK_MS = 600_000;
const PRODUCER_EXPIRATION_MS = 86_400_000;

export class DirectoryUpkeep {
  readonly #options: OpenOptions;
  readonly #home: DirectoryHome;
  readonly #chores: DirectoryChores;
  readonly #logs: () => Iterable<PartitionLog>;
  readonly #retentionCheckMs: number;
  readonly #retention: RetentionSweep;
  #producerIdExpirationMs: number;
  #cleaner: LogCleaner | undefined;
  #scrub: LogScrub | undefined;

  /** `logs`: those that there are by then. */
  constructor(options: OpenOptions, home: DirectoryHome, chores: DirectoryChores, logs: () => Iterable<PartitionLog>) {
    const { clock, logger } = options;
    this.#options = options;
    this.#home = home;
    this.#chores = chores;
    this.#logs = logs;
    this.#producerIdExpirationMs = options.producerIdExpirationMs ?? PRODUCER_EXPIRATION_MS;
    this.#retentionCheckMs = options.retentionCheckMs ?? RETENTION_CHECK_MS;
    const removeLater = (paths: readonly string[], delayMs: number) => chores.removeLater(paths, delayMs);
    this.#retention = new RetentionSweep({ clock, logger, checkMs: this.#retentionCheckMs, logs, removeLater });
  }

  async start(): Promise<void> {
    const { durability, clock, logger, random, scrubBytesPerSecond: bytesPerSecondMax = 0 } = this.#options;
    this.#chores.every(CHECKPOINT_MS[durability], () => this.#home.checkpoints.store());
    this.#chores.every(PRODUCER_EXPIRATION_CHECK_MS, () => this.#forgetProducers());
    this.#chores.every(this.#retentionCheckMs, () => this.#retention.run());
    await this.#startCleaner();
    const logs = this.#logs;
    if (bytesPerSecondMax > 0) this.#scrub = new LogScrub({ clock, logger, random, bytesPerSecondMax, logs });
  }

  /** Limits that hold from now on; a cleaner that was turned off stays so. */
  reconfigure({ cleaner, producerIdExpirationMs }: DirectoryLimits): void {
    if (cleaner !== undefined) this.#cleaner?.reconfigure(cleaner);
    this.#producerIdExpirationMs = producerIdExpirationMs;
  }

  /** `log` is deleted. */
  forget(log: PartitionLog): void {
    this.#cleaner?.forget(log);
  }

  /** Rejects when the disk refuses; the next round tries again. */
  async storeCheckpoints(): Promise<void> {
    await this.#home.checkpoints.store();
    await this.#cleaner?.storeCheckpoint();
  }

  /** Begins nothing new; resolves when what is under way has ended, but for what a failed disk holds up. Never rejects. */
  async stop(): Promise<void> {
    this.#chores.cancel();
    await Promise.all([this.#cleaner?.stop(), this.#scrub?.stop()]);
    if (this.#home.failure === undefined) await this.#retention.stop();
  }

  async #startCleaner(): Promise<void> {
    const { disk, path, clock, logger, cleaner: config, limits } = this.#options;
    if (config === undefined) return;
    const turns = limits.cleaning;
    this.#cleaner = await LogCleaner.start({ disk, path, clock, logger, config, turns, logs: this.#logs });
  }

  async #forgetProducers(): Promise<void> {
    const { wallMs } = this.#options.clock.now();
    for (const log of this.#logs()) log.producers.removeExpired(wallMs, this.#producerIdExpirationMs);
  }
}
