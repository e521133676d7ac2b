import { expect, test } from '@jest/globals';
import { findUnknownKeys, unknownKeyText } from '#context';
import { load } from './scene.ts';

const known = {
  keys: [
    'spring.kafka.bootstrap-servers',
    'spring.kafka.consumer.group-id',
    'spring.kafka.consumer.max-poll-records',
    'springtide.broker.log.dirs',
  ],
  maps: ['spring.kafka.properties'],
};

function unknown(yaml: string, env: Record<string, string> = {}): string[] {
  const environment = load({ 'application.yaml': yaml }, { env });
  return findUnknownKeys(environment, ['spring.kafka', 'springtide'], known).map(unknownKeyText);
}

test('known keys pass in every spelling, and maps take any name', () => {
  const yaml =
    'spring.kafka: { bootstrapServers: [a, b], consumer: { group_id: x }, properties: { any.thing: 1 } }\nspringtide.broker.log.dirs: d';
  expect(
    unknown(yaml, {
      SPRING_KAFKA_CONSUMER_MAX_POLL_RECORDS: '5',
      SPRING_KAFKA_PROPERTIES_A_B: '1',
      SPRING_KAFKA_BOOTSTRAP_SERVERS: 'x',
    }),
  ).toEqual([]);
});

test('an unknown key is told with its line and the key that was meant', () => {
  expect(
    unknown(
      'spring:\n  kafka:\n    consumer:\n      group: x\n      max-poll-record: 5\nspringtide.broker.log-dirs: d',
    ),
  ).toEqual([
    "application.yaml:4: unknown key 'spring.kafka.consumer.group' is ignored. Did you mean 'spring.kafka.consumer.group-id'?",
    "application.yaml:5: unknown key 'spring.kafka.consumer.max-poll-record' is ignored. Did you mean 'spring.kafka.consumer.max-poll-records'?",
    "application.yaml:6: unknown key 'springtide.broker.log-dirs' is ignored. Did you mean 'springtide.broker.log.dirs'?",
  ]);
});

test('a value where a section belongs is told with its line, an empty section is not', () => {
  expect(unknown('spring:\n  kafka: hello')).toEqual([
    "application.yaml:2: 'spring.kafka' is a section; its value is ignored. Write the keys of the section below it, indented.",
  ]);
  expect(unknown('spring:\n  kafka:\n    consumer: 7\nspringtide: [a]')).toEqual([
    expect.stringContaining("application.yaml:3: 'spring.kafka.consumer' is a section"),
    expect.stringContaining("application.yaml:4: 'springtide' is a section"),
  ]);
  expect(unknown('spring:\n  kafka:\n    properties: hello')).toEqual([
    expect.stringContaining("'spring.kafka.properties' is a section"),
  ]);
  expect(unknown('spring:\n  kafka:\n    consumer:\n    properties: {}\nspringtide:')).toEqual([]);
});

test('an unknown environment variable is told as the variable it is', () => {
  expect(unknown('a: 1', { SPRING_KAFKA_BOOTSTRAP_SERVER: 'x' })).toEqual([
    "environment variable SPRING_KAFKA_BOOTSTRAP_SERVER: unknown key 'spring.kafka.bootstrap.server' is ignored. Did you mean 'spring.kafka.bootstrap-servers'?",
  ]);
});
