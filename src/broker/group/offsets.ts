/**
 * OffsetCommit, TxnOffsetCommit, OffsetFetch and OffsetDelete.
 *
 *     commit from                      group                             answer
 *     a member, right generation       Stable, PreparingRebalance        taken (members commit before they rejoin)
 *     a member, right generation       CompletingRebalance               REBALANCE_IN_PROGRESS
 *     a member, other generation       any                               ILLEGAL_GENERATION
 *     nobody (generation -1, no id)    Empty or unknown                  taken (simple consumers, admin tools); makes the group
 *     nobody                           has members                       UNKNOWN_MEMBER_ID
 *     anybody                          of the consumer protocol          see consumer/offset-access.ts
 *     a member                         unknown                           GROUP_ID_NOT_FOUND (v9+), else ILLEGAL_GENERATION
 *
 * Commits of a transaction are judged likewise, but that one from nobody is always taken (old producers name no member), one of a member
 * also in CompletingRebalance, and an unknown group is GROUP_ID_NOT_FOUND from version 6 on. Until the transaction is decided, readers that require stable
 * offsets are sent away with UNSTABLE_OFFSET_COMMIT. @see KIP-447
 *
 * Topics come with name and id, as far as the handler knows them, and are answered with both. An offset that was committed for a topic that
 * has since been deleted and made anew (another id) does not count.
 */
import { type Uuid, ZERO_UUID } from '#core';
import {
  type Draft,
  Errors,
  type KafkaErrorRow,
  type OffsetCommitResponse,
  type OffsetDeleteResponse,
  type OffsetFetchResponse,
  type TxnOffsetCommitResponse,
} from '#protocol';
import type { CoordinatorRecord } from '../coordination/machine.ts';
import type { Turn } from '../coordination/turn.ts';
import { type OffsetWriter, refuseConsumerCommit, refuseConsumerFetch } from './consumer/offset-access.ts';
import type { Coordinator, Group } from './coordinator.ts';
import type { OffsetCommitEvent, OffsetDeleteEvent, OffsetFetchEvent, TxnOffsetCommitEvent } from './events.ts';
import type { CommittedOffset } from './offset-table.ts';
import { touch } from './rebalance.ts';
import { offsetRecord, offsetTombstone } from './records.ts';

type CommitTopic = OffsetCommitEvent['request']['topics'][number];
/** What both kinds of commit have in common. */
type Commit = Pick<OffsetCommitEvent['request'], 'groupId'> & { readonly topics: readonly CommitTopic[] };
type FetchGroup = OffsetFetchEvent['request']['groups'][number];
type FetchTopic = NonNullable<FetchGroup['topics']>[number];
type FetchBody = Draft<typeof OffsetFetchResponse>;
type FetchedTopic = NonNullable<NonNullable<FetchBody['groups']>[number]['topics']>[number];

/** The version from which a commit to an unknown group is told so. */
const GROUP_NOT_FOUND_VERSION = 9;
/** The same of TxnOffsetCommit. */
const TXN_GROUP_NOT_FOUND_VERSION = 6;
/** The version from which one OffsetFetch asks for several groups. @see KIP-709 */
const FETCH_GROUPS_VERSION = 8;

/** Answers OffsetCommit. */
export function commitOffsets(coordinator: Coordinator, event: OffsetCommitEvent, turn: Turn): void {
  const { request } = event;
  const group = coordinator.groups.get(request.groupId);
  const refusal = refuseCommit(group, event);
  if (refusal !== undefined) {
    turn.reply(
      event.token,
      commitReply(request.topics, () => refusal),
    );
    return;
  }
  const member = group?.type === 'classic' ? group.members.get(request.memberId) : undefined;
  if (member !== undefined) touch(coordinator, member, turn);
  const { retentionTimeMs } = request;
  const expireTimestamp = Math.min(turn.now.wallMs + retentionTimeMs, Number.MAX_SAFE_INTEGER);
  turn.reply(event.token, proposeCommit(coordinator, request, retentionTimeMs < 0 ? -1 : expireTimestamp, turn));
}

/** Answers TxnOffsetCommit. */
export function commitTransactionalOffsets(coordinator: Coordinator, event: TxnOffsetCommitEvent, turn: Turn): void {
  const { request } = event;
  const { producerId, producerEpoch } = request;
  const refusal = refuseTransactionalCommit(coordinator.groups.get(request.groupId), event);
  const body: Draft<typeof TxnOffsetCommitResponse> =
    refusal === undefined ? proposeCommit(coordinator, request, -1, turn) : commitReply(request.topics, () => refusal);
  turn.producer = { producerId, producerEpoch };
  turn.reply(event.token, body);
}

