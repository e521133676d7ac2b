/**
 * One fake broker on an in-process network under a clock that stands still: it answers what a test does not care about, in
 * Kafka's order (one request of a connection at a time), and lets the test answer the rest.
 */
import { ByteReader, ManualClock, seededRandom, silentLogger, type Uuid } from '#core';
import { type Connection, PipeNetwork } from '#net';
import {
  type Api,
  Apis,
  apiByKey,
  buildBatch,
  type Draft,
  decode,
  decodeRequestHeader,
  Errors,
  encodeResponse,
  type FetchRequest,
  FrameReader,
  type Infer,
  type MessageSchema,
} from '#protocol';
import type { Deserializer } from '#serde';
import { KafkaConsumer, type KafkaConsumerOptions } from '../../../src/client/consumer/index.ts';

export const BROKER_ID = 1;
export const TOPIC_ID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ';

type ApiNamed<Name extends keyof typeof Apis> = (typeof Apis)[Name];
type RequestOf<A> = A extends Api<infer Q, infer _S> ? Infer<Q> : never;
type ResponseOf<A> = A extends Api<infer _Q, infer S> ? Draft<S> : never;

/** What a test says to a request: an answer now or later; `undefined` closes the connection. */
export type Answerer<A> = (
  body: RequestOf<A>,
  at: { version: number; connection: number },
) => ResponseOf<A> | undefined | Promise<ResponseOf<A> | undefined>;

interface SeenRequest {
  readonly api: string;
  readonly version: number;
  /** Number of the connection it came on, in order of opening. */
  readonly connection: number;
  readonly body: unknown;
}

export class FakeBroker {
  readonly clock = new ManualClock();
  readonly network = new PipeNetwork(this.clock);
  readonly seen: SeenRequest[] = [];
  /** Topic → number of partitions. */
  readonly topics = new Map<string, number>([['t', 1]]);
  /** `topic-partition` → batches, in offset order. */
  readonly logs = new Map<string, Buffer[]>();
  readonly committed = new Map<string, number>();
  leaderEpoch = 0;
  /** Ids of topics that were created again. */
  readonly topicIds = new Map<string, Uuid>();
  readonly #answerers = new Map<string, Answerer<unknown>>();
  readonly #consumers: KafkaConsumer<unknown, unknown>[] = [];
  #connections: Connection[] = [];
  #port = 0;

