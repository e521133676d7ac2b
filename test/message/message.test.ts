import { describe, expect, test } from '@jest/globals';
import {
  DefaultKafkaHeaderMapper,
  KafkaHeaders,
  KafkaNull,
  Message,
  MessageBuilder,
  MessageHeaders,
  MessagingMessageConverter,
  NonTrustedHeaderType,
  PayloadConverter,
} from '#message';
import { type Class, ConsumerRecord, Headers } from '#serde';

const headersOf = (fields: Record<string, unknown>) => new MessageHeaders(Object.entries(fields));

describe('header mapping', () => {
  test('text goes as it is, bytes as they are, the rest as JSON, and the types of Java are told', () => {
    const target = new Headers();
    new DefaultKafkaHeaderMapper().fromHeaders(
      headersOf({
        s: 'é',
        b: Buffer.from([1]),
        i: 5,
        l: 2 ** 40,
        d: 0.5,
        t: true,
        m: { a: 1 },
        n: null,
        id: 'x',
        timestamp: 1,
      }),
      target,
    );
    const text = Object.fromEntries(target.toArray().map(({ key, value }) => [key, value?.toString()]));
    expect(text).toEqual({
      s: 'é',
      b: '\u0001',
      i: '5',
      l: '1099511627776',
      d: '0.5',
      t: 'true',
      m: '{"a":1}',
      spring_json_header_types: JSON.stringify({
        s: 'java.lang.String',
        i: 'java.lang.Integer',
        l: 'java.lang.Long',
        d: 'java.lang.Double',
        t: 'java.lang.Boolean',
        m: 'java.util.LinkedHashMap',
      }),
    });
  });

  test('what went out comes in again', () => {
    const mapper = new DefaultKafkaHeaderMapper();
    const wire = new Headers();
    const sent = { s: 'x', i: 5, l: [1, 'a'], m: { a: null }, at: new Date(12), bytes: Buffer.from('b') };
    mapper.fromHeaders(headersOf(sent), wire);
    const received = new MessageHeaders();
    mapper.toHeaders(wire, received);
    expect(received.toObject()).toEqual(sent);
  });

  test('headers that describe one hop never go out', () => {
    const target = new Headers();
    const hop = {
      [KafkaHeaders.TOPIC]: 't',
      [KafkaHeaders.OFFSET]: 1,
      [KafkaHeaders.RECEIVED_KEY]: 'k',
      [KafkaHeaders.GROUP_ID]: 'g',
    };
    new DefaultKafkaHeaderMapper().fromHeaders(headersOf(hop), target);
    expect(target.length).toBe(0);
  });

  test('patterns choose, with negation and wildcard, the first match wins', () => {
    const target = new Headers();
    const mapper = new DefaultKafkaHeaderMapper({ patterns: ['!secret*', 'X-*', 'also'] });
    mapper.fromHeaders(headersOf({ secretKey: 'a', 'x-one': 'b', also: 'c', other: 'd' }), target);
    expect(target.toArray().map(({ key }) => key)).toEqual(['x-one', 'also', 'spring_json_header_types']);
  });

  test('an unknown Java type is not believed, a broken value and a broken table cost nothing', () => {
    const mapper = new DefaultKafkaHeaderMapper();
    const types = JSON.stringify({
      evil: 'javax.script.ScriptEngineManager',
      broken: 'java.lang.Integer',
      __proto__: 'x',
    });
    const received = new MessageHeaders();
    mapper.toHeaders(
      Headers.from({ evil: '{}', broken: 'abc', plain: 'p', spring_json_header_types: types }),
      received,
    );
    expect(received.get('evil')).toBeInstanceOf(NonTrustedHeaderType);
    expect(received.get('broken')).toEqual(Buffer.from('abc'));
    expect(received.get('plain')).toEqual(Buffer.from('p'));
    const again = new MessageHeaders();
    mapper.toHeaders(Headers.from({ plain: 'p', spring_json_header_types: '{' }), again);
    expect(again.get('plain')).toEqual(Buffer.from('p'));
  });

  test('of repeated headers the last one counts, unless a list is asked for', () => {
    const twice = new Headers().add('a', Buffer.from('1')).add('a', Buffer.from('2'));
    const last = new MessageHeaders();
    new DefaultKafkaHeaderMapper().toHeaders(twice, last);
    expect(last.get('a')).toEqual(Buffer.from('2'));
    const all = new MessageHeaders();
    new DefaultKafkaHeaderMapper({ multiValueHeaderPatterns: ['a'] }).toHeaders(twice, all);
    expect(all.get('a')).toEqual([Buffer.from('1'), Buffer.from('2')]);
  });
});

