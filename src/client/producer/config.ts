/**
 * The producer's configuration: Kafka's names, the defaults of the Java client 4.4, and the rules between keys.
 */
import { type ConfigOf, defineConfig, KafkaError, type Logger } from '#core';
import { clientConfigTable, readClientConfig } from '../config.ts';

/** How many batches of one partition a broker remembers per producer: the bound of requests in flight with idempotence. */
export const IDEMPOTENT_IN_FLIGHT_MAX = 5;

export const producerConfigTable = defineConfig({
  ...clientConfigTable,
  acks: {
    type: 'string',
    default: 'all',
    oneOf: ['all', '-1', '0', '1'],
    importance: 'low',
    doc: 'Who must have a record before it counts as sent: 0 nobody, 1 the leader, all every replica in sync.',
  },
  'enable.idempotence': {
    type: 'boolean',
    default: true,
    importance: 'low',
    doc: 'Retries neither duplicate nor reorder. Needs acks=all, retries > 0 and at most 5 requests in flight.',
  },
  'batch.size': {
    type: 'bytes',
    default: 16_384,
    min: 0,
    importance: 'medium',
    doc: 'Bytes of records of one partition that are sent together at most. A larger record gets a batch of its own.',
  },
  'linger.ms': {
    type: 'duration-ms',
    default: 5,
    min: 0,
    importance: 'medium',
    doc: 'How long a record waits for others to share its batch.',
  },
  'buffer.memory': {
    type: 'bytes',
    default: 33_554_432,
    min: 0,
    importance: 'high',
    doc: 'Bytes of batches that may wait or be in flight. When used up, sends wait for max.block.ms and then fail.',
  },
  'max.block.ms': {
    type: 'duration-ms',
    default: 60_000,
    min: 0,
    importance: 'medium',
    doc: 'How long a send may wait for metadata and memory.',
  },
  'max.request.size': {
    type: 'bytes',
    default: 1_048_576,
    min: 0,
    importance: 'medium',
    doc: 'Largest request, and so the largest record (uncompressed), in bytes.',
  },
  'max.in.flight.requests.per.connection': {
    type: 'int',
    default: 5,
    min: 1,
    importance: 'low',
    doc: 'Requests that may wait for their reply on one connection.',
  },
  'delivery.timeout.ms': {
    type: 'duration-ms',
    default: 120_000,
    min: 0,
    importance: 'medium',
    doc: 'Time from send to success or failure, waiting and retries included. At least linger.ms + request.timeout.ms.',
  },
  retries: {
    type: 'int',
    default: 2_147_483_647,
    min: 0,
    importance: 'high',
    doc: 'How often a batch is sent again after an error that may pass. delivery.timeout.ms is the better bound.',
  },
  'compression.type': {
    type: 'string',
    default: 'none',
    oneOf: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    importance: 'high',
    doc: 'How batches are compressed.',
  },
  'compression.gzip.level': {
    type: 'int',
    default: -1,
    min: -1,
    max: 9,
    importance: 'medium',
    doc: 'Level of gzip; -1 is its default.',
  },
  'compression.lz4.level': {
    type: 'int',
    default: 9,
    min: 1,
    max: 17,
    importance: 'medium',
    doc: 'Changes nothing: the library that compresses lz4 here has one level.',
  },
  'compression.zstd.level': {
    type: 'int',
    default: 3,
    min: -131_072,
    max: 22,
    importance: 'medium',
    doc: 'Level of zstd.',
  },
  'metadata.max.idle.ms': {
    type: 'duration-ms',
    default: 300_000,
    min: 5_000,
    importance: 'low',
    doc: 'Topics nothing was sent to for this long are no longer refreshed.',
  },
  'partitioner.class': {
    type: 'class',
    default: null,
    nullable: true,
    importance: 'medium',
    doc: 'A Partitioner object, or RoundRobinPartitioner by name. Absent: keys by murmur2, the rest sticky (KIP-794).',
  },
  'partitioner.ignore.keys': {
    type: 'boolean',
    default: false,
    importance: 'medium',
    doc: 'Choose partitions as if records had no key.',
  },
  'partitioner.adaptive.partitioning.enable': {
    type: 'boolean',
    default: true,
    importance: 'low',
    doc: 'Partitions with shorter queues are chosen more often for records without key.',
  },
  'partitioner.availability.timeout.ms': {
    type: 'duration-ms',
    default: 0,
    min: 0,
    importance: 'low',
    doc: 'Leave partitions out whose broker has taken nothing for this long. 0: never.',
  },
  'interceptor.classes': {
    type: 'list',
    default: [] as string[],
    importance: 'low',
    doc: 'Not loaded by name: hand interceptors over as objects.',
  },
  'transactional.id': {
    type: 'string',
    default: null,
    nullable: true,
    importance: 'low',
    doc: 'Transactions are not supported yet.',
  },
  'transaction.timeout.ms': {
    type: 'duration-ms',
    default: 60_000,
    min: 1,
    importance: 'low',
    doc: 'Longest time of a transaction.',
  },
});

/** The producer's configuration, parsed. */
export type ProducerConfig = ConfigOf<typeof producerConfigTable>;

/**
 * Parses the producer's configuration and applies the rules between its keys: idempotence gives way to values that
 * exclude it, unless it was asked for, in which case the contradiction is refused.
 *
 * @throws KafkaError INVALID_CONFIG
 */
export function readProducerConfig(raw: Record<string, unknown>, logger: Logger): ProducerConfig {
  const config = { ...readClientConfig(producerConfigTable, raw, 'producer', logger) };
  const lz4Level = config['compression.lz4.level'];
  if (config['compression.type'] === 'lz4' && lz4Level !== producerConfigTable['compression.lz4.level'].default)
    logger.warn(
      { key: 'compression.lz4.level' },
      `compression.lz4.level=${lz4Level} changes nothing: lz4 has one level here`,
    );
  if (config['transactional.id'] !== null) {
    throw invalid(`transactional.id=${config['transactional.id']}: transactions are not supported yet; remove the key`);
  }
  const least = config['linger.ms'] + config['request.timeout.ms'];
  if (config['delivery.timeout.ms'] < least) {
    if (raw['delivery.timeout.ms'] !== undefined) {
      throw invalid(
        `delivery.timeout.ms=${config['delivery.timeout.ms']} must be at least linger.ms + request.timeout.ms = ${least}`,
      );
    }
    config['delivery.timeout.ms'] = least;
  }
  if (config.acks === '-1') config.acks = 'all';
  const conflict = idempotenceConflict(config);
  if (config['enable.idempotence'] && conflict !== undefined) {
    if (raw['enable.idempotence'] !== undefined) throw invalid(`enable.idempotence=true needs ${conflict}`);
    config['enable.idempotence'] = false;
  }
  return config;
}

function idempotenceConflict(config: ProducerConfig): string | undefined {
  if (config.acks !== 'all') return `acks=all, not ${config.acks}`;
  if (config.retries === 0) return 'retries of at least 1';
  const inFlight = config['max.in.flight.requests.per.connection'];
  if (inFlight > IDEMPOTENT_IN_FLIGHT_MAX) {
    return `max.in.flight.requests.per.connection of at most ${IDEMPOTENT_IN_FLIGHT_MAX}, not ${inFlight}`;
  }
  return undefined;
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', message);
}
