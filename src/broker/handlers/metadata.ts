/** Metadata (3): brokers and topics, by name, by id, or all; unknown topics are made when broker and client allow it. */
import { ZERO_UUID } from '#core';
import { type Draft, Errors, type KafkaErrorRow, type MetadataRequest, type MetadataResponse } from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import {
  isInternalTopic,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
  topicNameProblem,
} from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { visibleBrokers } from './endpoints.ts';

type Response = Draft<typeof MetadataResponse>;
type Topic = NonNullable<Response['topics']>[number];
type Asked = NonNullable<MetadataRequest['topics']>[number];

/** Topics made for one request; the rest is UNKNOWN_TOPIC_OR_PARTITION and made when asked for again. */
const CREATED_COUNT_MAX = 100;

export async function metadata(
  broker: BrokerParts,
  context: RequestContext,
  request: MetadataRequest,
): Promise<Response> {
  const topics = isForAll(context, request)
    ? allTopics(broker, context)
    : await namedTopics(broker, context, request.topics!, request.allowAutoTopicCreation);
  return {
    brokers: visibleBrokers(broker, context.listenerName)
      .filter(({ isFenced }) => !isFenced)
      .map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack })),
    clusterId: broker.clusterId,
    controllerId: broker.settings.nodeId,
    topics,
  };
}

/** Version 0 has no null: there the empty list means all. */
function isForAll({ version }: RequestContext, { topics }: MetadataRequest): boolean {
  return topics === null || (version === 0 && topics.length === 0);
}

function allTopics(broker: BrokerParts, context: RequestContext): Topic[] {
  return [...broker.metadata.image.topics.values()]
    .filter(({ name }) => context.allows(name))
    .map((topic) => describeTopic(broker, topic));
}

async function namedTopics(
  broker: BrokerParts,
  context: RequestContext,
  asked: readonly Asked[],
  mayCreate: boolean,
): Promise<Topic[]> {
  const unique = [...new Map(asked.map((topic) => [`${topic.topicId} ${topic.name}`, topic])).values()];
  const errors = mayCreate ? await createMissing(broker, context, unique) : new Map<string, KafkaErrorRow>();
  const topics = new Map<string, Topic>();
  for (const topic of unique) {
    const described = describeAsked(broker, context, topic, errors);
    topics.set(described.name ?? topic.topicId, described);
  }
  return [...topics.values()];
}

/** Errors of topics that could not be made, by name. */
async function createMissing(
  broker: BrokerParts,
  context: RequestContext,
  asked: readonly Asked[],
): Promise<Map<string, KafkaErrorRow>> {
  const errors = new Map<string, KafkaErrorRow>();
  if (!broker.settings.config['auto.create.topics.enable']) return errors;
  const { topics } = broker.metadata.image;
  const missing = asked
    .filter(({ name, topicId }) => topicId === ZERO_UUID && name !== null && !topics.has(name))
    .map(({ name }) => name!)
    .filter((name) => topicNameProblem(name) === undefined && context.allows(name))
    .slice(0, CREATED_COUNT_MAX);
  await Promise.all(missing.map(async (name) => errors.set(name, await broker.topics.ensure(name))));
  return errors;
}

function describeAsked(
  broker: BrokerParts,
  context: RequestContext,
  { name, topicId }: Asked,
  errors: ReadonlyMap<string, KafkaErrorRow>,
): Topic {
  const { image } = broker.metadata;
  if (topicId !== ZERO_UUID) {
    const topic = image.topicById(topicId);
    if (topic !== undefined && context.allows(topic.name)) return describeTopic(broker, topic);
    return { errorCode: Errors.UNKNOWN_TOPIC_ID.code, name: context.version >= 12 ? null : '', topicId };
  }
  if (name === null) return { errorCode: Errors.INVALID_REQUEST.code, name: context.version >= 12 ? null : '' };
  if (!context.allows(name)) return { errorCode: Errors.TOPIC_AUTHORIZATION_FAILED.code, name };
  if (topicNameProblem(name) !== undefined) return { errorCode: Errors.INVALID_TOPIC_EXCEPTION.code, name };
  const topic = image.topics.get(name);
  if (topic !== undefined) return describeTopic(broker, topic);
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
