import { describe, expect, test } from '@jest/globals';
import {
  ConsumerRecord,
  ConsumerRecords,
  Headers,
  OffsetAndMetadata,
  PartitionMap,
  ProducerRecord,
  TopicPartition,
} from '#serde';

describe('PartitionMap', () => {
  test('finds a partition by topic and number, not by object', () => {
    const map = new PartitionMap([[new TopicPartition('a', 1), 'x']]);
    expect(map.get(new TopicPartition('a', 1))).toBe('x');
    expect(map.get({ topic: 'a', partition: 1 })).toBe('x');
    expect(map.has({ topic: 'a', partition: 2 })).toBe(false);
    expect(map.set({ topic: 'a', partition: 1 }, 'y').size).toBe(1);
  });

  test('counts, deletes and lists', () => {
    const map = new PartitionMap<number>();
    map.set({ topic: 'b', partition: 0 }, 1).set({ topic: 'a', partition: 0 }, 2).set({ topic: 'b', partition: 2 }, 3);
    expect(Array.from(map, ([tp, value]) => `${tp}=${value}`)).toEqual(['b-0=1', 'b-2=3', 'a-0=2']);
    expect(map.delete({ topic: 'b', partition: 0 })).toBe(true);
    expect(map.delete({ topic: 'b', partition: 0 })).toBe(false);
    expect([map.size, map.values(), map.keys().map(String)]).toEqual([2, [3, 2], ['b-2', 'a-0']]);
    expect(map.getOrSet({ topic: 'c', partition: 0 }, () => 9)).toBe(9);
    map.clear();
    expect(map.size).toBe(0);
  });
});

describe('Headers', () => {
  test('keep order and repeated keys; the last one counts', () => {
    const headers = new Headers().add('a', '1').add('b', null).add('a', Buffer.from('2'));
    expect(headers.toArray().map(({ key }) => key)).toEqual(['a', 'b', 'a']);
    expect([headers.text('a'), headers.text('b'), headers.headers('a').length]).toEqual(['2', undefined, 2]);
    expect(headers.set('a', '3').headers('a')).toHaveLength(1);
    expect([...headers.remove('a')].map(({ key }) => key)).toEqual(['b']);
    expect(headers.remove('b').length).toBe(0);
  });
});

describe('records', () => {
  test('a producer record takes topic, value; topic, key, value; topic, partition, key, value; or fields', () => {
    expect(new ProducerRecord('t', 'v')).toMatchObject({ topic: 't', key: null, value: 'v', partition: undefined });
    expect(new ProducerRecord('t', 'k', 'v')).toMatchObject({ key: 'k', value: 'v' });
    expect(new ProducerRecord('t', 2, 'k', 'v')).toMatchObject({ partition: 2, key: 'k', value: 'v' });
    expect(new ProducerRecord({ topic: 't', value: null, headers: { h: 'x' } }).headers.text('h')).toBe('x');
  });

  test.each([
    [{ topic: '', value: 1 }, /needs the name of a topic/],
    [{ topic: 't', value: 1, partition: -1 }, /the partition of a record is an integer >= 0/],
    [{ topic: 't', value: 1, timestamp: 1.5 }, /the timestamp of a record/],
  ])('%j is refused', (fields, text) => {
    expect(() => new ProducerRecord(fields)).toThrow(text);
  });

  test('consumer records know their partitions, their count and the positions behind them', () => {
    const list = [
      ConsumerRecord.of({ topic: 't', offset: 4, value: 'a' }),
      ConsumerRecord.of({ topic: 't', offset: 9, value: 'b' }),
    ];
    const records = new ConsumerRecords(new PartitionMap([[new TopicPartition('t', 0), list]]));
    expect([...records].map(({ value }) => value)).toEqual(['a', 'b']);
    expect([
      records.count(),
      records.isEmpty(),
      records.records('t').length,
      records.records({ topic: 'x', partition: 0 }),
    ]).toEqual([2, false, 2, []]);
    expect(records.nextOffsets().get({ topic: 't', partition: 0 })).toEqual(new OffsetAndMetadata(10));
    expect(ConsumerRecords.empty().isEmpty()).toBe(true);
  });

  test('an offset to commit is never negative', () => {
    expect(() => new OffsetAndMetadata(-1)).toThrow(/an offset is an integer >= 0/);
  });
});
