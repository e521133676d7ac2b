/** Apache Kafka serves logs that we wrote, put into the folders of topics that it created, as if it had written them itself. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Admin } from '#client';
import { buildBatch } from '#protocol';
import { type ApacheKafka, kafkaTool, startApacheKafka } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';
import { type Books, type LogBook, type SentBatch, TOPICS, type TopicName, valueDrafts } from './our-logs.ts';
import { WireLog, type WireRecord } from './wire-log.ts';

const topics = Object.keys(TOPICS) as TopicName[];
/** Kafka must not clean further what it is to show. */
const overrides = { 'log.cleaner.backoff.ms': 3_600_000, 'log.retention.check.interval.ms': 3_600_000 };

const tend = tendBrokers();
let kafka: ApacheKafka;
let ours: string;

beforeAll(async () => {
  ours = mkdtempSync(join(tmpdir(), 'springtide-logs-'));
  kafka = await tend(startApacheKafka(overrides));
  const admin = Admin.create({ 'bootstrap.servers': kafka.bootstrapServers });
  const drafts = Object.entries(TOPICS).map(([name, configs]) => ({ name, configs, numPartitions: 1 }));
  (await admin.createTopics(drafts)).all();
  await admin.close();
  // Its folders are there once it leads.
  const wire = await WireLog.connect(kafka.bootstrapServers);
  for (const topic of topics) await wire.opened(topic);
  await wire.close();
  await kafka.stop();
});

afterAll(() => rmSync(ours, { recursive: true, force: true }));

