/** What all rules of the machine work on, and the world around it that they may ask. */
import type { Uuid } from '#core';
import type { Alarms } from './alarms.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { GroupSettings } from './config.ts';
import type { ConsumerGroup } from './consumer/consumer-group.ts';
import type { RegexRefresh } from './consumer/regex-refresh.ts';
import type { OffsetTable } from './offset-table.ts';
import type { PendingOffsets } from './pending-offsets.ts';

export type Group = ClassicGroup | ConsumerGroup;

export interface Coordinator {
  readonly settings: GroupSettings;
  readonly cluster: ClusterView;
  readonly groups: Map<string, Group>;
  readonly offsets: OffsetTable;
  readonly pendingOffsets: PendingOffsets;
  readonly alarms: Alarms;
  /** Ephemeral, by group: topic patterns that are being matched. */
  readonly refreshes: Map<string, RegexRefresh>;
}

export interface GroupTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionCount: number;
}

/** Group configs that may be set for one group. @see KIP-848 */
export interface ConsumerGroupConfig {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
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
