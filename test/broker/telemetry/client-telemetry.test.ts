/** When clients may ask and push, and for what. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ZERO_UUID } from '#core';
import { Errors } from '#protocol';
import { compileTopicPattern } from '../../../src/broker/group/consumer/topic-pattern.ts';
import { ClientTelemetry, readSubscription, type Terms } from '../../../src/broker/telemetry/index.ts';

const BYTES_MAX = 1000;
const CONNECTION = {};
const ID = 'q1LrcYxcTdOaCCdBoQ61Vg';

let telemetry: ClientTelemetry;
beforeEach(() => {
  telemetry = new ClientTelemetry(BYTES_MAX);
});

function subscribe(name: string, configs: Record<string, string> | undefined): void {
  const subscription =
    configs === undefined ? undefined : readSubscription(new Map(Object.entries(configs)), compileTopicPattern);
  telemetry.setSubscription(name, subscription);
}

const client = (id = ID, more = {}) => ({
  client_instance_id: id,
  client_id: 'orders-1',
  client_software_name: 'apache-kafka-java',
  client_software_version: '4.4.0',
  client_source_address: '10.0.0.1',
  client_source_port: '50123',
  ...more,
});

/** What is answered: the name of an error, or metrics and interval. */
function get(nowMs: number, { id = ID, connection = CONNECTION, more = {} } = {}): string {
  const terms = telemetry.get(client(id, more), connection, nowMs);
  return 'code' in terms ? terms.name : `${terms.requestedMetrics.join(',')} every ${terms.pushIntervalMs}`;
}

function subscriptionId(nowMs: number, connection: object = {}): number {
  return (telemetry.get(client(), connection, nowMs) as Terms).subscriptionId;
}

function push(
  nowMs: number,
  change: Partial<Parameters<ClientTelemetry['push']>[2]> & { connection?: object } = {},
): string {
  const { connection = CONNECTION, ...fields } = change;
  const asked = {
    clientInstanceId: ID,
    subscriptionId: 0,
    terminating: false,
    compressionType: 4,
    bytes: 10,
    ...fields,
  };
  return telemetry.push(client(asked.clientInstanceId), connection, asked, nowMs).name;
}

describe('a client is asked for', () => {
  test('nothing, every five minutes, when nobody is subscribed', () => {
    expect(get(0)).toBe(' every 300000');
  });

  test('what the subscriptions that match it name, at the shortest of their intervals', () => {
    subscribe('a', { metrics: 'org.apache.kafka.producer., org.apache.kafka.consumer.', 'interval.ms': '5000' });
    subscribe('b', { metrics: 'org.apache.kafka.producer.', 'interval.ms': '1000', match: 'client_id=orders.*' });
    subscribe('c', { metrics: '*', 'interval.ms': '100', match: 'client_id=billing.*' });
    expect(get(0)).toBe('org.apache.kafka.consumer.,org.apache.kafka.producer. every 1000');
  });

  test('everything when one of them does', () => {
    subscribe('a', { metrics: 'x.' });
    subscribe('b', { metrics: '*' });
    expect(get(0)).toBe('* every 300000');
  });

  test.each([
    ['client_id=orders-1', true],
    ['client_id=orders', false],
    ['client_id=.*', true],
    ['client_software_name=apache-kafka-.*,client_software_version=4\\.4\\..*', true],
    ['client_software_name=apache-kafka-.*,client_software_version=3\\..*', false],
    ['client_source_address=10\\.0\\.0\\.1,client_source_port=50123', true],
    [`client_instance_id=${ID}`, true],
    ['client_id=(', false],
    ['client_id', false],
  ])('by the match %s: %j', (match, isAsked) => {
    subscribe('a', { metrics: '*', match });
    expect(get(0)).toBe(isAsked ? '* every 300000' : ' every 300000');
  });

  test('by no match on what it did not say', () => {
    subscribe('a', { metrics: '*', match: 'client_software_name=.*' });
    expect(get(0, { more: { client_software_name: undefined } })).toBe(' every 300000');
  });

  test('by a number that changes with what it is asked for, and is that of no other client', () => {
    subscribe('a', { metrics: 'x.', 'interval.ms': '1000' });
    const first = subscriptionId(0);
    expect(subscriptionId(1)).toBe(first);
    subscribe('a', { metrics: 'y.', 'interval.ms': '1000' });
    expect(subscriptionId(2)).not.toBe(first);
    subscribe('a', { metrics: 'x.', 'interval.ms': '1000' });
    expect(subscriptionId(3)).toBe(first);
    const other = telemetry.get(client('AAAAAAAAAAAAAAAAAAAABw'), {}, 4) as Terms;
    expect(other.subscriptionId).not.toBe(first);
    expect(first | 0).toBe(first);
  });
});

