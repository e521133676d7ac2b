/** Where Java's send would block: topics that are not known yet, memory that is used up, the end of the producer. */
import { describe, expect, test } from '@jest/globals';
import type { KafkaError } from '#core';
import { ProducerRecord } from '#serde';
import { Held } from '../scene.ts';
import { advancing, record, scene, warm } from './scene.ts';

describe('a topic that is not known yet', () => {
  test('is waited for, and its records keep their order', async () => {
    const { producer, log, clock, fakes } = await scene();
    const handles = [0, 1, 2].map((i) => producer.send(record(`${i}`, { topic: 'later', partition: 0 })));
    await clock.advance(500);
    fakes.leaders.set('later', [1]);
    handles.push(producer.send(record('3', { topic: 'later', partition: 0 })));
    await advancing(clock, Promise.all(handles));
    expect(log.arrived.flatMap((batch) => batch.values)).toEqual(['0', '1', '2', '3']);
    await producer.close();
  });

  test('fails its records one by one when max.block.ms is over', async () => {
    const { producer, clock } = await scene({ 'max.block.ms': 1000 });
    const first = producer.send(record('a', { topic: 'nowhere' }));
    await clock.advance(600);
    const second = producer.send(record('b', { topic: 'nowhere' }));
    await clock.advance(400);
    expect(first.error?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(first.error?.message).toContain("'nowhere'");
    expect(second.isDone).toBe(false);
    await clock.advance(600);
    expect(second.error?.code).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    await producer.close();
  });

  test('that cannot exist fails its records at once, by callback too', async () => {
    const { producer, clock, fakes } = await scene();
    fakes.on('Metadata', () => ({ ...fakes.metadata([]), topics: [{ errorCode: 17, name: 'a b' }] }));
    const heard: (KafkaError | null)[] = [];
    const handle = producer.send(record('a', { topic: 'a b' }), (_, error) => heard.push(error));
    await clock.settle();
    expect(handle.error?.code).toBe('INVALID_TOPIC_EXCEPTION');
    expect(heard).toEqual([handle.error]);
    await producer.close();
  });

  test('because no broker can be reached fails with their addresses', async () => {
    const { producer, clock, fakes } = await scene({ 'max.block.ms': 2000 });
    const { address } = fakes.broker;
    await fakes.broker.stop();
    const failed = failure(producer.send(record('a')));
    await clock.advance(2000);
    expect((await failed).code).toBe('BROKER_NOT_AVAILABLE');
    expect((await failed).message).toContain(address);
    await producer.close();
  });

  test('a partition that the topic does not have is refused', async () => {
    const { producer } = await warm();
    const error = await failure(producer.send(record('a', { partition: 7 })));
    expect(error.message).toBe("topic 't' has no partition 7, only 0 to 0");
    await producer.close();
  });
});

describe('a partitioner that throws', () => {
  const partition = () => {
    throw new TypeError('no partition for you');
  };

  test('fails that record alone, also when it had to wait for its topic', async () => {
    const { producer, clock } = await scene({}, { partitioner: { partition } });
    const waited = producer.send(record('a'));
    const fixed = producer.send(record('b', { partition: 0 }));
    await advancing(clock, producer.flush());
    expect(waited.error?.message).toMatch(/no partition for you/);
    expect(fixed.error).toBeUndefined();
    const direct = await failure(producer.send(record('c')));
    expect(direct.code).toBe('PARTITIONER_FAILED');
    await producer.close();
  });
});

describe('a topic created again with fewer partitions', () => {
  test('gets no more records without key for partitions that it lost', async () => {
    const { producer, clock, fakes, log } = await warm({}, { partitionCount: 8 });
    fakes.leaders.set('t', [1]);
    fakes.topicId = 'AAAAAAAAAAAAAAAAAAAAAw';
    const refresh = producer.send(record('other', { topic: 'u', partition: 0 }));
    fakes.leaders.set('u', [1]);
    await advancing(clock, refresh);
    for (let i = 0; i < 20; i++) await advancing(clock, producer.send(record(`${i}`)));
    expect(log.arrived.filter(({ topic }) => topic !== 'u').every((batch) => batch.partition === 0)).toBe(true);
    await producer.close();
  });
});

describe('a throttled broker', () => {
  test('costs the batches whose time is over meanwhile, and no others', async () => {
    const config = {
      'linger.ms': 0,
      'request.timeout.ms': 900,
      'delivery.timeout.ms': 1000,
      'retry.backoff.ms': 500,
      'max.in.flight.requests.per.connection': 1,
    };
    const { producer, log, clock } = await warm(config, { partitionCount: 3 });
    log.instead = (batch) => (batch.values[0] === 'old' ? { code: 7 } : undefined);
    const old = failure(producer.send(record('old', { partition: 0 })));
    await clock.advance(250);
    const gate = new Held<void>();
    log.gate = gate.promise;
    log.throttleTimeMs = 600;
    producer.send(record('throttled', { partition: 1 }));
    await clock.advance(400);
    const young = producer.send(record('young', { partition: 2 }));
    await clock.advance(50);
    gate.resolve();
    await clock.settle();
    log.throttleTimeMs = 0;
    await clock.advance(700);
    expect((await old).code).toBe('DELIVERY_TIMED_OUT');
    expect(young.error).toBeUndefined();
    expect(young.isDone).toBe(true);
    expect(log.arrived.map((batch) => batch.values[0])).toEqual(['old', 'throttled', 'young']);
    await producer.close();
  });
});

describe('buffer.memory', () => {
  const config = { 'batch.size': 1000, 'buffer.memory': 3000, 'linger.ms': 0 };

  test('that is used up makes records wait, in order, until there is room', async () => {
    const { producer, log, clock } = await warm(config);
    const gate = new Held<void>();
    log.gate = gate.promise;
    for (let i = 0; i < 20; i++) producer.send(record(`${i}`.padEnd(600, '.')));
    await clock.settle();
    expect(log.arrived).toHaveLength(3);
    expect(producer.metrics()['waiting-threads']).toBe(17);
    expect(producer.isFull).toBe(true);
    gate.resolve();
    await advancing(clock, producer.flush());
    expect(log.of('t').map((value) => Number.parseInt(value ?? '', 10))).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
    expect(producer.metrics()['buffer-available-bytes']).toBe(3000);
    await producer.close();
    await clock.settle();
    expect(clock.pendingTimerCount).toBe(0);
  });

  test('that stays used up for max.block.ms fails the waiting records, and says what to do', async () => {
    const { producer, log, clock } = await warm({ ...config, 'max.block.ms': 2000 });
    log.gate = new Held<void>().promise;
    const handles = Array.from({ length: 5 }, () => producer.send(record('x'.repeat(900))));
    await clock.advance(1999);
    expect(handles[3].isDone).toBe(false);
    await clock.advance(1);
    expect(handles.map((handle) => handle.error?.code)).toEqual([...Array(3), 'BUFFER_EXHAUSTED', 'BUFFER_EXHAUSTED']);
    expect(handles[3].error?.message).toContain('buffer.memory=3000');
    await producer.close({ timeoutMs: 0 });
  });

  test('room() lets nothing linger while it waits', async () => {
    const { producer, clock } = await warm({ ...config, 'linger.ms': 20_000 }, { partitionCount: 3 });
    for (const partition of [0, 1, 2]) producer.send(record('a', { partition }));
    expect(producer.isFull).toBe(true);
    await advancing(clock, producer.room());
    await producer.close({ timeoutMs: 1 });
  });

  test('room() waits exactly as long as a send would have to', async () => {
    const { producer, log, clock } = await warm(config);
    await producer.room();
    const gate = new Held<void>();
    log.gate = gate.promise;
    for (let i = 0; i < 3; i++) producer.send(record('x'.repeat(900)));
    let hasRoom = false;
    const room = producer.room().then(() => {
      hasRoom = true;
    });
    await clock.settle();
    expect(hasRoom).toBe(false);
    gate.resolve();
    await advancing(clock, room);
    await advancing(clock, producer.close());
  });

  test.each([
    ['max.request.size', { 'max.request.size': 1000 }],
    ['buffer.memory', { 'buffer.memory': 1000, 'batch.size': 100 }],
  ])('a record beyond %s is refused before anything is sent', async (key, limits) => {
    const { producer, log } = await warm(limits);
    const error = await failure(producer.send(record('x'.repeat(1000))));
    expect(error.code).toBe('MESSAGE_TOO_LARGE');
    expect(error.message).toContain(`${key}=1000`);
    expect(log.arrived).toEqual([]);
    await producer.close();
  });
});

describe('the end', () => {
  test('close delivers what was sent, and takes no more', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 60_000 });
    const handle = producer.send(record('a'));
    const closed = producer.close();
    const late = failure(producer.send(record('b')));
    await advancing(clock, closed);
    expect(log.of('t')).toEqual(['a']);
    expect(handle.metadata?.offset).toBe(0);
    expect((await late).code).toBe('CLOSED');
    await producer.close();
  });

  test('close hands over what acks=0 does not wait for', async () => {
    const { producer, log, clock } = await warm({ acks: 0, 'linger.ms': 0 });
    for (const value of ['a', 'b']) producer.send(record(value));
    await producer.close();
    await clock.settle();
    expect(log.of('t')).toEqual(['a', 'b']);
  });

  test('close with a time limit fails what is left, wherever it waits', async () => {
    const { producer, log, clock } = await warm({ 'batch.size': 1000, 'buffer.memory': 2000, 'linger.ms': 0 });
    log.gate = new Held<void>().promise;
    const heard: (string | undefined)[] = [];
    for (let i = 0; i < 4; i++) producer.send(record('x'.repeat(900)), (_, error) => heard.push(error?.code));
    producer.send(record('a', { topic: 'nowhere' }), (_, error) => heard.push(error?.code));
    await clock.settle();
    const closed = producer.close({ timeoutMs: 500 });
    await clock.advance(500);
    await closed;
    expect(heard).toEqual(Array(5).fill('CLOSED'));
  });

  test('leaves no timer and no connection behind', async () => {
    const { producer, clock, fakes } = await warm();
    await advancing(clock, producer.send(record('a')));
    await producer.close();
    await clock.settle();
    expect(clock.pendingTimerCount).toBe(0);
    expect(fakes.broker.openCount).toBe(0);
  });
});

test('what a serializer refuses fails that record alone', async () => {
  const { producer, log } = await warm();
  const error = await failure(producer.send(new ProducerRecord({ topic: 't', value: { not: 'a string' } as never })));
  expect(error.code).toBe('SERIALIZATION_FAILED');
  expect(error.message).toContain("the value of a record for 't'");
  producer.send(record('fine'));
  await producer.flush();
  expect(log.of('t')).toEqual(['fine']);
  await producer.close();
});

function failure(result: PromiseLike<unknown>): Promise<KafkaError> {
  return Promise.resolve(result).then(
    () => {
      throw new Error('should have failed');
    },
    (error) => error,
  );
}
