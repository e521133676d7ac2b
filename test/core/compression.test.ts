import { describe, expect, test } from '@jest/globals';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { CorruptError, compress, compressionCodecs, decompress, KafkaError, seededRandom } from '#core';

const codecs = compressionCodecs.slice(1);
const MEGABYTE = 1 << 20;

describe.each(codecs)('%s', (codec) => {
  test.each([0, 1, 100, 32768, 32769, 65536, 300_000])('%i bytes survive, compressible or not', (length) => {
    const noise = seededRandom(length).bytes(length);
    const text = Buffer.from('orders '.repeat(length / 7 + 1)).subarray(0, length);
    for (const bytes of [noise, text]) {
      expect(decompress(codec, compress(codec, bytes), bytes.length + 1).equals(bytes)).toBe(true);
    }
  });

  test('Exactly the limit is allowed, one byte more is refused with the limit in the text', () => {
    const compressed = compress(codec, Buffer.alloc(MEGABYTE));
    expect(decompress(codec, compressed, MEGABYTE)).toHaveLength(MEGABYTE);
    expect(() => decompress(codec, compressed, MEGABYTE - 1)).toThrow(
      `${compressed.length} bytes of ${codec} hold more than the ${MEGABYTE - 1} bytes allowed once decompressed`,
    );
    expect(() => decompress(codec, compressed, MEGABYTE - 1)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }),
    );
  });

  test('Bytes that were cut or damaged are a CorruptError or other bytes, never another exception', () => {
    const random = seededRandom(17);
    const compressed = compress(codec, Buffer.concat([random.bytes(500), Buffer.alloc(40_000, 'ab')]));
    for (let i = 0; i < 300; i++) {
      const damaged = Buffer.from(compressed.subarray(0, random.uint32() % (compressed.length + 1)));
      if (damaged.length > 0 && i % 2 === 0) damaged[random.uint32() % damaged.length] ^= 1 << (i % 8);
      try {
        expect(decompress(codec, damaged, MEGABYTE).length).toBeLessThanOrEqual(MEGABYTE);
      } catch (error) {
        expect(error).toBeInstanceOf(KafkaError);
      }
    }
    expect(() => decompress(codec, Buffer.from('not compressed at all'), MEGABYTE)).toThrow(CorruptError);
  });

  test('A bomb costs about its limit in memory, not what it would grow to', () => {
    const layer = compress(codec, Buffer.alloc(32 * MEGABYTE));
    const before = process.memoryUsage().rss;
    expect(() => decompress(codec, layer, MEGABYTE)).toThrow(/hold more than/);
    expect(process.memoryUsage().rss - before).toBeLessThan(24 * MEGABYTE);
  });
});

describe('Framings', () => {
  test('none is the buffer itself, within the limit', () => {
    const bytes = Buffer.alloc(10);
    expect(compress('none', bytes)).toBe(bytes);
    expect(decompress('none', bytes, 10)).toBe(bytes);
    expect(() => decompress('none', bytes, 9)).toThrow(KafkaError);
  });

  test('snappy is written in the framing of snappy-java, and a raw block is read too', () => {
    expect(compress('snappy', Buffer.from('x')).subarray(0, 16).toString('hex')).toBe(
      '82534e41505059000000000100000001',
    );
    const bytes = Buffer.from('hello '.repeat(1000));
    expect(decompress('snappy', compressSync(bytes), 10_000)).toEqual(bytes);
    expect(() => decompress('snappy', compressSync(bytes), 5999)).toThrow(/hold more than/);
  });

  test('snappy streams that were written one after the other are read on', () => {
    const twice = Buffer.concat([compress('snappy', Buffer.from('one ')), compress('snappy', Buffer.from('two'))]);
    expect(decompress('snappy', twice, 100).toString()).toBe('one two');
  });

  test('zstd frames that were written one after the other are read on, and nothing may stand behind them', () => {
    const twice = Buffer.concat([compress('zstd', Buffer.from('one ')), compress('zstd', Buffer.from('two'))]);
    expect(decompress('zstd', twice, 100).toString()).toBe('one two');
    for (const rest of [Buffer.alloc(8), Buffer.from('garbage')])
      expect(() => decompress('zstd', Buffer.concat([twice, rest]), 100)).toThrow(/bytes behind the last zstd frame/);
  });

  test('A snappy block that lies about its length is refused before anything is allocated', () => {
    const lie = Buffer.from('ffffffff0f00', 'hex');
    expect(() => decompress('snappy', lie, MEGABYTE)).toThrow(/hold more than/);
  });

  test('lz4 is a frame of version 01 with independent blocks', () => {
    const frame = compress('lz4', Buffer.alloc(200_000));
    expect(frame.readUInt32LE(0)).toBe(0x184d2204);
    expect(frame[4] & 0xe0).toBe(0x60);
  });

  test.each([
    ['another version', 4, 0xa0],
    ['a dictionary', 4, 0x61],
    ['an unknown block size', 5, 0x10],
    ['a wrong checksum of its head', 6, 0x83],
  ])('an lz4 frame with %s is refused', (_what, position, value) => {
    const frame = Buffer.from(compress('lz4', Buffer.alloc(1000)));
    frame[position] = value;
    expect(() => decompress('lz4', frame, MEGABYTE)).toThrow(CorruptError);
  });

  test.each([
    [0x40, 0x82],
    [0x50, 0xfb],
    [0x60, 0x51],
    [0x70, 0x73],
  ])('an lz4 frame of block size %i is read, in as many blocks as it has', (descriptor, checksum) => {
    const texts = [Buffer.from('one '.repeat(5000)), seededRandom(1).bytes(1000), Buffer.from('three'.repeat(9000))];
    const blocks = texts.map((text) => compress('lz4', text).subarray(7, -4));
    const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, descriptor, checksum]);
    const frame = Buffer.concat([head, ...blocks, Buffer.alloc(4)]);
    expect(decompress('lz4', frame, MEGABYTE).equals(Buffer.concat(texts))).toBe(true);
    expect(decompress('lz4', Buffer.concat([frame, Buffer.from('behind')]), MEGABYTE)).toHaveLength(66_000);
    expect(() => decompress('lz4', frame, 65_999)).toThrow(/hold more than/);
  });

  test('an lz4 block larger than its frame allows is refused', () => {
    const frame = Buffer.from(compress('lz4', Buffer.alloc(200_000)));
    frame.writeUIntBE(0x604082, 4, 3);
    expect(() => decompress('lz4', frame, MEGABYTE)).toThrow(/LZ4 block of 200000 bytes/);
  });

  test.each([{ contentChecksum: true }, { blockChecksums: true }])(
    'an lz4 frame with %j is read and checked',
    (options) => {
      const text = Buffer.from('orders '.repeat(1000));
      const frame = compressFrameSync(text, options);
      expect(decompress('lz4', frame, MEGABYTE).equals(text)).toBe(true);
      const damaged = Buffer.from(frame);
      damaged[frame.length - (options.contentChecksum === true ? 1 : 5)] ^= 1;
      expect(() => decompress('lz4', damaged, MEGABYTE)).toThrow(CorruptError);
    },
  );

  test('The level reaches gzip and zstd', () => {
    const random = seededRandom(2);
    const words = Array.from({ length: 20_000 }, () => `word${random.uint32() % 500} `).join('');
    for (const codec of ['gzip', 'zstd'] as const) {
      const fast = compress(codec, Buffer.from(words), 1);
      const small = compress(codec, Buffer.from(words), codec === 'gzip' ? 9 : 19);
      expect(small.length).toBeLessThan(fast.length);
    }
  });
});
