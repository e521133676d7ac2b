import { describe, expect, test } from '@jest/globals';
import { KafkaError } from '#core';
import {
  coordinatorRecordType,
  decodeAssignment,
  decodeMetadataRecord,
  decodeStored,
  decodeSubscription,
  encodeAssignment,
  encodeStored,
  encodeSubscription,
  FeatureLevelRecord,
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
  storedSchemas,
  TopicRecord,
} from '#protocol';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('Records that a live Kafka 4.4 broker wrote', () => {
  test('An offset commit has the same bytes', () => {
    const key = { group: 'g-classic', topic: 't1', partition: 0 };
    const keyBytes = hex('0001 0009 672d636c6173736963 0002 7431 00000000');
    expect(encodeStored(OffsetCommitKey, 0, key)).toEqual(keyBytes);
    expect(decodeStored(OffsetCommitKey, keyBytes)).toEqual(key);
    expect(coordinatorRecordType(keyBytes)).toBe(1);
    const valueBytes = hex(
      '0004 0000000000000006 00000000 01 000001a1fcee3361 01 00 10 991cab997f554c85ac0efc7bc59b3967',
    );
    const value = decodeStored(OffsetCommitValue, valueBytes);
    expect(value).toMatchObject({ offset: 6, leaderEpoch: 0, metadata: '', topicId: 'mRyrmX9VTIWsDvx7xZs5Zw' });
    expect(encodeStored(OffsetCommitValue, 4, value)).toEqual(valueBytes);
  });

  test('A group has the same bytes', () => {
    const bytes = hex('0003 0008 636f6e73756d6572 00000002 ffff ffff 000001a1fcee3382 00000000');
    const value = decodeStored(GroupMetadataValue, bytes);
    expect(value).toMatchObject({ protocolType: 'consumer', generation: 2, protocol: null, leader: null, members: [] });
    expect(encodeStored(GroupMetadataValue, 3, value)).toEqual(bytes);
    expect(encodeStored(GroupMetadataKey, 0, { group: 'g-classic' })).toEqual(hex('0002 0009 672d636c6173736963'));
  });

  test('A metadata record has the same bytes', () => {
    const bytes = hex('01 0c 00 11 6d657461646174612e76657273696f6e 0021 00');
    expect(encodeStored(FeatureLevelRecord, 0, { name: 'metadata.version', featureLevel: 33 })).toEqual(bytes);
    expect(decodeMetadataRecord(bytes)).toEqual({
      name: 'FeatureLevelRecord',
      version: 0,
      body: { name: 'metadata.version', featureLevel: 33 },
    });
  });
});

describe('Framing', () => {
  test('A metadata record of an unknown type or version is refused by name', () => {
    expect(() => decodeMetadataRecord(hex('01 63 00 00'))).toThrow(/unknown type 99/);
    expect(() => decodeMetadataRecord(hex('02 0c 00 00'))).toThrow(/frame of version 2/);
    expect(() => decodeMetadataRecord(hex('01 02 09 00'))).toThrow(/TopicRecord of version 9/);
    expect(() => decodeStored(TopicRecord, hex('01 0c 00 00'))).toThrow(/FeatureLevelRecord, not TopicRecord/);
  });

  test('A key of another type and a value of a newer version are refused', () => {
    expect(() => decodeStored(OffsetCommitKey, hex('0002 0001 61'))).toThrow(/record type 2, not 1/);
    expect(() => decodeStored(OffsetCommitValue, hex('0005'))).toThrow(/version 5/);
    expect(() => decodeStored(OffsetCommitKey, Buffer.alloc(1))).toThrow(KafkaError);
  });

  test('No two metadata records and no two keys of a coordinator share a type', () => {
    const types = [...storedSchemas.values()].map((schema) => `${schema.type} ${schema.apiKey}`);
    const metadata = types.filter((type) => type.startsWith('metadata'));
    expect(new Set(metadata).size).toBe(metadata.length);
    expect(metadata.length).toBe(27);
  });
});

describe('Consumer protocol', () => {
  const subscription = { topics: ['a', 'b'], userData: null, ownedPartitions: [{ topic: 'a', partitions: [0, 2] }] };

  test('Subscriptions and assignments survive every version, with what the version knows', () => {
    for (const version of [0, 1, 2, 3]) {
      const bytes = encodeSubscription({ ...subscription, generationId: 5, rackId: 'r' }, version);
      expect(bytes.readInt16BE(0)).toBe(version);
      const decoded = decodeSubscription(bytes);
      expect(decoded.topics).toEqual(['a', 'b']);
      expect(decoded.ownedPartitions).toEqual(version >= 1 ? subscription.ownedPartitions : []);
      expect(decoded.generationId).toBe(version >= 2 ? 5 : -1);
      expect(decoded.rackId).toBe(version >= 3 ? 'r' : null);
    }
    const assignment = { assignedPartitions: [{ topic: 'a', partitions: [1] }], userData: Buffer.from('x') };
    expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment);
  });

  test('A version of the future is read as the newest we know, whatever follows', () => {
    const bytes = Buffer.concat([encodeSubscription(subscription), Buffer.from('more')]);
    bytes.writeInt16BE(9, 0);
    expect(decodeSubscription(bytes).topics).toEqual(['a', 'b']);
  });

  test('Malformed bytes are a KafkaError', () => {
    expect(() => decodeSubscription(Buffer.alloc(0))).toThrow(KafkaError);
    expect(() => decodeSubscription(hex('ffff 0000'))).toThrow(/version -1/);
    expect(() => decodeAssignment(hex('0000 7fffffff'))).toThrow(KafkaError);
  });
});
