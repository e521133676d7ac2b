import { afterEach, describe, expect, test } from '@jest/globals';
import { KafkaError } from '#core';
import { KafkaListener, type KafkaListenerAttributes } from '#listener';
import { TopicPartition } from '#serde';
import { FakeConsumer, gate, record, Scene, type SceneOptions } from './scene.ts';

let scene: Scene;
afterEach(async () => {
  await scene.stop();
});

function listener(attributes: KafkaListenerAttributes, seen: unknown[] = []) {
  class Orders {
    @KafkaListener({ id: 'orders', ...attributes })
    onOrder(order: unknown): void {
      seen.push(order);
    }
  }
  return new Orders();
}

function makeScene(options: SceneOptions = {}, partitionCount = 1): Scene {
  scene = new Scene(options);
  for (let partition = 0; partition < partitionCount; partition++) {
    scene.kafka.add('orders', partition, `${partition}a`, `${partition}b`, `${partition}c`);
  }
  return scene;
}

describe('concurrency', () => {
  test('a group listener gets that many consumers, with numbered client ids and instance ids', async () => {
    makeScene({ configs: { 'client.id': 'shop', 'group.instance.id': 'node' } });
    await scene.run(listener({ topics: 'orders', concurrency: '3', properties: 'max.poll.records=7' }));
    expect(scene.kafka.consumers.map(({ request }) => request.clientIdSuffix)).toEqual(['-0', '-1', '-2']);
    expect(scene.consumer.request.overrides).toEqual({ 'max.poll.records': '7' });
    expect(scene.warnings).toEqual([
      'orders: 1 consumer reads orders-0 (group orders); 2 more idle, as the group has more consumers than partitions',
    ]);
  });

  test('what it reads is one line per rebalance, however many consumers it has, and no line when nothing has changed', async () => {
    makeScene({}, 3);
    await scene.run(listener({ topics: 'orders', concurrency: 3 }));
    scene.warnings.length = 0;
    const [first, second, third] = scene.kafka.consumers;
    const of = (partition: number) => new TopicPartition('orders', partition);
    const deal = async () => {
      first.rebalance([of(0)]);
      second.rebalance([of(1)]);
      await scene.settle();
      expect(scene.warnings).toHaveLength(0);
      third.rebalance([of(2)]);
      await scene.settle();
    };
    await deal();
    expect(scene.warnings.splice(0)).toEqual(['orders: 3 consumers read orders-0, orders-1, orders-2 (group orders)']);
    await deal();
    expect(scene.warnings).toEqual([]);
    for (const consumer of scene.kafka.consumers) consumer.rebalance([]);
    await scene.settle();
    expect(scene.warnings.join()).toMatch(/no partition is left for 3 consumers.*or the topics do not exist yet/);
  });

  test('a group that deals nothing for a while is told of, for a member that died is waited for', async () => {
    makeScene();
    scene.process(listener({ topics: 'orders' }));
    const { subscribe } = FakeConsumer.prototype;
    FakeConsumer.prototype.subscribe = () => {};
    await scene.registry.start();
    FakeConsumer.prototype.subscribe = subscribe;
    await scene.pass(4900);
    expect(scene.warnings).toEqual([]);
    await scene.pass(200);
    expect(scene.warnings).toEqual([expect.stringMatching(/^orders: the group orders has dealt no partitions yet/)]);
  });

  test('topics that do not exist are named once, a short while after the start', async () => {
    makeScene({}, 0);
    scene.kafka.add('there', 0);
    await scene.run(listener({ topics: ['orders', 'there', 'parcels'], concurrency: 2 }));
    await scene.pass(4000);
    const missing = () => scene.warnings.filter((line) => line.includes('exist,'));
    expect(missing()).toEqual([]);
    for (let second = 0; second < 60; second++) await scene.pass(1000);
    expect(missing()).toEqual([
      expect.stringMatching(
        /^orders: the topics orders, parcels do not exist, or may not be seen by this client: create/,
      ),
    ]);
  });

  test('topics that were made meanwhile are not told of, and a look that fails is repeated', async () => {
    makeScene({}, 0);
    await scene.run(listener({ topics: 'orders' }));
    const { consumer } = scene;
    const { listTopics } = FakeConsumer.prototype;
    let lookCount = 0;
    consumer.listTopics = async () => {
      if (lookCount++ === 0) throw new KafkaError('REQUEST_TIMED_OUT', 'no answer', { retriable: true });
      return listTopics.call(consumer);
    };
    await scene.pass(6000);
    scene.kafka.add('orders', 0);
    for (let second = 0; second < 20; second++) await scene.pass(1000);
    expect(lookCount).toBe(2);
    expect(scene.warnings.join()).not.toMatch(/exist,/);
  });

  test('explicit partitions are dealt in slices, the last consumer takes the rest', async () => {
    makeScene({}, 10);
    await scene.run(listener({ topicPartitions: [{ topic: 'orders', partitions: '0-9' }], concurrency: 4 }));
    const dealt = scene.kafka.consumers.map((one) => one.assignment().map(({ partition }) => partition));
    expect(dealt).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7, 8, 9],
    ]);
  });

  test('more consumers than explicit partitions are not made, and that is said', async () => {
    makeScene();
    await scene.run(listener({ topicPartitions: [{ topic: 'orders', partitions: ['0'] }], concurrency: 4 }));
    expect(scene.kafka.consumers).toHaveLength(1);
    expect(scene.warnings.join()).toMatch(/concurrency 4 is reduced to 1/);
  });

  test('two partitions of one consumer never run side by side', async () => {
    let running = 0;
    let most = 0;
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(_order: string): Promise<void> {
        most = Math.max(most, ++running);
        await Promise.resolve();
        running--;
      }
    }
    makeScene({}, 3);
    await scene.run(new Orders());
    expect(most).toBe(1);
  });
});

