/** The table of malformed batches, sent by raw Produce to Apache Kafka 4.4.0 and to our broker: what each answers, and what is stored. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger, systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { Apis, errorByCode, readBatchHeader, verifyBatchCrc } from '#protocol';
import { type BatchCase, batchCases, type Outcome } from '../storage/malformed-batches.ts';
import { type Broker, bothBrokers, onBoth } from './kafka/brokers.ts';
import { until } from './until.ts';

interface Seen {
  readonly outcome: Outcome;
  /** What the stored header says, times counted from when the batch was made; undefined when nothing was stored. */
  readonly stored: object | undefined;
}

const PRODUCE_VERSION = 12;
const BYTES_MAX = 100_000_000;

/** One broker, asked case by case over one connection. */
class Questioner {
  readonly #channel: RequestChannel;

  static async connect(bootstrapServers: string): Promise<Questioner> {
    const [host, port] = bootstrapServers.split(':');
    const connection = await tcpTransport().connect(host, Number(port));
    const options = { clientId: 'malformed', clock: systemClock, logger: silentLogger };
    return new Questioner(new RequestChannel(connection, options));
  }

  private constructor(channel: RequestChannel) {
    this.#channel = channel;
  }

  close(): void {
    this.#channel.close();
  }

  async createTopics(): Promise<void> {
    const configs = new Map(batchCases.map(({ config }) => [topicOf(config), config]));
    const topics = [...configs].map(([name, config]) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }));
    const { topics: made } = await this.#channel.send(Apis.CreateTopics, 7, { topics, timeoutMs: 30_000 }, ALLOWED);
    expect(made.filter(({ errorCode }) => errorCode !== 0)).toEqual([]);
    for (const { name } of topics) await until(`${name} is led`, async () => (await this.#endOffset(name)) === 0);
  }

  async ask(batchCase: BatchCase): Promise<Seen> {
    const topic = topicOf(batchCase.config);
    const start = await this.#endOffset(topic);
    const now = Date.now();
    const topicData = [{ name: topic, partitionData: [{ index: 0, records: batchCase.batch(now) }] }];
    const version = batchCase.version ?? PRODUCE_VERSION;
    const body = { acks: -1, timeoutMs: 30_000, topicData };
    const { responses } = await this.#channel.send(Apis.Produce, version, body, ALLOWED);
    const { errorCode, recordErrors = [] } = responses[0].partitionResponses[0];
    const end = await this.#endOffset(topic);
    if (errorCode === 0) return { outcome: end - start, stored: await this.#stored(topic, start, now) };
    expect([batchCase.name, end]).toEqual([batchCase.name, start]);
    const indices = recordErrors.map(({ batchIndex }) => batchIndex).join(',');
    return { outcome: `${errorByCode(errorCode).name} ${indices}`.trim() as Outcome, stored: undefined };
  }

  /** -1 while the topic is not known everywhere. */
  async #endOffset(topic: string): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
    const answer = await this.#channel.send(Apis.ListOffsets, 7, { replicaId: -1, topics }, ALLOWED);
    return answer.topics[0].partitions[0].offset;
  }

  async #stored(topic: string, offset: number, now: number): Promise<object> {
    const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: BYTES_MAX }];
    const body = { maxWaitMs: 0, minBytes: 0, maxBytes: BYTES_MAX, topics: [{ topic, partitions }] };
    const { responses } = await this.#channel.send(Apis.Fetch, 12, body, ALLOWED);
    const records = responses[0].partitions[0].records as Buffer;
    const header = readBatchHeader(records, 0);
    expect(verifyBatchCrc(records, 0, header)).toBe(true);
    const { compression, timestampType, lastOffsetDelta, recordCount, producerId, producerEpoch, baseSequence } =
      header;
    const maxTimestamp = timestampType === 'append' ? undefined : header.maxTimestamp;
    return {
      ...{ compression, timestampType, lastOffsetDelta, recordCount, producerId, producerEpoch, baseSequence },
      maxTimestamp: maxTimestamp === undefined || maxTimestamp < 1e12 ? maxTimestamp : maxTimestamp - now,
    };
  }
}

const ALLOWED = { timeoutMs: 60_000 };

function topicOf(config: Readonly<Record<string, string>>): string {
  const text = Object.entries(config).map(([key, value]) => `${key}-${value}`);
  return ['malformed', ...text].join('.').slice(0, 249);
}

async function askAll(broker: Broker): Promise<Map<string, Seen>> {
  const questioner = await Questioner.connect(broker.bootstrapServers);
  try {
    await questioner.createTopics();
    const seen = new Map<string, Seen>();
    for (const batchCase of batchCases) seen.set(batchCase.name, await questioner.ask(batchCase));
    return seen;
  } finally {
    questioner.close();
  }
}

describe('malformed batches', () => {
  const brokers = bothBrokers();
  let kafka: Map<string, Seen>;
  let ours: Map<string, Seen>;

  beforeAll(async () => {
    ({ 'Apache Kafka': kafka, springtide: ours } = await onBoth((name) => askAll(brokers[name])));
  });

  const told = (seen: Map<string, Seen>) => [...seen].map(([name, { outcome }]) => `${name}: ${outcome}`);

  test('are answered by Apache Kafka as the table says', () => {
    expect(told(kafka)).toEqual(batchCases.map((batchCase) => `${batchCase.name}: ${batchCase.kafka}`));
  });

  test('are answered by us as the table says', () => {
    expect(told(ours)).toEqual(batchCases.map((batchCase) => `${batchCase.name}: ${batchCase.ours}`));
  });

  test('are stored under the same header, where both take them', () => {
    const both = batchCases.filter(
      ({ name }) => kafka.get(name)?.stored !== undefined && ours.get(name)?.stored !== undefined,
    );
    const headers = (seen: Map<string, Seen>) => both.map(({ name }) => [name, seen.get(name)?.stored]);
    expect(headers(ours)).toEqual(headers(kafka));
    expect(both.length).toBeGreaterThan(100);
  });

  test('have names of their own', () => {
    expect(kafka.size).toBe(batchCases.length);
  });
});
