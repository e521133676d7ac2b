/** Where records without a partition go. */
import { describe, expect, test } from '@jest/globals';
import {
  drawPartition,
  partitionerOf,
  partitionForKey,
  RoundRobinPartitioner,
  StickyPartition,
} from '../../../src/client/producer/partitioner.ts';

describe('a key', () => {
  // Computed with the 4.4.0 jar, of 12 partitions.
  test.each([
    ['21', 0],
    ['foobar', 6],
    ['a-little-bit-long-string', 8],
    ['a-little-bit-longer-string', 11],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', 5],
    ['abc', 3],
    ['', 9],
    ['k', 8],
    ['user-1', 8],
    ['é', 3],
  ])('%j goes where Java’s clients send it', (key, partition) => {
    expect(partitionForKey(Buffer.from(key), 12)).toBe(partition);
  });
});

describe('without a key', () => {
  test('records stay with a partition until a batch is full', () => {
    const sticky = new StickyPartition(1000);
    const draws = [2, 0, 1];
    const draw = () => draws.shift() as number;
    expect(sticky.current(draw)).toBe(2);
    sticky.produced(2, 999, true);
    expect(sticky.current(draw)).toBe(2);
    sticky.produced(2, 1, true);
    expect(sticky.current(draw)).toBe(0);
  });

  test('a batch that is not done is filled on, up to twice its size', () => {
    const sticky = new StickyPartition(1000);
    const draws = [2, 0];
    const draw = () => draws.shift() as number;
    sticky.current(draw);
    sticky.produced(2, 1999, false);
    expect(sticky.current(draw)).toBe(2);
    sticky.produced(2, 1, false);
    expect(sticky.current(draw)).toBe(0);
  });

  test('bytes for another partition do not count', () => {
    const sticky = new StickyPartition(10);
    sticky.current(() => 1);
    sticky.produced(0, 1000, true);
    expect(sticky.current(() => 9)).toBe(1);
  });

  test('partitions are drawn evenly when nothing waits', () => {
    expect(counts([0, 0, 0], true)).toEqual([400, 400, 400]);
  });

  test('partitions with shorter queues are drawn more often: longest + 1 − own', () => {
    expect(counts([0, 3, 1], true)).toEqual([600, 150, 450]);
    expect(counts([0, 3, 1], false)).toEqual([400, 400, 400]);
  });

  test('any partition will do when none has a leader', () => {
    expect(drawPartition({ partitionCount: 4, loads: [], isAdaptive: true, chance: 0.99 })).toBe(3);
  });
});

test('round robin takes partitions with a leader in turn', () => {
  const partitioner = new RoundRobinPartitioner();
  const partitions = [1, -1, 1].map((leaderId, partition) => {
    return { partition, leaderId, leaderEpoch: 0, replicas: [], isr: [], errorCode: 0 };
  });
  const next = () => partitioner.partition('t', null, null, null, null, partitions);
  expect([next(), next(), next()]).toEqual([0, 2, 0]);
});

test('partitioner.class takes an object, a class, or Java’s name', () => {
  const own = { partition: () => 1 };
  expect(partitionerOf(own)).toBe(own);
  expect(partitionerOf(RoundRobinPartitioner)).toBeInstanceOf(RoundRobinPartitioner);
  expect(partitionerOf('org.apache.kafka.clients.producer.RoundRobinPartitioner')).toBeInstanceOf(
    RoundRobinPartitioner,
  );
  expect(partitionerOf(null)).toBeUndefined();
});

/** How often each partition comes when chance runs evenly through 1200 values. */
function counts(queueLengths: number[], isAdaptive: boolean): number[] {
  const loads = queueLengths.map((queueLength, partition) => ({ partition, queueLength }));
  const result = queueLengths.map(() => 0);
  for (let i = 0; i < 1200; i++) {
    result[drawPartition({ partitionCount: loads.length, loads, isAdaptive, chance: i / 1200 })]++;
  }
  return result;
}
