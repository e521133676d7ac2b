/**
 * All log directories of a broker (`log.dirs`, Kafka's LogManager): one cluster, one node, each with a lock and an id of its own. A
 * directory that cannot be read or written, at the start or later, goes offline alone; its partitions stay what they were and are
 * served again after a start that finds it well. Nothing works without the directory of the metadata log (`metadata.log.dir`), or
 * without any other: then `failure` says why.
 *
 * A log is found wherever it lies, so a folder may be moved from one directory to another while the broker is stopped; while it runs,
 * `move` does it. A new one goes to the directory with the fewest. @see KIP-112, KIP-113, KIP-858
 */
import { CLUSTER_METADATA_TOPIC, errorText, KafkaError, type Logger, type Uuid, ZERO_UUID } from '#core';
import type { TopicConfig } from '../config.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { checkSet, type FoundDirectory, findDirectory } from './directory-set.ts';
import { isDiskFailure, startFailure } from './disk-errors.ts';
import { LogDirectory } from './log-directory.ts';
import type { DirectoryLimits, LogDirectoryOptions } from './log-directory-options.ts';
import { LogMove } from './log-move.ts';
import { sharedLimits } from './shared-limits.ts';

export interface LogDirectoriesOptions extends Omit<LogDirectoryOptions, 'path' | 'limits'> {
  /** `log.dirs`: where partitions are. Each once, at least one. */
  readonly paths: readonly string[];
  /** Where the metadata log is: one of `paths`, or a directory for it alone. */
  readonly metadataPath: string;
}

export class LogDirectories {
  readonly clusterId: string;
  /** The directory of the metadata log. */
  readonly metadata: LogDirectory;
  readonly #logger: Logger;
  /** Those of `paths` that could be opened, in their order. */
  readonly #directories: readonly LogDirectory[];
  readonly #unopenedCount: number;
  #cordonedPaths: ReadonlySet<string> = new Set();

  /**
   * Opens or creates the directories. One that the system refuses to open is left out, unless it is that of the metadata log, or the
   * last. Rejects, with a text that says what to do, when they do not belong together, or one is locked, or a partition lies in two.
   */
  static async open(options: LogDirectoriesOptions): Promise<LogDirectories> {
    const { paths, metadataPath, disk, logger } = options;
    const others = paths.filter((path) => path !== metadataPath);
    const found = await Promise.all([metadataPath, ...others].map((path) => findDirectory(disk, path)));
    checkSet(found, metadataPath);
    const opener = new Opener(options);
    try {
      const metadata = await opener.openMetadata(found[0]);
      const opened = await opener.openOthers(found.slice(1), metadata.clusterId);
      const byPath = new Map([metadata, ...opened].map((directory) => [directory.path, directory]));
      const directories = paths.flatMap((path) => byPath.get(path) ?? []);
      if (directories.length === 0) throw noneLeft(paths);
      await removeHalfMade(directories, logger);
      return new LogDirectories(metadata, directories, paths.length - directories.length, logger);
    } catch (error) {
      await opener.closeAll();
      throw error;
    }
  }

