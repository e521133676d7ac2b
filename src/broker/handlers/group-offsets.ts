/**
 * OffsetCommit (8) and OffsetFetch (9). The machine keeps offsets by topic name; requests from version 10 on name topics by id. Here topics
 * get both, those that do not exist are answered at once, and answers are put back into the order of the request.
 */
import { type Uuid, ZERO_UUID } from '#core';
import {
  type Draft,
  Errors,
  type KafkaErrorRow,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from '#protocol';
import type { BrokerParts } from '../broker-parts.ts';
import type { TopicImage } from '../controller/index.ts';
import { LATER, type RequestContext } from '../server/request-context.ts';
import { askLater, refuseAccess } from './groups.ts';

/** From this version on OffsetFetch asks for several groups. @see KIP-709 */
const FETCH_GROUPS_VERSION = 8;
/** From this version on topics are named by their id. @see KIP-1319 */
const TOPIC_ID_VERSION = 10;

type CommitTopic = OffsetCommitRequest['topics'][number];
type CommitResponse = Draft<typeof OffsetCommitResponse>;
type CommittedTopic = NonNullable<CommitResponse['topics']>[number];
type FetchResponse = Draft<typeof OffsetFetchResponse>;
type FetchGroup = OffsetFetchRequest['groups'][number];
type FetchTopic = NonNullable<FetchGroup['topics']>[number];
type FetchedGroup = NonNullable<FetchResponse['groups']>[number];
type FetchedTopic = NonNullable<FetchedGroup['topics']>[number];
type FetchedPartition = NonNullable<FetchedTopic['partitions']>[number];

export function offsetCommit(broker: BrokerParts, context: RequestContext, request: OffsetCommitRequest): typeof LATER {
  const refusal = refuseAccess(context, request.groupId);
  const isById = context.version >= TOPIC_ID_VERSION;
  const asked = request.topics.filter((topic) => isAnswered(broker, topic, isById));
  const plans = asked.map((topic) => planCommit(broker, topic, isById));
  const topics = plans.flatMap(({ accepted }) => (accepted === undefined ? [] : [accepted]));
  if (refusal !== undefined || (topics.length === 0 && plans.length > 0)) {
    const answers =
      refusal === undefined ? plans.map((plan) => plan.answer(undefined, undefined)) : refuseAll(asked, refusal);
    context.reply({ topics: answers } satisfies CommitResponse);
    return LATER;
  }
  broker.groups.ask<CommitResponse>(
    request.groupId,
    (token) => ({ type: 'offset-commit', token, apiVersion: context.version, request: { ...request, topics } }),
    ({ error, body }) => {
      const results = (body?.topics ?? []).values();
      const answers = plans.map((plan) =>
        plan.answer(plan.accepted === undefined ? undefined : results.next().value, error),
      );
      context.reply({ topics: answers } satisfies CommitResponse);
    },
  );
  return LATER;
}

/** A topic without partitions is only told that it is not there. */
export function isAnswered(broker: BrokerParts, topic: CommitTopic, isById: boolean): boolean {
  return topic.partitions.length > 0 || topicOf(broker, topic, isById) === undefined;
}

function topicOf({ metadata: { image } }: BrokerParts, { name, topicId }: CommitTopic, isById: boolean) {
  return isById ? image.topicById(topicId) : image.topics.get(name);
}

/** One error for all partitions of a commit, also for those that do not exist. */
export function refuseAll(topics: readonly CommitTopic[], { code: errorCode }: KafkaErrorRow): CommittedTopic[] {
  return topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }));
}

export interface CommitPlan {
  /** What goes to the machine: partitions that exist. */
  readonly accepted: CommitTopic | undefined;
  /** The answer for this topic, given the machine's, or the error that stands for all partitions that exist. */
  answer(result: CommittedTopic | undefined, error: KafkaErrorRow | undefined): CommittedTopic;
}

/** @param isById whether the request names topics by their id */
export function planCommit(broker: BrokerParts, topic: CommitTopic, isById: boolean): CommitPlan {
  const found = topicOf(broker, topic, isById);
  const { name, topicId } = topic;
  const unknown = isById ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
  const isThere = (index: number) => found?.partitions[index] !== undefined;
  const partitions = topic.partitions.filter(({ partitionIndex }) => isThere(partitionIndex));
  return {
    accepted:
      found === undefined || partitions.length === 0
        ? undefined
        : { name: found.name, topicId: found.topicId, partitions },
    answer(result, error) {
      const codes = new Map(result?.partitions?.map((partition) => [partition.partitionIndex, partition.errorCode]));
      const partitions = topic.partitions.map(({ partitionIndex }) => {
        const missing = found === undefined ? unknown : Errors.UNKNOWN_TOPIC_OR_PARTITION;
        if (!isThere(partitionIndex)) return { partitionIndex, errorCode: missing.code };
        const errorCode = error?.code ?? codes.get(partitionIndex) ?? Errors.UNKNOWN_SERVER_ERROR.code;
        return { partitionIndex, errorCode };
      });
      return { name, topicId, partitions };
    },
  };
}

