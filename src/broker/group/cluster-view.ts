/** The cluster as the group coordinator sees it. */
import type { Uuid } from '#core';
import type { ConsumerGroupConfig } from './config.ts';

export interface GroupTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionCount: number;
}

/**
 * The cluster as of now. It changes between events only, and of each change that touches topics the machine hears by a
 * `topics-changed` event; all machines of a broker look at the same one.
 */
export interface ClusterView {
  /** Rises with every change of the cluster's metadata. */
  readonly version: number;
  /** The version in which the last topic was made. */
  readonly newTopicsVersion: number;
  topic(name: string): GroupTopic | undefined;
  topicById(topicId: Uuid): GroupTopic | undefined;
  topicNames(): Iterable<string>;
  /** What Kafka's coordinator hashes of a topic: 16 hex digits (see `topic-hash.ts`); undefined when there is none of that name. */
  topicHash(name: string): string | undefined;
  /** The configs of a group, broker-wide defaults included. */
  consumerConfig(groupId: string): ConsumerGroupConfig;
}
