import { describe, expect, test } from '@jest/globals';
import { Histogram, seededRandom } from '#core';

describe('a histogram', () => {
  test('has nothing to say of nothing', () => {
    const histogram = new Histogram();
    expect([histogram.count, histogram.sum, histogram.max, histogram.percentile(0.99)]).toEqual([0, 0, 0, 0]);
  });

  test.each([0.002, 0.05, 1, 7, 1500, 123_456_789, 2 ** 40])('tells %d at most 6.25 %% wrong', (value) => {
    const histogram = new Histogram();
    for (let count = 0; count < 10; count++) histogram.record(value);
    histogram.record(value * 1000);
    expect(Math.abs(histogram.percentile(0.5) / value - 1)).toBeLessThanOrEqual(1 / 16);
    expect(histogram.sum).toBeCloseTo(value * 1010);
  });

  test('tells the percentiles of many values as a sorted list does', () => {
    const random = seededRandom(7);
    const histogram = new Histogram();
    const values = Array.from({ length: 10_000 }, () => Math.exp(random.float() * 20 - 5));
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    for (const fraction of [0.01, 0.1, 0.5, 0.75, 0.95, 0.99, 0.999, 1]) {
      const exact = values[Math.ceil(values.length * fraction) - 1];
      expect(Math.abs(histogram.percentile(fraction) / exact - 1)).toBeLessThanOrEqual(1 / 16);
    }
    expect(histogram.percentile(1)).toBeLessThanOrEqual(histogram.max);
  });

  test('takes zero, what is tiny and what is huge', () => {
    const histogram = new Histogram();
    for (const value of [0, 1e-9, 1e300, Number.MAX_VALUE]) histogram.record(value);
    expect(histogram.count).toBe(4);
    expect(histogram.percentile(0.5)).toBeLessThan(0.002);
    expect(histogram.percentile(1)).toBeGreaterThan(1e12);
  });

  test('forgets what came before the last rotation but one, and keeps count and sum', () => {
    const histogram = new Histogram();
    histogram.record(1000);
    histogram.rotate();
    expect(histogram.percentile(0.5)).toBeGreaterThan(900);
    histogram.record(1);
    expect(histogram.percentile(1)).toBeGreaterThan(900);
    histogram.rotate();
    expect(histogram.percentile(1)).toBeLessThan(2);
    histogram.rotate();
    expect([histogram.percentile(1), histogram.count, histogram.sum]).toEqual([0, 2, 1001]);
  });
});
