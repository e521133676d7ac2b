/**
 * Logs of our storage engine in every state that its files can be in, with what must be read from them. As a program it leaves a data
 * folder as our broker does, whose end may be a stop or a kill:
 *
 *     node our-logs.ts <data folder> <topic ids by name, as JSON> close | kill
 *
 * The book of what was written is `<data folder>/book.json`.
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ManualClock, seededRandom, silentLogger, systemClock } from '#core';
import { type AbortedTxn, buildBatch, buildTransactionMarker, type ProducerState, type RecordDraft } from '#protocol';
import { type AppendResult, LogDirectory, nodeDisk, type PartitionLog, type TopicConfig, topicConfig } from '#storage';
import { recordsIn, type WireRecord } from './wire-log.ts';

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** A batch that a producer sends again. */
export interface SentBatch extends Required<Pick<ProducerState, 'producerId' | 'producerEpoch' | 'baseSequence'>> {
  readonly baseOffset: number;
  readonly values: readonly string[];
}

export interface LogBook {
  logStartOffset: number;
  logEndOffset: number;
  /** What was appended; nothing of it was read back, but for the compacted log. */
  records: WireRecord[];
  /** Where each epoch ends. */
  epochEnds: Record<number, number>;
  /** The last batch of each producer. */
  lastBatches: SentBatch[];
  /** Below it all transactions are decided. */
  stableOffset: number;
  /** Offsets of the records below it that are of no transaction, or of one that was committed. */
  committed: number[];
  /** Of the transactions that were aborted: `producerId firstOffset..marker`. */
  aborted: string[];
}

export type Books = Record<TopicName, LogBook>;

const CLEANER_BACKOFF_MS = 1000;
const SEGMENT_BYTES = 20_000;
const small = { 'segment.bytes': SEGMENT_BYTES, 'index.interval.bytes': 500, 'retention.ms': -1 };

/** The topics, with what Kafka must know of them. Kafka's own segments of them may be larger. */
export const TOPICS = {
  plain: { 'retention.ms': '-1' },
  stamped: { 'retention.ms': '-1', 'message.timestamp.type': 'LogAppendTime' },
  compacted: { 'cleanup.policy': 'compact' },
  trimmed: { 'retention.ms': '-1' },
  retained: { 'retention.ms': '-1' },
  sequenced: { 'retention.ms': '-1' },
  transacted: { 'retention.ms': '-1' },
  settled: { 'cleanup.policy': 'compact' },
} as const;

export type TopicName = keyof typeof TOPICS;

/** What a partition of its own needs to be written. */
interface Writing {
  readonly log: PartitionLog;
  readonly clock: ManualClock;
  readonly book: LogBook;
}

class OurLogs {
  readonly #directory: LogDirectory;
  readonly #clock: ManualClock;
  readonly #topicIds: Readonly<Record<string, string>>;
  readonly books: Partial<Books> = {};

  static async open(path: string, topicIds: Readonly<Record<string, string>>): Promise<OurLogs> {
    // Now: a producer that was silent for a day would be forgotten.
    const clock = new ManualClock(systemClock.now().wallMs);
    const directory = await LogDirectory.open({
      disk: nodeDisk(),
      path,
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      nodeId: 1,
      durability: 'sync',
      retentionCheckMs: Number.MAX_SAFE_INTEGER,
      cleaner: {
        backoffMs: CLEANER_BACKOFF_MS,
        dedupeBufferBytes: 1024 * 1024,
        dedupeLoadFactor: 0.9,
        ioBufferBytes: 65_536,
        ioBytesPerSecondMax: Number.POSITIVE_INFINITY,
      },
    });
    return new OurLogs(directory, clock, topicIds);
  }

  private constructor(directory: LogDirectory, clock: ManualClock, topicIds: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#clock = clock;
    this.#topicIds = topicIds;
  }

