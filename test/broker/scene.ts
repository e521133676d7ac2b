/** A real broker on a memory disk, reached through the in-process network, under a clock that the test moves. */
import { Broker, type BrokerOptions } from '#broker';
import { type Logger, type LogLevel, ManualClock, seededRandom } from '#core';
import { type Connection, PipeNetwork, RequestChannel } from '#net';
import {
  type Api,
  Apis,
  buildBatch,
  type Draft,
  encodeRequest,
  type Infer,
  type MessageSchema,
  type RecordDraft,
} from '#protocol';
import { type Disk, memoryDisk } from '#storage';

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
}

/** Keeps what was logged. */
export class LogBook {
  readonly lines: LogLine[] = [];
  readonly logger: Logger = this.#make();

  at(level: LogLevel): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  #make(): Logger {
    const method = (level: LogLevel) => (first: object | string, second?: string) => {
      this.lines.push({ level, message: typeof first === 'string' ? first : (second ?? '') });
    };
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
    const methods = Object.fromEntries(levels.map((level) => [level, method(level)])) as unknown as Logger;
    methods.child = () => methods;
    return methods;
  }
}

export interface SceneOptions extends Pick<BrokerOptions, 'acceptor' | 'authorizer'> {
  readonly config?: Record<string, unknown>;
  readonly disk?: Disk;
  readonly clock?: ManualClock;
  /** Topics with one partition each, or `{ name: count }`. */
  readonly topics?: Record<string, number>;
}

export class Scene {
  readonly broker: Broker;
  readonly clock: ManualClock;
  readonly disk: Disk;
  readonly book: LogBook;
  readonly #network: PipeNetwork;
  readonly #channels: RequestChannel[] = [];
  #default: RequestChannel | undefined;

  static async start(options: SceneOptions = {}): Promise<Scene> {
    const clock = options.clock ?? new ManualClock();
    const network = new PipeNetwork(clock);
    const book = new LogBook();
    const disk = options.disk ?? memoryDisk();
    const broker = await Broker.start({
      config: {
        listeners: 'PLAINTEXT://127.0.0.1:9092',
        'log.dirs': '/data',
        'offsets.topic.num.partitions': 3,
        'group.initial.rebalance.delay.ms': 0,
        ...options.config,
      },
      disk,
      clock,
      random: seededRandom(1),
      logger: book.logger,
      acceptor: options.acceptor ?? network,
      authorizer: options.authorizer,
      network,
    });
    const scene = new Scene(broker, clock, disk, book, network);
    await scene.createTopics(options.topics ?? {});
    return scene;
  }

  private constructor(broker: Broker, clock: ManualClock, disk: Disk, book: LogBook, network: PipeNetwork) {
    this.broker = broker;
    this.clock = clock;
    this.disk = disk;
    this.book = book;
    this.#network = network;
  }

  /** A client of its own, with a connection of its own. */
  async client(clientId: string | null = 'test'): Promise<RequestChannel> {
    const connection = await this.raw();
    const channel = new RequestChannel(connection, { clientId, clock: this.clock, logger: this.book.logger });
    this.#channels.push(channel);
    return channel;
  }

  raw(): Promise<Connection> {
    return this.#network.connect(this.broker.host, this.broker.port);
  }

  /** Sends on a connection that all such calls share. Default: the newest version. */
  async send<Q extends MessageSchema, S extends MessageSchema>(
    api: Api<Q, S>,
    body: Draft<Q>,
    version: number = api.maxVersion,
  ): Promise<Infer<S>> {
    this.#default = this.#default === undefined || this.#default.isClosed ? await this.client() : this.#default;
    return this.#default.send(api, version, body, { timeoutMs: 600_000 });
  }

  async createTopics(topics: Record<string, number>): Promise<void> {
    if (Object.keys(topics).length === 0) return;
    const drafts = Object.entries(topics).map(([name, numPartitions]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      configs: [],
    }));
    const { topics: made } = await this.send(Apis.CreateTopics, { topics: drafts, timeoutMs: 1000 });
    const failed = made.find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw new Error(`${failed.name}: ${failed.errorMessage}`);
  }

  async topicId(name: string): Promise<string> {
    const { topics } = await this.send(Apis.Metadata, { topics: [{ name }], allowAutoTopicCreation: false });
    return topics[0].topicId;
  }

  /** Produces one batch to partition 0 with acks=all, by name. */
  async produce(topic: string, records: Buffer, options: { acks?: number; partition?: number; version?: number } = {}) {
    const { acks = -1, partition = 0, version = 9 } = options;
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }];
    const { responses } = await this.send(Apis.Produce, { acks, timeoutMs: 1000, topicData }, version);
    return responses[0].partitionResponses[0];
  }

  async close(): Promise<void> {
    for (const channel of this.#channels) channel.close();
    await this.broker.close();
  }
}

/** A batch of records with these values, as a producer sends it. */
export function batchOf(
  values: readonly string[],
  options: Parameters<typeof buildBatch>[1] & { timestamp?: number } = {},
): Buffer {
  const { timestamp = Date.UTC(2026, 0, 1), ...rest } = options;
  const records: RecordDraft[] = values.map((value) => ({ key: null, value: Buffer.from(value), timestamp }));
  return buildBatch(records, rest);
}

/** The bytes of a request with any key and version in its header. */
export function requestBytes(apiKey: number, version: number, body: Buffer, correlationId = 1): Buffer {
  const head = Buffer.alloc(4 + 10);
  head.writeInt32BE(10 + body.length, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(version, 6);
  head.writeInt32BE(correlationId, 8);
  head.writeInt16BE(-1, 12);
  return Buffer.concat([head, body]);
}

export function encodedRequest<Q extends MessageSchema>(
  api: Api<Q>,
  version: number,
  body: Draft<Q>,
  correlationId = 1,
): Buffer {
  return Buffer.concat(encodeRequest(api, version, correlationId, 'test', body));
}

/** Everything that comes back on a raw connection, and how it ended. */
export class RawClient {
  readonly connection: Connection;
  received = Buffer.alloc(0);
  isClosed = false;
  #pausesAfterOne = false;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.start({
      data: (chunk) => {
        this.received = Buffer.concat([this.received, chunk]);
        if (this.#pausesAfterOne) connection.pause();
      },
      drain: () => {},
      close: () => {
        this.isClosed = true;
      },
    });
  }

  write(...chunks: Buffer[]): void {
    this.connection.write(chunks);
  }

  /** Takes the next chunk, and no more. */
  readOne(): void {
    this.#pausesAfterOne = true;
    this.connection.resume();
  }

  /** Correlation ids of the replies so far, in order. */
  get correlationIds(): number[] {
    const ids: number[] = [];
    for (let at = 0; at + 8 <= this.received.length; at += 4 + this.received.readInt32BE(at))
      ids.push(this.received.readInt32BE(at + 4));
    return ids;
  }
}
