/** Making topics on this broker: with the ids and defaults the controller wants, and done only when their logs can be used. */
import type { Random } from '#core';
import { Errors, type KafkaErrorRow } from '#protocol';
import type { BrokerConfig } from '../config/settings.ts';
import {
  type ConfigEntry,
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
