/** Topics: create, delete, grow, list, describe. */
import { ZERO_UUID } from '#core';
import { Apis } from '#protocol';
import { applyMetadata, NO_METADATA, type TopicMetadata } from '../metadata.ts';
import { type AdminCallOptions, type AdminCalls, detailOf, type Outcome, outcomeOf } from './admin-calls.ts';
import type { ItemResults } from './item-results.ts';

export interface NewTopic {
  name: string;
  /** Default: the broker's `num.partitions`. */
  numPartitions?: number;
  /** Default: the broker's `default.replication.factor`. */
  replicationFactor?: number;
  /** Brokers of each partition's replicas, instead of the two above. */
  replicasAssignments?: ReadonlyMap<number, readonly number[]>;
  configs?: Readonly<Record<string, string | number | boolean>>;
}

/** What was created; -1 where the broker is too old to say. */
export interface CreatedTopic {
  name: string;
  topicId: string;
  numPartitions: number;
  replicationFactor: number;
}

export interface TopicListing {
  name: string;
  topicId: string;
  isInternal: boolean;
}

export interface ValidateOptions extends AdminCallOptions {
  /** Check everything, change nothing. */
  validateOnly?: boolean;
}

/** From this version on topics may have the broker's defaults. @see KIP-464 */
const CREATE_DEFAULTS_VERSION = 4;
/** From this version on topics may be deleted by id, and are named in another form. */
const DELETE_BY_ID_VERSION = 6;

export function createTopics(
  calls: AdminCalls,
  topics: readonly NewTopic[],
  options: ValidateOptions,
): Promise<ItemResults<CreatedTopic>> {
  return calls.settleAll(
    topics,
    (topic) => topic.name,
    calls.deadlineOf(options),
    async (open, timeoutMs) => {
      const body = (version: number) => ({
        topics: open.map((topic) => creation(topic, version)),
        timeoutMs,
        validateOnly: options.validateOnly ?? false,
      });
      const response = await calls.cluster.request('controller', Apis.CreateTopics, body, { timeoutMs });
      return new Map(
        response.topics.map(({ name, topicId, numPartitions, replicationFactor, errorCode, errorMessage }) => {
          const created = () => ({ name, topicId, numPartitions, replicationFactor });
          return [name, outcomeOf(errorCode, detailOf(name, errorMessage), created)];
        }),
      );
    },
  );
}

export function deleteTopics(
  calls: AdminCalls,
  names: readonly string[],
  options: AdminCallOptions,
): Promise<ItemResults<void>> {
  return calls.settleAll(
    names,
    (name) => name,
    calls.deadlineOf(options),
    async (open, timeoutMs) => {
      const body = (version: number) =>
        version >= DELETE_BY_ID_VERSION
          ? { topics: open.map((name) => ({ name })), timeoutMs }
          : { topicNames: open, timeoutMs };
      const response = await calls.cluster.request('controller', Apis.DeleteTopics, body, { timeoutMs });
      return new Map(
        response.responses.map(({ name, errorCode, errorMessage }) => {
          return [name ?? '', outcomeOf(errorCode, detailOf(name ?? '', errorMessage), () => undefined)];
        }),
      );
    },
  );
}

/** @param counts new total number of partitions, by topic */
export function createPartitions(
  calls: AdminCalls,
  counts: Readonly<Record<string, number>>,
  options: ValidateOptions,
): Promise<ItemResults<void>> {
  return calls.settleAll(
    Object.keys(counts),
    (name) => name,
    calls.deadlineOf(options),
    async (open, timeoutMs) => {
      const body = {
        topics: open.map((name) => ({ name, count: counts[name], assignments: null })),
        timeoutMs,
        validateOnly: options.validateOnly ?? false,
      };
      const response = await calls.cluster.request('controller', Apis.CreatePartitions, body, { timeoutMs });
      return new Map(
        response.results.map(({ name, errorCode, errorMessage }) => {
          return [name, outcomeOf(errorCode, detailOf(name, errorMessage), () => undefined)];
        }),
      );
    },
  );
}

export async function listTopics(
  calls: AdminCalls,
  options: AdminCallOptions & { listInternal?: boolean },
): Promise<TopicListing[]> {
  const topics = await calls.untilDone(calls.deadlineOf(options), (timeoutMs) => askTopics(calls, null, timeoutMs));
  return [...topics.values()]
    .filter((topic) => topic.errorCode === 0 && (options.listInternal === true || !topic.isInternal))
    .map(({ name, topicId, isInternal }) => ({ name, topicId, isInternal }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function describeTopics(
  calls: AdminCalls,
  names: readonly string[],
  options: AdminCallOptions,
): Promise<ItemResults<TopicMetadata>> {
  return calls.settleAll(
    names,
    (name) => name,
    calls.deadlineOf(options),
    async (open, timeoutMs) => {
      const topics = await askTopics(calls, open, timeoutMs);
      const outcomes = new Map<string, Outcome<TopicMetadata>>();
      for (const topic of topics.values()) {
        outcomes.set(
          topic.name,
          outcomeOf(topic.errorCode, detailOf(topic.name), () => topic),
        );
      }
      return outcomes;
    },
  );
}

/** Metadata of these topics (null: all) as a broker sees it now; never creates any. */
export async function askTopics(
  calls: AdminCalls,
  names: readonly string[] | null,
  timeoutMs: number,
): Promise<ReadonlyMap<string, TopicMetadata>> {
  const topics = names?.map((name) => ({ topicId: ZERO_UUID, name })) ?? null;
  const body = (version: number) => (version >= 4 ? { topics, allowAutoTopicCreation: false } : { topics });
  const response = await calls.cluster.request('any', Apis.Metadata, body, { timeoutMs });
  return applyMetadata(NO_METADATA, response, () => false).topics;
}

function creation(topic: NewTopic, version: number) {
  const assignments = [...(topic.replicasAssignments ?? [])].map(([partitionIndex, brokerIds]) => ({
    partitionIndex,
    brokerIds: [...brokerIds],
  }));
  // Before KIP-464 a number had to be named.
  const unset = version >= CREATE_DEFAULTS_VERSION || assignments.length > 0 ? -1 : 1;
  return {
    name: topic.name,
    numPartitions: topic.numPartitions ?? unset,
    replicationFactor: topic.replicationFactor ?? unset,
    assignments,
    configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value: String(value) })),
  };
}
