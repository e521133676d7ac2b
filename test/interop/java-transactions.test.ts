/**
 * Programs with Kafka's own transactional producer (kafka/Transactions.java) and its tool for operators, on Apache Kafka 4.4.0 and on our
 * broker: both must do, and show, the same, with transactions of either version.
 */
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { kafkaTool, runToEnd } from './kafka/apache-kafka.ts';
import { type BrokerName, bothBrokers, onBoth } from './kafka/brokers.ts';
import { here, javaFlags } from './kafka/jars.ts';

const settings = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
  'group.initial.rebalance.delay.ms': 0,
};
const TIMEOUT_MS = 600_000;

const brokers = bothBrokers(settings);

/** What the program tells, by broker. */
function runPrograms(name: string): Promise<Record<BrokerName, string>> {
  return onBoth(async (broker) => {
    const program = [join(here, 'Transactions.java'), brokers[broker].bootstrapServers, name];
    const { status, stdout, stderr } = await runToEnd('java', [...javaFlags('tools', '512M'), ...program]);
    return status === 0 ? stdout : `${stdout}\n${stderr}`;
  });
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
      await onBoth(async (name) => {
        const args = ['--bootstrap-server', brokers[name].bootstrapServers, 'downgrade', '--feature'];
        const { status, stderr } = await kafkaTool('features', [...args, 'transaction.version=1']);
        expect([stderr, status]).toEqual(['', 0]);
      });
      const told = await runPrograms('one');
      expect(told.springtide).toBe(told['Apache Kafka']);
      expect(told.springtide).toMatch(/end/);
    },
    TIMEOUT_MS,
  );
});
