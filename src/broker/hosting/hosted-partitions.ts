/**
 * The partitions that this broker hosts, kept in step with the committed image: logs are opened or made when the image names this
 * node as a replica, and removed when a topic goes. Work on folders runs one after the other in the order of the records; `settled`
 * tells when all of it so far is done, so that a topic that was announced can be used.
 *
 * A log that may lie in a log directory that is not there is not made anew: its partition answers KAFKA_STORAGE_ERROR until a start
 * that finds it, or until somebody gives it up with `unclean.leader.election.enable`.
 */
import { errorText, type Logger, type Uuid } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { type LogDirectories, type LogDirectory, type PartitionLog, type TopicConfig, topicConfig } from '#storage';
import {
  directoryOf,
  isPlaced,
  type MetadataImage,
  type MetadataRecord,
  type PartitionImage,
  TOPIC_RESOURCE,
  type TopicImage,
} from '../controller/index.ts';
import type { Traffic } from '../meters/topic-traffic.ts';
import { HostedPartition } from './hosted-partition.ts';

/** Where a partition is, or why it is not here. */
export type Found = HostedPartition | KafkaErrorRow;

export interface HostedPartitionsOptions {
  readonly directories: LogDirectories;
  readonly nodeId: number;
  /** The broker's keys as they count now, for the defaults of topics. */
  defaults(): Readonly<Record<string, unknown>>;
  readonly logger: Logger;
  readonly traffic: Traffic;
  /** A partition is here and this node leads it. */
  hosted(partition: HostedPartition): void;
  /** Its log lies in another log directory than the image says. */
  placed(topicId: Uuid, partition: number, directoryId: Uuid): void;
  /** The topic is gone. */
  removed(topic: string): void;
}

export class HostedPartitions {
  readonly #options: HostedPartitionsOptions;
  readonly #byTopicId = new Map<Uuid, (HostedPartition | undefined)[]>();
  /** By topic id and index: partitions whose log could not be had. Each time one is asked for or configured, it is tried again. */
  readonly #unopened = new Map<string, () => void>();
  /** Everything that was begun. */
  #work: Promise<void> = Promise.resolve();
  /** Deletions that were begun: folders of the same name must be gone first. */
  #deletions: Promise<void> = Promise.resolve();

  constructor(options: HostedPartitionsOptions) {
    this.#options = options;
  }

