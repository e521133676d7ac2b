/**
 * Apache Kafka's admin tools against Apache Kafka 4.4.0 and against us: the same commands in the same order, and what they print must be
 * the same but for ids, ports, paths, times and sizes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kafkaTool, type ToolName } from './kafka/apache-kafka.ts';
import { type Broker, bothBrokers } from './kafka/brokers.ts';
import { askUntil } from './until.ts';

const folder = mkdtempSync(join(tmpdir(), 'springtide-admin-'));
const moves = join(folder, 'moves.json');
const badMoves = join(folder, 'bad-moves.json');
const assignment = (replicas: number[]) =>
  JSON.stringify({ version: 1, partitions: [{ topic: 't', partition: 0, replicas }] });
writeFileSync(moves, assignment([1]));
writeFileSync(badMoves, assignment([7]));

const all = ['--entity-type', 'brokers', '--entity-default'];
const one = ['--entity-type', 'brokers', '--entity-name', '1'];
const topic = ['--entity-type', 'topics', '--entity-name', 't'];
const metrics = ['--entity-type', 'client-metrics', '--entity-name', 'm'];
const group = ['--entity-type', 'groups', '--entity-name', 'g'];
const SHOWING = ['--describe', 'describe', '--list', '--verify'];
const set = (...values: string[]) => ['--alter', '--add-config', values.join(',')];
const drop = (...keys: string[]) => ['--alter', '--delete-config', keys.join(',')];

/** In this order. */
const commands: readonly (readonly [title: string, tool: ToolName, args: readonly string[]])[] = [
  ['a topic is made', 'topics', ['--create', '--topic', 't', '--partitions', '2']],
  [
    'a default of all brokers is set',
    'configs',
    [...all, ...set('log.retention.ms=1000000', 'log.cleaner.backoff.ms=9000')],
  ],
  ['defaults of all brokers are shown', 'configs', [...all, '--describe']],
  ['a key of one broker is set', 'configs', [...one, ...set('log.cleaner.backoff.ms=5000', 'max.connections=5000')]],
  ['a topic with inherited values is shown', 'configs', [...topic, '--describe', '--all']],
  [
    'a list of a topic is set',
    'configs',
    [...topic, ...set('cleanup.policy=[compact,delete]', 'max.message.bytes=5000')],
  ],
  ['dynamic keys of one broker are shown', 'configs', [...one, '--describe']],
  ['overrides of a topic are shown', 'configs', [...topic, '--describe']],
  ['a read-only key is refused', 'configs', [...one, ...set('num.partitions=3')]],
  ['a read-only key is refused for all', 'configs', [...all, ...set('log.retention.hours=3')]],
  ['a listener needs a broker', 'configs', [...all, ...set('listeners=[PLAINTEXT://:9]')]],
  ['keys of one broker are deleted', 'configs', [...one, ...drop('log.cleaner.backoff.ms', 'max.connections')]],
  ['a key that is not set cannot be deleted', 'configs', [...one, ...drop('max.connections')]],
  ['defaults are deleted', 'configs', [...all, ...drop('log.retention.ms', 'log.cleaner.backoff.ms')]],
  ['nothing is left of one broker', 'configs', [...one, '--describe']],
  ['a subscription to client metrics is set', 'configs', [...metrics, ...set('interval.ms=1000', 'metrics=[a.,b.]')]],
  ['a subscription to client metrics is shown', 'configs', [...metrics, '--describe']],
  ['a bad interval is refused', 'configs', [...metrics, ...set('interval.ms=1')]],
  ['a group is configured', 'configs', [...group, ...set('consumer.session.timeout.ms=50000')]],
  ['overrides of a group are shown', 'configs', [...group, '--describe']],
  ['a value out of bounds is refused', 'configs', [...group, ...set('consumer.session.timeout.ms=1')]],
  ['the quorum has a status', 'metadata-quorum', ['describe', '--status']],
  ['the quorum has one replica', 'metadata-quorum', ['describe', '--replication']],
  ['log directories are shown', 'log-dirs', ['--describe', '--topic-list', 't', '--broker-list', '1']],
  [
    'the preferred leader leads',
    'leader-election',
    ['--election-type', 'PREFERRED', '--topic', 't', '--partition', '0'],
  ],
  ['all preferred leaders lead', 'leader-election', ['--election-type', 'PREFERRED', '--all-topic-partitions']],
  ['nobody else leads', 'leader-election', ['--election-type', 'UNCLEAN', '--topic', 't', '--partition', '1']],
  [
    'no election without the partition',
    'leader-election',
    ['--election-type', 'PREFERRED', '--topic', 't', '--partition', '9'],
  ],
  ['partitions move to where they are', 'reassign-partitions', ['--execute', '--reassignment-json-file', moves]],
  ['they have moved', 'reassign-partitions', ['--verify', '--reassignment-json-file', moves]],
  ['nothing is on its way', 'reassign-partitions', ['--list']],
  ['partitions do not move to nowhere', 'reassign-partitions', ['--execute', '--reassignment-json-file', badMoves]],
  ['the cluster has endpoints', 'cluster', ['list-endpoints']],
  ['an unknown broker cannot be unregistered', 'cluster', ['unregister', '--id', '9']],
  ['a feature level that is there is taken', 'features', ['upgrade', '--feature', 'metadata.version=33', '--dry-run']],
  [
    'a feature level that is too high is refused',
    'features',
    ['upgrade', '--feature', 'metadata.version=40', '--dry-run'],
  ],
  ['a feature that is not there is refused', 'features', ['upgrade', '--feature', 'nope.version=1', '--dry-run']],
  [
    'a downgrade that could lose metadata is refused',
    'features',
    ['downgrade', '--feature', 'metadata.version=29', '--dry-run'],
  ],
  ['the consumer protocol is turned off', 'features', ['downgrade', '--feature', 'group.version=0']],
  ['and on again', 'features', ['upgrade', '--feature', 'group.version=1']],
];

