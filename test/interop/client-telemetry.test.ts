/** A Java producer pushes its metrics to our broker: it is told to by a subscription that Kafka's own tool makes. */
import { beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../processes/child.ts';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { kafkaTool, type ToolName } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';

const tend = tendBrokers();
let server: SpringtideServer;
let metricsPort: number;

beforeAll(async () => {
  metricsPort = await freePort();
  const overrides = ['springtide.broker.client.telemetry=true', `springtide.broker.metrics.port=${metricsPort}`];
  server = await tend(startSpringtide({ overrides }));
});

async function run(name: ToolName, ...args: string[]): Promise<string> {
  const result = await kafkaTool(name, ['--bootstrap-server', server.bootstrapServers, ...args]);
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return result.stdout;
}

test('kafka-client-metrics sets, shows and lists subscriptions', async () => {
  const settings = ['--metrics', 'org.apache.kafka.producer.', '--interval', '200', '--match', 'client_id=pusher'];
  await run('client-metrics', '--alter', '--name', 'producers', ...settings);
  expect(await run('client-metrics', '--list')).toContain('producers');
  const description = await run('client-metrics', '--describe', '--name', 'producers');
  expect(description).toMatch(/interval\.ms=200/);
  expect(description).toMatch(/match=client_id=pusher/);
});

test('a Java producer that matches pushes without an error, and what it says can be read', async () => {
  await run('topics', '--create', '--topic', 'watched');
  const producing = kafkaTool('producer-perf-test', [
    ...['--topic', 'watched', '--num-records', '3000', '--record-size', '10', '--throughput', '1000'],
    ...[
      '--producer-props',
      `bootstrap.servers=${server.bootstrapServers}`,
      'client.id=pusher',
      'enable.metrics.push=true',
    ],
  ]);
  const output = await producing;
  expect(output.stdout).toMatch(/3000 records sent/);
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const counted = (name: string, label: string) =>
    Number(new RegExp(`^${name}_total\\{${label}\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  const errors = 'kafka_network_requestmetrics_errors';
  expect(counted(errors, 'request="PushTelemetry",error="NONE"')).toBeGreaterThan(1);
  const refused = [...text.matchAll(/request="PushTelemetry",error="(\w+)"/g)].map(([, error]) => error);
  expect(refused).toEqual(['NONE']);
  expect(text).toMatch(/^client_org_apache_kafka_producer_\w+\{[^}]*client_id="pusher"/m);
});
