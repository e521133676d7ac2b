import { describe, expect, it } from '@jest/globals';
import { groupConfigTable } from '#broker/group';
import { parseConfig } from '#core';
import { consumerGroupConfig, groupConfigConflict } from '../../../src/broker/config/group-configs.ts';

const SESSION = 'consumer.session.timeout.ms';
const HEARTBEAT = 'consumer.heartbeat.interval.ms';
const INTERVAL = 'consumer.assignment.interval.ms';

function configOf(overrides: Readonly<Record<string, number>>, keys: Readonly<Record<string, number>> = {}) {
  const own = new Map(Object.entries(overrides).map(([key, value]) => [key, String(value)]));
  return [own, parseConfig(groupConfigTable, keys).config] as const;
}

describe('the configs of a group', () => {
  it("are the broker's where it has none", () => {
    const keys = { 'group.consumer.session.timeout.ms': 50_000 };
    expect(consumerGroupConfig(...configOf({ [HEARTBEAT]: 6000 }, keys))).toEqual({
      sessionTimeoutMs: 50_000,
      heartbeatIntervalMs: 6000,
      assignmentIntervalMs: 1000,
    });
  });

  it.each([
    [SESSION, 1, 'sessionTimeoutMs', 45_000],
    [SESSION, 1e9, 'sessionTimeoutMs', 60_000],
    [HEARTBEAT, 1, 'heartbeatIntervalMs', 5000],
    [HEARTBEAT, 1e9, 'heartbeatIntervalMs', 15_000],
    [INTERVAL, 1e9, 'assignmentIntervalMs', 15_000],
  ] as const)('%s=%d counts as far as the bounds of the broker', (key, value, name, counts) => {
    expect(consumerGroupConfig(...configOf({ [key]: value }))[name]).toBe(counts);
  });

  it('leave time for a heartbeat in a session', () => {
    const keys = { 'group.consumer.min.session.timeout.ms': 1000, 'group.consumer.min.heartbeat.interval.ms': 100 };
    expect(groupConfigConflict(...configOf({ [SESSION]: 5000 }, keys))).toBe(
      `${SESSION} (5000) must be longer than ${HEARTBEAT} (5000).`,
    );
    expect(groupConfigConflict(...configOf({ [SESSION]: 5001 }, keys))).toBeUndefined();
    expect(groupConfigConflict(...configOf({ [SESSION]: 1000, [HEARTBEAT]: 999 }, keys))).toBeUndefined();
    expect(groupConfigConflict(...configOf({ [INTERVAL]: 5 }, keys))).toBeUndefined();
  });
});