/** Lines in no order but their own words; what differs from start to start is blotted out. */
function plain(text: string, { bootstrapServers, dataFolder }: Broker): string[] {
  return text
    .replaceAll(bootstrapServers, 'HOST')
    .replaceAll(dataFolder, 'FOLDER')
    .replaceAll(/127\.0\.0\.1[: ]+\d+/g, 'HOST')
    .replaceAll(/"size":\d+/g, '"size":N')
    .replaceAll(/\b\d{10,}\b/g, 'TIME')
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '' && !/^(at |Caused by|\.\.\. |Suppressed)/.test(line));
}

/** The words are each broker's own; the kind of exception is not. */
function problems(lines: readonly string[]): string[] {
  return lines.flatMap((line) => /[A-Za-z]+(?:Exception|Error)\b/.exec(line)?.[0] ?? []);
}

interface Ran {
  readonly status: number | null;
  readonly lines: readonly string[];
}

async function run(broker: Broker, tool: ToolName, args: readonly string[]): Promise<Ran> {
  const address = ['--bootstrap-server', broker.bootstrapServers];
  // One tool wants its subcommand first.
  const result = await kafkaTool(tool, tool === 'cluster' ? [...args, ...address] : [...address, ...args]);
  const lines = [...plain(result.stdout, broker), ...plain(result.stderr, broker)];
  return { status: result.status, lines: lines.sort() };
}

/** What only shows is asked again where it shows something else than was `expected`. */
async function runAll(broker: Broker, expected?: ReadonlyMap<string, Ran>): Promise<Map<string, Ran>> {
  const results = new Map<string, Ran>();
  for (const [title, tool, args] of commands) {
    const isRight = (ran: Ran) =>
      expected === undefined ||
      !SHOWING.some((word) => args.includes(word)) ||
      isDeepStrictEqual(seen(title, ran), seen(title, expected.get(title)!));
    results.set(title, await askUntil(() => run(broker, tool, args), isRight));
  }
  return results;
}

const brokers = bothBrokers();
let kafka: ReadonlyMap<string, Ran>;
let ours: ReadonlyMap<string, Ran>;

beforeAll(async () => {
  ours = await runAll(brokers.springtide);
  kafka = await runAll(brokers['Apache Kafka'], ours);
});

afterAll(() => rmSync(folder, { recursive: true }));

const refused = /refused|cannot|nowhere|needs a broker|without the partition/;
/** What Kafka sets by KIP-966 is shown beside. */
const hasElr = (line: string) => line.includes('min.insync.replicas');
/** Numbers and ids of the quorum's log; our controller has no endpoint of its own. */
const blot = (line: string) =>
  line
    .replaceAll(/[A-Za-z0-9_-]{22}/g, 'ID')
    .replaceAll(/\b\d+\b/g, 'N')
    .replace(/, "endpoints": .*$/, '}]');

/** What must be the same of both. */
function seen(title: string, { status, lines }: Ran): object {
  if (refused.test(title)) return { status, errors: problems(lines) };
  const plain = lines.filter((line) => !hasElr(line));
  return { status, lines: title.startsWith('the quorum') ? plain.map(blot) : plain };
}

describe("Kafka's admin tools", () => {
  test.each(commands.map(([title]) => title))('%s', (title) => {
    expect(seen(title, ours.get(title)!)).toEqual(seen(title, kafka.get(title)!));
  });
});
