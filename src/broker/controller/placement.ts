/** On which brokers the replicas of new partitions go, and the records that say so. Pure. */
import type { Uuid } from '#core';
import { Errors } from '#protocol';
import { UNASSIGNED_DIRECTORY } from './directory-id.ts';
import type { BrokerImage, MetadataImage } from './metadata-image.ts';
import type { MetadataRecord } from './metadata-record.ts';
import { type Refusal, refuse } from './refusal.ts';

/** Partitions that one request may create; Kafka's MAX_PARTITIONS_PER_BATCH. */
export const PARTITIONS_PER_REQUEST_MAX = 10_000;

export const TOO_MANY_PARTITIONS = `One request may create ${PARTITIONS_PER_REQUEST_MAX} partitions at most.`;

/** Replica lists, one a new partition, the preferred leader first. */
export type Placement = readonly (readonly number[])[];

/** Spreads `count` partitions round over the live brokers, beginning with number `firstPartition`. */
export function place(
  image: MetadataImage,
  firstPartition: number,
  count: number,
  replicationFactor: number,
): Placement | Refusal {
  const open = [...image.brokers.values()].filter((broker) => !broker.isFenced && hasRoom(broker));
  const brokers = open.map((broker) => broker.brokerId);
  brokers.sort((a, b) => a - b);
  if (replicationFactor < 1) {
    return refuse(
      Errors.INVALID_REPLICATION_FACTOR,
      `A partition needs at least one replica, not ${replicationFactor}.`,
    );
  }
  if (replicationFactor > brokers.length) {
    return refuse(
      Errors.INVALID_REPLICATION_FACTOR,
      `${replicationFactor} replicas need as many brokers with room for them, and there are ${brokers.length}.`,
    );
  }
  return Array.from({ length: count }, (_, index) =>
    Array.from(
      { length: replicationFactor },
      (_, replica) => brokers[(firstPartition + index + replica) % brokers.length],
    ),
  );
}

/** Checks replica lists written by hand. */
export function checkPlacement(image: MetadataImage, placement: Placement): Refusal | undefined {
  const size = placement[0]?.length ?? 0;
  for (const replicas of placement) {
    const problem = replicasProblem(image, replicas, size);
    if (problem !== undefined) return refuse(Errors.INVALID_REPLICA_ASSIGNMENT, problem);
  }
  return undefined;
}

function replicasProblem(image: MetadataImage, replicas: readonly number[], size: number): string | undefined {
  if (replicas.length === 0) return 'A replica list chosen by hand is empty.';
  if (replicas.length !== size) return 'Replica lists chosen by hand must be of one length.';
  if (new Set(replicas).size !== replicas.length) return 'A replica list chosen by hand names a broker twice.';
  const unknown = replicas.find((brokerId) => !image.brokers.has(brokerId));
  return unknown === undefined
    ? undefined
    : `A replica list chosen by hand names broker ${unknown}, which the cluster does not have.`;
}

export function partitionRecords(
  image: MetadataImage,
  topicId: Uuid,
  firstPartition: number,
  placement: Placement,
): MetadataRecord[] {
  return placement.map((replicas, index) => ({
    type: 'PartitionRecord',
    body: {
      partitionId: firstPartition + index,
      topicId,
      replicas: [...replicas],
      isr: [...replicas],
      removingReplicas: [],
      addingReplicas: [],
      leader: replicas[0],
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: replicas.map((brokerId) => newDirectory(image, brokerId)),
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  }));
}

/** Where there are several, the broker chooses. */
export function newDirectory(image: MetadataImage, brokerId: number): Uuid {
  const broker = image.brokers.get(brokerId);
  const open = broker === undefined ? [] : openDirectories(broker);
  return open.length === 1 ? open[0] : UNASSIGNED_DIRECTORY;
}

/** A broker that has named no directories has one. */
function hasRoom(broker: BrokerImage): boolean {
  return broker.logDirs.length === 0 || openDirectories(broker).length > 0;
}

function openDirectories({ logDirs, cordonedLogDirs }: BrokerImage): Uuid[] {
  return logDirs.filter((id) => !cordonedLogDirs?.includes(id));
}
