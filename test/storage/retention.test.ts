import { describe, expect, test } from '@jest/globals';
import { hasClockJumped, planRetention, type RetainedLog } from '../../src/storage/retention/retention.ts';

const NOW_MS = 1_000_000;

/** Segments as `baseOffset:sizeInBytes:largestTimestamp` (`?`: not known), separated by spaces. */
function logOf(segments: string, endOffset: number, rest: Partial<RetainedLog> = {}): RetainedLog {
  return {
    segments: segments.split(' ').map((text) => {
      const [baseOffset, sizeInBytes, timestamp] = text.split(':');
      const largestTimestamp = timestamp === '?' ? undefined : Number(timestamp);
      return {
        baseOffset: Number(baseOffset),
        sizeInBytes: Number(sizeInBytes),
        largestTimestamp,
        createdWallMs: NOW_MS,
      };
    }),
    logStartOffset: 0,
    logEndOffset: endOffset,
    highWatermark: endOffset,
    config: configOf({}),
    ...rest,
  };
}

function configOf(config: Partial<RetainedLog['config']>): RetainedLog['config'] {
  return { 'cleanup.policy': ['delete'], 'retention.bytes': -1, 'retention.ms': -1, ...config };
}

const OLD = NOW_MS - 101;
const YOUNG = NOW_MS - 100;
const time = configOf({ 'retention.ms': 100 });
const size = (bytes: number) => configOf({ 'retention.bytes': bytes });
const three = `0:10:${OLD} 5:10:${OLD} 9:10:${YOUNG}`;

describe('retention by time', () => {
  const cases: [string, RetainedLog, string[], number][] = [
    ['takes what is older than retention.ms', logOf(three, 12, { config: time }), ['time', 'time'], 9],
    ['keeps what is exactly as old', logOf(`0:10:${YOUNG} 5:10:${YOUNG}`, 9, { config: time }), [], 0],
    ['stops at the first young segment', logOf(`0:10:${YOUNG} 5:10:${OLD} 9:10:${OLD}`, 12, { config: time }), [], 0],
    ['is off with -1', logOf(three, 12), [], 0],
    ['keeps what lies above the high watermark', logOf(three, 12, { config: time, highWatermark: 8 }), ['time'], 5],
    ['waits for timestamps in the future', logOf(`0:10:${NOW_MS + 5} 5:10:${OLD}`, 9, { config: time }), [], 0],
    ['takes all, the active one too', logOf(`0:10:${OLD} 5:10:${OLD}`, 9, { config: time }), ['time', 'time'], 9],
    ['leaves an empty active segment', logOf(`0:10:${OLD} 5:0:-1`, 5, { config: time }), ['time'], 5],
    ['counts a segment without timestamps from its making', logOf('0:10:-1 5:10:-1', 9, { config: time }), [], 0],
    ['is not for compacted topics', logOf(three, 12, { config: { ...time, 'cleanup.policy': ['compact'] } }), [], 0],
    ['is not for topics without a policy', logOf(three, 12, { config: { ...time, 'cleanup.policy': [] } }), [], 0],
    [
      'is for topics that are compacted and deleted',
      logOf(three, 12, { config: { ...time, 'cleanup.policy': ['compact', 'delete'] } }),
      ['time', 'time'],
      9,
    ],
  ];
  test.each(cases)('%s', (_, log, reasons, logStartOffset) => {
    expect(planRetention(log, NOW_MS)).toMatchObject({ reasons, logStartOffset, unknown: undefined });
  });

  test('rolls the active segment only when it goes', () => {
    expect(planRetention(logOf(`0:10:${OLD} 5:10:${OLD}`, 9, { config: time }), NOW_MS).rollsActive).toBe(true);
    expect(planRetention(logOf(three, 12, { config: time }), NOW_MS).rollsActive).toBe(false);
  });

  test('asks for a timestamp that it does not know, and for no other', () => {
    const log = logOf(`0:10:${OLD} 5:10:? 9:10:?`, 12, { config: time });
    expect(planRetention(log, NOW_MS)).toMatchObject({ reasons: ['time'], unknown: 1 });
    expect(planRetention(logOf('0:10:? 5:10:?', 9), NOW_MS).unknown).toBeUndefined();
    expect(planRetention(log, NOW_MS, { usesTime: false })).toMatchObject({ reasons: [], unknown: undefined });
  });
});

describe('retention by size', () => {
  const sized = '0:10:1 5:20:1 9:30:1 12:40:1';
  const cases: [string, RetainedLog, number, number][] = [
    ['keeps everything up to the limit', logOf(sized, 15, { config: size(100) }), 0, 0],
    ['takes a segment when what is left still fills the limit', logOf(sized, 15, { config: size(90) }), 1, 5],
    ['keeps it when less would be left', logOf(sized, 15, { config: size(91) }), 0, 0],
    ['takes several', logOf(sized, 15, { config: size(45) }), 2, 9],
    ['takes all at 0', logOf(sized, 15, { config: size(0) }), 4, 15],
    ['keeps what lies above the high watermark', logOf(sized, 15, { config: size(0), highWatermark: 11 }), 2, 9],
    ['is off with -1', logOf(sized, 15, { config: size(-1) }), 0, 0],
    ['is not for compacted topics', logOf(sized, 15, { config: { ...size(0), 'cleanup.policy': ['compact'] } }), 0, 0],
  ];
  test.each(cases)('%s', (_, log, count, logStartOffset) => {
    const plan = planRetention(log, NOW_MS);
    expect(plan.reasons).toEqual(Array(count).fill('size'));
    expect(plan.logStartOffset).toBe(logStartOffset);
  });
});

describe('retention by log start offset', () => {
  const sized = '0:10:1 5:20:1 9:30:1';
  test.each([
    [0, 0],
    [4, 0],
    [5, 1],
    [8, 1],
    [9, 2],
    [12, 2],
  ])('a log that starts at %d loses %d segments, never the active one, and starts there still', (start, count) => {
    for (const policy of [['delete'], ['compact'], []]) {
      const plan = planRetention(
        logOf(sized, 12, { logStartOffset: start, config: { ...configOf({}), 'cleanup.policy': policy } }),
        NOW_MS,
      );
      expect(plan.reasons).toEqual(Array(count).fill('log start'));
      expect(plan.logStartOffset).toBe(start);
    }
  });

  test('counts before size, which counts before time', () => {
    const log = logOf(`0:10:${OLD} 5:10:${OLD} 9:10:${OLD} 12:10:${YOUNG}`, 15, {
      logStartOffset: 6,
      config: configOf({ 'retention.ms': 100, 'retention.bytes': 15 }),
    });
    expect(planRetention(log, NOW_MS)).toMatchObject({ reasons: ['log start', 'size', 'time'], logStartOffset: 12 });
    expect(planRetention(log, NOW_MS, { countMax: 2 }).reasons).toEqual(['log start', 'size']);
  });
});

test('a wall clock that is set forward is noticed, one that goes on or back is not', () => {
  const last = { wallMs: 5000, monotonicMs: 100 };
  const jumped = (wallMs: number, monotonicMs: number) => hasClockJumped(last, { wallMs, monotonicMs }, 1000);
  expect(jumped(5000 + 900_000, 900_100)).toBe(false);
  expect(jumped(6000, 100)).toBe(false);
  expect(jumped(6001, 100)).toBe(true);
  expect(jumped(1, 100)).toBe(false);
});
