/** What one call of `handle` collects: the machine's answer in the making. */
import type { Instant } from '#core';
import type { CoordinatorRecord, GroupReply, MachineOutput, TimerChange } from './events.ts';

export class Turn implements MachineOutput {
  readonly now: Instant;
  readonly records: CoordinatorRecord[] = [];
  readonly replies: GroupReply[] = [];
  readonly timers: TimerChange[] = [];

  constructor(now: Instant) {
    this.now = now;
  }

  reply(token: number, body: object): void {
    this.replies.push({ token, body });
  }
}
