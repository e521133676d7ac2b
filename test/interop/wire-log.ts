/** What any broker says of a partition over the wire, asked by plain requests: everything that a log is for its clients. */
import { Cluster, clientConfigTable, readClientConfig } from '#client';
import { silentLogger, systemClock, systemRandom } from '#core';
import { tcpTransport } from '#net';
import { Apis, batches, errorByCode, readRecords, toKafkaError } from '#protocol';
import { until } from './until.ts';

export interface WireRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

/** What a reader of committed records is given at one offset. */
export interface CommittedFetch {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[] | null;
  /** Of the whole batches, from the one that holds the offset on. */
  readonly records: Buffer;
}

const READ_COMMITTED = 1;

/** Partition 0 of topics of one broker, node 1. Fetches by topic name, uncommitted records included, unless committed ones are asked for. */
export class WireLog {
  readonly #cluster: Cluster;

  static async connect(bootstrapServers: string): Promise<WireLog> {
    const raw = { 'bootstrap.servers': bootstrapServers };
    const cluster = new Cluster({
      config: readClientConfig(clientConfigTable, raw, 'wire', silentLogger),
      transport: tcpTransport(),
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      allowAutoTopicCreation: false,
    });
    await cluster.start();
    return new WireLog(cluster);
  }

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Waits until the broker leads the partition. */
  async opened(topic: string): Promise<void> {
    await this.#cluster.topic(topic, { deadlineMs: systemClock.now().monotonicMs + 120_000 });
    await until(`${topic} is led`, async () => (await this.#listOffsets(topic, -1)).errorCode === 0);
  }

  /** Every record that can be fetched from `fromOffset` on. */
  async records(topic: string, fromOffset: number): Promise<WireRecord[]> {
    const records: WireRecord[] = [];
    for (let offset = fromOffset; ; ) {
      const bytes = await this.#fetch(topic, offset);
      if (bytes.length === 0) return records;
      const found = recordsIn(bytes);
      records.push(...found.filter((record) => record.offset >= fromOffset));
      for (const { header } of batches(bytes)) offset = header.lastOffset + 1;
    }
  }

  /** Every whole batch that can be fetched from `fromOffset` on, back to back. */
  async batches(topic: string, fromOffset: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let offset = fromOffset; ; ) {
      const bytes = await this.#fetch(topic, offset);
      if (bytes.length === 0) return Buffer.concat(pieces);
      const whole = wholeBatches(bytes);
      pieces.push(whole);
      for (const { header } of batches(whole)) offset = header.lastOffset + 1;
    }
  }

  /** One fetch of committed records; at least one batch, however small `bytesMax` is. */
  async committed(topic: string, fetchOffset: number, bytesMax: number): Promise<CommittedFetch> {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: bytesMax }];
    const body = { maxWaitMs: 0, minBytes: 0, isolationLevel: READ_COMMITTED, topics: [{ topic, partitions }] };
    const response = await this.#cluster.request(1, Apis.Fetch, body, { version: 12 });
    const { errorCode, highWatermark, lastStableOffset, abortedTransactions, records } =
      response.responses[0].partitions[0];
    const whole = wholeBatches(records ?? Buffer.alloc(0));
    return { errorCode, highWatermark, lastStableOffset, abortedTransactions, records: whole };
  }

  /** As `offsetFor`, for a reader of committed records. */
  async committedOffsetFor(topic: string, timestamp: number): Promise<number> {
    return (await this.#listOffsets(topic, timestamp, READ_COMMITTED)).offset;
  }

  /** `timestamp`: of the first record that has at least it; or -1 the end, -2 the start, -3 the largest timestamp. */
  async offsetFor(
    topic: string,
    timestamp: number,
  ): Promise<{ offset: number; timestamp: number; leaderEpoch: number }> {
    const { errorCode, offset, timestamp: found, leaderEpoch } = await this.#listOffsets(topic, timestamp);
    if (errorCode !== 0) throw toKafkaError(errorCode, `the offset of ${timestamp} in ${topic}`);
    return { offset, timestamp: found, leaderEpoch };
  }

  async endOfEpoch(topic: string, leaderEpoch: number): Promise<{ leaderEpoch: number; endOffset: number }> {
    const partitions = [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch }];
    const body = { replicaId: -1, topics: [{ topic, partitions }] };
    const response = await this.#cluster.request(1, Apis.OffsetForLeaderEpoch, body, { version: 4 });
    const end = response.topics[0].partitions[0];
    if (end.errorCode !== 0) throw toKafkaError(end.errorCode, `the end of epoch ${leaderEpoch} in ${topic}`);
    return { leaderEpoch: end.leaderEpoch, endOffset: end.endOffset };
  }

  /** One batch with acks=all; the name of the error, and where it is. */
  async produce(topic: string, records: Buffer): Promise<{ error: string; baseOffset: number }> {
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
    const response = await this.#cluster.request(
      1,
      Apis.Produce,
      { acks: -1, timeoutMs: 10_000, topicData },
      { version: 9 },
    );
    const { errorCode, baseOffset } = response.responses[0].partitionResponses[0];
    return { error: errorByCode(errorCode).name, baseOffset };
  }

  close(): Promise<void> {
    return this.#cluster.close();
  }

  async #listOffsets(topic: string, timestamp: number, isolationLevel = 0) {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }];
    const body = { replicaId: -1, isolationLevel, topics };
    const response = await this.#cluster.request(1, Apis.ListOffsets, body, { version: 7 });
    return response.topics[0].partitions[0];
  }

  async #fetch(topic: string, fetchOffset: number): Promise<Buffer> {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }];
    const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] };
    const response = await this.#cluster.request(1, Apis.Fetch, body, { version: 12 });
    const { errorCode, records } = response.responses[0].partitions[0];
    if (errorCode !== 0) throw toKafkaError(errorCode, `reading ${topic} at ${fetchOffset}`);
    return records ?? Buffer.alloc(0);
  }
}

/** Kafka may cut the last one. */
function wholeBatches(bytes: Buffer): Buffer {
  let end = 0;
  while (bytes.length - end >= 12 && end + 12 + bytes.readInt32BE(end + 8) <= bytes.length)
    end += 12 + bytes.readInt32BE(end + 8);
  return bytes.subarray(0, end);
}

/** The records of whole batches. Control batches have none. */
export function recordsIn(bytes: Buffer): WireRecord[] {
  const found: WireRecord[] = [];
  for (const { position, header } of batches(bytes)) {
    if (header.isControl) continue;
    const cursor = readRecords(bytes, position, { decompressedBytesMax: 1 << 28 });
    for (let one = cursor.next(); one !== undefined; one = cursor.next()) {
      found.push({
        offset: one.offset,
        timestamp: one.timestamp,
        key: one.key?.toString() ?? null,
        value: one.value?.toString() ?? null,
        headers: one.headers.map((header) => [header.key, header.value?.toString() ?? null]),
      });
    }
  }
  return found;
}
