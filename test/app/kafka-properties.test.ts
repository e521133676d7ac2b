import { describe, expect, test } from '@jest/globals';
import { KafkaProperties } from '../../src/app/kafka-properties.ts';
import { springKafkaTable } from '../../src/app/spring-kafka-table.ts';
import { refusal, settings } from './scene.ts';

describe('client configurations', () => {
  test('every key with a client name reaches its client under Kafka’s name', () => {
    const yaml = `
spring.kafka:
  bootstrap-servers: [a:1, b:2]
  client-id: shop
  consumer: { auto-commit-interval: 2s, auto-offset-reset: earliest, enable-auto-commit: false, fetch-max-wait: 1s, fetch-min-size: 1KB,
    group-id: g, heartbeat-interval: 1s, isolation-level: read-committed, key-deserializer: string, value-deserializer: json,
    max-poll-records: 5, max-poll-interval: 1m }
  producer: { acks: all, batch-size: 32KB, buffer-memory: 1MB, compression-type: zstd, key-serializer: string, value-serializer: json, retries: 3 }
`;
    const properties = new KafkaProperties(settings(yaml));
    expect(properties.clientConfig('consumer')).toEqual({
      'bootstrap.servers': ['a:1', 'b:2'],
      'client.id': 'shop',
      'auto.commit.interval.ms': 2000,
      'auto.offset.reset': 'earliest',
      'enable.auto.commit': false,
      'fetch.max.wait.ms': 1000,
      'fetch.min.bytes': 1024,
      'group.id': 'g',
      'heartbeat.interval.ms': 1000,
      'isolation.level': 'read_committed',
      'key.deserializer': 'string',
      'value.deserializer': 'json',
      'max.poll.records': 5,
      'max.poll.interval.ms': 60_000,
    });
    expect(properties.clientConfig('producer')).toEqual({
      'bootstrap.servers': ['a:1', 'b:2'],
      'client.id': 'shop',
      acks: 'all',
      'batch.size': 32_768,
      'buffer.memory': 1_048_576,
      'compression.type': 'zstd',
      'key.serializer': 'string',
      'value.serializer': 'json',
      retries: 3,
    });
    expect(properties.clientConfig('admin')).toEqual({ 'bootstrap.servers': ['a:1', 'b:2'], 'client.id': 'shop' });
  });

  test('the more special wins: common key, common properties, own key, own properties', () => {
    const config = (yaml: string) => new KafkaProperties(settings(yaml)).clientConfig('producer')['client.id'];
    const layers = [
      'client-id: 1',
      'properties: { client.id: 2 }',
      'producer: { client-id: 3 }',
      'producer.properties: { "[client.id]": 4 }',
    ];
    for (let count = 1; count <= layers.length; count++) {
      expect(config(`spring.kafka: { ${layers.slice(0, count).join(', ')} }`)).toBe(String(count));
    }
  });

  test('the properties maps carry any key of Kafka, from yaml and from environment variables', () => {
    const environment = settings('spring.kafka.producer.properties: { linger.ms: 7, "[delivery.timeout.ms]": 9 }', {
      env: { SPRING_KAFKA_PRODUCER_PROPERTIES_MAX_BLOCK_MS: '5' },
    });
    expect(new KafkaProperties(environment).clientConfig('producer')).toEqual({
      'linger.ms': '7',
      'delivery.timeout.ms': '9',
      'max.block.ms': '5',
    });
  });

  test('without settings nothing is set, so that the clients’ own defaults hold', () => {
    expect(new KafkaProperties(settings('a: 1')).clientConfig('consumer')).toEqual({});
  });
});

describe('single values', () => {
  test('have their type and their default', () => {
    const properties = new KafkaProperties(
      settings('spring.kafka.listener: { concurrency: 3, monitor-interval: 45, poll-timeout: 250ms }'),
    );
    expect(properties.get('listener.concurrency')).toBe(3);
    expect(properties.get('listener.monitor-interval')).toBe(45_000);
    expect(properties.get('listener.poll-timeout')).toBe(250);
    expect(properties.get('listener.auto-startup')).toBe(true);
    expect(properties.get('listener.ack-count')).toBeNull();
  });

  test.each([
    [
      'spring:\n  kafka:\n    listener:\n      concurrency: three',
      'listener.concurrency',
      'application.yaml:4',
      'must be a whole number',
    ],
    [
      'spring:\n  kafka:\n    listener: { concurrency: 0 }',
      'listener.concurrency',
      'application.yaml:3',
      'must be between 1 and 2147483647',
    ],
    [
      'spring.kafka.consumer.max-poll-interval: 5 apples',
      'consumer.max-poll-interval',
      'application.yaml:1',
      'must be a duration',
    ],
    ['spring.kafka.listener.type: bulk', 'listener.type', 'application.yaml:1', 'must be one of single, batch'],
  ])('%j is refused with key, value, file and line, and rule', (yaml, name, origin, rule) => {
    const refused = refusal(() => new KafkaProperties(settings(yaml)).get(name));
    expect(refused.description).toBe(`Failed to bind 'spring.kafka.${name}':`);
    expect(refused.details).toContainEqual(['Origin', origin]);
    expect(refused.details.find(([label]) => label === 'Reason')?.[1]).toContain(rule);
  });

  test('keys without effect are told when they are set, and only then', () => {
    const properties = new KafkaProperties(settings('spring.kafka: { retry.topic.enabled: true, ssl.bundle: x }'));
    expect(properties.withoutEffect().map(({ name }) => name)).toEqual([
      'spring.kafka.ssl.bundle',
      'spring.kafka.retry.topic.enabled',
    ]);
    expect(new KafkaProperties(settings('a: 1')).withoutEffect()).toEqual([]);
  });
});

test('every row of the table says what it is for', () => {
  for (const [name, row] of Object.entries(springKafkaTable)) expect([name, row.doc.length > 5]).toEqual([name, true]);
});

describe('spellings', () => {
  const samples: Readonly<Record<string, string>> = {
    boolean: 'true',
    int: '5',
    'duration-ms': '5s',
    bytes: '5KB',
    double: '1.5',
  };

  test('every key may be an environment variable, its dashes dropped or written as underscores', () => {
    const unread = Object.entries(springKafkaTable).flatMap(([name, row]) => {
      const flat = `SPRING_KAFKA_${name.replaceAll('.', '_').toUpperCase()}`;
      return [flat.replaceAll('-', ''), flat.replaceAll('-', '_')].filter((variable) => {
        const env = { [variable]: row.oneOf?.[0] ?? samples[row.type] ?? 'text' };
        const properties = new KafkaProperties(settings('', { env }));
        const role = (['producer', 'admin'] as const).find((one) => name.startsWith(`${one}.`)) ?? 'consumer';
        const reachesClient = row.client === undefined || row.withoutEffect !== undefined;
        return properties.get(name) === null || !(reachesClient || row.client! in properties.clientConfig(role));
      });
    });
    expect(unread).toEqual([]);
  });

  test('numbers and dates of yaml keep their text; on, off, yes and no are known', () => {
    const yaml = `
      spring:
        kafka:
          consumer: { group-id: 007, enable-auto-commit: off, properties: { group.instance.id: 2024-01-01 } }
          listener: { missing-topics-fatal: yes }`;
    const properties = new KafkaProperties(settings(yaml));
    expect(properties.clientConfig('consumer')).toEqual({
      'group.id': '007',
      'enable.auto.commit': false,
      'group.instance.id': '2024-01-01',
    });
    expect(properties.get('listener.missing-topics-fatal')).toBe(true);
  });
});
