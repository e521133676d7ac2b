/** What the configs of a group come to beside the broker's keys: those are the defaults, and the bounds. ◇ */
import type { ConfigOf } from '#core';
import { type ConsumerGroupConfig, consumerGroupDefaults, type groupConfigTable } from '../group/index.ts';

type GroupKeys = ConfigOf<typeof groupConfigTable>;

/** What a group that has `overrides` does. Some may stand outside the bounds, which were others when they were set. */
export function consumerGroupConfig(overrides: ReadonlyMap<string, string>, config: GroupKeys): ConsumerGroupConfig {
  const defaults = consumerGroupDefaults(config);
  if (overrides.size === 0) return defaults;
  const within = (key: string, inherited: number): number => {
    const own = overrides.get(key);
    const [least, most] = groupBounds(config, key)!;
    return own === undefined ? inherited : Math.min(Math.max(Number(own), least), most);
  };
  return {
    sessionTimeoutMs: within('consumer.session.timeout.ms', defaults.sessionTimeoutMs),
    heartbeatIntervalMs: within('consumer.heartbeat.interval.ms', defaults.heartbeatIntervalMs),
    assignmentIntervalMs: within('consumer.assignment.interval.ms', defaults.assignmentIntervalMs),
  };
}

/** Why a group cannot have all of these. */
export function groupConfigConflict(overrides: ReadonlyMap<string, string>, config: GroupKeys): string | undefined {
  const keys = ['consumer.session.timeout.ms', 'consumer.heartbeat.interval.ms'];
  if (!keys.some((key) => overrides.has(key))) return undefined;
  const { sessionTimeoutMs, heartbeatIntervalMs } = consumerGroupConfig(overrides, config);
  if (sessionTimeoutMs > heartbeatIntervalMs) return undefined;
  return `${keys[0]} (${sessionTimeoutMs}) must be longer than ${keys[1]} (${heartbeatIntervalMs}).`;
}

/** Undefined for a key that no keys of the broker bound. */
export function groupBounds(config: GroupKeys, key: string): readonly [least: number, most: number] | undefined {
  switch (key) {
    case 'consumer.session.timeout.ms':
      return [config['group.consumer.min.session.timeout.ms'], config['group.consumer.max.session.timeout.ms']];
    case 'consumer.heartbeat.interval.ms':
      return [config['group.consumer.min.heartbeat.interval.ms'], config['group.consumer.max.heartbeat.interval.ms']];
    case 'consumer.assignment.interval.ms':
      return [config['group.consumer.min.assignment.interval.ms'], config['group.consumer.max.assignment.interval.ms']];
    default:
      return undefined;
  }
}
