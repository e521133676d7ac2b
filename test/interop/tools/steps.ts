/** What is asked of Kafka's tools, in this order: later steps stand on earlier ones. Those that administer brokers are in admin-tools.test.ts. */
import type { ToolName } from '../kafka/apache-kafka.ts';

export interface Step {
  readonly name: string;
  readonly tool: ToolName;
  /** FILE stands for the path of a file with `file` as JSON, ADDRESS for the broker's, which is put before them where they do not name it. */
  readonly args: string;
  readonly stdin?: string;
  readonly file?: unknown;
  /** On Apache Kafka; 0 unless given. */
  readonly status?: number;
  /** What of the output must be the same. */
  readonly see?: (stdout: string) => unknown;
  readonly when?: 'nightly';
}

/** What matches, in any order and with single spaces. @throws when nothing does */
const matches = (pattern: RegExp) => (stdout: string) => {
  const found = stdout.match(pattern);
  if (found === null) throw new Error(`nothing like ${pattern} in:\n${stdout}`);
  return [...found].map((text) => text.replaceAll(/\s+/g, ' ')).sort();
};
const topic = '--topic orders';
const PRINT_ALL = printing('partition', 'offset', 'key', 'headers');
const PARSE_ALL = '--reader-property parse.key=true --reader-property parse.headers=true';
const read = (count: number) => `--from-beginning --max-messages ${count} --timeout-ms 100000`;
const lines = Array.from({ length: 30 }, (_, n) => `h:${n}\tkey-${n % 5}\tvalue ${n}\n`).join('');

const topics: readonly Step[] = [
  {
    name: 'topics --create',
    tool: 'topics',
    args: `--create ${topic} --partitions 2 --config segment.bytes=2000000`,
  },
  { name: 'topics --create again', tool: 'topics', args: `--create ${topic}`, status: 1 },
  { name: 'topics --create --if-not-exists', tool: 'topics', args: `--create --if-not-exists ${topic}` },
  {
    name: 'topics --create with a wrong config',
    tool: 'topics',
    args: '--create --topic bad --config retention.ms=x',
    status: 1,
  },
  {
    name: 'topics --create with too many replicas',
    tool: 'topics',
    args: '--create --topic bad --replication-factor 2',
    status: 1,
  },
  { name: 'topics --describe', tool: 'topics', args: `--describe ${topic}` },
  { name: 'topics --alter --partitions', tool: 'topics', args: `--alter ${topic} --partitions 3` },
  { name: 'topics --alter to fewer', tool: 'topics', args: `--alter ${topic} --partitions 1`, status: 1 },
  { name: 'topics --list', tool: 'topics', args: '--list --exclude-internal' },
  { name: 'topics --describe a missing one', tool: 'topics', args: '--describe --topic missing', status: 1 },
  {
    name: 'topics --describe --under-replicated-partitions',
    tool: 'topics',
    args: '--describe --under-replicated-partitions',
  },
];

const console: readonly Step[] = [
  { name: 'console-producer', tool: 'console-producer', args: `${topic} ${PARSE_ALL}`, stdin: lines },
  { name: 'console-consumer', tool: 'console-consumer', args: `${topic} ${PRINT_ALL} ${read(30)}` },
  {
    name: 'console-consumer --partition --offset',
    tool: 'console-consumer',
    args: `${topic} --partition 0 --offset 2 --max-messages 3 --timeout-ms 100000 ${PRINT_ALL}`,
  },
  { name: 'console-consumer --group', tool: 'console-consumer', args: `${topic} --group readers ${read(30)}` },
  {
    name: 'console-consumer --group, KIP-848',
    tool: 'console-consumer',
    args: `${topic} --group modern --command-property group.protocol=consumer ${read(30)}`,
  },
];

