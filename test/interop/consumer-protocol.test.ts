/** Java consumers and tools with `group.protocol=consumer` on Apache Kafka 4.4.0 and on our broker: both must do, and show, the same. */
import { beforeAll, expect, test } from '@jest/globals';
import { coordinatorIsReady } from './groups-on-both.ts';
import { kafkaTool, type RunningTool, startKafkaTool, type ToolName, type ToolResult } from './kafka/apache-kafka.ts';
import { BROKER_NAMES, type BrokerName, bothBrokers, onBoth } from './kafka/brokers.ts';
import { coordinatorKnows } from './known-topics.ts';
import { until } from './until.ts';

const LINE_COUNT = 60;
const HEARTBEAT_MS = 500;

const brokers = bothBrokers({
  'group.consumer.heartbeat.interval.ms': HEARTBEAT_MS,
  'group.consumer.min.heartbeat.interval.ms': HEARTBEAT_MS,
  'group.initial.rebalance.delay.ms': 0,
});
/** What tools have shown of each broker. */
const shown = { springtide: [] as string[], 'Apache Kafka': [] as string[] };

beforeAll(async () => {
  await onBoth((name) => coordinatorIsReady(brokers[name].bootstrapServers));
});

/** The steps of the story on one broker, under their names. */
function storyOn(name: BrokerName): Readonly<Record<string, () => Promise<void>>> {
  const tool = (toolName: ToolName, ...args: string[]) =>
    kafkaTool(toolName, ['--bootstrap-server', brokers[name].bootstrapServers, ...args]);
  const groups = async (...args: string[]) => (await tool('consumer-groups', ...args)).stdout;
  const show = async (what: string, text: Promise<string>) => shown[name].push(`${what}:\n${plain(await text)}`);

  const consuming = (topic: string, group: string, protocol: string) => [
    ...['--bootstrap-server', brokers[name].bootstrapServers, '--topic', topic, '--group', group, '--from-beginning'],
    ...['--command-property', `group.protocol=${protocol}`],
    ...(protocol === 'classic' ? ['--command-property', `heartbeat.interval.ms=${HEARTBEAT_MS}`] : []),
  ];

  /** A consumer that reads until it is stopped. */
  const consume = (topic: string, group: string, protocol: string) =>
    startKafkaTool('console-consumer', consuming(topic, group, protocol));

  /** Waits until so many members of the group have partitions. */
  async function sharedBy(group: string, memberCount: number, partitionCount: number): Promise<void> {
    let text = '';
    const isShared = async () => {
      text = await groups('--describe', '--group', group, '--members');
      const rows = plain(text).split('\n').slice(1);
      const counts = rows.map((row) => Number(row.split(' ').at(-1)));
      const isUsed = rows.length === memberCount && counts.every((count) => count > 0);
      return isUsed && counts.reduce((sum, count) => sum + count, 0) === partitionCount;
    };
    await until(() => `${group} is shared by ${memberCount} members:\n${text}`, isShared);
  }

  /**
   * The two read what is written, then one of them leaves, and the other reads what is written then: what was read twice would come before.
   * @param whenAlone what is shown before the other one leaves, too
   */
  async function readAndLeave(
    topic: string,
    group: string,
    partitionCount: number,
    [staying, leaving]: readonly [RunningTool, RunningTool],
    whenAlone: () => Promise<unknown> = async () => {},
  ): Promise<void> {
    const first = await produce(topic, 'first');
    await untilRead(first.length, staying, leaving);
    const left = await leaving.stop();
    await sharedBy(group, 1, partitionCount);
    await whenAlone();
    const second = await produce(topic, 'second');
    await untilRead(first.length + second.length - linesOf(left).length, staying);
    expect(linesOf(await staying.stop(), left)).toEqual([...first, ...second].sort());
  }

  async function create(topic: string, partitionCount: number): Promise<void> {
    await tool('topics', '--create', '--topic', topic, '--partitions', `${partitionCount}`);
    await coordinatorKnows(brokers[name].bootstrapServers, { [topic]: partitionCount });
  }

  async function produce(topic: string, what: string): Promise<string[]> {
    const lines = Array.from({ length: LINE_COUNT }, (_, index) => `${what}-${index}`);
    const format = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=-'];
    const args = ['--bootstrap-server', brokers[name].bootstrapServers, '--topic', topic, ...format];
    await kafkaTool('console-producer', args, lines.map((line, index) => `${index}-${line}\n`).join(''));
    return lines;
  }

  return {
    'two consumers share a topic, tools show how, and the second leaves': async () => {
      await create('shared', 6);
      const first = consume('shared', 'pair', 'consumer');
      await sharedBy('pair', 1, 6);
      const second = consume('shared', 'pair', 'consumer');
      await sharedBy('pair', 2, 6);
      await show('list', groups('--list', '--state', '--type'));
      await show('state', groups('--describe', '--group', 'pair', '--state', '--verbose'));
      await readAndLeave('shared', 'pair', 6, [first, second]);
      await show('empty', groups('--describe', '--group', 'pair', '--state'));
      await show('offsets', groups('--describe', '--group', 'pair', '--offsets'));
      await show('all', groups('--list', '--type', 'consumer'));
    },

    'offsets of a group without members are reset and deleted, and the group too': async () => {
      const reset = ['--reset-offsets', '--group', 'pair', '--topic', 'shared', '--to-earliest'];
      await show('dry run', groups(...reset, '--dry-run'));
      await show('reset', groups(...reset, '--execute'));
      const upTo = ['--max-messages', `${LINE_COUNT}`, '--timeout-ms', '100000'];
      expect(
        linesOf(await kafkaTool('console-consumer', [...consuming('shared', 'pair', 'consumer'), ...upTo])),
      ).toHaveLength(LINE_COUNT);
      await show('delete offsets', groups('--delete-offsets', '--group', 'pair', '--topic', 'shared'));
      await show('delete', groups('--delete', '--group', 'pair'));
      await show('list', groups('--list'));
    },

    'a classic consumer and one of the new protocol share a group, which becomes classic again': async () => {
      await create('mixed', 4);
      const classic = consume('mixed', 'moving', 'classic');
      await sharedBy('moving', 1, 4);
      await show('classic', groups('--list', '--type', '--state'));
      const modern = consume('mixed', 'moving', 'consumer');
      await sharedBy('moving', 2, 4);
      await show('moved', groups('--list', '--type', '--state'));
      await readAndLeave('mixed', 'moving', 4, [classic, modern], () =>
        show('classic again', groups('--list', '--type', '--state')),
      );
    },
  };
}

const stories = BROKER_NAMES.map(storyOn);

test.each(Object.keys(stories[0]))('%s', async (step) => {
  await Promise.all(stories.map((story) => story[step]()));
});

test('tools show the same of both brokers', () => {
  expect(shown.springtide).toEqual(shown['Apache Kafka']);
});

/** Without what differs from run to run: ids of members, ports, widths of columns. */
function plain(text: string): string {
  return text
    .replaceAll(/127\.0\.0\.1:\d+/g, 'host:port')
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '')
    .sort((left, right) => (left.startsWith('GROUP') ? -1 : right.startsWith('GROUP') ? 1 : left < right ? -1 : 1))
    .join('\n');
}

async function untilRead(count: number, ...tools: readonly RunningTool[]): Promise<void> {
  const read = () => linesOf(...tools.map((tool) => ({ stdout: tool.output() })));
  await until(
    () => `${count} lines are read:\n${read().join('\n')}`,
    () => read().length >= count,
  );
}

function linesOf(...results: readonly Pick<ToolResult, 'stdout'>[]): string[] {
  return results.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== '')).sort();
}
