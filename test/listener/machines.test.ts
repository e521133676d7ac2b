/** The pure parts by tables and small scripts. */
import { describe, expect, test } from '@jest/globals';
import { KafkaError, seededRandom } from '#core';
import {
  type AckMode,
  type BackOff,
  ExponentialBackOff,
  ExponentialBackOffWithMaxRetries,
  FixedBackOff,
  parseAckMode,
  plannedPartitions,
  STOP,
  slicePartitions,
} from '#listener';
import { MessageConversionException } from '#message';
import { DeserializationException, TopicPartition } from '#serde';
import { isCommitDue } from '../../src/listener/ack-mode.ts';
import { CommitLedger } from '../../src/listener/commit-ledger.ts';
import { parseProperties } from '../../src/listener/consumer-properties.ts';
import { ExceptionClassifier } from '../../src/listener/exception-classifier.ts';
import { convertHeader } from '../../src/listener/header-values.ts';
import { LoopErrors } from '../../src/listener/loop-errors.ts';
import { parsePartitions } from '../../src/listener/partition-text.ts';
import { PauseState } from '../../src/listener/pause-state.ts';

const tp = new TopicPartition('orders', 0);

describe('a header as the class of its parameter', () => {
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  const OFFSET = 'kafka_dlt-original-offset';

  test.each([
    [OFFSET, bytes('00000000000003fb'), BigInt, 1019n],
    [OFFSET, bytes('00000000000003fb'), Number, 1019],
    [OFFSET, bytes('7fffffffffffffff'), BigInt, 9_223_372_036_854_775_807n],
    [OFFSET, bytes('ffffffffffffffff'), BigInt, -1n],
    ['count', bytes('fffffffe'), BigInt, -2n],
    ['count', Buffer.from('12345678'), BigInt, 12_345_678n],
    ['count', Buffer.from('12345678'), Number, 12_345_678],
    ['count', 7, BigInt, 7n],
    ['count', '-7', BigInt, -7n],
  ])('%s %p as %p is %p', (name, value, type, expected) => {
    expect(convertHeader(name, value, type as never)).toBe(expected);
  });

  test('is refused when it does not fit, with the remedy', () => {
    expect(() => convertHeader(OFFSET, bytes('7fffffffffffffff'), Number as never)).toThrow(
      'is 9223372036854775807, more than a number holds exactly: declare the parameter as bigint',
    );
    expect(() => convertHeader('count', bytes('000000'), BigInt as never)).toThrow('is 3 bytes, not a bigint');
    expect(() => convertHeader('count', '1.5', BigInt as never)).toThrow("is '1.5', not a bigint");
  });
});

describe('the commit ledger', () => {
  /** `d10` delivers, `h10` handles, `c` commits what can be, `x` closes; the answer is what was committed by each `c`. */
  function play(script: string): string {
    const ledger = new CommitLedger();
    const out: string[] = [];
    for (const step of script.split(' ')) {
      const offset = Number(step.slice(1));
      if (step[0] === 'd') ledger.pageFor(tp, offset).deliver(offset);
      if (step[0] === 'h') ledger.find(tp)?.handle(offset);
      if (step[0] === 'u') ledger.find(tp)?.handleUpTo(offset);
      if (step[0] === 'x') ledger.close(tp);
      if (step[0] !== 'c') continue;
      const positions = ledger.committable();
      out.push(String(positions.get(tp) ?? '-'));
      ledger.committed(positions);
    }
    return out.join(' ');
  }

  test.each([
    ['d1 d2 d3 h1 c h2 c h3 c', '2 3 4'],
    ['d1 d2 d3 h3 c h2 c h1 c', '- - 4'],
    ['d10 d11 d15 d16 h10 h11 c h16 c h15 c', '12 - 17'],
    ['d1 h1 c c', '2 -'],
    ['d1 d2 h1 h1 c h9 c', '2 -'],
    ['d1 d2 h2 c d3 h3 c h1 c', '- - 4'],
    ['d1 d2 h1 x h2 c', '-'],
    ['d5 h5 c d2 h2 c', '6 3'],
    ['d1 d2 d3 u2 c', '3'],
  ])('%s commits %s', (script, commits) => {
    expect(play(script)).toBe(commits);
  });

  test('never commits past a record that is not handled, whatever the order of completion', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 50; round++) {
      const ledger = new CommitLedger();
      const offsets: number[] = [];
      const open = new Set<number>();
      let next = 0;
      for (let step = 0; step < 60; step++) {
        const isDelivery = open.size === 0 || random.float() < 0.5;
        if (isDelivery) {
          next += 1 + (random.uint32() % 3);
          ledger.pageFor(tp, next).deliver(next);
          offsets.push(next);
          open.add(next);
        } else {
          const offset = [...open][random.uint32() % open.size];
          open.delete(offset);
          expect(ledger.page(tp).handle(offset)).toBe(true);
        }
        const position = ledger.committable().get(tp) ?? 0;
        const firstOpen = offsets.find((offset) => open.has(offset)) ?? Number.POSITIVE_INFINITY;
        const lastBelow = offsets.findLast((offset) => offset < firstOpen);
        expect(position).toBe(lastBelow === undefined ? 0 : lastBelow + 1);
        expect(ledger.outstandingCount).toBe(open.size);
      }
    }
  });

  test('a long sequence in order leaves nothing behind', () => {
    const page = new CommitLedger().page(tp);
    for (let offset = 0; offset < 10_000; offset++) {
      page.deliver(offset);
      page.handle(offset);
    }
    expect(page.outstandingCount).toBe(0);
    expect(page.committable()).toBe(10_000);
  });
});

