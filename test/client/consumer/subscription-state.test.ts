import { describe, expect, it } from '@jest/globals';
import { SubscriptionState } from '../../../src/client/consumer/subscription-state.ts';

const at = (topic: string, partition: number) => ({ topic, partition });

describe('the subscription', () => {
  it('is either a list, a pattern or an assignment by hand', () => {
    const state = new SubscriptionState();
    state.subscribeTopics(['a'], {});
    expect(() => state.subscribePattern(/a/, {})).toThrow(/exclude each other.*a list of topics/);
    expect(() => state.assignManually([at('a', 0)])).toThrow(/unsubscribe/);
    state.unsubscribe();
    state.assignManually([at('a', 0)]);
    expect(() => state.subscribeTopics(['a'], {})).toThrow(/partitions assigned by hand/);
  });

  it('says whether the topics changed', () => {
    const state = new SubscriptionState();
    expect(state.subscribeTopics(['a', 'b'], {})).toBe(true);
    expect(state.subscribeTopics(['b', 'a'], {})).toBe(false);
    expect(state.subscribeTopics(['b'], {})).toBe(true);
  });

  it('matches a pattern with a global flag the same way every time', () => {
    const state = new SubscriptionState();
    state.subscribePattern(/^orders-/g, {});
    expect(state.matchPattern(['orders-1', 'orders-2', 'other'])).toBe(true);
    expect([...state.topics]).toEqual(['orders-1', 'orders-2']);
    expect(state.matchPattern(['orders-1', 'orders-2'])).toBe(false);
    expect(state.accepts('orders-3')).toBe(true);
    expect(state.accepts('other')).toBe(false);
  });
});

describe('an assignment', () => {
  it('keeps position and pause of partitions that stay', () => {
    const state = new SubscriptionState();
    state.subscribeTopics(['a'], {});
    state.replaceAssignment([at('a', 0), at('a', 1)]);
    state.assigned(at('a', 0)).place({ offset: 5, leaderEpoch: 1 });
    state.assigned(at('a', 0)).isPaused = true;
    state.assigned(at('a', 0)).isRevoking = true;
    state.replaceAssignment([at('a', 0), at('a', 2)]);
    expect(state.get(at('a', 0))).toMatchObject({ position: { offset: 5 }, isPaused: true, isRevoking: false });
    expect(state.get(at('a', 1))).toBeUndefined();
    expect(state.assignment().map(String)).toEqual(['a-0', 'a-2']);
  });

  it('voids what was asked for partitions that go, and for those that jump', () => {
    const state = new SubscriptionState();
    state.assignManually([at('a', 0), at('a', 1)]);
    const [first, second] = [...state.states()];
    const before = [first.incarnation, second.incarnation];
    state.replaceAssignment([at('a', 1)]);
    second.awaitReset({ type: 'latest' });
    expect(first.incarnation).not.toBe(before[0]);
    expect(second.incarnation).not.toBe(before[1]);
  });

  it('tells partitions apart whose names only look alike', () => {
    const state = new SubscriptionState();
    state.assignManually([at('a-1', 1), at('a', 1)]);
    expect(state.assignmentCount).toBe(2);
  });

  it('refuses to be asked for a partition that is not in it', () => {
    expect(() => new SubscriptionState().assigned(at('a', 0))).toThrow(/a-0 is not assigned to this consumer/);
  });
});
