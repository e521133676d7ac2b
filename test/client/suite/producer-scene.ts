/** What the producer and admin suites need of any Kafka: an admin, producers that are closed at the end, and plain Fetch requests to read back. */
import { randomUUID } from 'node:crypto';
import { Admin, Cluster, clientConfigTable, KafkaProducer, type KafkaProducerOptions, readClientConfig } from '#client';
import { silentLogger, systemClock, systemRandom } from '#core';
import { type Transport, tcpTransport } from '#net';
import { Apis, batches, type RawRecord, readRecords, toKafkaError } from '#protocol';
import { type Connect, type Connected, PATIENCE_MS } from './consumer-scene.ts';

/** Fetches by topic name. */
const FETCH_VERSION = 12;

export interface Stored {
  partition: number;
  offset: number;
  timestamp: number;
  key: string | null;
  value: string | null;
  headers: [string, string | null][];
}

export class ProducerScene {
  readonly admin: Admin;
  readonly #connected: Connected;
  readonly #cluster: Cluster;
  readonly #producers: KafkaProducer<never, never>[] = [];

  static async open(connect: Connect): Promise<ProducerScene> {
    return new ProducerScene(await connect());
  }

  private constructor(connected: Connected) {
    this.#connected = connected;
    const raw = { 'bootstrap.servers': connected.bootstrapServers };
    this.admin = Admin.create(raw, { transport: connected.transport });
    this.#cluster = new Cluster({
      config: readClientConfig(clientConfigTable, raw, 'suite', silentLogger),
      transport: this.#transport,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      allowAutoTopicCreation: false,
    });
  }

  get #transport(): Transport {
    return this.#connected.transport ?? tcpTransport();
  }

  /** A name that no other test has. */
  name(prefix: string): string {
    return `${prefix}-${randomUUID().slice(0, 8)}`;
  }

  /** A fresh topic that the cluster knows. */
  async topic(numPartitions = 1, configs: Record<string, string | number> = {}): Promise<string> {
    const name = this.name('topic');
    (await this.admin.createTopics([{ name, numPartitions, replicationFactor: 1, configs }])).all();
    await until(async () => (await this.admin.describeTopics([name])).errors.size === 0);
    return name;
  }

  producer<K = string | null, V = string | null>(
    config: Record<string, unknown> = {},
    options: KafkaProducerOptions<K, V> = {},
  ): KafkaProducer<K, V> {
    const raw = { 'bootstrap.servers': this.#connected.bootstrapServers, 'client.id': 'suite', ...config };
    const producer = new KafkaProducer<K, V>(raw, { transport: this.#transport, ...options });
    this.#producers.push(producer as KafkaProducer<never, never>);
    return producer;
  }

  /** Everything in a topic, partition by partition. */
  async stored(topic: string): Promise<Stored[]> {
    const deadlineMs = systemClock.monotonicMs() + PATIENCE_MS;
    const { partitions } = await this.#cluster.topic(topic, { deadlineMs });
    const all = partitions.map(({ partition }) => this.#storedIn(topic, partition));
    return (await Promise.all(all)).flat();
  }

  async close(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.close({ timeoutMs: 5_000 })));
    await this.#cluster.close();
    await this.admin.close();
  }

  async #storedIn(topic: string, partition: number): Promise<Stored[]> {
    const stored: Stored[] = [];
    for (let offset = 0; ; ) {
      const records = await this.#fetch(topic, partition, offset);
      if (records.length === 0) return stored;
      for (const record of records) if (record.offset >= offset) stored.push(storedOf(partition, record));
      offset = records[records.length - 1].offset + 1;
    }
  }

  async #fetch(topic: string, partition: number, fetchOffset: number): Promise<RawRecord[]> {
    const { leaderId } = this.#cluster.leader(topic, partition)!;
    const body = {
      maxWaitMs: 100,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 10_000_000 }] }],
    };
    const response = await this.#cluster.request(leaderId, Apis.Fetch, body, { version: FETCH_VERSION });
    const { errorCode, records } = response.responses[0].partitions[0];
    if (errorCode !== 0) throw toKafkaError(errorCode, `reading ${topic}-${partition}`);
    const found: RawRecord[] = [];
    for (const { position } of batches(records ?? Buffer.alloc(0))) {
      const cursor = readRecords(records as Buffer, position, { decompressedBytesMax: 1 << 28 });
      for (let one = cursor.next(); one !== undefined; one = cursor.next()) found.push(one);
    }
    return found;
  }
}

function storedOf(partition: number, { offset, timestamp, key, value, headers }: RawRecord): Stored {
  return {
    partition,
    offset,
    timestamp,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: headers.map((header) => [header.key, header.value?.toString() ?? null]),
  };
}

/** Waits until a cluster, which is told of a change before all of it knows, says the same. */
export async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + PATIENCE_MS;
  while (!(await isTrue())) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`it did not come true in ${PATIENCE_MS} ms`);
    await systemClock.sleep(25);
  }
}
