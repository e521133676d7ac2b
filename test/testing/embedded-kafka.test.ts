import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger, systemClock } from '#core';
import { RequestChannel, type Transport, tcpTransport } from '#net';
import { Apis } from '#protocol';
import { EmbeddedKafka } from '#testing';

let kafka: EmbeddedKafka | undefined;

afterEach(async () => {
  await kafka?.close();
  kafka = undefined;
});

async function partitionCounts(
  from: EmbeddedKafka,
  transport: Transport = from.transport,
): Promise<Record<string, number>> {
  const [host, port] = from.bootstrapServers.split(':');
  const connection = await transport.connect(host, Number(port));
  const channel = new RequestChannel(connection, { clientId: 'test', clock: systemClock, logger: silentLogger });
  const { topics } = await channel.send(Apis.Metadata, 9, { topics: null }, { timeoutMs: 5000 });
  channel.close();
  return Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions.length]));
}

describe('EmbeddedKafka', () => {
  it('has its topics when it has started, without any socket', async () => {
    kafka = await EmbeddedKafka.start({ topics: ['orders', { name: 'audit', partitions: 5 }], partitions: 2 });
    expect(await partitionCounts(kafka)).toEqual({ orders: 2, audit: 5 });
  });

  it('makes further topics, and does not mind those that are there', async () => {
    kafka = await EmbeddedKafka.start({ topics: ['a'] });
    await kafka.createTopics('a', { name: 'b', configs: { 'retention.ms': 5000 } });
    expect(await partitionCounts(kafka)).toEqual({ a: 1, b: 1 });
  });

  it('tells why a topic cannot be made', async () => {
    kafka = await EmbeddedKafka.start();
    await expect(kafka.createTopics({ name: 'a', configs: { 'no.such': 1 } })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    });
    await expect(kafka.createTopics('a/b')).rejects.toMatchObject({ code: 'INVALID_TOPIC_EXCEPTION' });
  });

  it('can be reached over TCP too', async () => {
    kafka = await EmbeddedKafka.start({ topics: ['a'], tcp: true });
    expect(await partitionCounts(kafka, tcpTransport())).toEqual({ a: 1 });
  });

  it('keeps address and data over a restart', async () => {
    kafka = await EmbeddedKafka.start({ topics: ['a'] });
    const { bootstrapServers } = kafka;
    kafka = await kafka.restart();
    expect(kafka.bootstrapServers).toBe(bootstrapServers);
    expect(await partitionCounts(kafka)).toEqual({ a: 1 });
  });

  it('shares nothing with another one', async () => {
    kafka = await EmbeddedKafka.start({ topics: ['a'] });
    const other = await EmbeddedKafka.start({ topics: ['b'] });
    expect(await partitionCounts(other)).toEqual({ b: 1 });
    await other.close();
  });
});