const offsets: readonly Step[] = [
  ...['latest', 'earliest', '-1', '-2', '1', 'earliest-local', 'latest-tiered'].map(
    (time): Step => ({ name: `get-offsets --time ${time}`, tool: 'get-offsets', args: `${topic} --time ${time}` }),
  ),
  {
    name: 'get-offsets --time max-timestamp',
    tool: 'get-offsets',
    args: `${topic} --time max-timestamp`,
    see: matches(/^orders:\d:/gm),
  },
  { name: 'get-offsets --topic-partitions', tool: 'get-offsets', args: '--topic-partitions orders:0-1' },
  {
    name: 'delete-records',
    tool: 'delete-records',
    args: '--offset-json-file FILE',
    file: { version: 1, partitions: [{ topic: 'orders', partition: 0, offset: 2 }] },
  },
  { name: 'get-offsets after delete-records', tool: 'get-offsets', args: `${topic} --time earliest` },
];

const configs: readonly Step[] = [
  { name: 'configs --describe topic', tool: 'configs', args: `--describe ${topic}` },
  {
    name: 'configs --alter topic',
    tool: 'configs',
    args: `--alter ${topic} --add-config retention.ms=99999,cleanup.policy=[compact,delete]`,
  },
  { name: 'configs --delete-config', tool: 'configs', args: `--alter ${topic} --delete-config retention.ms` },
  {
    name: 'configs --alter with a wrong value',
    tool: 'configs',
    args: `--alter ${topic} --add-config retention.ms=x`,
    status: 1,
  },
  {
    name: 'configs --alter an unknown one',
    tool: 'configs',
    args: `--alter ${topic} --add-config no.such=x`,
    status: 1,
  },
  {
    name: 'configs --alter client quota',
    tool: 'configs',
    args: '--client somebody --alter --add-config producer_byte_rate=1000',
  },
  { name: 'configs --describe client quota', tool: 'configs', args: '--client somebody --describe' },
  {
    name: 'configs --delete client quota',
    tool: 'configs',
    args: '--client somebody --alter --delete-config producer_byte_rate',
  },
];

const groups: readonly Step[] = [
  { name: 'groups --list', tool: 'groups', args: '--list', see: matches(/^(?:readers|modern)\s.*$/gm) },
  {
    name: 'consumer-groups --list --state',
    tool: 'consumer-groups',
    args: '--list --state',
    see: matches(/^(?:readers|modern)\s.*$/gm),
  },
  {
    name: 'consumer-groups --list --type',
    tool: 'consumer-groups',
    args: '--list --type classic',
    see: matches(/^(?:readers|modern)\s.*$/gm),
  },
  { name: 'consumer-groups --describe', tool: 'consumer-groups', args: '--describe --group readers' },
  {
    name: 'consumer-groups --describe --state',
    tool: 'consumer-groups',
    args: '--describe --group readers --state --verbose',
  },
  {
    name: 'consumer-groups --describe --state, KIP-848',
    tool: 'consumer-groups',
    args: '--describe --group modern --state --verbose',
  },
  {
    name: 'consumer-groups --describe --members',
    tool: 'consumer-groups',
    args: '--describe --group readers --members --verbose',
  },
  {
    name: 'consumer-groups --reset-offsets --dry-run',
    tool: 'consumer-groups',
    args: `--group readers ${topic} --reset-offsets --to-earliest --dry-run`,
  },
  {
    name: 'consumer-groups --reset-offsets --shift-by',
    tool: 'consumer-groups',
    args: `--group readers ${topic} --reset-offsets --shift-by -1 --execute`,
  },
  {
    name: 'consumer-groups --reset-offsets --to-datetime',
    tool: 'consumer-groups',
    args: `--group readers ${topic} --reset-offsets --to-datetime 2020-01-01T00:00:00.000 --execute`,
  },
  {
    name: 'consumer-groups --reset-offsets, KIP-848',
    tool: 'consumer-groups',
    args: `--group modern ${topic} --reset-offsets --to-offset 3 --execute`,
  },
  {
    name: 'consumer-groups --delete-offsets',
    tool: 'consumer-groups',
    args: `--group readers ${topic} --delete-offsets`,
  },
  { name: 'consumer-groups --delete', tool: 'consumer-groups', args: '--group readers --delete' },
  { name: 'consumer-groups --delete a missing one', tool: 'consumer-groups', args: '--group nobody --delete' },
  {
    name: 'consumer-groups --describe a missing one',
    tool: 'consumer-groups',
    args: '--describe --group nobody',
    see: matches(/GroupIdNotFoundException/),
  },
];

