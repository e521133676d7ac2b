import { describe, expect, test } from '@jest/globals';
import {
  ConsumerRecord,
  DelegatingByTopicDeserializer,
  DelegatingByTypeSerializer,
  DelegatingDeserializer,
  DelegatingSerializer,
  DeserializationException,
  type Deserializer,
  deserializationErrorOf,
  deserializerByName,
  ErrorHandlingDeserializer,
  Headers,
  JsonDeserializer,
  JsonSerializer,
  type Serializer,
  StringDeserializer,
  StringSerializer,
  serializerByName,
  TypeRegistry,
  VALUE_SELECTOR_HEADER,
} from '#serde';

const none = () => new Headers();
const write = (name: string, value: unknown) => serializerByName(name).serialize('t', value, none())?.toString('hex');
const read = (name: string, hex: string) => deserializerByName(name).deserialize('t', Buffer.from(hex, 'hex'), none());

describe("Kafka's bytes", () => {
  test.each([
    ['string', 'aé', '61c3a9'],
    ['bytes', Buffer.from([1, 2]), '0102'],
    ['short', -2, 'fffe'],
    ['int', 258, '00000102'],
    ['int', -(2 ** 31), '80000000'],
    ['long', 2 ** 53 - 1, '001fffffffffffff'],
    ['bigint', -1n, 'ffffffffffffffff'],
    ['float', 1.5, '3fc00000'],
    ['double', -0.5, 'bfe0000000000000'],
    ['boolean', true, '01'],
    [
      'uuid',
      '123e4567-e89b-12d3-a456-426614174000',
      Buffer.from('123e4567-e89b-12d3-a456-426614174000').toString('hex'),
    ],
    ['json', { a: [1, null] }, Buffer.from('{"a":[1,null]}').toString('hex')],
  ])('%s: %p', (name, value, hex) => {
    expect(write(name, value)).toBe(hex);
    expect(read(name, hex)).toEqual(value);
  });

  test.each(['string', 'bytes', 'int', 'long', 'json', 'void', 'uuid'])('%s: null is null, a tombstone', (name) => {
    expect(serializerByName(name).serialize('t', null, none())).toBeNull();
    expect(deserializerByName(name).deserialize('t', null, none())).toBeNull();
  });

  test.each([
    ['string', 5],
    ['int', 2 ** 31],
    ['int', 1.5],
    ['short', 40_000],
    ['long', 2 ** 53],
    ['boolean', 'true'],
    ['uuid', 'nope'],
    ['bytes', 'text'],
  ])('%s refuses %p instead of writing something else', (name, value) => {
    expect(() => serializerByName(name).serialize('t', value, none())).toThrow(/serializer for t: got/);
  });

  test.each([
    ['int', '0001'],
    ['long', '001fffffffffffffff'],
    ['boolean', '02'],
    ['uuid', '61'],
    ['json', '7b'],
    ['void', '00'],
  ])('%s refuses the bytes %s', (name, hex) => {
    expect(() => read(name, hex)).toThrow();
  });

  test('a long that a number cannot hold is an error, not a rounded number', () => {
    expect(() => read('long', '0020000000000001')).toThrow(/use the deserializer 'bigint'/);
    expect(read('bigint', '0020000000000001')).toBe(2n ** 53n + 1n);
  });

  test('bytes are copied, so that a value does not keep the fetched buffer', () => {
    const fetched = Buffer.from('abc');
    const value = deserializerByName('bytes').deserialize('t', fetched, none()) as Buffer;
    fetched.fill(0);
    expect(value.toString()).toBe('abc');
  });
});

describe('names', () => {
  test.each([
    'org.apache.kafka.common.serialization.StringSerializer',
    'org.springframework.kafka.support.serializer.JsonSerializer',
    'org.springframework.kafka.support.serializer.JacksonJsonSerializer',
    'org.apache.kafka.common.serialization.ByteArraySerializer',
    'LongSerializer',
    'STRING',
  ])('%s is a serializer', (name) => {
    expect(typeof serializerByName(name).serialize).toBe('function');
  });

  test('an unknown one is answered with the nearest, and a serializer is no deserializer', () => {
    expect(() => serializerByName('jsn')).toThrow(/unknown serializer 'jsn'. Did you mean 'json'/);
    expect(() => deserializerByName('org.apache.kafka.common.serialization.StringSerializer')).toThrow(
      /unknown deserializer/,
    );
    expect(() => deserializerByName('to-string')).toThrow(/unknown deserializer/);
  });
});

