import { describe, expect, test } from '@jest/globals';
import { ByteReader, ByteWriter, CorruptError, seededRandom } from '#core';

function written(write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter(1);
  write(writer);
  return writer.finish();
}

const INTEGERS = [0, 1, -1, 63, 64, -64, -65, 8191, -8193, 2 ** 28, -(2 ** 30), 2 ** 31 - 1, -(2 ** 31)];
const LONGS = [...INTEGERS, 2 ** 31, 2 ** 35, -(2 ** 35), 2 ** 49, 2 ** 53 - 2, 2 - 2 ** 53, 1_795_244_830_482];

describe('What ByteWriter writes ByteReader reads', () => {
  test.each(INTEGERS)('varint %i', (value) => {
    expect(new ByteReader(written((writer) => writer.varint(value))).varint()).toBe(value);
    expect(new ByteReader(written((writer) => writer.int32(value))).int32()).toBe(value);
  });

  test.each(LONGS)('varlong and int64 %i', (value) => {
    const bytes = written((writer) => writer.varlong(value));
    const reader = new ByteReader(bytes);
    expect(reader.varlong()).toBe(value);
    expect(reader.remaining).toBe(0);
    expect(new ByteReader(written((writer) => writer.int64(value))).int64()).toBe(value);
    const check = Buffer.alloc(8);
    check.writeBigInt64BE(BigInt(value));
    expect(written((writer) => writer.int64(value))).toEqual(check);
  });

  test('Small and unsigned integers, floats, texts', () => {
    const bytes = written((writer) => {
      writer.int8(-128);
      writer.uint8(255);
      writer.int16(-32768);
      writer.uint16(65535);
      writer.uint32(4294967295);
      writer.unsignedVarint(4294967295);
      writer.float64(-1.5e300);
      writer.utf8('kurz');
      writer.utf8('größe');
    });
    const reader = new ByteReader(bytes);
    expect([reader.int8(), reader.uint8(), reader.int16(), reader.uint16()]).toEqual([-128, 255, -32768, 65535]);
    expect([reader.uint32(), reader.unsignedVarint(), reader.float64()]).toEqual([4294967295, 4294967295, -1.5e300]);
    expect([reader.utf8(4), reader.utf8(7), reader.remaining]).toEqual(['kurz', 'größe', 0]);
  });

  test('Any sequence of fields, however the buffer has to grow', () => {
    const random = seededRandom(1);
    for (let round = 0; round < 50; round++) {
      const texts = Array.from({ length: 20 }, () => 'aü😀x'.repeat(random.uint32() % 40));
      const bytes = written((writer) => {
        for (const text of texts) {
          writer.unsignedVarint(Buffer.byteLength(text));
          expect(writer.utf8(text)).toBe(Buffer.byteLength(text));
        }
      });
      const reader = new ByteReader(bytes);
      expect(texts.map(() => reader.utf8(reader.unsignedVarint()))).toEqual(texts);
    }
  });
});

describe('int64 beyond the safe integers', () => {
  test.each([
    ['7fffffffffffffff', Number.MAX_SAFE_INTEGER],
    ['4000000000000000', Number.MAX_SAFE_INTEGER],
    ['8000000000000000', Number.MIN_SAFE_INTEGER],
    ['001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ])('%s saturates when read', (hex, value) => {
    expect(new ByteReader(Buffer.from(hex, 'hex')).int64()).toBe(value);
  });

  test('The saturated values are written as the ends of the long', () => {
    expect(written((writer) => writer.int64(Number.MAX_SAFE_INTEGER)).toString('hex')).toBe('7fffffffffffffff');
    expect(written((writer) => writer.int64(Number.MIN_SAFE_INTEGER)).toString('hex')).toBe('8000000000000000');
  });

  test('A varlong of 64 bits saturates', () => {
    expect(new ByteReader(Buffer.from('feffffffffffffffff01', 'hex')).varlong()).toBe(Number.MAX_SAFE_INTEGER);
    expect(new ByteReader(Buffer.from('ffffffffffffffffff01', 'hex')).varlong()).toBe(Number.MIN_SAFE_INTEGER);
  });

  test.each([2 ** 53, 1.5, Number.NaN, Infinity])('%d is refused when written', (value) => {
    expect(() => new ByteWriter().int64(value)).toThrow(/safe integer/);
    expect(() => new ByteWriter().varlong(value + 2 ** 33)).toThrow(/safe integer/);
  });
});

describe('Reading past the end', () => {
  const reads: [string, number, (reader: ByteReader) => unknown][] = [
    ['int8', 0, (reader) => reader.int8()],
    ['int16', 1, (reader) => reader.int16()],
    ['int32', 3, (reader) => reader.int32()],
    ['int64', 7, (reader) => reader.int64()],
    ['float64', 7, (reader) => reader.float64()],
    ['bytes', 3, (reader) => reader.bytes(4)],
    ['utf8', 3, (reader) => reader.utf8(4)],
    ['skip', 3, (reader) => reader.skip(4)],
    ['negative bytes', 3, (reader) => reader.bytes(-1)],
    ['negative skip', 3, (reader) => reader.skip(-1)],
  ];

  test.each(reads)('%s is refused with the position', (_name, length, read) => {
    const reader = new ByteReader(Buffer.alloc(20), 10, 10 + length);
    expect(() => read(reader)).toThrow(CorruptError);
    expect(() => read(reader)).toThrow(/at position 10/);
    expect(reader.position).toBe(10);
  });

  test('An unfinished or endless varint is refused', () => {
    expect(() => new ByteReader(Buffer.from('8080', 'hex')).varint()).toThrow(CorruptError);
    expect(() => new ByteReader(Buffer.from('808080808001', 'hex')).unsignedVarint()).toThrow(/longer than 5 bytes/);
    expect(() => new ByteReader(Buffer.from('80'.repeat(11), 'hex')).varlong()).toThrow(/longer than 10 bytes/);
  });
});

describe('ByteWriter', () => {
  test('Large slices are kept by reference, small ones are copied, and the order is kept', () => {
    const large = Buffer.alloc(4096, 1);
    const small = Buffer.alloc(10, 2);
    const writer = new ByteWriter();
    writer.int32(7);
    writer.borrow(large);
    writer.borrow(small);
    writer.int8(9);
    expect(writer.position).toBe(4 + 4096 + 10 + 1);
    const chunks = writer.chunks();
    expect(chunks[1]).toBe(large);
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat([Buffer.from([0, 0, 0, 7]), large, small, Buffer.from([9])]));
    expect(writer.finish()).toEqual(Buffer.concat(chunks));
  });

  test('An int32 is patched wherever it was written', () => {
    const writer = new ByteWriter(16);
    writer.int32(0);
    writer.borrow(Buffer.alloc(2000));
    const position = writer.position;
    writer.int32(0);
    writer.bytes(Buffer.alloc(100));
    writer.patchInt32(0, 5);
    writer.patchInt32(position, 6);
    const bytes = writer.finish();
    expect([bytes.readInt32BE(0), bytes.readInt32BE(position)]).toEqual([5, 6]);
    expect(() => writer.patchInt32(1e6, 1)).toThrow();
  });

  test('bytes() of a reader are slices, not copies', () => {
    const buffer = Buffer.from('abcdef');
    const slice = new ByteReader(buffer, 1).bytes(3);
    buffer[1] = 120;
    expect(slice.toString()).toBe('xcd');
  });
});
