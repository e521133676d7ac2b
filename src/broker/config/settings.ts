/**
 * The broker's keys as given, read once at start: values checked and typed, unknown keys warned about with the nearest known one,
 * keys of Kafka that change nothing here named in one line. Everything below the broker takes its part from here.
 */
import { type ConfigOf, KafkaError, type Logger, parseConfig, suggest } from '#core';
import { refusedTopicConfig, topicConfig, topicConfigConflict } from '#storage';
import { type ConnectionLimits, connectionLimits } from '../server/connection-limits.ts';
import { type ListenerPlan, planListeners } from '../server/listener-address.ts';
import { brokerConfigTable, keysWithoutEffect, knownBrokerKeys, topicDefaultKeys } from './config.ts';
import { type LogDirs, logDirsOf } from './log-dirs.ts';

export type BrokerConfig = ConfigOf<typeof brokerConfigTable>;

export interface BrokerSettings {
  readonly config: BrokerConfig;
  /** The keys as given: what DescribeConfigs calls static, and where topics find their defaults. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly nodeId: number;
  readonly logDirs: LogDirs;
  readonly durability: 'sync' | 'os';
  readonly listeners: readonly ListenerPlan[];
  readonly connectionLimits: ConnectionLimits;
}

/** @throws KafkaError INVALID_CONFIG whose text names key, value and rule */
export function readSettings(given: Readonly<Record<string, unknown>>, logger: Logger): BrokerSettings {
  const { config, unknown } = parseConfig(brokerConfigTable, given);
  reportUnused(unknown, logger);
  checkTopicDefaults(given);
  const listeners = planListeners({
    listeners: config.listeners,
    advertised: config['advertised.listeners'],
    protocolMap: textOf(given['listener.security.protocol.map']),
    controllerNames: (textOf(given['controller.listener.names']) ?? '').split(',').filter((name) => name !== ''),
  });
  const listenerNames = listeners.map(({ bind }) => bind.name);
  return {
    config,
    given,
    nodeId: config['broker.id'] >= 0 && given['node.id'] === undefined ? config['broker.id'] : config['node.id'],
    logDirs: logDirsOf(given),
    durability: config['springtide.broker.durability'],
    listeners,
    connectionLimits: connectionLimits(config, given, listenerNames),
  };
}

function reportUnused(unknown: readonly string[], logger: Logger): void {
  const idle: string[] = [];
  for (const key of unknown) {
    if (topicDefaultKeys.includes(key)) continue;
    if (keysWithoutEffect.includes(key)) idle.push(key);
    else warnUnknown(key, logger);
  }
  if (idle.length > 0) logger.info({ keys: idle }, `Keys of Kafka without effect here: ${idle.join(', ')}`);
}

function warnUnknown(key: string, logger: Logger): void {
  const near = suggest(key, knownBrokerKeys);
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
  logger.warn({ key }, `Unknown broker key "${key}" is ignored.${hint}`);
}

/** A bad default of topics must stop the start, not the first topic. */
function checkTopicDefaults(given: Readonly<Record<string, unknown>>): void {
  try {
    const defaults = topicConfig({}, given);
    for (const [name, value] of Object.entries(defaults)) {
      const refusal = refusedTopicConfig(name, value);
      if (refusal !== undefined) throw new KafkaError('INVALID_CONFIG', `${name}: ${value} is not allowed: ${refusal}`);
    }
    const conflict = topicConfigConflict(defaults);
    if (conflict !== undefined) throw new KafkaError('INVALID_CONFIG', conflict);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new KafkaError('INVALID_CONFIG', `A default of topics is wrong: ${error.message}`, { cause: error });
  }
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value.join(',') : String(value);
}
