import { describe, expect, test } from '@jest/globals';
import type { EnvironmentOptions } from '#context';
import { type BrokerChoice, chooseBroker } from '../../src/app/broker-choice.ts';
import { KafkaProperties, knownSpringKeys } from '../../src/app/kafka-properties.ts';
import { refusal, settings } from './scene.ts';

function choose(yaml: string, options: Partial<EnvironmentOptions> = {}): BrokerChoice {
  const environment = settings(yaml, options);
  const known = (name: string): boolean => knownSpringKeys.keys.includes(name);
  return chooseBroker(environment, new KafkaProperties(environment).bootstrapSettings(), known);
}

describe('which broker is used', () => {
  test('the included one when no bootstrap servers are set anywhere', () => {
    expect(choose('a: 1')).toEqual({
      isIncluded: true,
      isBootstrapSet: false,
      reason: 'spring.kafka.bootstrap-servers is not set',
    });
  });

  test.each([
    ['spring.kafka.bootstrap-servers: x:1', 'spring.kafka.bootstrap-servers is set (application.yaml:1)'],
    [
      'spring.kafka.consumer.bootstrapServers: x:1',
      'spring.kafka.consumer.bootstrap-servers is set (application.yaml:1)',
    ],
    [
      'spring.kafka.properties: { bootstrap.servers: x:1 }',
      'spring.kafka.properties.bootstrap.servers is set (application.yaml:1)',
    ],
  ])('a cluster with %s', (yaml, reason) => {
    expect(choose(yaml)).toEqual({ isIncluded: false, isBootstrapSet: true, reason });
  });

  test('a cluster by environment variable, and the reason names the variable', () => {
    const { reason } = choose('a: 1', { env: { SPRING_KAFKA_BOOTSTRAP_SERVERS: 'x:1' } });
    expect(reason).toBe('spring.kafka.bootstrap-servers is set (environment variable SPRING_KAFKA_BOOTSTRAP_SERVERS)');
  });

  test('what springtide.broker.enabled says', () => {
    expect(choose('springtide.broker.enabled: false').isIncluded).toBe(false);
    const both = choose('springtide.broker.enabled: true\nspring.kafka.bootstrap-servers: x:1');
    expect(both.isIncluded).toBe(true);
    expect(both.reason).toContain('the clients of this application go to spring.kafka.bootstrap-servers');
    expect(refusal(() => choose('springtide.broker.enabled: maybe')).details).toContainEqual([
      'Origin',
      'application.yaml:1',
    ]);
  });
});

describe('the start is refused', () => {
  test.each([
    'spring.kafka.bootstrap-server: x:1',
    'spring.kafka.bootstrap.servers: x:1',
    'spring.kafka.consumer.bootstrap-server: x:1',
    'spring.kafak.bootstrap-servers: x:1',
    'kafka.bootstrap-servers: x:1',
    'bootstrap-servers: x:1',
    'bootstrap.servers: x:1',
  ])('when %s nearly reads bootstrap-servers', (yaml) => {
    const refused = refusal(() => choose(yaml));
    expect(refused.description).toContain('reads like spring.kafka.bootstrap-servers');
    expect(refused.details).toContainEqual(['Origin', 'application.yaml:1']);
    expect(choose(`${yaml}\nspringtide.broker.enabled: true`).isIncluded).toBe(true);
  });

  test('but not for a key of the application itself, or a variable of the machine', () => {
    expect(choose('app.target.bootstrap-servers: x:1', { env: { MY_BOOTSTRAP_SERVERS: 'x' } }).isIncluded).toBe(true);
  });

  test('in production, unless the choice is written down', () => {
    const env = { NODE_ENV: 'production' };
    expect(refusal(() => choose('a: 1', { env })).action).toContain('springtide.broker.enabled: true');
    expect(choose('springtide.broker.enabled: true', { env }).isIncluded).toBe(true);
    expect(choose('spring.kafka.bootstrap-servers: x:1', { env }).isIncluded).toBe(false);
  });
});
