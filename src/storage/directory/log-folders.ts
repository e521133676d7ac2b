/** The folders of the logs in one log directory: those that a start finds, new ones, and other names for them. */
import type { Uuid } from '#core';
import type { TopicConfig } from '../config.ts';
import { LeaderEpochs } from '../log/leader-epochs.ts';
import { PartitionLog } from '../log/partition-log.ts';
import { ProducerState } from '../producers/producer-state.ts';
import { type OpenPartition, openPartition } from '../recovery/open-partition.ts';
import {
  isCorruptFolder,
  isDeletedFolder,
  isFutureFolder,
  type PartitionFolder,
  parsePartitionFolder,
} from '../segment/file-names.ts';
import { Segment } from '../segment/segment.ts';
import type { DirectoryHome } from './directory-home.ts';
import { writePartitionMetadata } from './partition-metadata.ts';
import { isShortage } from './shortage.ts';

export interface FoundFolders {
  readonly partitions: readonly PartitionFolder[];
  /** Paths of what was deleted, or was on its way here: nobody wants it any more. */
  readonly leftovers: readonly string[];
}

/** A log that is to be made. */
export interface NewLog {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly config: TopicConfig;
  /** Of its folder. */
  readonly name: string;
}

export class LogFolders {
  readonly #home: DirectoryHome;
  readonly #path: string;

  constructor(home: DirectoryHome, path: string) {
    this.#home = home;
    this.#path = path;
  }

  async find(): Promise<FoundFolders> {
    const partitions: PartitionFolder[] = [];
    const leftovers: string[] = [];
    for (const { name, kind } of await this.#home.disk.list(this.#path)) {
      if (kind === 'file' || isCorruptFolder(name)) continue;
      const path = `${this.#path}/${name}`;
      const folder = kind === 'directory' ? parsePartitionFolder(name) : undefined;
      if (folder !== undefined) partitions.push(folder);
      else if (isDeletedFolder(name) || isFutureFolder(name)) leftovers.push(path);
      else this.#home.logger.warn({ path }, 'This is no folder of a partition and is ignored');
    }
    return { partitions, leftovers };
  }

  /** Recovers the log in a folder that is there. */
  async open(options: Omit<OpenPartition, 'home' | 'path'>): Promise<PartitionLog> {
    const loaded = await openPartition({ ...options, home: this.#home, path: this.#path });
    return new PartitionLog(this.#home, loaded, false);
  }

  /** An empty log. Synchronous; its folder is durable when its first record is. Throws what the disk says. */
  make({ topic, partition, topicId, config, name }: NewLog): PartitionLog {
    const { disk, clock, random } = this.#home;
    const folder = `${this.#path}/${name}`;
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

  /** Durable when it resolves. */
  async rename(folder: string, name: string): Promise<void> {
    const { disk } = this.#home;
    await disk.rename(folder, `${this.#path}/${name}`);
    await disk.syncDirectory(this.#path);
  }
}
