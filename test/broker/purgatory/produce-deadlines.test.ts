/** Produce requests that wait too long: each is told once, and none whose wait has ended. */
import { expect, it } from '@jest/globals';
import { ManualClock } from '#core';
import { type Expiring, ProduceDeadlines } from '../../../src/broker/purgatory/produce-deadlines.ts';

class Waiting implements Expiring {
  waitsAfter: Expiring | undefined = undefined;
  waitsBefore: Expiring | undefined = undefined;
  readonly deadlineMs: number;
  readonly #onExpired: () => void;

  constructor(deadlineMs: number, onExpired: () => void) {
    this.deadlineMs = deadlineMs;
    this.#onExpired = onExpired;
  }

  expired(): void {
    this.#onExpired();
  }
}

it('tells whose time is over, once, within half a second; not those that left', async () => {
  const clock = new ManualClock();
  const deadlines = new ProduceDeadlines(clock);
  const told: number[] = [];
  const waiting = [100, 2_000, 100, 100, 600].map((ms, index) => new Waiting(ms, () => told.push(index)));
  for (const one of waiting) deadlines.add(one);
  deadlines.remove(waiting[2]);
  deadlines.remove(waiting[2]);
  await clock.advance(500);
  expect(told.sort()).toEqual([0, 3]);
  await clock.advance(500);
  expect(told).toEqual([0, 3, 4]);
  deadlines.remove(waiting[1]);
  await clock.advance(5_000);
  expect(told).toEqual([0, 3, 4]);
});

it('does not tell one whose wait ended by what another was told', async () => {
  const clock = new ManualClock();
  const deadlines = new ProduceDeadlines(clock);
  const told: string[] = [];
  const pair: Waiting[] = ['first', 'second'].map(
    (name, index) =>
      new Waiting(1, () => {
        told.push(name);
        deadlines.remove(pair[1 - index]);
      }),
  );
  for (const one of pair) deadlines.add(one);
  await clock.advance(1_000);
  expect(told).toHaveLength(1);
});
