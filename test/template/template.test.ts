import { inspect } from 'node:util';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import pino from 'pino';
import { KafkaError } from '#core';
import { KafkaHeaders, MessageBuilder } from '#message';
import { ProducerRecord, RecordMetadata, StringSerializer } from '#serde';
import {
  DefaultKafkaProducerFactory,
  KafkaProducerException,
  KafkaTemplate,
  LoggingProducerListener,
  type Producer,
  type ProducerMaker,
} from '#template';

type Callback = (metadata: RecordMetadata | null, error: KafkaError | null) => void;

/** A producer whose answers the test gives. */
class FakeProducer {
  readonly sends: { record: ProducerRecord; callback: Callback }[] = [];
  readonly config: Record<string, unknown>;
  isClosed = false;

  constructor(config: Record<string, unknown>) {
    this.config = config;
  }

  send(record: ProducerRecord, callback: Callback): void {
    if (record.value === 'refused') throw new KafkaError('MESSAGE_TOO_LARGE', 'too large');
    this.sends.push({ record, callback });
  }

  answer(index = 0): void {
    const { record, callback } = this.sends[index];
    callback(new RecordMetadata(record.topic, record.partition ?? 0, 7, 1, -1, -1), null);
  }

  fail(index = 0): void {
    this.sends[index].callback(null, new KafkaError('NOT_ENOUGH_REPLICAS', 'too few', { retriable: true }));
  }

  async flush(): Promise<void> {}

  async partitionsFor() {
    return [{ partition: 0 }];
  }

  metrics() {
    return { sent: this.sends.length };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const producers: FakeProducer[] = [];
const makeProducer = ((config) => {
  const producer = new FakeProducer(config);
  producers.push(producer);
  return producer as unknown as Producer;
}) as ProducerMaker;

afterEach(() => {
  producers.length = 0;
});

function lines() {
  const errors: string[] = [];
  const ignore = () => {};
  const error = (_fields: object | string, message?: string) => void errors.push(message ?? '');
  const logger = {
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: ignore,
    error,
    fatal: ignore,
    child: () => logger,
  };
  return { errors, logger };
}

function scene(options: ConstructorParameters<typeof KafkaTemplate>[1] = {}) {
  const factory = new DefaultKafkaProducerFactory({ 'client.id': 'shop' }, { makeProducer });
  const { errors, logger } = lines();
  return { factory, errors, template: new KafkaTemplate(factory, { logger, ...options }) };
}

describe('sending', () => {
  test('every form makes the record it says', () => {
    const { template } = scene({ defaultTopic: 'd' });
    template.send('t', 'v');
    template.send('t', 'k', 'v');
    template.send('t', 1, 'k', 'v');
    template.send('t', 1, 99, 'k', 'v');
    template.send(new ProducerRecord('t', 'k', 'v'));
    template.send(MessageBuilder.withPayload('v').setHeader(KafkaHeaders.TOPIC, 'm').build());
    template.sendDefault('v');
    template.sendDefault(2, 'k', 'v');
    const made = producers[0].sends.map(({ record: { topic, partition, timestamp, key, value } }) => [
      topic,
      partition,
      timestamp,
      key,
      value,
    ]);
    expect(made).toEqual([
      ['t', undefined, undefined, null, 'v'],
      ['t', undefined, undefined, 'k', 'v'],
      ['t', 1, undefined, 'k', 'v'],
      ['t', 1, 99, 'k', 'v'],
      ['t', undefined, undefined, 'k', 'v'],
      ['m', undefined, undefined, null, 'v'],
      ['d', undefined, undefined, null, 'v'],
      ['d', 2, undefined, 'k', 'v'],
    ]);
  });

  test('awaiting gives the record and where it is', async () => {
    const { template } = scene();
    const future = template.send('t', 'k', 'v');
    expect(future.isDone()).toBe(false);
    producers[0].answer();
    const { producerRecord, recordMetadata } = await future;
    expect([producerRecord.value, recordMetadata.toString(), future.isDone()]).toEqual(['v', 't-0@7', true]);
    expect((await future.toPromise()).recordMetadata).toBe(recordMetadata);
  });

  test.each([
    ['the producer', (template: KafkaTemplate) => template.send('t', 'v')],
    ['a serializer or limit', (template: KafkaTemplate) => template.send('t', 'refused')],
    ['the arguments', (template: KafkaTemplate) => template.send('', 'v')],
    ['a message without topic', (template: KafkaTemplate) => template.send(MessageBuilder.withPayload(1).build())],
    ['a missing default topic', (template: KafkaTemplate) => template.sendDefault('v')],
  ])('a failure by %s comes by the future, with the cause', async (_name, send) => {
    const { template } = scene();
    const future = send(template);
    producers[0]?.sends.forEach((_send, index) => {
      producers[0].fail(index);
    });
    const error = await future.catch((failure) => failure);
    expect(error).toBeInstanceOf(KafkaProducerException);
    expect((error as KafkaProducerException).cause).toBeInstanceOf(KafkaError);
  });

  test('the exception carries the record, and the code of its cause', async () => {
    const { template } = scene();
    const future = template.send('t', 'v');
    producers[0].fail();
    const error = (await future.catch((failure) => failure)) as KafkaProducerException;
    expect([error.failedProducerRecord?.value, error.code, error.retriable]).toEqual([
      'v',
      'NOT_ENOUGH_REPLICAS',
      true,
    ]);
  });

  test('the exception shows its record to code, not to a logger or to JSON', async () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => lines.push(line) });
    const { template } = scene({ logger: logger as never });
    const future = template.send('t', 'k', 'my secret');
    producers[0].fail();
    const error = (await future.catch((failure) => failure)) as KafkaProducerException;
    logger.error({ err: error }, 'again');
    expect(error.failedProducerRecord?.value).toBe('my secret');
    expect([...lines, JSON.stringify(error), inspect(error)].join('\n')).not.toContain('secret');
    expect(lines).toHaveLength(2);
  });