export async function offsetFetch(
  broker: BrokerParts,
  context: RequestContext,
  request: OffsetFetchRequest,
): Promise<FetchResponse> {
  if (context.version < FETCH_GROUPS_VERSION) return fetchOneGroup(broker, context, request);
  const groups = groupsOnce(request.groups).map((group) => fetchGroup(broker, context, request, group));
  return { groups: await Promise.all(groups) };
}

/** All offsets of a group are told once, however often they are asked for: they are many, and the question is short. */
function groupsOnce(groups: readonly FetchGroup[]): FetchGroup[] {
  const whole = new Set<string>();
  return groups.filter(({ groupId, topics }) => {
    const isNew = topics !== null || !whole.has(groupId);
    if (topics === null) whole.add(groupId);
    return isNew;
  });
}

async function fetchOneGroup(
  broker: BrokerParts,
  context: RequestContext,
  request: OffsetFetchRequest,
): Promise<FetchResponse> {
  const refusal = refuseAccess(context, request.groupId);
  const { error, body } =
    refusal !== undefined
      ? { error: refusal, body: undefined }
      : await askLater<FetchResponse>(broker, request.groupId, (token) => {
          const topicIds = idsOf(broker, request.topics);
          return { type: 'offset-fetch', token, apiVersion: context.version, request, topicIds };
        });
  if (error === undefined) return { ...body, topics: body!.topics?.filter((topic) => !isOfFormer(broker, topic)) };
  const topics = (request.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => noOffset(index, error)),
  }));
  return context.version >= 2 ? { topics, errorCode: error.code } : { topics };
}

async function fetchGroup(
  broker: BrokerParts,
  context: RequestContext,
  request: OffsetFetchRequest,
  group: FetchGroup,
): Promise<FetchedGroup> {
  const { groupId } = group;
  const refusal = refuseAccess(context, groupId);
  if (refusal !== undefined) return { groupId, errorCode: refusal.code };
  const isById = context.version >= TOPIC_ID_VERSION;
  const known = isById ? group.topics?.flatMap((topic) => nameTopic(broker, topic)) : group.topics;
  const groups = [{ ...group, topics: known ?? null }];
  const { error, body } = await askLater<FetchResponse>(broker, groupId, (token) => {
    const topicIds = isById ? undefined : idsOf(broker, group.topics);
    return { type: 'offset-fetch', token, apiVersion: context.version, request: { ...request, groups }, topicIds };
  });
  if (error !== undefined) return { groupId, errorCode: error.code };
  const [fetched] = body!.groups!;
  const answer = { ...fetched, topics: fetched.topics?.filter((topic) => !isOfFormer(broker, topic)) };
  return isById ? { ...answer, topics: withIds(broker, group, answer.topics ?? []) } : answer;
}

function idsOf(broker: BrokerParts, topics: readonly { readonly name: string }[] | null): ReadonlyMap<string, Uuid> {
  const ids = new Map<string, Uuid>();
  for (const { name } of topics ?? []) {
    const found = broker.metadata.image.topics.get(name);
    if (found !== undefined) ids.set(name, found.topicId);
  }
  return ids;
}

/** Committed for a topic that was deleted and made anew since; only an answer with all topics has such. */
function isOfFormer(broker: BrokerParts, { name, topicId = ZERO_UUID }: FetchedTopic): boolean {
  const present = broker.metadata.image.topics.get(name ?? '')?.topicId;
  return topicId !== ZERO_UUID && present !== undefined && present !== topicId;
}

function nameTopic(broker: BrokerParts, topic: FetchTopic): FetchTopic[] {
  const found = broker.metadata.image.topicById(topic.topicId);
  return found === undefined ? [] : [{ ...topic, name: found.name }];
}

/** The machine's topics with their present ids, in the order of the request; unknown ids with their error. */
function withIds(broker: BrokerParts, group: FetchGroup, fetched: readonly FetchedTopic[]): FetchedTopic[] {
  const { image } = broker.metadata;
  const identified = fetched.flatMap((topic) => {
    const found: TopicImage | undefined = image.topics.get(topic.name ?? '');
    return found === undefined ? [] : [{ ...topic, topicId: found.topicId }];
  });
  if (group.topics === null) return identified;
  const byId = new Map(identified.map((topic) => [topic.topicId, topic]));
  return group.topics.map(({ topicId, partitionIndexes }) => {
    const unknown = partitionIndexes.map((index) => noOffset(index, Errors.UNKNOWN_TOPIC_ID));
    return byId.get(topicId) ?? { name: '', topicId: topicId ?? ZERO_UUID, partitions: unknown };
  });
}

function noOffset(partitionIndex: number, error: KafkaErrorRow): FetchedPartition {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: error.code };
}
