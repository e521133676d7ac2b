import { afterEach, describe, expect, test } from '@jest/globals';
import { KafkaError } from '#core';
import { type AckMode, Acknowledgment, KafkaListener, Payload } from '#listener';
import { TopicPartition } from '#serde';
import { gate, Scene, type SceneOptions } from './scene.ts';

let scene: Scene;
afterEach(async () => {
  await scene.stop();
});

/** A synchronous listener of `orders` that keeps what it got. */
function plainListener(ackMode: AckMode, seen: unknown[]) {
  class Orders {
    @KafkaListener({ id: 'orders', topics: 'orders', ackMode })
    onOrder(order: string): void {
      seen.push(order);
    }
  }
  return new Orders();
}

async function runPlain(ackMode: AckMode, values: string[], options: SceneOptions = {}): Promise<unknown[]> {
  const seen: unknown[] = [];
  scene = new Scene(options);
  scene.kafka.add('orders', 0, ...values);
  await scene.run(plainListener(ackMode, seen));
  return seen;
}

describe('when offsets are committed', () => {
  test('batch: once, after all records of a poll were handled', async () => {
    expect(await runPlain('batch', ['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    expect(scene.kafka.commits).toEqual(['orders-0@3']);
  });

  test('record: after each record', async () => {
    await runPlain('record', ['a', 'b', 'c']);
    expect(scene.kafka.commits).toEqual(['orders-0@1', 'orders-0@2', 'orders-0@3']);
  });

  test('count: when so many records were handled, and the rest at an empty poll', async () => {
    await runPlain('count', ['a', 'b', 'c', 'd', 'e'], { properties: { ackCount: 2 } });
    expect(scene.kafka.commits).toEqual(['orders-0@2', 'orders-0@4']);
    await scene.pass(1001);
    expect(scene.kafka.commits).toEqual(['orders-0@2', 'orders-0@4', 'orders-0@5']);
  });

  test('time: when so long has passed since the last commit', async () => {
    await runPlain('time', ['a'], { properties: { ackTimeMs: 3000 } });
    expect(scene.kafka.commits).toEqual([]);
    await scene.pass(1001);
    expect(scene.kafka.commits).toEqual([]);
    await scene.pass(3100);
    expect(scene.kafka.commits).toEqual(['orders-0@1']);
  });

  test('count_time: whichever comes first', async () => {
    await runPlain('count_time', ['a', 'b', 'c'], { properties: { ackCount: 2, ackTimeMs: 60_000 } });
    expect(scene.kafka.commits).toEqual(['orders-0@2']);
  });

  test('a pending partial count is committed by stop', async () => {
    await runPlain('count', ['a', 'b', 'c'], { properties: { ackCount: 100 } });
    expect(scene.kafka.commits).toEqual([]);
    await scene.stop();
    expect(scene.kafka.commits).toEqual(['orders-0@3']);
  });

  test('enable.auto.commit=true commits by time what was handled, never through the consumer', async () => {
    const configs = { 'group.id': 'scene', 'enable.auto.commit': 'true', 'auto.commit.interval.ms': 2000 };
    await runPlain('batch', ['a'], { configs });
    expect(scene.kafka.commits).toEqual([]);
    await scene.pass(3100);
    expect(scene.kafka.commits).toEqual(['orders-0@1']);
  });

  test('a commit that fails is repeated, and nothing is handled twice for it', async () => {
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a');
    const error = new KafkaError('REBALANCE_IN_PROGRESS', 'rebalancing', { retriable: true });
    scene.kafka.commitErrors.push(error);
    const seen: unknown[] = [];
    await scene.run(plainListener('batch', seen));
    expect(scene.kafka.commits).toEqual([]);
    await scene.pass(1001);
    expect(scene.kafka.commits).toEqual(['orders-0@1']);
    expect(seen).toEqual(['a']);
  });

  test('a group that starts at the end commits its start, so that nothing after it is skipped after a crash', async () => {
    const configs = { 'group.id': 'scene', 'auto.offset.reset': 'latest' };
    const seen = await runPlain('batch', ['old'], { configs });
    expect([seen, scene.kafka.commits]).toEqual([[], ['orders-0@1']]);
    await scene.stop();
    scene.kafka.add('orders', 0, 'new');
    await scene.registry.start();
    await scene.settle();
    expect(seen).toEqual(['new']);
  });

  test('assignmentCommitOption never leaves the start uncommitted', async () => {
    const configs = { 'group.id': 'scene', 'auto.offset.reset': 'latest' };
    await runPlain('batch', ['old'], { configs, properties: { assignmentCommitOption: 'never' } });
    expect(scene.kafka.commits).toEqual([]);
  });

  test('what was handled and not committed when a process died comes again', async () => {
    const seen = await runPlain('count', ['a', 'b'], { properties: { ackCount: 100 } });
    for (let commit = 0; commit < 4; commit++)
      scene.kafka.commitErrors.push(new KafkaError('NETWORK_EXCEPTION', 'died'));
    await scene.stop();
    expect(scene.kafka.commits).toEqual([]);
    await scene.registry.start();
    await scene.settle();
    expect(seen).toEqual(['a', 'b', 'a', 'b']);
  });
});

describe('manual acknowledgment', () => {
  function manual(ackMode: AckMode, handle: (order: string, ack: Acknowledgment) => unknown) {
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders', ackMode })
      onOrder(@Payload() order: string, ack: Acknowledgment): unknown {
        return handle(order, ack);
      }
    }
    return new Orders();
  }

  test('an unacknowledged record holds the commit back, whatever is acknowledged above it', async () => {
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    const acks = new Map<string, Acknowledgment>();
    await scene.run(manual('manual', (order, ack) => void acks.set(order, ack)));
    void acks.get('a')?.acknowledge();
    void acks.get('c')?.acknowledge();
    await scene.pass(1001);
    expect(scene.kafka.committedAt('orders')).toBe(1);
    void acks.get('b')?.acknowledge();
    await scene.pass(1001);
    expect(scene.kafka.committedAt('orders')).toBe(3);
  });

  test('with commitHighestAck an acknowledgment covers the records below it, as in Spring', async () => {
    scene = new Scene({ properties: { commitHighestAck: true } });
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(manual('manual', (order, ack) => void (order === 'b' && ack.acknowledge())));
    expect(scene.kafka.committedAt('orders')).toBe(2);
  });

  test('manual_immediate: acknowledge() resolves inside the handler when the offset is committed', async () => {
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b');
    const committed: unknown[] = [];
    await scene.run(
      manual('manual_immediate', async (_order, ack) => {
        await ack.acknowledge();
        committed.push(scene.kafka.committedAt('orders'));
      }),
    );
    expect(committed).toEqual([1, 2]);
  });

  test('manual_immediate: an acknowledgment after the handler has returned is committed without waiting for the poll', async () => {
    scene = new Scene({ properties: { asyncAcks: true } });
    scene.kafka.add('orders', 0, 'a');
    const acks: Acknowledgment[] = [];
    await scene.run(manual('manual_immediate', (_order, ack) => void acks.push(ack)));
    const acked = acks[0].acknowledge();
    await scene.settle();
    await acked;
    expect(scene.kafka.committedAt('orders')).toBe(1);
  });

  test('nack delivers the record again after its sleep, before anything that follows, and commits what came before', async () => {
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    const seen: string[] = [];
    await scene.run(
      manual('manual', (order, ack) => {
        seen.push(order);
        if (order === 'b' && seen.filter((one) => one === 'b').length === 1) ack.nack(1500);
        else void ack.acknowledge();
      }),
    );
    expect(seen).toEqual(['a', 'b']);
    expect(scene.kafka.committedAt('orders')).toBe(1);
    await scene.pass(1501);
    expect(seen).toEqual(['a', 'b', 'b', 'c']);
    expect(scene.kafka.committedAt('orders')).toBe(3);
  });

  test('nack is refused after the handler has returned, and with asyncAcks', async () => {
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a');
    const acks: Acknowledgment[] = [];
    await scene.run(manual('manual', (_order, ack) => void acks.push(ack)));
    expect(() => acks[0].nack(1)).toThrow(/has returned/);
  });

  test('the consumer is paused while too many records wait for their acknowledgment', async () => {
    scene = new Scene({ properties: { unackedRecordsMax: 2 } });
    scene.kafka.pollRecordsMax = 2;
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    const acks: Acknowledgment[] = [];
    await scene.run(manual('manual', (_order, ack) => void acks.push(ack)));
    expect(acks).toHaveLength(2);
    expect(scene.warnings.join()).toMatch(/2 records wait for their acknowledgment, the oldest: orders-0@0/);
    void acks[0].acknowledge();
    void acks[1].acknowledge();
    await scene.pass(1001);
    await scene.pass(1001);
    expect(acks).toHaveLength(3);
  });
});

describe('one call at a time', () => {
  test('the next record waits until the promise of the one before has settled', async () => {
    const gates = [gate(), gate()];
    const log: string[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(order: string): Promise<void> {
        log.push(`+${order}`);
        await gates[Number(order)].promise;
        log.push(`-${order}`);
      }
    }
    scene = new Scene();
    scene.kafka.add('orders', 0, '0', '1');
    await scene.run(new Orders());
    expect(log).toEqual(['+0']);
    gates[0].open();
    await scene.settle();
    expect(log).toEqual(['+0', '-0', '+1']);
    gates[1].open();
    await scene.settle();
    expect(log).toEqual(['+0', '-0', '+1', '-1']);
  });

  test('a long handler keeps its place in the group: the paused consumer is polled meanwhile', async () => {
    const waiting = gate();
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(_order: string): Promise<void> {
        await waiting.promise;
      }
    }
    scene = new Scene({ properties: { keepAliveMs: 5000 } });
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(new Orders());
    const before = scene.consumer.pollCount;
    for (let step = 0; step < 4; step++) await scene.pass(5001);
    expect(scene.consumer.pollCount).toBe(before + 4);
    expect(scene.consumer.paused()).toHaveLength(1);
    waiting.open();
    await scene.settle();
    expect(scene.kafka.committedAt('orders')).toBe(2);
    expect(scene.consumer.paused()).toHaveLength(0);
  });
});

describe('rebalance', () => {
  test('revocation waits for the running handler and commits what it finished; the rest is left to the next owner', async () => {
    const waiting = gate();
    const seen: string[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(order: string): Promise<void> {
        seen.push(order);
        if (order === 'b') await waiting.promise;
      }
    }
    scene = new Scene({ properties: { keepAliveMs: 1000 } });
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(new Orders());
    scene.consumer.rebalance([]);
    await scene.pass(1001);
    expect(scene.consumer.assignment()).toHaveLength(1);
    waiting.open();
    await scene.settle();
    expect(scene.consumer.assignment()).toHaveLength(0);
    expect(scene.kafka.committedAt('orders')).toBe(2);
    expect(seen).toEqual(['a', 'b']);
  });

  test('a handler that waits for its commit does not lock a revocation up', async () => {
    const waiting = gate();
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders', ackMode: 'manual_immediate' })
      async onOrder(@Payload() _order: string, ack: Acknowledgment): Promise<void> {
        await waiting.promise;
        await ack.acknowledge();
      }
    }
    scene = new Scene({ properties: { keepAliveMs: 1000 } });
    scene.kafka.add('orders', 0, 'a');
    await scene.run(new Orders());
    scene.consumer.rebalance([]);
    await scene.pass(1001);
    waiting.open();
    await scene.settle();
    expect(scene.kafka.committedAt('orders')).toBe(1);
    expect(scene.consumer.assignment()).toHaveLength(0);
  });

  test('what finishes after its partition was lost is not committed', async () => {
    const waiting = gate();
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(_order: string): Promise<void> {
        await waiting.promise;
      }
    }
    scene = new Scene({ properties: { keepAliveMs: 1000 } });
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(new Orders());
    scene.consumer.rebalance([], { lost: true });
    await scene.pass(1001);
    expect(scene.consumer.assignment()).toHaveLength(0);
    waiting.open();
    await scene.pass(2000);
    expect(scene.kafka.commits).toEqual([]);
  });

  test('partitions that stay go on while another one is taken away', async () => {
    const seen: string[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      onOrder(order: string): void {
        seen.push(order);
      }
    }
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a');
    scene.kafka.add('orders', 1, 'x');
    await scene.run(new Orders());
    scene.consumer.rebalance([new TopicPartition('orders', 1)]);
    await scene.settle();
    scene.kafka.add('orders', 0, 'b');
    scene.kafka.add('orders', 1, 'y');
    await scene.settle();
    expect(seen).toEqual(['a', 'x', 'y']);
  });
});
