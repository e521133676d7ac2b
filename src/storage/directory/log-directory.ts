/**
 * One log directory (`log.dirs`): its lock, whose data it holds, its partitions and its checkpoints. It opens and recovers every
 * partition at start, gives the writes and syncs of all of them a common rhythm, and goes offline as a whole when the disk refuses
 * something: what a failed write or sync left behind is known again only after the next start.
 *
 *   open    lock → meta.properties → clean-shutdown marker (read and removed) → checkpoints → partitions, some at a time
 *   close   partitions (flush, indexes, producer state) → checkpoints → marker → unlock
 */
import { KafkaError, type Uuid, ZERO_UUID } from '#core';
import { type TopicConfig, topicConfig } from '../config.ts';
import type { Disk, DiskLock, DiskSpace } from '../disk/disk.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { deletedFolderName, partitionFolderName } from '../segment/file-names.ts';
import { leaveCleanShutdown, takeCleanShutdown } from './clean-shutdown.ts';
import { DirectoryChores } from './directory-chores.ts';
import { DirectoryHome } from './directory-home.ts';
import { readIdentity } from './directory-identity.ts';
import { DirectoryUpkeep } from './directory-upkeep.ts';
import { FutureLogs } from './future-logs.ts';
import { inParallel } from './in-parallel.ts';
import type { DirectoryLimits, LogDirectoryOptions, OpenOptions } from './log-directory-options.ts';
import { LogFolders } from './log-folders.ts';
import { writePartitionMetadata } from './partition-metadata.ts';
import { sharedLimits } from './shared-limits.ts';
import { isShortage } from './shortage.ts';

/** So many partitions are opened at a time. */
const OPENED_PARALLEL_MAX = 8;
/**
 * So many are closed at a time. Each waits for some syncs, one after the other, and the journal of a file system commits for all that
 * wait: on a busy disk 2,000 partitions with records took 6.5 s where 8 were closed at a time, and 3.9 s with this.
 */
const CLOSED_PARALLEL_MAX = 256;
export const LOCK_FILE = '.lock';

export class LogDirectory {
  readonly path: string;
  readonly clusterId: string;
  readonly directoryId: Uuid;
  readonly #options: OpenOptions;
  readonly #lock: DiskLock;
  readonly #home: DirectoryHome;
  readonly #folders: LogFolders;
  readonly #chores: DirectoryChores;
  readonly #upkeep: DirectoryUpkeep;
  readonly #logs = new Map<string, PartitionLog>();
  /** Copies of logs on their way here. */
  readonly futures: FutureLogs;
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
    this.clusterId = identity.clusterId;
    this.directoryId = identity.directoryId;
    this.#options = options;
    this.#lock = lock;
    this.#home = new DirectoryHome({ ...options, budget: options.limits.budget }, (error) => this.#wentOffline(error));
    this.#folders = new LogFolders(this.#home, options.path);
    this.#chores = new DirectoryChores({
      ...options,
      isServing: () => this.#home.isServing,
      failed: (error) => this.#home.backgroundFailed(error),
    });
    this.#upkeep = new DirectoryUpkeep(options, this.#home, this.#chores, () => this.#logs.values());
    this.futures = new FutureLogs(this.#home, this.#folders, this.#chores, (log) => this.#add(log));
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

  /** @see DirectoryUpkeep.reconfigure */
  reconfigure(limits: DirectoryLimits): void {
    this.#upkeep.reconfigure(limits);
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(partitionFolderName(topic, partition));
  }

  /**
   * The log of a partition, made when it is not there. Synchronous; its folder is durable when its first record is. A log that is
   * there takes over `config`, and `topicId` if its own was lost; another id is INCONSISTENT_TOPIC_ID.
   */
  create(topic: string, partition: number, topicId: Uuid, config: TopicConfig): PartitionLog {
    this.#home.checkServing();
    const name = partitionFolderName(topic, partition);
    const existing = this.#logs.get(name);
    if (existing !== undefined) return this.#adopt(existing, topicId, config);
    const log = this.#folders.make({ topic, partition, topicId, config, name });
    this.#add(log);
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
    const deleted = deletedFolderName(topic, partition, this.#options.random.uuid());
    this.#logs.delete(name);
    this.#home.checkpoints.forget(log);
    this.#upkeep.forget(log);
    log.abandon();
    await log.settled();
    try {
      await this.#folders.rename(log.folder, deleted);
    } catch (error) {
      this.#home.fail(error);
      throw error;
    }
    // For the next log of that name what is stored would be wrong.
    try {
      await this.#upkeep.storeCheckpoints();
    } catch (error) {
      this.#home.backgroundFailed(error);
    }
    this.#chores.removeLater([`${this.path}/${deleted}`], log.config['file.delete.delay.ms']);
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
    const isMarked = await takeCleanShutdown(disk, path);
    const areGood = await this.#home.checkpoints.load();
    const isClean = isMarked && areGood;
    await this.#openPartitions(isClean);
    // What they say of folders that are gone would be wrong for the next log of that name.
    if (this.#home.checkpoints.begin(this.#logs)) await this.#home.checkpoints.store();
    // After a crash the files of partitions were synced, and what is served must not vanish with the name of its folder.
    if (!isClean) await disk.syncDirectory(path);
    await this.#upkeep.start();
  }

  async #openPartitions(isClean: boolean): Promise<void> {
    const { checkpoints } = this.#home;
    const config = topicConfig({}, this.#options.config ?? {});
    const { partitions, leftovers } = await this.#folders.find();
    for (const path of leftovers) this.#chores.removeLater([path], 0);
    await inParallel(partitions, OPENED_PARALLEL_MAX, async ({ topic, partition }) => {
      const log = await this.#folders.open({
        topic,
        partition,
        config,
        isClean,
        recoveryPoint: checkpoints.recoveryPoint(topic, partition),
        compactedTo: checkpoints.compactedTo(topic, partition),
        cleanedTo: checkpoints.cleanedTo(topic, partition),
        logStartOffset: checkpoints.logStartOffset(topic, partition),
        highWatermark: checkpoints.highWatermark(topic, partition),
      });
      this.#logs.set(log.name, log);
    });
  }

  #add(log: PartitionLog): void {
    this.#logs.set(log.name, log);
    this.#home.checkpoints.startMoved(log);
    this.#home.checkpoints.changed(log);
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

  #wentOffline(error: KafkaError): void {
    void this.#upkeep.stop();
    this.#options.logger.fatal({ path: this.path }, `The log directory ${this.path} is offline: ${error.message}`);
    for (const log of [...this.#logs.values(), ...this.futures]) log.failed(error);
    // Not at once: the log in which it happened is at work.
    this.#options.clock.nextTurn(() => this.#abandon());
  }

  /** Gives memory and files back without writing anything. */
  #abandon(): void {
    this.#chores.cancel();
    for (const log of [...this.#logs.values(), ...this.futures]) log.abandon();
  }

  async #close(brokerEpoch: number): Promise<void> {
    this.#home.isClosing = true;
    await this.#upkeep.stop();
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
    await leaveCleanShutdown(disk, path, brokerEpoch);
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
