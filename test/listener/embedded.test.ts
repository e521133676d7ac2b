/** Listeners on the real broker and the real clients, in process: what the fakes cannot prove. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { Deferred, systemClock } from '#core';
import {
  Acknowledgment,
  ConcurrentKafkaListenerContainerFactory,
  type ContainerPropertiesFields,
  DefaultKafkaConsumerFactory,
  Header,
  KafkaHandler,
  KafkaListener,
  KafkaListenerAnnotationProcessor,
  KafkaListenerEndpointRegistry,
  Payload,
  SendTo,
} from '#listener';
import { KafkaHeaders } from '#message';
import { ConsumerRecord, deserializerByName, JsonSerializer, StringSerializer, TypeRegistry } from '#serde';
import { DefaultKafkaProducerFactory, KafkaTemplate } from '#template';
import { EmbeddedKafka } from '#testing';

let kafka: EmbeddedKafka;
let template: KafkaTemplate;
const registries: KafkaListenerEndpointRegistry[] = [];
const types = new TypeRegistry();

beforeAll(async () => {
  kafka = await EmbeddedKafka.start({ partitions: 3 });
  const configs = { 'bootstrap.servers': kafka.bootstrapServers };
  const factory = new DefaultKafkaProducerFactory(configs, {
    transport: kafka.transport,
    keySerializer: new StringSerializer(),
    valueSerializer: new JsonSerializer({ types }),
  });
  template = new KafkaTemplate(factory as DefaultKafkaProducerFactory);
});

afterEach(async () => {
  await Promise.all(registries.splice(0).map((registry) => registry.stop()));
});

afterAll(async () => {
  await template.producerFactory.stop();
  await kafka.close();
});

async function listen(bean: object, properties: ContainerPropertiesFields = {}, value = 'json', reset = 'earliest') {
  const configs = { 'bootstrap.servers': kafka.bootstrapServers, 'auto.offset.reset': reset };
  const consumerFactory = new DefaultKafkaConsumerFactory(configs, {
    transport: kafka.transport,
    keyDeserializer: deserializerByName('string'),
    valueDeserializer: deserializerByName(value),
  });
  const defaultFactory = new ConcurrentKafkaListenerContainerFactory({
    consumerFactory,
    containerProperties: properties,
    replyTemplate: template,
  });
  const registry = new KafkaListenerEndpointRegistry();
  registries.push(registry);
  new KafkaListenerAnnotationProcessor({ registry, defaultFactory, types }).process(bean);
  await registry.start();
  return registry;
}

/** Resolves when `count` calls were made. */
class Arrivals<T> {
  readonly all: T[] = [];
  private readonly wanted: number;
  private readonly done = new Deferred<T[]>();

  constructor(wanted: number) {
    this.wanted = wanted;
  }

  push(item: T): void {
    this.all.push(item);
    if (this.all.length === this.wanted) this.done.resolve(this.all);
  }

  get complete(): Promise<T[]> {
    return this.done.promise;
  }
}

class Order {
  id = '';
  amount = 0;
}

