/**
 * Which partitions to ask which broker for, and what an answer's error means. ◇
 *
 * A partition is asked for when it has a position, is neither paused nor being revoked nor in back-off, its leader is known
 * and has no fetch of ours in flight, and less than `CHUNKS_AHEAD` times `max.partition.fetch.bytes` of it is buffered. So
 * while the application works through one chunk the next one is on its way, and a partition that is not drained asks for
 * nothing more. Over all partitions, buffered and asked-for bytes stay below `bufferedBytesMax`, except that a broker always
 * sends one whole batch, however large.
 */
import type { Uuid } from '#core';
import { type Draft, Errors, type FetchRequest } from '#protocol';
import type { PartitionState } from './subscription-state.ts';

/** Chunks of one partition that may be buffered before no more is asked for. */
export const CHUNKS_AHEAD = 2;

export interface FetchLimits {
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** fetch.max.bytes: of one response. */
  readonly responseBytesMax: number;
  /** max.partition.fetch.bytes. */
  readonly partitionBytesMax: number;
  /** Of everything buffered and in flight. */
  readonly bufferedBytesMax: number;
  readonly isReadCommitted: boolean;
  readonly rackId: string;
}

/** One partition in one request. */
export interface FetchTarget {
  readonly state: PartitionState;
  /** Of `state` when it was asked. */
  readonly incarnation: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly currentLeaderEpoch: number;
  readonly topicId: Uuid;
}

export interface NodeFetch {
  readonly nodeId: number;
  readonly targets: FetchTarget[];
  /** `MaxBytes` of the request. */
  readonly bytesMax: number;
}

/** What planning needs to know of the cluster and of the requests under way. */
export interface FetchSurroundings {
  leader(topic: string, partition: number): { leaderId: number; leaderEpoch: number } | undefined;
  topicId(topic: string): Uuid;
  isBusy(nodeId: number): boolean;
  /** Buffered, and asked for by requests in flight. */
  readonly committedBytes: number;
  /** Rises with every plan, so that no partition is always first. */
  readonly turn: number;
  readonly nowMs: number;
}

export interface FetchPlan {
  readonly fetches: NodeFetch[];
  /** A partition that wants data has no known leader: the metadata must be refreshed. */
  readonly isLeaderMissing: boolean;
  /** Brokers could be asked, but what is buffered and in flight leaves no room. */
  readonly isRoomMissing: boolean;
}

export function planFetches(
  states: Iterable<PartitionState>,
  limits: FetchLimits,
  surroundings: FetchSurroundings,
): FetchPlan {
  const targetsByNode = new Map<number, FetchTarget[]>();
  let isLeaderMissing = false;
  for (const state of states) {
    if (!isFetchable(state, limits, surroundings.nowMs)) continue;
    const { topic, partition } = state.topicPartition;
    const leader = surroundings.leader(topic, partition);
    if (leader === undefined || leader.leaderId < 0) {
      isLeaderMissing = true;
      continue;
    }
    const nodeId = readReplica(state, leader.leaderId, surroundings.nowMs);
    if (surroundings.isBusy(nodeId)) continue;
    const targets = targetsByNode.get(nodeId);
    const target = targetOf(state, leader.leaderEpoch, surroundings.topicId(topic));
    if (targets === undefined) targetsByNode.set(nodeId, [target]);
    else targets.push(target);
  }
  const fetches = shareBytes(targetsByNode, limits, surroundings);
  return { fetches, isLeaderMissing, isRoomMissing: fetches.length < targetsByNode.size };
}

function isFetchable(state: PartitionState, limits: FetchLimits, nowMs: number): boolean {
  return (
    state.position !== undefined &&
    !state.isPaused &&
    !state.isRevoking &&
    state.retryAtMs <= nowMs &&
    state.bufferedBytes < CHUNKS_AHEAD * limits.partitionBytesMax
  );
}

function readReplica(state: PartitionState, leaderId: number, nowMs: number): number {
  if (state.preferredReplica === undefined) return leaderId;
  if (state.preferredReplica.untilMs > nowMs) return state.preferredReplica.nodeId;
  state.preferredReplica = undefined;
  return leaderId;
}

