/**
 * Asks the leaders of partitions for offsets by time (ListOffsets): one request per leader, asked again with fresh metadata for the
 * partitions whose leader was not the right one, until a deadline.
 */
import { type Clock, KafkaError, type Logger } from '#core';
import { Apis, Errors, errorByCode, type ListOffsetsResponse, toKafkaError } from '#protocol';
import { PartitionMap, type TopicPartition } from '#serde';
import type { Cluster } from '../cluster.ts';

/** The answer for one partition. */
export interface FoundOffset {
  /** -1: the log has no record at or after that time. */
  readonly offset: number;
  /** Of the record found; -1 for earliest and latest. */
  readonly timestamp: number;
  /** Of the record found; -1 when unknown. */
  readonly leaderEpoch: number;
}

export interface OffsetLookupOptions {
  readonly cluster: Cluster;
  readonly isReadCommitted: boolean;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Errors after which new metadata and another try help. */
const RETRIABLE = new Set<number>([
  Errors.NOT_LEADER_OR_FOLLOWER.code,
  Errors.REPLICA_NOT_AVAILABLE.code,
  Errors.KAFKA_STORAGE_ERROR.code,
  Errors.OFFSET_NOT_AVAILABLE.code,
  Errors.LEADER_NOT_AVAILABLE.code,
  Errors.FENCED_LEADER_EPOCH.code,
  Errors.UNKNOWN_LEADER_EPOCH.code,
  Errors.UNKNOWN_TOPIC_OR_PARTITION.code,
]);

export class OffsetLookup {
  readonly #options: OffsetLookupOptions;

  constructor(options: OffsetLookupOptions) {
    this.#options = options;
  }

  /**
   * The first offset at or after each partition's timestamp (-1: latest, -2: earliest), by `deadlineMs` (monotonic).
   *
   * @throws KafkaError REQUEST_TIMED_OUT naming the partitions without answer; TOPIC_AUTHORIZATION_FAILED, … at once
   */
  async find(timestamps: PartitionMap<number>, deadlineMs: number): Promise<PartitionMap<FoundOffset>> {
    const { clock, retryBackoffMs } = this.#options;
    const found = new PartitionMap<FoundOffset>();
    for (;;) {
      const missing = new PartitionMap([...timestamps].filter(([partition]) => !found.has(partition)));
      if (missing.size === 0) return found;
      const leftMs = deadlineMs - clock.now().monotonicMs;
      if (this.#options.cluster.isClosed) throw new KafkaError('CLOSED', 'the consumer was closed');
      if (leftMs <= 0) throw unanswered(missing.keys());
      const isComplete = await this.#ask(missing, found, leftMs);
      if (isComplete) continue;
      this.#options.cluster.refreshSoon();
      await this.#options.cluster.pause(Math.max(1, Math.min(retryBackoffMs, deadlineMs - clock.now().monotonicMs)));
    }
  }

  /** One round over all leaders; false when some partitions are left. */
  async #ask(missing: PartitionMap<number>, found: PartitionMap<FoundOffset>, leftMs: number): Promise<boolean> {
    const byNode = new Map<number, [TopicPartition, number, number][]>();
    for (const [at, timestamp] of missing) {
      const leader = this.#options.cluster.leader(at.topic, at.partition);
      if (leader === undefined) continue;
      const targets = byNode.get(leader.leaderId);
      if (targets === undefined) byNode.set(leader.leaderId, [[at, timestamp, leader.leaderEpoch]]);
      else targets.push([at, timestamp, leader.leaderEpoch]);
    }
    const answers = Array.from(byNode, ([nodeId, targets]) => this.#askNode(nodeId, targets, found, leftMs));
    await Promise.all(answers);
    return found.size >= missing.size && [...missing].every(([at]) => found.has(at));
  }

  async #askNode(
    nodeId: number,
    targets: readonly [TopicPartition, number, number][],
    found: PartitionMap<FoundOffset>,
    leftMs: number,
  ): Promise<void> {
    const { cluster, isReadCommitted, requestTimeoutMs, logger } = this.#options;
    const body = { replicaId: -1, isolationLevel: isReadCommitted ? 1 : 0, topics: byTopic(targets) };
    try {
      const timeoutMs = Math.max(1, Math.min(leftMs, requestTimeoutMs));
      take(await cluster.request(nodeId, Apis.ListOffsets, body, { timeoutMs }), found);
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.retriable) throw error;
      logger.debug({ nodeId, code: error.code }, `offsets could not be had from broker ${nodeId}: ${error.message}`);
    }
  }
}

function take(response: ListOffsetsResponse, found: PartitionMap<FoundOffset>): void {
  for (const topic of response.topics) {
    for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch } of topic.partitions) {
      const at = { topic: topic.name, partition: partitionIndex };
      if (errorCode === Errors.NONE.code) found.set(at, { offset, timestamp, leaderEpoch });
      else if (!RETRIABLE.has(errorCode))
        throw toKafkaError(errorCode, `offsets of ${at.topic}-${at.partition} (${errorByCode(errorCode).name})`);
    }
  }
}

function byTopic(targets: readonly [TopicPartition, number, number][]): ListedTopic[] {
  const topics = new Map<string, ListedTopic>();
  for (const [{ topic, partition }, timestamp, currentLeaderEpoch] of targets) {
    let entry = topics.get(topic);
    if (entry === undefined) topics.set(topic, (entry = { name: topic, partitions: [] }));
    entry.partitions.push({ partitionIndex: partition, currentLeaderEpoch, timestamp });
  }
  return [...topics.values()];
}

interface ListedTopic {
  name: string;
  partitions: { partitionIndex: number; currentLeaderEpoch: number; timestamp: number }[];
}

function unanswered(partitions: readonly TopicPartition[]): KafkaError {
  const names = partitions.map(String).join(', ');
  return new KafkaError(
    'REQUEST_TIMED_OUT',
    `no leader answered in time for the offsets of ${names}; do these partitions exist?`,
  );
}
