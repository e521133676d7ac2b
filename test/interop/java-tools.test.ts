/** Apache Kafka's own command-line tools against our broker, run alone as a process. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type SpringtideServer, startSpringtide } from '../processes/springtide-server.ts';
import { kafkaTool, type ToolName } from './kafka/apache-kafka.ts';

let server: SpringtideServer;

beforeAll(async () => {
  server = await startSpringtide();
});

afterAll(async () => {
  await server.stop();
  server.remove();
});

/** A tool that must end with success; its output is the answer. */
async function run(name: ToolName, args: string[], stdin?: string): Promise<string> {
  const result = await kafkaTool(name, ['--bootstrap-server', server.bootstrapServers, ...args], stdin);
  expect({ status: result.status, stderr: result.stderr }).toMatchObject({ status: 0 });
  return result.stdout;
}

describe('kafka-topics', () => {
  test('creates, describes, grows, lists and deletes a topic', async () => {
    await run('topics', ['--create', '--topic', 'tools', '--partitions', '3', '--config', 'retention.ms=60000']);
    const description = await run('topics', ['--describe', '--topic', 'tools']);
    expect(description).toMatch(
      /Topic: tools\s+TopicId: \S+\s+PartitionCount: 3\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=60000/,
    );
    expect(description.match(/Leader: 1/g)).toHaveLength(3);
    await run('topics', ['--alter', '--topic', 'tools', '--partitions', '5']);
    expect(await run('topics', ['--describe', '--topic', 'tools'])).toContain('PartitionCount: 5');
    expect(await run('topics', ['--list'])).toMatch(/^tools$/m);
    await run('topics', ['--delete', '--topic', 'tools']);
    expect(await run('topics', ['--list'])).not.toMatch(/^tools$/m);
  });

  test('refuses a topic that exists already', async () => {
    await run('topics', ['--create', '--topic', 'twice']);
    const again = await kafkaTool('topics', [
      '--bootstrap-server',
      server.bootstrapServers,
      '--create',
      '--topic',
      'twice',
    ]);
    expect(again.status).toBe(1);
    expect(again.stdout + again.stderr).toContain('TopicExistsException');
  });
});

describe('the console clients', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'carry lines compressed with %s there and back in order',
    async (codec) => {
      const topic = `console-${codec}`;
      const lines = Array.from({ length: 200 }, (_, index) => `key-${index % 7}:${'value '.repeat(20)}${index}`);
      await run('topics', ['--create', '--topic', topic]);
      const format = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:'];
      await run(
        'console-producer',
        ['--topic', topic, '--compression-codec', codec, ...format],
        `${lines.join('\n')}\n`,
      );
      const print = ['--formatter-property', 'print.key=true', '--formatter-property', 'key.separator=:'];
      const read = await run('console-consumer', [
        '--topic',
        topic,
        '--from-beginning',
        '--max-messages',
        '200',
        '--timeout-ms',
        '30000',
        ...print,
      ]);
      expect(read.trimEnd().split('\n')).toEqual(lines);
    },
  );
});

describe('kafka-consumer-groups', () => {
  test('shows the committed offset, the end offset and the lag of a group', async () => {
    await run('topics', ['--create', '--topic', 'lagging']);
    await run('console-producer', ['--topic', 'lagging'], 'a\nb\nc\nd\ne\n');
    await run('console-consumer', [
      '--topic',
      'lagging',
      '--group',
      'readers',
      '--from-beginning',
      '--max-messages',
      '3',
      '--timeout-ms',
      '30000',
    ]);
    const description = await run('consumer-groups', ['--describe', '--group', 'readers']);
    expect(description).toMatch(/readers\s+lagging\s+0\s+(?:-\s+)?3\s+5\s+2\s/);
    expect(await run('consumer-groups', ['--list'])).toContain('readers');
    expect(await run('consumer-groups', ['--describe', '--group', 'readers', '--state'])).toMatch(/readers .*Empty/);
  });

  test('resets and deletes the offsets of a group', async () => {
    await run('consumer-groups', [
      '--group',
      'readers',
      '--topic',
      'lagging',
      '--reset-offsets',
      '--to-earliest',
      '--execute',
    ]);
    expect(await run('consumer-groups', ['--describe', '--group', 'readers'])).toMatch(
      /lagging\s+0\s+(?:-\s+)?0\s+5\s+5\s/,
    );
    await run('consumer-groups', ['--delete', '--group', 'readers']);
    expect(await run('consumer-groups', ['--list'])).not.toContain('readers');
  });
});

describe('the other tools', () => {
  test('kafka-get-offsets prints the end offset', async () => {
    await run('topics', ['--create', '--topic', 'ends']);
    await run('console-producer', ['--topic', 'ends'], 'a\nb\n');
    expect(await run('get-offsets', ['--topic', 'ends'])).toContain('ends:0:2');
    expect(await run('get-offsets', ['--topic', 'ends', '--time', 'earliest'])).toContain('ends:0:0');
  });

  test('kafka-configs describes and alters a topic', async () => {
    await run('topics', ['--create', '--topic', 'tuned']);
    await run('configs', [
      '--entity-type',
      'topics',
      '--entity-name',
      'tuned',
      '--alter',
      '--add-config',
      'max.message.bytes=2000',
    ]);
    expect(await run('configs', ['--entity-type', 'topics', '--entity-name', 'tuned', '--describe'])).toContain(
      'max.message.bytes=2000',
    );
  });

  test('kafka-broker-api-versions understands every row that we advertise', async () => {
    const versions = await run('broker-api-versions', []);
    expect(versions).toMatch(/Produce\(0\): 0 to 13/);
    expect(versions).toMatch(/Fetch\(1\): 4 to 18/);
    expect(versions).not.toContain('UNKNOWN');
  });

  test('an idempotent Java producer sends 20,000 records with acks=all', async () => {
    await run('topics', ['--create', '--topic', 'perf', '--partitions', '3']);
    const target = ['--topic', 'perf', '--num-records', '20000', '--record-size', '100', '--throughput', '-1'];
    const output = await kafkaTool('producer-perf-test', [
      ...target,
      '--producer-props',
      `bootstrap.servers=${server.bootstrapServers}`,
      'acks=all',
    ]);
    expect(output.stdout).toMatch(/20000 records sent/);
    const ends = (await run('get-offsets', ['--topic', 'perf']))
      .trim()
      .split('\n')
      .map((line) => Number(line.split(':')[2]));
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(20_000);
  });
});
