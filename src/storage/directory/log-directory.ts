/**
 * One log directory (`log.dirs`): its lock, whose data it holds, its partitions and its checkpoints. It opens and recovers every
 * partition at start, gives the writes and syncs of all of them a common rhythm, and goes offline as a whole when the disk refuses
 * something: what a failed write or sync left behind is known again only after the next start.
 *
 *   open    lock → meta.properties → clean-shutdown marker (read and removed) → checkpoints → partitions, some at a time
 *   close   partitions (flush, indexes, producer state) → checkpoints → marker → unlock
 */
import { KafkaError, type Uuid, ZERO_UUID } from '#core';
import { LogCleaner } from '../compaction/index.ts';
import { type TopicConfig, topicConfig } from '../config.ts';
import type { Disk, DiskLock, DiskSpace } from '../disk/disk.ts';
import { LeaderEpochs } from '../log/leader-epochs.ts';
import { PartitionLog } from '../log/partition-log.ts';
import { ProducerState } from '../producers/producer-state.ts';
import { LogScrub } from '../recovery/log-scrub.ts';
import { openPartition } from '../recovery/open-partition.ts';
import { RetentionSweep } from '../retention/retention-sweep.ts';
import {
  deletedFolderName,
  futureFolderName,
  isCorruptFolder,
  isDeletedFolder,
  isFutureFolder,
  parsePartitionFolder,
  partitionFolderName,
} from '../segment/file-names.ts';
import { Segment } from '../segment/segment.ts';
import { AtomicFile } from './atomic-file.ts';
import { formatCleanShutdown } from './checkpoint-format.ts';
import { DirectoryChores } from './directory-chores.ts';
import { DirectoryHome } from './directory-home.ts';
import { readIdentity } from './directory-identity.ts';
import type { DirectoryLimits, LogDirectoryOptions } from './log-directory-options.ts';
import type { OpenFiles } from './open-files.ts';
import { writePartitionMetadata } from './partition-metadata.ts';
import { type SharedLimits, sharedLimits } from './shared-limits.ts';
import { isShortage } from './shortage.ts';

type OpenOptions = LogDirectoryOptions & { readonly limits: SharedLimits; readonly disk: OpenFiles };

/** So many partitions are opened at a time. */
const OPENED_PARALLEL_MAX = 8;
/**
 * So many are closed at a time. Each waits for some syncs, one after the other, and the journal of a file system commits for all that
 * wait: on a busy disk 2,000 partitions with records took 6.5 s where 8 were closed at a time, and 3.9 s with this.
 */
const CLOSED_PARALLEL_MAX = 256;
/** `sync` promises that little is read again after a crash; for `os` it is Kafka's interval for high watermarks. */
const CHECKPOINT_MS = { sync: 1_000, os: 5_000 } as const;
const RETENTION_CHECK_MS = 300_000;
const PRODUCER_EXPIRATION_CHECK_MS = 600_000;
const PRODUCER_EXPIRATION_MS = 86_400_000;
/** In the folder of a log that was moved here, until the one it was copied from is gone. */
const MOVED_FILE = 'moved';
const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';
export const LOCK_FILE = '.lock';

export class LogDirectory {
  readonly path: string;
  readonly clusterId: string;
  readonly directoryId: Uuid;
  readonly #options: OpenOptions;
  readonly #lock: DiskLock;
  readonly #home: DirectoryHome;
  readonly #logs = new Map<string, PartitionLog>();
  /** Copies of logs on their way here. */
  readonly #futures = new Set<PartitionLog>();
  readonly #retention: RetentionSweep;
  readonly #chores: DirectoryChores;
  #cleaner: LogCleaner | undefined;
  #producerIdExpirationMs: number;
  #scrub: LogScrub | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Opens or creates the directory. Throws LOCKED when another broker uses it, and refuses a directory of another cluster or node,
   * both with a text that says what to do; nothing stays locked then.
   */
  static async open(given: LogDirectoryOptions): Promise<LogDirectory> {
    const limits = given.limits ?? sharedLimits(given);
    const options = { ...given, disk: limits.files, limits };
    const { disk, path, logger } = options;
    await makeDurableDirectory(disk, path);
    const lock = await disk.lock(`${path}/${LOCK_FILE}`, (owner) => {
      logger.warn({ path }, `${path} was locked by ${owner}, which is gone: its lock is taken over`);
    });
    let directory: LogDirectory | undefined;
    try {
      directory = new LogDirectory(options, lock, await readIdentity(options));
      await directory.#load();
      return directory;
    } catch (error) {
      if (directory !== undefined) directory.#abandon();
      await lock.release();
      throw error;
    }
  }

