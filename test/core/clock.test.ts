import { describe, expect, test } from '@jest/globals';
import { KafkaError, ManualClock, systemClock } from '#core';

describe('ManualClock', () => {
  test('Timers fire in the order of their due times, each at its own time', async () => {
    const clock = new ManualClock(1000);
    const fired: [string, number, number][] = [];
    const note = (name: string) => () => fired.push([name, clock.now().monotonicMs, clock.now().wallMs]);
    clock.setTimer(30, note('third'));
    clock.setTimer(10, note('first'));
    clock.setTimer(10, note('second'));
    clock.setTimer(31, note('later'));
    await clock.advance(30);
    expect(fired).toEqual([
      ['first', 10, 1010],
      ['second', 10, 1010],
      ['third', 30, 1030],
    ]);
    expect(clock.pendingTimerCount).toBe(1);
  });

  test('A timer set by a timer fires within the same advance when it falls due', async () => {
    const clock = new ManualClock();
    const times: number[] = [];
    const tick = (): void => {
      times.push(clock.now().monotonicMs);
      clock.setTimer(10, tick);
    };
    tick();
    await clock.advance(35);
    expect(times).toEqual([0, 10, 20, 30]);
    expect(clock.now().monotonicMs).toBe(35);
  });

  test('A cancelled timer does not fire, not even when cancelled by one due at the same time', async () => {
    const clock = new ManualClock();
    let fired = 0;
    clock.setTimer(5, () => second.cancel());
    const second = clock.setTimer(5, () => fired++);
    await clock.advance(100);
    expect(fired).toBe(0);
  });

  test('Macrotasks run between two timers', async () => {
    const clock = new ManualClock();
    const order: string[] = [];
    clock.setTimer(1, () => clock.nextTurn(() => clock.nextTurn(() => order.push('turn after the first'))));
    clock.setTimer(2, () => order.push('second'));
    await clock.advance(2);
    expect(order).toEqual(['turn after the first', 'second']);
  });

  test('A loop of turns without end does not hold advance up', async () => {
    const clock = new ManualClock();
    let isRunning = true;
    const spin = (): void => {
      if (isRunning) clock.nextTurn(spin);
    };
    spin();
    await clock.advance(1);
    isRunning = false;
    expect(clock.now().monotonicMs).toBe(1);
  });

  test('The wall clock can jump; monotonic time does not', () => {
    const clock = new ManualClock(5000);
    clock.setWall(1000);
    expect(clock.now()).toEqual({ wallMs: 1000, monotonicMs: 0 });
  });

  test('sleep ends when its time has come, and rejects when aborted', async () => {
    const clock = new ManualClock();
    const done: string[] = [];
    const sleeping = clock.sleep(50).then(() => done.push('slept'));
    await clock.advance(49);
    expect(done).toEqual([]);
    await clock.advance(1);
    await sleeping;
    const controller = new AbortController();
    const aborted = clock.sleep(50, controller.signal);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(clock.sleep(1, controller.signal)).rejects.toBeInstanceOf(KafkaError);
    expect(clock.pendingTimerCount).toBe(0);
  });
});

describe('systemClock', () => {
  test('Turns come after the code that asked for them, and monotonic time does not go back', async () => {
    const order: string[] = [];
    const turn = new Promise<void>((resolve) =>
      systemClock.nextTurn(() => {
        order.push('turn');
        resolve();
      }),
    );
    order.push('now');
    const before = systemClock.now();
    await turn;
    expect(order).toEqual(['now', 'turn']);
    expect(systemClock.now().monotonicMs).toBeGreaterThanOrEqual(before.monotonicMs);
    expect(Number.isInteger(before.wallMs)).toBe(true);
  });

  test('A timer beyond what the runtime can hold waits instead of firing at once', async () => {
    let fired = false;
    const timer = systemClock.setTimer(2 ** 33, () => {
      fired = true;
    });
    await systemClock.sleep(5);
    timer.cancel();
    timer.cancel();
    expect(fired).toBe(false);
  });
});
