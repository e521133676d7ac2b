/**
 * Markers of transactions, written to the partitions that are led here: those of `__consumer_offsets` through their group coordinators,
 * which take over the offsets, all others straight into the log.
 */
import type { Clock } from '#core';
import { buildTransactionMarker, Errors, type KafkaErrorRow } from '#protocol';
import { GROUP_METADATA_TOPIC, type MetadataImage } from '../controller/index.ts';
import type { HostedPartition } from '../hosting/hosted-partition.ts';
import type { HostedPartitions } from '../hosting/hosted-partitions.ts';
import type { TopicPartition } from '../transaction/index.ts';
import type { GroupCoordinators } from './group-coordinators.ts';
import type { TransactionEnd } from './runtime.ts';

export class PartitionMarkers {
  readonly #image: MetadataImage;
  readonly #partitions: HostedPartitions;
  readonly #groups: GroupCoordinators;
  readonly #clock: Clock;

  constructor(image: MetadataImage, partitions: HostedPartitions, groups: GroupCoordinators, clock: Clock) {
    this.#image = image;
    this.#partitions = partitions;
    this.#groups = groups;
    this.#clock = clock;
  }

  /** Whether the cluster has such a partition: where it was deleted nobody waits for a marker. */
  exists({ topic, partition }: TopicPartition): boolean {
    return this.#image.topics.get(topic)?.partitions[partition] !== undefined;
  }

  /** Ends a transaction on one partition. `settled` is called once, with NONE when the marker is committed. */
  write(where: TopicPartition, end: TransactionEnd, settled: (error: KafkaErrorRow) => void): void {
    const found = this.#find(where);
    if ('code' in found) settled(found);
    else if (where.topic === GROUP_METADATA_TOPIC) {
      this.#groups.endTransaction(where.partition, end, (error) => settled(leaderError(error)));
    } else this.#append(found, end, settled);
  }

  #find({ topic, partition }: TopicPartition): HostedPartition | KafkaErrorRow {
    const image = this.#image.topics.get(topic);
    if (image?.partitions[partition] === undefined) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
    const hosted = this.#partitions.get(image.topicId, partition);
    if (hosted === undefined) return Errors.KAFKA_STORAGE_ERROR;
    const error = hosted.check(-1);
    return error === Errors.NONE ? hosted : error;
  }

  #append(partition: HostedPartition, end: TransactionEnd, settled: (error: KafkaErrorRow) => void): void {
    const { transactionVersion } = end;
    const marker = buildTransactionMarker(end, end, this.#clock.now().wallMs);
    const { error, lastOffset } = partition.append(marker, 'coordinator', { transactionVersion });
    if (error !== undefined) settled(error);
    else partition.whenCommitted(lastOffset + 1, { settled: (_, outcome) => settled(outcome) }, 0, marker.length);
  }
}

/** Whoever writes markers knows partitions and their leaders, and no group coordinators. */
function leaderError(error: KafkaErrorRow): KafkaErrorRow {
  const isAway =
    error === Errors.NOT_COORDINATOR ||
    error === Errors.COORDINATOR_NOT_AVAILABLE ||
    error === Errors.COORDINATOR_LOAD_IN_PROGRESS;
  return isAway ? Errors.NOT_LEADER_OR_FOLLOWER : error;
}
