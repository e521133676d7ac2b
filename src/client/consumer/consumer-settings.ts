/**
 * What a consumer is made of: its configuration checked as a whole (rules between keys), its assignors, its reset policy and its
 * deserializers. Single values are checked by the table in `config.ts`.
 */
import { type Assignor, assignorByName } from '#assign';
import { KafkaError, type Logger } from '#core';
import { type Deserializer, deserializerByName } from '#serde';
import { readClientConfig } from '../config.ts';
import { type ConsumerConfig, consumerConfigTable } from './config.ts';
import { parseResetPolicy, type ResetPolicy } from './offset-reset.ts';

export interface ConsumerSettings {
  readonly config: ConsumerConfig;
  readonly groupId: string | null;
  readonly isAutoCommit: boolean;
  readonly resetPolicy: ResetPolicy;
  readonly assignors: readonly Assignor[];
}

/** @throws KafkaError INVALID_CONFIG, INVALID_GROUP_ID: the text names the key, the value and the remedy */
export function readConsumerSettings(raw: Record<string, unknown>, logger: Logger): ConsumerSettings {
  const config = withClientId(readClientConfig(consumerConfigTable, raw, 'consumer', logger));
  refuseNewProtocol(config);
  const groupId = config['group.id'];
  if (groupId !== null && groupId.trim() === '') {
    throw new KafkaError(
      'INVALID_GROUP_ID',
      'group.id is empty: give it a name, or leave the key out to consume without a group.',
    );
  }
  const assignors = config['partition.assignment.strategy'].map(assignorByName);
  checkAssignors(assignors);
  if (config['heartbeat.interval.ms'] >= config['session.timeout.ms']) {
    throw invalid(
      `heartbeat.interval.ms (${config['heartbeat.interval.ms']}) must be less than session.timeout.ms (${config['session.timeout.ms']}), ` +
        'best a third of it.',
    );
  }
  const resetPolicy = parseResetPolicy(config['auto.offset.reset']);
  return { config, groupId, isAutoCommit: isAutoCommit(raw, config), resetPolicy, assignors };
}

let unnamedCount = 0;

/** A consumer without `client.id` is given a name, as in Java, so that people can tell members of a group apart. */
function withClientId(config: ConsumerConfig): ConsumerConfig {
  if (config['client.id'] !== '') return config;
  unnamedCount += 1;
  const groupId = config['group.id'];
  const suffix = config['group.instance.id'] ?? String(unnamedCount);
  return { ...config, 'client.id': groupId === null ? `consumer-${suffix}` : `consumer-${groupId}-${suffix}` };
}

function refuseNewProtocol(config: ConsumerConfig): void {
  if (config['group.protocol'].toLowerCase() === 'consumer') {
    throw invalid(
      "group.protocol=consumer (KIP-848) is not there yet in this client: use group.protocol=classic, or leave the key out. Brokers serve both, and a group's offsets stay.",
    );
  }
  if (config['group.remote.assignor'] !== null) {
    throw invalid(
      'group.remote.assignor belongs to group.protocol=consumer; with classic choose partition.assignment.strategy.',
    );
  }
}

function checkAssignors(assignors: readonly Assignor[]): void {
  if (assignors.length === 0)
    throw invalid('partition.assignment.strategy is empty: name at least one assignor, for example range.');
  const names = assignors.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`partition.assignment.strategy names ${twice} twice.`);
}

/** Without a group there is nothing to commit to; asking for it all the same is a mistake. */
function isAutoCommit(raw: Record<string, unknown>, config: ConsumerConfig): boolean {
  if (config['group.id'] !== null) return config['enable.auto.commit'];
  if (raw['enable.auto.commit'] !== undefined && config['enable.auto.commit']) {
    throw invalid('enable.auto.commit=true needs a group.id: offsets are committed for a group.');
  }
  return false;
}

/**
 * The deserializer of keys or values: the one handed in, or the one that `key.deserializer` / `value.deserializer` names (an object, a
 * class, or a name that `#serde` knows), configured.
 */
export function readDeserializer<T>(
  raw: Record<string, unknown>,
  isKey: boolean,
  given: Deserializer<T> | undefined,
): Deserializer<T> {
  const deserializer = given ?? namedDeserializer<T>(raw, isKey ? 'key.deserializer' : 'value.deserializer');
  if (given === undefined) deserializer.configure?.(raw, isKey);
  return deserializer;
}

function namedDeserializer<T>(raw: Record<string, unknown>, key: string): Deserializer<T> {
  const value = raw[key];
  if (typeof value === 'string') return named(key, value) as Deserializer<T>;
  if (typeof value === 'function') return new (value as new () => Deserializer<T>)();
  if (typeof value === 'object' && value !== null && 'deserialize' in value) return value as Deserializer<T>;
  throw invalid(
    `${key} is missing: name a deserializer, for example string, json, bytes, int, long, or hand one over as an object.`,
  );
}

/** The refusal of an unknown name says under which key it stands. */
function named(key: string, name: string): Deserializer {
  try {
    return deserializerByName(name);
  } catch (error) {
    throw error instanceof KafkaError ? invalid(`${key}: ${error.message}`) : error;
  }
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', message);
}
