/**
 * OffsetCommit and OffsetFetch as data: requests built, answers judged ◇. Topics are named, not numbered: version 9 is
 * the last that does so, and every broker in service knows it.
 */
import { KafkaError } from '#core';
import {
  type Draft,
  Errors,
  errorByCode,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  toKafkaError,
} from '#protocol';
import { OffsetAndMetadata, PartitionMap, type TopicPartition, type TopicPartitionLike } from '#serde';

/** Highest version used of both APIs. */
export const NAMED_OFFSETS_VERSION = 9;

export interface Committer {
  readonly groupId: string;
  /** -1 with an empty member id: commits from outside the group. */
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export function commitRequest(
  committer: Committer,
  offsets: PartitionMap<OffsetAndMetadata>,
  version: number,
): Draft<typeof OffsetCommitRequest> {
  const { groupId, generationId, memberId, groupInstanceId } = committer;
  const topics = groupByTopic(offsets).map(([name, partitions]) => ({
    name,
    partitions: partitions.map(([{ partition }, { offset, leaderEpoch, metadata }]) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch ?? -1,
      committedMetadata: metadata,
    })),
  }));
  const request = { groupId, generationIdOrMemberEpoch: generationId, memberId, topics };
  return version >= STATIC_MEMBERS_VERSION ? { ...request, groupInstanceId } : request;
}

const STATIC_MEMBERS_VERSION = 7;

/**
 * | verdict     | means                                                        |
 * |-------------|--------------------------------------------------------------|
 * | done        | committed                                                    |
 * | retry       | the coordinator was not ready, or has moved                  |
 * | rebalance   | the group is rebalancing: poll first, then commit again       |
 * | failed      | this member is none any more: others own its partitions       |
 * | refused     | the offsets cannot be committed as they are, or not by us     |
 */
export interface CommitVerdict {
  readonly type: 'done' | 'retry' | 'rebalance' | 'failed' | 'refused';
  readonly errorCode: number;
  /** The first partition that had the error. */
  readonly partition: string;
}

const VERDICTS = new Map<number, CommitVerdict['type']>([
  [Errors.COORDINATOR_LOAD_IN_PROGRESS.code, 'retry'],
  [Errors.COORDINATOR_NOT_AVAILABLE.code, 'retry'],
  [Errors.NOT_COORDINATOR.code, 'retry'],
  [Errors.REQUEST_TIMED_OUT.code, 'retry'],
  [Errors.UNKNOWN_TOPIC_OR_PARTITION.code, 'retry'],
  [Errors.REBALANCE_IN_PROGRESS.code, 'rebalance'],
  [Errors.UNKNOWN_MEMBER_ID.code, 'failed'],
  [Errors.ILLEGAL_GENERATION.code, 'failed'],
  [Errors.GROUP_ID_NOT_FOUND.code, 'failed'],
  [Errors.FENCED_INSTANCE_ID.code, 'failed'],
]);

/** One verdict for the whole commit: the worst of its partitions. */
export function judgeCommit(response: OffsetCommitResponse): CommitVerdict {
  let worst: CommitVerdict = { type: 'done', errorCode: 0, partition: '' };
  for (const topic of response.topics) {
    for (const { partitionIndex, errorCode } of topic.partitions) {
      if (errorCode === Errors.NONE.code) continue;
      const type = VERDICTS.get(errorCode) ?? 'refused';
      if (SEVERITY.indexOf(type) > SEVERITY.indexOf(worst.type)) {
        worst = { type, errorCode, partition: `${topic.name}-${partitionIndex}` };
      }
    }
  }
  return worst;
}

const SEVERITY: readonly CommitVerdict['type'][] = ['done', 'retry', 'refused', 'rebalance', 'failed'];

/** The error for the application. */
export function commitError({ type, errorCode, partition }: CommitVerdict): KafkaError {
  const { name } = errorByCode(errorCode);
  if (type === 'failed') return commitFailed(`${name} was the answer`, errorCode);
  if (type === 'rebalance') return rebalanceInProgress(errorCode);
  return toKafkaError(errorCode, `committing the offset of ${partition}`);
}

export function commitFailed(why: string, errorCode?: number): KafkaError {
  return new KafkaError(
    'COMMIT_FAILED',
    `The offsets cannot be committed, because this consumer is no longer a member of its group (${why}): the group has given its partitions to others, who ` +
      'will read the uncommitted records again. Most often poll was not called for longer than max.poll.interval.ms, or the event loop stood still for longer than ' +
      'session.timeout.ms: raise them, or lower max.poll.records. The next poll joins the group again.',
    { errorCode },
  );
}

export function rebalanceInProgress(errorCode = Errors.REBALANCE_IN_PROGRESS.code): KafkaError {
  return new KafkaError(
    'REBALANCE_IN_PROGRESS',
    'The offsets cannot be committed while the group rebalances. Call poll() to let it finish; what is still assigned then can be committed.',
    { retriable: false, errorCode },
  );
}

/** First version that asks for several groups at once. @see KIP-709 */
const GROUPS_VERSION = 8;
/** First version that can wait for open transactions. @see KIP-447 */
const REQUIRE_STABLE_VERSION = 7;

export function offsetFetchRequest(
  groupId: string,
  partitions: readonly TopicPartitionLike[],
  version: number,
): Draft<typeof OffsetFetchRequest> {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  const wanted = Array.from(topics, ([name, partitionIndexes]) => ({ name, partitionIndexes }));
  if (version >= GROUPS_VERSION) return { groups: [{ groupId, topics: wanted }], requireStable: true };
  return { groupId, topics: wanted, ...(version >= REQUIRE_STABLE_VERSION ? { requireStable: true } : {}) };
}

/** Committed offsets; partitions without one are missing. */
export type CommittedOffsets = PartitionMap<OffsetAndMetadata>;

/** @throws KafkaError the first error found; retriable while the coordinator is not ready or a transaction is pending */
export function readCommitted(groupId: string, response: OffsetFetchResponse): CommittedOffsets {
  const group = response.groups.find((one) => one.groupId === groupId) ?? response;
  throwIfError(group.errorCode, `offsets of group '${groupId}'`);
  const offsets: CommittedOffsets = new PartitionMap();
  for (const topic of group.topics) {
    for (const partition of topic.partitions) {
      const at = { topic: topic.name, partition: partition.partitionIndex };
      throwIfError(partition.errorCode, `offset of ${at.topic}-${at.partition} in group '${groupId}'`);
      if (partition.committedOffset < 0) continue;
      const leaderEpoch = partition.committedLeaderEpoch < 0 ? undefined : partition.committedLeaderEpoch;
      offsets.set(at, new OffsetAndMetadata(partition.committedOffset, partition.metadata ?? '', leaderEpoch));
    }
  }
  return offsets;
}

function throwIfError(errorCode: number, detail: string): void {
  if (errorCode !== Errors.NONE.code) throw toKafkaError(errorCode, detail);
}

function groupByTopic<X>(map: PartitionMap<X>): [string, [TopicPartition, X][]][] {
  const topics = new Map<string, [TopicPartition, X][]>();
  for (const entry of map) {
    const entries = topics.get(entry[0].topic);
    if (entries === undefined) topics.set(entry[0].topic, [entry]);
    else entries.push(entry);
  }
  return [...topics];
}
