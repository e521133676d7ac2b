/** What a handler may do to its own container and consumer while it runs. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { KafkaConsumer } from '#client';
import { DefaultErrorHandler, FixedBackOff, KafkaListener, Payload } from '#listener';
import { TopicPartition } from '#serde';
import { Scene } from './scene.ts';

let scene: Scene;
afterEach(async () => {
  await scene.stop();
});

/** A listener of `orders` whose calls the test writes. */
function listener(call: (order: string, consumer: KafkaConsumer) => void | Promise<void>) {
  class Orders {
    @KafkaListener({ id: 'orders', topics: 'orders' })
    on(@Payload() order: string, consumer: KafkaConsumer): void | Promise<void> {
      return call(order, consumer);
    }
  }
  return new Orders();
}

describe('a handler', () => {
  test('that awaits the stop of its own container ends both after the shutdown timeout, and its record counts', async () => {
    const ends: string[] = [];
    scene = new Scene({ properties: { shutdownTimeoutMs: 3000 } });
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(
      listener(async (order) => {
        await scene.registry.getListenerContainer('orders')?.stop();
        ends.push(order);
      }),
    );
    await scene.pass(4900);
    expect(ends).toEqual([]);
    await scene.pass(200);
    expect(ends).toEqual(['a']);
    expect(scene.warnings.join()).toMatch(/it must not await the stop of its own container/);
    expect(scene.kafka.committedAt('orders')).toBe(1);
    expect(scene.registry.getListenerContainer('orders')?.isRunning()).toBe(false);
  });

  test('may pause its container: what was polled is handled, what comes later waits', async () => {
    const seen: string[] = [];
    scene = new Scene();
    scene.kafka.pollRecordsMax = 2;
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(
      listener((order) => {
        seen.push(order);
        if (order === 'a') scene.registry.getListenerContainer('orders')?.pause();
      }),
    );
    await scene.pass(3000);
    expect(seen).toEqual(['a', 'b']);
    expect(scene.kafka.committedAt('orders')).toBe(2);
    scene.registry.getListenerContainer('orders')?.resume();
    await scene.pass(200);
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  test('may seek its consumer: that is where the next poll reads, and what is committed follows', async () => {
    const seen: string[] = [];
    scene = new Scene();
    scene.kafka.pollRecordsMax = 2;
    scene.kafka.add('orders', 0, 'a', 'b', 'c', 'd', 'e');
    await scene.run(
      listener((order, consumer) => {
        seen.push(order);
        if (order === 'b') consumer.seek(new TopicPartition('orders', 0), seen.length < 4 ? 0 : 4);
      }),
    );
    await scene.pass(1001);
    expect(seen).toEqual(['a', 'b', 'a', 'b', 'e']);
    expect(scene.kafka.committedAt('orders')).toBe(5);
  });
});

test('pause() during a back-off neither ends nor outlasts it: the record is delivered, the rest waits for resume()', async () => {
  const seen: string[] = [];
  const errorHandler = new DefaultErrorHandler(() => {}, new FixedBackOff(1000, 5));
  scene = new Scene({ errorHandler });
  scene.kafka.add('orders', 0, 'a');
  await scene.run(
    listener((order) => {
      seen.push(order);
      if (seen.length === 1) throw new Error('once');
    }),
  );
  const container = scene.registry.getListenerContainer('orders');
  container?.pause();
  scene.kafka.add('orders', 0, 'b');
  await scene.pass(900);
  expect(seen).toEqual(['a']);
  await scene.pass(200);
  expect(seen).toEqual(['a', 'a']);
  await scene.pass(5000);
  expect(seen).toEqual(['a', 'a']);
  expect(container?.isContainerPaused()).toBe(true);
  container?.resume();
  await scene.pass(200);
  expect(seen).toEqual(['a', 'a', 'b']);
});
