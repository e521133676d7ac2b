/** What goes wrong between producer and broker, and what is in the log afterwards. */
import { describe, expect, test } from '@jest/globals';
import type { SendHandle } from '#client';
import type { KafkaError } from '#core';
import { Held } from '../scene.ts';
import { type Arrived, advancing, record, type Scene, scene, warm } from './scene.ts';

const NOT_LEADER = 6;
const CORRUPT = 2;
const TOO_LARGE = 10;
const UNKNOWN_PRODUCER_ID = 59;
const INVALID_RECORD = 87;

describe('order and duplicates', () => {
  test('five requests in flight keep their order when the first is refused for a while', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 0 });
    let refusals = 3;
    log.instead = (batch) => (batch.values[0] === '0' && refusals-- > 0 ? { code: CORRUPT } : undefined);
    await sendOneByOne(clock, producer, 12);
    await advancing(clock, producer.flush());
    expect(log.of('t')).toEqual(numbers(12));
    expect(producerStates(log.arrived)).toEqual(['1000:0']);
    await producer.close();
  });

  test('the first batches of a producer keep their order when its partition has no leader yet', async () => {
    const { producer, log, clock } = await scene({ 'linger.ms': 0 });
    await producer.partitionsFor('t');
    const gate = new Held<void>();
    log.gate = gate.promise;
    let refusals = 1;
    log.instead = () => (refusals-- > 0 ? { code: NOT_LEADER } : undefined);
    await sendOneByOne(clock, producer, 8);
    gate.resolve();
    await advancing(clock, producer.flush());
    expect(log.of('t')).toEqual(numbers(8));
    expect(producerStates(log.arrived)).toEqual(['1000:0']);
    await producer.close();
  });

  test('a batch whose answer was lost is written once, and has its first place', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 0 });
    log.instead = (batch) => (batch.values[0] === '2' && batch.request < 6 ? 'close-after' : undefined);
    const handles = await sendOneByOne(clock, producer, 5);
    await advancing(clock, producer.flush());
    expect(log.of('t')).toEqual(numbers(5));
    expect(handles.map((handle) => handle.metadata?.offset)).toEqual([0, 1, 2, 3, 4]);
    await producer.close();
  });

  test('a broker that says DUPLICATE_SEQUENCE_NUMBER has the batch', async () => {
    const { producer, log, clock } = await warm();
    log.instead = () => ({ code: 46 });
    const metadata = await advancing(clock, producer.send(record('a')));
    expect(metadata.offset).toBe(-1);
    await producer.close();
  });

  test('without idempotence one request in flight keeps the order', async () => {
    const { producer, log, clock } = await warm({
      'linger.ms': 0,
      'enable.idempotence': false,
      'max.in.flight.requests.per.connection': 1,
    });
    let refusals = 2;
    log.instead = (batch) => (batch.values.includes('1') && refusals-- > 0 ? { code: CORRUPT } : undefined);
    await sendOneByOne(clock, producer, 6);
    await advancing(clock, producer.flush());
    expect(log.of('t')).toEqual(numbers(6));
    expect(producerStates(log.arrived)).toEqual(['-1:-1']);
    await producer.close();
  });

  test('a gap left by a refused batch makes a new epoch, which starts at sequence 0', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 0 });
    log.instead = (batch) => (batch.values[0] === 'bad' ? { code: INVALID_RECORD } : undefined);
    const handles = ['good', 'bad', 'after'].map((value) => producer.send(record(value)));
    await clock.settle();
    expect(handles.every((handle) => handle.error !== undefined)).toBe(false);
    for (const value of ['bad', 'next', 'last']) {
      handles.push(producer.send(record(value)));
      await clock.settle();
    }
    await advancing(clock, producer.flush());
    expect(handles[3].error?.code).toBe('INVALID_RECORD');
    expect(log.of('t').slice(-2)).toEqual(['next', 'last']);
    const next = log.arrived.findLast((batch) => batch.values[0] === 'next') as Arrived;
    expect([next.producerEpoch, next.baseSequence]).toEqual([1, 0]);
    await producer.close();
  });

  test('batches behind a refused one are numbered anew and keep their order', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 0 });
    const gate = new Held<void>();
    log.gate = gate.promise;
    log.instead = (batch) => (batch.values[0] === '0' ? { code: INVALID_RECORD } : undefined);
    const handles = await sendOneByOne(clock, producer, 8);
    gate.resolve();
    await advancing(clock, producer.flush());
    expect(handles[0].error?.code).toBe('INVALID_RECORD');
    expect(log.of('t')).toEqual(numbers(8).slice(1));
    await producer.close();
  });

  test('a broker that lost the producer’s state gets a new epoch', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 0 });
    let isLost = true;
    log.instead = () => {
      if (!isLost) return undefined;
      isLost = false;
      return { code: UNKNOWN_PRODUCER_ID, logStartOffset: 5 };
    };
    await advancing(clock, producer.send(record('a')));
    expect(log.of('t')).toEqual(['a']);
    expect(producerStates(log.arrived)).toEqual(['1000:0', '1000:1']);
    await producer.close();
  });
});

