import { describe, expect, test } from '@jest/globals';
import {
  ByteReader,
  ByteWriter,
  KafkaError,
  seededRandom,
  type Uuid,
  uuidFromBytes,
  uuidToBytes,
  ZERO_UUID,
} from '#core';

const random = seededRandom(7);

function written(uuid: Uuid): Buffer {
  const writer = new ByteWriter();
  writer.int8(1);
  writer.uuid(uuid);
  return writer.finish().subarray(1);
}

function read(text: string): string {
  const bytes = Buffer.from(text);
  return new ByteReader(bytes).utf8(bytes.length);
}

describe('uuids', () => {
  test('are written as they are decoded, whatever their bytes', () => {
    for (let round = 0; round < 1000; round++) {
      const uuid = random.uuid();
      expect(written(uuid)).toEqual(uuidToBytes(uuid));
    }
    expect(written(ZERO_UUID)).toEqual(Buffer.alloc(16));
  });

  test('that share their last byte are told apart, however often they take turns', () => {
    const all = Array.from({ length: 50 }, (_, index) => {
      const bytes = uuidToBytes(random.uuid());
      bytes[15] = index % 2;
      return { bytes, uuid: bytes.toString('base64url') };
    });
    for (let round = 0; round < 3; round++)
      for (const { bytes, uuid } of all) expect(uuidFromBytes(Buffer.concat([Buffer.of(9), bytes]), 1)).toBe(uuid);
  });

  test.each([
    '',
    'AAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAA=AAAAAAAAAAA',
    'éééééééééééééééééééééé',
  ])('what is none is not written: "%s"', (text) => {
    expect(() => written(text)).toThrow(KafkaError);
  });
});

describe('texts', () => {
  test('that fall into one slot are told apart, however often they take turns', () => {
    const texts = Array.from({ length: 100 }, (_, index) => `a${String(index).padStart(3, '0')}z`);
    for (let round = 0; round < 3; round++) for (const text of texts) expect(read(text)).toBe(text);
  });

  test('a text is not taken for bytes that only look like its characters', () => {
    for (let round = 0; round < 2; round++) {
      expect(read('é')).toBe('é');
      expect(new ByteReader(Buffer.of(0xe9)).utf8(1)).toBe('\ufffd');
    }
  });

  test.each([64, 65, 1000])('of %i characters are read', (length) => {
    const text = 'x'.repeat(length);
    expect([read(text), read(`${text}y`), read(text)]).toEqual([text, `${text}y`, text]);
  });
});
