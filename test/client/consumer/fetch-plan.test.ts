import { describe, expect, it } from '@jest/globals';
import { Errors } from '#protocol';
import { TopicPartition } from '#serde';
import {
  type FetchLimits,
  type FetchSurroundings,
  fetchErrorAction,
  fetchRequest,
  planFetches,
} from '../../../src/client/consumer/fetch-plan.ts';
import { PartitionState } from '../../../src/client/consumer/subscription-state.ts';

const TOPIC_ID = 'tIDtIDtIDtIDtIDtIDtIDg';

const limits: FetchLimits = {
  minBytes: 1,
  maxWaitMs: 500,
  responseBytesMax: 10_000,
  partitionBytesMax: 1_000,
  bufferedBytesMax: 5_000,
  isReadCommitted: false,
  rackId: '',
};

/** Partitions 0 and 2 are led by broker 1, partition 1 by broker 2. */
const surroundings: FetchSurroundings = {
  leader: (_topic, partition) => ({ leaderId: partition === 1 ? 2 : 1, leaderEpoch: 5 }),
  topicId: () => TOPIC_ID,
  isBusy: () => false,
  committedBytes: 0,
  turn: 0,
  nowMs: 1_000,
};

function placed(partition: number, change: (state: PartitionState) => void = () => {}): PartitionState {
  const state = new PartitionState(new TopicPartition('t', partition));
  state.place({ offset: 10 * partition, leaderEpoch: 4 });
  change(state);
  return state;
}

function planned(states: PartitionState[], change: Partial<FetchSurroundings> = {}, changedLimits = limits): string[] {
  const { fetches } = planFetches(states, changedLimits, { ...surroundings, ...change });
  return fetches.map(
    ({ nodeId, targets, bytesMax }) =>
      `broker ${nodeId}: ${targets.map(({ state }) => state.topicPartition.partition).join(',')} ≤${bytesMax}`,
  );
}

describe('the fetch plan', () => {
  it('asks each broker once, for all partitions it leads', () => {
    expect(planned([placed(0), placed(1), placed(2)])).toEqual(['broker 1: 0,2 ≤2000', 'broker 2: 1 ≤1000']);
  });

  it('leaves a broker alone that has not answered yet', () => {
    expect(planned([placed(0), placed(1)], { isBusy: (nodeId) => nodeId === 1 })).toEqual(['broker 2: 1 ≤1000']);
  });

  it.each<[string, (state: PartitionState) => void]>([
    ['paused', (state) => (state.isPaused = true)],
    ['being revoked', (state) => (state.isRevoking = true)],
    ['without a position', (state) => state.awaitReset({ type: 'latest' })],
    ['waiting after an error', (state) => (state.retryAtMs = 1_001)],
    ['two chunks ahead', (state) => (state.bufferedBytes = 2_000)],
  ])('does not ask for a partition that is %s', (_name, change) => {
    expect(planned([placed(0, change), placed(2)])).toEqual(['broker 1: 2 ≤1000']);
  });

  it('asks ahead while one chunk is still being handed out', () => {
    const ahead = placed(0, (state) => {
      state.bufferedBytes = 1_000;
      state.nextFetch = { offset: 77, leaderEpoch: 5 };
    });
    const { fetches } = planFetches([ahead], limits, surroundings);
    expect(fetches[0].targets[0]).toMatchObject({ fetchOffset: 77, lastFetchedEpoch: 5, incarnation: 1 });
  });

  it('never lets buffered and asked-for bytes pass their bound', () => {
    expect(planned([placed(0), placed(1)], { committedBytes: 4_600 })).toEqual([
      'broker 1: 0 ≤200',
      'broker 2: 1 ≤200',
    ]);
    expect(planned([placed(0), placed(1)], { committedBytes: 5_000 })).toEqual([]);
  });

  it('leaves no broker without a share while others ask for all there is', () => {
    const states = [0, 1, 2].map((partition) => placed(partition));
    const leader = (_topic: string, partition: number) => ({ leaderId: partition, leaderEpoch: 5 });
    const tight = { ...limits, partitionBytesMax: 4_000 };
    expect(planned(states, { leader }, tight)).toEqual(['broker 0: 0 ≤1666', 'broker 1: 1 ≤1667', 'broker 2: 2 ≤1667']);
    const isBusy = (nodeId: number) => nodeId === 1;
    expect(planned(states, { leader, isBusy, committedBytes: 4_000 }, tight)).toEqual([
      'broker 0: 0 ≤500',
      'broker 2: 2 ≤500',
    ]);
  });

  it('gives every partition its turn to be first', () => {
    expect(planned([placed(0), placed(2)], { turn: 1 })).toEqual(['broker 1: 2,0 ≤2000']);
  });

  it('says that metadata is missing when a partition has no leader', () => {
    const plan = planFetches([placed(0)], limits, { ...surroundings, leader: () => undefined });
    expect(plan).toEqual({ fetches: [], isLeaderMissing: true, isRoomMissing: false });
  });

  it('goes to the follower that the leader named, for as long as that holds', () => {
    const state = placed(0, (one) => (one.preferredReplica = { nodeId: 9, untilMs: 2_000 }));
    expect(planned([state])).toEqual(['broker 9: 0 ≤1000']);
    expect(planned([state], { nowMs: 2_000 })).toEqual(['broker 1: 0 ≤1000']);
    expect(state.preferredReplica).toBeUndefined();
  });
});

describe('a fetch request', () => {
  const { fetches } = planFetches([placed(0), placed(2)], { ...limits, isReadCommitted: true }, surroundings);

  it('names topics by name and by id, and asks for no session', () => {
    const request = fetchRequest(fetches[0], { ...limits, isReadCommitted: true }, 17);
    expect(request).toMatchObject({ maxWaitMs: 500, minBytes: 1, maxBytes: 2_000, isolationLevel: 1 });
    expect(request).toMatchObject({ sessionId: 0, sessionEpoch: -1 });
    expect(request.topics).toHaveLength(1);
    expect(request.topics?.[0]).toMatchObject({
      topic: 't',
      topicId: TOPIC_ID,
      partitions: [
        { partition: 0, fetchOffset: 0, currentLeaderEpoch: 5, lastFetchedEpoch: 4, partitionMaxBytes: 1_000 },
        { partition: 2, fetchOffset: 20, currentLeaderEpoch: 5, lastFetchedEpoch: 4, partitionMaxBytes: 1_000 },
      ],
    });
  });

  it('does not carry the last epoch to brokers that do not know the field', () => {
    expect(fetchRequest(fetches[0], limits, 11).topics?.[0].partitions?.[0].lastFetchedEpoch).toBe(-1);
  });
});

describe('an error of a fetched partition', () => {
  it.each([
    [Errors.NOT_LEADER_OR_FOLLOWER, 'refresh'],
    [Errors.FENCED_LEADER_EPOCH, 'refresh'],
    [Errors.UNKNOWN_TOPIC_ID, 'refresh'],
    [Errors.UNKNOWN_TOPIC_OR_PARTITION, 'refresh'],
    [Errors.UNKNOWN_LEADER_EPOCH, 'retry'],
    [Errors.OFFSET_OUT_OF_RANGE, 'out-of-range'],
    [Errors.TOPIC_AUTHORIZATION_FAILED, 'raise'],
    [Errors.CORRUPT_MESSAGE, 'raise'],
  ])('%p leads to %p', (error, action) => {
    expect(fetchErrorAction(error.code)).toBe(action);
  });
});
