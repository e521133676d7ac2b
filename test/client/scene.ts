/**
 * A scripted peer for protocol-level tests: speaks Kafka's frames over the in-process network, answers as the test says, and
 * keeps a list of what it was asked. Answers of one connection keep the order of the requests, as a broker's do.
 */
import { ByteReader, type Clock, Deferred, ManualClock, seededRandom, silentLogger } from '#core';
import { type Connection, type Listening, PipeNetwork } from '#net';
import {
  type Api,
  type ApiName,
  Apis,
  apiByKey,
  type Draft,
  decode,
  decodeRequestHeader,
  encodeResponse,
  FrameReader,
  type Infer,
  type RequestHead,
} from '#protocol';

type RequestOf<N extends ApiName> = Infer<(typeof Apis)[N]['request']>;
type ResponseOf<N extends ApiName> = Draft<(typeof Apis)[N]['response']>;

/** `close` ends the connection, `silence` never answers, `none` is what a request gets that wants no answer. */
export type Answer<N extends ApiName> = ResponseOf<N> | InVersion<N> | 'close' | 'silence' | 'none';
/** An answer in the layout of another version than the request's, as brokers refuse an ApiVersions they do not know. */
export class InVersion<N extends ApiName> {
  readonly version: number;
  readonly body: ResponseOf<N>;

  constructor(version: number, body: ResponseOf<N>) {
    this.version = version;
    this.body = body;
  }
}

export type Handler<N extends ApiName> = (request: RequestOf<N>, version: number) => Answer<N> | Promise<Answer<N>>;

export interface Asked {
  api: ApiName;
  version: number;
  body: unknown;
  /** Number of the connection, from 0. */
  connection: number;
}

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

interface Reply {
  head: RequestHead;
  api: Api;
  answer: Answer<ApiName>;
}

export class FakeBroker {
  readonly nodeId: number;
  readonly asked: Asked[] = [];
  /** What ApiVersions says, where it is not everything. */
  readonly versions = new Map<ApiName, { min: number; max: number }>();
  connectionCount = 0;
  readonly #handlers = new Map<ApiName, Handler<ApiName>>();
  readonly #open = new Set<Connection>();
  #listening: Listening | undefined;

  constructor(nodeId = 1) {
    this.nodeId = nodeId;
    this.on('ApiVersions', () => ({ apiKeys: this.#apiKeys() }));
    this.on('InitProducerId', () => ({ producerId: 1000, producerEpoch: 0 }));
  }

  get port(): number {
    return this.#listening?.port ?? 0;
  }

  /** Connections that are open. */
  get openCount(): number {
    return this.#open.size;
  }

  get address(): string {
    return `fake:${this.port}`;
  }

  async listen(network: PipeNetwork, port = 0): Promise<this> {
    this.#listening = await network.listen('fake', port, (connection) => this.#accept(connection));
    return this;
  }

  /** Stops listening and drops all connections. */
  async stop(): Promise<void> {
    await this.#listening?.close();
    this.dropConnections();
  }

  dropConnections(): void {
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  on<N extends ApiName>(api: N, handler: Handler<N>): this {
    this.#handlers.set(api, handler as unknown as Handler<ApiName>);
    return this;
  }

  /** Requests of one API so far. */
  requests<N extends ApiName>(api: N): RequestOf<N>[] {
    return this.asked.filter((one) => one.api === api).map((one) => one.body as RequestOf<N>);
  }

  #accept(connection: Connection): void {
    const frames = new FrameReader(64 * 1024 * 1024);
    const number = this.connectionCount++;
    this.#open.add(connection);
    let previous: Promise<unknown> = Promise.resolve();
    connection.start({
      data: (chunk) => {
        frames.push(chunk);
        for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
          const answered = this.#handle(frame, number);
          previous = previous.then(async () => {
            const reply = await answered;
            // What follows on this connection has to wait for an answer that does not come.
            if (reply.answer === 'silence') await new Promise(() => {});
            this.#reply(connection, reply);
          });
        }
      },
      drain: () => {},
      close: () => this.#open.delete(connection),
    });
  }

  async #handle(frame: Buffer, connection: number): Promise<Reply> {
    const reader = new ByteReader(frame);
    const head = decodeRequestHeader(reader);
    const api = apiByKey(head.apiKey) as Api;
    const body = decode(api.request, head.apiVersion, reader);
    const name = api.name as ApiName;
    this.asked.push({ api: name, version: head.apiVersion, body, connection });
    const handler = this.#handlers.get(name);
    if (handler === undefined) throw new Error(`the test says nothing about ${name}`);
    return { head, api, answer: await handler(body as never, head.apiVersion) };
  }

  #reply(connection: Connection, { head, api, answer }: Reply): void {
    if (answer === 'none') return;
    if (answer === 'close') connection.close();
    else {
      const { version, body } = answer instanceof InVersion ? answer : { version: head.apiVersion, body: answer };
      connection.write(encodeResponse(api, version, head.correlationId, body as never));
    }
  }

