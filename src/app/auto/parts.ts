/** What every part of the auto-configuration is made of. Each file of this folder turns it into bean definitions that step back for the user's. */
import type { Environment, LoggerFactory } from '#context';
import type { Clock } from '#core';
import type { BrokerChoice } from '../broker-choice.ts';
import type { BrokerOverrides, IncludedBroker } from '../included-broker.ts';
import type { KafkaProperties } from '../kafka-properties.ts';

export type AutoConfigurationParts = {
  environment: Environment;
  properties: KafkaProperties;
  logging: LoggerFactory;
  choice: BrokerChoice;
  clock: Clock;
  workingFolder: string;
  /** Put in by tests: a memory disk, a seeded random, … */
  broker: BrokerOverrides | undefined;
  /** The included broker, once somebody has asked for it. */
  included?: Promise<IncludedBroker>;
};

/** `shop` + `producer` → `shop-producer`, unless the settings name a client id. */
export function withClientId(
  config: Record<string, unknown>,
  parts: AutoConfigurationParts,
  role: string,
): Record<string, unknown> {
  const application = parts.environment.getProperty('spring.application.name');
  if (config['client.id'] !== undefined || application === undefined || application === '') return config;
  return { ...config, 'client.id': `${application}-${role}` };
}