  static async start(): Promise<FakeBroker> {
    const broker = new FakeBroker();
    const { port } = await broker.network.listen('broker', 0, (connection) => broker.#accept(connection));
    broker.#port = port;
    return broker;
  }

  /** How requests of an API are answered from now on. */
  on<Name extends keyof typeof Apis>(name: Name, answerer: Answerer<ApiNamed<Name>>): void {
    this.#answerers.set(name, answerer as Answerer<unknown>);
  }

  consumer<K = string, V = string>(
    config: Record<string, unknown> = {},
    options: KafkaConsumerOptions<K, V> = {},
  ): KafkaConsumer<K, V> {
    const consumer = new KafkaConsumer<K, V>(
      {
        'bootstrap.servers': `broker:${this.#port}`,
        'key.deserializer': 'string',
        'value.deserializer': 'string',
        'auto.offset.reset': 'earliest',
        ...config,
      },
      { transport: this.network, clock: this.clock, random: seededRandom(1), logger: silentLogger, ...options },
    );
    this.#consumers.push(consumer);
    return consumer;
  }

  /** The answer that a test wants to change, or to give later. */
  usual<Name extends keyof typeof Apis>(
    name: Name,
    body: RequestOf<ApiNamed<Name>>,
  ): Promise<ResponseOf<ApiNamed<Name>>> {
    return DEFAULTS[name].call(this, body as never, { version: 0, connection: 0 }) as Promise<
      ResponseOf<ApiNamed<Name>>
    >;
  }

  /** Appends one batch of values to a partition. */
  append(topic: string, partition: number, values: string[], options: Parameters<typeof buildBatch>[1] = {}): void {
    const log = this.#log(topic, partition);
    const records = values.map((value) => ({
      key: null,
      value: Buffer.from(value),
      timestamp: this.clock.now().wallMs,
    }));
    const baseOffset = this.endOffset(topic, partition);
    log.push(buildBatch(records, { baseOffset, partitionLeaderEpoch: this.leaderEpoch, ...options }));
  }

  endOffset(topic: string, partition: number): number {
    const last = this.#log(topic, partition).at(-1);
    return last === undefined ? 0 : Number(last.readBigInt64BE(0)) + last.readInt32BE(23) + 1;
  }

  /** Requests of one API so far, oldest first. */
  requests<Name extends keyof typeof Apis>(name: Name): RequestOf<ApiNamed<Name>>[] {
    return this.seen.filter(({ api }) => api === name).map(({ body }) => body as RequestOf<ApiNamed<Name>>);
  }

  /** Breaks every connection. */
  dropConnections(): void {
    for (const connection of this.#connections) connection.close(new Error('broken by the test'));
    this.#connections = [];
  }

  /** Runs the clock in steps while `promise` is pending; a poll that never ends fails the test by itself. */
  async during<T>(promise: Promise<T>, mostMs = 120_000, stepMs = 10): Promise<T> {
    let isSettled = false;
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    for (let passedMs = 0; passedMs <= mostMs; passedMs += stepMs) {
      await this.clock.settle();
      if (isSettled) return promise;
      await this.clock.advance(stepMs);
    }
    throw new Error(`still pending after ${mostMs} ms`);
  }

  async close(): Promise<void> {
    for (const consumer of this.#consumers) await this.during(consumer.close({ timeoutMs: 1_000 }));
  }

  #log(topic: string, partition: number): Buffer[] {
    const key = `${topic}-${partition}`;
    const log = this.logs.get(key) ?? [];
    this.logs.set(key, log);
    return log;
  }

  #accept(connection: Connection): void {
    const number = this.#connections.push(connection);
    const frames = new FrameReader(1_000_000);
    let queue = Promise.resolve();
    connection.start({
      data: (chunk) => {
        frames.push(chunk);
        for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
          const request = frame;
          queue = queue.then(() => this.#serve(connection, number, request));
        }
      },
      drain: () => {},
      close: () => {},
    });
  }

  async #serve(connection: Connection, number: number, frame: Buffer): Promise<void> {
    const reader = new ByteReader(frame);
    const head = decodeRequestHeader(reader);
    const api = apiByKey(head.apiKey) as Api;
    const body = decode(api.request, head.apiVersion, reader);
    this.seen.push({ api: api.name, version: head.apiVersion, connection: number, body });
    const answerer = this.#answerers.get(api.name) ?? DEFAULTS[api.name];
    if (answerer === undefined) throw new Error(`the fake broker has no answer to ${api.name}`);
    const response = await answerer.call(this, body as never, { version: head.apiVersion, connection: number });
    if (response === undefined) connection.close(new Error('refused by the test'));
    else connection.write(encodeResponse(api, head.apiVersion, head.correlationId, response as Draft<MessageSchema>));
  }

