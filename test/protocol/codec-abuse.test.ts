import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import { ByteReader, ByteWriter, KafkaError, type Random, seededRandom } from '#core';
import { decode, encode, type MessageSchema, MetadataRequest, ProduceRequest, SyncGroupRequest } from '#protocol';
import { closureCodec } from '../../src/protocol/closure-codec.ts';
import { allSchemas, randomMessage, versionsOf } from './scene.ts';

const TRIES_PER_VERSION = 40;

/** Decodes what may be damaged: a value or a KafkaError, nothing else, and both codecs say the same. */
function decodeHostile(schema: MessageSchema, version: number, bytes: Buffer): 'value' | 'refused' {
  const compiled = outcome(() => decode(schema, version, new ByteReader(bytes)));
  const closures = outcome(() => closureCodec(schema, version).decode(new ByteReader(bytes)));
  if (!isDeepStrictEqual(compiled.value, closures.value)) expect(compiled.value).toEqual(closures.value);
  return compiled.isRefused ? 'refused' : 'value';
}

function outcome(run: () => unknown): { isRefused: boolean; value: unknown } {
  try {
    return { isRefused: false, value: run() };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { isRefused: true, value: undefined };
  }
}

function mutated(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const position = random.uint32() % Math.max(copy.length, 1);
  switch (random.uint32() % 6) {
    case 0:
      return copy.subarray(0, position);
    case 1:
      overwrite(copy, position, 0xff, 5);
      return copy;
    case 2:
      overwrite(copy, position, 0x7f, 1);
      overwrite(copy, position + 1, 0xff, 3);
      return copy;
    case 3:
      copy[position] ^= 1 << (random.uint32() % 8);
      return copy;
    case 4:
      return Buffer.concat([copy.subarray(0, position), random.bytes(7), copy.subarray(position)]);
    default:
      overwrite(copy, position, 0x80, 10);
      return copy;
  }
}

function overwrite(bytes: Buffer, position: number, value: number, length: number): void {
  bytes.fill(value, Math.min(position, bytes.length), Math.min(position + length, bytes.length));
}

test('Random bytes decode to a value or to a KafkaError, for every message and version', () => {
  const random = seededRandom(20260101);
  for (const schema of allSchemas) {
    for (const version of versionsOf(schema)) {
      for (let i = 0; i < TRIES_PER_VERSION / 4; i++)
        decodeHostile(schema, version, random.bytes(random.uint32() % 200));
    }
  }
});

test('Valid bytes with one damage decode to a value or to a KafkaError, for every message and version', () => {
  const random = seededRandom(7);
  const outcomes = { value: 0, refused: 0 };
  for (const schema of allSchemas) {
    for (const version of versionsOf(schema)) {
      for (let i = 0; i < TRIES_PER_VERSION; i++) {
        const writer = new ByteWriter();
        encode(schema, version, randomMessage(random, schema, version), writer);
        outcomes[decodeHostile(schema, version, mutated(random, writer.finish()))]++;
      }
    }
  }
  expect(outcomes.refused).toBeGreaterThan(1000);
  expect(outcomes.value).toBeGreaterThan(1000);
});

test('An array count is never believed beyond the bytes that are left', () => {
  const huge = Buffer.from('7fffffff', 'hex');
  expect(() => decode(MetadataRequest, 1, new ByteReader(huge))).toThrow(
    'MetadataRequest v1: topics: array of 2147483647 elements of at least 2 bytes at position 4, 0 bytes left',
  );
});

test('The elements of one message are bounded, nested ones too, before objects fill the memory', () => {
  const writer = new ByteWriter();
  const topic = { name: 't', partitionData: [{}, {}, {}] };
  encode(ProduceRequest, 9, { topicData: [topic, topic, topic] }, writer);
  const within = (elements: number): unknown => {
    const reader = new ByteReader(writer.finish());
    expect(reader.elementsLeft).toBeGreaterThan(1e6);
    reader.elementsLeft = elements;
    return decode(ProduceRequest, 9, reader).topicData.length;
  };
  expect(within(12)).toBe(3);
  expect(() => within(11)).toThrow(/too many array elements/);
});

test('A negative array count other than -1 is damage, not null', () => {
  expect(decode(MetadataRequest, 1, new ByteReader(Buffer.from('ffffffff', 'hex'))).topics).toBeNull();
  expect(() => decode(MetadataRequest, 1, new ByteReader(Buffer.from('fffffffb', 'hex')))).toThrow(/array of -5/);
});

test('A count of tagged fields is bounded by the bytes that are left', () => {
  const bytes = Buffer.from(`0100${'00'}808080${'80'}08`, 'hex');
  expect(() => decode(MetadataRequest, 12, new ByteReader(bytes))).toThrow(KafkaError);
});

test('The error names message, version, field and position of the damage', () => {
  const writer = new ByteWriter();
  encode(SyncGroupRequest, 0, { assignments: [{ memberId: 'a' }, { memberId: 'bcd' }] }, writer);
  const bytes = writer.finish();
  expect(() => decode(SyncGroupRequest, 0, new ByteReader(bytes.subarray(0, -3)))).toThrow(
    'SyncGroupRequest v0: assignments[1].assignment: 4 bytes wanted, 1 left at position 24',
  );
});