describe('leaders', () => {
  test('a refusal by one that leads no more sends the batch to the new leader', async () => {
    const { producer, log, clock, fakes } = await warm({ 'linger.ms': 0 }, { brokerCount: 2 });
    log.instead = () => {
      fakes.leaders.set('t', [2]);
      fakes.leaderEpochs.set('t', 1);
      log.instead = () => undefined;
      return { code: NOT_LEADER };
    };
    await advancing(clock, producer.send(record('a')));
    expect(log.of('t')).toEqual(['a']);
    expect(fakes.brokers[1].requests('Produce')).toHaveLength(1);
    await producer.close();
  });

  test('a refusal that names the new leader needs no metadata', async () => {
    const { producer, log, clock, fakes } = await warm({ 'linger.ms': 0 }, { brokerCount: 2 });
    fakes.on('Metadata', () => 'silence');
    log.instead = () => {
      log.instead = () => undefined;
      log.hint(2, fakes.brokers[1].port);
      return { leaderId: 2, leaderEpoch: 7 };
    };
    await advancing(clock, producer.send(record('a')));
    expect(fakes.brokers[1].requests('Produce')).toHaveLength(1);
    await producer.close();
  });

  test('records for a partition without leader wait for one', async () => {
    const { producer, log, clock, fakes } = await scene({ 'linger.ms': 0 });
    fakes.leaders.set('t', [-1]);
    const handle = producer.send(record('a'));
    await clock.advance(1000);
    expect(log.arrived).toEqual([]);
    fakes.leaders.set('t', [1]);
    fakes.leaderEpochs.set('t', 1);
    await advancing(clock, handle);
    expect(log.of('t')).toEqual(['a']);
    await producer.close();
  });
});