describe('messages and records', () => {
  const converter = new MessagingMessageConverter();

  test("a record's headers have Spring's names", () => {
    const record = ConsumerRecord.of({ topic: 't', partition: 1, offset: 2, timestamp: 3, key: 'k', value: 'v' });
    expect(converter.headersOf(record, 'g').toObject()).toEqual({
      kafka_offset: 2,
      kafka_receivedMessageKey: 'k',
      kafka_receivedTopic: 't',
      kafka_receivedPartitionId: 1,
      kafka_receivedTimestamp: 3,
      kafka_timestampType: 'CREATE_TIME',
      kafka_groupId: 'g',
    });
  });

  test('a message says where it goes by its headers; KafkaNull is a tombstone', () => {
    const message = MessageBuilder.withPayload<unknown>(KafkaNull.INSTANCE)
      .setHeader(KafkaHeaders.TOPIC, 't')
      .setHeader(KafkaHeaders.KEY, 'k')
      .setHeader(KafkaHeaders.PARTITION, 4)
      .setHeader(KafkaHeaders.TIMESTAMP, 5)
      .setHeader('mine', 'kept')
      .build();
    const record = converter.fromMessage(message);
    expect(record).toMatchObject({ topic: 't', key: 'k', partition: 4, timestamp: 5, value: null });
    expect(record.headers.text('mine')).toBe('kept');
  });

  test('without a topic of its own a message goes to the default topic, or is refused', () => {
    expect(converter.fromMessage(new Message('x'), 'd').topic).toBe('d');
    expect(() => converter.fromMessage(new Message('x'))).toThrow(/the message names no topic/);
  });

  test('a builder copies, and null removes', () => {
    const first = MessageBuilder.withPayload(1).setHeader('a', 1).build();
    const second = MessageBuilder.fromMessage(first)
      .setHeader('a', null)
      .setHeaderIfAbsent('b', 2)
      .copyHeaders({ c: 3 })
      .build();
    expect([first.headers.toObject(), second.headers.toObject()]).toEqual([{ a: 1 }, { b: 2, c: 3 }]);
  });
});

describe('payload conversion', () => {
  class Order {
    id = '';
  }
  const of = (type: unknown) => ({ type: type as Class });
  const converter = new PayloadConverter();

  test.each([
    ['text stays text', 'a', String, 'a'],
    ['bytes to text', Buffer.from('a'), String, 'a'],
    ['number to text', 5, String, '5'],
    ['text to number', '5.5', Number, 5.5],
    ['text to boolean', 'false', Boolean, false],
    ['text to bytes', 'a', Buffer, Buffer.from('a')],
    ['number to date', 12, Date, new Date(12)],
    ['digits to bigint', '9007199254740993', BigInt, 9007199254740993n],
    ['JSON text to list', '[1]', Array, [1]],
    ['anything to nothing said', { a: 1 }, undefined, { a: 1 }],
    ['null stays null', null, Order, null],
  ])('%s', (_name, value, type, expected) => {
    expect(converter.convert(value, of(type))).toEqual(expected);
  });

  test.each([
    [{ a: 1 }, String, /wants a string/],
    ['five', Number, /wants a number/],
    ['', Number, /wants a number/],
    [1, Boolean, /wants a boolean/],
    ['soon', Date, /wants a Date/],
    ['{', Order, /expected JSON for a Order/],
    [[1], Order, /the payload is a list, the listener wants a Order/],
    ['5', Order, /the payload is the number 5/],
  ])('%j as %p is refused', (value, type, text) => {
    expect(() => converter.convert(value, of(type))).toThrow(text);
  });

  test('plain data, JSON text and JSON bytes become instances; lists element by element', () => {
    for (const value of [{ id: '1' }, '{"id":"1"}', Buffer.from('{"id":"1"}')]) {
      const order = converter.convert(value, of(Order)) as Order;
      expect(order).toBeInstanceOf(Order);
      expect(order.id).toBe('1');
    }
    const list = converter.convert([{ id: '1' }], { type: Array as unknown as Class, elementType: Order }) as Order[];
    expect(list[0]).toBeInstanceOf(Order);
  });

  test('the validator sees instances, also those that came as such, and its words are in the error', () => {
    const validator = {
      validate: (order: object) => ((order as Order).id === '' ? [{ property: 'id', message: 'is empty' }] : []),
    };
    const strict = new PayloadConverter({ validator });
    expect(strict.convert({ id: '1' }, of(Order))).toBeInstanceOf(Order);
    expect(() => strict.convert({ id: '' }, of(Order))).toThrow('Order is not valid: id: is empty');
    expect(() => strict.convert(new Order(), of(Order))).toThrow(/is not valid/);
  });

  test('an error of the transformer is an error of the payload', () => {
    const transformer = {
      toInstance: () => {
        throw new Error('no such field');
      },
    };
    expect(() => new PayloadConverter({ transformer }).convert({}, of(Order))).toThrow(
      'cannot make a Order: no such field',
    );
  });
});
