import { expect, test } from '@jest/globals';
import { Apis } from '#protocol';
import { encodedRequest } from '../scene.ts';
import { ConnectionScene } from './scene.ts';

const ask = (id: number) => encodedRequest(Apis.Heartbeat, 0, { groupId: 'g', memberId: 'm' }, id);

test('a muted connection answers what it was asked, and begins nothing until its time is over', async () => {
  const scene = await ConnectionScene.start({
    begin: (context) => {
      if (context.correlationId === 1) context.mute(1000);
      context.reply({});
    },
  });
  await scene.send(ask(1), ask(2), ask(3));
  expect([scene.begunIds, scene.client.correlationIds]).toEqual([[1], [1]]);
  await scene.clock.advance(999);
  expect(scene.begunIds).toEqual([1]);
  await scene.clock.advance(1);
  expect(scene.client.correlationIds).toEqual([1, 2, 3]);
});

test('a muted connection is not read: its client feels the back-pressure', async () => {
  const scene = await ConnectionScene.start({ begin: (context) => context.reply({}) });
  scene.connection.mute(500);
  const large = encodedRequest(Apis.Heartbeat, 0, { groupId: 'g'.repeat(30_000), memberId: 'm' }, 7);
  let accepted = 0;
  while (accepted < 1000 && scene.client.connection.write([large])) accepted++;
  await scene.clock.advance(499);
  expect(scene.client.connection.write([])).toBe(false);
  expect(scene.begunIds).toEqual([]);
  await scene.clock.advance(1);
  expect(scene.begunIds.length).toBeGreaterThan(accepted);
});

test('the longest of several mutes counts', async () => {
  const scene = await ConnectionScene.start({ begin: (context) => context.reply({}) });
  scene.connection.mute(300);
  scene.connection.mute(900);
  scene.connection.mute(100);
  await scene.send(ask(1));
  await scene.clock.advance(899);
  expect(scene.begunIds).toEqual([]);
  await scene.clock.advance(1);
  expect(scene.client.correlationIds).toEqual([1]);
});

test('a mute keeps a connection from being idle, and leaves no timer when it closes', async () => {
  const scene = await ConnectionScene.start();
  scene.connection.mute(1000);
  expect(scene.connection.pulse.isIdle).toBe(false);
  scene.client.connection.close();
  await scene.clock.settle();
  expect([scene.closedCount, scene.clock.pendingTimerCount]).toEqual([1, 0]);
});
