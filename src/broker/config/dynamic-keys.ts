/**
 * Which keys of the broker may be changed while it runs, as in Apache Kafka: for all brokers and for one, for one only, or not at all.
 * ◇ @see KIP-226
 */
import type { ConfigKey } from '#core';
import { brokerDefaults, topicConfigTable } from '#storage';
import { listenerKeys } from '../server/connection-limits.ts';
import { brokerConfigTable } from './config.ts';
import { isKnownBrokerKey } from './known-keys.ts';

export type DynamicMode = 'read-only' | 'per-broker' | 'cluster-wide';

/** A broker key: its row, with the default that it has as a key of the broker. */
export interface BrokerKey {
  readonly key: ConfigKey;
  readonly mode: DynamicMode;
  /** Keys for the same thing, the strongest first; this one is among them. */
  readonly names: readonly string[];
}

/** Dynamic in Kafka, and nothing here: taken, so that tools that set them go on. */
const dynamicWithoutEffect: ReadonlySet<string> = new Set([
  'background.threads',
  'config.providers',
  'follower.fetch.last.tiered.offset.enable',
  'group.coordinator.cached.buffer.max.bytes',
  'log.cleaner.threads',
  'metric.reporters',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'remote.fetch.max.wait.ms',
  'remote.list.offsets.request.timeout.ms',
]);

/** All that have an effect. */
export const brokerKeys: ReadonlyMap<string, BrokerKey> = new Map([
  ...Object.entries<ConfigKey>(brokerConfigTable).map(([name, key]) => [name, brokerKey(name, key)] as const),
  ...Object.entries(brokerDefaults).flatMap(([topicKey, sources]) =>
    sources.map((source, index) => {
      const row = topicConfigTable[topicKey as keyof typeof topicConfigTable] as ConfigKey;
      const isLast = index === sources.length - 1 && source.key !== 'log.flush.interval.ms';
      const names = sources.map(({ key }) => key);
      return [source.key, topicDefaultKey(row, source.unitMs, isLast, names)] as const;
    }),
  ),
]);

/** Undefined for keys that nobody knows: Kafka takes them too, for what somebody may have plugged in. */
export function dynamicMode(name: string): DynamicMode | undefined {
  const mode = brokerKeys.get(name)?.mode ?? (isListenerLimit(name) ? 'cluster-wide' : undefined);
  if (mode !== undefined || dynamicWithoutEffect.has(name)) return mode;
  return isKnownBrokerKey(name) ? 'read-only' : undefined;
}

/** `listener.name.external.max.connections` */
function isListenerLimit(name: string): boolean {
  return listenerKeys.some((key) => new RegExp(`^listener\\.name\\.[^.]+\\.${key.replaceAll('.', '\\.')}$`).test(name));
}

function brokerKey(name: string, key: ConfigKey): BrokerKey {
  return { key, mode: typeof key.dynamic === 'string' ? key.dynamic : 'read-only', names: [name] };
}

/** Of several keys for one thing the last has a default, in its own unit; those that do not count milliseconds are read-only. */
function topicDefaultKey(
  row: ConfigKey,
  unitMs: number | undefined,
  isLast: boolean,
  names: readonly string[],
): BrokerKey {
  const mode = unitMs === undefined ? 'cluster-wide' : 'read-only';
  const key: ConfigKey = unitMs === undefined ? row : { ...row, type: 'int', kafkaType: 'int' };
  if (!isLast) return { key: { ...key, default: null, nullable: true }, mode, names };
  return { key: unitMs === undefined ? key : { ...key, default: Number(row.default) / unitMs }, mode, names };
}