describe('timeouts', () => {
  test('an answer that does not come in request.timeout.ms is asked for again on a new connection', async () => {
    const { producer, log, clock, fakes } = await warm({ 'linger.ms': 0, 'request.timeout.ms': 1000 });
    log.instead = (batch) => (batch.request === 0 ? 'silence' : undefined);
    const handle = producer.send(record('a'));
    await clock.advance(999);
    expect(log.requestCount).toBe(1);
    await advancing(clock, handle);
    expect(log.of('t')).toEqual(['a']);
    expect(fakes.broker.connectionCount).toBe(2);
    await producer.close();
  });

  test('a record that cannot be sent fails after delivery.timeout.ms, with the reason', async () => {
    const { producer, fakes, clock } = await warm({ 'delivery.timeout.ms': 40_000 });
    await fakes.broker.stop();
    const handle = producer.send(record('a'));
    await clock.advance(39_999);
    expect(handle.isDone).toBe(false);
    await clock.advance(1);
    expect(handle.error?.code).toBe('DELIVERY_TIMED_OUT');
    expect(handle.error?.message).toContain('delivery.timeout.ms=40000');
    expect(handle.error?.message).toContain('t-0');
    await producer.close({ timeoutMs: 0 });
  });

  test('a record that is sent while another one is given up has its own time', async () => {
    const { producer, fakes, clock } = await warm({ 'delivery.timeout.ms': 40_000 });
    await fakes.broker.stop();
    let next: SendHandle | undefined;
    producer.send(record('a'), () => (next = producer.send(record('b'))));
    await clock.advance(40_000);
    expect(next?.isDone).toBe(false);
    await clock.advance(39_999);
    expect(next?.isDone).toBe(false);
    await clock.advance(1);
    expect(next?.error?.code).toBe('DELIVERY_TIMED_OUT');
    await producer.close({ timeoutMs: 0 });
  });

  test('a record that keeps being refused fails after delivery.timeout.ms, with the last refusal', async () => {
    const { producer, log, clock } = await warm({ 'delivery.timeout.ms': 31_000 });
    log.instead = () => ({ code: 19 });
    const failed = failure(producer.send(record('a')));
    await clock.advance(31_000);
    expect((await failed).code).toBe('DELIVERY_TIMED_OUT');
    expect((await failed).message).toContain('NOT_ENOUGH_REPLICAS');
    await producer.close({ timeoutMs: 0 });
  });

  test('a batch that expires while a try is under way fails then, and the next one begins a new epoch', async () => {
    const { producer, log, clock } = await warm({
      'linger.ms': 0,
      'request.timeout.ms': 1000,
      'delivery.timeout.ms': 1050,
    });
    log.instead = (batch) =>
      batch.values[0] !== 'lost' ? undefined : batch.request === 0 ? { code: CORRUPT } : 'silence';
    const lost = producer.send(record('lost'));
    await clock.advance(1049);
    expect([lost.isDone, log.requestCount]).toEqual([false, 2]);
    await clock.advance(1);
    expect(lost.error?.code).toBe('DELIVERY_TIMED_OUT');
    await advancing(clock, producer.send(record('next')));
    expect(log.arrived.at(-1)).toMatchObject({ values: ['next'], producerEpoch: 1, baseSequence: 0 });
    await producer.close();
  });

  test('after a batch that nobody answered the next one begins a new epoch', async () => {
    const { producer, log, clock } = await warm({
      'linger.ms': 0,
      'request.timeout.ms': 1000,
      'delivery.timeout.ms': 1000,
    });
    log.instead = (batch) => (batch.values[0] === 'lost' ? 'silence' : undefined);
    const lost = producer.send(record('lost'));
    await clock.advance(1000);
    expect(lost.error?.code).toBe('DELIVERY_TIMED_OUT');
    await advancing(clock, producer.send(record('next')));
    const next = log.arrived.at(-1) as Arrived;
    expect([next.values[0], next.producerEpoch, next.baseSequence]).toEqual(['next', 1, 0]);
    await producer.close();
  });

  test('retries=0 makes the first refusal final', async () => {
    const { producer, log, clock } = await warm({ retries: 0 });
    log.instead = () => ({ code: CORRUPT });
    expect((await advancing(clock, failure(producer.send(record('a'))))).code).toBe('CORRUPT_MESSAGE');
    expect(log.arrived).toHaveLength(1);
    await producer.close();
  });
});

