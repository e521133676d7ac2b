/** Offsets of partitions: where logs begin and end, what lies at a time, and cutting them at the front. */
import { KafkaError } from '#core';
import { Apis, Errors, toKafkaError } from '#protocol';
import { TopicPartition, type TopicPartitionLike } from '#serde';
import type { TopicMetadata } from '../metadata.ts';
import { type AdminCallOptions, type AdminCalls, detailOf, type Outcome, outcomeOf } from './admin-calls.ts';
import type { ItemResults } from './item-results.ts';
import { askTopics } from './topics.ts';

/** A time is in milliseconds since 1970: the first record that is not older. */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | number;

export interface OffsetQuery extends TopicPartitionLike {
  spec: OffsetSpec;
}

export interface ListedOffset {
  /** -1: no record that young. */
  offset: number;
  /** -1 for earliest and latest. */
  timestamp: number;
  leaderEpoch: number | undefined;
}

export interface ListOffsetsOptions extends AdminCallOptions {
  isolationLevel?: 'read_uncommitted' | 'read_committed';
}

const SPECIAL_TIMESTAMPS = { latest: -1, earliest: -2, 'max-timestamp': -3 } as const;
/** A client that is not a replica. */
const NO_REPLICA = -1;
const ISOLATION_VERSION = 2;
/** From this version on `max-timestamp` can be asked for. @see KIP-734 */
const MAX_TIMESTAMP_VERSION = 7;

/** @returns by `topic-partition` */
export function listOffsets(
  calls: AdminCalls,
  queries: readonly OffsetQuery[],
  options: ListOffsetsOptions,
): Promise<ItemResults<ListedOffset>> {
  return calls.settleAll(queries, partitionName, calls.deadlineOf(options), (open, timeoutMs) =>
    eachLeader(calls, open, timeoutMs, async (leaderId, group) => {
      const body = (version: number) => {
        if (version < MAX_TIMESTAMP_VERSION && group.some((one) => one.spec === 'max-timestamp')) {
          throw toKafkaError(Errors.UNSUPPORTED_VERSION.code, 'the broker is too old for max-timestamp');
        }
        const partitions = (one: OffsetQuery) => ({ partitionIndex: one.partition, timestamp: timestampOf(one.spec) });
        const isolationLevel = options.isolationLevel === 'read_committed' ? 1 : 0;
        return {
          replicaId: NO_REPLICA,
          ...(version >= ISOLATION_VERSION ? { isolationLevel } : {}),
          topics: byTopic(group, partitions),
          timeoutMs,
        };
      };
      const { topics } = await calls.cluster.request(leaderId, Apis.ListOffsets, body, { timeoutMs });
      return topics.flatMap(({ name, partitions }) =>
        partitions.map((one): [string, Outcome<ListedOffset>] => {
          const key = partitionName({ topic: name, partition: one.partitionIndex });
          const leaderEpoch = one.leaderEpoch < 0 ? undefined : one.leaderEpoch;
          return [
            key,
            outcomeOf(one.errorCode, detailOf(key), () => ({
              offset: one.offset,
              timestamp: one.timestamp,
              leaderEpoch,
            })),
          ];
        }),
      );
    }),
  );
}

/**
 * Deletes the records below `beforeOffset` (-1: all).
 *
 * @returns by `topic-partition`, the first offset that is left
 */
export function deleteRecords(
  calls: AdminCalls,
  cuts: readonly (TopicPartitionLike & { beforeOffset: number })[],
  options: AdminCallOptions,
): Promise<ItemResults<{ lowWatermark: number }>> {
  return calls.settleAll(cuts, partitionName, calls.deadlineOf(options), (open, timeoutMs) =>
    eachLeader(calls, open, timeoutMs, async (leaderId, group) => {
      const topics = byTopic(group, (cut) => ({ partitionIndex: cut.partition, offset: cut.beforeOffset }));
      const response = await calls.cluster.request(leaderId, Apis.DeleteRecords, { topics, timeoutMs }, { timeoutMs });
      return response.topics.flatMap(({ name, partitions }) =>
        partitions.map((one): [string, Outcome<{ lowWatermark: number }>] => {
          const key = partitionName({ topic: name, partition: one.partitionIndex });
          return [key, outcomeOf(one.errorCode, detailOf(key), () => ({ lowWatermark: one.lowWatermark }))];
        }),
      );
    }),
  );
}

/** The name of a partition in results: `orders-0`. */
export function partitionName({ topic, partition }: TopicPartitionLike): string {
  return new TopicPartition(topic, partition).toString();
}

/** Groups partitions by topic, as requests want them. */
export function byTopic<I extends TopicPartitionLike, P>(items: readonly I[], partitionOf: (item: I) => P) {
  const topics = new Map<string, P[]>();
  for (const item of items) topics.set(item.topic, [...(topics.get(item.topic) ?? []), partitionOf(item)]);
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}

async function eachLeader<I extends TopicPartitionLike, T>(
  calls: AdminCalls,
  items: readonly I[],
  timeoutMs: number,
  ask: (leaderId: number, group: I[]) => Promise<[string, Outcome<T>][]>,
): Promise<Map<string, Outcome<T>>> {
  await calls.untilFound(timeoutMs);
  const topics = await askTopics(calls, [...new Set(items.map((item) => item.topic))], timeoutMs);
  const groups = new Map<number, I[]>();
  const outcomes = new Map<string, Outcome<T>>();
  for (const item of items) {
    const leaderId = leaderOf(item, topics.get(item.topic));
    if (typeof leaderId === 'number') groups.set(leaderId, [...(groups.get(leaderId) ?? []), item]);
    else outcomes.set(partitionName(item), { error: leaderId });
  }
  const asked = [...groups].map(([leaderId, group]) =>
    ask(leaderId, group).catch((error): [string, Outcome<T>][] => {
      if (!(error instanceof KafkaError)) throw error;
      return group.map((item) => [partitionName(item), { error }]);
    }),
  );
  for (const [name, outcome] of (await Promise.all(asked)).flat()) outcomes.set(name, outcome);
  return outcomes;
}

function leaderOf(item: TopicPartitionLike, topic: TopicMetadata | undefined): number | KafkaError {
  const code = topic?.errorCode ?? Errors.UNKNOWN_TOPIC_OR_PARTITION.code;
  if (code !== Errors.NONE.code) return toKafkaError(code, partitionName(item));
  const partition = topic?.partitions[item.partition];
  if (partition === undefined) return toKafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION.code, partitionName(item));
  if (partition.leaderId < 0) return toKafkaError(Errors.LEADER_NOT_AVAILABLE.code, partitionName(item));
  return partition.leaderId;
}

function timestampOf(spec: OffsetSpec): number {
  return typeof spec === 'number' ? spec : SPECIAL_TIMESTAMPS[spec];
}