describe.each(['close', 'kill'] as const)('Apache Kafka on logs that we left by %s', (ending) => {
  let wire: WireLog;
  let books: Books;

  beforeAll(async () => {
    const path = join(ours, ending);
    books = writeLogs(path, ending);
    for (const topic of topics) putLog(path, topic);
    mergeLogStarts(path);
    // After a clean stop Kafka trusts our indexes and snapshots; after a kill it makes them anew.
    if (ending === 'kill') rmSync(join(kafka.dataFolder, '.kafka_cleanshutdown'));
    kafka = await tend(kafka.restart());
    wire = await WireLog.connect(kafka.bootstrapServers);
    for (const topic of topics) await wire.opened(topic);
  });

  afterAll(async () => {
    await wire?.close();
    await kafka.stop();
  });

  test.each(topics)('gives every record of the %s log at its offset, and no other', async (topic) => {
    const { logStartOffset, logEndOffset, records } = books[topic];
    const there = records.filter(({ offset }) => offset >= logStartOffset);
    expect(await wire.records(topic, logStartOffset)).toEqual(there);
    expect(await wire.offsetFor(topic, -2)).toMatchObject({ offset: logStartOffset });
    expect(await wire.offsetFor(topic, -1)).toMatchObject({ offset: logEndOffset });
  });

  test.each(topics)('finds offsets of the %s log from anywhere, by offset and by time', async (topic) => {
    const { logStartOffset, records } = books[topic];
    const there = records.filter(({ offset }) => offset >= logStartOffset);
    for (let i = 0; i < there.length; i += Math.ceil(there.length / 7)) {
      const { offset, timestamp } = there[i];
      expect((await wire.records(topic, offset)).slice(0, 2)).toEqual(there.slice(i, i + 2));
      const first = there.find((record) => record.timestamp >= timestamp) as WireRecord;
      expect(await wire.offsetFor(topic, timestamp)).toMatchObject({
        offset: first.offset,
        timestamp: first.timestamp,
      });
    }
    const largest = Math.max(...there.map(({ timestamp }) => timestamp));
    expect(await wire.offsetFor(topic, largest + 1)).toMatchObject({ offset: -1 });
    expect(await wire.offsetFor(topic, -3)).toMatchObject({ timestamp: largest });
  });

  test('shows a compacted log with gaps and tombstones', () => {
    const { records, logEndOffset } = books.compacted;
    expect(records.length).toBeLessThan(logEndOffset / 2);
    expect(records.filter(({ value }) => value === null).length).toBeGreaterThan(5);
    const keys = records.map(({ key }) => key).filter((key) => key?.startsWith('once'));
    expect(keys).toEqual(Array.from({ length: 15 }, (_, n) => `once ${n * 40}`));
  });

  test('starts where we had deleted records, and where segments were taken away', () => {
    expect(books.trimmed.records.map(({ offset }) => offset)).toContain(books.trimmed.logStartOffset - 1);
    expect(books.trimmed.logStartOffset % 3).not.toBe(0);
    const firstFile = (topic: string) => {
      const names = readdirSync(join(ours, ending, `${topic}-0`)).filter((name) => name.endsWith('.log'));
      return Number(names.sort()[0].slice(0, 20));
    };
    expect(firstFile('trimmed')).toBe(0);
    expect(firstFile('retained')).toBe(books.retained.logStartOffset);
  });

  test('knows where our epochs end', async () => {
    for (const [epoch, endOffset] of Object.entries(books.plain.epochEnds)) {
      expect(await wire.endOfEpoch('plain', Number(epoch))).toEqual({ leaderEpoch: Number(epoch), endOffset });
    }
  });

  test('lets the Java consumer read every codec', async () => {
    const { stdout } = await kafkaTool('console-consumer', [
      ...['--bootstrap-server', kafka.bootstrapServers, '--topic', 'plain', '--from-beginning'],
      ...['--max-messages', String(books.plain.records.length), '--timeout-ms', '100000'],
      ...['--formatter-property', 'print.offset=true', '--formatter-property', 'print.key=true'],
    ]);
    const lines = books.plain.records.map(({ offset, key, value }) => `Offset:${offset}\t${key}\t${value}`);
    expect(stdout.trimEnd().split('\n')).toEqual(lines);
  });

  test.each(['transacted', 'settled'] as const)('gives its readers what was committed in the %s log', async (topic) => {
    const { records, committed, stableOffset, logEndOffset } = books[topic];
    expect(await wire.committedOffsetFor(topic, -1)).toBe(stableOffset);
    const below = committed.filter((offset) => offset < stableOffset);
    const { stdout } = await kafkaTool('console-consumer', [
      ...['--bootstrap-server', kafka.bootstrapServers, '--topic', topic, '--from-beginning'],
      ...['--isolation-level', 'read_committed', '--max-messages', String(below.length), '--timeout-ms', '100000'],
      ...['--formatter-property', 'print.offset=true'],
    ]);
    const values = new Map(records.map(({ offset, value }) => [offset, value]));
    expect(stdout.trimEnd().split('\n')).toEqual(below.map((offset) => `Offset:${offset}\t${values.get(offset)}`));
    expect(below.length).toBeLessThan(records.length);
    expect(stableOffset < logEndOffset).toBe(topic === 'transacted');
    const told = new Set<string>();
    for (let offset = 0; offset < stableOffset; offset += 50) {
      for (const one of (await wire.committed(topic, offset, 1_000_000)).abortedTransactions ?? [])
        told.add(`${one.producerId} ${one.firstOffset}`);
    }
    const ours = books[topic].aborted.map((line) => line.split('..')[0]);
    expect([...told].filter((line) => !ours.includes(line))).toEqual([]);
    expect(told.size).toBeGreaterThan(topic === 'transacted' ? 20 : 0);
  });

  test('finds nothing wrong in any of our files with kafka-dump-log', async () => {
    const files = (suffixes: RegExp) =>
      topics.flatMap((topic) => {
        const folder = join(ours, ending, `${topic}-0`);
        return readdirSync(folder).flatMap((name) => (suffixes.test(name) ? [join(folder, name)] : []));
      });
    const all = files(/\.(log|index|timeindex|snapshot|txnindex)$/);
    const [dumped, checked] = await Promise.all([
      kafkaTool('dump-log', ['--files', all.join(',')]),
      kafkaTool('dump-log', ['--index-sanity-check', '--files', files(/index$/).join(',')]),
    ]);
    expect([dumped.status, dumped.stderr, checked.status, checked.stderr]).toEqual([0, '', 0, '']);
    for (const file of all) expect(dumped.stdout).toContain(`Dumping ${file}\n`);
    expect(dumped.stdout + checked.stdout).not.toMatch(
      /isvalid: false|Mismatches|Found (?:timestamp|out of order)|Index sanity check failed|Could not|different/i,
    );
  });

  test('reads the transaction indexes with kafka-dump-log', async () => {
    const folder = join(ours, ending, 'transacted-0');
    const names = readdirSync(folder).filter((name) => name.endsWith('.txnindex'));
    const files = names.sort().map((name) => join(folder, name));
    const { stdout, stderr } = await kafkaTool('dump-log', ['--files', files.join(',')]);
    expect(stderr).toBe('');
    const entries = stdout.matchAll(/version: 0 producerId: (\d+) firstOffset: (\d+) lastOffset: (\d+) lastStable/g);
    const read = [...entries].map(([, producerId, first, last]) => `${producerId} ${first}..${last}`);
    // A kill leaves those of segments that were complete.
    const { aborted } = books.transacted;
    expect(aborted.slice(0, read.length)).toEqual(read);
    expect(read.length).toBeGreaterThan(ending === 'close' ? aborted.length - 1 : 10);
  });

  test('takes the last batch of a producer for a duplicate, and the one after it as next', async () => {
    const { logEndOffset, lastBatches } = books.sequenced;
    expect(lastBatches).toHaveLength(3);
    for (const last of lastBatches) {
      expect(await wire.produce('sequenced', encode(last))).toEqual({ error: 'NONE', baseOffset: last.baseOffset });
    }
    expect(await wire.offsetFor('sequenced', -1)).toMatchObject({ offset: logEndOffset });
    for (const [index, last] of lastBatches.entries()) {
      const skipping = { ...last, baseSequence: nextSequence(last) + 1 };
      expect(await wire.produce('sequenced', encode(skipping))).toMatchObject({
        error: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
      });
      const next = { ...last, baseSequence: nextSequence(last) };
      expect(await wire.produce('sequenced', encode(next))).toEqual({
        error: 'NONE',
        baseOffset: logEndOffset + 3 * index,
      });
    }
  });
});

