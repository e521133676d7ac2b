import { expect, test } from '@jest/globals';
import { type BudgetShare, ByteBudget } from '../../../src/broker/server/byte-budget.ts';

/** A share that notes when it is called. */
function share(name: string, calls: string[], onResume: () => void = () => {}): BudgetShare {
  const resume = () => {
    calls.push(name);
    onResume();
  };
  return { bytes: 0, resume };
}

test('a budget admits everybody until it is used up, and calls those that wait when there is room', () => {
  const calls: string[] = [];
  const budget = new ByteBudget(100);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => share(name, calls));
  budget.set(a, 99);
  expect(budget.admits(b)).toBe(true);
  budget.set(b, 40);
  expect([budget.isFull, budget.usedBytes, budget.freeBytes]).toEqual([true, 139, 0]);
  expect([budget.admits(c), budget.admits(b)]).toEqual([false, false]);
  budget.set(a, 90);
  expect(calls).toEqual([]);
  budget.set(a, 50);
  expect(calls).toEqual(['c', 'b']);
  expect([budget.admits(b), budget.admits(c), budget.freeBytes]).toEqual([true, true, 10]);
});

test('the first of those that wait goes on when nobody else could give anything back', () => {
  const calls: string[] = [];
  const budget = new ByteBudget(100);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => share(name, calls));
  budget.set(a, 50);
  budget.set(b, 60);
  budget.set(c, 70);
  expect([budget.admits(b), budget.admits(a)]).toEqual([false, false]);
  expect(budget.admits(c)).toBe(false);
  expect(budget.admits(b)).toBe(true);
  budget.set(b, 90);
  expect([budget.admits(b), budget.admits(a)]).toEqual([true, false]);
  budget.release(b);
  calls.length = 0;
  expect([budget.admits(a), calls]).toEqual([false, []]);
  budget.set(b, 0);
  expect(calls).toEqual(['a']);
  expect([budget.admits(a), budget.admits(c)]).toEqual([true, false]);
});

test('somebody who is called may take what there is: the others wait on, and are called again', () => {
  const calls: string[] = [];
  const budget = new ByteBudget(100);
  const [a, b]: BudgetShare[] = ['a', 'b'].map((name) => share(name, calls, () => take(name === 'a' ? a : b)));
  const holder = share('holder', calls);
  const take = (one: BudgetShare) => {
    if (budget.admits(one)) budget.set(one, 100);
  };
  budget.set(holder, 100);
  expect([budget.admits(a), budget.admits(b)]).toEqual([false, false]);
  budget.set(holder, 0);
  expect([a.bytes, b.bytes]).toEqual([100, 0]);
  budget.set(a, 0);
  expect([a.bytes, b.bytes, calls]).toEqual([0, 100, ['a', 'b', 'b']]);
});

test('giving back within a call reaches those that were called before', () => {
  const calls: string[] = [];
  const budget = new ByteBudget(100);
  const holder = share('holder', calls);
  const first: BudgetShare = share('first', calls, () => {
    if (budget.admits(first)) budget.set(first, 10);
  });
  const second: BudgetShare = share('second', calls, () => {
    if (!budget.admits(second)) budget.set(holder, 0);
    else if (second.bytes === 0) budget.set(second, 95);
  });
  budget.set(holder, 150);
  expect([budget.admits(first), budget.admits(second)]).toEqual([false, false]);
  budget.set(holder, 99);
  expect([first.bytes, holder.bytes]).toEqual([10, 0]);
  expect(budget.usedBytes).toBe(first.bytes + second.bytes);
});

test('the first one is called when the last one of the others has come to wait', () => {
  const calls: string[] = [];
  const budget = new ByteBudget(100);
  const [a, b] = ['a', 'b'].map((name) => share(name, calls));
  budget.set(a, 80);
  budget.set(b, 80);
  expect([budget.admits(a), calls]).toEqual([false, []]);
  expect([budget.admits(b), calls]).toEqual([false, ['a']]);
  expect(budget.admits(a)).toBe(true);
});
