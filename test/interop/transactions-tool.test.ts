/** `kafka-transactions` on Apache Kafka 4.4.0 and on our broker: operators see the same, and end a hanging transaction alike. */
import { describe, expect, test } from '@jest/globals';
import { kafkaTool } from './kafka/apache-kafka.ts';
import { BROKER_NAMES, bothBrokers } from './kafka/brokers.ts';
import { Storyteller } from './transaction-stories.ts';

/** So that a transaction can hang: a batch that nobody has asked the coordinator for. */
const settings = { 'transaction.partition.verification.enable': 'false' };
const brokers = bothBrokers(settings);
const shown = { springtide: [] as string[], 'Apache Kafka': [] as string[] };

describe.each(BROKER_NAMES)('on %s', (name) => {
  async function tool(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await kafkaTool('transactions', [
      '--bootstrap-server',
      brokers[name].bootstrapServers,
      ...args,
    ]);
    return `${args.join(' ')} ends with ${status}:\n${plain(stdout)}${stderr === '' ? '' : `errors: ${plain(stderr)}`}`;
  }

  test('lists, describes, finds what hangs, and aborts it', async () => {
    const teller = await Storyteller.connect(brokers[name].bootstrapServers);
    const show = async (...args: string[]) => shown[name].push(await tool(...args));
    await teller.init('orders');
    await teller.init('quiet');
    await teller.add('orders', [0]);
    await teller.produce('orders', 0, 0, { version: 11 });
    await show('list');
    await show('describe', '--transactional-id', 'orders');
    await show('describe', '--transactional-id', 'nobody');
    await show('describe-producers', '--topic', 'ledger', '--partition', '0');
    await teller.end('orders', 'commit', { version: 4 });
    await teller.rest('orders');
    // Not part of the transaction: no marker will come.
    await teller.produce('orders', 1, 0, { version: 11, ageMs: 3_600_000 });
    await teller.stableOffset(1);
    await show('describe-producers', '--topic', 'ledger', '--partition', '1');
    await show('find-hanging', '--topic', 'ledger', '--max-transaction-timeout', '1');
    await show('abort', '--topic', 'ledger', '--partition', '1', '--start-offset', '0');
    await show('find-hanging', '--topic', 'ledger', '--max-transaction-timeout', '1');
    await show('list', '--duration-filter', '100000');
    await teller.stableOffset(1);
    shown[name].push(...teller.lines);
    teller.close();
    expect(shown[name].at(-1)).toBe('stable 1 → 2 2');
  });
});

test('both show the same', () => {
  expect(shown.springtide).toEqual(shown['Apache Kafka']);
});

/** Without times, ages, and the widths of columns. */
function plain(text: string): string {
  return text
    .replace(/\d{13}/g, 'TIME')
    .replace(/[ \t]+/g, ' ')
    .replace(/(Ongoing \d+ TIME) \d+/g, '$1 AGE');
}
