/**
 * Keeps handlers from having the event loop to themselves: says when it is time to let timers and I/O run. Looking at the
 * clock costs about as much as a small handler, so quick ones are looked at once in a while.
 */
import type { Clock } from '#core';

const RECORDS_BETWEEN_LOOKS = 16;
/** A stretch of records that took less than this share of the budget is looked at less often. */
const QUICK_SHARE = 1 / 16;

export class TurnBudget {
  private readonly clock: Clock;
  private readonly budgetMs: number;
  private turnStartMs = 0;
  private lookedMs = 0;
  private recordsUntilLook = 0;

  constructor(clock: Clock, budgetMs: number) {
    this.clock = clock;
    this.budgetMs = budgetMs;
  }

  /** A macrotask begins now. */
  restart(): void {
    this.turnStartMs = this.lookedMs = this.clock.now().monotonicMs;
    this.recordsUntilLook = 0;
  }

  /** One more record was handled; whether the loop should be yielded. */
  isSpent(): boolean {
    if (--this.recordsUntilLook > 0) return false;
    const nowMs = this.clock.now().monotonicMs;
    this.recordsUntilLook = nowMs - this.lookedMs < this.budgetMs * QUICK_SHARE ? RECORDS_BETWEEN_LOOKS : 1;
    this.lookedMs = nowMs;
    return nowMs - this.turnStartMs >= this.budgetMs;
  }

  /** Lets timers and I/O run. */
  async yield(): Promise<void> {
    await new Promise<void>((resolve) => this.clock.nextTurn(resolve));
    this.restart();
  }
}