describe('a client may', () => {
  beforeEach(() => subscribe('a', { metrics: '*', 'interval.ms': '1000' }));

  test('ask once in an interval', () => {
    expect([get(0), get(999), get(1000)]).toEqual(['* every 1000', 'THROTTLING_QUOTA_EXCEEDED', '* every 1000']);
  });

  test('ask at once when the subscriptions have changed, or over a new connection', () => {
    get(0);
    subscribe('b', { metrics: 'x.', 'interval.ms': '500' });
    expect(get(1)).toBe('* every 500');
    expect(get(2, { connection: {} })).toBe('* every 500');
  });

  test('push once as soon as it has asked, then once in an interval', () => {
    const id = subscriptionId(0, CONNECTION);
    const times = [10, 20, 1009, 1010].map((nowMs) => push(nowMs, { subscriptionId: id }));
    expect(times).toEqual(['NONE', 'THROTTLING_QUOTA_EXCEEDED', 'THROTTLING_QUOTA_EXCEEDED', 'NONE']);
  });

  test('push a last time whenever it ends, and nothing after', () => {
    const id = subscriptionId(0, CONNECTION);
    push(10, { subscriptionId: id });
    expect(push(20, { subscriptionId: id, terminating: true })).toBe('NONE');
    expect(push(5000, { subscriptionId: id })).toBe('INVALID_REQUEST');
  });

  test('push only by the number it was told', () => {
    const id = subscriptionId(0, CONNECTION);
    expect(push(10, { subscriptionId: id + 1 })).toBe('UNKNOWN_SUBSCRIPTION_ID');
    subscribe('a', { metrics: 'x.', 'interval.ms': '1000' });
    expect(push(2000, { subscriptionId: id })).toBe('UNKNOWN_SUBSCRIPTION_ID');
  });

  test.each([
    [{ compressionType: 5 }, 'UNSUPPORTED_COMPRESSION_TYPE'],
    [{ compressionType: -1 }, 'UNSUPPORTED_COMPRESSION_TYPE'],
    [{ compressionType: 0 }, 'NONE'],
    [{ bytes: BYTES_MAX }, 'NONE'],
    [{ bytes: BYTES_MAX + 1 }, 'TELEMETRY_TOO_LARGE'],
    [{ clientInstanceId: ZERO_UUID }, 'INVALID_REQUEST'],
    [{ clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, 'INVALID_REQUEST'],
  ])('push %j: %s', (change, name) => {
    const id = subscriptionId(0, CONNECTION);
    expect(push(10, { subscriptionId: id, ...change })).toBe(name);
  });
});

describe('clients are forgotten', () => {
  test('when they stay away for three intervals, a minute at least', () => {
    subscribe('a', { metrics: '*', 'interval.ms': '30000' });
    get(0);
    get(0, { id: 'AAAAAAAAAAAAAAAAAAAABw' });
    get(60_000, { id: 'AAAAAAAAAAAAAAAAAAAABw' });
    get(120_000, { id: 'AAAAAAAAAAAAAAAAAAAACA' });
    expect([telemetry.knows(ID), telemetry.clientCount]).toEqual([false, 2]);
  });

  test('the oldest first, when there are too many', () => {
    for (let count = 0; count < 16_385; count++) get(0, { id: `client-${count}` });
    expect(telemetry.clientCount).toBe(16_384);
    expect([telemetry.knows('client-0'), telemetry.knows('client-1')]).toEqual([false, true]);
    expect(Errors.NONE.code).toBe(0);
  });
});
