import { describe, expect, test } from '@jest/globals';
import { crc32c, digest, digestWords, hmac, isEqualConstantTime, javaStringHash, murmur2, pbkdf2 } from '#core';

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