  async writeAll(): Promise<void> {
    await this.#write('plain', {}, writePlain);
    await this.#write('stamped', { 'message.timestamp.type': 'LogAppendTime' }, writePlain);
    await this.#write('trimmed', {}, writeTrimmed);
    await this.#write('retained', { 'retention.bytes': 2.5 * SEGMENT_BYTES }, writeRetained);
    await this.#write('sequenced', {}, writeSequenced);
    const compacted = { 'cleanup.policy': ['compact'], 'min.cleanable.dirty.ratio': 0 };
    await this.#write('compacted', compacted, (writing) => this.#writeCompacted(writing));
    await this.#write('transacted', {}, (writing) => writeTransacted(writing, 0, 400));
    await this.#write('settled', compacted, (writing) => this.#writeSettled(writing));
  }

  close(): Promise<void> {
    return this.#directory.close();
  }

  async #write(
    topic: TopicName,
    config: Partial<TopicConfig>,
    write: (writing: Writing) => void | Promise<void>,
  ): Promise<void> {
    const log = this.#directory.create(topic, 0, this.#topicIds[topic], { ...topicConfig(), ...small, ...config });
    log.assignEpoch(0);
    const nothing = { records: [], epochEnds: {}, lastBatches: [], committed: [], aborted: [] };
    const book: LogBook = { logStartOffset: 0, logEndOffset: 0, stableOffset: 0, ...nothing };
    await write({ log, clock: this.#clock, book });
    await log.flush();
    book.stableOffset = log.lastStableOffset;
    book.logStartOffset = log.logStartOffset;
    book.logEndOffset = log.logEndOffset;
    this.books[topic] = book;
  }

  /** Two rounds: what the first one left stands beside what the second one takes. The active segment is left alone. */
  async #writeCompacted(writing: Writing): Promise<void> {
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 300; n++) append(writing, keyedDrafts(round * 300 + n), { compression: CODECS[n % 5] });
      await this.#untilCleaned(writing);
    }
    await readBack(writing);
  }

  /** The first pass drops aborted records, the second one markers; some transactions are left to a third. */
  async #writeSettled(writing: Writing): Promise<void> {
    for (let round = 0; round < 2; round++) {
      writeTransacted(writing, round * 200, 200);
      await this.#untilCleaned(writing);
    }
    const { log, book } = writing;
    await readBack(writing);
    const there = new Set(book.records.map(({ offset }) => offset));
    book.committed = book.committed.filter((offset) => there.has(offset));
    book.aborted = (await log.abortedIn(0, log.logEndOffset)).map(abortedLine);
  }

  /** All but the active segment. */
  async #untilCleaned({ log, clock }: Writing): Promise<void> {
    await log.flush();
    const cleaned = `${log.topic} 0 ${log.activeBaseOffset}\n`;
    const checkpoint = `${this.#directory.path}/cleaner-offset-checkpoint`;
    while (!(await nodeDisk().readFile(checkpoint))?.includes(cleaned)) await clock.advance(CLEANER_BACKOFF_MS);
  }
}

/** Which records survive a cleaning is proven elsewhere; here it counts that Kafka reads the same. */
async function readBack({ log, book }: Writing): Promise<void> {
  book.records = [];
  for await (const chunk of log.readAll(0, log.logEndOffset)) book.records.push(...recordsIn(chunk));
}

/**
 * Three producers with transactions that overlap, and records outside of them. Of a log that is not compacted, one transaction stays
 * open at the end, and one behind it is aborted.
 */
