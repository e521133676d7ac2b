/**
 * Copies of logs on their way into a log directory from another one (`log-move.ts` fills them): made in folders that a start removes,
 * and either dropped or completed. A completed one bears a mark until the log that it was copied from is gone.
 */
import { KafkaError, type Uuid } from '#core';
import type { TopicConfig } from '../config.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import { futureFolderName, partitionFolderName } from '../segment/file-names.ts';
import { AtomicFile } from './atomic-file.ts';
import type { DirectoryChores } from './directory-chores.ts';
import type { DirectoryHome } from './directory-home.ts';
import type { LogFolders } from './log-folders.ts';

/** In the folder of a log that was moved here, until the one it was copied from is gone. */
const MOVED_FILE = 'moved';

export class FutureLogs {
  readonly #home: DirectoryHome;
  readonly #folders: LogFolders;
  readonly #chores: DirectoryChores;
  readonly #arrived: (log: PartitionLog) => void;
  readonly #logs = new Set<PartitionLog>();

  /** `arrived` hears of a log that counts from now on. */
  constructor(home: DirectoryHome, folders: LogFolders, chores: DirectoryChores, arrived: (log: PartitionLog) => void) {
    this.#home = home;
    this.#folders = folders;
    this.#chores = chores;
    this.#arrived = arrived;
  }

  [Symbol.iterator](): Iterator<PartitionLog> {
    return this.#logs.values();
  }

  /** An empty log, to be filled and then completed or dropped. Throws what the disk says. */
  create(topic: string, partition: number, topicId: Uuid, config: TopicConfig): PartitionLog {
    this.#home.checkServing();
    const name = futureFolderName(topic, partition, this.#home.random.uuid());
    if (name === undefined) throw new KafkaError('STORAGE_FAILED', `The name of ${topic} is too long for a folder.`);
    const future = this.#folders.make({ topic, partition, topicId, config, name });
    this.#logs.add(future);
    return future;
  }

  /** Marks the folder of a copy that was closed as complete, and opens it under the name of its partition. */
  async complete(future: PartitionLog, config: TopicConfig): Promise<PartitionLog> {
    const { topic, partition, logStartOffset, logEndOffset, highWatermark } = future;
    await new AtomicFile(this.#home.disk, future.folder, MOVED_FILE).write('');
    await this.#folders.rename(future.folder, partitionFolderName(topic, partition));
    const log = await this.#folders.open({
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
    log.updateConfig(config);
    this.#arrived(log);
    this.#logs.delete(future);
    await this.#home.checkpoints.store();
    return log;
  }

  /** Forgets a copy; unless it was completed its folder goes. Never rejects. */
  async drop(future: PartitionLog): Promise<void> {
    if (!this.#logs.delete(future)) return;
    future.abandon();
    await future.settled();
    if (this.#home.isServing) await this.#chores.removeNow([future.folder]);
  }

  /** Whether `log` came from another directory, which perhaps still has it. */
  async isMarked(log: PartitionLog): Promise<boolean> {
    return (await this.#home.disk.readFile(`${log.folder}/${MOVED_FILE}`)) !== undefined;
  }

  /** `log` is nowhere else any more. */
  async unmark(log: PartitionLog): Promise<void> {
    const { disk } = this.#home;
    await disk.remove(`${log.folder}/${MOVED_FILE}`);
    await disk.syncDirectory(log.folder);
  }
}
