/**
 * Programs with Kafka's own transactional producer (kafka/Transactions.java) and its tool for operators, on Apache Kafka 4.4.0 and on our
 * broker: both must do, and show, the same, with transactions of either version.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startSpringtide } from '../processes/springtide-server.ts';
import { kafkaTool, runToEnd, startApacheKafka } from './kafka/apache-kafka.ts';
import { here, javaFlags } from './kafka/jars.ts';

interface Broker {
  readonly bootstrapServers: string;
  stop(): Promise<void>;
  remove(): void;
}

const NAMES = ['springtide', 'Apache Kafka'] as const;
const settings = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
  'group.initial.rebalance.delay.ms': 0,
};
const TIMEOUT_MS = 400_000;

const brokers = {} as Record<(typeof NAMES)[number], Broker>;

beforeAll(async () => {
  const overrides = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  const [springtide, kafka] = await Promise.all([startSpringtide({ overrides }), startApacheKafka(settings)]);
  Object.assign(brokers, { springtide, 'Apache Kafka': kafka });
});

afterAll(async () => {
  for (const broker of Object.values(brokers)) {
    await broker.stop();
    broker.remove();
  }
});

/** What the program tells, by broker. */
async function runPrograms(name: string): Promise<Record<(typeof NAMES)[number], string>> {
  const [springtide, kafka] = await Promise.all(
    NAMES.map(async (broker) => {
      const program = [join(here, 'Transactions.java'), brokers[broker].bootstrapServers, name];
      const { status, stdout, stderr } = await runToEnd('java', [...javaFlags('tools', '512M'), ...program]);
      return status === 0 ? stdout : `${stdout}\n${stderr}`;
    }),
  );
  return { springtide, 'Apache Kafka': kafka };
}

describe('programs', () => {
  test(
    'do the same with transactions of version 2',
    async () => {
      const told = await runPrograms('two');
      expect(told.springtide).toBe(told['Apache Kafka']);
      expect(told.springtide).toMatch(
        /exactly once \(classic\): 96 records, true[\s\S]*\(consumer\): 96 records, true[\s\S]*end/,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'do the same after a downgrade to version 1',
    async () => {
      for (const name of NAMES) {
        const args = ['--bootstrap-server', brokers[name].bootstrapServers, 'downgrade', '--feature'];
        const { status, stderr } = await kafkaTool('features', [...args, 'transaction.version=1']);
        expect([stderr, status]).toEqual(['', 0]);
      }
      const told = await runPrograms('one');
      expect(told.springtide).toBe(told['Apache Kafka']);
      expect(told.springtide).toMatch(/end/);
    },
    TIMEOUT_MS,
  );
});
