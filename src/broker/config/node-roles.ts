/** What the keys say of this node and of its controllers: it is the only one of both kinds, and keys that say otherwise are refused. */
import { type ConfigOf, KafkaError } from '#core';
import type { brokerConfigTable } from './config.ts';

type Config = ConfigOf<typeof brokerConfigTable>;

/**
 * @param given the broker's keys as they were written
 * @throws KafkaError INVALID_CONFIG
 */
export function nodeIdOf(config: Config, given: Readonly<Record<string, unknown>>): number {
  const nodeId = config['broker.id'] >= 0 && given['node.id'] === undefined ? config['broker.id'] : config['node.id'];
  checkRoles(config);
  checkControllers(config, nodeId);
  return nodeId;
}

function checkRoles(config: Config): void {
  const roles = config['process.roles'];
  const isBoth = roles.length === 0 || ['broker', 'controller'].every((role) => roles.includes(role));
  if (isBoth) return;
  throw new KafkaError(
    'INVALID_CONFIG',
    `process.roles=${roles.join(',')}: a node that is only one of both is not served. Write process.roles=broker,controller, or leave it out.`,
  );
}

function checkControllers(config: Config, nodeId: number): void {
  const voters = config['controller.quorum.voters'];
  const own = voters.length === 0 || (voters.length === 1 && Number(voters[0].split('@')[0]) === nodeId);
  if (!own) throw severalControllers('controller.quorum.voters', voters, `${nodeId}@localhost:9093`);
  const servers = config['controller.quorum.bootstrap.servers'];
  if (servers.length > 1) throw severalControllers('controller.quorum.bootstrap.servers', servers, 'localhost:9093');
}

function severalControllers(key: string, value: readonly string[], example: string): KafkaError {
  return new KafkaError(
    'INVALID_CONFIG',
    `${key}=${value.join(',')}: this node is the only controller of its cluster; it cannot join another one. Write ${key}=${example}, or leave it out.`,
  );
}