function nextSequence({ baseSequence, values }: SentBatch): number {
  return (baseSequence + values.length) % 2 ** 31;
}

function encode({ values, producerId, producerEpoch, baseSequence }: SentBatch): Buffer {
  return buildBatch(valueDrafts(values), { producerId, producerEpoch, baseSequence });
}

/** Runs the program that writes the logs, with the ids of Kafka's topics. */
function writeLogs(path: string, ending: 'close' | 'kill'): Record<TopicName, LogBook> {
  const ids = topics.map((topic) => {
    const text = readFileSync(join(kafka.dataFolder, `${topic}-0`, 'partition.metadata'), 'utf8');
    return [topic, /topic_id: (\S+)/.exec(text)?.[1]];
  });
  const program = fileURLToPath(new URL('./our-logs.ts', import.meta.url));
  const args = ['--conditions=springtide-src', program, path, JSON.stringify(Object.fromEntries(ids)), ending];
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(result).toMatchObject(ending === 'kill' ? { signal: 'SIGKILL' } : { status: 0, stderr: '' });
  return JSON.parse(readFileSync(join(path, 'book.json'), 'utf8'));
}

/** Our files in Kafka's folder in place of its own, but for its `partition.metadata`. */
function putLog(path: string, topic: string): void {
  const [from, to] = [join(path, `${topic}-0`), join(kafka.dataFolder, `${topic}-0`)];
  for (const name of readdirSync(to)) if (name !== 'partition.metadata') rmSync(join(to, name));
  for (const name of readdirSync(from)) if (name !== 'partition.metadata') cpSync(join(from, name), join(to, name));
}

/** Our lines in Kafka's `log-start-offset-checkpoint`. */
function mergeLogStarts(path: string): void {
  const [to, from] = [kafka.dataFolder, path].map((folder) => join(folder, 'log-start-offset-checkpoint'));
  const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n').slice(2);
  const own = lines(to).filter((line) => !topics.includes(line.split(' ')[0] as TopicName));
  const merged = [...own, ...lines(from)];
  writeFileSync(to, `0\n${merged.length}\n${merged.map((line) => `${line}\n`).join('')}`);
}
