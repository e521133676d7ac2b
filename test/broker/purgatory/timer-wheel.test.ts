import { describe, expect, jest, test } from '@jest/globals';
import { ManualClock, seededRandom } from '#core';
import { type Expiring, TimerWheel, type WheelEntry } from '../../../src/broker/purgatory/timer-wheel.ts';

/** Notes when it expires. */
class Waiter implements Expiring {
  readonly name: string;
  readonly #scene: Scene;

  constructor(name: string, scene: Scene) {
    this.name = name;
    this.#scene = scene;
  }

  expired(): void {
    this.#scene.expired.push([this.name, this.#scene.clock.now().monotonicMs]);
  }
}

class Scene {
  readonly clock = new ManualClock();
  readonly wheel = new TimerWheel(this.clock);
  readonly expired: [name: string, atMs: number][] = [];

  add(name: string, delayMs: number): WheelEntry {
    return this.wheel.add(delayMs, new Waiter(name, this));
  }
}

describe('a timer wheel', () => {
  test('lets each expire at its time, in order, also beyond one turn of the wheel', async () => {
    const scene = new Scene();
    scene.add('far', 5000);
    scene.add('c', 30);
    scene.add('a', 10);
    scene.add('next turn', 10 + 1024);
    scene.add('b', 10);
    await scene.clock.advance(6000);
    expect(scene.expired).toEqual([
      ['a', 10],
      ['b', 10],
      ['c', 30],
      ['next turn', 1034],
      ['far', 5000],
    ]);
    expect([scene.wheel.size, scene.clock.pendingTimerCount]).toEqual([0, 0]);
  });

  test('is never early, and late by one tick at most', async () => {
    const scene = new Scene();
    await scene.clock.advance(0.4);
    scene.add('fraction', 10.3);
    scene.add('now', 0);
    scene.add('before', -5);
    await scene.clock.advance(10);
    expect(scene.expired.map(([name, atMs]) => [name, atMs])).toEqual([
      ['now', 1],
      ['before', 1],
    ]);
    await scene.clock.advance(2);
    expect(scene.expired.at(-1)).toEqual(['fraction', 11]);
  });

  test('has one timer of the runtime however many wait, set for the first of them', async () => {
    const scene = new Scene();
    for (let index = 0; index < 100; index++) scene.add(`w${index}`, 1000 + index);
    expect(scene.clock.pendingTimerCount).toBe(1);
    scene.add('early', 3);
    expect(scene.clock.pendingTimerCount).toBe(1);
    await scene.clock.advance(3);
    expect(scene.expired).toEqual([['early', 3]]);
    expect(scene.clock.pendingTimerCount).toBe(1);
  });

  test('wakes nobody for those that are taken back', async () => {
    const scene = new Scene();
    const setTimer = jest.spyOn(scene.clock, 'setTimer');
    // A consumer that keeps up: it waits again and again, and never until its deadline.
    for (let ms = 0; ms < 2000; ms++) {
      const waits = scene.add('fetch', 500);
      await scene.clock.advance(1);
      scene.wheel.cancel(waits);
    }
    expect(scene.expired).toEqual([]);
    expect(setTimer.mock.calls.length).toBeLessThanOrEqual(5);
  });

  test('forgets those that are taken back, once and for all', async () => {
    const scene = new Scene();
    const [a, b] = [scene.add('a', 10), scene.add('b', 10)];
    scene.wheel.cancel(a);
    scene.wheel.cancel(a);
    await scene.clock.advance(20);
    scene.wheel.cancel(b);
    expect([scene.expired, scene.wheel.size]).toEqual([[['b', 10]], 0]);
  });

  test('lets one that expires take back another, and add more', async () => {
    const scene = new Scene();
    let second: WheelEntry | undefined;
    scene.wheel.add(10, {
      expired: () => {
        scene.wheel.cancel(second!);
        scene.add('added', 0);
        scene.add('later', 5);
      },
    });
    second = scene.add('second', 10);
    await scene.clock.advance(100);
    expect(scene.expired).toEqual([
      ['added', 11],
      ['later', 15],
    ]);
  });

  test('catches up when the loop stood still', async () => {
    const scene = new Scene();
    scene.add('b', 3000);
    scene.add('a', 7);
    scene.add('c', 9000);
    const stalled = scene.clock.advance(8000);
    await stalled;
    expect(scene.expired.map(([name]) => name)).toEqual(['a', 'b']);
  });

  test('lets everything expire when it is to end, and what comes later at once', async () => {
    const scene = new Scene();
    scene.add('b', 2000);
    scene.add('a', 1000);
    scene.wheel.expireAll();
    expect(scene.expired).toEqual([
      ['a', 0],
      ['b', 0],
    ]);
    scene.add('late', 60_000);
    await scene.clock.advance(1);
    expect(scene.expired.at(-1)).toEqual(['late', 1]);
    scene.wheel.stop();
    expect(scene.clock.pendingTimerCount).toBe(0);
  });

  test('does with a hundred thousand, added and taken back by chance, what a sorted list would do', async () => {
    const scene = new Scene();
    const random = seededRandom(11);
    const entries = new Map<string, { entry: WheelEntry; dueMs: number }>();
    for (let index = 0; index < 100_000; index++) {
      const name = `w${index}`;
      const delayMs = 1 + (random.uint32() % 3_000);
      entries.set(name, { entry: scene.add(name, delayMs), dueMs: scene.clock.now().monotonicMs + delayMs });
      if (index % 20_000 === 0) await scene.clock.advance(100);
    }
    expect([scene.wheel.size + scene.expired.length, scene.clock.pendingTimerCount]).toEqual([100_000, 1]);
    for (const [name] of scene.expired) entries.delete(name);
    for (const [name, { entry }] of [...entries]) {
      if (random.uint32() % 4 > 0) {
        scene.wheel.cancel(entry);
        entries.delete(name);
      }
    }
    expect(scene.wheel.size).toBe(entries.size);
    scene.expired.length = 0;
    await scene.clock.advance(4_000);
    expect(scene.expired.length).toBe(entries.size);
    expect(scene.expired.filter(([name, atMs]) => entries.get(name)?.dueMs !== atMs)).toEqual([]);
  });
});
