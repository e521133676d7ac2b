import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { type ConfigOf, defineConfig, didYouMean, formatConfigValue, KafkaError, Password, parseConfig } from '#core';

const table = defineConfig({
  'bootstrap.servers': { type: 'list', doc: 'Where to begin.' },
  'linger.ms': { type: 'duration-ms', default: 5, min: 0, doc: 'How long to wait.' },
  'batch.size': { type: 'bytes', kafkaType: 'int', default: 16384, min: 0, doc: 'How much to gather.' },
  'retention.ms': { type: 'long', default: 604800000, min: -1, doc: 'How long to keep.' },
  'num.partitions': { type: 'int', default: 1, min: 1, max: 1000, doc: 'How many.' },
  'cleanup.policy': { type: 'list', default: ['delete'], oneOf: ['delete', 'compact'], doc: 'What goes.' },
  'auto.offset.reset': { type: 'string', default: 'latest', oneOf: ['earliest', 'latest', 'none'], doc: 'Where.' },
  'client.rack': { type: 'string', default: null, doc: 'Where we are.' },
  ratio: { type: 'double', default: 0.5, min: 0, max: 1, doc: 'How dirty.' },
  enabled: { type: 'boolean', default: true, doc: 'Whether.' },
  secret: { type: 'password', nullable: true, doc: 'Hush.' },
  serializer: { type: 'class', default: 'string', doc: 'Which.' },
});

const required = { 'bootstrap.servers': 'a:1' };
const parse = (raw: Record<string, unknown>): ConfigOf<typeof table> =>
  parseConfig(table, { ...required, ...raw }).config;

function refusal(raw: Record<string, unknown>, prefix = ''): string {
  try {
    parseConfig(table, { ...required, ...raw }, { prefix });
  } catch (error) {
    expect(error).toBeInstanceOf(KafkaError);
    expect((error as KafkaError).code).toBe('INVALID_CONFIG');
    return (error as KafkaError).message;
  }
  throw new Error('accepted');
}

describe('Values', () => {
  test('Defaults stand for what is not given, with the types of the table', () => {
    const config = parse({});
    const lingerMs: number = config['linger.ms'];
    const rack: string | null = config['client.rack'];
    const reset: 'earliest' | 'latest' | 'none' = config['auto.offset.reset'];
    expect([lingerMs, rack, reset, config['cleanup.policy'], config['secret']]).toEqual([
      5,
      null,
      'latest',
      ['delete'],
      null,
    ]);
  });

  test('A default list is not shared between configurations', () => {
    parse({})['cleanup.policy'].push('compact');
    expect(parse({})['cleanup.policy']).toEqual(['delete']);
  });

  test.each([
    ['linger.ms', '30s', 30000],
    ['linger.ms', '1h30m', 5400000],
    ['linger.ms', 'PT1M30S', 90000],
    ['linger.ms', ' 250 ms ', 250],
    ['linger.ms', '7', 7],
    ['linger.ms', 7, 7],
    ['linger.ms', '2d', 172800000],
    ['batch.size', '5MB', 5242880],
    ['batch.size', '64 KiB', 65536],
    ['batch.size', '1000', 1000],
    ['retention.ms', '9223372036854775807', Number.MAX_SAFE_INTEGER],
    ['retention.ms', -1, -1],
    ['num.partitions', '12', 12],
    ['ratio', '0.25', 0.25],
    ['enabled', 'FALSE', false],
    ['enabled', false, false],
    ['auto.offset.reset', 'EARLIEST', 'earliest'],
    ['bootstrap.servers', 'a:1, b:2', ['a:1', 'b:2']],
    ['bootstrap.servers', ['a:1', 'b:2'], ['a:1', 'b:2']],
    ['bootstrap.servers', '', []],
    ['client.rack', null, null],
    ['client.rack', 7, '7'],
    ['serializer', Map, Map],
  ] as const)('%s = %j', (key, raw, value) => {
    expect(parse({ [key]: raw })[key]).toEqual(value);
  });

  test('Unknown keys are handed back, with a suggestion at hand', () => {
    expect(parseConfig(table, { ...required, lingerMs: 1, toString: 2 }).unknown).toEqual(['lingerMs', 'toString']);
    expect(didYouMean('lingerMs', table)).toBe(' Did you mean "linger.ms"?');
    expect(didYouMean('something.else', table)).toBe('');
  });

  test('A password prints as [hidden] everywhere and keeps its value', () => {
    const secret = parse({ secret: 'hunter2' }).secret as Password;
    expect(secret.value).toBe('hunter2');
    expect(`${secret} ${JSON.stringify(secret)} ${inspect(secret)}`).not.toContain('hunter2');
  });

  test('Values print as Kafka prints them', () => {
    expect(formatConfigValue(parse({ 'retention.ms': '9223372036854775807' })['retention.ms'])).toBe(
      '9223372036854775807',
    );
    expect(formatConfigValue(['a', 'b'])).toBe('a,b');
    expect(formatConfigValue(true)).toBe('true');
    expect(formatConfigValue(null)).toBeNull();
  });
});