describe('listeners on the real broker', () => {
  test('what a template sends arrives in annotated methods, per partition in order, over three consumers', async () => {
    await kafka.createTopics('orders');
    const arrivals = new Arrivals<[number, number]>(300);
    class Billing {
      @KafkaListener({ id: 'billing', topics: 'orders', concurrency: 3 })
      onOrder(@Payload() order: Order, @Header(KafkaHeaders.RECEIVED_PARTITION) partition: number): void {
        expect(order).toBeInstanceOf(Order);
        arrivals.push([partition, order.amount]);
      }
    }
    await listen(new Billing());
    for (let amount = 0; amount < 300; amount++) template.send('orders', `key-${amount % 17}`, { id: 'x', amount });
    const all = await arrivals.complete;
    for (const partition of [0, 1, 2]) {
      const amounts = all.filter(([of]) => of === partition).map(([, amount]) => amount);
      expect(amounts).toEqual(amounts.toSorted((a, b) => a - b));
    }
    expect(new Set(all.map(([, amount]) => amount)).size).toBe(300);
  });

  test('a listener that is stopped goes on where it had committed, with no record twice', async () => {
    await kafka.createTopics({ name: 'resumed', partitions: 1 });
    let arrivals = new Arrivals<number>(5);
    class Resumed {
      @KafkaListener({ id: 'resumed', topics: 'resumed', ackMode: 'manual_immediate' })
      async on(@Payload() value: number, ack: Acknowledgment): Promise<void> {
        await ack.acknowledge();
        arrivals.push(value);
      }
    }
    const registry = await listen(new Resumed());
    for (let value = 0; value < 5; value++) template.send('resumed', value);
    await arrivals.complete;
    await registry.stop();
    const before = arrivals.all;
    arrivals = new Arrivals<number>(5);
    for (let value = 5; value < 10; value++) template.send('resumed', value);
    await template.flush();
    await registry.start();
    await arrivals.complete;
    expect([...before, ...arrivals.all]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('a poison pill goes to the dead letter topic as it came, and the records behind it are handled', async () => {
    await kafka.createTopics({ name: 'poisoned', partitions: 1 }, { name: 'poisoned-dlt', partitions: 1 });
    const handled = new Arrivals<string>(2);
    const dead = new Arrivals<ConsumerRecord>(1);
    class Poisoned {
      @KafkaListener({ id: 'poisoned', topics: 'poisoned' })
      on(@Payload() order: Order): void {
        handled.push(order.id);
      }
    }
    class Dead {
      @KafkaListener({ id: 'dead', topics: 'poisoned-dlt' })
      on(record: ConsumerRecord): void {
        dead.push(record);
      }
    }
    await listen(new Poisoned());
    await listen(new Dead(), {}, 'bytes');
    const raw = new KafkaTemplate(template.producerFactory, { valueSerializer: new StringSerializer() as never });
    template.send('poisoned', 'a', { id: 'first' });
    await template.flush();
    await raw.send('poisoned', 'k', 'this is { not JSON');
    template.send('poisoned', 'b', { id: 'last' });
    expect(await handled.complete).toEqual(['first', 'last']);
    const [letter] = await dead.complete;
    expect((letter.value as Buffer).toString()).toBe('this is { not JSON');
    expect(letter.key).toBe('k');
    expect(letter.headers.text(KafkaHeaders.DLT_ORIGINAL_TOPIC)).toBe('poisoned');
    expect(letter.headers.lastHeader(KafkaHeaders.DLT_ORIGINAL_OFFSET)?.value?.readBigInt64BE()).toBe(1n);
  });

  test('a handler that always fails: ten deliveries, then the dead letter holds the very bytes', async () => {
    await kafka.createTopics({ name: 'failing', partitions: 1 }, { name: 'failing-dlt', partitions: 1 });
    const dead = new Arrivals<ConsumerRecord>(1);
    let deliveries = 0;
    class Failing {
      @KafkaListener({ id: 'failing', topics: 'failing' })
      on(_order: Order): void {
        deliveries++;
        throw new Error('no');
      }
    }
    class Dead {
      @KafkaListener({ id: 'failing-dead', topics: 'failing-dlt' })
      on(record: ConsumerRecord): void {
        dead.push(record);
      }
    }
    await listen(new Failing());
    await listen(new Dead(), {}, 'bytes');
    const raw = new KafkaTemplate(template.producerFactory, { valueSerializer: new StringSerializer() as never });
    await raw.send('failing', 'k', '{"id":  "spaces kept", "amount": 12345678901234567890}');
    const [letter] = await dead.complete;
    expect((letter.value as Buffer).toString()).toBe('{"id":  "spaces kept", "amount": 12345678901234567890}');
    expect(deliveries).toBe(10);
  });

  test('a dead letter topic that is not there yet is made by the first dead letter', async () => {
    await kafka.createTopics({ name: 'fresh', partitions: 3 });
    const recovered = new Arrivals<string>(1);
    class Fresh {
      @KafkaListener({ id: 'fresh', topics: 'fresh' })
      on(value: { last?: boolean }): void {
        if (value.last !== true) throw new Error('no');
        recovered.push('went on');
      }
    }
    await listen(new Fresh());
    await template.send('fresh', 2, 'k', { bad: true });
    await template.send('fresh', 2, 'k', { last: true });
    await recovered.complete;
    const dead = new Arrivals<ConsumerRecord>(1);
    class Dead {
      @KafkaListener({ id: 'fresh-dead', topics: 'fresh-dlt' })
      on(record: ConsumerRecord): void {
        dead.push(record);
      }
    }
    await listen(new Dead());
    const [letter] = await dead.complete;
    expect([letter.partition, letter.value]).toEqual([2, { bad: true }]);
  });

  test('a rebalance between two members of a group loses nothing, and a clean one repeats nothing', async () => {
    await kafka.createTopics({ name: 'shared', partitions: 4 });
    const seen = new Map<number, number>();
    const all = new Deferred<void>();
    class Shared {
      @KafkaListener({ id: 'shared', topics: 'shared' })
      async on(value: number): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        seen.set(value, (seen.get(value) ?? 0) + 1);
        if (seen.size === 400) all.resolve();
      }
    }
    const first = await listen(new Shared(), { keepAliveMs: 20 });
    for (let value = 0; value < 200; value++) template.send('shared', value % 4, null, value);
    await template.flush();
    await listen(new Shared(), { keepAliveMs: 20 });
    for (let value = 200; value < 400; value++) template.send('shared', value % 4, null, value);
    await template.flush();
    await first.stop();
    await all.promise;
    expect([...seen.values()].every((count) => count === 1)).toBe(true);
  });

  test('a group that starts at the end of a topic misses nothing that comes after its first start', async () => {
    await kafka.createTopics({ name: 'latest', partitions: 1 });
    await template.send('latest', 'before');
    const arrivals = new Arrivals<string>(1);
    class Latest {
      @KafkaListener({ id: 'latest', topics: 'latest' })
      on(value: string): void {
        arrivals.push(value);
      }
    }
    const registry = await listen(new Latest(), {}, 'json', 'latest');
    const admin = Admin.create({ 'bootstrap.servers': kafka.bootstrapServers }, { transport: kafka.transport });
    const committed = async () => [...(await admin.listConsumerGroupOffsets('latest'))].length;
    while ((await committed()) === 0) await systemClock.sleep(5);
    await admin.close();
    await registry.stop();
    await template.send('latest', 'between');
    await registry.start();
    expect(await arrivals.complete).toEqual(['between']);
  });

  test('request and reply: what a method returns is sent to its @SendTo topic under the same key', async () => {
    await kafka.createTopics('asked', 'answered');
    const answers = new Arrivals<ConsumerRecord>(1);
    class Shop {
      @KafkaListener({ id: 'asked', topics: 'asked' })
      @SendTo('answered')
      on(order: Order): object {
        return { total: order.amount * 2 };
      }

      @KafkaListener({ id: 'answered', topics: 'answered' })
      onAnswer(record: ConsumerRecord): void {
        answers.push(record);
      }
    }
    await listen(new Shop());
    template.send('asked', 'k1', { id: 'x', amount: 21 });
    const [answer] = await answers.complete;
    expect(answer.value).toEqual({ total: 42 });
    expect(answer.key).toBe('k1');
  });

  test('explicit partitions start where they were told to', async () => {
    await kafka.createTopics({ name: 'audited', partitions: 2 });
    for (let value = 0; value < 10; value++) await template.send('audited', value % 2, null, value);
    const arrivals = new Arrivals<number>(3);
    class Audit {
      @KafkaListener({
        id: 'audit',
        topicPartitions: [
          {
            topic: 'audited',
            partitionOffsets: [
              { partition: '0', initialOffset: '4' },
              { partition: '1', initialOffset: -2 },
            ],
          },
        ],
      })
      on(value: number): void {
        arrivals.push(value);
      }
    }
    await listen(new Audit());
    expect((await arrivals.complete).toSorted((a, b) => a - b)).toEqual([7, 8, 9]);
  });

  test('a class-level listener hands each type to its own method', async () => {
    await kafka.createTopics({ name: 'mixed', partitions: 1 });
    class Placed {
      id = '';
    }
    class Cancelled {
      reason = '';
    }
    const arrivals = new Arrivals<string>(3);
    @KafkaListener({ id: 'mixed', topics: 'mixed' })
    class Mixed {
      @KafkaHandler()
      onPlaced(event: Placed): void {
        arrivals.push(`placed ${event.id}`);
      }

      @KafkaHandler()
      onCancelled(event: Cancelled): void {
        arrivals.push(`cancelled ${event.reason}`);
      }

      @KafkaHandler({ isDefault: true })
      onOther(event: unknown): void {
        arrivals.push(`other ${JSON.stringify(event)}`);
      }
    }
    await listen(new Mixed());
    template.send('mixed', Object.assign(new Placed(), { id: '1' }));
    template.send('mixed', Object.assign(new Cancelled(), { reason: 'late' }));
    template.send('mixed', { anything: true });
    expect(await arrivals.complete).toEqual(['placed 1', 'cancelled late', 'other {"anything":true}']);
  });

  test('a synchronous handler does not keep the event loop for itself', async () => {
    await kafka.createTopics({ name: 'busy', partitions: 1 });
    for (let value = 0; value < 200; value++) template.send('busy', value);
    await template.flush();
    const arrivals = new Arrivals<number>(200);
    let turns = 0;
    class Busy {
      @KafkaListener({ id: 'busy', topics: 'busy' })
      on(value: number): void {
        const untilMs = systemClock.now().monotonicMs + 1;
        while (systemClock.now().monotonicMs < untilMs);
        arrivals.push(value);
      }
    }
    await listen(new Busy());
    const count = (): void => {
      turns++;
      if (arrivals.all.length < 200) systemClock.nextTurn(count);
    };
    systemClock.nextTurn(count);
    await arrivals.complete;
    expect(turns).toBeGreaterThan(15);
  });
});
