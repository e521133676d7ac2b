/**
 * Spring's `KafkaAdmin`: makes the topics that an application declares as `NewTopic` beans, before its listeners start. Missing topics
 * are created, too few partitions are increased, never decreased; configs of topics that exist are changed only when asked for.
 */
import { Admin, type AdminOptions, type ConfigChange, resourceName, type TopicMetadata } from '#client';
import { errorText, KafkaError, type Logger, silentLogger } from '#core';
import type { NewTopic } from './new-topic.ts';

export type KafkaAdminOptions = AdminOptions & {
  /** Create topics at start. Default true. */
  isAutoCreate?: boolean;
  /** Fail the start when that cannot be done. Default false: it is logged. */
  isFatal?: boolean;
  /** Change configs of topics that exist. Default false. */
  modifiesTopicConfigs?: boolean;
  /** Default 30 000. */
  operationTimeoutMs?: number;
};

export class KafkaAdmin {
  readonly #config: Record<string, unknown>;
  readonly #options: KafkaAdminOptions;
  readonly #logger: Logger;

  constructor(config: Record<string, unknown>, options: KafkaAdminOptions = {}) {
    this.#config = config;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** What happens at start. @throws KafkaError only when failures are fatal. */
  async initialize(topics: readonly NewTopic[]): Promise<void> {
    if (this.#options.isAutoCreate === false || topics.length === 0) return;
    try {
      await this.createOrModifyTopics(...topics);
    } catch (error) {
      if (this.#options.isFatal === true) throw error;
      const names = topics.map(({ name }) => name).join(', ');
      this.#logger.error({ err: error }, `the topics ${names} could not be made: ${errorText(error)}`);
    }
  }

  /** @throws KafkaError of the first topic that fails. */
  async createOrModifyTopics(...topics: NewTopic[]): Promise<void> {
    await this.withAdmin(async (admin) => {
      const found = new Map(await this.#find(admin, names(topics)));
      const missing = topics.filter(({ name }) => !found.has(name));
      if (missing.length > 0) {
        const others = await this.#create(admin, missing);
        if (others.length > 0) for (const [name, topic] of await this.#find(admin, others)) found.set(name, topic);
      }
      const existing = topics.filter(({ name }) => found.has(name));
      await this.#grow(admin, existing, found);
      if (this.#options.modifiesTopicConfigs === true) await this.#modify(admin, existing);
    });
  }

  /** @throws KafkaError of the first topic that does not exist. */
  async describeTopics(...topicNames: string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    return this.withAdmin(async (admin) => (await admin.describeTopics(topicNames, this.#timeout())).all());
  }

  /** @throws KafkaError of the first topic that cannot be deleted. */
  async deleteTopics(...topicNames: string[]): Promise<void> {
    await this.withAdmin(async (admin) => (await admin.deleteTopics(topicNames, this.#timeout())).all());
  }

  async clusterId(): Promise<string> {
    return this.withAdmin(async (admin) => (await admin.describeCluster(this.#timeout())).clusterId);
  }

  /** Runs `work` with an admin client that is closed afterwards. */
  async withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = Admin.create(this.#config, this.#options);
    try {
      return await work(admin);
    } finally {
      await admin.close();
    }
  }

  /** Those of `topicNames` that exist. */
  async #find(admin: Admin, topicNames: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const found = await admin.describeTopics(topicNames, this.#timeout());
    throwOthers(found.errors, 'UNKNOWN_TOPIC_OR_PARTITION');
    return found.values;
  }

  /** Returns the names of those that somebody else has made meanwhile, perhaps otherwise than declared. */
  async #create(admin: Admin, topics: readonly NewTopic[]): Promise<string[]> {
    const results = await admin.createTopics(topics, this.#timeout());
    throwOthers(results.errors, 'TOPIC_ALREADY_EXISTS');
    const made = Array.from(
      results,
      ([name, { numPartitions }]) => `${name} (${numPartitions} ${numPartitions === 1 ? 'partition' : 'partitions'})`,
    );
    if (made.length > 0) this.#logger.info(`created ${made.length === 1 ? 'topic' : 'topics'} ${made.join(', ')}`);
    return [...results.errors.keys()];
  }

  async #grow(admin: Admin, topics: readonly NewTopic[], found: ReadonlyMap<string, TopicMetadata>): Promise<void> {
    const counts: Record<string, number> = {};
    for (const { name, numPartitions } of topics) {
      const existingCount = found.get(name)!.partitions.length;
      if (numPartitions === undefined || numPartitions === existingCount) continue;
      if (numPartitions > existingCount) counts[name] = numPartitions;
      else
        this.#logger.info(
          { topic: name },
          `topic ${name} has ${existingCount} partitions, more than the ${numPartitions} asked for`,
        );
    }
    if (Object.keys(counts).length === 0) return;
    throwOthers((await admin.createPartitions(counts, this.#timeout())).errors, 'INVALID_PARTITIONS');
    for (const [name, count] of Object.entries(counts))
      this.#logger.info({ topic: name }, `topic ${name} has ${count} partitions now`);
  }

  async #modify(admin: Admin, topics: readonly NewTopic[]): Promise<void> {
    const declared = topics.filter((topic) => Object.keys(topic.configs).length > 0);
    if (declared.length === 0) return;
    const resources = declared.map(({ name }) => ({ type: 'topic' as const, name }));
    const current = (await admin.describeConfigs(resources, this.#timeout())).all();
    const changes = declared.flatMap((topic): ConfigChange[] => {
      const entries = current.get(resourceName({ type: 'topic', name: topic.name }));
      const different = Object.entries(topic.configs).filter(([key, value]) => {
        const entry = entries?.get(key);
        if (entry === undefined)
          throw new KafkaError('INVALID_CONFIG', `topic ${topic.name}: the broker knows no topic config '${key}'`);
        return entry.value !== value;
      });
      if (different.length === 0) return [];
      return [
        {
          type: 'topic',
          name: topic.name,
          changes: different.map(([name, value]) => ({ name, operation: 'set', value })),
        },
      ];
    });
    if (changes.length > 0) (await admin.incrementalAlterConfigs(changes, this.#timeout())).all();
  }

  #timeout(): { timeoutMs: number } {
    return { timeoutMs: this.#options.operationTimeoutMs ?? 30_000 };
  }
}

function names(topics: readonly NewTopic[]): string[] {
  return topics.map(({ name }) => name);
}

/** Races with others who do the same are no failures. */
function throwOthers(errors: ReadonlyMap<string, KafkaError>, tolerated: string): void {
  for (const error of errors.values()) if (error.code !== tolerated) throw error;
}
