/**
 * Transactions that are open when their broker ends, cleanly or killed, in a data folder that goes to another broker: from Apache Kafka to
 * us, from us to Apache Kafka, and, which says what is right, from Apache Kafka to itself. Producers go on where they were, are fenced, or
 * are too late.
 *
 * Apache Kafka itself loses the marker of a transaction that times out after a kill, before it has registered again: its partitions have no
 * leader for a moment, and it takes them for deleted. There nothing is asked about that transaction.
 */
import { beforeAll, expect, test } from '@jest/globals';
import { kafkaTool } from './kafka/apache-kafka.ts';
import { type Broker, type BrokerName, startBroker, tendBrokers } from './kafka/brokers.ts';
import { storedBatches } from './stored-transactions.ts';
import { Storyteller } from './transaction-stories.ts';

interface Journey {
  readonly lines: readonly string[];
  /** Of the transaction that is over when the next broker comes. */
  readonly late: readonly string[];
  readonly shown: readonly string[];
  readonly batches: readonly string[];
}

/** Nothing times out before the folder has gone to the next broker, where what is late is ended at once. */
const CLEANUP = 'transaction.abort.timed.out.transaction.cleanup.interval.ms';
const PARTITIONS = { 'transaction.state.log.num.partitions': 5, 'offsets.topic.num.partitions': 5 };

type Way = readonly [from: BrokerName, to: BrokerName, signal: NodeJS.Signals];

const TO_ITSELF: Way = ['Apache Kafka', 'Apache Kafka', 'SIGTERM'];
const WAYS: readonly Way[] = [
  ['springtide', 'Apache Kafka', 'SIGKILL'],
  ['Apache Kafka', 'springtide', 'SIGTERM'],
  ['Apache Kafka', 'springtide', 'SIGKILL'],
  ['springtide', 'Apache Kafka', 'SIGTERM'],
];

const tend = tendBrokers();
const journeys = new Map<Way, Promise<Journey>>();
let expected: Journey;

function start(name: BrokerName, cleanupMs: number, dataFolder?: string): Promise<Broker> {
  return tend(startBroker(name, { ...PARTITIONS, [CLEANUP]: cleanupMs }, dataFolder));
}

async function journey(from: BrokerName, to: BrokerName, signal: NodeJS.Signals): Promise<Journey> {
  const first = await start(from, 3_600_000);
  const teller = await Storyteller.connect(first.bootstrapServers);
  await begin(teller);
  await first.stop(signal);
  const second = await start(to, 200, first.dataFolder);
  await teller.goOn(second.bootstrapServers);
  await teller.rest('late', /CompleteAbort/);
  const shown = await showOpen(teller, second.bootstrapServers);
  await goOn(teller);
  const late = await endLate(teller);
  teller.close();
  await second.stop();
  const numberOf = (producerId: number) => teller.numberOf(producerId);
  const topics = ['ledger', '__consumer_offsets'];
  const batches = topics.flatMap((topic) => storedBatches(first.dataFolder, topic, numberOf));
  return { lines: teller.lines, late, shown, batches: batches.map(withoutCoordinatorEpoch) };
}

/** Every id but `done` leaves a transaction open; the one of `late` is over before the next broker is there. */
async function begin(t: Storyteller): Promise<void> {
  for (const id of ['done', 'commits', 'aborts', 'fenced']) await t.init(id);
  for (const id of ['old-commits', 'old-aborts']) await t.init(id, { version: 4 });
  await t.init('late', { timeoutMs: 1 });
  await t.produce('done', 0, 0);
  await t.end('done', 'commit');
  await t.rest('done');
  await t.produce('commits', 0, 0, { count: 2 });
  await t.produce('commits', 1, 0);
  await t.commitOffset('commits', 5);
  await t.produce('aborts', 0, 0);
  await t.add('old-commits', [1]);
  await t.produce('old-commits', 1, 0, { version: 11 });
  await t.add('old-aborts', [0, 1]);
  await t.produce('old-aborts', 0, 0, { version: 11 });
  await t.produce('fenced', 1, 0);
  await t.produce('late', 2, 0);
  for (const partition of [0, 1, 2]) await t.stableOffset(partition);
}

/** What operators are told before anything is done. */
async function showOpen(t: Storyteller, bootstrapServers: string): Promise<string[]> {
  const shown: string[] = [];
  for (const args of [
    ['list'],
    ['describe', '--transactional-id', 'commits'],
    ['describe', '--transactional-id', 'old-aborts'],
    ['describe-producers', '--topic', 'ledger', '--partition', '0'],
  ]) {
    const { status, stdout } = await kafkaTool('transactions', ['--bootstrap-server', bootstrapServers, ...args]);
    shown.push(...plain(`${args.join(' ')} ends with ${status}:\n${stdout}`, t));
  }
  return shown;
}