describe('where explicit partitions start', () => {
  const offsets = (offset: object) => [{ topic: 'orders', partitionOffsets: [{ partition: '0', ...offset }] }];

  test.each([
    ['absolute', { initialOffset: '2' }, ['0c']],
    ['back from the end', { initialOffset: -1 }, ['0c']],
    ['beyond the beginning counts as the beginning', { initialOffset: -99 }, ['0a', '0b', '0c']],
    ['beginning', { seekPosition: 'BEGINNING' }, ['0a', '0b', '0c']],
    ['end', { seekPosition: 'end' }, []],
    ['relative to the committed position', { initialOffset: 1, relativeToCurrent: true }, ['0c']],
    ['a time', { initialOffset: 200, seekPosition: 'TIMESTAMP' }, ['late']],
    ['a time without a record after it: the end', { initialOffset: 999, seekPosition: 'TIMESTAMP' }, []],
  ])('%s', async (_name, offset, expected) => {
    const seen: unknown[] = [];
    makeScene();
    if ('seekPosition' in offset && offset.seekPosition === 'TIMESTAMP') {
      scene.kafka.add('orders', 0, record({ value: 'late', timestamp: 300 }));
    }
    scene.kafka.committed.set(new TopicPartition('orders', 0), 1);
    await scene.run(listener({ topicPartitions: offsets(offset) }, seen));
    expect(seen).toEqual(expected);
  });

  test('without a group id it reads but commits nothing, and says so', async () => {
    const seen: unknown[] = [];
    makeScene({ configs: {} });
    await scene.run(listener({ id: undefined, topicPartitions: [{ topic: 'orders', partitions: '0' }] }, seen));
    expect(seen).toHaveLength(3);
    expect(scene.kafka.commits).toEqual([]);
    expect(scene.warnings.join()).toMatch(/has no group id, so its offsets are not committed/);
  });
});