function writeTransacted(writing: Writing, from: number, count: number): void {
  const { log, book } = writing;
  const isCompacted = log.config['cleanup.policy'].includes('compact');
  const open = new Map<number, number[]>();
  const end = (producerId: number, type: 'abort' | 'commit'): void => {
    const firstOffset = open.get(producerId)?.[0];
    const { baseOffset } = endTransaction(writing, producerId, type);
    if (type === 'commit') book.committed.push(...(open.get(producerId) ?? []));
    else book.aborted.push(`${producerId} ${firstOffset}..${baseOffset}`);
    open.delete(producerId);
  };
  const send = (producerId: number, n: number): void => {
    const producer = { producerId, producerEpoch: 0, baseSequence: sequenceOf(writing, producerId) };
    const offset = log.logEndOffset;
    append(writing, keyedDrafts(n), { ...producer, isTransactional: true, compression: CODECS[n % 5] });
    open.set(producerId, [...(open.get(producerId) ?? []), offset, offset + 1, offset + 2]);
  };
  for (let n = from; n < from + count; n++) {
    const producerId = 6000 + (n % 3);
    if (n % 7 === 0) {
      book.committed.push(log.logEndOffset, log.logEndOffset + 1, log.logEndOffset + 2);
      append(writing, keyedDrafts(n));
    }
    if ((n * n) % 5 < 2 && open.has(producerId)) end(producerId, n % 4 === 0 ? 'abort' : 'commit');
    else send(producerId, n);
  }
  for (const producerId of [...open.keys()]) end(producerId, 'commit');
  if (!isCompacted) {
    send(6000, from + count);
    send(6001, from + count + 1);
    end(6001, 'abort');
  }
  book.committed.sort((a, b) => a - b);
}

function sequenceOf({ log }: Writing, producerId: number): number {
  return (log.producers.find(producerId)?.batches.at(-1)?.lastSequence ?? -1) + 1;
}

/** As its coordinator would. The time is before all records: a look-up by time finds markers too. */
function endTransaction({ log }: Writing, producerId: number, type: 'abort' | 'commit'): AppendResult {
  const leaderEpoch = log.leaderEpochs.latest?.epoch ?? 0;
  const marker = { type, coordinatorEpoch: 0 };
  const batch = buildTransactionMarker(marker, { producerId, producerEpoch: 0 }, 1_700_000_000_000);
  const result = log.append(batch, { leaderEpoch, origin: 'coordinator' });
  if (result.error !== undefined) throw new Error(`${result.error.name}: ${result.errorMessage}`);
  return result;
}

export function abortedLine(aborted: AbortedTxn): string {
  return `${aborted.producerId} ${aborted.firstOffset}..${aborted.lastOffset}`;
}

/** Records of all shapes in all codecs, half of them of an idempotent producer, in two leader epochs. */
function writePlain(writing: Writing): void {
  const { log, book } = writing;
  for (let n = 0; n < 400; n++) {
    if (n === 150) {
      book.epochEnds[0] = log.logEndOffset;
      log.assignEpoch(1);
    }
    const producer = n % 2 === 0 ? { producerId: 4000, producerEpoch: 0, baseSequence: (n / 2) * 3 } : {};
    append(writing, shapedDrafts(n), { ...producer, compression: CODECS[n % 5] });
  }
  book.epochEnds[1] = log.logEndOffset;
}

/** Starts in the middle of a batch of the third segment; the files before it are still there. */
async function writeTrimmed(writing: Writing): Promise<void> {
  for (let n = 0; n < 300; n++) append(writing, shapedDrafts(n));
  const { log } = writing;
  await log.flush();
  await log.deleteRecords(log.closedSegments[2].baseOffset + 4);
}

/** Its first segments were taken away. */
async function writeRetained(writing: Writing): Promise<void> {
  for (let n = 0; n < 400; n++) append(writing, shapedDrafts(n), { compression: CODECS[n % 5] });
  const { log, clock } = writing;
  await log.flush();
  await log.segmentWork.retain(clock.now().wallMs, true, Number.POSITIVE_INFINITY);
  if (log.logStartOffset === 0) throw new Error('nothing was taken away');
}

