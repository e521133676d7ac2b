/** Java consumers and tools with `group.protocol=consumer` on Apache Kafka 4.4.0 and on our broker: both must do, and show, the same. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '#core';
import { startSpringtide } from '../processes/springtide-server.ts';
import { coordinatorIsReady } from './groups-on-both.ts';
import { kafkaTool, startApacheKafka, type ToolName, type ToolResult } from './kafka/apache-kafka.ts';
import { coordinatorKnows } from './known-topics.ts';

interface Broker {
  readonly bootstrapServers: string;
  stop(): Promise<void>;
  remove(): void;
}

const NAMES = ['springtide', 'Apache Kafka'] as const;
const LINE_COUNT = 60;
/** A consumer that has read nothing for so long ends; until then everything has to be ready on a busy machine. */
const SILENCE_MS = 20_000;
const settings = {
  'group.consumer.heartbeat.interval.ms': 1000,
  'group.consumer.min.heartbeat.interval.ms': 1000,
  'group.initial.rebalance.delay.ms': 0,
};

const brokers = {} as Record<(typeof NAMES)[number], Broker>;
/** What tools have shown of each broker. */
const shown = { springtide: [] as string[], 'Apache Kafka': [] as string[] };

beforeAll(async () => {
  const overrides = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  const [springtide, kafka] = await Promise.all([startSpringtide({ overrides }), startApacheKafka(settings)]);
  Object.assign(brokers, { springtide, 'Apache Kafka': kafka });
  // Consumers that find nothing for a while end.
  for (const { bootstrapServers } of [springtide, kafka]) await coordinatorIsReady(bootstrapServers);
});

afterAll(async () => {
  for (const broker of Object.values(brokers)) {
    await broker.stop();
    broker.remove();
  }
});

/** The steps of the story on one broker, under their names. */
function storyOn(name: (typeof NAMES)[number]): Readonly<Record<string, () => Promise<void>>> {
  const tool = (toolName: ToolName, ...args: string[]) =>
    kafkaTool(toolName, ['--bootstrap-server', brokers[name].bootstrapServers, ...args]);
  const groups = async (...args: string[]) => (await tool('consumer-groups', ...args)).stdout;
  const show = async (what: string, text: Promise<string>) => shown[name].push(`${what}:\n${plain(await text)}`);

  const consume = (topic: string, group: string, protocol: string, ...args: string[]) =>
    tool(
      'console-consumer',
      ...['--topic', topic, '--group', group, '--from-beginning', '--timeout-ms', `${SILENCE_MS}`],
      ...['--command-property', `group.protocol=${protocol}`, ...args],
    );

  /** Waits until so many members of the group have partitions. */
  async function sharedBy(group: string, memberCount: number, partitionCount: number): Promise<void> {
    for (let i = 0; i < 60; i++) {
      const rows = plain(await groups('--describe', '--group', group, '--members'))
        .split('\n')
        .slice(1);
      const counts = rows.map((row) => Number(row.split(' ').at(-1)));
      const isShared = rows.length === memberCount && counts.every((count) => count > 0);
      if (isShared && counts.reduce((sum, count) => sum + count, 0) === partitionCount) return;
      await systemClock.sleep(200);
    }
    throw new Error(
      `${group} was not shared by ${memberCount} members:\n${await groups('--describe', '--group', group, '--members')}`,
    );
  }

  async function create(topic: string, partitionCount: number): Promise<void> {
    await tool('topics', '--create', '--topic', topic, '--partitions', `${partitionCount}`);
    await coordinatorKnows(brokers[name].bootstrapServers, { [topic]: partitionCount });
  }

  async function produce(topic: string): Promise<string[]> {
    const lines = Array.from({ length: LINE_COUNT }, (_, index) => `line-${index}`);
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
      const lines = await produce('shared');
      expect(linesOf(await first, await second)).toEqual(lines.sort());
      await show('empty', groups('--describe', '--group', 'pair', '--state'));
      await show('offsets', groups('--describe', '--group', 'pair', '--offsets'));
      await show('all', groups('--list', '--type', 'consumer'));
    },

    'offsets of a group without members are reset and deleted, and the group too': async () => {
      const reset = ['--reset-offsets', '--group', 'pair', '--topic', 'shared', '--to-earliest'];
      await show('dry run', groups(...reset, '--dry-run'));
      await show('reset', groups(...reset, '--execute'));
      const all = await consume('shared', 'pair', 'consumer', '--max-messages', `${LINE_COUNT}`);
      expect(linesOf(all)).toHaveLength(LINE_COUNT);
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
      const lines = await produce('mixed');
      expect(linesOf(await classic, await modern)).toEqual(lines.sort());
    },
  };
}

const stories = NAMES.map(storyOn);

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

function linesOf(...results: ToolResult[]): string[] {
  return results.flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== '')).sort();
}
