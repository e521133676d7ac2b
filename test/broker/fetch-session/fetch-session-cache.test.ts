import { describe, expect, it } from '@jest/globals';
import { ZERO_UUID } from '#core';
import { askedPartitions, type FetchPlan, FetchSessionCache } from '../../../src/broker/fetch-session/index.ts';

const MINUTE = 60_000;

/** Sessions are numbered 1, 2, 3 … */
function cacheOf(slots: number): FetchSessionCache {
  let last = 0;
  return new FetchSessionCache(slots, () => ++last);
}

function topicsOf(size: number) {
  const partitions = Array.from({ length: size }, (_, partition) => ({
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: 0,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 100,
  }));
  return [{ topic: 't', topicId: ZERO_UUID, partitions }];
}

function begin(cache: FetchSessionCache, size: number, nowMs: number): number {
  return cache.begin(askedPartitions(topicsOf(size), false), false, nowMs);
}

function goOn(cache: FetchSessionCache, sessionId: number, sessionEpoch: number, nowMs: number): FetchPlan {
  return cache.plan({ sessionId, sessionEpoch, usesTopicIds: false, topics: [], forgottenTopicsData: [] }, nowMs);
}

describe('when all slots are used', () => {
  it('a new session gets none while the others are young, however large it is', () => {
    const cache = cacheOf(2);
    expect([begin(cache, 1, 0), begin(cache, 1, 0), begin(cache, 50, 1000)]).toEqual([1, 2, 0]);
  });

  it('the one that was silent longest goes, after two minutes of silence', () => {
    const cache = cacheOf(2);
    for (const _ of [1, 2]) begin(cache, 5, 0);
    goOn(cache, 1, 1, MINUTE);
    expect(begin(cache, 1, 2 * MINUTE)).toBe(0);
    expect(begin(cache, 1, 2 * MINUTE + 1)).toBe(3);
    expect([goOn(cache, 1, 2, 2 * MINUTE).kind, goOn(cache, 2, 1, 2 * MINUTE).kind]).toEqual([
      'incremental',
      'refused',
    ]);
    expect([cache.sessionCount, cache.evictionCount]).toEqual([2, 1]);
  });

  it('a larger one takes the place of the smallest that has been used for two minutes', () => {
    const cache = cacheOf(3);
    for (const size of [4, 2, 3]) begin(cache, size, 0);
    for (const id of [1, 2, 3]) goOn(cache, id, 1, 2 * MINUTE + 1);
    expect(begin(cache, 2, 2 * MINUTE + 2)).toBe(0);
    expect(begin(cache, 3, 2 * MINUTE + 2)).toBe(4);
    expect(goOn(cache, 2, 2, 2 * MINUTE + 2).kind).toBe('refused');
    expect(cache.partitionCount).toBe(4 + 3 + 3);
  });

  it('one that is young is not taken, though it is smaller', () => {
    const cache = cacheOf(2);
    begin(cache, 9, 0);
    begin(cache, 1, 2 * MINUTE);
    goOn(cache, 1, 1, 2 * MINUTE);
    goOn(cache, 1, 2, 2 * MINUTE + 1);
    expect(begin(cache, 5, 2 * MINUTE + 2)).toBe(0);
  });
});

it('the epoch after the largest is 1', () => {
  const cache = cacheOf(1);
  const id = begin(cache, 1, 0);
  const plan = goOn(cache, id, 1, 0);
  if (plan.kind !== 'incremental') throw new Error(plan.kind);
  plan.session.epoch = 2 ** 31 - 1;
  expect(goOn(cache, id, 2 ** 31 - 1, 0)).toMatchObject({ kind: 'incremental', nextEpoch: 1 });
  expect(goOn(cache, id, 1, 0).kind).toBe('incremental');
});

it('numbers that are taken are drawn again', () => {
  const drawn = [5, 5, 6];
  const cache = new FetchSessionCache(2, () => drawn.shift()!);
  expect([begin(cache, 1, 0), begin(cache, 1, 0)]).toEqual([5, 6]);
});
