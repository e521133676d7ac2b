/** Our clients and the framework on an Apache Kafka 4.4.0: the same suites and the same sample as on our own broker. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { adminSuite } from '../client/suite/admin.ts';
import { consumerSuite } from '../client/suite/consumer.ts';
import { producerSuite } from '../client/suite/producer.ts';
import { Program } from '../processes/program.ts';
import { type ApacheKafka, startApacheKafka } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';

const tend = tendBrokers();
let kafka: ApacheKafka;

beforeAll(async () => {
  kafka = await tend(startApacheKafka());
});

describe('on Apache Kafka', () => {
  const connect = async () => ({ bootstrapServers: kafka.bootstrapServers });
  producerSuite(connect);
  consumerSuite(connect);
  adminSuite(connect);
});

test('the orders sample runs with bootstrap-servers pointed at Apache Kafka, no code changed', async () => {
  const env = { SPRING_KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers };
  const demo = new Program('dist/samples/02-orders/demo.js', { workingFolder: 'samples/02-orders', env });
  expect({ status: await demo.exitCode(), output: demo.output }).toMatchObject({ status: 0 });
  expect(demo.output).not.toMatch(/using the included broker/);
  expect(demo.output).toMatch(/billing +2973 +27 +0 /);
  expect(demo.output).toMatch(/audit +3000 +0 +0 /);
  expect(demo.output).toMatch(/fraud +3000 +0 +0 /);
});
