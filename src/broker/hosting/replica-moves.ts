/**
 * Moves replicas between the log directories of this broker, one after the other, while they are used: readers and writers are told to ask
 * again for the moment in which the copy takes the place of the log. A move that fails is given up with a warning, and the replica stays.
 * @see KIP-113
 */
import { errorText, type Logger, type Uuid } from '#core';
import { Errors } from '#protocol';
import type { LogDirectories, LogDirectory, LogMove, PartitionLog } from '#storage';
import type { HostedPartition } from './hosted-partition.ts';

export interface ReplicaMovesOptions {
  readonly directories: LogDirectories;
  readonly logger: Logger;
  /** Where a replica is now; undefined when it is not here any more. */
  find(topicId: Uuid, partition: number): HostedPartition | undefined;
  /** The partition, which was stopped, is to be served from this log. */
  serveFrom(log: PartitionLog): void;
}

interface Wanted {
  readonly topicId: Uuid;
  readonly partition: number;
  readonly destination: LogDirectory;
}

export class ReplicaMoves {
  readonly #options: ReplicaMovesOptions;
  /** By topic id and partition, in the order in which they were asked for. */
  readonly #wanted = new Map<string, Wanted>();
  #current: LogMove | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: ReplicaMovesOptions) {
    this.#options = options;
  }

  /** From now on the replica is to lie there; where it was to go before does not count any more. */
  move({ topicId, partition, log }: HostedPartition, destination: LogDirectory): void {
    const key = `${topicId} ${partition}`;
    this.#wanted.delete(key);
    if (this.#current?.log === log) {
      if (this.#current.destination === destination) return;
      this.#current.giveUp();
    } else if (this.#options.directories.isIn(destination, log)) return;
    if (this.#isStopped) return;
    this.#wanted.set(key, { topicId, partition, destination });
    this.#running ??= this.#run();
  }

  /** Gives up what is under way, and waits for its end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wanted.clear();
    this.#current?.giveUp();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (const wanted of this.#next()) await this.#moveOne(wanted);
    this.#running = undefined;
  }

  *#next(): Iterable<Wanted> {
    for (;;) {
      const [first] = this.#wanted;
      if (first === undefined) return;
      this.#wanted.delete(first[0]);
      yield first[1];
    }
  }

  async #moveOne({ topicId, partition, destination }: Wanted): Promise<void> {
    const { directories, logger, find, serveFrom } = this.#options;
    const hosted = find(topicId, partition);
    if (hosted === undefined || hosted.isOffline || directories.isIn(destination, hosted.log)) return;
    const { log } = hosted;
    let isStopped = false;
    const stop = (): void => {
      isStopped = true;
      hosted.stop(Errors.NOT_LEADER_OR_FOLLOWER);
    };
    try {
      this.#current = directories.move(log, destination);
      const moved = await this.#current.run(stop);
      if (moved === undefined) return;
      logger.info({ folder: moved.folder }, `${log.name} was moved from ${log.folder} to ${moved.folder}.`);
      serveFrom(moved);
    } catch (error) {
      // Its topic was deleted, or its directory has failed.
      if (hosted.isOffline && !isStopped) return;
      const text = `${log.name} cannot be moved to ${destination.path}: ${errorText(error)}`;
      if (this.#current?.isDecided === true) {
        logger.error({ err: error }, `${text}. It answers KAFKA_STORAGE_ERROR until the broker is started again.`);
        return;
      }
      logger.warn({ err: error }, text);
      if (isStopped) serveFrom(log);
    } finally {
      this.#current = undefined;
    }
  }
}
