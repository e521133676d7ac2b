/** Answers what topics and partitions there are, asked fresh from a broker. */
import { type Clock, KafkaError, ZERO_UUID } from '#core';
import { Apis, Errors, type MetadataResponse, toKafkaError } from '#protocol';
import type { Cluster } from '../cluster.ts';

/** One partition as a broker describes it; `leader` is -1 when nobody leads it now. */
export interface PartitionInfo {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly offlineReplicas: readonly number[];
}

type TopicAnswer = MetadataResponse['topics'][number];

export class TopicCatalog {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #retryBackoffMs: number;

  constructor(cluster: Cluster, clock: Clock, retryBackoffMs: number) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#retryBackoffMs = retryBackoffMs;
  }

  /** Empty when there is no such topic. @throws KafkaError INVALID_TOPIC_EXCEPTION, TOPIC_AUTHORIZATION_FAILED, … */
  async partitionsFor(topic: string, allowAutoTopicCreation: boolean, deadlineMs: number): Promise<PartitionInfo[]> {
    const topics = [{ topicId: ZERO_UUID, name: topic }];
    for (;;) {
      const [answer] = (await this.#ask({ topics, allowAutoTopicCreation }, deadlineMs)).topics;
      if (answer === undefined || answer.errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION.code) return [];
      if (answer.errorCode === Errors.NONE.code) return infosOf(answer);
      const error = toKafkaError(answer.errorCode, `topic '${topic}'`);
      if (!error.retriable || this.#clock.now().monotonicMs + this.#retryBackoffMs >= deadlineMs) throw error;
      await this.#cluster.pause(this.#retryBackoffMs);
    }
  }

  /** All topics that this client may see, internal ones included. */
  async listTopics(deadlineMs: number): Promise<Map<string, PartitionInfo[]>> {
    const { topics } = await this.#ask({ topics: null, allowAutoTopicCreation: false }, deadlineMs);
    const infos = new Map<string, PartitionInfo[]>();
    for (const topic of topics) {
      if (topic.name !== null && topic.errorCode === Errors.NONE.code) infos.set(topic.name, infosOf(topic));
    }
    return infos;
  }

  async #ask(
    body: { topics: { topicId: string; name: string }[] | null; allowAutoTopicCreation: boolean },
    deadlineMs: number,
  ): Promise<MetadataResponse> {
    for (;;) {
      const leftMs = Math.max(1, deadlineMs - this.#clock.now().monotonicMs);
      try {
        return await this.#cluster.request('any', Apis.Metadata, body, { timeoutMs: leftMs });
      } catch (error) {
        const isOver = this.#clock.now().monotonicMs + this.#retryBackoffMs >= deadlineMs;
        if (!(error instanceof KafkaError) || !error.retriable || isOver) throw error;
        await this.#cluster.pause(this.#retryBackoffMs);
      }
    }
  }
}

function infosOf(topic: TopicAnswer): PartitionInfo[] {
  return topic.partitions
    .map((one) => ({
      topic: topic.name as string,
      partition: one.partitionIndex,
      leader: one.leaderId,
      replicas: one.replicaNodes,
      inSyncReplicas: one.isrNodes,
      offlineReplicas: one.offlineReplicas,
    }))
    .sort((left, right) => left.partition - right.partition);
}