  private constructor(options: OpenOptions, lock: DiskLock, identity: { clusterId: string; directoryId: Uuid }) {
    this.path = options.path;
    this.#producerIdExpirationMs = options.producerIdExpirationMs ?? PRODUCER_EXPIRATION_MS;
    this.clusterId = identity.clusterId;
    this.directoryId = identity.directoryId;
    this.#options = options;
    this.#lock = lock;
    this.#home = new DirectoryHome({ ...options, budget: options.limits.budget }, (error) => this.#wentOffline(error));
    this.#chores = new DirectoryChores({
      ...options,
      isServing: () => this.#closing === undefined && this.#home.failure === undefined,
      failed: (error) => this.#backgroundFailed(error),
    });
    this.#retention = new RetentionSweep({
      clock: options.clock,
      logger: options.logger,
      checkMs: this.#retentionCheckMs,
      logs: () => this.#logs.values(),
      removeLater: (paths, delayMs) => this.#chores.removeLater(paths, delayMs),
    });
  }

  /** Why the directory is offline; undefined while it serves. */
  get failure(): KafkaError | undefined {
    return this.#home.failure;
  }

  /** Groups of syncs so far, and the logs in them together. */
  get syncCounts(): { readonly groups: number; readonly logs: number } {
    return { groups: this.#home.syncer.groupCount, logs: this.#home.syncer.sourceCount };
  }

  /** Why it takes no records for the moment (the disk is full); undefined when the disk may be tried. */
  get shortage(): KafkaError | undefined {
    return this.#home.shortage.refusal;
  }

  get logCount(): number {
    return this.#logs.size;
  }

  /** Bytes that memory tails and read windows keep alive, here and in directories with the same limits. */
  get memoryBytes(): number {
    return this.#home.budget.heldBytes;
  }

  /** Files that are open, here and in directories with the same limits. */
  get openFileCount(): number {
    return this.#options.disk.count;
  }

  /** Places that are known to be damaged, in all logs: those that made a log read-only, and those that readers or the scrub found. */
  get damageCount(): number {
    let count = 0;
    for (const log of this.#logs.values()) count += log.damage.length;
    return count;
  }

  logs(): Iterable<PartitionLog> {
    return this.#logs.values();
  }

  /** Of the file system it lies in; undefined on disks that know no bounds. */
  async space(): Promise<DiskSpace | undefined> {
    return this.#options.disk.space?.(this.path);
  }

  /** Limits that hold from now on; a cleaner that was turned off stays so. */
  reconfigure({ cleaner, producerIdExpirationMs }: DirectoryLimits): void {
    if (cleaner !== undefined) this.#cleaner?.reconfigure(cleaner);
    this.#producerIdExpirationMs = producerIdExpirationMs;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(partitionFolderName(topic, partition));
  }

  /**
   * The log of a partition, made when it is not there. Synchronous; its folder is durable when its first record is. A log that is
   * there takes over `config`, and `topicId` if its own was lost; another id is INCONSISTENT_TOPIC_ID.
   */
  create(topic: string, partition: number, topicId: Uuid, config: TopicConfig): PartitionLog {
    if (this.#home.failure !== undefined) throw this.#home.failure;
    if (this.#closing !== undefined) throw new KafkaError('CLOSED', `the log directory ${this.path} was closed`);
    const name = partitionFolderName(topic, partition);
    const existing = this.#logs.get(name);
    if (existing !== undefined) return this.#adopt(existing, topicId, config);
    const log = this.#createLog(topic, partition, topicId, config);
    this.#logs.set(name, log);
    this.#home.checkpoints.changed(log);
    return log;
  }

  /**
   * The log is gone when this resolves, and with it its checkpoints, which would be wrong for the next log of that name. Its files
   * follow after `file.delete.delay.ms`, or with the next start.
   */
  async delete(topic: string, partition: number): Promise<void> {
    const name = partitionFolderName(topic, partition);
    const log = this.#logs.get(name);
    if (log === undefined) return;
    const deleted = `${this.path}/${deletedFolderName(topic, partition, this.#options.random.uuid())}`;
    this.#logs.delete(name);
    this.#home.checkpoints.forget(log);
    this.#cleaner?.forget(log);
    log.abandon();
    await log.settled();
    try {
      await this.#moveAway(log.folder, deleted);
    } catch (error) {
      this.#home.fail(error);
      throw error;
    }
    // For the next log of that name what is stored would be wrong.
    try {
      await this.#home.checkpoints.store();
      await this.#cleaner?.storeCheckpoint();
    } catch (error) {
      this.#backgroundFailed(error);
    }
    this.#chores.removeLater([deleted], log.config['file.delete.delay.ms']);
  }

  /** Copies of logs that are on their way here. */
  futures(): Iterable<PartitionLog> {
    return this.#futures;
  }

  /** An empty log in a folder that a start removes, to be filled and then completed or dropped. Throws what the disk says. */
  createFuture(topic: string, partition: number, topicId: Uuid, config: TopicConfig): PartitionLog {
    if (this.#home.failure !== undefined) throw this.#home.failure;
    if (this.#closing !== undefined) throw new KafkaError('CLOSED', `the log directory ${this.path} was closed`);
    const name = futureFolderName(topic, partition, this.#options.random.uuid());
    if (name === undefined) throw new KafkaError('STORAGE_FAILED', `The name of ${topic} is too long for a folder.`);
    const future = this.#createLog(topic, partition, topicId, config, name);
    this.#futures.add(future);
    return future;
  }

  /** Marks the folder of a copy that was closed as complete, and opens it under the name of its partition. */
  async completeFuture(future: PartitionLog, config: TopicConfig): Promise<PartitionLog> {
    const { disk, path } = this.#options;
    const { topic, partition, logStartOffset, logEndOffset, highWatermark } = future;
    await new AtomicFile(disk, future.folder, MOVED_FILE).write('');
    const name = partitionFolderName(topic, partition);
    await this.#moveAway(future.folder, `${path}/${name}`);
    const loaded = await openPartition({
      home: this.#home,
      path,
      topic,
      partition,
      config,
      isClean: true,
      recoveryPoint: logEndOffset,
      compactedTo: logEndOffset,
      cleanedTo: 0,
      logStartOffset,
      highWatermark,
    });
    const log = new PartitionLog(this.#home, loaded, false);
    log.updateConfig(config);
    this.#logs.set(name, log);
    this.#futures.delete(future);
    this.#home.checkpoints.startMoved(log);
    this.#home.checkpoints.changed(log);
    await this.#home.checkpoints.store();
    return log;
  }

  /** Whether the log was moved here, from a directory that perhaps still has it. */
  async isMovedHere(log: PartitionLog): Promise<boolean> {
    return (await this.#options.disk.readFile(`${log.folder}/${MOVED_FILE}`)) !== undefined;
  }

  /** The log is nowhere else any more. */
  async forgetMove(log: PartitionLog): Promise<void> {
    const { disk } = this.#options;
    await disk.remove(`${log.folder}/${MOVED_FILE}`);
    await disk.syncDirectory(log.folder);
  }

  /** Forgets a copy; unless it was completed its folder goes. Never rejects. */
  async dropFuture(future: PartitionLog): Promise<void> {
    if (!this.#futures.delete(future)) return;
    future.abandon();
    await future.settled();
    if (this.#home.failure === undefined && this.#closing === undefined) await this.#chores.removeNow([future.folder]);
  }

  /** `listener` hears once that the directory went offline. */
  onFailure(listener: (error: KafkaError) => void): void {
    this.#home.failureListeners.push(listener);
  }

  /**
   * Flushes and closes everything and leaves the clean-shutdown marker with `brokerEpoch`. After a failure it only gives files and
   * lock back. Idempotent.
   */
  close({ brokerEpoch = -1 }: { brokerEpoch?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(brokerEpoch);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #load(): Promise<void> {
    const { disk, path } = this.#options;
    const marker = await disk.readFile(`${path}/${CLEAN_SHUTDOWN_FILE}`);
    if (marker !== undefined) {
      await disk.remove(`${path}/${CLEAN_SHUTDOWN_FILE}`);
      await disk.syncDirectory(path);
    }
    const areGood = await this.#home.checkpoints.load();
    const isClean = marker !== undefined && areGood;
    await this.#openPartitions(isClean);
    // What they say of folders that are gone would be wrong for the next log of that name.
    if (this.#home.checkpoints.begin(this.#logs)) await this.#home.checkpoints.store();
    // After a crash the files of partitions were synced, and what is served must not vanish with the name of its folder.
    if (!isClean) await disk.syncDirectory(path);
    this.#startTimers();
    await this.#startCleaner();
    const { clock, logger, random, scrubBytesPerSecond: bytesPerSecondMax = 0 } = this.#options;
    const logs = () => this.#logs.values();
    if (bytesPerSecondMax > 0) this.#scrub = new LogScrub({ clock, logger, random, bytesPerSecondMax, logs });
  }

  async #startCleaner(): Promise<void> {
    const { disk, path, clock, logger, cleaner: config, limits } = this.#options;
    if (config === undefined) return;
    const turns = limits.cleaning;
    this.#cleaner = await LogCleaner.start({
      disk,
      path,
      clock,
      logger,
      config,
      turns,
      logs: () => this.#logs.values(),
    });
  }

  async #openPartitions(isClean: boolean): Promise<void> {
    const { disk, path, logger, config } = this.#options;
    const { checkpoints } = this.#home;
    const defaults = topicConfig({}, config ?? {});
    const folders = [];
    for (const { name, kind } of await disk.list(path)) {
      if (kind === 'file') continue;
      if (isCorruptFolder(name)) continue;
      const folder = kind === 'directory' ? parsePartitionFolder(name) : undefined;
      if (folder !== undefined) folders.push(folder);
      else if (isDeletedFolder(name) || isFutureFolder(name)) this.#chores.removeLater([`${path}/${name}`], 0);
      else logger.warn({ path: `${path}/${name}` }, 'This is no folder of a partition and is ignored');
    }
    await inParallel(folders, OPENED_PARALLEL_MAX, async ({ topic, partition }) => {
      const loaded = await openPartition({
        home: this.#home,
        path,
        topic,
        partition,
        config: defaults,
        isClean,
        recoveryPoint: checkpoints.recoveryPoint(topic, partition),
        compactedTo: checkpoints.compactedTo(topic, partition),
        cleanedTo: checkpoints.cleanedTo(topic, partition),
        logStartOffset: checkpoints.logStartOffset(topic, partition),
        highWatermark: checkpoints.highWatermark(topic, partition),
      });
      this.#logs.set(partitionFolderName(topic, partition), new PartitionLog(this.#home, loaded, false));
    });
  }

  #startTimers(): void {
    const { durability } = this.#options;
    this.#chores.every(CHECKPOINT_MS[durability], () => this.#home.checkpoints.store());
    this.#chores.every(PRODUCER_EXPIRATION_CHECK_MS, async () => {
      const { wallMs } = this.#options.clock.now();
      for (const log of this.#logs.values()) log.producers.removeExpired(wallMs, this.#producerIdExpirationMs);
    });
    this.#chores.every(this.#retentionCheckMs, () => this.#retention.run());
  }

  /** What is short now is tried again in the next round. */
  #backgroundFailed(error: unknown): void {
    if (isShortage(error)) this.#home.shortage.began(error);
    else this.#home.fail(error);
  }

  get #retentionCheckMs(): number {
    return this.#options.retentionCheckMs ?? RETENTION_CHECK_MS;
  }

  async #moveAway(folder: string, deleted: string): Promise<void> {
    const { disk } = this.#options;
    await disk.rename(folder, deleted);
    await disk.syncDirectory(this.path);
  }

  #adopt(log: PartitionLog, topicId: Uuid, config: TopicConfig): PartitionLog {
    if (log.topicId === ZERO_UUID && topicId !== ZERO_UUID) {
      this.#options.logger.warn({ folder: log.folder }, `The topic id of ${log.folder} was lost and is written again`);
      log.topicId = topicId;
      writePartitionMetadata(this.#options.disk, log.folder, topicId);
      log.metadataWritten();
    }
    if (log.topicId !== topicId) {
      const text = `${log.folder} holds topic id ${log.topicId}, not ${topicId}: it belongs to an older topic of that name`;
      throw new KafkaError('INCONSISTENT_TOPIC_ID', text);
    }
    log.updateConfig(config);
    return log;
  }

  #createLog(
    topic: string,
    partition: number,
    topicId: Uuid,
    config: TopicConfig,
    name = partitionFolderName(topic, partition),
  ): PartitionLog {
    const { disk, clock, random } = this.#options;
    const folder = `${this.path}/${name}`;
    try {
      disk.makeDirectorySync(folder);
      writePartitionMetadata(disk, folder, topicId);
      const segment = new Segment(disk, folder, 0, clock.now().wallMs, random.float());
      segment.create(config);
      this.#home.directoryChanged();
      const epochs = { epochs: new LeaderEpochs(), areStored: true };
      const producers = new ProducerState();
      const start = { logStartOffset: 0, logEndOffset: 0, recoveryPoint: 0, storedRecoveryPoint: 0 };
      const loaded = {
        topic,
        partition,
        topicId,
        folder,
        config,
        segments: [segment],
        ...start,
        epochs,
        producers,
        compactedTo: 0,
        damage: [],
        // Nothing is in it that a stop would have to store.
        isSealed: true,
      };
      return new PartitionLog(this.#home, loaded, true);
    } catch (error) {
      // What is there of the folder is taken over by the next try.
      if (isShortage(error)) throw this.#home.shortage.began(error);
      this.#home.fail(error);
      throw error;
    }
  }

  #wentOffline(error: KafkaError): void {
    this.#chores.cancel();
    void this.#cleaner?.stop();
    void this.#scrub?.stop();
    this.#options.logger.fatal({ path: this.path }, `The log directory ${this.path} is offline: ${error.message}`);
    for (const log of [...this.#logs.values(), ...this.#futures]) log.failed(error);
    // Not at once: the log in which it happened is at work.
    this.#options.clock.nextTurn(() => this.#abandon());
  }

  /** Gives memory and files back without writing anything. */
  #abandon(): void {
    this.#chores.cancel();
    for (const log of [...this.#logs.values(), ...this.#futures]) log.abandon();
  }

  async #close(brokerEpoch: number): Promise<void> {
    this.#chores.cancel();
    await this.#cleaner?.stop();
    await this.#scrub?.stop();
    try {
      if (this.#home.failure === undefined) await this.#closeCleanly(brokerEpoch);
    } catch (error) {
      if (!isShortage(error)) throw error;
      const text = `${this.path} is closed without its marker, so the next start checks it: ${error.message}`;
      this.#options.logger.error({ path: this.path }, text);
    } finally {
      this.#abandon();
      await this.#lock.release();
    }
  }

  async #closeCleanly(brokerEpoch: number): Promise<void> {
    const { disk, path, logger } = this.#options;
    const logs = [...this.#logs.values()];
    await this.#retention.stop();
    await this.#home.drain();
    await inParallel(logs, CLOSED_PARALLEL_MAX, (log) => log.close());
    await this.#home.syncDirectory();
    if (this.#home.failure !== undefined) return;
    await this.#home.checkpoints.store();
    const readOnly = logs.filter((log) => log.isReadOnly).map((log) => log.name);
    if (readOnly.length > 0) {
      logger.warn(
        { path, readOnly },
        `${path} is closed without its marker: the next start looks at its damaged logs again`,
      );
      return;
    }
    await new AtomicFile(disk, path, CLEAN_SHUTDOWN_FILE).write(formatCleanShutdown(brokerEpoch));
  }
}

async function makeDurableDirectory(disk: Disk, path: string): Promise<void> {
  let directory = path;
  for (let madeCount = disk.makeDirectorySync(path); madeCount > 0; madeCount--) {
    const end = directory.lastIndexOf('/');
    directory = end < 0 ? '.' : directory.slice(0, end) || '/';
    await disk.syncDirectory(directory);
  }
}

/** Runs at most `parallelMax` at a time; the first failure is thrown when those under way have ended. */
async function inParallel<T>(items: readonly T[], parallelMax: number, run: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await run(items[next++]);
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(parallelMax, items.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
