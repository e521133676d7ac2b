/**
 * The machine's deadlines. The runtime's timers are only wake-ups: a heartbeat moves the deadline and leaves the timer alone, and a timer
 * that comes early is set again for the rest. So a group that lives costs no timer work.
 *
 * Time in which the broker's own loop stood still does not count against members: `shift` moves all deadlines when the runtime saw a stall,
 * and a timer that comes late by itself proves one, so that alarm is granted the lateness once more (at most its own length in all), time
 * in which heartbeats that lie unread in the sockets are read.
 */

import type { Turn } from '../coordination/turn.ts';
import { limits } from './config.ts';

export type GroupAlarmTarget =
  | {
      readonly kind: 'session' | 'rebalance' | 'rejoin' | 'resync';
      readonly groupId: string;
      readonly memberId: string;
    }
  | { readonly kind: 'regex'; readonly groupId: string }
  | { readonly kind: 'join'; readonly groupId: string }
  | { readonly kind: 'sync'; readonly groupId: string };

/** Of a group, or of all of the partition. */
export type AlarmTarget = GroupAlarmTarget | { readonly kind: 'expiry' } | { readonly kind: 'forgetting' };

export interface Alarm {
  readonly name: string;
  readonly target: AlarmTarget;
  /** Monotonic; undefined = not set. */
  deadlineMs: number | undefined;
  /** When the runtime's timer will fire; undefined = there is none. */
  armedMs: number | undefined;
  /** Lateness that may still be forgiven. */
  graceLeftMs: number;
}

/** An alarm that is not set yet. */
export function newAlarm(target: AlarmTarget): Alarm {
  return { name: nameOf(target), target, deadlineMs: undefined, armedMs: undefined, graceLeftMs: 0 };
}

export class Alarms {
  readonly #byName = new Map<string, Alarm>();

  /** The alarm of that name, or one that is not set yet. */
  of(target: AlarmTarget): Alarm {
    return this.#byName.get(nameOf(target)) ?? newAlarm(target);
  }

  /** (Re)sets the alarm to `delayMs` from now. */
  set(alarm: Alarm, delayMs: number, turn: Turn): void {
    alarm.deadlineMs = turn.now.monotonicMs + delayMs;
    alarm.graceLeftMs = delayMs;
    this.#byName.set(alarm.name, alarm);
    if (alarm.armedMs === undefined || alarm.deadlineMs < alarm.armedMs) this.#arm(alarm, turn);
  }

  /** Takes the alarm back; harmless when it is not set. */
  clear(alarm: Alarm, turn: Turn): void {
    if (this.#byName.get(alarm.name) === alarm) this.#byName.delete(alarm.name);
    if (alarm.armedMs !== undefined) turn.timers.push({ name: alarm.name, delayMs: null });
    alarm.deadlineMs = undefined;
    alarm.armedMs = undefined;
  }

  /** Moves all deadlines by `delayMs`. Timers then come early and are set again. */
  shift(delayMs: number): void {
    for (const alarm of this.#byName.values()) if (alarm.deadlineMs !== undefined) alarm.deadlineMs += delayMs;
  }

  /** The timer of that name fired: its target when the deadline has really come, undefined when it was early, forgiven or taken back. */
  fired(name: string, turn: Turn): AlarmTarget | undefined {
    const alarm = this.#byName.get(name);
    if (alarm?.deadlineMs === undefined) return undefined;
    const latenessMs = turn.now.monotonicMs - alarm.deadlineMs;
    alarm.armedMs = undefined;
    if (latenessMs > limits.timerLatenessMsMax) {
      const graceMs = Math.min(latenessMs, alarm.graceLeftMs);
      alarm.graceLeftMs -= graceMs;
      alarm.deadlineMs = turn.now.monotonicMs + graceMs;
    }
    if (turn.now.monotonicMs < alarm.deadlineMs) {
      this.#arm(alarm, turn);
      return undefined;
    }
    alarm.deadlineMs = undefined;
    this.#byName.delete(name);
    return alarm.target;
  }

  #arm(alarm: Alarm, turn: Turn): void {
    alarm.armedMs = alarm.deadlineMs!;
    turn.timers.push({ name: alarm.name, delayMs: Math.ceil(alarm.deadlineMs! - turn.now.monotonicMs) });
  }
}

function nameOf(target: AlarmTarget): string {
  if (!('groupId' in target)) return target.kind;
  const group = encodeURIComponent(target.groupId.toWellFormed());
  if (!('memberId' in target)) return `${target.kind}:${group}`;
  return `${target.kind}:${group}:${encodeURIComponent(target.memberId.toWellFormed())}`;
}
