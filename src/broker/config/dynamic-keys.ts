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

/** Dynamic in Kafka, and nothing here: taken, so that tools that set them go on, and shown as they were set. */
const idleKeys: ReadonlyMap<string, BrokerKey> = new Map(
  Object.entries<Omit<ConfigKey, 'doc'>>({
    'background.threads': { type: 'int', default: 10, min: 1 },
    'config.providers': { type: 'list', default: [] },
    'follower.fetch.last.tiered.offset.enable': { type: 'boolean', default: false },
    'follower.replication.throttled.rate': { type: 'long', min: 0 },
    'group.coordinator.cached.buffer.max.bytes': { type: 'int', default: 1_048_588, min: 524_288 },
    'leader.replication.throttled.rate': { type: 'long', min: 0 },
    'log.cleaner.threads': { type: 'int', default: 1, min: 0 },
    'metric.reporters': { type: 'list', default: ['org.apache.kafka.common.metrics.JmxReporter'] },
    'num.io.threads': { type: 'int', default: 8, min: 1 },
    'num.network.threads': { type: 'int', default: 3, min: 1 },
    'num.recovery.threads.per.data.dir': { type: 'int', default: 2, min: 1 },
    'num.replica.fetchers': { type: 'int', default: 1 },
    'remote.fetch.max.wait.ms': { type: 'int', default: 500, min: 1 },
    'remote.list.offsets.request.timeout.ms': { type: 'long', default: 30_000, min: 1 },
    'replica.alter.log.dirs.io.max.bytes.per.second': { type: 'long', min: 0 },
  }).map(([name, row]) => [
    name,
    brokerKey(name, { ...row, doc: 'Without effect: it is kept and shown as it was set.', dynamic: 'cluster-wide' }),
  ]),
);

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

/** The row of a key that can be set and shown, be it without effect. */
export function brokerKeyOf(name: string): BrokerKey | undefined {
  return brokerKeys.get(name) ?? idleKeys.get(name);
}

/** Undefined for keys without effect, those that nobody knows among them: Kafka takes them too, for what somebody may have plugged in. */
export function dynamicMode(name: string): DynamicMode | undefined {
  const mode = brokerKeys.get(name)?.mode ?? (isListenerLimit(name) ? 'cluster-wide' : undefined);
  if (mode !== undefined || idleKeys.has(name)) return mode;
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
