/**
 * The log directory as its logs see it: disk, clock, the common rhythm of writes and syncs, and the one place where a failure of the
 * disk ends up. All logs that appended in a turn are written in the next one, one after the other; sooner when that is a lot.
 */
import { type Clock, errorText, KafkaError, type Logger, type Random } from '#core';
import { Errors } from '#protocol';
import type { Disk } from '../disk/disk.ts';
import type { Durability, LogHome, UnwrittenLog } from '../log/log-home.ts';
import { DirectoryCheckpoints } from './directory-checkpoints.ts';
import { LogSyncer } from './log-syncer.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { isShortage, Shortage, withHandle } from './shortage.ts';

export interface HomeOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly durability: Durability;
  readonly tailBytesPerLogMax?: number;
  readonly markBytes?: number;
  readonly budget: MemoryBudget;
}

/** An eighth of a second, at the rate at which a start after a crash reads. */
const MARK_BYTES = 64 * 1024 * 1024;
/**
 * So many bytes do not wait for the next turn, only for the end of what is being called: they are still in the cache of the core, and
 * the disk can begin while others append.
 */
const WRITE_BYTES = 512 * 1024;
const TAIL_BYTES_PER_LOG_MAX = 8 * 1024 * 1024;

export class DirectoryHome implements LogHome {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly durability: Durability;
  readonly syncer: LogSyncer;
  readonly budget: MemoryBudget;
  readonly checkpoints: DirectoryCheckpoints;
  readonly shortage: Shortage;
  readonly tailBytesPerLogMax: number;
  readonly markBytes: number;
  readonly failureListeners: ((error: KafkaError) => void)[] = [];
  failure: KafkaError | undefined;
  /** Nothing new is begun any more. Guarded by: only the directory writes it. */
  isClosing = false;
  readonly #path: string;
  readonly #onFailure: (error: KafkaError) => void;
  #unwritten: UnwrittenLog[] = [];
  #unwrittenBytes = 0;
  /** They are written before the next turn. */
  #isWriteNear = false;
  /** Counts the names added to the directory; those up to `#syncedChange` are durable. */
  #change = 0;
  #syncedChange = 0;
  #directorySync: Promise<void> | undefined;

  constructor(options: HomeOptions, onFailure: (error: KafkaError) => void) {
    this.disk = options.disk;
    this.clock = options.clock;
    this.random = options.random;
    this.logger = options.logger;
    this.durability = options.durability;
    this.syncer = new LogSyncer((error) => this.fail(error));
    this.budget = options.budget;
    this.checkpoints = new DirectoryCheckpoints(options.disk, options.path, options.logger);
    this.shortage = new Shortage(options.path, options.clock, options.logger);
    this.markBytes = options.markBytes ?? MARK_BYTES;
    this.tailBytesPerLogMax = options.tailBytesPerLogMax ?? TAIL_BYTES_PER_LOG_MAX;
    this.#path = options.path;
    this.#onFailure = onFailure;
  }

  scheduleWrite(log: UnwrittenLog, sizeInBytes: number): void {
    if (!log.isWriteDue) {
      if (this.#unwritten.length === 0) this.clock.nextTurn(this.#writeAll);
      this.#unwritten.push(log);
      log.isWriteDue = true;
    }
    this.#unwrittenBytes += sizeInBytes;
    if (this.#unwrittenBytes < WRITE_BYTES || this.#isWriteNear) return;
    this.#isWriteNear = true;
    void Promise.resolve().then(this.#writeAll);
  }

  fail(error: unknown): void {
    if (this.failure !== undefined) return;
    const failure = new KafkaError('KAFKA_STORAGE_ERROR', errorText(error), {
      cause: error,
      errorCode: Errors.KAFKA_STORAGE_ERROR.code,
    });
    this.failure = failure;
    this.#onFailure(failure);
    for (const listener of this.failureListeners) listener(failure);
  }

  get isServing(): boolean {
    return !this.isClosing && this.failure === undefined;
  }

  /** Throws why no log can be made any more. */
  checkServing(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosing) throw new KafkaError('CLOSED', `the log directory ${this.#path} was closed`);
  }

  /** Something that nobody waits for could not be done. What is short now is tried again in the next round. */
  backgroundFailed(error: unknown): void {
    if (isShortage(error)) this.shortage.began(error);
    else this.fail(error);
  }

  directoryChanged(): void {
    this.#change++;
  }

  async syncDirectory(): Promise<void> {
    const wanted = this.#change;
    while (this.#syncedChange < wanted) {
      this.#directorySync ??= this.#syncDirectoryOnce();
      await this.#directorySync;
    }
  }

  /** Resolves when nothing waits to be written or synced. */
  async drain(): Promise<void> {
    this.#writeAll();
    await this.syncer.idle();
  }

  readonly #writeAll = (): void => {
    const logs = this.#unwritten;
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    this.#isWriteNear = false;
    for (const log of logs) {
      log.isWriteDue = false;
      log.writePending();
    }
  };

  async #syncDirectoryOnce(): Promise<void> {
    const change = this.#change;
    try {
      await withHandle(this.clock, () => this.disk.syncDirectory(this.#path));
      this.#syncedChange = Math.max(this.#syncedChange, change);
    } finally {
      this.#directorySync = undefined;
    }
  }
}
