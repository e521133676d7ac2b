import { describe, expect, it } from '@jest/globals';
import { type KafkaError, silentLogger } from '#core';
import { StringDeserializer } from '#serde';
import { readConsumerSettings, readDeserializer } from '../../../src/client/consumer/consumer-settings.ts';

const settings = (raw: Record<string, unknown>) =>
  readConsumerSettings({ 'bootstrap.servers': 'b:9092', ...raw }, silentLogger);

describe('the settings of a consumer', () => {
  it('have the defaults of the Java client', () => {
    const { config, assignors, isAutoCommit, resetPolicy } = settings({ 'group.id': 'g' });
    expect(assignors.map(({ name }) => name)).toEqual(['range', 'cooperative-sticky']);
    expect(isAutoCommit).toBe(true);
    expect(resetPolicy).toEqual({ type: 'latest' });
    expect(config).toMatchObject({
      'max.poll.records': 500,
      'max.poll.interval.ms': 300_000,
      'session.timeout.ms': 45_000,
      'heartbeat.interval.ms': 3_000,
      'fetch.max.bytes': 52_428_800,
      'max.partition.fetch.bytes': 1_048_576,
    });
  });

  it('name a consumer after its group and instance when it has no client.id', () => {
    expect(settings({ 'client.id': 'mine' }).config['client.id']).toBe('mine');
    expect(settings({ 'group.id': 'g', 'group.instance.id': 'i' }).config['client.id']).toBe('consumer-g-i');
    expect(settings({ 'group.id': 'g' }).config['client.id']).toMatch(/^consumer-g-\d+$/);
    expect(settings({}).config['client.id']).toMatch(/^consumer-\d+$/);
  });

  it('take assignors by Java class name', () => {
    const strategy =
      'org.apache.kafka.clients.consumer.CooperativeStickyAssignor,org.apache.kafka.clients.consumer.RoundRobinAssignor';
    const { assignors } = settings({ 'partition.assignment.strategy': strategy });
    expect(assignors.map(({ name }) => name)).toEqual(['cooperative-sticky', 'roundrobin']);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'the new protocol, by name',
      { 'group.protocol': 'consumer' },
      /group.protocol=consumer \(KIP-848\) is not there yet/,
    ],
    ['keys of the new protocol', { 'group.remote.assignor': 'uniform' }, /belongs to group.protocol=consumer/],
    ['an empty group id', { 'group.id': ' ' }, /group.id is empty/],
    ['an unknown assignor', { 'partition.assignment.strategy': 'rang' }, /did you mean 'range'/],
    ['an assignor twice', { 'partition.assignment.strategy': 'range,RangeAssignor' }, /names range twice/],
    ['no assignor', { 'partition.assignment.strategy': '' }, /names? at least one|is empty/],
    [
      'heartbeats as slow as the session',
      { 'heartbeat.interval.ms': 10_000, 'session.timeout.ms': 10_000 },
      /must be less than session.timeout.ms/,
    ],
    ['an unknown reset policy', { 'auto.offset.reset': 'oldest' }, /auto.offset.reset: 'oldest'/],
    ['auto commit without a group', { 'enable.auto.commit': 'true' }, /needs a group.id/],
    ['a value of the wrong kind', { 'max.poll.records': 'many' }, /max.poll.records/],
  ])('refuse %s', (_name, raw, text) => {
    expect(() => settings(raw)).toThrow(text);
  });
});

describe('a deserializer', () => {
  it.each<[string, unknown]>([
    ['a short name', 'string'],
    ['a Java class name', 'org.apache.kafka.common.serialization.StringDeserializer'],
    ['a class', StringDeserializer],
    ['an object', new StringDeserializer()],
  ])('is found by %s', (_name, value) => {
    expect(readDeserializer({ 'key.deserializer': value }, true, undefined)).toBeInstanceOf(StringDeserializer);
  });

  it('is asked for by its key when it is missing', () => {
    const read = () => readDeserializer({ 'key.deserializer': 'string' }, false, undefined);
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' } satisfies Partial<KafkaError>));
    expect(read).toThrow(/value.deserializer is missing/);
  });
});
