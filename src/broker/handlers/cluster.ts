/** DescribeCluster (60) and DescribeTopicPartitions (75). */
import {
  type DescribeClusterRequest,
  type DescribeClusterResponse,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  type Draft,
  Errors,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { isInternalTopic, type MetadataImage, type PartitionImage, topicNameProblem } from '../controller/index.ts';
import { authorizedOperations } from '../server/authorized-operations.ts';
import type { RequestContext } from '../server/request-context.ts';
import { visibleBrokers } from './endpoints.ts';

const BROKER_ENDPOINTS = 1;
const CONTROLLER_ENDPOINTS = 2;

type Page = Draft<typeof DescribeTopicPartitionsResponse>;
type Cursor = NonNullable<DescribeTopicPartitionsRequest['cursor']>;
type PageTopic = NonNullable<Page['topics']>[number];

export function describeCluster(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeClusterRequest,
): Draft<typeof DescribeClusterResponse> {
  const { clusterId } = broker;
  if (request.endpointType !== BROKER_ENDPOINTS) {
    const isKnown = request.endpointType === CONTROLLER_ENDPOINTS;
    const error = isKnown ? Errors.MISMATCHED_ENDPOINT_TYPE : Errors.UNSUPPORTED_ENDPOINT_TYPE;
    return { errorCode: error.code, errorMessage: error.message };
  }
  const brokers = visibleBrokers(broker, context.listenerName).filter(
    ({ isFenced }) => !isFenced || request.includeFencedBrokers,
  );
  return {
    clusterId,
    controllerId: broker.settings.nodeId,
    brokers: brokers.map(({ nodeId, host, port, rack, isFenced }) => ({
      brokerId: nodeId,
      host,
      port,
      rack,
      ...(context.version >= 2 ? { isFenced } : {}),
    })),
    endpointType: BROKER_ENDPOINTS,
    ...(request.includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: authorizedOperations(context, 'cluster', CLUSTER_RESOURCE_NAME) }
      : {}),
  };
}

/** Topics in the order of their names, cut into pages. @see KIP-966 */
export function describeTopicPartitions(
  broker: BrokerParts,
  context: RequestContext,
  request: DescribeTopicPartitionsRequest,
): Page {
  const { cursor } = request;
  if (cursor !== null && !isInRequest(request, cursor)) {
    const { code: errorCode } = Errors.INVALID_REQUEST;
    return { topics: request.topics.map(({ name }) => ({ errorCode, name })) };
  }
  const limit = Math.min(request.responsePartitionLimit, broker.settings.config['max.request.partition.size.limit']);
  let left = Math.max(1, limit);
  const topics: PageTopic[] = [];
  for (const name of topicNames(broker, request)) {
    if (cursor !== null && name < cursor.topicName) continue;
    const firstPartition = cursor?.topicName === name ? cursor.partitionIndex : 0;
    if (left <= 0) return { topics, nextCursor: { topicName: name, partitionIndex: firstPartition } };
    const { topic, nextPartition } = describeTopic(broker, context, name, firstPartition, left);
    topics.push(topic);
    left -= topic.partitions?.length ?? 0;
    if (nextPartition !== undefined) return { topics, nextCursor: { topicName: name, partitionIndex: nextPartition } };
  }
  return { topics };
}

function isInRequest({ topics }: DescribeTopicPartitionsRequest, { topicName, partitionIndex }: Cursor): boolean {
  return partitionIndex >= 0 && (topics.length === 0 || topics.some(({ name }) => name === topicName));
}

function topicNames(broker: BrokerParts, request: DescribeTopicPartitionsRequest): string[] {
  const names =
    request.topics.length === 0 ? [...broker.metadata.image.topics.keys()] : request.topics.map(({ name }) => name);
  return [...new Set(names)].sort();
}

function describeTopic(
  broker: BrokerParts,
  context: RequestContext,
  name: string,
  firstPartition: number,
  countMax: number,
): { topic: PageTopic; nextPartition: number | undefined } {
  if (!context.allows(name)) {
    return { topic: { errorCode: Errors.TOPIC_AUTHORIZATION_FAILED.code, name }, nextPartition: undefined };
  }
  const topicAuthorizedOperations = authorizedOperations(context, 'topic', name);
  const { image } = broker.metadata;
  const topic = image.topics.get(name);
  if (topic === undefined) {
    const isBadName = topicNameProblem(name) !== undefined;
    const error = isBadName ? Errors.INVALID_TOPIC_EXCEPTION : Errors.UNKNOWN_TOPIC_OR_PARTITION;
    return { topic: { errorCode: error.code, name, topicAuthorizedOperations }, nextPartition: undefined };
  }
  const { topicId } = topic;
  const end = Math.min(topic.partitions.length, firstPartition + countMax);
  const partitions = topic.partitions
    .slice(firstPartition, end)
    .map((partition) => describePartition(image, partition));
  return {
    topic: {
      errorCode: Errors.NONE.code,
      name,
      topicId,
      isInternal: isInternalTopic(name),
      partitions,
      topicAuthorizedOperations,
    },
    nextPartition: end < topic.partitions.length ? end : undefined,
  };
}

/** Unlike Metadata, no error where there is no leader. */
function describePartition(image: MetadataImage, described: PartitionImage) {
  const { partition, leader, leaderEpoch, replicas, isr, eligibleLeaderReplicas, lastKnownElr } = described;
  return {
    errorCode: Errors.NONE.code,
    partitionIndex: partition,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    eligibleLeaderReplicas,
    lastKnownElr,
    offlineReplicas: image.offlineReplicas(described),
  };
}
