/** Our `dump-log` and Apache Kafka's kafka-dump-log say the same, byte for byte, of files that either broker wrote, whole and damaged. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Admin, KafkaProducer, ProducerRecord } from '#client';
import { kafkaTool, runToEnd, type ToolResult } from './kafka/apache-kafka.ts';
import { BROKER_NAMES, startBroker, tendBrokers } from './kafka/brokers.ts';
import { transact } from './kafka/transact.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

describe.each(BROKER_NAMES)('files that %s wrote', (writer) => {
  const tend = tendBrokers();
  let folder = '';
  /** The files of a partition with one of the endings, separated by commas. */
  const files = (partition: string, ...endings: string[]): string =>
    readdirSync(join(folder, partition))
      .filter((name) => endings.some((ending) => name.endsWith(ending)))
      .sort()
      .map((name) => join(folder, partition, name))
      .join(',');

  beforeAll(async () => {
    const broker = await tend(startBroker(writer, { 'group.initial.rebalance.delay.ms': 0 }));
    const { bootstrapServers } = broker;
    await fill(bootstrapServers);
    await commitWithNewProtocol(bootstrapServers);
    if (writer === 'Apache Kafka') await transact(bootstrapServers, 'transacted', ['commit', 'abort', 'open']);
    await broker.stop();
    folder = broker.dataFolder;
  });

  test.each(CODECS)('a log compressed with %s, by batches and by records', async (codec) => {
    const logs = files(`dump-${codec}-0`, '.log');
    const [, text] = await expectAllSame(['--files', logs], ['--print-data-log', '--files', logs]);
    expect(text).toContain(`compresscodec: ${codec}`);
    expect(text).toMatch(/headerKeys: \[first,second\] key: key-\d payload: value/);
  });

  test('only keys and values, a part of the log, and keys as numbers', async () => {
    const logs = files('dump-none-0', '.log');
    const numbers = files('numbers-0', '.log');
    const decoders = ['Integer', 'Long'].map((type) => `org.apache.kafka.tools.api.${type}Decoder`);
    const flags = ['--key-decoder-class', decoders[0], '--value-decoder-class', decoders[1]];
    const [decoded] = await expectAllSame(
      [...flags, '--files', numbers],
      ['--print-data-log', '--skip-record-metadata', '--files', logs],
      ['--deep-iteration', '--max-bytes', '5000', '--files', logs],
    );
    expect(decoded).toContain('key: -7 payload: 9223372036854775807');
  });

  test('both indexes, shown, compared and checked as at a start', async () => {
    const indexes = files('dump-none-0', '.index', '.timeindex');
    expect(await expectSame('--files', indexes)).toMatch(
      /offset: \d+ position: \d+\n(?:.*\n)*timestamp: \d+ offset: \d+\n/,
    );
    await expectSame('--verify-index-only', '--files', indexes);
    expect(await expectSame('--index-sanity-check', '--files', indexes)).toContain('passed sanity check');
  });

  test('records that the broker stamped', async () => {
    const text = await expectSame('--print-data-log', '--files', files('stamped-0', '.log', 'index'));
    expect(text).toContain('LogAppendTime: ');
  });

  test('the metadata log and its snapshots', async () => {
    const metadata = files('__cluster_metadata-0', '.log', '.checkpoint');
    const [text] = await expectAllSame(
      ['--cluster-metadata-decoder', '--files', metadata],
      ['--skip-record-metadata', '--cluster-metadata-decoder', '--files', metadata],
    );
    expect(text).toMatch(/"type":"TOPIC_RECORD","version":0,"data":\{"name":"dump-none"/);
    expect(text).toContain('LeaderChange: {"version":');
  });

  test('committed offsets and groups', async () => {
    const groups = readdirSync(folder)
      .filter((name) => name.startsWith('__consumer_offsets-'))
      .map((name) => files(name, '.log'));
    const text = await expectSame('--offsets-decoder', '--files', groups.join(','));
    expect(text).toContain('"group":"dumped","topic":"dump-none","partition":0');
    expect(text).toMatch(/"protocolType":"consumer".*"subscription":\{"topics":\["dump-none"\]/);
    if (writer === 'Apache Kafka') expect(text).toContain('"metadataHash":');
  });

  test('producers, aborted transactions and their markers', async () => {
    expect(await expectSame('--files', files('dump-none-0', '.snapshot'))).toContain('producerEpoch: 0');
    if (writer === 'springtide') return;
    const text = await expectSame(
      '--deep-iteration',
      '--files',
      files('transacted-0', '.log', '.snapshot', '.txnindex'),
    );
    for (const part of ['endTxnMarker: ABORT', 'endTxnMarker: COMMIT', 'lastStableOffset: ', 'OptionalLong[']) {
      expect(text).toContain(part);
    }
    const transactions = readdirSync(folder)
      .filter((name) => name.startsWith('__transaction_state-'))
      .map((name) => files(name, '.log'));
    const states = await expectSame('--transaction-log-decoder', '--files', transactions.join(','));
    expect(states).toContain('{"type":"0","data":{"transactionalId":"dumper"}}');
  });

  test('a whole folder, in which nothing is found', async () => {
    const { stdout, status } = await runOurs(['--verify', folder]);
    expect(stdout).toMatch(
      /^partitions: \d+, segments: \d+, batches: \d+, bytes: \d+; damage: 0, warnings: 0; stopped cleanly\n$/,
    );
    expect(status).toBe(0);
  });

  describe('and that were damaged afterwards', () => {
    let damaged = '';
    const base = '00000000000000000000';

    beforeAll(() => {
      damaged = mkdtempSync(join(tmpdir(), 'springtide-damaged-'));
    });

    afterAll(() => rmSync(damaged, { recursive: true, force: true }));

    /** A copy of the partition with one file changed; `path` of a file in it. */
    function copy(name: string, suffix: string, change: (bytes: Buffer) => Buffer): string {
      const to = join(damaged, name);
      cpSync(join(folder, 'dump-none-0'), to, { recursive: true });
      const path = join(to, readdirSync(to).find((file) => file.endsWith(suffix)) ?? `${base}${suffix}`);
      writeFileSync(path, change(readFileSync(path)));
      return path;
    }

    /** The bytes of the file with some of them replaced. */
    const patched =
      (position: number, ...values: number[]) =>
      (bytes: Buffer) => {
        bytes.set(values, position);
        return bytes;
      };

    test.each<[string, (bytes: Buffer) => Buffer]>([
      ['a flipped bit in a value', (bytes) => patched(300, bytes[300] ^ 0x10)(bytes)],
      ['another checksum', patched(17, 1, 2, 3, 4)],
      ['a negative base offset', patched(0, 0xff)],
      ['an absurd timestamp', patched(27, 0x7f)],
      ['an absurd producer and sequence', patched(43, 0x7f, 1, 2, 3, 4, 5, 6, 7, 0x80, 0, 0x7f, 0xff, 0xff, 0xff)],
      ['all attributes', patched(21, 0, 0x78)],
      ['an unknown codec', patched(21, 0, 0x07)],
      ['a codec that is not that of the records', patched(21, 0, 0x01)],
      ['a magic of the future', patched(16, 3)],
      ['a length of zero', patched(8, 0, 0, 0, 0)],
      ['a length beyond the end', patched(8, 0x7f, 0, 0, 0)],
      ['a record count that is too small', patched(57, 0, 0, 0, 2)],
      ['a record count that is too large', patched(57, 0, 0, 0, 99)],
      ['a torn tail', (bytes) => bytes.subarray(0, bytes.length - 20)],
      ['a tail of zeros', (bytes) => Buffer.concat([bytes, Buffer.alloc(300)])],
      ['a few bytes too many', (bytes) => Buffer.concat([bytes, Buffer.alloc(9)])],
      ['offsets that begin again', (bytes) => Buffer.concat([bytes, bytes])],
    ])('a log with %s', async (name, change) => {
      const path = copy(name, '.log', change);
      await expectAllSame(['--files', path], ['--print-data-log', '--files', path]);
    });

    test.each<[string, string, (bytes: Buffer) => Buffer]>([
      [
        'offsets that the log does not have',
        '.index',
        (bytes) => patched(3, bytes[3] ^ 1)(patched(11, bytes[11] ^ 1)(bytes)),
      ],
      ['a position beyond the log', '.index', patched(4, 0x7f)],
      ['a negative position', '.index', patched(4, 0xff)],
      ['a position in the middle of a batch', '.index', (bytes) => patched(7, bytes[7] ^ 1)(bytes)],
      ['offsets that go back', '.index', (bytes) => patched(bytes.length - 8, 0xff)(bytes)],
      ['a piece of an entry', '.index', (bytes) => bytes.subarray(0, bytes.length - 3)],
      ['padding', '.index', (bytes) => Buffer.concat([bytes, Buffer.alloc(16_384)])],
      ['nothing in it', '.index', () => Buffer.alloc(0)],
      ['other timestamps', '.timeindex', (bytes) => patched(7, bytes[7] ^ 1)(bytes)],
      ['timestamps that go back', '.timeindex', patched(0, 0x7f)],
      ['offsets of no batch', '.timeindex', (bytes) => patched(11, bytes[11] ^ 1)(bytes)],
      ['offsets beyond the end', '.timeindex', patched(8, 0x7f)],
      ['padded times', '.timeindex', (bytes) => Buffer.concat([bytes, Buffer.alloc(1_200)])],
      ['half an entry of time', '.timeindex', (bytes) => bytes.subarray(0, bytes.length - 5)],
    ])('an index with %s', async (name, suffix, change) => {
      const path = copy(name, suffix, change);
      const both = [path, path.replace(/\.\w+$/, suffix === '.index' ? '.timeindex' : '.index')].join(',');
      await expectSame('--files', both);
      await expectSame('--index-sanity-check', '--files', both);
    });

    test.each<[string, (bytes: Buffer) => Buffer]>([
      ['a wrong checksum', (bytes) => patched(20, bytes[20] ^ 1)(bytes)],
      ['another version', patched(0, 0, 7)],
    ])('a snapshot of producers with %s', async (name, change) => {
      await expectSame('--files', copy(`snapshot ${name}`, '.snapshot', change));
    });

    test('several files, whose mismatches come in the order of a Java map', async () => {
      const paths = ['one', 'two', 'three', 'four'].map((name) =>
        copy(name, '.index', (bytes) => patched(3, bytes[3] ^ 1)(bytes)),
      );
      await expectSame('--files', [...paths, join(damaged, 'one', 'partition.metadata')].join(','));
    });

    test('a file that is cut to nothing', async () => {
      const path = copy('nothing', '.log', (bytes) => bytes);
      truncateSync(path, 0);
      await expectSame('--print-data-log', '--files', path);
    });
  });
});

