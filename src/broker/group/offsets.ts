/**
 * OffsetCommit, OffsetFetch and OffsetDelete.
 *
 *     commit from                      group                             answer
 *     a member, right generation       Stable, PreparingRebalance        taken (members commit before they rejoin)
 *     a member, right generation       CompletingRebalance               REBALANCE_IN_PROGRESS
 *     a member, other generation       any                               ILLEGAL_GENERATION
 *     nobody (generation -1, no id)    Empty or unknown                  taken (simple consumers, admin tools); makes the group
 *     nobody                           has members                       UNKNOWN_MEMBER_ID
 *     a member                         unknown                           GROUP_ID_NOT_FOUND (v9+), else ILLEGAL_GENERATION
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
} from '#protocol';
import type { ClassicGroup } from './classic-group.ts';
import type { CoordinatorRecord, OffsetCommitEvent, OffsetDeleteEvent, OffsetFetchEvent } from './events.ts';
import type { CommittedOffset } from './offset-table.ts';
import { type Coordinator, touch } from './rebalance.ts';
import { offsetRecord, offsetTombstone } from './records.ts';
import type { Turn } from './turn.ts';

type CommitTopic = OffsetCommitEvent['request']['topics'][number];
type FetchGroup = OffsetFetchEvent['request']['groups'][number];
type FetchTopic = NonNullable<FetchGroup['topics']>[number];
type FetchBody = Draft<typeof OffsetFetchResponse>;
type FetchedTopic = NonNullable<NonNullable<FetchBody['groups']>[number]['topics']>[number];

/** The version from which a commit to an unknown group is told so. */
const GROUP_NOT_FOUND_VERSION = 9;
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
  const member = group?.members.get(request.memberId);
  if (member !== undefined) touch(coordinator, member, turn);
  const { offsetMetadataBytesMax } = coordinator.settings;
  const isTooLong = (metadata: string | null) =>
    metadata !== null && Buffer.byteLength(metadata) > offsetMetadataBytesMax;
  if (!turn.propose(commitRecords(event, isTooLong, turn.now.wallMs))) {
    turn.reply(
      event.token,
      commitReply(request.topics, () => Errors.INVALID_COMMIT_OFFSET_SIZE),
    );
    return;
  }
  const errorOf = (metadata: string | null) => (isTooLong(metadata) ? Errors.OFFSET_METADATA_TOO_LARGE : Errors.NONE);
  turn.reply(event.token, commitReply(request.topics, errorOf));
}

/** Answers OffsetFetch: one group up to v7, several from v8 on. Null topics = all there are. */
export function fetchOffsets(coordinator: Coordinator, event: OffsetFetchEvent, turn: Turn): void {
  const { request, apiVersion } = event;
  const withId = <Topic extends { name: string; topicId?: Uuid }>(topic: Topic) => {
    const { topicId = ZERO_UUID } = topic;
    return { ...topic, topicId: topicId === ZERO_UUID ? (event.topicIds?.get(topic.name) ?? ZERO_UUID) : topicId };
  };
  if (apiVersion >= FETCH_GROUPS_VERSION) {
    const groups = request.groups.map(({ groupId, topics }) => ({
      groupId,
      topics: fetchGroup(coordinator, groupId, topics?.map(withId) ?? null),
      errorCode: 0,
    }));
    turn.reply(event.token, { groups } satisfies FetchBody);
  } else {
    const topics = request.topics?.map(withId) ?? null;
    const body: FetchBody = { topics: fetchGroup(coordinator, request.groupId, topics), errorCode: 0 };
    turn.reply(event.token, body);
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
      const isThere = coordinator.offsets.get(groupId, name, partitionIndex) !== undefined;
      const mustWrite = error === Errors.NONE && isThere;
      const isWritten = !mustWrite || turn.propose([offsetTombstone(groupId, name, partitionIndex)]);
      return { partitionIndex, errorCode: (isWritten ? error : Errors.COORDINATOR_NOT_AVAILABLE).code };
    });
    return { name, partitions: results };
  });
  turn.reply(event.token, { errorCode: 0, topics: results } satisfies Draft<typeof OffsetDeleteResponse>);
}

function refuseCommit(group: ClassicGroup | undefined, event: OffsetCommitEvent): KafkaErrorRow | undefined {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId } = event.request;
  if (group === undefined) {
    if (generationId < 0) return undefined;
    return event.apiVersion >= GROUP_NOT_FOUND_VERSION ? Errors.GROUP_ID_NOT_FOUND : Errors.ILLEGAL_GENERATION;
  }
  if (group.state === 'Empty' && generationId < 0) return undefined;
  if (generationId < 0 && memberId === '' && groupInstanceId === null) {
    return group.state === 'Empty' ? undefined : Errors.UNKNOWN_MEMBER_ID;
  }
  const refusal = group.refuse(memberId, groupInstanceId);
  if (refusal !== undefined) return refusal;
  if (generationId !== group.generationId) return Errors.ILLEGAL_GENERATION;
  return group.state === 'CompletingRebalance' ? Errors.REBALANCE_IN_PROGRESS : undefined;
}

function refuseDelete(group: ClassicGroup | undefined): KafkaErrorRow | undefined {
  if (group === undefined) return Errors.GROUP_ID_NOT_FOUND;
  return group.state !== 'Empty' && !group.isConsumer ? Errors.NON_EMPTY_GROUP : undefined;
}

function* commitRecords(
  event: OffsetCommitEvent,
  isTooLong: (metadata: string | null) => boolean,
  wallMs: number,
): Generator<CoordinatorRecord> {
  for (const topic of event.request.topics) {
    for (const partition of topic.partitions) {
      if (!isTooLong(partition.committedMetadata)) yield commitRecord(event, topic, partition, wallMs);
    }
  }
}

function commitRecord(
  event: OffsetCommitEvent,
  topic: CommitTopic,
  partition: CommitTopic['partitions'][number],
  wallMs: number,
) {
  const { groupId, retentionTimeMs } = event.request;
  return offsetRecord(groupId, topic.name, partition.partitionIndex, {
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? '',
    commitTimestampMs: wallMs,
    expireTimestampMs: retentionTimeMs < 0 ? -1 : wallMs + retentionTimeMs,
    topicId: topic.topicId,
  });
}

function commitReply(
  topics: readonly CommitTopic[],
  errorOf: (metadata: string | null) => KafkaErrorRow,
): Draft<typeof OffsetCommitResponse> {
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

function fetchGroup(coordinator: Coordinator, groupId: string, topics: readonly FetchTopic[] | null): FetchedTopic[] {
  if (topics === null) {
    return [...coordinator.offsets.topics(groupId)].map(([name, offsets]) => ({
      name,
      topicId: [...offsets.values()].at(-1)?.topicId ?? ZERO_UUID,
      partitions: [...offsets].map(([partition, committed]) => fetchedPartition(partition, committed)),
    }));
  }
  return topics.map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partition) => {
      const committed = coordinator.offsets.get(groupId, name, partition);
      return fetchedPartition(partition, isOfTopic(committed, topicId) ? committed : undefined);
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