  test('a payload is shown where that is asked for, in part', () => {
    const lines: string[] = [];
    const logger = { error: (_fields: object, line: string) => lines.push(line) } as never;
    const { template } = scene({ producerListener: new LoggingProducerListener({ logger, includeContents: true }) });
    template.send('t', 'k', { big: 'x'.repeat(500) });
    producers[0].fail();
    expect(lines[0]).toMatch(/^failed to send a record with key='k' and payload='\{"big":"x{92}\.\.\.' to topic t: /);
  });

  test('whenComplete is called once, before or after the answer, and its error reaches nobody else', () => {
    const { template, errors } = scene();
    const heard: unknown[] = [];
    const future = template.send('t', 'v').whenComplete(() => {
      throw new Error('mine');
    });
    future.whenComplete((result, error) => heard.push(result?.recordMetadata.offset, error));
    producers[0].answer();
    future.whenComplete((result) => heard.push(result?.recordMetadata.offset));
    producers[0].fail();
    expect(heard).toEqual([7, null, 7]);
    expect(errors).toEqual(['a whenComplete callback of a send threw']);
  });

  test('a callback that throws is logged alike, whether the answer was there already or not', () => {
    const { template, errors } = scene({ producerListener: {} });
    template.send('', 'v').whenComplete(() => {
      throw new Error('mine');
    });
    expect(errors).toEqual(['a whenComplete callback of a send threw']);
  });

  test('may be awaited many times, before and after the answer, and always gives the same', async () => {
    const { template } = scene();
    const future = template.send('t', 'v');
    const before = [future, future.then((result) => result), future.finally(() => {})];
    producers[0].answer();
    const results = await Promise.all([...before, future, future.toPromise()]);
    expect(new Set(results).size).toBe(1);
    const failed = template.send('t', 'refused');
    expect(await failed.catch((error: KafkaProducerException) => error.code)).toBe('MESSAGE_TOO_LARGE');
    await expect(failed.toPromise()).rejects.toThrow('too large');
  });
});

describe('failures nobody looks at', () => {
  test('are logged by the default listener and are no unhandled rejection', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const { template, errors } = scene();
      template.send('t', 'k', { big: 'x'.repeat(500) });
      producers[0].fail();
      void template.send('t', 'v').toPromise();
      producers[0].fail(1);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(errors).toEqual(Array(2).fill('failed to send a record to topic t: too few'));
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  test('a listener and an interceptor hear of every end, and what they throw disturbs nobody', async () => {
    const heard: string[] = [];
    const { template, errors } = scene({
      producerListener: {
        onSuccess: (_record, { offset }) => void heard.push(`ok ${offset}`),
        onError: (record, _metadata, error) => {
          heard.push(`failed ${record?.topic} ${error.code}`);
          throw new Error('broken listener');
        },
      },
      producerInterceptor: {
        onSend: (record) => new ProducerRecord({ ...record, headers: { traced: 'yes' } }),
        onAcknowledgement: () => void heard.push('acknowledged'),
      },
    });
    const first = template.send('t', 'v');
    template.send('t', 'v');
    producers[0].answer();
    producers[0].fail(1);
    expect(heard).toEqual(['acknowledged', 'ok 7', 'acknowledged', 'failed t NOT_ENOUGH_REPLICAS']);
    expect((await first).producerRecord.headers.text('traced')).toBe('yes');
    expect(errors).toEqual(['a ProducerListener or ProducerInterceptor threw']);
  });
});

describe('producers', () => {
  test('one is shared; serializers or settings of one template make another', () => {
    const { factory, template } = scene();
    template.send('t', 'v');
    new KafkaTemplate(factory).send('t', 'v');
    expect(producers).toHaveLength(1);
    new KafkaTemplate(factory, { valueSerializer: new StringSerializer() }).send('t', 'v');
    new KafkaTemplate(factory, { configOverrides: { acks: '1' } }).send('t', 'v');
    expect(producers.map(({ config }) => config)).toEqual([
      { 'client.id': 'shop-1' },
      { 'client.id': 'shop-2' },
      { 'client.id': 'shop-3', acks: '1' },
    ]);
  });

  test('reset makes a fresh one; stop closes all of them, what is sent later makes another; close is the end', async () => {
    const { factory, template } = scene();
    template.send('t', 'v');
    await factory.reset();
    template.send('t', 'v');
    expect(producers.map(({ isClosed, config }) => [isClosed, config['client.id']])).toEqual([
      [true, 'shop-1'],
      [false, 'shop-2'],
    ]);
    const own = new KafkaTemplate(factory, { valueSerializer: new StringSerializer() });
    own.send('t', 'v');
    await factory.stop();
    expect(producers.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
    expect(factory.isRunning()).toBe(false);
    template.send('t', 'from a @PreDestroy method');
    own.send('t', 'from a @PreDestroy method');
    expect(producers.map(({ isClosed }) => isClosed)).toEqual([true, true, true, false, false]);
    await factory.close();
    expect(producers.every(({ isClosed }) => isClosed)).toBe(true);
    await expect(template.send('t', 'v').toPromise()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(own.send('t', 'v').toPromise()).rejects.toThrow(/the producer factory is closed/);
  });

  test('partitions, metrics, flush and the raw producer are at hand', async () => {
    const { template } = scene();
    expect(await template.partitionsFor('t')).toEqual([{ partition: 0 }]);
    template.send('t', 'v');
    expect(template.metrics()).toEqual({ sent: 1 });
    await template.flush();
    expect(await template.execute((producer) => producer.metrics())).toEqual({ sent: 1 });
  });
});