/** Proposes records for the offsets whose metadata is not too long. */
function proposeCommit(coordinator: Coordinator, commit: Commit, expireTimestampMs: number, turn: Turn) {
  const { offsetMetadataBytesMax } = coordinator.settings;
  const isTooLong = (metadata: string | null) => metadata !== null && metadata.length > offsetMetadataBytesMax;
  if (!turn.propose(commitRecords(commit, isTooLong, turn.now.wallMs, expireTimestampMs)))
    return commitReply(commit.topics, () => Errors.INVALID_COMMIT_OFFSET_SIZE);
  const errorOf = (metadata: string | null) => (isTooLong(metadata) ? Errors.OFFSET_METADATA_TOO_LARGE : Errors.NONE);
  return commitReply(commit.topics, errorOf);
}

/** Answers OffsetFetch: one group up to v7, several from v8 on. Null topics = all there are. */
export function fetchOffsets(coordinator: Coordinator, event: OffsetFetchEvent, turn: Turn): void {
  const { request, apiVersion } = event;
  const withId = <Topic extends { name: string; topicId?: Uuid }>(topic: Topic) => {
    const { topicId = ZERO_UUID } = topic;
    return { ...topic, topicId: topicId === ZERO_UUID ? (event.topicIds?.get(topic.name) ?? ZERO_UUID) : topicId };
  };
  if (apiVersion >= FETCH_GROUPS_VERSION) {
    const groups = request.groups.map(({ groupId, memberId, memberEpoch, topics }) => {
      const refusal = refuseFetch(coordinator.groups.get(groupId), memberId, memberEpoch);
      if (refusal !== undefined) return { groupId, topics: [], errorCode: refusal.code };
      const fetched = fetchGroup(coordinator, groupId, topics?.map(withId) ?? null, request.requireStable);
      return { groupId, topics: fetched, errorCode: 0 };
    });
    turn.reply(event.token, { groups } satisfies FetchBody);
  } else {
    const topics = request.topics?.map(withId) ?? null;
    const fetched = fetchGroup(coordinator, request.groupId, topics, request.requireStable);
    turn.reply(event.token, { topics: fetched, errorCode: 0 } satisfies FetchBody);
  }
}

/** Answers OffsetDelete: offsets of topics that no member reads. @see KIP-496 */
export function deleteOffsets(coordinator: Coordinator, event: OffsetDeleteEvent, turn: Turn): void {
  const { groupId, topics } = event.request;
  const group = coordinator.groups.get(groupId);
  const refusal = refuseDelete(group);
  if (group === undefined || refusal !== undefined) {
    const errorCode = (refusal ?? Errors.GROUP_ID_NOT_FOUND).code;
    turn.reply(event.token, { errorCode } satisfies Draft<typeof OffsetDeleteResponse>);
    return;
  }
  const results = topics.map(({ name, partitions }) => {
    const error = group.isSubscribedTo(name) ? Errors.GROUP_SUBSCRIBED_TO_TOPIC : Errors.NONE;
    const results = partitions.map(({ partitionIndex }) => {
      const isThere =
        coordinator.offsets.get(groupId, name, partitionIndex) !== undefined ||
        coordinator.pendingOffsets.has(groupId, name, partitionIndex);
      const mustWrite = error === Errors.NONE && isThere;
      const isWritten = !mustWrite || turn.propose([offsetTombstone(groupId, name, partitionIndex)]);
      return { partitionIndex, errorCode: (isWritten ? error : Errors.COORDINATOR_NOT_AVAILABLE).code };
    });
    return { name, partitions: results };
  });
  turn.reply(event.token, { errorCode: 0, topics: results } satisfies Draft<typeof OffsetDeleteResponse>);
}

function refuseCommit(group: Group | undefined, event: OffsetCommitEvent): KafkaErrorRow | undefined {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = event.request;
  if (group === undefined) {
    if (generationId < 0) return undefined;
    return event.apiVersion >= GROUP_NOT_FOUND_VERSION ? Errors.GROUP_ID_NOT_FOUND : Errors.ILLEGAL_GENERATION;
  }
  if (group.type === 'consumer') return refuseConsumerCommit(group, writerOf(event), partitionsOf(event));
  if (group.state === 'Empty' && generationId < 0) return undefined;
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    return group.state === 'Empty' ? undefined : Errors.UNKNOWN_MEMBER_ID;
  }
  const refusal = group.refuse(memberId, groupInstanceId);
  if (refusal !== undefined) return refusal;
  if (generationId !== group.generationId) return Errors.ILLEGAL_GENERATION;
  return group.state === 'CompletingRebalance' ? Errors.REBALANCE_IN_PROGRESS : undefined;
}

