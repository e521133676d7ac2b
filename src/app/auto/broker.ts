/** Auto-configuration of the broker: the included one when it is chosen, and the connection that all clients go by. */
import { knownBrokerKeys } from '#broker';
import { type BeanDefinition, dependsOn, originText } from '#context';
import { IncludedBroker } from '../included-broker.ts';
import { KafkaConnection } from '../kafka-connection.ts';
import { bindFailure } from '../kafka-properties.ts';
import { knownKeys } from '../known-keys.ts';
import type { AutoConfigurationParts } from './parts.ts';

const PREFIX = 'springtide.broker.';
const ORIGIN = 'auto-configuration of the broker';
/** Keys of ours, which server.properties writes in full, without their prefix. */
const OWN_KEYS = knownBrokerKeys.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));

export function brokerDefinitions(parts: AutoConfigurationParts): BeanDefinition[] {
  const { choice } = parts;
  if (!choice.isIncluded) return [externalConnection(parts)];
  const broker: BeanDefinition<IncludedBroker> = {
    name: 'includedBroker',
    type: IncludedBroker,
    create: () => includedBroker(parts)!,
    destroy: (instance) => instance.close(),
    origin: ORIGIN,
  };
  const connection: BeanDefinition<KafkaConnection> = {
    name: 'kafkaConnection',
    type: KafkaConnection,
    dependencies: [dependsOn(IncludedBroker, ORIGIN)],
    create: ({ bootstrapServers, transport }: IncludedBroker) =>
      new KafkaConnection(choice.isBootstrapSet ? {} : { bootstrapServers, transport }),
    yieldsTo: 'type',
    origin: ORIGIN,
  };
  return [broker as BeanDefinition, connection as BeanDefinition];
}

/**
 * The broker, started at the first call; undefined when it was not chosen. The application asks before its beans do, so that the
 * broker's thread starts while the container is loaded and planned.
 */
export function includedBroker(parts: AutoConfigurationParts): Promise<IncludedBroker> | undefined {
  if (!parts.choice.isIncluded) return undefined;
  parts.included ??= IncludedBroker.start({
    config: brokerConfig(parts),
    thread: threadOf(parts),
    workingFolder: parts.workingFolder,
    overrides: parts.broker,
    logger: parts.logging.getLogger('springtide.broker'),
    reason: parts.choice.reason,
  });
  return parts.included;
}

/** server.properties keys: bare ones as they are, ours in full. Unknown ones have been warned about already, with their line. */
export function brokerConfig({ environment }: AutoConfigurationParts): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(environment.subtree('springtide.broker'))) {
    if (key === 'enabled' || !knownKeys.has(PREFIX + key)) continue;
    config[OWN_KEYS.includes(key) ? PREFIX + key : key] = value;
  }
  return config;
}

/** Where each key of the broker was written, for failures. */
export function brokerKeyOrigins({ environment }: AutoConfigurationParts): [string, string][] {
  return environment.propertiesUnder('springtide.broker').map((property) => {
    const key = property.name.slice(PREFIX.length);
    return [OWN_KEYS.includes(key) ? property.name : key, originText(property.origin)];
  });
}

function threadOf({ environment }: AutoConfigurationParts): 'worker' | 'main' {
  const key = `${PREFIX}thread`;
  const thread = (environment.getProperty(key) ?? 'worker').toLowerCase();
  if (thread === 'worker' || thread === 'main') return thread;
  throw bindFailure(environment, key, `'${thread}' is neither worker nor main`, 'Where the included broker runs.');
}

function externalConnection({ choice, logging, properties }: AutoConfigurationParts): BeanDefinition {
  return {
    name: 'kafkaConnection',
    type: KafkaConnection,
    create: () => {
      const servers = properties.clientConfig('consumer')['bootstrap.servers'] ?? 'localhost:9092';
      logging
        .getLogger('springtide.app')
        .info(`using the Kafka cluster at ${String(servers)}, because ${choice.reason}`);
      return new KafkaConnection(choice.isBootstrapSet ? {} : { bootstrapServers: 'localhost:9092' });
    },
    yieldsTo: 'type',
    origin: ORIGIN,
  };
}
