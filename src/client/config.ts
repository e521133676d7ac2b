/**
 * Configuration of the clients, under Kafka's own names and with the defaults of its Java clients (4.4). The keys that all clients
 * share stand here and are spread into the table of each client; the others stand in `producer/config.ts`,
 * `consumer/config.ts` and `admin/config.ts`.
 *
 * A key nobody knows is warned about with the nearest known one and is otherwise ignored, as Java does; a value that cannot be
 * used is refused by name. Keys of the Java Virtual Machine and of TLS files are accepted without effect as long as
 * `security.protocol` stays PLAINTEXT.
 */
import { type ConfigOf, type ConfigTable, defineConfig, KafkaError, type Logger, parseConfig, suggest } from '#core';

export const clientConfigTable = defineConfig({
  'bootstrap.servers': {
    type: 'list',
    default: [] as string[],
    importance: 'high',
    doc: 'Addresses host:port to find the cluster by. One that works is enough; the others are found through it.',
  },
  'client.id': {
    type: 'string',
    default: '',
    importance: 'medium',
    doc: 'Name of this client in the logs, quotas and metrics of the broker.',
  },
  'client.rack': {
    type: 'string',
    default: '',
    importance: 'low',
    doc: 'Rack of this client, as the broker.rack of the brokers near it.',
  },
  'client.dns.lookup': {
    type: 'string',
    default: 'use_all_dns_ips',
    oneOf: ['use_all_dns_ips', 'resolve_canonical_bootstrap_servers_only'],
    importance: 'medium',
    doc: 'All addresses of a host name are tried one after another, whatever is chosen here.',
  },
  'metadata.max.age.ms': {
    type: 'duration-ms',
    default: 300_000,
    min: 0,
    importance: 'low',
    doc: 'Metadata is asked for again after this time even if nothing points to a change.',
  },
  'metadata.recovery.strategy': {
    type: 'string',
    default: 'rebootstrap',
    oneOf: ['rebootstrap', 'none'],
    importance: 'low',
    doc: 'rebootstrap: go back to bootstrap.servers when no known broker can be reached.',
  },
  'metadata.recovery.rebootstrap.trigger.ms': {
    type: 'duration-ms',
    default: 300_000,
    min: 0,
    importance: 'low',
    doc: 'Without effect: bootstrap.servers are tried as soon as no known broker can be reached.',
  },
  'request.timeout.ms': {
    type: 'duration-ms',
    default: 30_000,
    min: 0,
    importance: 'medium',
    doc: 'A request without reply for this long fails and its connection is closed.',
  },
  'retry.backoff.ms': {
    type: 'duration-ms',
    default: 100,
    min: 0,
    importance: 'low',
    doc: 'Wait before the first retry; doubles with each further one, with 20 % jitter (KIP-580).',
  },
  'retry.backoff.max.ms': {
    type: 'duration-ms',
    default: 1_000,
    min: 0,
    importance: 'low',
    doc: 'Longest wait between retries.',
  },
  'reconnect.backoff.ms': {
    type: 'duration-ms',
    default: 50,
    min: 0,
    importance: 'low',
    doc: 'Wait before a broker that could not be reached is tried again; doubles with each failure, with 20 % jitter.',
  },
  'reconnect.backoff.max.ms': {
    type: 'duration-ms',
    default: 1_000,
    min: 0,
    importance: 'low',
    doc: 'Longest wait before a broker is tried again.',
  },
  'socket.connection.setup.timeout.ms': {
    type: 'duration-ms',
    default: 10_000,
    min: 1,
    importance: 'medium',
    doc: 'How long opening a connection may take; doubles with each failure, with 20 % jitter.',
  },
  'socket.connection.setup.timeout.max.ms': {
    type: 'duration-ms',
    default: 30_000,
    min: 1,
    importance: 'medium',
    doc: 'Upper end of socket.connection.setup.timeout.ms as it doubles.',
  },
  'connections.max.idle.ms': {
    type: 'duration-ms',
    default: 540_000,
    min: -1,
    importance: 'medium',
    doc: 'A connection unused for this long is closed. -1: never.',
  },
  'security.protocol': {
    type: 'string',
    default: 'PLAINTEXT',
    importance: 'medium',
    doc: 'How to talk to the brokers. Only PLAINTEXT can be spoken today.',
  },
});

/** The keys that every client has, parsed. */
export type ClientConfig = ConfigOf<typeof clientConfigTable>;

/** Keys that are Kafka's but mean nothing here: class names of Java, buffers of its sockets, its telemetry and its JMX metrics. */
const WITHOUT_EFFECT = new Set([
  'bootstrap.controllers',
  'bootstrap.resolve.timeout.ms',
  'config.providers',
  'enable.metrics.push',
  'metadata.cluster.check.enable',
  'metric.reporters',
  'metrics.num.samples',
  'metrics.recording.level',
  'metrics.sample.window.ms',
  'receive.buffer.bytes',
  'security.providers',
  'send.buffer.bytes',
]);

/** Keys that belong to the serializers and to the security of Kafka's clients, which read them themselves. */
const BELONGS_TO_OTHERS = /^(?:spring\.|ssl\.|sasl\.|(?:key|value)\.(?:de)?serializer)/;

/**
 * Parses what a user gave a client.
 *
 * @param table the client's own table, `clientConfigTable` spread into it
 * @param component named in warnings: `producer`, `consumer`, `admin`
 * @throws KafkaError INVALID_CONFIG naming the key, the value and the remedy
 */
export function readClientConfig<T extends ConfigTable>(
  table: T,
  raw: Record<string, unknown>,
  component: string,
  logger: Logger,
): ConfigOf<T> {
  const known: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) {
    if (value === undefined || (!(key in table) && (WITHOUT_EFFECT.has(key) || BELONGS_TO_OTHERS.test(key)))) continue;
    known[key] = value;
  }
  refuseSecurity(raw);
  const { config, unknown } = parseConfig(table, known);
  for (const key of unknown) logger.warn({ key }, unknownKeyText(key, Object.keys(table), component));
  return config;
}

/** Parsed bootstrap addresses. @throws KafkaError INVALID_CONFIG when there are none, or one is not `host:port` */
export function bootstrapAddresses(servers: readonly string[]): { host: string; port: number }[] {
  if (servers.length === 0) {
    throw invalid('bootstrap.servers is empty: name at least one broker, like bootstrap.servers=127.0.0.1:9092');
  }
  return servers.map((server) => {
    const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,6})$/.exec(server.trim());
    const port = Number(match?.[3]);
    if (match === null || port === 0) {
      throw invalid(`bootstrap.servers: '${server}' is not host:port, like 127.0.0.1:9092 or [::1]:9092`);
    }
    return { host: match[1] ?? match[2], port };
  });
}

function refuseSecurity(raw: Record<string, unknown>): void {
  const protocol = raw['security.protocol'];
  if (protocol === undefined || protocol === null || String(protocol).toUpperCase() === 'PLAINTEXT') return;
  throw invalid(
    `security.protocol=${String(protocol)} is not supported yet: this client speaks PLAINTEXT only. ` +
      'Remove the key, or reach the cluster through a PLAINTEXT listener',
  );
}

function unknownKeyText(key: string, known: string[], component: string): string {
  const nearest = suggest(key, known);
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  return `unknown ${component} configuration '${key}' is ignored${hint}`;
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', message);
}
