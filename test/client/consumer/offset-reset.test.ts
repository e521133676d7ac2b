import { describe, expect, it } from '@jest/globals';
import { parseIsoDuration, parseResetPolicy, resetTimestamp } from '../../../src/client/consumer/offset-reset.ts';

describe('auto.offset.reset', () => {
  it.each([
    ['latest', { type: 'latest' }],
    ['Earliest', { type: 'earliest' }],
    [' none ', { type: 'none' }],
    ['by_duration:P1DT2H', { type: 'by_duration', durationMs: 26 * 3_600_000 }],
    ['BY_DURATION:PT0.5S', { type: 'by_duration', durationMs: 500 }],
  ])('reads %p', (text, policy) => {
    expect(parseResetPolicy(text)).toEqual(policy);
  });

  it.each(['', 'oldest', 'by_duration', 'by_duration:', 'by_duration:5m', 'by_duration:PT', 'by_duration:-PT1H'])(
    'refuses %p and says what is allowed',
    (text) => {
      expect(() => parseResetPolicy(text)).toThrow(/none of latest, earliest, none and by_duration/);
    },
  );

  it.each([
    ['P2D', 172_800_000],
    ['PT15M', 900_000],
    ['PT1H30M5.25S', 5_405_250],
    ['pt20s', 20_000],
    ['P', undefined],
    ['P1W', undefined],
    ['PT1.5H', undefined],
  ])('reads the duration %p as %p ms', (text, milliseconds) => {
    expect(parseIsoDuration(text)).toBe(milliseconds);
  });

  it('asks a broker with the timestamp that means the strategy', () => {
    const wallMs = 1_000_000;
    expect(resetTimestamp({ type: 'latest' }, wallMs)).toBe(-1);
    expect(resetTimestamp({ type: 'earliest' }, wallMs)).toBe(-2);
    expect(resetTimestamp({ type: 'by_duration', durationMs: 400_000 }, wallMs)).toBe(600_000);
    expect(resetTimestamp({ type: 'by_duration', durationMs: 2_000_000 }, wallMs)).toBe(0);
  });
});