describe('Refusals name key, value and rule', () => {
  test.each([
    [
      'linger.ms',
      '5 apples',
      'linger.ms: "5 apples" is not allowed: must be a duration: milliseconds, or a number with ms, s, m, h or d, like 30s',
    ],
    ['linger.ms', -1, 'linger.ms: -1 is not allowed: must be at least 0'],
    [
      'linger.ms',
      'P',
      'linger.ms: "P" is not allowed: must be a duration: milliseconds, or a number with ms, s, m, h or d, like 30s',
    ],
    [
      'batch.size',
      '5XB',
      'batch.size: "5XB" is not allowed: must be a size: bytes, or a number with KB, MB, GB or TB, like 5MB',
    ],
    ['batch.size', '3GB', 'batch.size: "3GB" is not allowed: must be between 0 and 2147483647'],
    ['num.partitions', '0', 'num.partitions: "0" is not allowed: must be between 1 and 1000'],
    [
      'retention.ms',
      '99999999999999999999',
      'retention.ms: "99999999999999999999" is not allowed: must fit into 64 bits',
    ],
    ['num.partitions', '1.5', 'num.partitions: "1.5" is not allowed: must be a whole number'],
    ['num.partitions', '', 'num.partitions: "" is not allowed: must be a whole number'],
    ['num.partitions', null, 'num.partitions: null is not allowed: a value is required'],
    ['num.partitions', { a: 1 }, 'num.partitions: {"a":1} is not allowed: must be text'],
    ['cleanup.policy', 'delete,burn', 'cleanup.policy: "delete,burn" is not allowed: must be one of delete, compact'],
    [
      'auto.offset.reset',
      'newest',
      'auto.offset.reset: "newest" is not allowed: must be one of earliest, latest, none',
    ],
    ['enabled', 'yes', 'enabled: "yes" is not allowed: must be true or false'],
    ['ratio', 2, 'ratio: 2 is not allowed: must be between 0 and 1'],
    ['serializer', 5, 'serializer: 5 is not allowed: must be a class name, a class or an object'],
  ] as const)('%s = %j', (key, raw, text) => {
    expect(refusal({ [key]: raw })).toBe(text);
  });

  test('The key is named with its prefix, as the user wrote it', () => {
    expect(refusal({ 'linger.ms': 'x' }, 'spring.kafka.producer.')).toMatch(/^spring\.kafka\.producer\.linger\.ms: /);
  });

  test('A missing required key says what it is for', () => {
    expect(() => parseConfig(table, {})).toThrow('bootstrap.servers is required and has no value. Where to begin.');
  });

  test('A refused password does not show itself', () => {
    expect(refusal({ secret: { value: 'hunter2' } })).toBe('secret: [hidden] is not allowed: must be text');
  });
});
