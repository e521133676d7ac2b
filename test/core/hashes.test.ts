import { describe, expect, test } from '@jest/globals';
import { crc32c, digest, digestWords, hmac, isEqualConstantTime, javaStringHash, murmur2, pbkdf2, xxh3 } from '#core';

describe('murmur2 is that of Kafka (its UtilsTest)', () => {
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('%s', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });
});

test('javaStringHash is that of java.lang.String', () => {
  expect(javaStringHash('')).toBe(0);
  expect(javaStringHash('billing')).toBe(-109829509);
  expect(javaStringHash('größe')).toBe(98762257);
  expect(javaStringHash('polygenelubricants')).toBe(-2147483648);
});

test.each([
  [0, '2d06800538d394c2'],
  [1, '13e608bc156defed'],
  [2, '1c9074b93943b86c'],
  [3, 'a9088dda485b481c'],
  [4, '6d9253b16c8b1ed3'],
  [5, '998620e10e3a4b37'],
  [7, '8e8291ad89127e2e'],
  [8, '60539db630471163'],
  [9, 'feff668361d723a8'],
  [12, '6829454be0cc3199'],
  [16, 'b8c859b0f030b585'],
  [17, '714a04408e79b80f'],
  [32, '19ff4ee1d6ba1a55'],
  [33, '3e44983ad21679c8'],
  [64, '287eb1fa9e4be2c1'],
  [65, '829218de4d798646'],
  [96, 'f084e7cfbc624743'],
  [97, '1daa83271a8e7b7c'],
  [128, '67425a03650261bf'],
  [129, 'c664bf3311c6abc4'],
  [160, 'd70dea8de694b883'],
  [239, '1d861931c1f3cafa'],
  [240, '64556dc6b462a6cf'],
  [241, '8beadd3a8874fe17'],
  [256, '3c38817f6d79c0da'],
  [512, 'f58202b8d9019d1d'],
  [1023, 'd26986a0b85dcc44'],
  [1024, '9b81661c641c72b1'],
  [1025, '806c2072ed713576'],
  [1088, '2f8781e01841f0da'],
  [1089, '2a90437fe231e7e8'],
  [2048, 'abe604813ba62ed1'],
  [2049, '55aed42c9f1554b6'],
  [4000, 'b64c496535c38eb6'],
])('xxh3 of %i bytes is that of the library Kafka uses (hash4j)', (length, hash) => {
  expect(xxh3(Buffer.from(Array.from({ length }, (_, index) => (index * 7 + 3) & 255)))).toBe(hash);
});

test('crc32c is the Castagnoli polynomial (RFC 3720) and can be taken piece by piece', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from('56789'), crc32c(Buffer.from('1234')))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

test('The digests are the standard ones', () => {
  expect(digest('sha256', Buffer.from('abc')).toString('hex')).toMatch(/^ba7816bf8f01cfea/);
  expect(hmac('sha256', Buffer.from('key'), Buffer.from('')).toString('hex')).toMatch(/^5d5d139563c95b59/);
  const key = pbkdf2('sha1', Buffer.from('password'), Buffer.from('salt'), 2);
  expect(key.toString('hex')).toBe('ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957');
  expect(isEqualConstantTime(Buffer.from('a'), Buffer.from('a'))).toBe(true);
  expect(isEqualConstantTime(Buffer.from('a'), Buffer.from('ab'))).toBe(false);
});

test('The words of a digest are its first bytes', () => {
  const words = new Uint32Array(4);
  for (const text of ['', 'abc', 'größe', 'x'.repeat(1000)]) {
    digestWords('sha256', Buffer.from(text), words);
    expect(Buffer.from(words.buffer)).toEqual(digest('sha256', Buffer.from(text)).subarray(0, 16));
  }
});
