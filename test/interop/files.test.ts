/** The files of one broker in the hands of the other: Kafka's dump-log on ours, our storage on Kafka's. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KafkaProducer, ProducerRecord } from '#client';
import { seededRandom, silentLogger, systemClock } from '#core';
import { readRecords } from '#protocol';
import { LogDirectory, nodeDisk, type PartitionLog } from '#storage';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { type ApacheKafka, kafkaTool, startApacheKafka } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const RECORDS_PER_CODEC = 2_000;

/** Sends 2,000 records with each codec to a topic of its own, through several small segments. */
async function fill(bootstrapServers: string): Promise<void> {
  for (const codec of CODECS) {
    const producer = new KafkaProducer<string, string>({
      'bootstrap.servers': bootstrapServers,
      'compression.type': codec,
      'key.serializer': 'string',
      'value.serializer': 'string',
    });
    for (let n = 0; n < RECORDS_PER_CODEC; n++) {
      producer.send(new ProducerRecord<string, string>(`files-${codec}`, 0, `key-${n % 10}`, textOf(n)));
      if (n % 100 === 99) await producer.flush();
    }
    await producer.close();
  }
}

function textOf(n: number): string {
  return `value ${n} ${'x'.repeat(n % 200)}`;
}

async function dump(...args: string[]): Promise<string> {
  const result = await kafkaTool('dump-log', args);
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  expect(result.stdout).not.toMatch(
    /isvalid: false|Mismatches|Found (?:timestamp|out of order)|Index sanity check failed|Could not/i,
  );
  return result.stdout;
}

describe('kafka-dump-log on files that we wrote', () => {
  const tend = tendBrokers();
  let server: SpringtideServer;
  let files: (topic: string, ending: string) => string;

  beforeAll(async () => {
    const overrides = ['log.segment.bytes=1048576', 'log.index.interval.bytes=512'];
    server = await tend(startSpringtide({ overrides }));
    await fill(server.bootstrapServers);
    const group = [
      '--topic',
      'files-none',
      '--group',
      'dumped',
      '--from-beginning',
      '--max-messages',
      '10',
      '--timeout-ms',
      '100000',
    ];
    await kafkaTool('console-consumer', ['--bootstrap-server', server.bootstrapServers, ...group]);
    await server.stop();
    files = (topic, ending) => {
      const folder = join(server.dataFolder, topic);
      return readdirSync(folder)
        .filter((name) => name.endsWith(ending))
        .sort()
        .map((name) => join(folder, name))
        .join(',');
    };
  });

  test.each(CODECS)('reads every record of a log compressed with %s', async (codec) => {
    const text = await dump('--deep-iteration', '--print-data-log', '--files', files(`files-${codec}-0`, '.log'));
    const payloads = [...text.matchAll(/payload: (.*)$/gm)].map((match) => match[1]);
    expect(payloads).toEqual(Array.from({ length: RECORDS_PER_CODEC }, (_, n) => textOf(n)));
    expect(text.match(/compresscodec: (\w+)/)?.[1]).toBe(codec);
  });

  test('finds the offset and time indexes consistent with the log', async () => {
    expect(await dump('--files', files('files-none-0', '.index'))).toMatch(/offset: \d+ position: \d+/);
    expect(await dump('--files', files('files-none-0', '.timeindex'))).toMatch(/timestamp: \d+ offset: \d+/);
    expect(await dump('--index-sanity-check', '--files', files('files-none-0', '.index'))).toContain(
      'passed sanity check',
    );
  });

  test('reads the producer snapshot', async () => {
    expect(await dump('--files', files('files-none-0', '.snapshot'))).toMatch(/producerId: \d+ producerEpoch: 0/);
  });

  test('decodes the cluster metadata', async () => {
    const text = await dump('--cluster-metadata-decoder', '--files', files('__cluster_metadata-0', '.log'));
    expect(text).toMatch(/LeaderChange: .*"leaderId":1/);
    expect(text).toMatch(/"type":"TOPIC_RECORD".*"name":"files-zstd"/);
    expect(text).toMatch(/"type":"PRODUCER_IDS_RECORD"/);
  });

  test('decodes the committed offsets and the group', async () => {
    const logs = readdirSync(server.dataFolder).filter((name) => name.startsWith('__consumer_offsets-'));
    const texts = await dump('--offsets-decoder', '--files', logs.map((name) => files(name, '.log')).join(','));
    expect(texts).toMatch(/"group":"dumped","topic":"files-none","partition":0.*"offset":10/);
    expect(texts).toMatch(/"protocolType":"consumer"/);
  });
});

describe('our storage on a partition that Apache Kafka wrote', () => {
  const tend = tendBrokers();
  let kafka: ApacheKafka;
  let folder: string;
  let directory: LogDirectory;

  beforeAll(async () => {
    kafka = await tend(startApacheKafka());
    await fill(kafka.bootstrapServers);
    await kafka.stop();
    folder = mkdtempSync(join(tmpdir(), 'springtide-files-'));
    for (const name of ['meta.properties', ...CODECS.map((codec) => `files-${codec}-0`)]) {
      cpSync(join(kafka.dataFolder, name), join(folder, name), { recursive: true });
    }
    directory = await LogDirectory.open({
      disk: nodeDisk(),
      path: folder,
      clock: systemClock,
      random: seededRandom(1),
      logger: silentLogger,
      nodeId: 1,
      durability: 'os',
    });
  });

  afterAll(async () => {
    await directory.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(CODECS)('reads every record compressed with %s at its offset', async (codec) => {
    const log = directory.get(`files-${codec}`, 0);
    expect(await valuesOf(log as PartitionLog)).toEqual(
      Array.from({ length: RECORDS_PER_CODEC }, (_, n) => [n, textOf(n)]),
    );
  });
});

async function valuesOf(log: PartitionLog): Promise<[number, string][]> {
  const values: [number, string][] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const read = await log.read(offset, { bytesMax: 65_536, endOffsetMax: log.logEndOffset, atLeastOneBatch: true });
    expect(read.error).toBeUndefined();
    const bytes = Buffer.concat(read.records);
    for (let position = 0; position < bytes.length; position += bytes.readInt32BE(position + 8) + 12) {
      const cursor = readRecords(bytes, position, { decompressedBytesMax: 1_000_000 });
      for (let record = cursor.next(); record !== undefined; record = cursor.next())
        values.push([record.offset, String(record.value)]);
    }
    offset = read.endOffset;
  }
  return values;
}
