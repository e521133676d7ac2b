/** CreateTopics (19), DeleteTopics (20), CreatePartitions (37): what the controller decides, in the words of the wire. */
import { CLUSTER_METADATA_TOPIC, shortened, ZERO_UUID } from '#core';
import {
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  type Draft,
  Errors,
  type KafkaErrorRow,
} from '#protocol';
import { CLUSTER_RESOURCE_NAME } from '../authorizer.ts';
import type { BrokerParts } from '../broker-parts.ts';
import { describeTopicConfigs, topicConfigSource } from '../config/config-view.ts';
import type { CreateTopicResult, ItemResult, TopicImage } from '../controller/index.ts';
import type { RequestContext } from '../server/request-context.ts';
import type { MutationQuota } from '../server/request-quotas.ts';
import { isOutOfTime, OUT_OF_TIME } from './out-of-time.ts';
import { type TopicForDeletion, topicsForDeletion } from './topics-for-deletion.ts';

/** The versions from which on a client is refused what its quota does not allow. @see KIP-599 */
const STRICT_CREATE_VERSION = 6;
const STRICT_DELETE_VERSION = 5;
const STRICT_GROW_VERSION = 3;

const TOO_MANY_MUTATIONS = Errors.THROTTLING_QUOTA_EXCEEDED;

type CreateResponse = Draft<typeof CreateTopicsResponse>;
type AskedTopic = CreateTopicsRequest['topics'][number];
type CreatedTopic = NonNullable<CreateResponse['topics']>[number];
type DeleteResponse = Draft<typeof DeleteTopicsResponse>;
type DeletedTopic = NonNullable<DeleteResponse['responses']>[number];

export async function createTopics(
  broker: BrokerParts,
  context: RequestContext,
  request: CreateTopicsRequest,
): Promise<CreateResponse> {
  if (!context.allows(CLUSTER_RESOURCE_NAME)) {
    return { topics: request.topics.map(({ name }) => failedTopic(name, Errors.CLUSTER_AUTHORIZATION_FAILED, null)) };
  }
  const isTried = singleNames(request.topics).some((name) => name !== CLUSTER_METADATA_TOPIC);
  if (isOutOfTime(request) && isTried)
    return { topics: request.topics.map(({ name }) => ({ name, ...OUT_OF_TIME, configs: [] })) };
  const quota = broker.quotas.mutations(context, STRICT_CREATE_VERSION);
  const { image } = broker.metadata;
  const refused = new Set(
    request.topics.filter((topic) => !image.topics.has(topic.name) && !quota.admits(partitionCountOf(broker, topic))),
  );
  const topics = request.topics.filter((topic) => !refused.has(topic));
  const drafts = new Map(topics.map((topic) => [topic.name, topic]));
  const { error, body } = await broker.topics.create(topics, request.validateOnly);
  const results =
    body?.map((result) => createdTopic(broker, drafts.get(result.name), result)) ??
    topics.map(({ name }) => failedTopic(name, error, null));
  return { topics: [...results, ...[...refused].map(({ name }) => failedTopic(name, TOO_MANY_MUTATIONS, null))] };
}

function partitionCountOf(broker: BrokerParts, topic: AskedTopic): number {
  if (topic.assignments.length > 0) return topic.assignments.length;
  return topic.numPartitions < 0 ? broker.settings.config['num.partitions'] : topic.numPartitions;
}

function createdTopic(broker: BrokerParts, draft: AskedTopic | undefined, result: CreateTopicResult): CreatedTopic {
  if (result.error !== Errors.NONE) return failedTopic(result.name, result.error, result.errorMessage);
  const { name, topicId, numPartitions, replicationFactor } = result;
  const overrides = new Map(draft?.configs.map((entry) => [entry.name, entry.value ?? '']));
  const configs = describeTopicConfigs(broker.live, overrides).map((config) => ({
    name: config.name,
    value: config.value,
    readOnly: false,
    configSource: topicConfigSource(broker.live, config.name, overrides),
    isSensitive: config.isSensitive,
  }));
  return { name, topicId, errorCode: 0, errorMessage: null, numPartitions, replicationFactor, configs };
}

function failedTopic(name: string, error: KafkaErrorRow, message: string | null): CreatedTopic {
  return { name, errorCode: error.code, errorMessage: message ?? error.message, configs: [] };
}

