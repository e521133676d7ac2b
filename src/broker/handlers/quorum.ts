/** DescribeQuorum (55): the one voter of the metadata log, this node. @see KIP-595, KIP-836, KIP-853 */
import { CLUSTER_METADATA_TOPIC } from '#core';
import {
  type DescribeQuorumRequest,
  type DescribeQuorumResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { RequestContext } from '../server/request-context.ts';

type Response = Draft<typeof DescribeQuorumResponse>;

export function describeQuorum(
  broker: BrokerParts,
  context: RequestContext,
  { topics }: DescribeQuorumRequest,
): Response {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) {
    const error = Errors.CLUSTER_AUTHORIZATION_FAILED;
    return { errorCode: error.code, errorMessage: error.message };
  }
  const isForMetadata =
    topics.length === 1 &&
    topics[0].topicName === CLUSTER_METADATA_TOPIC &&
    topics[0].partitions.length === 1 &&
    topics[0].partitions[0].partitionIndex === 0;
  if (!isForMetadata) return unknownPartitions(topics, Errors.UNKNOWN_TOPIC_OR_PARTITION);
  const partition = { partitionIndex: 0, ...quorum(broker, context.version) };
  return {
    topics: [{ topicName: CLUSTER_METADATA_TOPIC, partitions: [partition] }],
    ...(context.version >= 2 ? { nodes: [{ nodeId: broker.settings.nodeId, listeners: [] }] } : {}),
  };
}

function quorum({ metadata, settings, directories, clock }: BrokerParts, version: number) {
  const { wallMs } = clock.now();
  const voter = {
    replicaId: settings.nodeId,
    ...(version >= 2 ? { replicaDirectoryId: directories.metadata.directoryId } : {}),
    logEndOffset: metadata.log.log.logEndOffset,
    lastFetchTimestamp: wallMs,
    lastCaughtUpTimestamp: wallMs,
  };
  return {
    leaderId: settings.nodeId,
    leaderEpoch: metadata.leaderEpoch,
    highWatermark: metadata.log.highWatermark,
    currentVoters: [voter],
    observers: [],
  };
}

function unknownPartitions(topics: DescribeQuorumRequest['topics'], error: KafkaErrorRow): Response {
  return {
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: error.code,
        errorMessage: error.message,
      })),
    })),
  };
}
