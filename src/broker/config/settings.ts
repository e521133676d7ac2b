/**
 * The broker's keys as given, read once at start: values checked and typed, and what is not heeded told (`known-keys.ts`). Everything
 * below the broker takes its part from here.
 */
import { type ConfigOf, KafkaError, type Logger, parseConfig } from '#core';
import { refusedTopicConfig, topicConfig, topicConfigConflict } from '#storage';
import { type ConnectionLimits, connectionLimits } from '../server/connection-limits.ts';
import { type ListenerPlan, planListeners } from '../server/listener-address.ts';
import { brokerConfigTable } from './config.ts';
import { reportKeys } from './known-keys.ts';
import { cordonedPaths, type LogDirs, logDirsOf } from './log-dirs.ts';
import { nodeIdOf } from './node-roles.ts';

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
  const { config } = parseConfig(brokerConfigTable, given);
  reportKeys(Object.keys(given), logger);
  checkTopicDefaults(given);
  const listeners = planListeners({
    listeners: config.listeners,
    advertised: config['advertised.listeners'],
    protocolMap: config['listener.security.protocol.map'],
    controllerNames: config['controller.listener.names'],
    interBrokerName: config['inter.broker.listener.name'],
  });
  reportControllerListeners(config, logger);
  const listenerNames = listeners.map(({ bind }) => bind.name);
  const logDirs = logDirsOf(given);
  cordonedPaths(config['cordoned.log.dirs'], logDirs);
  return {
    config,
    given,
    nodeId: nodeIdOf(config, given),
    logDirs,
    durability: config['springtide.broker.durability'],
    listeners,
    connectionLimits: connectionLimits(config, given, listenerNames),
  };
}

function reportControllerListeners(config: BrokerConfig, logger: Logger): void {
  const names = config['controller.listener.names'];
  const closed = config.listeners.filter((text) => names.some((name) => text.startsWith(`${name}:`)));
  if (closed.length === 0) return;
  logger.info({ listeners: closed }, `Not opened: ${closed.join(', ')} (the controller lives inside the broker)`);
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