  #apiKeys() {
    return Object.values<Api>(Apis).map((api) => {
      const range = this.versions.get(api.name as ApiName) ?? { min: api.minVersion, max: api.maxVersion };
      return { apiKey: api.key, minVersion: range.min, maxVersion: range.max };
    });
  }
}

/** A cluster of fake brokers that agree on their metadata. */
export class FakeCluster {
  readonly clock: ManualClock;
  readonly network: PipeNetwork;
  readonly brokers: FakeBroker[] = [];
  /** Leader (node id) of each partition, by topic. */
  readonly leaders = new Map<string, number[]>();
  readonly leaderEpochs = new Map<string, number>();
  topicId = TOPIC_ID;

  private constructor(clock: ManualClock) {
    this.clock = clock;
    this.network = new PipeNetwork(clock);
  }

  static async start(brokerCount = 1): Promise<FakeCluster> {
    const cluster = new FakeCluster(new ManualClock());
    for (let nodeId = 1; nodeId <= brokerCount; nodeId++) {
      const broker = await new FakeBroker(nodeId).listen(cluster.network);
      broker.on('Metadata', (request) => cluster.metadata(request.topics?.map((topic) => topic.name ?? '') ?? null));
      cluster.brokers.push(broker);
    }
    return cluster;
  }

  get broker(): FakeBroker {
    return this.brokers[0];
  }

  get bootstrapServers(): string {
    return this.brokers.map((broker) => broker.address).join(',');
  }

  /** What a client is made with. */
  get options() {
    return { transport: this.network, clock: this.clock as Clock, random: seededRandom(7), logger: silentLogger };
  }

  /** All requests of one API, of all brokers. */
  requests<N extends ApiName>(api: N): RequestOf<N>[] {
    return this.brokers.flatMap((broker) => broker.requests(api));
  }

  on<N extends ApiName>(api: N, handler: Handler<N>): this {
    for (const broker of this.brokers) broker.on(api, handler);
    return this;
  }

  metadata(names: string[] | null): ResponseOf<'Metadata'> {
    const asked = names ?? [...this.leaders.keys()];
    return {
      brokers: this.brokers.map(({ nodeId, port }) => ({ nodeId, host: 'fake', port })),
      clusterId: 'fake-cluster',
      controllerId: 1,
      topics: asked.map((name) => this.#topic(name)),
    };
  }

  #topic(name: string) {
    const leaders = this.leaders.get(name);
    if (leaders === undefined) return { errorCode: 3, name };
    const leaderEpoch = this.leaderEpochs.get(name) ?? 0;
    const partitions = leaders.map((leaderId, partitionIndex) => {
      return { partitionIndex, leaderId, leaderEpoch, replicaNodes: [leaderId], isrNodes: [leaderId] };
    });
    return { errorCode: 0, name, topicId: this.topicId, partitions };
  }
}

/** An answer that the test gives later. */
export class Held<T> extends Deferred<T> {}
