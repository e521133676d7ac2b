import { afterEach, describe, expect, test } from '@jest/globals';
import {
  CommonContainerStoppingErrorHandler,
  CommonLoggingErrorHandler,
  DeadLetterPublishingRecoverer,
  DefaultErrorHandler,
  ExponentialBackOffWithMaxRetries,
  FixedBackOff,
  Header,
  KafkaListener,
  ListenerExecutionFailedException,
  Payload,
} from '#listener';
import { KafkaHeaders, PayloadConverter } from '#message';
import { type ConsumerRecord, DeserializationException, Headers, TopicPartition } from '#serde';
import { FakeTemplate, record, Scene } from './scene.ts';

let scene: Scene;
afterEach(async () => {
  await scene.stop();
});

function failingOn(
  bad: string,
  seen: string[],
  failures = Number.POSITIVE_INFINITY,
  error = () => new Error('no stock'),
) {
  let failed = 0;
  class Orders {
    @KafkaListener({ id: 'orders', topics: 'orders' })
    onOrder(order: string): void {
      seen.push(order);
      if (order === bad && failed++ < failures) throw error();
    }
  }
  return new Orders();
}

describe('the default error handler', () => {
  test('delivers ten times, then sends the record to <topic>-dlt and goes on', async () => {
    const seen: string[] = [];
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(failingOn('b', seen));
    expect(seen).toEqual(['a', ...Array<string>(10).fill('b'), 'c']);
    expect(scene.template.sent.map(({ topic, partition, value }) => ({ topic, partition, value }))).toEqual([
      { topic: 'orders-dlt', partition: 0, value: 'b' },
    ]);
    expect(scene.kafka.committedAt('orders')).toBe(3);
  });

  test('a record that succeeds on a later delivery is not a dead letter', async () => {
    const seen: string[] = [];
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(failingOn('a', seen, 2));
    expect(seen).toEqual(['a', 'a', 'a', 'b']);
    expect(scene.template.sent).toEqual([]);
  });

  test('waits between deliveries as the back-off says, polls the paused consumer, and commits what was done before', async () => {
    const seen: string[] = [];
    scene = new Scene({
      errorHandler: new DefaultErrorHandler(
        undefined,
        new ExponentialBackOffWithMaxRetries(2, { initialIntervalMs: 4000, multiplier: 2 }),
      ),
      properties: { keepAliveMs: 3000 },
    });
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(failingOn('b', seen));
    expect(seen).toEqual(['a', 'b']);
    expect(scene.kafka.committedAt('orders')).toBe(1);
    await scene.pass(3999);
    expect(seen).toEqual(['a', 'b']);
    expect(scene.consumer.paused()).toHaveLength(1);
    await scene.pass(1);
    expect(seen).toEqual(['a', 'b', 'b']);
    await scene.pass(8000);
    expect(seen).toEqual(['a', 'b', 'b', 'b', 'c']);
    expect(scene.consumer.paused()).toHaveLength(0);
  });

  test('an error class that is not retryable goes to the recoverer at once, also as a cause', async () => {
    class OutOfStock extends Error {}
    const handler = new DefaultErrorHandler();
    handler.addNotRetryableExceptions(OutOfStock);
    const seen: string[] = [];
    scene = new Scene({ errorHandler: handler });
    scene.kafka.add('orders', 0, 'a');
    await scene.run(failingOn('a', seen, 99, () => new Error('wrapped', { cause: new OutOfStock('none') })));
    expect(seen).toEqual(['a']);
    expect(scene.template.sent).toHaveLength(1);
  });

  test('another class of error starts the back-off anew', async () => {
    const handler = new DefaultErrorHandler(undefined, new FixedBackOff(0, 2));
    const errors = [new Error('1'), new Error('1'), new TypeError('2'), new TypeError('2'), new TypeError('2')];
    let deliveries = 0;
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      onOrder(_order: string): void {
        const error = errors[deliveries++];
        if (error !== undefined) throw error;
      }
    }
    scene = new Scene({ errorHandler: handler });
    scene.kafka.add('orders', 0, 'a');
    await scene.run(new Orders());
    expect(deliveries).toBe(5);
    expect(scene.template.sent).toHaveLength(1);
  });

  test('a record whose dead letter cannot be sent is held and retried, never passed; the log does not flood', async () => {
    const template = new FakeTemplate();
    template.failure = new Error('dlt is down');
    const seen: string[] = [];
    scene = new Scene({ template });
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(failingOn('a', seen));
    for (let second = 0; second < 30; second++) await scene.pass(1000);
    expect(seen).not.toContain('b');
    expect(scene.kafka.commits).toEqual([]);
    expect(scene.warnings.filter((line) => line.includes('can be neither handled'))).toHaveLength(1);
    template.failure = undefined;
    await scene.pass(30_000);
    expect(seen[seen.length - 1]).toBe('b');
    expect(scene.kafka.committedAt('orders')).toBe(2);
    expect(template.sent).toHaveLength(1);
  });

  test('every held partition of every listener is told of, by name', async () => {
    const template = new FakeTemplate();
    template.failure = new Error('dlt is down');
    class Two {
      @KafkaListener({ id: 'billing', topics: 'orders' })
      onOrder(_order: string): void {
        throw new Error('no stock');
      }
      @KafkaListener({ id: 'shipping', groupId: 'vans', topics: 'parcels' })
      onParcel(_parcel: string): void {
        throw new Error('no van');
      }
    }
    scene = new Scene({ template });
    scene.kafka.add('orders', 0, 'a');
    scene.kafka.add('parcels', 0, 'a');
    scene.kafka.add('parcels', 1, 'b');
    scene.process(new Two());
    await scene.registry.start();
    scene.kafka.consumers[0].rebalance([new TopicPartition('orders', 0)]);
    scene.kafka.consumers[1].rebalance([new TopicPartition('parcels', 0), new TopicPartition('parcels', 1)]);
    for (let second = 0; second < 30; second++) await scene.pass(1000);
    const held = scene.warnings.filter((line) => line.includes('can be neither handled'));
    expect(held.map((line) => line.split(' can be')[0]).toSorted()).toEqual([
      'billing: orders-0@0',
      'shipping (group vans): parcels-0@0',
    ]);
    template.failure = undefined;
    await scene.pass(60_000);
    expect(template.sent).toHaveLength(3);
  });

  test('stop during a back-off does not wait for it and does not commit the failing record', async () => {
    const seen: string[] = [];
    scene = new Scene({ errorHandler: new DefaultErrorHandler(undefined, new FixedBackOff(60_000, 5)) });
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(failingOn('b', seen));
    await scene.stop();
    expect(scene.kafka.committedAt('orders')).toBe(1);
    expect(seen).toEqual(['a', 'b']);
  });

  test('a revocation during a back-off gives the record to the next owner', async () => {
    const seen: string[] = [];
    scene = new Scene({
      errorHandler: new DefaultErrorHandler(undefined, new FixedBackOff(60_000, 5)),
      properties: { keepAliveMs: 1000 },
    });
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(failingOn('b', seen));
    scene.consumer.rebalance([]);
    await scene.pass(1001);
    expect(scene.consumer.assignment()).toEqual([]);
    expect(scene.kafka.committedAt('orders')).toBe(1);
    await scene.pass(120_000);
    expect(seen).toEqual(['a', 'b']);
  });

  test('the delivery attempt is there for a parameter', async () => {
    const attempts: number[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      onOrder(@Payload() _order: string, @Header(KafkaHeaders.DELIVERY_ATTEMPT) attempt: number): void {
        attempts.push(attempt);
        if (attempt < 3) throw new Error('again');
      }
    }
    scene = new Scene();
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(new Orders());
    expect(attempts).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test('retry listeners hear of each failed delivery and of the recovery', async () => {
    const heard: string[] = [];
    const handler = new DefaultErrorHandler(undefined, new FixedBackOff(0, 1));
    handler.setRetryListeners({
      failedDelivery: (_record, _error, attempt) => void heard.push(`failed ${attempt}`),
      recovered: () => void heard.push('recovered'),
    });
    scene = new Scene({ errorHandler: handler });
    scene.kafka.add('orders', 0, 'a');
    await scene.run(failingOn('a', []));
    expect(heard).toEqual(['failed 1', 'failed 2', 'recovered']);
  });
});

describe('other error handlers', () => {
  test('the logging one drops the record and goes on', async () => {
    const seen: string[] = [];
    scene = new Scene({ errorHandler: new CommonLoggingErrorHandler() });
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(failingOn('a', seen));
    expect(seen).toEqual(['a', 'b']);
    expect(scene.kafka.committedAt('orders')).toBe(2);
  });

  test('the stopping one stops the container before the record, which comes again after a start', async () => {
    const seen: string[] = [];
    scene = new Scene({ errorHandler: new CommonContainerStoppingErrorHandler() });
    scene.kafka.add('orders', 0, 'a', 'b', 'c');
    await scene.run(failingOn('b', seen, 1));
    const container = scene.registry.getListenerContainer('orders');
    expect(container?.isRunning()).toBe(false);
    expect(container?.isInExpectedState()).toBe(false);
    expect(scene.kafka.committedAt('orders')).toBe(1);
    await container?.start();
    await scene.settle();
    expect(seen).toEqual(['a', 'b', 'b', 'c']);
  });

  test('an error handler that throws does not lose the record', async () => {
    const seen: string[] = [];
    let asked = 0;
    scene = new Scene({
      errorHandler: {
        handleOne: () => {
          if (asked++ === 0) throw new Error('broken handler');
          return { is: 'handled' };
        },
      },
    });
    scene.kafka.add('orders', 0, 'a', 'b');
    await scene.run(failingOn('a', seen));
    expect(seen).toEqual(['a']);
    await scene.pass(1000);
    expect(seen).toEqual(['a', 'a', 'b']);
  });

  test("a listener's own error handler decides first: what it returns ends the matter", async () => {
    const seen: string[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders', errorHandler: 'mine' })
      async onOrder(order: string): Promise<void> {
        seen.push(order);
        if (order !== 'fine') throw new Error(order);
      }
    }
    const mine = {
      handleError: (_message: unknown, error: ListenerExecutionFailedException) => {
        if ((error.cause as Error).message === 'worse') throw error;
      },
    };
    scene = new Scene({ beans: { mine }, errorHandler: new DefaultErrorHandler(undefined, new FixedBackOff(0, 1)) });
    scene.kafka.add('orders', 0, 'bad', 'worse', 'fine');
    await scene.run(new Orders());
    expect(seen).toEqual(['bad', 'worse', 'worse', 'fine']);
    expect(scene.template.sent.map(({ value }) => value)).toEqual(['worse']);
  });
});

describe('dead letters', () => {
  class Priced {
    price = 0;
  }

  test('a payload that is not valid goes to the dead letter topic at once', async () => {
    const seen: Priced[] = [];
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders' })
      onOrder(order: Priced): void {
        seen.push(order);
      }
    }
    const validator = {
      validate: (one: object) =>
        (one as Priced).price > 0 ? [] : [{ property: 'price', message: 'must be positive' }],
    };
    scene = new Scene({ payloadConverter: new PayloadConverter({ validator }) });
    scene.kafka.add('orders', 0, record({ value: { price: -1 } }), record({ value: { price: 5 } }));
    await scene.run(new Orders());
    expect(seen).toEqual([Object.assign(new Priced(), { price: 5 })]);
    const { headers } = scene.template.sent[0];
    expect(headers.text(KafkaHeaders.DLT_EXCEPTION_CAUSE_FQCN)).toBe(
      'org.springframework.messaging.handler.annotation.support.MethodArgumentNotValidException',
    );
    expect(headers.text(KafkaHeaders.DLT_EXCEPTION_MESSAGE)).toMatch(/price: must be positive/);
  });

  test('a poison pill goes there with the bytes that came, and does not stop the partition', async () => {
    const seen: string[] = [];
    const bytes = Buffer.from([0xff, 0x00, 0x7b]);
    const error = new DeserializationException('orders', false, bytes, new SyntaxError('not JSON'));
    scene = new Scene();
    scene.kafka.add('orders', 0, record({ value: null, fields: { deserializationErrors: { value: error } } }), 'fine');
    await scene.run(failingOn('none', seen));
    expect(seen).toEqual(['fine']);
    const [letter] = scene.template.sent;
    expect(letter.value).toEqual(bytes);
    expect(letter.headers.text(KafkaHeaders.DLT_EXCEPTION_FQCN)).toBe(
      'org.springframework.kafka.support.serializer.DeserializationException',
    );
    expect(scene.kafka.committedAt('orders')).toBe(2);
  });

  test('a recoverer of the user tells what it does in the log of the container, naming the listener', async () => {
    const template = new FakeTemplate();
    const destinationResolver = (one: ConsumerRecord) => (one.value === 'drop' ? null : { topic: 'elsewhere' });
    const recoverer = new DeadLetterPublishingRecoverer(template.asOperations(), { destinationResolver });
    scene = new Scene({ errorHandler: new DefaultErrorHandler(recoverer, new FixedBackOff(0, 0)) });
    scene.kafka.add('orders', 0, 'drop', 'keep');
    class Orders {
      @KafkaListener({ id: 'billing', groupId: 'g', topics: 'orders' })
      onOrder(_order: string): void {
        throw new Error('no stock');
      }
    }
    await scene.run(new Orders());
    expect(scene.warnings.filter((line) => line.includes('orders-0@'))).toEqual([
      'billing (group g): orders-0@0 is dropped: the destination resolver names no topic for it',
      'billing (group g): orders-0@1 could not be handled and went to elsewhere-0: no stock',
    ]);
  });

  async function letterOf(one: ConsumerRecord, error: Error, template = new FakeTemplate()) {
    scene = new Scene();
    await new DeadLetterPublishingRecoverer(template.asOperations()).recover(one, error);
    return template.sent[0];
  }

  function oneRecord(fields: Partial<ConsumerRecord> = {}, headers = new Headers()): ConsumerRecord {
    scene = new Scene();
    scene.kafka.add('orders', 2, record({ key: 'k', value: 'v', headers, fields, timestamp: 1_700_000_000_123 }));
    return scene.kafka.logs.values()[0][0];
  }

  test('headers are those of Spring, byte for byte', async () => {
    const error = new ListenerExecutionFailedException(
      "Listener method 'A.b' threw exception",
      'billing',
      new TypeError('oops'),
    );
    const letter = await letterOf(oneRecord({ offset: 258 }, Headers.from({ mine: 'kept' })), error);
    const hex = (name: string) => letter.headers.lastHeader(name)?.value?.toString('hex');
    const text = (name: string) => letter.headers.text(name);
    expect(text('mine')).toBe('kept');
    expect(text('kafka_dlt-original-topic')).toBe('orders');
    expect(hex('kafka_dlt-original-partition')).toBe('00000002');
    expect(hex('kafka_dlt-original-offset')).toBe('0000000000000102');
    expect(hex('kafka_dlt-original-timestamp')).toBe('0000018bcfe5687b');
    expect(text('kafka_dlt-original-timestamp-type')).toBe('CreateTime');
    expect(text('kafka_dlt-original-consumer-group')).toBe('billing');
    expect(text('kafka_dlt-exception-fqcn')).toBe(
      'org.springframework.kafka.listener.ListenerExecutionFailedException',
    );
    expect(text('kafka_dlt-exception-cause-fqcn')).toBe('TypeError');
    expect(text('kafka_dlt-exception-message')).toBe("Listener method 'A.b' threw exception; oops");
    expect(text('kafka_dlt-exception-stacktrace')).toMatch(/Caused by: TypeError: oops/);
  });

  test('the message of a cause is there once', async () => {
    const cause = new SyntaxError('not JSON');
    const value = new DeserializationException('orders', false, Buffer.from('{'), cause);
    const letter = await letterOf(oneRecord({ deserializationErrors: { value } }), value);
    expect(letter.headers.text(KafkaHeaders.DLT_EXCEPTION_MESSAGE)).toBe(
      'failed to deserialize the value of a record of orders: not JSON',
    );
  });

  test('the raw bytes are preferred to the deserialized value', async () => {
    const raw = { rawKey: Buffer.from('K'), rawValue: Buffer.from('{ "a":1 }') };
    const letter = await letterOf(oneRecord(raw), new Error('x'));
    expect([letter.key, letter.value]).toEqual([raw.rawKey, raw.rawValue]);
  });

  test('the partition is left to the producer when the dead letter topic has fewer', async () => {
    expect((await letterOf(oneRecord(), new Error('x'))).partition).toBeUndefined();
    const template = new FakeTemplate();
    template.partitionCount = 3;
    expect((await letterOf(oneRecord(), new Error('x'), template)).partition).toBe(2);
  });

  test('a failure in a dead letter topic is refused instead of going round', async () => {
    const template = new FakeTemplate();
    const recoverer = new DeadLetterPublishingRecoverer(template.asOperations());
    const dead = oneRecord({ topic: 'orders-dlt' });
    await expect(recoverer.recover(dead, new Error('x'))).rejects.toThrow(/dead letter topic itself/);
  });

  test('headers of an earlier failure are replaced, those of the first origin are kept', async () => {
    const earlier = Headers.from({
      [KafkaHeaders.DLT_EXCEPTION_MESSAGE]: 'old',
      [KafkaHeaders.DLT_ORIGINAL_TOPIC]: 'first',
    });
    const letter = await letterOf(oneRecord({}, earlier), new Error('new'));
    expect(letter.headers.headers(KafkaHeaders.DLT_EXCEPTION_MESSAGE).map(({ value }) => String(value))).toEqual([
      'new',
    ]);
    expect(letter.headers.headers(KafkaHeaders.DLT_ORIGINAL_TOPIC).map(({ value }) => String(value))).toEqual([
      'first',
      'orders',
    ]);
  });
});
