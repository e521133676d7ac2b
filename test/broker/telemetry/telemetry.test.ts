/** Client telemetry over the wire, and what becomes of it in the broker's metrics. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { compress, compressionCodecs, ZERO_UUID } from '#core';
import type { RequestChannel } from '#net';
import { Apis, Errors } from '#protocol';
import { readMetricsData } from '../../../src/broker/telemetry/index.ts';
import { readExposition } from '../metrics/strict-exposition.ts';
import { Scene } from '../scene.ts';
import { metricsData, type WrittenMetric } from './otlp-writer.ts';

let scene: Scene;
afterEach(() => scene.close());

const CLIENT_METRICS = 16;
const LONG = { timeoutMs: 1e9 };

async function start(config: Record<string, unknown> = {}): Promise<RequestChannel> {
  scene = await Scene.start({
    config: { 'springtide.broker.client.telemetry': true, 'springtide.broker.metrics.port': 0, ...config },
  });
  const channel = await scene.client('orders');
  await channel.send(Apis.ApiVersions, 3, { clientSoftwareName: 'tester', clientSoftwareVersion: '1.0' }, LONG);
  return channel;
}

async function subscribe(configs: Record<string, string>): Promise<void> {
  const entries = Object.entries(configs).map(([name, value]) => ({ name, value, configOperation: 0 }));
  const resources = [{ resourceType: CLIENT_METRICS, resourceName: 'all', configs: entries }];
  const { responses } = await scene.send(Apis.IncrementalAlterConfigs, { resources });
  expect(responses[0]).toMatchObject({ errorCode: 0, errorMessage: null });
}

const METRICS: WrittenMetric[] = [
  {
    name: 'org.apache.kafka.producer.record.send',
    kind: 'sum',
    points: [
      { attributes: { topic: 'a' }, value: 12 },
      { attributes: { topic: 'b' }, value: 3 },
    ],
  },
  { name: 'org.apache.kafka.producer.latency-avg', kind: 'gauge', points: [{ value: 2.5 }] },
  { name: 'a.delta', kind: 'delta', points: [{ value: 7 }] },
  { name: 'a.histogram', kind: 'histogram', points: [] },
];

async function push(channel: RequestChannel, bytes: Buffer, compressionType = 0, terminating = false): Promise<string> {
  const terms = await channel.send(Apis.GetTelemetrySubscriptions, 0, { clientInstanceId: ZERO_UUID }, LONG);
  const { clientInstanceId, subscriptionId } = terms;
  const request = { clientInstanceId, subscriptionId, terminating, compressionType, metrics: bytes };
  const { errorCode } = await channel.send(Apis.PushTelemetry, 0, request, LONG);
  return Object.values(Errors).find(({ code }) => code === errorCode)!.name;
}

async function pushed(): Promise<[string, number][]> {
  const text = await (await fetch(`http://127.0.0.1:${scene.broker.metricsPort}/metrics`)).text();
  const series = [...readExposition(text).values()].flatMap((family) => [...family.series]);
  return series
    .filter(([name]) => name.startsWith('client_'))
    .map(([name, value]) => [name.replace(/client_instance_id="[^"]+"/, 'client_instance_id="…"'), value]);
}

test('is not announced unless it is asked for', async () => {
  scene = await Scene.start();
  const without = (await scene.send(Apis.ApiVersions, {}, 0)).apiKeys.map(({ apiKey }) => apiKey);
  expect(without.includes(71) || without.includes(72)).toBe(false);
  await scene.close();
  await start();
  const announced = (await scene.send(Apis.ApiVersions, {}, 0)).apiKeys.map(({ apiKey }) => apiKey);
  expect(announced).toEqual(expect.arrayContaining([71, 72]));
});

test('a new client gets an id, what it is subscribed to, and the limits', async () => {
  const channel = await start({ 'telemetry.max.bytes': 5000 });
  await subscribe({
    metrics: 'org.apache.kafka.',
    'interval.ms': '2000',
    match: 'client_software_name=tester,client_id=orders',
  });
  const terms = await channel.send(Apis.GetTelemetrySubscriptions, 0, { clientInstanceId: ZERO_UUID }, LONG);
  expect(terms).toMatchObject({
    errorCode: 0,
    requestedMetrics: ['org.apache.kafka.'],
    pushIntervalMs: 2000,
    telemetryMaxBytes: 5000,
    acceptedCompressionTypes: [4, 3, 1, 2],
    deltaTemporality: false,
  });
  expect(terms.clientInstanceId).not.toBe(ZERO_UUID);
  const other = await scene.client('billing');
  const theirs = await other.send(Apis.GetTelemetrySubscriptions, 0, { clientInstanceId: ZERO_UUID }, LONG);
  expect([theirs.requestedMetrics, theirs.pushIntervalMs]).toEqual([[], 300_000]);
});

test.each(['client_id=(', 'client_id=a(?=b)', 'client_id', 'client_id=a=b', 'nobody=x'])(
  'a subscription for %s is refused: nobody could be asked by it',
  async (value) => {
    await start();
    const configs = [{ name: 'match', value, configOperation: 0 }];
    const resources = [{ resourceType: CLIENT_METRICS, resourceName: 'all', configs }];
    const { responses } = await scene.send(Apis.IncrementalAlterConfigs, { resources });
    expect(responses[0].errorCode).toBe(Errors.INVALID_CONFIG.code);
  },
);

test('subscriptions are there after a restart', async () => {
  await start();
  await subscribe({ metrics: '*', 'interval.ms': '700' });
  const { disk, clock } = scene;
  await scene.close();
  scene = await Scene.start({ disk, clock, config: { 'springtide.broker.client.telemetry': true } });
  const terms = await scene.send(Apis.GetTelemetrySubscriptions, { clientInstanceId: ZERO_UUID });
  expect([terms.requestedMetrics, terms.pushIntervalMs]).toEqual([['*'], 700]);
});

describe('what a client pushes', () => {
  const expected: [string, number][] = [
    [
      'client_org_apache_kafka_producer_record_send_total{group="g",topic="a",client_id="orders",client_instance_id="…"}',
      12,
    ],
    [
      'client_org_apache_kafka_producer_record_send_total{group="g",topic="b",client_id="orders",client_instance_id="…"}',
      3,
    ],
    ['client_org_apache_kafka_producer_latency_avg{group="g",client_id="orders",client_instance_id="…"}', 2.5],
    ['client_a_delta{group="g",client_id="orders",client_instance_id="…"}', 7],
  ];

  test.each(compressionCodecs.map((codec, type) => [codec, type] as const))(
    'is told on, compressed with %s',
    async (codec, type) => {
      const channel = await start();
      await subscribe({ metrics: '*', 'interval.ms': '1000' });
      const bytes = compress(codec, metricsData(METRICS, { group: 'g' }));
      expect(await push(channel, bytes, type)).toBe('NONE');
      expect(await pushed()).toEqual(expected);
    },
  );

  test('goes when the client is not heard of any more', async () => {
    const channel = await start();
    await subscribe({ metrics: '*', 'interval.ms': '1000' });
    await push(channel, metricsData(METRICS));
    expect(await pushed()).toHaveLength(4);
    await scene.clock.advance(61_000);
    const other = await scene.client('other');
    await other.send(Apis.GetTelemetrySubscriptions, 0, { clientInstanceId: ZERO_UUID }, LONG);
    expect(await pushed()).toEqual([]);
  });

  test('and cannot be read is refused', async () => {
    const channel = await start();
    await subscribe({ metrics: '*', 'interval.ms': '100' });
    expect(await push(channel, Buffer.from('not zstd'), 4)).toBe('INVALID_RECORD');
    expect(await push(channel, Buffer.from([0x0a, 0xff]))).toBe('INVALID_RECORD');
    expect(await push(channel, Buffer.from([0x0f]))).toBe('INVALID_RECORD');
    expect(await push(channel, Buffer.alloc(20, 0xff))).toBe('INVALID_RECORD');
  });

  test('and grows without measure is refused', async () => {
    const channel = await start({ 'telemetry.max.bytes': 20_000 });
    await subscribe({ metrics: '*', 'interval.ms': '100' });
    expect(await push(channel, compress('gzip', Buffer.alloc(10_000_000)), 1)).toBe('TELEMETRY_TOO_LARGE');
    expect(await push(channel, Buffer.alloc(20_001))).toBe('TELEMETRY_TOO_LARGE');
  });

  test('names nothing of the broker, whatever it is called', async () => {
    const channel = await start();
    await subscribe({ metrics: '*', 'interval.ms': '100' });
    const names = ['kafka_server_brokertopicmetrics_bytesin_total', '9 lives "of" {a}\n', '', 'x'.repeat(5000)];
    const attributes = { 'a b': 'quote"', '9': 'line\nend', client_id: 'forged', '': 'empty' };
    const points = [{ attributes, value: 1 }];
    expect(await push(channel, metricsData(names.map((name) => ({ name, kind: 'gauge', points }))))).toBe('NONE');
    const series = await pushed();
    expect(series).toHaveLength(4);
    for (const [name] of series) expect(name).toContain('client_id="orders"');
  });
});

test('no more is read than there is room for', () => {
  const points = Array.from({ length: 50 }, (_, value) => ({ value }));
  expect(readMetricsData(metricsData([{ name: 'n', kind: 'gauge', points }]), 10)).toHaveLength(10);
});