export async function deleteTopics(
  broker: BrokerParts,
  context: RequestContext,
  request: DeleteTopicsRequest,
): Promise<DeleteResponse> {
  const asked =
    context.version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
  const plans = topicsForDeletion(broker.metadata.image, asked);
  if (isOutOfTime(request) && plans.some(({ problem }) => problem === undefined))
    return { responses: asked.map(({ name, topicId }) => ({ name, topicId, ...OUT_OF_TIME })) };
  const quota = broker.quotas.mutations(context, STRICT_DELETE_VERSION);
  const found = plans.map((one) => checkDeletion(broker, context, one, quota));
  const topicIds = found.flatMap(({ topic }) => (topic === undefined ? [] : [topic.topicId]));
  const { error, body } =
    topicIds.length === 0 ? { error: Errors.NONE, body: [] } : await broker.topics.remove(topicIds);
  const results = (body ?? topicIds.map((name): ItemResult => ({ name, error, errorMessage: null }))).values();
  const responses = found.map(({ topic, response }): DeletedTopic => {
    if (topic === undefined) return response;
    const result = results.next().value!;
    return { ...response, errorCode: result.error.code, errorMessage: result.errorMessage };
  });
  return { responses };
}

function checkDeletion(
  broker: BrokerParts,
  context: RequestContext,
  { name, topicId, topic, problem }: TopicForDeletion,
  quota: MutationQuota,
): { topic: TopicImage | undefined; response: DeletedTopic } {
  if (problem !== undefined) {
    const { code: errorCode } = Errors.INVALID_REQUEST;
    return { topic: undefined, response: { name, topicId, errorCode, errorMessage: shortened(problem) } };
  }
  const error = deletionError(broker, context, topic, name === null, quota);
  const response = { name: topic?.name ?? name, topicId: topic?.topicId ?? topicId, errorCode: error.code };
  const isGood = error === Errors.NONE;
  return { topic: isGood ? topic : undefined, response: { ...response, errorMessage: isGood ? null : error.message } };
}

function deletionError(
  broker: BrokerParts,
  context: RequestContext,
  topic: TopicImage | undefined,
  isById: boolean,
  quota: MutationQuota,
): KafkaErrorRow {
  if (topic === undefined) return isById ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
  if (!context.allows(topic.name)) return Errors.TOPIC_AUTHORIZATION_FAILED;
  if (!broker.settings.config['delete.topic.enable']) return Errors.TOPIC_DELETION_DISABLED;
  return quota.admits(topic.partitions.length) ? Errors.NONE : TOO_MANY_MUTATIONS;
}

export async function createPartitions(
  broker: BrokerParts,
  context: RequestContext,
  request: CreatePartitionsRequest,
): Promise<Draft<typeof CreatePartitionsResponse>> {
  if (isOutOfTime(request) && singleNames(request.topics).length > 0)
    return { results: request.topics.map(({ name }) => ({ name, ...OUT_OF_TIME })) };
  const quota = broker.quotas.mutations(context, STRICT_GROW_VERSION);
  const refusals = new Map<string, KafkaErrorRow>();
  const names = request.topics.map(({ name }) => name);
  const repeated = repeatedNames(names);
  const allowed = request.topics.filter(({ name, count }) => {
    const isRepeated = repeated.has(name);
    const refusal = isRepeated ? Errors.INVALID_REQUEST : growthRefusal(broker, context, quota, name, count);
    if (refusal !== undefined) refusals.set(name, refusal);
    return refusal === undefined;
  });
  const { error, body } = await broker.metadata.ask<ItemResult[]>((token) => ({
    type: 'create-partitions',
    token,
    topics: allowed,
    validateOnly: request.validateOnly,
  }));
  await broker.partitions.settled();
  const results = new Map((body ?? []).map((result) => [result.name, result]));
  return {
    results: [...new Set(names)].map((name) => {
      const fallback = refusals.get(name) ?? error;
      const result = results.get(name);
      const errorMessage = repeated.has(name) ? 'It is named twice.' : (result?.errorMessage ?? null);
      return { name, errorCode: (result?.error ?? fallback).code, errorMessage };
    }),
  };
}

/** Names that stand once: others are refused before there is anything to do. */
function singleNames(topics: readonly { readonly name: string }[]): string[] {
  const names = topics.map(({ name }) => name);
  const repeated = repeatedNames(names);
  return names.filter((name) => !repeated.has(name));
}

function repeatedNames(names: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) (seen.has(name) ? repeated : seen).add(name);
  return repeated;
}

function growthRefusal(
  broker: BrokerParts,
  context: RequestContext,
  quota: MutationQuota,
  name: string,
  count: number,
): KafkaErrorRow | undefined {
  if (!context.allows(name)) return Errors.TOPIC_AUTHORIZATION_FAILED;
  const added = count - (broker.metadata.image.topics.get(name)?.partitions.length ?? count);
  return added <= 0 || quota.admits(added) ? undefined : TOO_MANY_MUTATIONS;
}
