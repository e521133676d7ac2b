import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import {
  AssertionError,
  assert,
  CorruptError,
  Deferred,
  isUuid,
  KafkaError,
  type Logger,
  METADATA_TOPIC_ID,
  MetricsRegistry,
  operatingErrors,
  seededRandom,
  silentLogger,
  suggest,
  systemRandom,
  uuidFromBytes,
  uuidToBytes,
  ZERO_UUID,
} from '#core';

describe('Errors', () => {
  test('A KafkaError takes retriable from the table unless told otherwise, and keeps its cause', () => {
    const cause = new Error('socket');
    expect(new KafkaError('NETWORK_EXCEPTION', 'lost', { cause })).toMatchObject({ retriable: true, cause });
    expect(new KafkaError('NETWORK_EXCEPTION', 'lost', { retriable: false }).retriable).toBe(false);
    expect(new KafkaError('SOMETHING', 'else')).toMatchObject({ retriable: false, errorCode: undefined });
  });

  test('A CorruptError is a KafkaError with file and position', () => {
    const error = new CorruptError('cut', { file: '0.log', position: 7 });
    expect(error).toBeInstanceOf(KafkaError);
    expect(error).toMatchObject({ code: 'CORRUPT_MESSAGE', errorCode: 2, file: '0.log', position: 7 });
  });

  test('Every operating error says what it means', () => {
    for (const row of Object.values(operatingErrors)) expect(row.doc).toMatch(/\.$/);
  });

  test('assert is silent about what holds and throws on what does not', () => {
    assert(1 < 2, 'order');
    expect(() => assert(2 < 1, 'order')).toThrow(AssertionError);
  });
});

describe('suggest', () => {
  const known = ['linger.ms', 'batch.size', 'bootstrap.servers', 'auto.offset.reset', 'acks'];

  test.each([
    ['linger', 'linger.ms'],
    ['lingerMs', 'linger.ms'],
    ['linegr.ms', 'linger.ms'],
    ['bootstrap-server', 'bootstrap.servers'],
    ['boostrap.servers', 'bootstrap.servers'],
    ['ack', 'acks'],
  ])('%s → %s', (word, nearest) => {
    expect(suggest(word, known)).toBe(nearest);
  });

  test('Nothing near is no suggestion', () => {
    expect(suggest('compression.type', known)).toBeUndefined();
    expect(suggest('x', known)).toBeUndefined();
  });
});

describe('Random', () => {
  test('The same seed gives the same numbers, another seed others', () => {
    const take = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 5 }, () => random.uint32());
    };
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
  });

  test('Floats are spread over the unit interval', () => {
    const random = seededRandom(3);
    const floats = Array.from({ length: 10_000 }, () => random.float());
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...floats)).toBeLessThan(1);
    expect(floats.reduce((sum, float) => sum + float) / floats.length).toBeCloseTo(0.5, 1);
  });

  test('Uuids are unique, in the form of Kafka, and never begin with a dash', () => {
    for (const random of [systemRandom, seededRandom(4)]) {
      const uuids = Array.from({ length: 500 }, () => random.uuid());
      expect(new Set(uuids).size).toBe(500);
      expect(uuids.every((uuid) => isUuid(uuid) && !uuid.startsWith('-'))).toBe(true);
    }
    expect(systemRandom.bytes(100_000)).toHaveLength(100_000);
  });
});

test('Uuids survive the way to bytes and back', () => {
  const uuid = systemRandom.uuid();
  expect(uuidFromBytes(uuidToBytes(uuid))).toBe(uuid);
  expect(uuidToBytes(ZERO_UUID)).toEqual(Buffer.alloc(16));
  expect(uuidToBytes(METADATA_TOPIC_ID)[15]).toBe(1);
  expect(uuidFromBytes(Buffer.alloc(20), 2)).toBe(ZERO_UUID);
  expect(() => uuidToBytes('too-short')).toThrow(KafkaError);
});

test('A logger of pino is a Logger', () => {
  const lines: string[] = [];
  const logger: Logger = pino({ level: 'info' }, { write: (line) => lines.push(line) });
  logger.child({ topic: 'orders' }).warn({ partition: 3 }, 'lagging');
  logger.info('plain');
  logger.debug('hidden');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { topic: 'orders', partition: 3, msg: 'lagging' },
    { msg: 'plain' },
  ]);
  silentLogger.child({}).error({}, 'nothing');
});

test('A Deferred settles from outside', async () => {
  const deferred = new Deferred<number>();
  deferred.resolve(5);
  expect(await deferred.promise).toBe(5);
  const failed = new Deferred<number>();
  failed.reject(new Error('no'));
  await expect(failed.promise).rejects.toThrow('no');
});

describe('Metrics', () => {
  test('A snapshot has counters, gauges and the figures of histograms', () => {
    const metrics = new MetricsRegistry();
    metrics.counter('requests').add(3);
    metrics.counter('requests').add();
    metrics.gauge('lag', () => 7);
    metrics.gauge('open').set(2);
    for (let value = 1; value <= 1000; value++) metrics.histogram('latency-us').record(value);
    const snapshot = metrics.snapshot();
    expect(snapshot).toMatchObject({ requests: 4, lag: 7, open: 2, 'latency-us.count': 1000, 'latency-us.max': 1000 });
    expect(snapshot['latency-us.mean']).toBeCloseTo(500.5);
    expect(Math.abs(snapshot['latency-us.p50'] - 500) / 500).toBeLessThan(0.1);
    expect(Math.abs(snapshot['latency-us.p99'] - 990) / 990).toBeLessThan(0.1);
  });

  test('A name has one kind, and a prefix can be forgotten', () => {
    const metrics = new MetricsRegistry();
    metrics.counter('connection.1.bytes');
    expect(() => metrics.histogram('connection.1.bytes')).toThrow(AssertionError);
    metrics.remove('connection.1.');
    expect(metrics.snapshot()).toEqual({});
  });
});