/** Runs both, and holds ours to Kafka's lines, end and complaints; where Kafka dies of an exception, to its text. */
async function expectSame(...args: string[]): Promise<string> {
  const [theirs, ours] = await Promise.all([kafkaTool('dump-log', args), runOurs(args)]);
  const isException = theirs.stderr.includes('Exception in thread');
  expect(ours).toEqual({ ...theirs, stderr: isException ? expect.stringMatching(/^\S.*\n$/) : theirs.stderr });
  return ours.stdout;
}

/** As `expectSame`, all at once: their outputs, in this order. Not for indexes, which Kafka's tool opens to write. */
function expectAllSame(...runs: readonly (readonly string[])[]): Promise<string[]> {
  return Promise.all(runs.map((args) => expectSame(...args)));
}

/** The built one, which starts in a fraction of the time. */
function runOurs(args: readonly string[]): Promise<ToolResult> {
  return runToEnd(process.execPath, ['bin/springtide.mjs', 'dump-log', ...args]);
}

/** The topics that all tests read: one for each codec, numbers, stamped by the broker; and a group that has read. */
async function fill(bootstrapServers: string): Promise<void> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  const small = { 'index.interval.bytes': 300, 'segment.bytes': 1_048_576 };
  const topics = [...CODECS.map((codec) => `dump-${codec}`), 'numbers', 'transacted'].map((name) => ({
    name,
    configs: small,
  }));
  const stamped = { name: 'stamped', configs: { ...small, 'message.timestamp.type': 'LogAppendTime' } };
  (await admin.createTopics([...topics, stamped].map((topic) => ({ ...topic, numPartitions: 1 })))).all();
  await admin.close();
  for (const codec of CODECS) await sendTexts(bootstrapServers, `dump-${codec}`, codec);
  await sendTexts(bootstrapServers, 'stamped', 'lz4');
  await sendNumbers(bootstrapServers);
  const group = ['--topic', 'dump-none', '--group', 'dumped', '--from-beginning', '--max-messages', '10'];
  await kafkaTool('console-consumer', ['--bootstrap-server', bootstrapServers, ...group, '--timeout-ms', '100000']);
}