function targetOf(state: PartitionState, currentLeaderEpoch: number, topicId: Uuid): FetchTarget {
  const { incarnation, nextFetch } = state;
  const { offset: fetchOffset, leaderEpoch: lastFetchedEpoch } = nextFetch;
  return { state, incarnation, fetchOffset, lastFetchedEpoch, currentLeaderEpoch, topicId };
}

/** Gives each request its `MaxBytes`: what is left is shared, so that no broker waits for ever behind those that ask for much. */
function shareBytes(
  targetsByNode: Map<number, FetchTarget[]>,
  limits: FetchLimits,
  surroundings: FetchSurroundings,
): NodeFetch[] {
  const fetches: NodeFetch[] = [];
  let leftBytes = limits.bufferedBytesMax - surroundings.committedBytes;
  let leftCount = targetsByNode.size;
  for (const [nodeId, targets] of targetsByNode) {
    const shareBytesMax = Math.floor(leftBytes / leftCount--);
    if (shareBytesMax <= 0) continue;
    const bytesMax = Math.min(limits.responseBytesMax, targets.length * limits.partitionBytesMax, shareBytesMax);
    leftBytes -= bytesMax;
    fetches.push({ nodeId, targets: rotate(targets, surroundings.turn), bytesMax });
  }
  return fetches;
}

function rotate(targets: FetchTarget[], turn: number): FetchTarget[] {
  const first = turn % targets.length;
  return first === 0 ? targets : [...targets.slice(first), ...targets.slice(0, first)];
}

/** First Fetch version that checks the epoch of the last record read. @see KIP-595 */
const LAST_FETCHED_EPOCH_VERSION = 12;

/** The request of `fetch`; topics carry name and id, the version decides which is written. No fetch session is asked for. */
export function fetchRequest(fetch: NodeFetch, limits: FetchLimits, version: number): Draft<typeof FetchRequest> {
  const topics = new Map<string, { topic: string; topicId: Uuid; partitions: FetchedPartitionDraft[] }>();
  for (const target of fetch.targets) {
    const { topic, partition } = target.state.topicPartition;
    let entry = topics.get(topic);
    if (entry === undefined) topics.set(topic, (entry = { topic, topicId: target.topicId, partitions: [] }));
    entry.partitions.push({
      partition,
      currentLeaderEpoch: target.currentLeaderEpoch,
      fetchOffset: target.fetchOffset,
      lastFetchedEpoch: version >= LAST_FETCHED_EPOCH_VERSION ? target.lastFetchedEpoch : -1,
      partitionMaxBytes: limits.partitionBytesMax,
    });
  }
  return {
    maxWaitMs: limits.maxWaitMs,
    minBytes: limits.minBytes,
    maxBytes: fetch.bytesMax,
    isolationLevel: limits.isReadCommitted ? 1 : 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [...topics.values()],
    rackId: limits.rackId,
  };
}

interface FetchedPartitionDraft {
  partition: number;
  currentLeaderEpoch: number;
  fetchOffset: number;
  lastFetchedEpoch: number;
  partitionMaxBytes: number;
}

/** What to do about an error of one partition: ask again later (after new metadata, or not), look for a new position, or tell the application. */
export type FetchErrorAction = 'refresh' | 'retry' | 'out-of-range' | 'raise';

const ACTIONS = new Map<number, FetchErrorAction>([
  [Errors.NOT_LEADER_OR_FOLLOWER.code, 'refresh'],
  [Errors.REPLICA_NOT_AVAILABLE.code, 'refresh'],
  [Errors.KAFKA_STORAGE_ERROR.code, 'refresh'],
  [Errors.FENCED_LEADER_EPOCH.code, 'refresh'],
  [Errors.OFFSET_NOT_AVAILABLE.code, 'refresh'],
  [Errors.LEADER_NOT_AVAILABLE.code, 'refresh'],
  [Errors.UNKNOWN_TOPIC_OR_PARTITION.code, 'refresh'],
  [Errors.UNKNOWN_TOPIC_ID.code, 'refresh'],
  [Errors.INCONSISTENT_TOPIC_ID.code, 'refresh'],
  [Errors.UNKNOWN_LEADER_EPOCH.code, 'retry'],
  [Errors.UNKNOWN_SERVER_ERROR.code, 'retry'],
  [Errors.OFFSET_OUT_OF_RANGE.code, 'out-of-range'],
]);

export function fetchErrorAction(errorCode: number): FetchErrorAction {
  return ACTIONS.get(errorCode) ?? 'raise';
}
