/** Metadata (3): brokers and topics, by name, by id, or all; unknown topics are made when broker and client allow it. */
import { CLUSTER_METADATA_TOPIC, type Uuid, ZERO_UUID } from '#core';
import { type Draft, Errors, type KafkaErrorRow, type MetadataRequest, type MetadataResponse } from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import {
  isInternalTopic,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
  topicNameProblem,
} from '../controller/index.ts';
import { authorizedOperations } from '../server/authorized-operations.ts';
import type { RequestContext } from '../server/request-context.ts';
import { visibleBrokers } from './endpoints.ts';

type Response = Draft<typeof MetadataResponse>;
type Topic = NonNullable<Response['topics']>[number];
type Asked = NonNullable<MetadataRequest['topics']>[number];

/** The first version that finds topics by their ids. */
const ID_VERSION = 12;
/** Topics made for one request; the rest is UNKNOWN_TOPIC_OR_PARTITION and made when asked for again. */
const CREATED_COUNT_MAX = 100;

export async function metadata(
  broker: BrokerParts,
  context: RequestContext,
  request: MetadataRequest,
): Promise<Response> {
  if (context.version < ID_VERSION && !hasNamesAlone(request)) return { topics: request.topics!.map(refuseId) };
  const topics = isForAll(context, request)
    ? allTopics(broker, context)
    : await askedTopics(broker, context, request.topics!, request.allowAutoTopicCreation);
  return {
    brokers: visibleBrokers(broker, context.listenerName)
      .filter(({ isFenced }) => !isFenced)
      .map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack })),
    clusterId: broker.clusterId,
    controllerId: broker.settings.nodeId,
    topics: request.includeTopicAuthorizedOperations ? topics.map((topic) => withOperations(context, topic)) : topics,
    ...(request.includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: authorizedOperations(context, 'cluster', CLUSTER_RESOURCE_NAME) }
      : {}),
  };
}

/** Version 0 has no null: there the empty list means all. */
function isForAll({ version }: RequestContext, { topics }: MetadataRequest): boolean {
  return topics === null || (version === 0 && topics.length === 0);
}

function hasNamesAlone({ topics }: MetadataRequest): boolean {
  return topics?.every(({ name, topicId }) => name !== null && topicId === ZERO_UUID) ?? true;
}

/** Versions 10 and 11 have the field, and no answer to it. */
function refuseId({ name, topicId }: Asked): Topic {
  return { errorCode: Errors.INVALID_REQUEST.code, name: name ?? '', topicId };
}

function withOperations(context: RequestContext, topic: Topic): Topic {
  const { name, errorCode } = topic;
  if (typeof name !== 'string' || errorCode === Errors.TOPIC_AUTHORIZATION_FAILED.code) return topic;
  return { ...topic, topicAuthorizedOperations: authorizedOperations(context, 'topic', name) };
}

function allTopics(broker: BrokerParts, context: RequestContext): Topic[] {
  return [...broker.metadata.image.topics.values()]
    .filter(({ name }) => context.allows(name))
    .map((topic) => describeTopic(broker, topic));
}

/** As soon as one topic is asked for by its id, those that are asked for by name do not count. */
async function askedTopics(
  broker: BrokerParts,
  context: RequestContext,
  asked: readonly Asked[],
  mayCreate: boolean,
): Promise<Topic[]> {
  const ids = new Set(asked.map(({ topicId }) => topicId).filter((topicId) => topicId !== ZERO_UUID));
  if (ids.size > 0) return [...ids].map((topicId) => topicById(broker, context, topicId));
  const names = [...new Set(asked.map(({ name }) => name))];
  const errors = mayCreate ? await createMissing(broker, context, names) : new Map<string, KafkaErrorRow>();
  return names.map((name) => topicByName(broker, context, name, errors));
}

/** Errors of topics that could not be made, by name. */
async function createMissing(
  broker: BrokerParts,
  context: RequestContext,
  names: readonly (string | null)[],
): Promise<Map<string, KafkaErrorRow>> {
  const errors = new Map<string, KafkaErrorRow>();
  if (!broker.settings.config['auto.create.topics.enable']) return errors;
  const { topics } = broker.metadata.image;
  const missing = names
    .filter((name) => name !== null)
    .filter((name) => !topics.has(name) && topicNameProblem(name) === undefined && context.allows(name))
    .slice(0, CREATED_COUNT_MAX);
  await Promise.all(missing.map(async (name) => errors.set(name, await broker.topics.ensure(name))));
  return errors;
}

function topicById(broker: BrokerParts, context: RequestContext, topicId: Uuid): Topic {
  const topic = broker.metadata.image.topicById(topicId);
  if (topic !== undefined && context.allows(topic.name)) return describeTopic(broker, topic);
  return { errorCode: Errors.UNKNOWN_TOPIC_ID.code, name: null, topicId };
}

function topicByName(
  broker: BrokerParts,
  context: RequestContext,
  name: string | null,
  errors: ReadonlyMap<string, KafkaErrorRow>,
): Topic {
  if (name === null) return { errorCode: Errors.INVALID_REQUEST.code, name: context.version >= ID_VERSION ? null : '' };
  if (!context.allows(name)) return { errorCode: Errors.TOPIC_AUTHORIZATION_FAILED.code, name };
  const topic = broker.metadata.image.topics.get(name);
  if (topic !== undefined) return describeTopic(broker, topic);
  if (topicNameProblem(name) !== undefined && name !== CLUSTER_METADATA_TOPIC) {
    return { errorCode: Errors.INVALID_TOPIC_EXCEPTION.code, name };
  }
  const failure = errors.get(name) ?? Errors.NONE;
  const error = failure === Errors.NONE ? Errors.UNKNOWN_TOPIC_OR_PARTITION : failure;
  return { errorCode: error.code, name, isInternal: isInternalTopic(name) };
}

function describeTopic({ metadata: { image } }: BrokerParts, { name, topicId, partitions }: TopicImage): Topic {
  return {
    errorCode: Errors.NONE.code,
    name,
    topicId,
    isInternal: isInternalTopic(name),
    partitions: partitions.map((partition) => describePartition(image, partition)),
  };
}

function describePartition(image: MetadataImage, described: PartitionImage) {
  const { partition, leader, leaderEpoch, replicas, isr } = described;
  const error = leader < 0 ? Errors.LEADER_NOT_AVAILABLE : Errors.NONE;
  return {
    errorCode: error.code,
    partitionIndex: partition,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas: image.offlineReplicas(described),
  };
}
