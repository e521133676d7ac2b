import { afterEach, describe, expect, test } from '@jest/globals';
import { KafkaConsumer } from '#client';
import {
  Acknowledgment,
  Header,
  Headers,
  KafkaHandler,
  KafkaListener,
  type KafkaListenerAttributes,
  Payload,
  SendTo,
} from '#listener';
import { KafkaHeaders, Message, MessageBuilder, MessageHeaders } from '#message';
import { ConsumerRecord, ConsumerRecordMetadata, ConsumerRecords, Headers as RecordHeaders } from '#serde';
import { record, Scene } from './scene.ts';

let scene: Scene | undefined;
afterEach(async () => {
  await scene?.stop();
  scene = undefined;
});

class Order {
  id = '';
}

/** As compilers leave a method that emit no types. */
function untyped(prototype: object, member: string): void {
  Reflect.deleteMetadata('design:paramtypes', prototype, member);
}

/** Registers and starts a bean; the text of what it refused. */
async function refusal(bean: () => object, options: ConstructorParameters<typeof Scene>[0] = {}): Promise<string> {
  scene = new Scene(options);
  try {
    scene.process(bean());
    await scene.registry.start();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
}

describe('a decorator refuses what cannot be right when it is written', () => {
  const write = (attributes: object) => () => {
    class Orders {
      @KafkaListener(attributes as KafkaListenerAttributes)
      onOrder(): void {}
    }
    return Orders;
  };

  test.each([
    [{}, /exactly one of topics, topicPattern and topicPartitions must be given; none is given/],
    [{ topics: 'a', topicPattern: 'b' }, /topics and topicPattern are given/],
    [{ topics: 'a', grupId: 'g' }, /unknown attribute 'grupId'; did you mean 'groupId'\?/],
    [{ topics: 'a', ackMode: 'manuel' }, /ackMode 'manuel' is none of/],
    [{ topics: 'a', concurrency: 0 }, /concurrency is a whole number above 0/],
    [{ topicPartitions: [] }, /topicPartitions is a list/],
  ])('%j', (attributes, text) => {
    expect(write(attributes)).toThrow(text);
    expect(write(attributes)).toThrow(/Orders\.onOrder/);
  });

  test('a header needs a name, a parameter one decorator, a listener an instance method', () => {
    expect(() => {
      class Orders {
        onOrder(@Header('') _a: string): void {}
      }
      return Orders;
    }).toThrow(/@Header on parameter 0 of Orders.onOrder: name the header/);
    expect(() => {
      class Orders {
        onOrder(@Header('a') @Payload() _a: string): void {}
      }
      return Orders;
    }).toThrow(/decorated twice/);
    expect(() => {
      class Orders {
        @KafkaListener({ topics: 'a' })
        static onOrder(): void {}
      }
      return Orders;
    }).toThrow(/a static method has no bean/);
  });
});

describe('a listener that cannot work is refused before it starts, naming class, method and parameter', () => {
  test('an id that is taken', async () => {
    class Orders {
      @KafkaListener({ id: 'same', topics: 'a' })
      one(): void {}

      @KafkaListener({ id: 'same', topics: 'b' })
      two(): void {}
    }
    expect(await refusal(() => new Orders())).toBe(
      "two listeners have the id 'same': Orders.one and Orders.two. Give each @KafkaListener an id of its own",
    );
  });

  test('no group id', async () => {
    class Orders {
      @KafkaListener({ topics: 'a' })
      one(): void {}
    }
    expect(await refusal(() => new Orders(), { configs: {} })).toBe(
      'Orders.one has no group id: set groupId (or id) in @KafkaListener, or spring.kafka.consumer.group-id in application.yaml',
    );
  });

  test('an acknowledgment in a mode without one, and the other way round', async () => {
    class Automatic {
      @KafkaListener({ topics: 'a' })
      one(@Payload() _order: string, _ack: Acknowledgment): void {}
    }
    class Manual {
      @KafkaListener({ topics: 'a', ackMode: 'manual' })
      one(_order: string): void {}
    }
    expect(await refusal(() => new Automatic())).toMatch(
      /parameter 1 of Automatic.one: an Acknowledgment needs the ack mode/,
    );
    expect(await refusal(() => new Manual())).toMatch(/Manual.one: in a manual ack mode .* would never commit/);
  });

  test('parameters without emitted types, unless decorators name every one of them', async () => {
    class Plain {
      @untyped
      @KafkaListener({ topics: 'a' })
      one(_order: Order): void {}
    }
    class Half {
      @untyped
      @KafkaListener({ topics: 'a' })
      one(@Payload({ type: Order }) _order: Order, @Header('count') _count: number): void {}
    }
    const text =
      /one: the classes of its parameters are not known.*"emitDecoratorMetadata".*tsx, esbuild.*@Payload\({ type/;
    expect(await refusal(() => new Plain())).toMatch(text);
    expect(await refusal(() => new Half())).toMatch(text);
    const seen: unknown[] = [];
    class Named {
      @untyped
      @KafkaListener({ id: 'one', topics: 'orders' })
      one(
        @Payload({ type: Order }) order: Order,
        @Header('count', { type: Number }) count: number,
        @Headers() _all: object,
      ): void {
        seen.push(order, count);
      }
      @untyped
      @KafkaListener({ id: 'list', topics: 'lists', batch: true })
      list(@Payload({ type: Order }) orders: Order[]): void {
        seen.push(orders);
      }
      @untyped
      @KafkaListener({ id: 'none', topics: 'other' })
      none(): void {}
    }
    scene = new Scene();
    scene.kafka.add('orders', 0, record({ value: '{"id":"x"}', headers: RecordHeaders.from({ count: '3' }) }));
    scene.kafka.add('lists', 0, '{"id":"x"}');
    scene.process(new Named());
    await scene.registry.start();
    await scene.settle();
    for (const consumer of scene.kafka.consumers) {
      consumer.rebalance(scene.kafka.logs.keys().filter(({ topic }) => (consumer.topics as string[]).includes(topic)));
    }
    await scene.settle();
    const order = Object.assign(new Order(), { id: 'x' });
    expect(seen).toEqual([order, 3, [order]]);
    expect(seen[0]).toBeInstanceOf(Order);
  });

  test('a parameter that nobody can know the meaning of', async () => {
    class Orders {
      @KafkaListener({ topics: 'a' })
      one(_order: Order, _what: string): void {}
    }
    expect(await refusal(() => new Orders())).toMatch(
      /parameter 1 of Orders.one: it is not clear what it should be given/,
    );
  });

  test('lists where one record is handed over, and one payload where a list is', async () => {
    class Single {
      @KafkaListener({ topics: 'a' })
      one(_records: ConsumerRecords): void {}
    }
    class Batch {
      @KafkaListener({ topics: 'a', batch: true })
      one(_order: Order): void {}
    }
    expect(await refusal(() => new Single())).toMatch(
      /parameter 0 of Single.one: ConsumerRecords belong to batch listeners/,
    );
    expect(await refusal(() => new Batch())).toMatch(
      /parameter 0 of Batch.one: a batch listener takes a list, not one Order/,
    );
  });

  test.each([
    [{ batch: true, ackMode: 'record' }, /a batch listener cannot have the ack mode 'record'/],
    [{ concurrency: '${many}' }, /concurrency is a whole number above 0, not 'lots'/],
    [{ ackMode: '${mode}' }, /ackMode: ack mode 'bach' is none of .* Did you mean 'batch'\?/],
    [{ errorHandler: 'nobody' }, /errorHandler: there is no bean named 'nobody'/],
    [{ containerFactory: 'nobody' }, /containerFactory: there is no bean named 'nobody'/],
    [{ properties: ['group.id=x'] }, /properties: group.id: use the attribute groupId/],
  ])('%j', async (attributes, text) => {
    class Orders {
      @KafkaListener({ topics: 'a', ...(attributes as object) })
      one(_orders: string[]): void {}
    }
    expect(await refusal(() => new Orders(), { placeholders: { many: 'lots', mode: 'bach' } })).toMatch(text);
  });

  test.each([
    [[{ topic: 'a' }], /give partitions or partitionOffsets/],
    [[{ topic: 'a', partitions: '3-1' }], /the range ends before it starts/],
    [[{ topic: 'a', partitions: 'x' }], /partitions 'x': write a number/],
    [
      [{ topic: 'a', partitions: '0', partitionOffsets: [{ partition: '0', initialOffset: 1 }] }],
      /in partitions and in partitionOffsets/,
    ],
    [
      [{ topic: 'a', partitionOffsets: [{ partition: '0', initialOffset: 'soon' }] }],
      /initialOffset of partition 0 must be an integer/,
    ],
    [
      [{ topic: 'a', partitionOffsets: [{ partition: '0', seekPosition: 'MIDDLE' }] }],
      /seekPosition 'MIDDLE' is none of/,
    ],
    [
      [
        { topic: 'a', partitions: '0' },
        { topic: 'a', partitions: '0' },
      ],
      /partition 0 is given twice/,
    ],
  ])('%j', async (topicPartitions, text) => {
    class Orders {
      @KafkaListener({ topicPartitions })
      one(_order: string): void {}
    }
    expect(await refusal(() => new Orders())).toMatch(text);
  });

  test('@SendTo without a template, a class-level listener without handlers, two handlers of one class', async () => {
    @KafkaListener({ topics: 'a' })
    class Empty {}
    @KafkaListener({ topics: 'a' })
    class Twice {
      @KafkaHandler()
      one(_order: Order): void {}

      @KafkaHandler()
      two(_order: Order): void {}
    }
    expect(await refusal(() => new Empty())).toMatch(
      /class Empty: a class-level listener needs methods decorated with @KafkaHandler/,
    );
    expect(await refusal(() => new Twice())).toMatch(/class Twice: one and two both take Order/);
  });
});

describe('what a parameter can be given', () => {
  async function received(bean: object, ...items: unknown[]): Promise<Scene> {
    scene = new Scene({ placeholders: { 'app.topic': 'orders', 'app.ack': 'BATCH' } });
    scene.kafka.add('orders', 0, ...items);
    return scene.run(bean);
  }

  test('everything about the record, by decorator or by class', async () => {
    const got: unknown[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: '${app.topic}', ackMode: '${app.ack}', info: 'note' })
      on(
        @Payload() order: Order,
        @Header(KafkaHeaders.RECEIVED_KEY) key: string,
        @Header(KafkaHeaders.OFFSET) offset: number,
        @Header('mine') mine: string,
        @Header('count') count: number,
        @Header('absent', { required: false }) absent: string | null,
        @Header('default', { defaultValue: 'used' }) usual: string,
        @Header(KafkaHeaders.LISTENER_INFO) info: string,
        @Headers() headers: Record<string, unknown>,
        @Headers() map: MessageHeaders,
        consumer: KafkaConsumer,
        whole: ConsumerRecord,
        metadata: ConsumerRecordMetadata,
        message: Message,
      ): void {
        got.push({ order, key, offset, mine, count, absent, usual, info, topic: headers[KafkaHeaders.RECEIVED_TOPIC] });
        got.push(
          map.get(KafkaHeaders.GROUP_ID),
          consumer === (scene?.consumer as unknown),
          whole.offset,
          metadata.toString(),
        );
        got.push(message.payload);
      }
    }
    const headers = RecordHeaders.from({ mine: 'text', count: '12' });
    await received(new Orders(), record({ key: 'k', value: { id: '7' }, headers }));
    expect(got).toEqual([
      {
        order: Object.assign(new Order(), { id: '7' }),
        key: 'k',
        offset: 0,
        mine: 'text',
        count: 12,
        absent: null,
        usual: 'used',
        info: 'note',
        topic: 'orders',
      },
      'orders',
      true,
      0,
      'orders-0@0',
      { id: '7' },
    ]);
    expect((got[0] as { order: unknown }).order).toBeInstanceOf(Order);
  });

  test('a missing header, and a payload of the wrong kind, make a dead letter and not a stop', async () => {
    const got: unknown[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      on(@Payload() order: Order, @Header('must') must: string): void {
        got.push(order.id, must);
      }
    }
    const must = RecordHeaders.from({ must: 'here' });
    await received(
      new Orders(),
      record({ value: { id: '1' } }),
      record({ value: 'not an object', headers: must }),
      record({ value: { id: '2' }, headers: must }),
    );
    expect(got).toEqual(['2', 'here']);
    const reasons = scene?.template.sent.map(({ headers }) => headers.text(KafkaHeaders.DLT_EXCEPTION_MESSAGE));
    expect(reasons?.[0]).toMatch(/parameter 1 of Orders.on: the record has no header must/);
    expect(reasons?.[1]).toMatch(/expected JSON for a Order/);
  });

  test('a tombstone needs @Payload({ required: false })', async () => {
    const got: unknown[] = [];
    class Orders {
      @KafkaListener({ id: 'strict', topics: 'orders' })
      strict(order: Order): void {
        got.push(order);
      }
    }
    await received(new Orders(), record({ value: null }));
    expect(scene?.template.sent).toHaveLength(1);
    await scene?.stop();
    class Lenient {
      @KafkaListener({ id: 'lenient', topics: 'orders' })
      on(@Payload({ required: false }) order: Order | null): void {
        got.push(order);
      }
    }
    await received(new Lenient(), record({ value: null }));
    expect(got).toEqual([null]);
    expect(scene?.warnings.join()).toMatch(
      /parameter 0 of Lenient.on gets its payload as it is, neither converted nor/,
    );
  });

  test('a payload or header that may be missing keeps its class by `?`, or by naming it', async () => {
    const got: unknown[] = [];
    class Marked {
      @KafkaListener({ id: 'marked', topics: 'orders' })
      on(@Payload({ required: false }) order?: Order, @Header('count', { required: false }) count?: number): void {
        got.push(order instanceof Order, count);
      }
    }
    class Named {
      @KafkaListener({ id: 'named', topics: 'orders' })
      on(
        @Payload({ required: false, type: Order }) order: Order | null,
        @Header('count', { required: false, type: Number }) count: number | null,
      ): void {
        got.push(order instanceof Order, count);
      }
    }
    const headers = new RecordHeaders();
    headers.add('count', '7');
    await received(new Marked(), record({ value: { id: 'a' }, headers }));
    await scene?.stop();
    await received(new Named(), record({ value: { id: 'a' }, headers }));
    expect(got).toEqual([true, 7, true, 7]);
    expect(scene?.warnings.filter((line) => line.includes('neither converted'))).toEqual([]);
  });

  test('several listeners on one method, and on a method of a parent class, each get their records', async () => {
    const got: string[] = [];
    class Parent {
      @KafkaListener({ id: 'one', topics: 'orders' })
      @KafkaListener({ id: 'two', topicPattern: 'ord.*' })
      on(@Payload() _order: string, @Header(KafkaHeaders.GROUP_ID) group: string): void {
        got.push(group);
      }
    }
    class Child extends Parent {}
    scene = new Scene();
    scene.kafka.add('orders', 0, 'x');
    scene.process(new Child());
    expect([...scene.registry.getListenerContainerIds()]).toEqual(['one', 'two']);
    for (const container of scene.registry.getListenerContainers()) {
      await container.start();
      await scene.settle();
      const stopping = container.stop();
      await scene.settle();
      await stopping;
      scene.kafka.committed.clear();
    }
    expect(got).toEqual(['one', 'two']);
  });

  test('attributes may be functions of the bean', async () => {
    class Orders {
      readonly topic = 'orders';
      readonly got: unknown[] = [];

      @KafkaListener({ id: (bean) => `of-${(bean as Orders).topic}`, topics: (bean) => (bean as Orders).topic })
      on(order: string): void {
        this.got.push(order);
      }
    }
    const bean = new Orders();
    await received(bean, 'a');
    expect(bean.got).toEqual(['a']);
    expect(scene?.registry.getListenerContainer('of-orders')?.groupId).toBe('of-orders');
  });

  test('autoStartup false is honoured, also for a listener that is added later', async () => {
    class Later {
      @KafkaListener({ id: 'later', topics: 'orders', autoStartup: '${no}' })
      on(_order: string): void {}
    }
    scene = new Scene({ placeholders: { no: 'false' } });
    await scene.registry.start();
    scene.process(new Later());
    const container = scene.registry.getListenerContainer('later');
    if (container !== undefined) await scene.registry.startIfRunning(container);
    expect(container?.isRunning()).toBe(false);
  });
});

describe('class-level listeners', () => {
  class Placed {
    id = '';
  }

  @KafkaListener({ id: 'events', topics: 'orders' })
  class Events {
    readonly got: string[] = [];

    @KafkaHandler()
    onPlaced(event: Placed): void {
      this.got.push(`placed ${event.id}`);
    }

    @KafkaHandler()
    onText(text: string): void {
      this.got.push(`text ${text}`);
    }

    @KafkaHandler()
    onGone(@Payload({ required: false }) _none: number | null): void {
      this.got.push('tombstone');
    }
  }

  test('the type header, the class of the value, or its kind chooses the method', async () => {
    const bean = new Events();
    scene = new Scene();
    const typed = (id: string) => RecordHeaders.from({ __TypeId__: id });
    scene.kafka.add(
      'orders',
      0,
      record({ value: { id: '1' }, headers: typed('Placed') }),
      record({ value: { id: '2' }, headers: typed('com.acme.events.Placed') }),
      record({ value: Object.assign(new Placed(), { id: '3' }) }),
      'words',
      record({ value: null }),
    );
    await scene.run(bean);
    expect(bean.got).toEqual(['placed 1', 'placed 2', 'placed 3', 'text words', 'tombstone']);
  });

  test('what fits no method and finds no default becomes a dead letter that says so', async () => {
    scene = new Scene();
    scene.kafka.add('orders', 0, record({ value: { any: 1 }, headers: RecordHeaders.from({ __TypeId__: 'Other' }) }));
    await scene.run(new Events());
    const [letter] = scene.template.sent;
    expect(letter.headers.text(KafkaHeaders.DLT_EXCEPTION_MESSAGE)).toMatch(
      /no method of class Events takes the type 'Other'/,
    );
  });
});

describe('@SendTo', () => {
  test('replies go to the topic with key, correlation and partition of the request; lists are split', async () => {
    class Shop {
      @KafkaListener({ id: 'shop', topics: 'orders' })
      @SendTo('${replies}')
      async on(order: string): Promise<unknown> {
        if (order === 'nothing') return undefined;
        return order === 'list' ? ['a', 'b'] : { of: order };
      }
    }
    const headers = RecordHeaders.from({ [KafkaHeaders.CORRELATION_ID]: 'c1' });
    headers.add(KafkaHeaders.REPLY_PARTITION, Buffer.from([0, 0, 0, 2]));
    scene = new Scene({ placeholders: { replies: 'answers' } });
    scene.kafka.add('orders', 0, record({ key: 'k', value: 'one', headers }), 'list', 'nothing');
    await scene.run(new Shop());
    expect(scene.template.sent.map(({ topic, partition, key, value }) => ({ topic, partition, key, value }))).toEqual([
      { topic: 'answers', partition: 2, key: 'k', value: { of: 'one' } },
      { topic: 'answers', partition: undefined, key: null, value: 'a' },
      { topic: 'answers', partition: undefined, key: null, value: 'b' },
    ]);
    expect(scene.template.sent[0].headers.text(KafkaHeaders.CORRELATION_ID)).toBe('c1');
  });

  test('without a topic the request says where; a function may decide; a message is sent as it is', async () => {
    class Shop {
      @KafkaListener({ id: 'asked', topics: 'orders' })
      @SendTo()
      on(order: string): string {
        return order;
      }
    }
    scene = new Scene();
    const headers = RecordHeaders.from({ [KafkaHeaders.REPLY_TOPIC]: 'inbox' });
    scene.kafka.add('orders', 0, record({ value: 'x', headers }), 'without');
    await scene.run(new Shop());
    expect(scene.template.sent.map(({ topic, value }) => [topic, value])).toEqual([['inbox', 'x']]);
    await scene.stop();
    class Chosen {
      @KafkaListener({ id: 'chosen', topics: 'orders' })
      @SendTo((request, result) => `${request.topic}-${String(result)}`)
      on(order: string): string {
        return order;
      }
    }
    scene = new Scene();
    scene.kafka.add('orders', 0, 'x');
    await scene.run(new Chosen());
    expect(scene.template.sent[0].topic).toBe('orders-x');
    expect(MessageBuilder.withPayload(1).build().payload).toBe(1);
  });

  test('a reply that cannot be sent fails the request, which is delivered again', async () => {
    let calls = 0;
    class Shop {
      @KafkaListener({ id: 'shop', topics: 'orders' })
      @SendTo('answers')
      on(order: string): string {
        calls++;
        if (scene !== undefined) scene.template.failure = calls < 3 ? new Error('down') : undefined;
        return order;
      }
    }
    scene = new Scene();
    scene.kafka.add('orders', 0, 'x');
    await scene.run(new Shop());
    expect(calls).toBe(3);
    expect(scene.template.sent.map(({ topic }) => topic)).toEqual(['answers']);
  });
});