/** Producers whose last batches lie in different segments, one in a later epoch, one whose sequences wrap within a batch. */
function writeSequenced(writing: Writing): void {
  for (let n = 0; n < 120; n++) {
    if (n < 40) send(writing, { producerId: 5000, producerEpoch: 0, baseSequence: n * 3 }, n);
    const isLater = n >= 20;
    const second = { producerId: 5001, producerEpoch: isLater ? 7 : 0, baseSequence: (isLater ? n - 20 : n) * 3 };
    if (n < 80) send(writing, second, n);
    const baseSequence = (2 ** 31 - 182 + n * 3) % 2 ** 31;
    send(writing, { producerId: 5002, producerEpoch: 2, baseSequence }, n);
  }
}

function send(writing: Writing, producer: Omit<SentBatch, 'baseOffset' | 'values'>, n: number): void {
  const values = [0, 1, 2].map((i) => `${producer.producerId} ${n} ${i} ${'.'.repeat(150)}`);
  const { lastBatches } = writing.book;
  const last = lastBatches.findIndex(({ producerId }) => producerId === producer.producerId);
  const sent = { ...producer, values, baseOffset: writing.log.logEndOffset };
  lastBatches.splice(last < 0 ? lastBatches.length : last, 1, sent);
  append(writing, valueDrafts(values), producer);
}

/** Of now: Kafka forgets producers whose last record is a day old. */
export function valueDrafts(values: readonly string[]): RecordDraft[] {
  const timestamp = systemClock.now().wallMs;
  return values.map((value) => ({ key: null, value: Buffer.from(value), timestamp }));
}

function append(
  { log, clock, book }: Writing,
  drafts: RecordDraft[],
  options: Parameters<typeof buildBatch>[1] = {},
): void {
  const leaderEpoch = log.leaderEpochs.latest?.epoch ?? 0;
  const result = log.append(buildBatch(drafts, options), { leaderEpoch, origin: 'client' });
  if (result.error !== undefined) throw new Error(`${result.error.name}: ${result.errorMessage}`);
  const isStamped = log.config['message.timestamp.type'] === 'LogAppendTime';
  for (const [index, { key, value, timestamp, headers = [] }] of drafts.entries()) {
    book.records.push({
      offset: result.baseOffset + index,
      timestamp: isStamped ? clock.now().wallMs : timestamp,
      key: key?.toString() ?? null,
      value: value?.toString() ?? null,
      headers: headers.map((header) => [header.key, header.value?.toString() ?? null]),
    });
  }
}

/** Three records: null and empty keys and values, headers that come twice or have no value, timestamps that go back. */
function shapedDrafts(n: number): RecordDraft[] {
  const header = { key: 'trace', value: Buffer.from(`${n}`) };
  return [0, 1, 2].map((i) => ({
    key: n % 5 === i ? null : Buffer.from(n % 7 === i ? '' : `key-${n % 13}`),
    value: n % 11 === i ? null : Buffer.from(n % 17 === i ? '' : `value ${n} ${i} ${'äx'.repeat(n % 60)}`),
    timestamp: 1_790_000_000_000 + n * 1000 - i * 7,
    headers: n % 3 === i ? [header, header, { key: '', value: null }] : [],
  }));
}

/** Three records with keys that come again, some tombstones. */
function keyedDrafts(n: number): RecordDraft[] {
  return [0, 1, 2].map((i) => ({
    // Some keys never come again: of a segment that lost everything Kafka takes the file's time for the largest timestamp.
    key: Buffer.from(i === 0 && n % 40 === 0 ? `once ${n}` : `k${(n * 7 + i * 13) % 97}`),
    value: (n + i) % 11 === 0 ? null : Buffer.from(`value ${n} ${i} ${'.'.repeat(100)}`),
    timestamp: 1_790_000_000_000 + n * 10 + i,
    headers: [{ key: 'n', value: Buffer.from(`${n}`) }],
  }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [path, topicIds, ending] = process.argv.slice(2);
  const logs = await OurLogs.open(path, JSON.parse(topicIds));
  await logs.writeAll();
  writeFileSync(`${path}/book.json`, JSON.stringify(logs.books));
  if (ending === 'kill') process.kill(process.pid, 'SIGKILL');
  await logs.close();
}