  get address(): { host: string; port: number } {
    return { host: 'broker', port: this.#port };
  }
}

/** Answers that are right for most tests. A fetch at the end of the log waits as long as it may. */
const DEFAULTS: Record<
  string,
  (this: FakeBroker, body: never, at: { version: number; connection: number }) => unknown
> = {
  ApiVersions: () => ({
    apiKeys: Object.values(Apis).map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion })),
  }),
  Metadata(body: RequestOf<ApiNamed<'Metadata'>>) {
    const names = body.topics?.map(({ name }) => name as string) ?? [...this.topics.keys()];
    return {
      brokers: [{ nodeId: BROKER_ID, ...this.address }],
      clusterId: 'fake',
      controllerId: BROKER_ID,
      topics: names.map((name) => metadataOf(this, name)),
    };
  },
  FindCoordinator(body: RequestOf<ApiNamed<'FindCoordinator'>>) {
    return {
      coordinators: body.coordinatorKeys.map((key) => ({ key, nodeId: BROKER_ID, ...this.address, errorCode: 0 })),
    };
  },
  async Fetch(body: Infer<typeof FetchRequest>) {
    const answer = () => fetchAnswer(this, body);
    if (answer().responses.every(({ partitions }) => partitions.every(({ records }) => records.length === 0))) {
      await this.clock.sleep(body.maxWaitMs);
    }
    return answer();
  },
  ListOffsets(body: RequestOf<ApiNamed<'ListOffsets'>>) {
    return {
      topics: body.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          offset: timestamp === -2 ? 0 : this.endOffset(name, partitionIndex),
          timestamp: -1,
          leaderEpoch: this.leaderEpoch,
        })),
      })),
    };
  },
  OffsetFetch(body: RequestOf<ApiNamed<'OffsetFetch'>>) {
    return {
      groups: body.groups.map(({ groupId, topics }) => ({
        groupId,
        topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({
            partitionIndex,
            committedOffset: this.committed.get(`${name}-${partitionIndex}`) ?? -1,
            metadata: '',
            errorCode: 0,
          })),
        })),
      })),
    };
  },
  OffsetCommit(body: RequestOf<ApiNamed<'OffsetCommit'>>) {
    for (const { name, partitions } of body.topics) {
      for (const { partitionIndex, committedOffset } of partitions)
        this.committed.set(`${name}-${partitionIndex}`, committedOffset);
    }
    return commitAnswer(body, Errors.NONE.code);
  },
  Heartbeat: () => ({}),
  LeaveGroup: () => ({}),
};

export function commitAnswer(
  body: RequestOf<ApiNamed<'OffsetCommit'>>,
  errorCode: number,
): ResponseOf<ApiNamed<'OffsetCommit'>> {
  return {
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  };
}

function metadataOf(broker: FakeBroker, name: string) {
  const count = broker.topics.get(name);
  const { leaderEpoch } = broker;
  if (count === undefined) return { name, errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION.code };
  const partitions = Array.from({ length: count }, (_one, partitionIndex) => ({
    partitionIndex,
    leaderId: BROKER_ID,
    leaderEpoch,
    replicaNodes: [BROKER_ID],
    isrNodes: [BROKER_ID],
    errorCode: 0,
  }));
  return { name, topicId: topicIdOf(broker, name), isInternal: name.startsWith('__'), partitions };
}

/** Ids made of the names. */
function topicIdOf(broker: FakeBroker, name: string): Uuid {
  const given = broker.topicIds.get(name);
  if (given !== undefined) return given;
  return name === 't' ? TOPIC_ID : Buffer.from(name.padEnd(16, '.').slice(0, 16)).toString('base64url');
}

function fetchAnswer(broker: FakeBroker, body: Infer<typeof FetchRequest>) {
  const names = new Map([...broker.topics.keys()].map((name) => [topicIdOf(broker, name), name]));
  return {
    responses: body.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
        const name = topic === '' ? names.get(topicId) : topic;
        if (name === undefined)
          return { partitionIndex: partition, errorCode: Errors.UNKNOWN_TOPIC_ID.code, records: Buffer.alloc(0) };
        const highWatermark = broker.endOffset(name, partition);
        const log = broker.logs.get(`${name}-${partition}`) ?? [];
        return { partitionIndex: partition, highWatermark, records: slice(log, fetchOffset, partitionMaxBytes) };
      }),
    })),
  };
}

/** Whole batches from the one that holds `fetchOffset`, at least one. */
function slice(log: readonly Buffer[], fetchOffset: number, bytesMax: number): Buffer {
  const chosen: Buffer[] = [];
  let bytes = 0;
  for (const batch of log) {
    const lastOffset = Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23);
    if (lastOffset < fetchOffset) continue;
    if (chosen.length > 0 && bytes + batch.length > bytesMax) break;
    chosen.push(batch);
    bytes += batch.length;
  }
  return Buffer.concat(chosen);
}

/** A deserializer that refuses one text. */
export function refusing(text: string): Deserializer<string> {
  return {
    deserialize(_topic, bytes) {
      if (bytes?.toString() === text) throw new Error(`refused ${text}`);
      return String(bytes);
    },
  };
}
