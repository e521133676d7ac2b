/** What `acknowledge()` promises in the moments in which a partition moves, a poll fails, or the container ends. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { KafkaError } from '#core';
import { Acknowledgment, KafkaListener, Payload } from '#listener';
import { TopicPartition } from '#serde';
import { gate, Scene } from './scene.ts';

let scene: Scene;
afterEach(async () => {
  await scene.stop();
});

type AckMode = 'manual' | 'manual_immediate';

/** A listener of `orders` that keeps its acknowledgments by record. */
function keeping(ackMode: AckMode, acks: Map<string, Acknowledgment>, seen: string[] = []) {
  class Orders {
    @KafkaListener({ id: 'orders', topics: 'orders', ackMode })
    onOrder(@Payload() order: string, ack: Acknowledgment): void {
      seen.push(order);
      acks.set(order, ack);
    }
  }
  return new Orders();
}

/** Whether the promise has resolved by now. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await scene.settle();
  return settled;
}

describe('acknowledge() in manual_immediate', () => {
  test('a second call resolves no earlier than the commit that the first one waits for', async () => {
    scene = new Scene({ properties: { asyncAcks: true } });
    scene.kafka.add('orders', 0, 'a');
    const acks = new Map<string, Acknowledgment>();
    await scene.run(keeping('manual_immediate', acks));
    const held = gate();
    const commit = scene.consumer.commitSync.bind(scene.consumer);
    scene.consumer.commitSync = async (offsets) => {
      await held.promise;
      await commit(offsets);
    };
    const first = acks.get('a')?.acknowledge() as Promise<void>;
    const second = acks.get('a')?.acknowledge() as Promise<void>;
    expect(await isSettled(second)).toBe(false);
    held.open();
    await Promise.all([first, second]);
    expect(scene.kafka.committedAt('orders')).toBe(1);
  });

  test('is committed when it resolves, also when another partition is revoked at that moment', async () => {
    scene = new Scene({ properties: { asyncAcks: true } });
    scene.kafka.add('orders', 0, 'a');
    scene.kafka.add('orders', 1, 'b');
    const acks = new Map<string, Acknowledgment>();
    await scene.run(keeping('manual_immediate', acks));
    let committedThen: number | undefined;
    const { consumer } = scene;
    const poll = consumer.poll.bind(consumer);
    consumer.poll = (timeoutMs) => {
      consumer.poll = poll;
      // In the middle of a poll that will take partition 0 away, partition 1 is acknowledged.
      const acked = acks.get('b')?.acknowledge();
      void acked?.then(() => (committedThen = scene.kafka.committedAt('orders', 1)));
      consumer.rebalance([new TopicPartition('orders', 1)]);
      return poll(timeoutMs).catch(() => poll(timeoutMs));
    };
    await scene.pass(1001);
    await scene.pass(1001);
    expect(committedThen).toBe(1);
  });

  test('says so when the commit fails, and the commit is repeated all the same', async () => {
    scene = new Scene({ properties: { asyncAcks: true } });
    scene.kafka.add('orders', 0, 'a');
    const acks = new Map<string, Acknowledgment>();
    await scene.run(keeping('manual_immediate', acks));
    scene.kafka.commitErrors.push(new KafkaError('COMMIT_FAILED', 'not a member'));
    await expect(
      Promise.all([acks.get('a')?.acknowledge(), scene.settle()]).then(() => 'resolved'),
    ).rejects.toMatchObject({ code: 'COMMIT_FAILED' });
    await scene.pass(1001);
    expect(scene.kafka.committedAt('orders')).toBe(1);
  });

  test('never hangs: neither after the partition has gone nor while the container ends', async () => {
    scene = new Scene({ properties: { asyncAcks: true } });
    scene.kafka.add('orders', 0, 'a');
    scene.kafka.add('orders', 1, 'b', 'c');
    const acks = new Map<string, Acknowledgment>();
    await scene.run(keeping('manual_immediate', acks));
    scene.consumer.rebalance([new TopicPartition('orders', 1)]);
    await scene.settle();
    expect(await isSettled(acks.get('a')?.acknowledge() as Promise<void>)).toBe(true);
    expect(scene.kafka.committedAt('orders', 0)).toBeUndefined();

    // The last commit of the container is under way when `c` is acknowledged.
    const held = gate();
    const commit = scene.consumer.commitSync.bind(scene.consumer);
    scene.consumer.commitSync = async (offsets) => {
      await held.promise;
      await commit(offsets);
    };
    const first = acks.get('b')?.acknowledge() as Promise<void>;
    const stopping = scene.registry.stop();
    await scene.settle();
    const late = acks.get('c')?.acknowledge() as Promise<void>;
    held.open();
    await scene.settle();
    await stopping;
    expect(await isSettled(Promise.all([first, late]).then(() => undefined))).toBe(true);
    expect(scene.kafka.committedAt('orders', 1)).toBe(2);
  });
});

describe('records that wait for their acknowledgment', () => {
  test('are not delivered again because a poll failed', async () => {
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b');
    const acks = new Map<string, Acknowledgment>();
    const seen: string[] = [];
    await scene.run(keeping('manual', acks, seen));
    const { consumer } = scene;
    const poll = consumer.poll.bind(consumer);
    consumer.poll = () => {
      consumer.poll = poll;
      return Promise.reject(new KafkaError('NETWORK_EXCEPTION', 'gone', { retriable: true }));
    };
    await scene.pass(1001);
    await scene.pass(1500);
    expect(seen).toEqual(['a', 'b']);
    void acks.get('a')?.acknowledge();
    void acks.get('b')?.acknowledge();
    await scene.pass(1001);
    expect(scene.kafka.committedAt('orders')).toBe(2);
  });
});