describe('JSON type headers', () => {
  class Order {
    id = '';
  }
  const types = new TypeRegistry().register('com.acme.Order', Order);

  test('are written for registered classes only', () => {
    const headers = none();
    new JsonSerializer({ types }).serialize('t', new Order(), headers);
    expect(headers.text('__TypeId__')).toBe('com.acme.Order');
    const plain = none();
    new JsonSerializer({ types }).serialize('t', { id: '1' }, plain);
    new JsonSerializer({ types }).serialize('t', new Date(0), plain);
    expect(plain.length).toBe(0);
  });

  test('are written once, under their own name for keys, and not when switched off', () => {
    const headers = Headers.from({ __TypeId__: 'old' });
    new JsonSerializer({ types }).serialize('t', new Order(), headers);
    expect(headers.headers('__TypeId__')).toHaveLength(1);
    const keys = new JsonSerializer({ types });
    keys.configure({}, true);
    keys.serialize('t', new Order(), headers);
    expect(headers.text('__Key_TypeId__')).toBe('com.acme.Order');
    const off = new JsonSerializer({ types });
    off.configure({ 'spring.json.add.type.headers': 'false' }, false);
    const untouched = none();
    off.serialize('t', new Order(), untouched);
    expect(untouched.length).toBe(0);
  });

  test('choose the class when an instance is wanted; a name that is not registered chooses nothing', () => {
    const toInstance = (type: abstract new (...args: never[]) => object, plain: unknown) =>
      Object.assign(Object.create(type.prototype), plain);
    const json = new JsonDeserializer({ types, toInstance });
    const bytes = Buffer.from('{"id":"7"}');
    expect(json.deserialize('t', bytes, Headers.from({ __TypeId__: 'com.acme.Order' }))).toBeInstanceOf(Order);
    expect(json.deserialize('t', bytes, Headers.from({ __TypeId__: 'java.lang.Runtime' }))).not.toBeInstanceOf(Order);
  });

  test('an id names one class', () => {
    expect(() => types.register('com.acme.Order', Date)).toThrow(/is already the class Order/);
  });
});

describe('choosing per record', () => {
  const str = new StringSerializer() as Serializer;

  test('by the class of the value, the first that fits', () => {
    const serializer = new DelegatingByTypeSerializer([
      [Uint8Array, serializerByName('bytes')],
      ['string', str],
      ['object', new JsonSerializer()],
    ]);
    const hex = (value: unknown) => serializer.serialize('t', value, none())?.toString();
    expect([hex(Buffer.from('b')), hex('s'), hex({ a: 1 })]).toEqual(['b', 's', '{"a":1}']);
    expect(() => hex(5)).toThrow(/no delegate serializes a number for t/);
  });

  test('by the whole topic name, else the default', () => {
    const text = new StringDeserializer() as Deserializer;
    const rules = { patterns: [[/orders.*/, deserializerByName('json')] as const], default: text };
    const deserializer = new DelegatingByTopicDeserializer(rules);
    expect(deserializer.deserialize('orders-eu', Buffer.from('1'), none())).toBe(1);
    expect(deserializer.deserialize('my-orders', Buffer.from('1'), none())).toBe('1');
  });

  test('by the selector header', () => {
    const headers = Headers.from({ [VALUE_SELECTOR_HEADER]: 'n' });
    const bytes = new DelegatingSerializer(new Map([['n', serializerByName('int')]])).serialize('t', 5, headers);
    expect(
      new DelegatingDeserializer(new Map([['n', deserializerByName('int')]])).deserialize('t', bytes, headers),
    ).toBe(5);
    expect(() => new DelegatingDeserializer(new Map()).deserialize('t', bytes, headers)).toThrow(/names none of/);
  });
});

describe('ErrorHandlingDeserializer', () => {
  test('puts the failure into a header that the wire cannot forge', () => {
    const guarded = new ErrorHandlingDeserializer(deserializerByName('json'));
    const headers = none();
    expect(guarded.deserialize('t', Buffer.from('{'), headers)).toBeNull();
    const error = deserializationErrorOf(ConsumerRecord.of({ topic: 't', value: null, headers }));
    expect(error).toBeInstanceOf(DeserializationException);
    expect(error?.data?.toString()).toBe('{');
    const forged = Headers.from({ springDeserializerExceptionValue: 'x' });
    expect(deserializationErrorOf(ConsumerRecord.of({ topic: 't', value: null, headers: forged }))).toBeUndefined();
  });

  test('finds its delegate by configuration, and may substitute a value', () => {
    const named = deserializerByName('error-handling');
    named.configure?.({ 'spring.deserializer.value.delegate.class': 'int' }, false);
    expect(named.deserialize('t', Buffer.from([0, 0, 0, 7]), none())).toBe(7);
    const substituted = new ErrorHandlingDeserializer(deserializerByName('int'), {
      substitute: ({ data }) => data?.length ?? 0,
    });
    expect(substituted.deserialize('t', Buffer.from('12345'), none())).toBe(5);
    expect(() => deserializerByName('error-handling').configure?.({}, false)).toThrow(/delegate.class/);
  });
});