async function sendTexts(bootstrapServers: string, topic: string, codec: string): Promise<void> {
  const producer = new KafkaProducer<string | null, string | null>({
    'bootstrap.servers': bootstrapServers,
    'compression.type': codec,
    'key.serializer': 'string',
    'value.serializer': 'string',
  });
  for (let n = 0; n < 60; n++) {
    const value = n % 13 === 5 ? null : `value "${n}"\t${'x'.repeat(n * 3)}`;
    const record = new ProducerRecord<string | null, string | null>(
      topic,
      0,
      n % 7 === 3 ? null : `key-${n % 10}`,
      value,
    );
    record.headers.add('first', 'a');
    record.headers.add('second', null);
    producer.send(record);
    if (n % 4 === 3) await producer.flush();
  }
  // One large enough for several segments.
  if (codec === 'none')
    for (let n = 0; n < 3; n++)
      producer.send(new ProducerRecord<string | null, string | null>(topic, 0, null, 'y'.repeat(600_000)));
  await producer.close();
}

async function sendNumbers(bootstrapServers: string): Promise<void> {
  const producer = new KafkaProducer<number, bigint>({
    'bootstrap.servers': bootstrapServers,
    'key.serializer': 'int',
    'value.serializer': 'long',
  });
  producer.send(new ProducerRecord<number, bigint>('numbers', 0, -7, 9223372036854775807n));
  await producer.close();
}

/** A group of the protocol of KIP-848. */
async function commitWithNewProtocol(bootstrapServers: string): Promise<void> {
  const group = ['--topic', 'dump-none', '--group', 'modern', '--from-beginning', '--max-messages', '5'];
  const args = ['--bootstrap-server', bootstrapServers, ...group, '--timeout-ms', '100000'];
  await kafkaTool('console-consumer', [...args, '--command-property', 'group.protocol=consumer']);
}
