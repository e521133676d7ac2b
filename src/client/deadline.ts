/** Waits with an end. Deadlines are points on the monotonic clock, in milliseconds, so that a call made of several waits has one. */
import type { Clock, KafkaError } from '#core';

/** The point in time that is `timeoutMs` from now on. */
export function deadlineIn(clock: Clock, timeoutMs: number): number {
  return clock.now().monotonicMs + timeoutMs;
}

/** Settles as `promise` does, or rejects with `late()` once `deadlineMs` is over; `promise` itself is not stopped. */
export function beforeDeadline<T>(
  clock: Clock,
  promise: Promise<T>,
  deadlineMs: number,
  late: () => KafkaError,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const leftMs = deadlineMs - clock.now().monotonicMs;
    if (leftMs <= 0) reject(late());
    const timer = clock.setTimer(Math.max(0, leftMs), () => reject(late()));
    promise.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