describe('ack modes', () => {
  const due = (ackMode: AckMode, moment: 'after-record' | 'after-poll' | 'empty-poll', count: number, ms: number) =>
    isCommitDue({ ackMode, ackCount: 3, ackTimeMs: 100 }, moment, count, ms);

  test.each([
    ['record', true, true, true, true],
    ['batch', false, false, true, true],
    ['manual', false, false, true, true],
    ['count', false, true, false, true],
    ['time', false, false, false, false],
    ['count_time', false, true, false, true],
  ] as [AckMode, boolean, boolean, boolean, boolean][])('%s', (mode, few, many, poll, empty) => {
    expect(due(mode, 'after-record', 1, 50)).toBe(few);
    expect(due(mode, 'after-record', 3, 50)).toBe(many);
    expect(due(mode, 'after-poll', 1, 50)).toBe(poll);
    expect(due(mode, 'empty-poll', 1, 50)).toBe(empty);
  });

  test('time modes are due after their time, and count modes not when there is nothing', () => {
    expect(due('time', 'after-record', 1, 101)).toBe(true);
    expect(due('count_time', 'after-record', 1, 101)).toBe(true);
    expect(due('count', 'empty-poll', 0, 0)).toBe(false);
    expect(due('record', 'after-poll', 0, 0)).toBe(false);
  });

  test('are read in any spelling, and a wrong one is answered with the nearest', () => {
    expect(parseAckMode('MANUAL_IMMEDIATE')).toBe('manual_immediate');
    expect(parseAckMode('count-time')).toBe('count_time');
    expect(() => parseAckMode('manul')).toThrow(/Did you mean 'manual'/);
  });
});

describe('back-off', () => {
  const waits = (backOff: BackOff, count: number) => {
    const execution = backOff.start();
    return Array.from({ length: count }, () => execution.nextBackOffMs());
  };

  test.each([
    ['fixed', new FixedBackOff(100, 2), [100, 100, STOP]],
    [
      'exponential',
      new ExponentialBackOff({ initialIntervalMs: 100, multiplier: 3, maxIntervalMs: 500 }),
      [100, 300, 500, 500],
    ],
    ['with max retries', new ExponentialBackOffWithMaxRetries(2, { initialIntervalMs: 10 }), [10, 15, STOP]],
    [
      'with max elapsed time',
      new ExponentialBackOff({ initialIntervalMs: 100, multiplier: 1, maxElapsedTimeMs: 250 }),
      [100, 100, 100, STOP],
    ],
  ])('%s', (_name, backOff, expected) => {
    expect(waits(backOff, expected.length)).toEqual(expected);
    expect(waits(backOff, 1)).toEqual(expected.slice(0, 1));
  });
});