async function goOn(t: Storyteller): Promise<void> {
  for (const id of ['done', 'commits', 'aborts', 'old-commits', 'old-aborts', 'fenced']) await t.rest(id);
  await look(t, [0, 1]);
  await t.offset(false);
  await t.offset(true);
  await t.produce('commits', 0, 0, { count: 2 });
  await t.produce('commits', 0, 2);
  await t.end('commits', 'commit');
  await t.rest('commits');
  await t.offset(true);
  await t.produce('aborts', 1, 0);
  await t.end('aborts', 'abort');
  await t.rest('aborts');
  await t.produce('old-commits', 1, 1, { version: 11 });
  await t.produce('old-commits', 0, 0, { version: 11 });
  await t.add('old-commits', [0]);
  await t.produce('old-commits', 0, 0, { version: 11 });
  await t.end('old-commits', 'commit', { version: 4 });
  await t.rest('old-commits');
  await t.end('old-aborts', 'abort', { version: 4 });
  await t.rest('old-aborts');
  await t.init('fenced', { expect: -1 });
  await t.init('fenced');
  await t.rest('fenced');
  await t.produce('fenced', 1, 1);
  await t.init('fenced');
  await t.produce('fenced', 1, 0);
  await t.end('fenced', 'commit');
  await t.rest('fenced');
  await look(t, [0, 1]);
}

async function endLate(t: Storyteller): Promise<string[]> {
  const before = t.lines.length;
  await look(t, [2]);
  await t.produce('late', 2, 1);
  await t.end('late', 'commit');
  return t.lines.splice(before);
}

async function look(t: Storyteller, partitions: readonly number[]): Promise<void> {
  for (const partition of partitions) {
    await t.remembered(partition);
    await t.stableOffset(partition);
    await t.committed(partition);
  }
}

/** Lines in alphabetical order, without times, ages, producer ids and the widths of columns. */
function plain(text: string, teller: Storyteller): string[] {
  const known = [...teller.producers.values()].map(({ producerId }) => producerId);
  return text
    .replace(/\d{13}/g, 'TIME')
    .replace(/(Ongoing\s+\d+\s+TIME\s+)\d+/g, '$1AGE')
    .replace(/(?<=^|[^-\w])\d{4,}\b/g, (digits) =>
      known.includes(Number(digits)) ? teller.numberOf(Number(digits)) : digits,
    )
    .split('\n')
    .map((line) => line.replace(/[ \t]+/g, ' ').trim())
    .sort();
}

function withoutCoordinatorEpoch(line: string): string {
  return line.replace(/"coordinatorEpoch":\d+/, '');
}

/** Two at a time, because much of a journey is waiting. How each ends its own test tells. */
beforeAll(async () => {
  const lanes = [Promise.resolve(), Promise.resolve()];
  for (const [index, way] of [TO_ITSELF, ...WAYS].entries()) {
    const lane = index % lanes.length;
    const journeying = lanes[lane].then(() => journey(...way));
    const end = () => {};
    lanes[lane] = journeying.then(end, end);
    journeys.set(way, journeying);
  }
  expected = await journeys.get(TO_ITSELF)!;
});

test.each(WAYS.map((way) => [...way, way] as const))(
  'from %s to %s by %s open transactions are what they are between two lives of Apache Kafka',
  async (_from, to, signal, way) => {
    const { lines, late, shown, batches } = await journeys.get(way)!;
    const isLateKept = to === 'springtide' || signal === 'SIGTERM';
    const told = (rows: readonly string[]) => rows.filter((row) => isLateKept || !row.startsWith('ledger 2'));
    expect(lines).toEqual(expected.lines);
    if (isLateKept) expect(late).toEqual(expected.late);
    expect(shown).toEqual(expected.shown);
    expect(told(batches)).toEqual(told(expected.batches));
  },
);

test('between two lives of Apache Kafka they go on, are fenced, or are too late', () => {
  const told = expected.lines.join('\n');
  expect(told).toMatch(/commits is NONE Ongoing producer \d epoch 0 900000 __consumer_offsets, ledger-0, ledger-1/);
  expect(told).toContain('late is NONE CompleteAbort');
  expect(told).toContain('offset true → UNSTABLE_OFFSET_COMMIT -1');
  expect(told).toContain('offset true → NONE 5');
  expect(expected.lines.slice(-6).filter((line) => line.startsWith('committed'))).toEqual([
    'committed 0 → NONE, done 0, commits 0, commits 1, commits 2, old-commits 0',
    'committed 1 → NONE, commits 0, old-commits 0, old-commits 1, fenced 0',
  ]);
  expect(expected.late).toEqual([
    'remembered 2 → NONE producer 6 epoch 1 last -1 open from -1',
    'stable 2 → 2 2',
    'committed 2 → NONE',
    'produce late 2 1 {} → INVALID_PRODUCER_EPOCH at -1',
    'commit late {} → INVALID_TXN_STATE -1 -1',
  ]);
});