function refuseTransactionalCommit(group: Group | undefined, event: TxnOffsetCommitEvent): KafkaErrorRow | undefined {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = event.request;
  if (group === undefined) {
    const error =
      event.apiVersion >= TXN_GROUP_NOT_FOUND_VERSION ? Errors.GROUP_ID_NOT_FOUND : Errors.ILLEGAL_GENERATION;
    return generationId < 0 ? undefined : error;
  }
  if (group.type === 'consumer') {
    const refusal = refuseConsumerCommit(group, writerOf(event), partitionsOf(event));
    return refusal === Errors.STALE_MEMBER_EPOCH ? Errors.ILLEGAL_GENERATION : refusal;
  }
  if (generationId < 0 && (group.state === 'Empty' || (memberId === '' && groupInstanceId === null))) return undefined;
  const refusal = group.refuse(memberId, groupInstanceId);
  if (refusal !== undefined) return refusal;
  return generationId === group.generationId ? undefined : Errors.ILLEGAL_GENERATION;
}

function writerOf(event: OffsetCommitEvent | TxnOffsetCommitEvent): OffsetWriter {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: memberEpoch } = event.request;
  const apiVersion = event.type === 'offset-commit' ? event.apiVersion : undefined;
  return { memberId, groupInstanceId, memberEpoch, apiVersion };
}

function* partitionsOf({ request }: OffsetCommitEvent | TxnOffsetCommitEvent) {
  for (const { topicId, partitions } of request.topics)
    for (const { partitionIndex } of partitions) yield { topicId, partition: partitionIndex };
}

function refuseFetch(
  group: Group | undefined,
  memberId: string | null,
  memberEpoch: number,
): KafkaErrorRow | undefined {
  return group?.type === 'consumer' ? refuseConsumerFetch(group, memberId, memberEpoch) : undefined;
}

function refuseDelete(group: Group | undefined): KafkaErrorRow | undefined {
  if (group === undefined) return Errors.GROUP_ID_NOT_FOUND;
  if (group.type === 'consumer') return undefined;
  return group.state !== 'Empty' && !group.isConsumer ? Errors.NON_EMPTY_GROUP : undefined;
}

function* commitRecords(
  { groupId, topics }: Commit,
  isTooLong: (metadata: string | null) => boolean,
  commitTimestampMs: number,
  expireTimestampMs: number,
): Generator<CoordinatorRecord> {
  for (const { name, topicId, partitions } of topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } of partitions) {
      if (isTooLong(committedMetadata)) continue;
      yield offsetRecord(groupId, name, partitionIndex, {
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata ?? '',
        commitTimestampMs,
        expireTimestampMs,
        topicId,
      });
    }
  }
}

function commitReply(
  topics: readonly CommitTopic[],
  errorOf: (metadata: string | null) => KafkaErrorRow,
): Draft<typeof OffsetCommitResponse> & Draft<typeof TxnOffsetCommitResponse> {
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex, committedMetadata }) => ({
        partitionIndex,
        errorCode: errorOf(committedMetadata).code,
      })),
    })),
  };
}

function fetchGroup(
  { offsets, pendingOffsets }: Coordinator,
  groupId: string,
  topics: readonly FetchTopic[] | null,
  requireStable: boolean,
): FetchedTopic[] {
  const fetched = (topic: string, partition: number, committed: CommittedOffset | undefined) =>
    requireStable && pendingOffsets.has(groupId, topic, partition)
      ? { ...fetchedPartition(partition, undefined), errorCode: Errors.UNSTABLE_OFFSET_COMMIT.code }
      : fetchedPartition(partition, committed);
  if (topics === null) {
    return [...offsets.topics(groupId)].map(([name, byPartition]) => ({
      name,
      topicId: [...byPartition.values()].at(-1)?.topicId ?? ZERO_UUID,
      partitions: [...byPartition].map(([partition, committed]) => fetched(name, partition, committed)),
    }));
  }
  return topics.map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partition) => {
      const committed = offsets.get(groupId, name, partition);
      return fetched(name, partition, isOfTopic(committed, topicId) ? committed : undefined);
    }),
  }));
}

/** A zero id on either side says nothing. */
function isOfTopic(committed: CommittedOffset | undefined, topicId: string): boolean {
  if (committed === undefined || committed.topicId === ZERO_UUID || topicId === ZERO_UUID) return true;
  return committed.topicId === topicId;
}

/** "Nothing committed" is offset -1 without an error. */
function fetchedPartition(partitionIndex: number, committed: CommittedOffset | undefined) {
  return {
    partitionIndex,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? '',
    errorCode: 0,
  };
}
