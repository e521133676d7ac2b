/**
 * Waits for what a broker or a client does in its own time: by the clock, because a count of tries says nothing on a busy machine, and until
 * it is there, because no pause is long enough.
 */
import { systemClock } from '#core';

const PAUSE_MS = 50;
/** Nothing that comes about at all takes so long. */
const TIMEOUT_MS = 120_000;
/** Nor does a broker to hear of what its controller has decided. */
const LAG_MS = 20_000;

/** @param what is awaited, for the error; a function where it tells what is there instead @throws when it does not come about */
export async function until(what: string | (() => string), isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = systemClock.now().monotonicMs + TIMEOUT_MS;
  while (!(await isSo())) {
    if (systemClock.now().monotonicMs > deadlineMs)
      throw new Error(`after ${TIMEOUT_MS} ms it is still not so: ${typeof what === 'string' ? what : what()}`);
    await systemClock.sleep(PAUSE_MS);
  }
}

/**
 * Asks until the answer is right, for a while: the controller of Apache Kafka answers a change before its broker has heard of it.
 * @returns the last answer, right or not
 */
export async function askUntil<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  const deadlineMs = systemClock.now().monotonicMs + LAG_MS;
  let answer = await ask();
  while (!isRight(answer) && systemClock.now().monotonicMs < deadlineMs) {
    await systemClock.sleep(PAUSE_MS);
    answer = await ask();
  }
  return answer;
}
