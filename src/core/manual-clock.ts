/**
 * A clock that stands still until a test moves it. Timers fire in the order of their due times (and of their creation
 * when those are equal), with the clock showing each one's due time; between two of them the machine settles, so that
 * what the first one set in motion happens before the second one fires.
 */
import { assert } from './assert.ts';
import { type Clock, type Instant, sleepOn, systemClock, type Timer } from './clock.ts';

interface PendingTimer {
  dueMs: number;
  sequence: number;
  fire: () => void;
}

/** A loop that asks for a next turn for ever does not keep `advance` from returning. */
const SETTLE_TURNS_MAX = 200;

export class ManualClock implements Clock {
  #monotonicMs = 0;
  #wallStartMs: number;
  #sequence = 0;
  #pending = new Set<PendingTimer>();
  #turns = 0;

  /** `wallMs`: what the wall clock shows at the beginning. */
  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallStartMs = wallMs;
  }

  now(): Instant {
    return { wallMs: this.#wallStartMs + Math.floor(this.#monotonicMs), monotonicMs: this.#monotonicMs };
  }

  monotonicMs(): number {
    return this.now().monotonicMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { dueMs: this.#monotonicMs + Math.max(delayMs, 0), sequence: this.#sequence++, fire };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  /** A real macrotask: it happens without `advance`. */
  nextTurn(fire: () => void): void {
    this.#turns++;
    systemClock.nextTurn(() => {
      this.#turns--;
      fire();
    });
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }

  /** Timers that wait. */
  get pendingTimerCount(): number {
    return this.#pending.size;
  }

  /** Moves the wall clock alone, as an operator or NTP does. */
  setWall(wallMs: number): void {
    this.#wallStartMs = wallMs - Math.floor(this.#monotonicMs);
  }

  /** Moves time on by `ms`, firing what falls due on the way. Resolves when the machine has settled. */
  async advance(ms: number): Promise<void> {
    assert(ms >= 0, `time only moves on, not by ${ms} ms`);
    const targetMs = this.#monotonicMs + ms;
    await this.settle();
    for (let timer = this.#nextDue(targetMs); timer !== undefined; timer = this.#nextDue(targetMs)) {
      this.#pending.delete(timer);
      this.#monotonicMs = Math.max(this.#monotonicMs, timer.dueMs);
      timer.fire();
      await this.settle();
    }
    this.#monotonicMs = Math.max(this.#monotonicMs, targetMs);
  }

  /** Lets macrotasks run until nobody waits for a next turn. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS_MAX && (turn < 2 || this.#turns > 0); turn++) {
      await new Promise<void>((resolve) => systemClock.nextTurn(resolve));
    }
  }

  #nextDue(targetMs: number): PendingTimer | undefined {
    let first: PendingTimer | undefined;
    for (const timer of this.#pending) {
      if (timer.dueMs > targetMs) continue;
      if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    }
    return first;
  }
}
