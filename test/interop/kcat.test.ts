/** kcat (librdkafka) against our broker, run alone as a process. */
import { beforeAll, expect, test } from '@jest/globals';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { runToEnd } from './kafka/apache-kafka.ts';
import { tendBrokers } from './kafka/brokers.ts';

const tend = tendBrokers();
let server: SpringtideServer;

beforeAll(async () => {
  server = await tend(startSpringtide({ overrides: ['num.partitions=2'] }));
});

async function kcat(args: string[], stdin?: string): Promise<string> {
  const result = await runToEnd('kcat', ['-b', server.bootstrapServers, ...args], stdin);
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return result.stdout;
}

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
  'produces with %s and consumes what it produced',
  async (codec) => {
    const topic = `kcat-${codec}`;
    const lines = Array.from({ length: 500 }, (_, index) => `${'line '.repeat(10)}${index}`);
    await kcat(['-P', '-t', topic, '-p', '1', '-z', codec], `${lines.join('\n')}\n`);
    const read = await kcat(['-C', '-t', topic, '-p', '1', '-o', 'beginning', '-e', '-q']);
    expect(read.trimEnd().split('\n')).toEqual(lines);
  },
);

test('lists brokers, topics and partitions', async () => {
  await kcat(['-P', '-t', 'listed'], 'x\n');
  const metadata = await kcat(['-L']);
  expect(metadata).toContain(`at ${server.bootstrapServers}`);
  expect(metadata).toMatch(/topic "listed" with 2 partitions:\n\s+partition 0, leader 1, replicas: 1, isrs: 1/);
});

test('keys and headers arrive as sent', async () => {
  await kcat(['-P', '-t', 'headed', '-p', '0', '-k', 'k1', '-H', 'trace=abc'], 'v1\n');
  const read = await kcat(['-C', '-t', 'headed', '-p', '0', '-o', 'beginning', '-e', '-q', '-f', '%k|%h|%s|%o\n']);
  expect(read).toBe('k1|trace=abc|v1|0\n');
});

test('a balanced group of kcat reads every record once', async () => {
  await kcat(['-P', '-t', 'grouped'], `${Array.from({ length: 100 }, (_, index) => index).join('\n')}\n`);
  const read = await kcat(['-G', 'kcat-group', '-X', 'auto.offset.reset=earliest', '-e', '-q', '-c', '100', 'grouped']);
  const numbers = read.trimEnd().split('\n').map(Number);
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
});
