/** The two meters of quotas against values computed by hand. */
import { describe, expect, test } from '@jest/globals';
import { SampledRate, throttleMs } from '../../../src/broker/quota/sampled-rate.ts';
import { TokenBucket } from '../../../src/broker/quota/token-bucket.ts';

describe('a rate of 11 windows of a second', () => {
  const newRate = () => new SampledRate(11, 1000);

  test('spreads a first value over ten whole windows', () => {
    const rate = newRate();
    rate.record(1000, 5000);
    expect([rate.spanMs(5000), rate.rate(5000)]).toEqual([10_000, 100]);
    expect(rate.rate(5500)).toBeCloseTo(1000 / 10.5);
  });

  test('grows with every window until there are ten, and loses what is older than eleven', () => {
    const rate = newRate();
    for (let second = 0; second <= 9; second++) rate.record(100, second * 1000);
    expect(rate.rate(9000)).toBe(1000 / 10);
    for (let second = 10; second <= 30; second++) rate.record(100, second * 1000);
    // 19.0 fell out with 30.0: eleven values from 20.0 to 30.0, over ten seconds.
    expect([rate.spanMs(30_000), rate.rate(30_000)]).toEqual([10_000, 110]);
  });

  test('keeps the twelfth window while the span of eleven still touches it', () => {
    const rate = newRate();
    for (const at of [0, 900, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 11_000])
      rate.record(10, at);
    // The first window has its last value at 900, so it counts until 11,900.
    expect([rate.spanMs(11_500), rate.rate(11_500)]).toEqual([11_500, 130_000 / 11_500]);
    expect([rate.spanMs(11_900), rate.rate(11_900)]).toEqual([10_900, 110_000 / 10_900]);
  });

  test('forgets everything in silence', () => {
    const rate = newRate();
    rate.record(1e9, 0);
    expect(rate.rate(10_999)).toBeGreaterThan(0);
    expect(rate.rate(11_000)).toBe(0);
  });

  test('begins a window with a value, not by the clock', () => {
    const rate = newRate();
    rate.record(10, 0);
    rate.record(10, 999);
    rate.record(10, 5500);
    rate.record(10, 6499);
    rate.record(10, 6500);
    expect(rate.spanMs(6500)).toBe(6500 + 4 * 1000);
  });

  test('takes back what was recorded', () => {
    const rate = newRate();
    rate.record(500, 0);
    rate.record(700, 10);
    rate.record(-700, 10);
    expect(rate.rate(10)).toBeCloseTo(500 / 10.01);
  });

  test('of a single window is the value over the time it took, and over a millisecond at first', () => {
    const rate = new SampledRate(1, 1000);
    rate.record(10, 0);
    expect(rate.rate(0)).toBe(10_000);
    expect(rate.rate(500)).toBe(20);
  });
});

test.each([
  [100, 100, 10_000, 0],
  [99, 100, 10_000, 0],
  [150, 100, 10_000, 5000],
  [200, 50, 10_500, 31_500],
  [100.01, 100, 10_000, 1],
])('a rate of %d with a limit of %d over %d ms is throttled for %d ms', (rate, limit, spanMs, delayMs) => {
  expect(throttleMs(rate, limit, spanMs)).toBe(delayMs);
});

describe('a bucket of five seconds at two tokens a second', () => {
  const LIMIT = 2;
  const newBucket = () => new TokenBucket(5);

  test('begins full, gives more than it has, and tells when it is back at none', () => {
    const bucket = newBucket();
    expect(bucket.left(LIMIT, 1000)).toBe(10);
    bucket.take(14, LIMIT, 1000);
    expect([bucket.left(LIMIT, 1000), bucket.throttleMs(LIMIT, 1000)]).toEqual([-4, 2000]);
    expect([bucket.left(LIMIT, 2500), bucket.throttleMs(LIMIT, 2500)]).toEqual([-1, 500]);
    expect([bucket.left(LIMIT, 3000), bucket.throttleMs(LIMIT, 3000)]).toEqual([0, 0]);
  });

  test('holds no more than five seconds bring', () => {
    const bucket = newBucket();
    bucket.take(3, LIMIT, 0);
    expect(bucket.left(LIMIT, 1000)).toBe(9);
    expect(bucket.left(LIMIT, 900_000)).toBe(10);
  });

  test('follows a limit that changes', () => {
    const bucket = newBucket();
    bucket.take(20, LIMIT, 0);
    expect(bucket.throttleMs(LIMIT, 0)).toBe(5000);
    expect(bucket.throttleMs(10, 0)).toBe(1000);
    expect(bucket.left(0.5, 100_000)).toBe(2.5);
  });
});