const cluster: readonly Step[] = [
  {
    name: 'cluster cluster-id',
    tool: 'cluster',
    args: 'cluster-id --bootstrap-server ADDRESS',
    see: matches(/^Cluster ID: /),
  },
  { name: 'broker-api-versions', tool: 'broker-api-versions', args: '', see: matches(/id: 1 /) },
  {
    name: 'features describe',
    tool: 'features',
    args: 'describe',
    see: matches(/Feature: (?:group|transaction)\.version.*FinalizedVersionLevel: \d+/g),
  },
];

const transactions: readonly Step[] = [
  { name: 'topics --create for copies', tool: 'topics', args: '--create --topic copies --partitions 2' },
  {
    name: 'transactional-copier',
    tool: 'transactional-copier',
    args: '--input-topic orders --input-partition 1 --output-topic copies --max-messages 6 --consumer-group copier --transactional-id copier --transaction-size 2 --broker-list ADDRESS',
    see: matches(/"totalProcessed":6,"consumed":6,"remaining":0/),
  },
  {
    name: 'console-consumer --isolation-level read_committed',
    tool: 'console-consumer',
    args: `--topic copies --isolation-level read_committed ${PRINT_ALL} ${read(6)}`,
  },
  {
    name: 'transactions list',
    tool: 'transactions',
    args: 'list',
    see: matches(/^copier .*(?:CompleteCommit|Empty)/gm),
  },
  {
    name: 'transactions describe',
    tool: 'transactions',
    args: 'describe --transactional-id copier',
    see: matches(/CompleteCommit/),
  },
  {
    name: 'transactions describe-producers',
    tool: 'transactions',
    args: 'describe-producers --topic copies --partition 1',
    see: (stdout) => stdout.trim().split('\n').length,
  },
  { name: 'transactions find-hanging', tool: 'transactions', args: 'find-hanging --broker-id 1' },
];

const load: readonly Step[] = [
  { name: 'topics --create for load', tool: 'topics', args: '--create --topic load --partitions 2' },
  {
    name: 'producer-perf-test',
    tool: 'producer-perf-test',
    args: '--topic load --num-records 20000 --record-size 100 --throughput -1 --producer-props acks=all bootstrap.servers=ADDRESS',
    see: matches(/^20000 records sent/m),
  },
  {
    name: 'consumer-perf-test',
    tool: 'consumer-perf-test',
    args: '--topic load --num-records 20000 --timeout 100000 --hide-header',
    see: (stdout) => Number(stdout.split(', ')[4]) >= 20_000,
  },
  {
    name: 'verifiable-producer',
    tool: 'verifiable-producer',
    args: '--topic load --max-messages 500 --throughput -1 --value-prefix 7',
    see: matches(/"(?:sent|acked)":\d+/g),
  },
  ...(['classic', 'consumer'] as const).map(
    (protocol): Step => ({
      name: `verifiable-consumer, ${protocol}`,
      tool: 'verifiable-consumer',
      args: `--topic load --group-id verifiable-${protocol} --group-protocol ${protocol} --max-messages 1000 --reset-policy earliest`,
      see: (stdout) => (stdout.match(/"name":"records_consumed".*?"count":(\d+)/g) ?? []).length > 0,
    }),
  ),
];

const ends: readonly Step[] = [
  { name: 'topics --delete', tool: 'topics', args: `--delete ${topic}` },
  { name: 'topics --delete a missing one', tool: 'topics', args: '--delete --topic missing', status: 1 },
];

export const steps: readonly Step[] = [
  ...topics,
  ...console,
  ...offsets,
  ...configs,
  ...groups,
  ...cluster,
  ...load,
  ...transactions,
  ...ends,
];

function printing(...parts: readonly string[]): string {
  return parts.map((part) => `--formatter-property print.${part}=true`).join(' ');
}