  get(topicId: Uuid, partition: number): HostedPartition | undefined {
    const hosted = this.#byTopicId.get(topicId)?.[partition];
    if (hosted !== undefined || this.#unopened.size === 0) return hosted;
    this.#unopened.get(`${topicId} ${partition}`)?.();
    return this.#byTopicId.get(topicId)?.[partition];
  }

  /** Fulfilled when everything that was announced so far is in place. */
  settled(): Promise<void> {
    return this.#work;
  }

  *all(): Iterable<HostedPartition> {
    for (const partitions of this.#byTopicId.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition;
    }
  }

  /** A partition that was stopped goes on with `log`, which has all its records; when its topic was deleted meanwhile, the log goes too. */
  serveFrom(log: PartitionLog, image: MetadataImage): void {
    const topic = image.topicById(log.topicId);
    const partition = topic?.partitions[log.partition];
    if (topic === undefined || partition === undefined) {
      this.#deletions = this.#work = this.#work.then(() => this.#deleteLog(log));
      return;
    }
    const config = this.#topicConfig(image, topic.name);
    log.updateConfig(config);
    this.#serve(topic, partition, log, config);
  }

  /** At the start: opens what the image names, and takes away folders of topics that were deleted. */
  async reconcile(image: MetadataImage): Promise<void> {
    await this.#removeLeftovers(image);
    const missing: PartitionImage[] = [];
    for (const topic of image.topics.values()) {
      const config = this.#topicConfig(image, topic.name);
      for (const partition of topic.partitions) {
        if (!this.#mayLieOffline(topic, partition)) this.#host(topic, partition, config);
        else if (!this.#isGivenUp(image, topic, partition.partition)) missing.push(partition);
      }
    }
    this.#reportMissing(missing);
  }

  /** A record was committed; the image has it already. */
  committed(record: MetadataRecord, image: MetadataImage): void {
    switch (record.type) {
      case 'PartitionRecord':
        this.#announced(image, record.body.topicId, record.body.partitionId);
        return;
      case 'PartitionChangeRecord':
        this.#changed(image, record.body.topicId, record.body.partitionId);
        return;
      case 'RemoveTopicRecord':
        this.#remove(record.body.topicId);
        return;
      case 'ConfigRecord':
        if (record.body.resourceType === TOPIC_RESOURCE) this.#reconfigure(image, record.body.resourceName);
        return;
      default:
        return;
    }
  }

  /** The defaults of topics have changed. */
  reconfigureAll(image: MetadataImage): void {
    for (const name of image.topics.keys()) this.#reconfigure(image, name);
  }

  /** Everyone who waits for a partition hears `error`; with `directory`, for one whose log lies there. */
  stop(error: KafkaErrorRow, directory?: LogDirectory): void {
    const { directories } = this.#options;
    for (const partition of this.all()) {
      if (directory === undefined || directories.isIn(directory, partition.log)) partition.stop(error);
    }
  }

  #announced(image: MetadataImage, topicId: Uuid, index: number): void {
    const topic = image.topicById(topicId)!;
    const config = this.#topicConfig(image, topic.name);
    const hosting = this.#deletions.then(() => this.#host(topic, topic.partitions[index], config));
    this.#work = Promise.all([this.#work, hosting]).then(() => undefined);
  }

  #changed(image: MetadataImage, topicId: Uuid, index: number): void {
    const partition = image.topicById(topicId)!.partitions[index];
    this.get(topicId, index)?.assign(partition);
  }

  /** Partitions of the topic that are still being opened are closed when they are there. */
  #remove(topicId: Uuid): void {
    const [first] = this.#stopTopic(topicId);
    if (first !== undefined) this.#options.removed(first.topic);
    const deletion = this.#work.then(async () => {
      const partitions = this.#stopTopic(topicId);
      this.#byTopicId.delete(topicId);
      await Promise.all(partitions.map(({ log }) => this.#deleteLog(log)));
    });
    this.#deletions = deletion;
    this.#work = deletion;
  }

  #stopTopic(topicId: Uuid): HostedPartition[] {
    for (const key of this.#unopened.keys()) if (key.startsWith(`${topicId} `)) this.#unopened.delete(key);
    const partitions = (this.#byTopicId.get(topicId) ?? []).filter((partition) => partition !== undefined);
    for (const partition of partitions) partition.stop(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    return partitions;
  }

  async #deleteLog(log: PartitionLog): Promise<void> {
    try {
      await this.#options.directories.delete(log);
    } catch (error) {
      this.#options.logger.error({ err: error }, `The log of ${log.name} cannot be deleted: ${errorText(error)}`);
    }
  }

  #reconfigure(image: MetadataImage, topicName: string): void {
    const topic = image.topics.get(topicName);
    if (topic === undefined) return;
    const config = this.#topicConfig(image, topicName);
    for (const partition of this.#byTopicId.get(topic.topicId) ?? []) {
      if (partition === undefined) continue;
      partition.config = config;
      partition.log.updateConfig(config);
    }
    for (const [key, open] of this.#unopened) if (key.startsWith(`${topic.topicId} `)) open();
  }

  #host(topic: TopicImage, image: PartitionImage, config: TopicConfig): void {
    const { nodeId, directories } = this.#options;
    if (!image.replicas.includes(nodeId)) return;
    const log = this.#openLog(topic, image.partition, config);
    const key = `${topic.topicId} ${image.partition}`;
    if (log === undefined) {
      if (directories.failure === undefined) this.#unopened.set(key, () => this.#host(topic, image, config));
      return;
    }
    this.#unopened.delete(key);
    this.#serve(topic, image, log, config);
  }