describe('pause, resume, seek', () => {
  test('a paused container gets nothing, stays in its group, and goes on after resume', async () => {
    const seen: unknown[] = [];
    makeScene();
    await scene.run(listener({ topics: 'orders' }, seen));
    const container = scene.registry.getListenerContainer('orders');
    container?.pause();
    await scene.settle();
    expect(container?.isContainerPaused()).toBe(true);
    scene.kafka.add('orders', 0, 'later');
    const polls = scene.consumer.pollCount;
    await scene.pass(1000);
    expect(scene.consumer.pollCount).toBeGreaterThan(polls);
    expect(seen).toHaveLength(3);
    container?.resume();
    await scene.settle();
    expect(seen).toEqual(['0a', '0b', '0c', 'later']);
    expect(scene.eventTypes()).toEqual(expect.arrayContaining(['ConsumerPaused', 'ConsumerResumed']));
  });

  test('a pause survives a rebalance', async () => {
    const seen: unknown[] = [];
    makeScene();
    await scene.run(listener({ topics: 'orders' }, seen));
    scene.registry.getListenerContainer('orders')?.pause();
    await scene.settle();
    scene.kafka.add('orders', 1, 'x');
    scene.consumer.rebalance([new TopicPartition('orders', 0), new TopicPartition('orders', 1)]);
    await scene.pass(1000);
    expect(seen).toHaveLength(3);
  });

  test('one partition can be paused alone', async () => {
    const seen: unknown[] = [];
    makeScene({}, 2);
    await scene.run(listener({ topics: 'orders' }, seen));
    scene.registry.getListenerContainer('orders')?.pausePartition({ topic: 'orders', partition: 0 });
    await scene.settle();
    scene.kafka.add('orders', 0, 'held');
    scene.kafka.add('orders', 1, 'through');
    await scene.pass(1000);
    expect(seen).toContain('through');
    expect(seen).not.toContain('held');
  });

  test('seek reads again from an offset, and that may be committed again', async () => {
    const seen: unknown[] = [];
    makeScene();
    await scene.run(listener({ topics: 'orders' }, seen));
    scene.registry.getListenerContainer('orders')?.seek({ topic: 'orders', partition: 0 }, 1);
    await scene.settle();
    expect(seen).toEqual(['0a', '0b', '0c', '0b', '0c']);
    expect(scene.kafka.commits).toEqual(['orders-0@3', 'orders-0@3']);
  });
});

describe('stop', () => {
  test('waits for the records that were polled, commits them and leaves; nothing is delivered twice', async () => {
    const gates = [gate(), gate(), gate()];
    const seen: string[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(order: string): Promise<void> {
        await gates[seen.push(order) - 1]?.promise;
      }
    }
    makeScene();
    await scene.run(new Orders());
    const stopping = scene.registry.stop();
    await scene.settle();
    expect(scene.consumer.isClosed).toBe(false);
    for (const one of gates) one.open();
    await scene.settle();
    await stopping;
    expect(scene.consumer.isClosed).toBe(true);
    expect(scene.kafka.committedAt('orders')).toBe(3);
    await scene.registry.start();
    await scene.settle();
    expect(seen).toEqual(['0a', '0b', '0c']);
    expect(scene.eventTypes()).toEqual(
      expect.arrayContaining(['ConsumerStarted', 'ConsumerStopping', 'ConsumerStopped', 'ConcurrentContainerStopped']),
    );
  });

  test('with stopImmediate only the running record is finished', async () => {
    const waiting = gate();
    const seen: string[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(order: string): Promise<void> {
        seen.push(order);
        await waiting.promise;
      }
    }
    makeScene({ properties: { stopImmediate: true } });
    await scene.run(new Orders());
    const stopping = scene.registry.stop();
    waiting.open();
    await scene.settle();
    await stopping;
    expect(seen).toEqual(['0a']);
    expect(scene.kafka.committedAt('orders')).toBe(1);
  });

  test('a handler that does not end keeps stop() no longer than the shutdown timeout', async () => {
    const waiting = gate();
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      onOrder(_order: string): Promise<void> {
        return waiting.promise;
      }
    }
    makeScene({ properties: { shutdownTimeoutMs: 3000 } });
    await scene.run(new Orders());
    let isStopped = false;
    const stopping = scene.registry.stop().then(() => {
      isStopped = true;
    });
    await scene.pass(4000);
    expect(isStopped).toBe(false);
    await scene.pass(1001);
    await stopping;
    expect(scene.warnings.join()).toMatch(/Orders.onOrder did not stop within its shutdownTimeout/);
    await expect(scene.registry.getListenerContainer('orders')?.start()).rejects.toThrow(
      /a handler of its last run has not returned yet/,
    );
    waiting.open();
  });

  test('after the shutdown timeout the records that follow are left for the next start', async () => {
    const waiting = gate();
    const seen: string[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      async onOrder(order: string): Promise<void> {
        seen.push(order);
        await waiting.promise;
      }
    }
    makeScene({ properties: { shutdownTimeoutMs: 3000 } });
    await scene.run(new Orders());
    const stopping = scene.registry.stop();
    await scene.pass(3500);
    waiting.open();
    await scene.settle();
    await stopping;
    expect(seen).toEqual(['0a']);
    expect(scene.kafka.committedAt('orders')).toBe(1);
  });

  test('no timer is left behind', async () => {
    makeScene({}, 2);
    await scene.run(listener({ topics: 'orders', concurrency: 2 }));
    await scene.stop();
    expect(scene.clock.pendingTimerCount).toBe(0);
  });
});

