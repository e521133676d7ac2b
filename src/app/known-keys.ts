/** Every setting that somebody reads, gathered from the tables of their owners, for the warnings about keys that nobody knows. */
import { knownBrokerKeys, knownBrokerPrefixes } from '#broker';
import { type KnownKeys, uniformName } from '#context';
import { knownSpringKeys } from './kafka-properties.ts';

const springBoot = [
  'spring.application.name',
  'spring.application.json',
  'spring.config.activate.on-profile',
  'spring.config.additional-location',
  'spring.config.import',
  'spring.config.location',
  'spring.config.name',
  'spring.lifecycle.timeout-per-shutdown-phase',
  'spring.profiles.active',
  'spring.profiles.default',
  'spring.profiles.include',
];

const ours = [
  'springtide.broker.enabled',
  'springtide.broker.thread',
  'springtide.broker.durability',
  'springtide.logging.format',
];

const brokerKeys = knownBrokerKeys.map((key) => (key.startsWith('springtide.') ? key : `springtide.broker.${key}`));
const keys = [...new Set([...springBoot, ...ours, ...knownSpringKeys.keys, ...brokerKeys])];
const brokerMaps = knownBrokerPrefixes.map((prefix) => `springtide.broker.${prefix}`);
const maps = [...knownSpringKeys.maps, 'spring.profiles.group', ...brokerMaps];
const uniform = new Set(keys.map(uniformName));

export const knownKeys: KnownKeys & { prefixes: readonly string[]; has(name: string): boolean } = {
  keys,
  maps,
  prefixes: ['spring.kafka', 'spring.profiles', 'spring.config', 'spring.lifecycle', 'springtide'],
  has: (name) =>
    uniform.has(uniformName(name)) || maps.some((map) => uniformName(name).startsWith(`${uniformName(map)}.`)),
};
