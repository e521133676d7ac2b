/** What users write into the clients' configuration, and what they hear about it. */
import { describe, expect, test } from '@jest/globals';
import { Admin, clientConfigTable, KafkaProducer, readClientConfig } from '#client';
import { type Logger, silentLogger } from '#core';
import { bootstrapAddresses } from '../../src/client/config.ts';
import { readProducerConfig } from '../../src/client/producer/config.ts';

describe('every client', () => {
  test('warns about an unknown key, with the nearest known one', () => {
    const { logger, warnings } = listener();
    readClientConfig(clientConfigTable, { 'retry.backof.ms': 5 }, 'admin', logger);
    expect(warnings).toEqual([
      "unknown admin configuration 'retry.backof.ms' is ignored; did you mean 'retry.backoff.ms'?",
    ]);
  });

  test('says nothing about keys of Kafka that have no effect here, or that belong to serializers', () => {
    const { logger, warnings } = listener();
    const raw = { 'send.buffer.bytes': 1, 'ssl.protocol': 'TLSv1.3', 'key.serializer': 'string', 'spring.json.x': 'y' };
    readClientConfig(clientConfigTable, raw, 'producer', logger);
    expect(warnings).toEqual([]);
  });

  test.each(['SSL', 'SASL_PLAINTEXT', 'sasl_ssl'])('refuses security.protocol=%s by name', (protocol) => {
    const make = () => Admin.create({ 'bootstrap.servers': 'a:1', 'security.protocol': protocol });
    expect(make).toThrow(`security.protocol=${protocol} is not supported yet`);
  });

  test('needs a bootstrap server of the form host:port', () => {
    expect(() => bootstrapAddresses([])).toThrow('bootstrap.servers is empty');
    expect(() => bootstrapAddresses(['localhost'])).toThrow("'localhost' is not host:port");
    expect(() => new KafkaProducer({})).toThrow('bootstrap.servers');
    expect(bootstrapAddresses(['a:1', ' PLAINTEXT://b.c:2', '[::1]:3'])).toEqual([
      { host: 'a', port: 1 },
      { host: 'b.c', port: 2 },
      { host: '::1', port: 3 },
    ]);
  });
});

describe('the producer', () => {
  const read = (raw: Record<string, unknown>) =>
    readProducerConfig({ 'bootstrap.servers': 'a:1', ...raw }, silentLogger);

  test('has the defaults of the Java client 4.4', () => {
    expect(read({})).toMatchObject({
      acks: 'all',
      'batch.size': 16384,
      'buffer.memory': 33554432,
      'compression.type': 'none',
      'delivery.timeout.ms': 120000,
      'enable.idempotence': true,
      'linger.ms': 5,
      'max.block.ms': 60000,
      'max.in.flight.requests.per.connection': 5,
      'max.request.size': 1048576,
      retries: 2147483647,
    });
  });

  test.each([[{ acks: '1' }], [{ acks: 0 }], [{ retries: 0 }], [{ 'max.in.flight.requests.per.connection': 6 }]])(
    '%j turns idempotence off, unless it was asked for',
    (raw) => {
      expect(read(raw)['enable.idempotence']).toBe(false);
      expect(() => read({ ...raw, 'enable.idempotence': true })).toThrow('enable.idempotence=true needs');
    },
  );

  test('wants delivery.timeout.ms to cover linger and request', () => {
    expect(() => read({ 'delivery.timeout.ms': 100 })).toThrow('linger.ms + request.timeout.ms = 30005');
    expect(read({ 'request.timeout.ms': 200_000 })['delivery.timeout.ms']).toBe(200_005);
  });

  test('says that lz4 has one level, where lz4 is what it uses', () => {
    const { logger, warnings } = listener();
    for (const codec of ['lz4', 'gzip'])
      readProducerConfig({ 'compression.type': codec, 'compression.lz4.level': 3 }, logger);
    readProducerConfig({ 'compression.type': 'lz4' }, logger);
    expect(warnings).toEqual(['compression.lz4.level=3 changes nothing: lz4 has one level here']);
  });

  test('refuses transactions by name as long as there are none', () => {
    expect(() => read({ 'transactional.id': 'tx' })).toThrow('transactional.id=tx');
  });

  test('refuses a serializer or partitioner it does not know', () => {
    const make = (raw: Record<string, unknown>) => () => new KafkaProducer({ 'bootstrap.servers': 'a:1', ...raw });
    expect(make({ 'key.serializer': 'strnig' })).toThrow(/string/);
    expect(make({ 'partitioner.class': 'com.acme.Mine' })).toThrow('partitioner.class=com.acme.Mine is not known');
  });
});

function listener(): { logger: Logger; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (...args: unknown[]) => void warnings.push(String(args.at(-1)));
  return { logger: { ...silentLogger, warn }, warnings };
}