  private constructor(
    metadata: LogDirectory,
    directories: readonly LogDirectory[],
    unopenedCount: number,
    logger: Logger,
  ) {
    this.clusterId = metadata.clusterId;
    this.metadata = metadata;
    this.#directories = directories;
    this.#unopenedCount = unopenedCount;
    this.#logger = logger;
    this.onFailure((directory) => this.#report(directory));
  }

  /** Why no partition is served any more; undefined while some are. */
  get failure(): KafkaError | undefined {
    return this.metadata.failure ?? (this.#online.length === 0 ? this.#directories[0].failure : undefined);
  }

  /** Every directory once, that of the metadata log among them; also those that have failed. */
  get all(): readonly LogDirectory[] {
    return [...new Set([this.metadata, ...this.#directories])];
  }

  /** How many directories of `log.dirs` are offline, or were so at the start. */
  get offlineCount(): number {
    return this.#unopenedCount + this.#directories.length - this.#online.length;
  }

  /** Ids of the directories that can have partitions and are well. */
  get onlineIds(): Uuid[] {
    return this.#online.map(({ directoryId }) => directoryId);
  }

  /** The directories that can have partitions and are well. */
  get online(): readonly LogDirectory[] {
    return this.#online;
  }

  /** Limits that hold from now on. */
  reconfigure(limits: DirectoryLimits): void {
    for (const directory of this.all) directory.reconfigure(limits);
  }

  /** From now on the directories with these paths get a new log only when there are no others. */
  cordon(paths: readonly string[]): void {
    this.#cordonedPaths = new Set(paths);
  }

  /** Ids of those that are online and cordoned. */
  get cordonedIds(): Uuid[] {
    return this.#online.filter(({ path }) => this.#cordonedPaths.has(path)).map(({ directoryId }) => directoryId);
  }

  /** Whether some directory of `log.dirs` is offline. */
  get hasOffline(): boolean {
    return this.offlineCount > 0;
  }

  /** The logs of the directories that are online, but for the metadata log. */
  *logs(): Iterable<PartitionLog> {
    for (const directory of this.#online) {
      for (const log of directory.logs()) if (log.topic !== CLUSTER_METADATA_TOPIC) yield log;
    }
  }

  /** The log of a partition of this topic, where there is one online. */
  find(topic: string, partition: number, topicId: Uuid): PartitionLog | undefined {
    return this.#online
      .map((directory) => logOf(directory, topic, partition, topicId))
      .find((log) => log !== undefined);
  }

  /** Id of the directory that the log lies in. */
  idOf(log: PartitionLog): Uuid {
    return this.#holder(log).directoryId;
  }

  /**
   * The log of a partition, made when it is not there; a directory that refuses it is passed over. Throws what the first one said
   * when all do. @see LogDirectory.create
   */
  create(topic: string, partition: number, topicId: Uuid, config: TopicConfig): PartitionLog {
    const present = this.#online.find((directory) => logOf(directory, topic, partition, topicId) !== undefined);
    const candidates = present === undefined ? this.#candidates(topic, partition) : [present];
    const failures: unknown[] = [];
    for (const directory of candidates) {
      try {
        return directory.create(topic, partition, topicId, config);
      } catch (error) {
        failures.push(error);
      }
    }
    throw failures[0] ?? this.failure;
  }

  /** @see LogDirectory.delete. In a directory that is offline the log stays. One that was moved away is gone already. */
  async delete(log: PartitionLog): Promise<void> {
    const directory = this.#directories.find((each) => this.isIn(each, log));
    if (directory?.failure === undefined) await directory?.delete(log.topic, log.partition);
  }

  /** Begins the way of `log` to `destination`, one of those that are online. Throws what it says. */
  move(log: PartitionLog, destination: LogDirectory): LogMove {
    return new LogMove({ log, source: this.#holder(log), destination });
  }

  /** `listener` hears once of each directory that goes offline; at once of one that has. */
  onFailure(listener: (directory: LogDirectory) => void): void {
    for (const directory of this.all) {
      if (directory.failure !== undefined) listener(directory);
      else directory.onFailure(() => listener(directory));
    }
  }

  /** Whether `directory` holds the log. */
  isIn(directory: LogDirectory, log: PartitionLog): boolean {
    return directory.get(log.topic, log.partition) === log;
  }

  /** @see LogDirectory.close */
  async close(options: { brokerEpoch?: number } = {}): Promise<void> {
    const results = await Promise.allSettled([...this.all].map((directory) => directory.close(options)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  get #online(): LogDirectory[] {
    return this.#directories.filter(({ failure }) => failure === undefined);
  }

  #holder(log: PartitionLog): LogDirectory {
    return this.#directories.find((directory) => this.isIn(directory, log))!;
  }

  /** Those with room and the fewest logs first, cordoned ones behind them; those last that hold another topic's log of that name. */
  #candidates(topic: string, partition: number): LogDirectory[] {
    const rank = (directory: LogDirectory): number[] => [
      directory.get(topic, partition) === undefined ? 0 : 1,
      this.#cordonedPaths.has(directory.path) ? 1 : 0,
      directory.shortage === undefined ? 0 : 1,
      logCount(directory),
    ];
    const ranked = this.#online.map((directory) => ({ directory, rank: rank(directory) }));
    ranked.sort((a, b) => a.rank.map((own, index) => own - b.rank[index]).find((difference) => difference !== 0) ?? 0);
    return ranked.map(({ directory }) => directory);
  }

  #report(directory: LogDirectory): void {
    const { path } = directory;
    if (this.failure === undefined) {
      const text = `The ${logCount(directory)} partitions in ${path} answer KAFKA_STORAGE_ERROR; those in other log directories are served. Repair the directory and start the broker again.`;
      this.#logger.error({ path }, text);
      return;
    }
    const why = directory === this.metadata ? `${path} holds the metadata log` : `${path} was the last log directory`;
    this.#logger.fatal({ path }, `${why}: nothing is served any more. Repair it and start the broker again.`);
  }
}

/** Opens directories and remembers them, for a start that fails later. */
class Opener {
  readonly #options: LogDirectoriesOptions;
  readonly #limits: ReturnType<typeof sharedLimits>;
  readonly #opened: LogDirectory[] = [];

  constructor(options: LogDirectoriesOptions) {
    this.#options = options;
    this.#limits = sharedLimits(options);
  }

  async openMetadata({ path, failure }: FoundDirectory): Promise<LogDirectory> {
    if (failure !== undefined) throw failure;
    try {
      return await this.#open(path, this.#options.clusterId);
    } catch (error) {
      throw startFailure(path, error);
    }
  }

  /** All those that can be opened. */
  async openOthers(found: readonly FoundDirectory[], clusterId: string): Promise<LogDirectory[]> {
    const results = await Promise.allSettled(
      found.map(({ path, failure }) => (failure === undefined ? this.#open(path, clusterId) : Promise.reject(failure))),
    );
    return results.flatMap((result, index) => {
      if (result.status === 'fulfilled') return [result.value];
      const { path } = found[index];
      if (!isDiskFailure(result.reason)) throw startFailure(path, result.reason);
      this.#leftOut(path, result.reason);
      return [];
    });
  }

  async closeAll(): Promise<void> {
    await Promise.allSettled(this.#opened.map((directory) => directory.close()));
  }

  async #open(path: string, clusterId: string | undefined): Promise<LogDirectory> {
    const directory = await LogDirectory.open({ ...this.#options, path, clusterId, limits: this.#limits });
    this.#opened.push(directory);
    return directory;
  }

  #leftOut(path: string, error: unknown): void {
    const text = `The log directory ${path} cannot be opened: ${errorText(error)}. Its partitions answer KAFKA_STORAGE_ERROR; those in other log directories are served. Repair the directory and start the broker again.`;
    this.#options.logger.error({ path, err: error }, text);
  }
}

/**
 * A partition must not lie in two directories: nobody can tell which one holds what was acknowledged. But one that has never had a
 * record is what a directory that failed, or was full, left of a log that was then made in another one; and of one that was being moved
 * the copy says so.
 */
async function removeHalfMade(directories: readonly LogDirectory[], logger: Logger): Promise<void> {
  for (const [index, directory] of directories.entries()) {
    for (const log of [...directory.logs()]) {
      const { topic, partition, topicId } = log;
      const other = directories.slice(0, index).find((each) => logOf(each, topic, partition, topicId) !== undefined);
      if (other === undefined) continue;
      const twin = other.get(topic, partition)!;
      if (await directory.futures.isMarked(log)) {
        await finishMove(other, directory, log);
        continue;
      }
      if (await other.futures.isMarked(twin)) {
        await finishMove(directory, other, twin);
        continue;
      }
      if (log.logEndOffset > 0 && twin.logEndOffset > 0) throw inTwo(twin, log);
      const [holder, spare] = log.logEndOffset === 0 ? [directory, log] : [other, twin];
      const text = `${spare.folder} has no records, and the partition lies in another log directory as well: it is removed`;
      logger.warn({ folder: spare.folder }, text);
      await holder.delete(topic, partition);
    }
  }
}

async function finishMove(from: LogDirectory, to: LogDirectory, log: PartitionLog): Promise<void> {
  await from.delete(log.topic, log.partition);
  await to.futures.unmark(log);
}

function inTwo(one: PartitionLog, other: PartitionLog): KafkaError {
  return new KafkaError(
    'STORAGE_FAILED',
    `${one.topic}-${one.partition} lies in two log directories, ${one.folder} and ${other.folder}. Move one of them away: the one whose directory failed or was copied.`,
  );
}

function noneLeft(paths: readonly string[]): KafkaError {
  return new KafkaError('STORAGE_FAILED', `None of log.dirs=${paths.join(',')} can be opened; the log says why.`);
}

/** A log whose topic id was lost may be of any topic. */
function logOf(directory: LogDirectory, topic: string, partition: number, topicId: Uuid): PartitionLog | undefined {
  const log = directory.get(topic, partition);
  if (log === undefined) return undefined;
  return log.topicId === topicId || log.topicId === ZERO_UUID || topicId === ZERO_UUID ? log : undefined;
}

/** As Kafka counts: without the metadata log. */
function logCount(directory: LogDirectory): number {
  return directory.logCount - (directory.get(CLUSTER_METADATA_TOPIC, 0) === undefined ? 0 : 1);
}