describe('batches that are too large for the broker', () => {
  test('are halved until they fit, and every record hears of its own place', async () => {
    const { producer, log, clock } = await warm({ 'linger.ms': 1 });
    log.instead = (batch) => (batch.values.length > 3 ? { code: TOO_LARGE } : undefined);
    const offsets: (number | undefined)[] = [];
    const handles: SendHandle[] = [];
    for (let i = 0; i < 10; i++)
      handles.push(producer.send(record(`${i}`), (metadata) => offsets.push(metadata?.offset)));
    const awaited = Promise.all(handles.map((handle) => handle.then((metadata) => metadata.offset)));
    await advancing(clock, producer.flush());
    expect(log.of('t')).toEqual(numbers(10));
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await awaited).toEqual(offsets);
    expect(handles.map((handle) => handle.metadata?.offset)).toEqual(offsets);
    expect(producer.metrics()).toMatchObject({ 'buffer-available-bytes': 33554432 });
    await producer.close();
  });

  test('fail when they hold one record', async () => {
    const { producer, log, clock } = await warm();
    log.instead = () => ({ code: TOO_LARGE, message: 'more than max.message.bytes' });
    const error = await advancing(clock, failure(producer.send(record('a'))));
    expect(error.code).toBe('MESSAGE_TOO_LARGE');
    expect(error.message).toContain('more than max.message.bytes');
    await producer.close();
  });
});

test('records refused one by one have their own error, the others of the batch say why they failed', async () => {
  const { producer, log, clock } = await warm();
  const recordErrors = [{ batchIndex: 1, batchIndexErrorMessage: 'no key' }];
  log.instead = () => ({ code: INVALID_RECORD, message: 'one or more records', recordErrors });
  const handles = ['a', 'b', 'c'].map((value) => producer.send(record(value)));
  await advancing(clock, producer.flush());
  expect(handles[1].error?.message).toContain('no key');
  expect(handles[0].error?.message).toContain('because other records of its batch were refused');
  expect(handles.map((handle) => handle.error?.code)).toEqual(Array(3).fill('INVALID_RECORD'));
  await producer.close();
});

describe('the producer id', () => {
  test('is asked for again while the coordinator loads', async () => {
    const { producer, log, clock, fakes } = await scene();
    let count = 0;
    fakes.on('InitProducerId', () => (count++ < 3 ? { errorCode: 14 } : { producerId: 7, producerEpoch: 3 }));
    await advancing(clock, producer.send(record('a')));
    expect(producerStates(log.arrived)).toEqual(['7:3']);
    await producer.close();
  });

  test('that is refused fails the sends, and says what asked for it', async () => {
    const { producer, clock, fakes } = await scene();
    fakes.on('InitProducerId', () => ({ errorCode: 31 }));
    const error = await advancing(clock, failure(producer.send(record('a'))));
    expect(error.code).toBe('CLUSTER_AUTHORIZATION_FAILED');
    expect(error.message).toContain('enable.idempotence=true');
    await producer.close();
  });

  test('whose epochs are used up is replaced by a new one', async () => {
    const { producer, log, clock, fakes } = await scene({ 'linger.ms': 0 });
    let producerId = 10;
    fakes.on('InitProducerId', () => ({ producerId: producerId++, producerEpoch: producerId === 11 ? 32767 : 0 }));
    log.instead = (batch) => (batch.values[0] === 'bad' ? { code: INVALID_RECORD } : undefined);
    await advancing(clock, failure(producer.send(record('bad'))));
    await advancing(clock, producer.send(record('good')));
    expect(producerStates(log.arrived)).toEqual(['10:32767', '11:0']);
    await producer.close();
  });
});

/** One batch each, as many in flight as may be. */
async function sendOneByOne(clock: Scene['clock'], producer: Scene['producer'], count: number): Promise<SendHandle[]> {
  const handles: SendHandle[] = [];
  for (let i = 0; i < count; i++) {
    handles.push(producer.send(record(`${i}`)));
    await clock.settle();
  }
  return handles;
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${i}`);
}

/** The different `producerId:epoch` that came, in order. */
function producerStates(arrived: readonly Arrived[]): string[] {
  return [...new Set(arrived.map((batch) => `${batch.producerId}:${batch.producerEpoch}`))];
}

function failure(result: PromiseLike<unknown>): Promise<KafkaError> {
  return Promise.resolve(result).then(
    () => {
      throw new Error('should have failed');
    },
    (error) => error,
  );
}
