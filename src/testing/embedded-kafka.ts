/**
 * A Kafka for tests: the real broker on a memory disk, in the process of the test, reached through the in-process network (and, when
 * asked for, over TCP on a free port, for clients that know nothing of us). Nothing is shared between two of them and nothing stays behind.
 *
 *     const kafka = await EmbeddedKafka.start({ topics: ['orders'], partitions: 3 });
 *     const producer = new KafkaProducer({ 'bootstrap.servers': kafka.bootstrapServers }, { transport: kafka.transport });
 *     …
 *     await kafka.close();
 */
import { Broker } from '#broker';
import { type Clock, KafkaError, type Logger, type Random, silentLogger, systemClock, systemRandom } from '#core';
import { PipeNetwork, RequestChannel, type Transport, tcpAcceptor } from '#net';
import { Apis, toKafkaError } from '#protocol';
import { type Disk, memoryDisk } from '#storage';

/** The newest version of CreateTopics; the broker beside us has it. */
const CREATE_TOPICS_VERSION = 7;
/** Each Kafka without TCP has a network of its own, so they may all have the same address; nothing real listens there. */
const PIPE_PORT = 65_001;
const REQUEST_TIMEOUT_MS = 10_000;
const TOPIC_ALREADY_EXISTS = 36;

export interface EmbeddedTopic {
  readonly name: string;
  /** Default: `partitions` of the whole. */
  readonly partitions?: number;
  /** Topic configs by Kafka's names. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
}

export interface EmbeddedKafkaOptions {
  /** Topics that are there when `start` is fulfilled. */
  readonly topics?: readonly (string | EmbeddedTopic)[];
  /** Partitions of a topic that does not say; also `num.partitions` of topics that are made by asking for them. Default 1. */
  readonly partitions?: number;
  /** server.properties keys over those of a test broker. */
  readonly brokerProperties?: Readonly<Record<string, unknown>>;
  /** Listens on a free TCP port of 127.0.0.1 as well. Default false. */
  readonly tcp?: boolean;
  /** Default: a fresh memory disk. Hand in the disk of another one to start on what it left. */
  readonly disk?: Disk;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

export class EmbeddedKafka {
  readonly broker: Broker;
  /** Where everything is kept; a later `EmbeddedKafka` may start on it. */
  readonly disk: Disk;
  readonly #options: EmbeddedKafkaOptions;

  readonly #network: PipeNetwork;

  static async start(options: EmbeddedKafkaOptions = {}): Promise<EmbeddedKafka> {
    const network = new PipeNetwork(options.clock ?? systemClock);
    const kafka = await EmbeddedKafka.#open(
      options,
      options.disk ?? memoryDisk(),
      network,
      options.tcp === true ? 0 : PIPE_PORT,
    );
    await kafka.createTopics(...(options.topics ?? []));
    return kafka;
  }

  static async #open(
    options: EmbeddedKafkaOptions,
    disk: Disk,
    network: PipeNetwork,
    port: number,
  ): Promise<EmbeddedKafka> {
    const broker = await Broker.start({
      config: {
        listeners: `PLAINTEXT://127.0.0.1:${port}`,
        'log.dirs': '/embedded',
        'offsets.topic.num.partitions': 5,
        'num.partitions': options.partitions ?? 1,
        ...options.brokerProperties,
      },
      disk,
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      logger: options.logger ?? silentLogger,
      acceptor: options.tcp === true ? tcpAcceptor() : network,
      network,
    });
    return new EmbeddedKafka(broker, disk, network, options);
  }

  private constructor(broker: Broker, disk: Disk, network: PipeNetwork, options: EmbeddedKafkaOptions) {
    this.broker = broker;
    this.disk = disk;
    this.#network = network;
    this.#options = options;
  }

  /** For `bootstrap.servers`; over TCP only with `tcp: true`. */
  get bootstrapServers(): string {
    return this.broker.bootstrapServers;
  }

  /** The way to the broker inside the process. */
  get transport(): Transport {
    return this.broker.connect();
  }

  /** Makes the topics that are not there yet. @throws KafkaError with the broker's word for the first one that cannot be made */
  async createTopics(...topics: readonly (string | EmbeddedTopic)[]): Promise<void> {
    if (topics.length === 0) return;
    const drafts = topics.map((topic) => (typeof topic === 'string' ? { name: topic } : topic));
    const { host, port } = this.broker;
    const connection = await this.transport.connect(host, port);
    const clock = this.#options.clock ?? systemClock;
    const channel = new RequestChannel(connection, { clientId: 'embedded-kafka', clock, logger: silentLogger });
    try {
      const response = await channel.send(
        Apis.CreateTopics,
        CREATE_TOPICS_VERSION,
        { topics: drafts.map((draft) => this.#newTopic(draft)), timeoutMs: REQUEST_TIMEOUT_MS },
        { timeoutMs: REQUEST_TIMEOUT_MS },
      );
      for (const { name, errorCode, errorMessage } of response.topics) {
        if (errorCode !== 0 && errorCode !== TOPIC_ALREADY_EXISTS) {
          throw toKafkaError(errorCode, `topic ${name} cannot be made (${errorMessage})`);
        }
      }
    } finally {
      channel.close();
    }
  }

  /** Stops in order and starts again on what is on the disk, under the same address: clients find it again. This one is closed then. */
  async restart(): Promise<EmbeddedKafka> {
    const { port } = this.broker;
    await this.close();
    return EmbeddedKafka.#open(this.#options, this.disk, this.#network, port);
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.broker.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #newTopic({ name, partitions, configs }: EmbeddedTopic) {
    if (name === '') throw new KafkaError('INVALID_ARGUMENT', 'A topic needs a name.');
    return {
      name,
      numPartitions: partitions ?? this.#options.partitions ?? 1,
      replicationFactor: 1,
      configs: Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value: String(value) })),
    };
  }
}