describe('when the loop fails', () => {
  test('an error that may pass is waited out, and nothing is lost', async () => {
    const seen: unknown[] = [];
    makeScene();
    scene.process(listener({ topics: 'orders' }, seen));
    await scene.registry.start();
    const poll = scene.consumer.poll.bind(scene.consumer);
    let failures = 2;
    scene.consumer.poll = (timeoutMs) =>
      failures-- > 0
        ? Promise.reject(new KafkaError('NETWORK_EXCEPTION', 'gone', { retriable: true }))
        : poll(timeoutMs);
    await scene.pass(1500);
    await scene.pass(1500);
    expect(seen).toHaveLength(3);
    expect(scene.warnings.filter((line) => line.includes('gone'))).toHaveLength(1);
  });

  test('one that cannot pass stops the container and its siblings, visibly', async () => {
    makeScene();
    scene.process(listener({ topics: 'orders', concurrency: 2 }));
    await scene.registry.start();
    scene.consumer.poll = () => Promise.reject(new KafkaError('FENCED_INSTANCE_ID', 'another one is here'));
    await scene.pass(1500);
    const container = scene.registry.getListenerContainer('orders');
    expect(container?.isRunning()).toBe(false);
    expect(container?.isInExpectedState()).toBe(false);
    expect(scene.kafka.consumers.every(({ isClosed }) => isClosed)).toBe(true);
    expect(scene.events[scene.events.length - 1]).toMatchObject({
      type: 'ConcurrentContainerStopped',
      reason: 'FENCED',
    });
  });

  test('an idle container says so at each interval, and when it is idle no longer', async () => {
    makeScene({ properties: { idleEventIntervalMs: 5000 } });
    await scene.run(listener({ topics: 'orders' }));
    for (let second = 0; second < 12; second++) await scene.pass(1000);
    expect(scene.eventTypes().filter((type) => type === 'ListenerContainerIdle')).toHaveLength(2);
    scene.kafka.add('orders', 0, 'at last');
    await scene.settle();
    expect(scene.eventTypes()).toContain('ListenerContainerNoLongerIdle');
  });
});

describe('containers by hand', () => {
  test('a factory makes containers without any decorator', async () => {
    const seen: unknown[] = [];
    makeScene();
    const container = scene.factory.createContainer('orders');
    container.setupMessageListener(({ value }) => seen.push(value));
    await container.start();
    await scene.settle();
    const stopping = container.stop();
    await scene.settle();
    await stopping;
    expect(seen).toEqual(['0a', '0b', '0c']);
  });

  test('a filter skips records, which count as handled', async () => {
    const seen: unknown[] = [];
    makeScene({ filter: { filter: ({ value }) => value === '0b' } });
    await scene.run(listener({ topics: 'orders' }, seen));
    expect(seen).toEqual(['0a', '0c']);
    expect(scene.kafka.committedAt('orders')).toBe(3);
  });

  test('missingTopicsFatal refuses to start for a topic that is not there', async () => {
    makeScene({ properties: { missingTopicsFatal: true } });
    scene.process(listener({ topics: ['orders', 'nowhere'] }));
    await expect(scene.registry.start()).rejects.toThrow(/the topics nowhere do not exist/);
    expect(scene.kafka.consumers.every(({ isClosed }) => isClosed)).toBe(true);
  });
});
