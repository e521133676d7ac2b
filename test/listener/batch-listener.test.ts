import { afterEach, describe, expect, test } from '@jest/globals';
import {
  Acknowledgment,
  BatchListenerFailedException,
  type ContainerPropertiesFields,
  DefaultErrorHandler,
  FixedBackOff,
  Header,
  KafkaListener,
  Payload,
} from '#listener';
import { KafkaHeaders, PayloadConverter } from '#message';
import { ConsumerRecord, ConsumerRecords, DeserializationException } from '#serde';
import { gate, record, Scene } from './scene.ts';

let scene: Scene;
afterEach(async () => {
  await scene.stop();
});

function batches(handle: (values: string[], call: number) => unknown) {
  let call = 0;
  class Fraud {
    @KafkaListener({ id: 'fraud', topics: 'orders', batch: true })
    onOrders(values: string[]): unknown {
      return handle(values, ++call);
    }
  }
  return new Fraud();
}

async function run(
  bean: object,
  values: unknown[],
  properties: ContainerPropertiesFields = {},
  handler?: DefaultErrorHandler,
) {
  scene = new Scene({ properties, errorHandler: handler });
  scene.kafka.add('orders', 0, ...values);
  await scene.run(bean);
}

describe('a batch listener', () => {
  test('gets the records of a poll in one call and commits when it returns', async () => {
    const calls: string[][] = [];
    await run(
      batches((values) => void calls.push(values)),
      ['a', 'b', 'c'],
    );
    expect(calls).toEqual([['a', 'b', 'c']]);
    expect(scene.kafka.commits).toEqual(['orders-0@3']);
  });

  test('gets one call per partition with subBatchPerPartition', async () => {
    const calls: string[][] = [];
    scene = new Scene({ properties: { subBatchPerPartition: true } });
    scene.kafka.add('orders', 0, 'a', 'b');
    scene.kafka.add('orders', 1, 'x');
    await scene.run(batches((values) => void calls.push(values)));
    expect(calls).toEqual([['a', 'b'], ['x']]);
  });

  test('may take records, headers as lists, ConsumerRecords, and lists of records', async () => {
    const got: unknown[] = [];
    class Lists {
      @KafkaListener({ id: 'lists', topics: 'orders', batch: true })
      on(
        @Payload() values: string[],
        @Header(KafkaHeaders.OFFSET) offsets: number[],
        @Header(KafkaHeaders.GROUP_ID) group: string,
      ): void {
        got.push([values, offsets, group]);
      }
    }
    class Records {
      @KafkaListener({ id: 'records', topics: 'orders', batch: true })
      on(records: ConsumerRecords): void {
        got.push(records.count());
      }

      @KafkaListener({ id: 'list', topics: 'orders', batch: true })
      onList(@Payload({ type: ConsumerRecord }) records: ConsumerRecord[]): void {
        got.push(records.map(({ offset }) => offset));
      }
    }
    await run(new Lists(), ['a', 'b']);
    await scene.stop();
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b');
    scene.process(new Records());
    for (const id of ['records', 'list']) {
      await scene.registry.getListenerContainer(id)?.start();
      await scene.settle();
      await scene.registry.getListenerContainer(id)?.stop();
      scene.kafka.committed.clear();
    }
    expect(got).toEqual([[['a', 'b'], [0, 1], 'lists'], 2, [0, 1]]);
  });

  test('BatchListenerFailedException: what came before is committed, delivery goes on at the failed record', async () => {
    const calls: string[][] = [];
    const bean = batches((values, call) => {
      calls.push(values);
      if (call === 1) throw new BatchListenerFailedException('bad', 1);
    });
    await run(bean, ['a', 'b', 'c'], {}, new DefaultErrorHandler(undefined, new FixedBackOff(1000, 3)));
    expect(calls).toEqual([['a', 'b', 'c']]);
    expect(scene.kafka.committedAt('orders')).toBe(1);
    await scene.pass(1000);
    expect(calls).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
    expect(scene.kafka.committedAt('orders')).toBe(3);
  });

  test('BatchListenerFailedException again and again: only that record becomes a dead letter', async () => {
    const calls: string[][] = [];
    const bean = batches((values) => {
      calls.push(values);
      const index = values.indexOf('b');
      if (index >= 0) throw new BatchListenerFailedException('bad', index);
    });
    await run(bean, ['a', 'b', 'c'], {}, new DefaultErrorHandler(undefined, new FixedBackOff(0, 2)));
    expect(calls).toEqual([['a', 'b', 'c'], ['b', 'c'], ['b', 'c'], ['c']]);
    expect(scene.template.sent.map(({ value }) => value)).toEqual(['b']);
    expect(scene.kafka.committedAt('orders')).toBe(3);
  });

  test('any other error: the whole batch again, in the end every record to the dead letter topic', async () => {
    let calls = 0;
    const bean = batches(() => {
      calls++;
      throw new Error('all of it');
    });
    await run(bean, ['a', 'b'], {}, new DefaultErrorHandler(undefined, new FixedBackOff(0, 2)));
    expect(calls).toBe(3);
    expect(scene.template.sent.map(({ value }) => value)).toEqual(['a', 'b']);
    expect(scene.kafka.committedAt('orders')).toBe(2);
  });

  test('a failed index that is not in the batch counts as any other error', async () => {
    let calls = 0;
    const bean = batches(() => {
      if (++calls === 1) throw new BatchListenerFailedException('bad', 7);
    });
    await run(bean, ['a', 'b']);
    expect(calls).toBe(2);
    expect(scene.kafka.committedAt('orders')).toBe(2);
  });

  test('records that cannot be decoded or converted become dead letters, the rest of the batch is delivered', async () => {
    class Priced {
      price = 0;
    }
    const calls: unknown[][] = [];
    class Fraud {
      @KafkaListener({ id: 'fraud', topics: 'orders', batch: true })
      onOrders(@Payload({ type: Priced }) orders: Priced[]): void {
        calls.push(orders);
      }
    }
    const validator = {
      validate: (one: object) =>
        (one as Priced).price > 0 ? [] : [{ property: 'price', message: 'must be positive' }],
    };
    const error = new DeserializationException('orders', false, Buffer.from('{'), new SyntaxError('end'));
    scene = new Scene({ payloadConverter: new PayloadConverter({ validator }) });
    scene.kafka.add(
      'orders',
      0,
      record({ value: { price: 1 } }),
      record({ value: null, fields: { deserializationErrors: { value: error } } }),
      record({ value: { price: -1 } }),
      record({ value: { price: 2 } }),
    );
    await scene.run(new Fraud());
    expect(calls).toEqual([[Object.assign(new Priced(), { price: 1 }), Object.assign(new Priced(), { price: 2 })]]);
    expect(calls[0][0]).toBeInstanceOf(Priced);
    expect(scene.template.sent).toHaveLength(2);
    expect(scene.kafka.committedAt('orders')).toBe(4);
  });

  test('acknowledge(index) commits up to it, nack(index) delivers from it on', async () => {
    const calls: string[][] = [];
    class Fraud {
      @KafkaListener({ id: 'fraud', topics: 'orders', batch: true, ackMode: 'manual_immediate' })
      async onOrders(values: string[], ack: Acknowledgment): Promise<void> {
        calls.push(values);
        if (calls.length > 1) return ack.acknowledge();
        await ack.acknowledge(0);
        expect(scene.kafka.committedAt('orders')).toBe(1);
        ack.nack(2, 500);
      }
    }
    await run(new Fraud(), ['a', 'b', 'c', 'd']);
    expect(scene.kafka.committedAt('orders')).toBe(2);
    await scene.pass(500);
    expect(calls).toEqual([
      ['a', 'b', 'c', 'd'],
      ['c', 'd'],
    ]);
    expect(scene.kafka.committedAt('orders')).toBe(4);
  });

  test('revocation waits for the running batch and commits it', async () => {
    const waiting = gate();
    await run(
      batches(() => waiting.promise),
      ['a', 'b'],
      { keepAliveMs: 1000 },
    );
    scene.consumer.rebalance([]);
    await scene.pass(1001);
    expect(scene.consumer.assignment()).toHaveLength(1);
    waiting.open();
    await scene.settle();
    expect(scene.kafka.committedAt('orders')).toBe(2);
    expect(scene.consumer.assignment()).toHaveLength(0);
  });
});
