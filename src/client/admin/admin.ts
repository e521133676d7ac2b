/**
 * The admin client: topics, configurations, offsets and groups. Calls about several things answer for each of them; calls about one
 * throw. Every call ends within its `timeoutMs` (default `default.api.timeout.ms`), retries included.
 */
import { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from '#core';
import { type Transport, tcpTransport } from '#net';
import { Apis, Errors, toKafkaError } from '#protocol';
import type { OffsetAndMetadata, PartitionMap, TopicPartitionLike } from '#serde';
import { Cluster } from '../cluster.ts';
import { readClientConfig } from '../config.ts';
import type { BrokerAddress, TopicMetadata } from '../metadata.ts';
import { type AdminCallOptions, AdminCalls } from './admin-calls.ts';
import { adminConfigTable } from './config.ts';
import * as configs from './configs.ts';
import * as groups from './groups.ts';
import type { ItemResults } from './item-results.ts';
import * as offsets from './offsets.ts';
import * as topics from './topics.ts';

export interface AdminOptions {
  /** Default TCP. */
  transport?: Transport;
  clock?: Clock;
  random?: Random;
  logger?: Logger;
}

export interface ClusterDescription {
  clusterId: string;
  /** Broker that takes controller requests; -1 when none is known. */
  controllerId: number;
  nodes: BrokerAddress[];
}

export class Admin {
  readonly #cluster: Cluster;
  readonly #calls: AdminCalls;

  private constructor(cluster: Cluster, calls: AdminCalls) {
    this.#cluster = cluster;
    this.#calls = calls;
  }

  /**
   * Makes an admin client; connections are opened by the first call.
   *
   * @param config Kafka's keys; unknown ones are warned about
   * @throws KafkaError INVALID_CONFIG
   */
  static create(config: Record<string, unknown>, options: AdminOptions = {}): Admin {
    const { clock = systemClock, random = systemRandom, logger = silentLogger } = options;
    const parsed = readClientConfig(adminConfigTable, config, 'admin', logger);
    const transport = options.transport ?? tcpTransport();
    const environment = { config: parsed, transport, clock, random, logger };
    const cluster = new Cluster({ ...environment, allowAutoTopicCreation: false });
    return new Admin(cluster, new AdminCalls({ cluster, config: parsed, clock, random }));
  }

  createTopics(
    list: readonly topics.NewTopic[],
    options: topics.ValidateOptions = {},
  ): Promise<ItemResults<topics.CreatedTopic>> {
    return topics.createTopics(this.#calls, list, options);
  }

  deleteTopics(names: readonly string[], options: AdminCallOptions = {}): Promise<ItemResults<void>> {
    return topics.deleteTopics(this.#calls, names, options);
  }

  /** Grows topics. @param counts the new total number of partitions, by topic */
  createPartitions(
    counts: Readonly<Record<string, number>>,
    options: topics.ValidateOptions = {},
  ): Promise<ItemResults<void>> {
    return topics.createPartitions(this.#calls, counts, options);
  }

  /** All topics, by name; internal ones only when asked for. */
  listTopics(options: AdminCallOptions & { listInternal?: boolean } = {}): Promise<topics.TopicListing[]> {
    return topics.listTopics(this.#calls, options);
  }

  describeTopics(names: readonly string[], options: AdminCallOptions = {}): Promise<ItemResults<TopicMetadata>> {
    return topics.describeTopics(this.#calls, names, options);
  }

  describeCluster(options: AdminCallOptions = {}): Promise<ClusterDescription> {
    return this.#calls.untilDone(this.#calls.deadlineOf(options), async (timeoutMs) => {
      const response = await this.#cluster.request('any', Apis.DescribeCluster, {}, { timeoutMs });
      const { errorCode, errorMessage, clusterId, controllerId, brokers } = response;
      if (errorCode !== Errors.NONE.code) throw toKafkaError(errorCode, errorMessage ?? 'DescribeCluster');
      const nodes = brokers.map(({ brokerId, host, port, rack }) => ({ nodeId: brokerId, host, port, rack }));
      return { clusterId, controllerId, nodes };
    });
  }

  /** @returns by `type:name` (`topic:orders`), the entries by key */
  describeConfigs(
    resources: readonly configs.ConfigResource[],
    options: AdminCallOptions & { includeDocumentation?: boolean } = {},
  ): Promise<ItemResults<ReadonlyMap<string, configs.ConfigEntry>>> {
    return configs.describeConfigs(this.#calls, resources, options);
  }

  /** Changes single keys. @returns by `type:name` */
  incrementalAlterConfigs(
    changes: readonly configs.ConfigChange[],
    options: topics.ValidateOptions = {},
  ): Promise<ItemResults<void>> {
    return configs.incrementalAlterConfigs(this.#calls, changes, options);
  }

  /** @returns by `topic-partition` */
  listOffsets(
    queries: readonly offsets.OffsetQuery[],
    options: offsets.ListOffsetsOptions = {},
  ): Promise<ItemResults<offsets.ListedOffset>> {
    return offsets.listOffsets(this.#calls, queries, options);
  }

  /** Deletes records below an offset (-1: all). @returns by `topic-partition`, the first offset that is left */
  deleteRecords(
    cuts: readonly (TopicPartitionLike & { beforeOffset: number })[],
    options: AdminCallOptions = {},
  ): Promise<ItemResults<{ lowWatermark: number }>> {
    return offsets.deleteRecords(this.#calls, cuts, options);
  }

  /** Groups of all brokers, by id. */
  listGroups(options: groups.ListGroupsOptions = {}): Promise<groups.GroupListing[]> {
    return groups.listGroups(this.#calls, options);
  }

  describeConsumerGroups(
    groupIds: readonly string[],
    options: AdminCallOptions = {},
  ): Promise<ItemResults<groups.GroupDescription>> {
    return groups.describeConsumerGroups(this.#calls, groupIds, options);
  }

  /** Deletes groups without members, with their offsets. */
  deleteConsumerGroups(groupIds: readonly string[], options: AdminCallOptions = {}): Promise<ItemResults<void>> {
    return groups.deleteConsumerGroups(this.#calls, groupIds, options);
  }

  /** Committed offsets of a group; partitions without one are left out. */
  listConsumerGroupOffsets(
    groupId: string,
    options: AdminCallOptions & { partitions?: readonly TopicPartitionLike[]; requireStable?: boolean } = {},
  ): Promise<PartitionMap<OffsetAndMetadata>> {
    return groups.listConsumerGroupOffsets(this.#calls, groupId, options);
  }

  /** Sets committed offsets of a group without members. @returns by `topic-partition` */
  alterConsumerGroupOffsets(
    groupId: string,
    newOffsets: Iterable<readonly [TopicPartitionLike, OffsetAndMetadata]>,
    options: AdminCallOptions = {},
  ): Promise<ItemResults<void>> {
    return groups.alterConsumerGroupOffsets(this.#calls, groupId, newOffsets, options);
  }

  /** Closes the connections; calls under way fail with CLOSED. Idempotent. */
  close(): Promise<void> {
    return this.#cluster.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
