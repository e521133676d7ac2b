/** ElectLeaders (43), AlterPartitionReassignments (45), ListPartitionReassignments (46): who has partitions, and who leads them. */
import {
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
  type Draft,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
  Errors,
  type KafkaErrorRow,
  type ListPartitionReassignmentsRequest,
  type ListPartitionReassignmentsResponse,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import type { PartitionResult, TopicImage, TopicPartitionResults } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import { isOutOfTime, OUT_OF_TIME } from './out-of-time.ts';

type ElectResponse = Draft<typeof ElectLeadersResponse>;
type AlterResponse = Draft<typeof AlterPartitionReassignmentsResponse>;
type ListResponse = Draft<typeof ListPartitionReassignmentsResponse>;

interface AnsweredError {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export async function electLeaders(
  broker: BrokerParts,
  context: RequestContext,
  request: ElectLeadersRequest,
): Promise<ElectResponse> {
  const { electionType, topicPartitions } = request;
  const topics = topicPartitions?.map(({ topic, partitions }) => ({ topic, partitions })) ?? null;
  if (!context.allows(CLUSTER_RESOURCE_NAME))
    return failedElection(context, topics, withText(Errors.CLUSTER_AUTHORIZATION_FAILED));
  // Nothing is done at once, whatever kind of election it is.
  if (topics?.length === 0) return { errorCode: Errors.NONE.code, replicaElectionResults: [] };
  if (isOutOfTime(request)) return failedElection(context, topics, OUT_OF_TIME);
  const { error, body } = await broker.metadata.ask<TopicPartitionResults[] | undefined>((token) => ({
    type: 'elect-leaders',
    token,
    electionType,
    topics,
  }));
  if (body === undefined) {
    return failedElection(context, topics, withText(error === Errors.NONE ? Errors.INVALID_REQUEST : error));
  }
  return {
    replicaElectionResults: body.map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((result) => ({ partitionId: result.partition, ...errorFields(result) })),
    })),
  };
}

/** Version 0 has no error for the whole: there each partition has it. */
function failedElection(
  { version }: RequestContext,
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
  error: AnsweredError,
): ElectResponse {
  return {
    errorCode: version >= 1 ? error.errorCode : 0,
    replicaElectionResults: (topics ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...error })),
    })),
  };
}

export async function alterPartitionReassignments(
  broker: BrokerParts,
  context: RequestContext,
  request: AlterPartitionReassignmentsRequest,
): Promise<AlterResponse> {
  const { allowReplicationFactorChange } = request;
  const failed = (error: KafkaErrorRow): AlterResponse => ({ allowReplicationFactorChange, ...withText(error) });
  if (!context.allows(CLUSTER_RESOURCE_NAME)) return failed(Errors.CLUSTER_AUTHORIZATION_FAILED);
  if (isOutOfTime(request) && request.topics.length > 0) {
    const responses = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, ...OUT_OF_TIME })),
    }));
    return { ...OUT_OF_TIME, responses };
  }
  const topics = request.topics.map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ partitionIndex, replicas }) => ({ partition: partitionIndex, replicas })),
  }));
  const { error, body } = await broker.metadata.ask<TopicPartitionResults[]>((token) => ({
    type: 'alter-reassignments',
    token,
    allowsOtherCount: allowReplicationFactorChange,
    topics,
  }));
  if (body === undefined) return failed(error);
  return {
    allowReplicationFactorChange,
    errorMessage: topics.length === 0 ? '' : null,
    responses: body.map(({ topic, partitions }) => ({
      name: topic,
      partitions: partitions.map((result) => ({ partitionIndex: result.partition, ...errorFields(result) })),
    })),
  };
}

/** Topics that are not there are passed over. */
export function listPartitionReassignments(
  { metadata: { image } }: BrokerParts,
  context: RequestContext,
  { topics }: ListPartitionReassignmentsRequest,
): ListResponse {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) {
    const error = Errors.CLUSTER_AUTHORIZATION_FAILED;
    return { errorCode: error.code, errorMessage: error.message };
  }
  const asked =
    topics?.map(({ name, partitionIndexes }) => ongoing(image.topics.get(name), partitionIndexes)) ??
    [...image.topics.values()].map((topic) => ongoing(topic, null));
  return { errorMessage: null, topics: asked.filter(({ partitions }) => partitions.length > 0) };
}

/** @param indexes null: all */
function ongoing(topic: TopicImage | undefined, indexes: readonly number[] | null) {
  const moving = (topic?.partitions ?? []).filter(
    ({ partition, addingReplicas, removingReplicas }) =>
      addingReplicas.length + removingReplicas.length > 0 && (indexes === null || indexes.includes(partition)),
  );
  return {
    name: topic?.name ?? '',
    partitions: moving.map(({ partition, replicas, addingReplicas, removingReplicas }) => ({
      partitionIndex: partition,
      replicas,
      addingReplicas,
      removingReplicas,
    })),
  };
}

function withText({ code, message }: KafkaErrorRow): AnsweredError {
  return { errorCode: code, errorMessage: message };
}

function errorFields({ error, errorMessage }: PartitionResult) {
  return { errorCode: error.code, errorMessage };
}
