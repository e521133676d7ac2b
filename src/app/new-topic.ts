/** Topics that an application wants: beans of `NewTopic`, made by `TopicBuilder`; `KafkaAdmin` creates the missing ones at start. */
import { assert } from '#core';

export class NewTopic {
  readonly name: string;
  /** Undefined: the broker's default. */
  readonly numPartitions: number | undefined;
  /** Undefined: the broker's default. */
  readonly replicationFactor: number | undefined;
  /** Topic configs under Kafka's names. */
  readonly configs: Readonly<Record<string, string>>;

  constructor(
    name: string,
    options: { numPartitions?: number; replicationFactor?: number; configs?: Record<string, string> } = {},
  ) {
    this.name = name;
    this.numPartitions = options.numPartitions;
    this.replicationFactor = options.replicationFactor;
    this.configs = { ...options.configs };
  }
}

/** Several topics as one bean. */
export class NewTopics {
  readonly topics: readonly NewTopic[];

  constructor(...topics: NewTopic[]) {
    this.topics = topics;
  }
}

/** `TopicBuilder.name('orders').partitions(3).config('retention.ms', '60000').build()`. */
export class TopicBuilder {
  readonly #name: string;
  readonly #configs: Record<string, string> = {};
  #numPartitions: number | undefined;
  #replicationFactor: number | undefined;

  private constructor(name: string) {
    assert(name !== '', 'a topic has a name');
    this.#name = name;
  }

  static name(name: string): TopicBuilder {
    return new TopicBuilder(name);
  }

  partitions(count: number): this {
    this.#numPartitions = count;
    return this;
  }

  replicas(count: number): this {
    this.#replicationFactor = count;
    return this;
  }

  config(key: string, value: string | number | boolean): this {
    this.#configs[key] = String(value);
    return this;
  }

  configs(configs: Readonly<Record<string, string | number | boolean>>): this {
    for (const [key, value] of Object.entries(configs)) this.config(key, value);
    return this;
  }

  compact(): this {
    return this.config('cleanup.policy', 'compact');
  }

  build(): NewTopic {
    return new NewTopic(this.#name, {
      numPartitions: this.#numPartitions,
      replicationFactor: this.#replicationFactor,
      configs: this.#configs,
    });
  }
}
