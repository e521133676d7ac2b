/**
 * Waiting without losing the group. Whatever a container waits for (a handler's promise, a back-off, a recoverer), it waits
 * here: from time to time the paused consumer is polled, so that `max.poll.interval.ms` and rebalances go on, and commits that
 * the handler asked for are carried out. All calls of the consumer come from this one flow.
 */
import type { Clock, Timer } from '#core';

export interface KeepAliveHooks {
  /** The consumer has not been polled for `keepAliveMs`. Must not reject. */
  poll(): Promise<void>;
  /** Somebody called `wake`: carry out what was asked for. Must not reject. */
  serve(): Promise<void>;
}

export class KeepAlive {
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly hooks: KeepAliveHooks;
  private timer: Timer | undefined;
  private isDue = false;
  private isWoken = false;
  /** Above 0 while the wait itself is inside a poll. */
  private pollDepth = 0;
  private wakeWaiter: (() => void) | undefined;

  constructor(clock: Clock, intervalMs: number, hooks: KeepAliveHooks) {
    this.clock = clock;
    this.intervalMs = intervalMs;
    this.hooks = hooks;
  }

  /** The consumer was just polled: count from now. */
  polled(): void {
    this.isDue = false;
    this.timer?.cancel();
    this.timer = this.clock.setTimer(this.intervalMs, () => {
      this.isDue = true;
      this.wake();
    });
  }

  /** No wait follows; no timer stays behind. */
  rest(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.isDue = false;
  }

  /** Ends the current nap: something was asked for, or a condition may have changed. */
  wake(): void {
    this.isWoken = true;
    this.wakeWaiter?.();
  }

  /** Between two records: polls when it is due. Undefined when there is nothing to do. */
  pollIfDue(): Promise<void> | undefined {
    return this.isDue ? this.poll() : undefined;
  }

  /** Resolves when `work` has settled, however; what it settled with is the caller's. */
  async until(work: PromiseLike<unknown>): Promise<void> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
      this.wake();
    };
    work.then(settle, settle);
    await this.during(() => isSettled);
  }

  /** As `until`, from inside a poll (a rebalance callback): only what was asked for is served. */
  async untilWithoutPoll(work: PromiseLike<unknown>): Promise<void> {
    this.pollDepth++;
    await this.until(work);
    this.pollDepth--;
  }

  /** Waits `delayMs`, or less when `isOver` says so after a wake-up. */
  async sleep(delayMs: number, isOver: () => boolean): Promise<void> {
    if (delayMs <= 0 || isOver()) return;
    let isPassed = false;
    const timer = this.clock.setTimer(delayMs, () => {
      isPassed = true;
      this.wake();
    });
    await this.during(() => isPassed || isOver());
    timer.cancel();
  }

  private async during(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.nap();
      if (this.isDue && this.pollDepth === 0 && !isOver()) await this.poll();
      await this.hooks.serve();
    }
  }

  private async poll(): Promise<void> {
    this.polled();
    await this.hooks.poll();
  }

  private nap(): Promise<void> | undefined {
    if (this.isWoken) {
      this.isWoken = false;
      return undefined;
    }
    return new Promise((resolve) => {
      this.wakeWaiter = () => {
        this.wakeWaiter = undefined;
        this.isWoken = false;
        resolve();
      };
    });
  }
}
