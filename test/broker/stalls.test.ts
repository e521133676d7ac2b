import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#core';
import { Apis } from '#protocol';
import { StallMeter } from '../../src/broker/coordination/stall-meter.ts';
import { Scene } from './scene.ts';

/** A clock whose loop can stand still: time passes and no timer fires until it goes on. */
class StallingClock extends ManualClock {
  #stalledMs = 0;

  override now() {
    const { wallMs, monotonicMs } = super.now();
    return { wallMs: wallMs + this.#stalledMs, monotonicMs: monotonicMs + this.#stalledMs };
  }

  stall(ms: number): void {
    this.#stalledMs += ms;
  }
}

let scene: Scene | undefined;

afterEach(async () => {
  await scene?.close();
  scene = undefined;
});

describe('the stall meter', () => {
  it('tells how long the loop stood still, once', () => {
    const clock = new StallingClock();
    const stalls: number[] = [];
    const meter = new StallMeter(clock);
    meter.onStall((ms) => stalls.push(ms));
    clock.stall(5_000);
    meter.observe();
    meter.observe();
    expect(stalls).toEqual([4_800]);
  });

  it('takes no notice of a loop that runs', async () => {
    const clock = new StallingClock();
    const stalls: number[] = [];
    new StallMeter(clock).onStall((ms) => stalls.push(ms));
    await clock.advance(60_000);
    expect(stalls).toEqual([]);
  });

  it('stops ticking when nobody listens any more', () => {
    const clock = new StallingClock();
    const stop = new StallMeter(clock).onStall(() => {});
    expect(clock.pendingTimerCount).toBe(1);
    stop();
    expect(clock.pendingTimerCount).toBe(0);
  });
});

describe('a broker whose loop stood still', () => {
  it('loses no member over it', async () => {
    const clock = new StallingClock();
    scene = await Scene.start({ clock, topics: { t: 1 } });
    await scene.send(Apis.FindCoordinator, { key: 'g' }, 0);
    const ask = { groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: 'consumer' };
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }];
    const { memberId } = await scene.send(Apis.JoinGroup, { ...ask, memberId: '', protocols });
    const { generationId } = await scene.send(Apis.JoinGroup, { ...ask, memberId, protocols });
    await scene.send(Apis.SyncGroup, { groupId: 'g', generationId, memberId, assignments: [] });
    await clock.advance(5_000);
    clock.stall(15_000);
    await clock.advance(1_000);
    const beat = await scene.send(Apis.Heartbeat, { groupId: 'g', generationId, memberId });
    expect(beat.errorCode).toBe(0);
    await clock.advance(25_000);
    const late = await scene.send(Apis.Heartbeat, { groupId: 'g', generationId, memberId });
    expect(late.errorCode).not.toBe(0);
  });
});