describe('partitions as text', () => {
  test.each([
    [['0,1'], [0, 1]],
    [['0-3'], [0, 1, 2, 3]],
    [
      ['7', '0-2, 5'],
      [0, 1, 2, 5, 7],
    ],
    [
      ['1-2', '2-3'],
      [1, 2, 3],
    ],
  ])('%j', (texts, numbers) => {
    expect(parsePartitions(texts)).toEqual(numbers);
  });

  test.each(['', '1-2-3', '2-1', '-1', 'all', '0-99999999'])("'%s' is refused", (text) => {
    expect(() => parsePartitions([text])).toThrow(/partitions '/);
  });

  test("'*' applies to all partitions, its seek position included", () => {
    const plan = plannedPartitions([
      { topic: 't', partitions: '0-1', partitionOffsets: [{ partition: '*', seekPosition: 'END' }] },
    ]);
    expect(plan.map(({ topicPartition, start }) => `${topicPartition} ${start.at}`)).toEqual(['t-0 end', 't-1 end']);
  });

  test.each([
    [10, 4, [2, 2, 2, 4]],
    [4, 4, [1, 1, 1, 1]],
    [5, 2, [2, 3]],
  ])('%d partitions over %d children', (count, children, sizes) => {
    expect(slicePartitions(Array.from({ length: count }), children).map((slice) => slice.length)).toEqual(sizes);
  });
});

describe('which errors are retried', () => {
  class Known extends Error {}
  class Special extends Known {}

  test('the same bytes are not tried twice, wherever in the cause chain they show', () => {
    const classifier = new ExceptionClassifier();
    expect(classifier.isRetryable(new Error('x'))).toBe(true);
    expect(classifier.isRetryable(new MessageConversionException('x'))).toBe(false);
    const undecodable = new DeserializationException('t', false, null, 'x');
    expect(classifier.isRetryable(new Error('outer', { cause: new Error('middle', { cause: undecodable }) }))).toBe(
      false,
    );
  });

  test('the nearest class decides', () => {
    const classifier = new ExceptionClassifier();
    classifier.set([Known], false);
    expect(classifier.isRetryable(new Special())).toBe(false);
    classifier.set([Special], true);
    expect(classifier.isRetryable(new Special())).toBe(true);
    expect(classifier.isRetryable(new Known())).toBe(false);
    classifier.remove(Known);
    expect(classifier.isRetryable(new Known())).toBe(true);
  });

  test('defaultFalse retries only what is listed; a cyclic cause chain ends', () => {
    const classifier = new ExceptionClassifier();
    classifier.defaultFalse();
    classifier.set([Known], true);
    expect(classifier.isRetryable(new Known())).toBe(true);
    const cyclic = new Error('round');
    cyclic.cause = cyclic;
    expect(classifier.isRetryable(cyclic)).toBe(false);
  });
});

describe('pause state', () => {
  const one = new TopicPartition('t', 1);
  const names = (list: TopicPartition[]) => list.map(String).join();

  test('tells only differences, and leaves what the application paused alone', () => {
    const state = new PauseState();
    state.hold('requested', true);
    expect(names(state.change([tp, one], [one]).pause)).toBe('orders-0');
    expect(names(state.change([tp, one], [tp, one]).pause)).toBe('');
    state.hold('requested', false);
    expect(names(state.change([tp, one], [tp, one]).resume)).toBe('orders-0');
  });

  test('one reason left keeps the pause; a fresh partition is paused as well', () => {
    const state = new PauseState();
    state.hold('requested', true);
    state.hold('handler', true);
    state.change([tp], []);
    state.hold('handler', false);
    expect(state.change([tp], [tp])).toEqual({ pause: [], resume: [] });
    expect(names(state.change([tp, one], [tp]).pause)).toBe('t-1');
  });

  test('a partition requested alone stays paused when the rest resumes', () => {
    const state = new PauseState();
    state.requestPartition(tp, true);
    state.hold('handler', true);
    state.change([tp, one], []);
    state.hold('handler', false);
    expect(names(state.change([tp, one], [tp, one]).resume)).toBe('t-1');
    state.requestPartition(tp, false);
    expect(names(state.change([tp, one], [tp]).resume)).toBe('orders-0');
  });
});

describe('failures of the loop', () => {
  test('waits grow and start anew after a success; the log has one line per kind and minute', () => {
    const errors = new LoopErrors(5000);
    const gone = new KafkaError('NETWORK_EXCEPTION', 'gone');
    expect(errors.failed(gone, 0)).toEqual({ stop: undefined, waitMs: 200, isAuth: false, isWorthALine: true });
    expect(errors.failed(gone, 200)).toMatchObject({ waitMs: 400, isWorthALine: false });
    expect(errors.failed(gone, 60_000)).toMatchObject({ waitMs: 800, isWorthALine: true });
    errors.succeeded();
    expect(errors.failed(gone, 60_001)).toMatchObject({ waitMs: 200, isWorthALine: true });
  });

  test('authorization is tried again, or stops when that is wanted; fencing always stops', () => {
    const denied = new KafkaError('TOPIC_AUTHORIZATION_FAILED', 'no');
    expect(new LoopErrors(5000).failed(denied, 0)).toMatchObject({ stop: undefined, waitMs: 5000, isAuth: true });
    expect(new LoopErrors(null).failed(denied, 0)).toMatchObject({ stop: 'AUTH' });
    expect(new LoopErrors(5000).failed(new KafkaError('FENCED_INSTANCE_ID', 'x'), 0)).toMatchObject({ stop: 'FENCED' });
  });
});

test('consumer properties are read from objects and from lines', () => {
  const resolve = (text: string) => text.replace('${n}', '9');
  expect(parseProperties({ 'max.poll.records': 5 }, resolve)).toEqual({ 'max.poll.records': 5 });
  const lines = ['max.poll.records=${n}', 'a: b\n# comment\nfetch.min.bytes 3'];
  expect(parseProperties(lines, resolve)).toEqual({ 'max.poll.records': '9', a: 'b', 'fetch.min.bytes': '3' });
  expect(() => parseProperties('lonely', resolve)).toThrow(/'lonely' is no line of the form key=value/);
});
