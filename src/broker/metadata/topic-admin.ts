/** Making topics on this broker: with the ids and defaults the controller wants, and done only when their logs can be used. */
import { formatConfigValue, KafkaError, parseConfigValue, type Random } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import { refusedTopicConfig, topicConfig, topicConfigConflict, topicConfigTable } from '#storage';
import type { BrokerConfig, BrokerSettings } from '../config/settings.ts';
import {
  type ConfigEntry,
  type ControllerRules,
  type CreateTopicResult,
  GROUP_METADATA_TOPIC,
  type ItemResult,
  type NewTopic,
  TRANSACTION_STATE_TOPIC,
} from '../controller/index.ts';
import type { HostedPartitions } from '../hosting/hosted-partitions.ts';
import type { MetadataLog, Outcome } from './metadata-log.ts';

/** A topic to be made; counts of -1 mean the default. */
export type TopicDraft = Omit<NewTopic, 'topicId'>;

export class TopicAdmin {
  readonly #metadata: MetadataLog;
  readonly #partitions: HostedPartitions;
  readonly #config: BrokerConfig;
  readonly #random: Random;
  /** Topics that are being made because somebody asked for them: further askers wait for the same. */
  readonly #making = new Map<string, Promise<KafkaErrorRow>>();

  constructor(metadata: MetadataLog, partitions: HostedPartitions, config: BrokerConfig, random: Random) {
    this.#metadata = metadata;
    this.#partitions = partitions;
    this.#config = config;
    this.#random = random;
  }

  async create(drafts: readonly TopicDraft[], validateOnly: boolean): Promise<Outcome<CreateTopicResult[]>> {
    const topics = drafts.map((draft) => ({ ...draft, topicId: this.#random.uuid() }));
    const outcome = await this.#metadata.ask<CreateTopicResult[]>((token) => ({
      type: 'create-topics',
      token,
      topics,
      validateOnly,
    }));
    await this.#partitions.settled();
    return outcome;
  }

  /** Makes a topic that is asked for by name, with defaults (internal ones with theirs); NONE also when somebody else just did. */
  ensure(name: string): Promise<KafkaErrorRow> {
    const present = this.#making.get(name);
    if (present !== undefined) return present;
    const making = this.#ensure(name).finally(() => this.#making.delete(name));
    this.#making.set(name, making);
    return making;
  }

  async remove(topicIds: readonly string[]): Promise<Outcome<ItemResult[]>> {
    const outcome = await this.#metadata.ask<ItemResult[]>((token) => ({ type: 'delete-topics', token, topicIds }));
    await this.#partitions.settled();
    return outcome;
  }

  async #ensure(name: string): Promise<KafkaErrorRow> {
    if (this.#metadata.image.topics.has(name)) return Errors.NONE;
    const { error, body } = await this.create([this.#draft(name)], false);
    if (body === undefined) return error;
    return body[0].error === Errors.TOPIC_ALREADY_EXISTS ? Errors.NONE : body[0].error;
  }

  #draft(name: string): TopicDraft {
    if (name === GROUP_METADATA_TOPIC) return this.#offsetsTopic();
    return name === TRANSACTION_STATE_TOPIC ? this.#transactionTopic() : defaults(name);
  }

  #offsetsTopic(): TopicDraft {
    return {
      name: GROUP_METADATA_TOPIC,
      numPartitions: this.#config['offsets.topic.num.partitions'],
      replicationFactor: this.#config['offsets.topic.replication.factor'],
      assignments: [],
      configs: [
        { name: 'compression.type', value: 'producer' },
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'segment.bytes', value: String(this.#config['offsets.topic.segment.bytes']) },
      ],
    };
  }

  #transactionTopic(): TopicDraft {
    return {
      name: TRANSACTION_STATE_TOPIC,
      numPartitions: this.#config['transaction.state.log.num.partitions'],
      replicationFactor: this.#config['transaction.state.log.replication.factor'],
      assignments: [],
      configs: [
        { name: 'compression.type', value: 'uncompressed' },
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'min.insync.replicas', value: String(this.#config['transaction.state.log.min.isr']) },
        { name: 'segment.bytes', value: String(this.#config['transaction.state.log.segment.bytes']) },
        { name: 'unclean.leader.election.enable', value: 'false' },
      ],
    };
  }
}

function defaults(name: string): TopicDraft {
  return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] as ConfigEntry[] };
}

/** What the controller has to know about configuration. */
export function controllerRules({ config, given }: BrokerSettings): ControllerRules {
  return {
    numPartitions: config['num.partitions'],
    replicationFactor: config['default.replication.factor'],
    checkTopicConfig,
    topicConfigConflict: (overrides) => topicConfigConflict(topicConfig(Object.fromEntries(overrides), given)),
    listConfigDefault,
  };
}

/** `30s` and `5MB` are understood; stored is what Kafka's own tools write and read. */
function checkTopicConfig(name: string, value: string): { value: string } | { problem: string } {
  if (!Object.hasOwn(topicConfigTable, name)) return { problem: `Topics have no config '${name}'` };
  try {
    const parsed = parseConfigValue(name, topicConfigTable[name as keyof typeof topicConfigTable], value);
    const refusal = refusedTopicConfig(name, parsed);
    if (refusal !== undefined) return { problem: `${name}: ${value} is not allowed: ${refusal}` };
    return { value: formatConfigValue(parsed) ?? '' };
  } catch (error) {
    if (error instanceof KafkaError) return { problem: error.message };
    throw error;
  }
}

function listConfigDefault(name: string): string | undefined {
  const key = Object.hasOwn(topicConfigTable, name)
    ? topicConfigTable[name as keyof typeof topicConfigTable]
    : undefined;
  return key?.type === 'list' ? key.default.join(',') : undefined;
}