  #serve(topic: TopicImage, image: PartitionImage, log: PartitionLog, config: TopicConfig): void {
    const { nodeId, directories, traffic } = this.#options;
    const hosted = new HostedPartition(nodeId, log, config, traffic.of(topic.name));
    hosted.assign(image);
    let partitions = this.#byTopicId.get(topic.topicId);
    if (partitions === undefined) this.#byTopicId.set(topic.topicId, (partitions = []));
    partitions[image.partition] = hosted;
    this.#options.hosted(hosted);
    const directoryId = directories.idOf(log);
    if (directoryId !== directoryOf(image, nodeId)) this.#options.placed(topic.topicId, image.partition, directoryId);
  }

  /** Undefined when the log cannot be had: its partition answers KAFKA_STORAGE_ERROR, the others go on. */
  #openLog(topic: TopicImage, partition: number, config: TopicConfig): PartitionLog | undefined {
    try {
      return this.#options.directories.create(topic.name, partition, topic.topicId, config);
    } catch (error) {
      const name = `${topic.name}-${partition}`;
      this.#options.logger.error({ err: error }, `The log of ${name} cannot be opened: ${errorText(error)}`);
      return undefined;
    }
  }

  /**
   * A folder whose topic id is not in the image: when the metadata log says that the topic was deleted, the broker stopped before its
   * folder was gone, and it goes now. A topic that the log never had is somebody else's data and stays, with a warning.
   */
  async #removeLeftovers(image: MetadataImage): Promise<void> {
    const { directories, logger } = this.#options;
    for (const log of [...directories.logs()]) {
      const { folder, topicId } = log;
      if (image.topicById(topicId) !== undefined) continue;
      if (image.hasRemoved(topicId)) await directories.delete(log);
      else logger.warn({ folder, topicId }, `${folder} belongs to no topic of this cluster and is not used.`);
    }
  }

  /** Whether the log of a partition that was there before may be in a directory that is not: then it must not begin anew. */
  #mayLieOffline(topic: TopicImage, image: PartitionImage): boolean {
    const { directories, nodeId } = this.#options;
    if (!image.replicas.includes(nodeId)) return false;
    if (directories.find(topic.name, image.partition, topic.topicId) !== undefined) return false;
    const directoryId = directoryOf(image, nodeId);
    return isPlaced(directoryId) ? !directories.onlineIds.includes(directoryId) : directories.hasOffline;
  }

  /**
   * The log is gone with its directory. Whoever allows unclean elections wants an empty one rather than none, as Kafka gives it, but
   * not while a directory is only away. Asked again when the topic is configured anew.
   */
  #isGivenUp(image: MetadataImage, topic: TopicImage, partition: number): boolean {
    const config = this.#topicConfig(image, topic.name);
    if (!config['unclean.leader.election.enable'] || this.#options.directories.hasOffline) {
      this.#unopened.set(`${topic.topicId} ${partition}`, () => void this.#isGivenUp(image, topic, partition));
      return false;
    }
    const text = `${topic.name}-${partition} begins anew, empty: its log directory is gone, and unclean.leader.election.enable is true.`;
    this.#options.logger.error({ topic: topic.name, partition }, text);
    this.#host(topic, topic.partitions[partition], config);
    return true;
  }

  #reportMissing(partitions: readonly PartitionImage[]): void {
    const counts = new Map<Uuid, number>();
    for (const partition of partitions) {
      const id = directoryOf(partition, this.#options.nodeId);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const [id, count] of counts) {
      const where = isPlaced(id)
        ? `the log directory with directory.id=${id}, which is not there`
        : 'one that is not there';
      const text = `${count} partitions are in ${where}: they answer KAFKA_STORAGE_ERROR. Name the directory in log.dirs, mounted and readable, and start the broker again; or, to begin them anew, empty, set unclean.leader.election.enable=true for their topics.`;
      this.#options.logger.error({ directoryId: id, count }, text);
    }
  }

  #topicConfig(image: MetadataImage, name: string): TopicConfig {
    return topicConfig(Object.fromEntries(image.topicConfigs(name)), this.#options.defaults());
  }
}
