/** Client quotas on Apache Kafka 4.4.0 and on our broker: the same requests get the same answers, and Kafka's tools the same from both. */
import { describe, expect, test } from '@jest/globals';
import { silentLogger, systemClock } from '#core';
import { RequestChannel, tcpTransport } from '#net';
import { Apis, errorByCode } from '#protocol';
import { kafkaTool } from './kafka/apache-kafka.ts';
import { type Broker, bothBrokers } from './kafka/brokers.ts';
import { askUntil } from './until.ts';

/** With the default of eleven windows of a second each a producer may send ten seconds' worth at once. */
const brokers = bothBrokers({ 'quota.window.num': 2 });

type Entity = Record<string, string | null>;
type Limits = Record<string, number | null>;
type Step =
  | { alter: [Entity, Limits][]; validateOnly?: boolean }
  | { find: Record<string, string | null | undefined>; strict?: boolean }
  | { filter: { entityType: string; matchType: number; match: string | null }[] };

const CLIENT = { 'client-id': 'c' };
const steps: Step[] = [
  { alter: [[CLIENT, { producer_byte_rate: 1000, consumer_byte_rate: 2000.0000001 }]] },
  {
    alter: [
      [{ user: 'u' }, { request_percentage: 0.25 }],
      [{ user: null }, { controller_mutation_rate: 5 }],
    ],
  },
  { alter: [[{ user: 'u', 'client-id': null }, { producer_byte_rate: 1 }]] },
  { alter: [[{ user: null, 'client-id': 'c' }, { producer_byte_rate: 2 }]] },
  { alter: [[{ user: null, 'client-id': null }, { producer_byte_rate: 3 }]] },
  {
    alter: [
      [{ ip: '127.0.0.1' }, { connection_creation_rate: 100_000 }],
      [{ ip: null }, { connection_creation_rate: 200_000 }],
    ],
  },
  { alter: [[{ 'client-id': 'planned' }, { producer_byte_rate: 1 }]], validateOnly: true },
  { alter: [[{ 'client-id': 'nothing' }, { producer_byte_rate: null, nosuch: null }]] },
  { find: {} },
  { find: {}, strict: true },
  ...[undefined, null, 'u', 'nobody'].flatMap((user): Step[] => [
    { find: { user } },
    { find: { user }, strict: true },
    { find: { user, 'client-id': undefined } },
    { find: { user, 'client-id': null }, strict: true },
  ]),
  { find: { ip: undefined } },
  { find: { ip: null } },
  { filter: [{ entityType: '', matchType: 0, match: 'x' }] },
  { filter: [{ entityType: 'group', matchType: 0, match: 'x' }] },
  { filter: [{ entityType: 'user', matchType: 0, match: null }] },
  { filter: [{ entityType: 'user', matchType: 1, match: 'x' }] },
  { filter: [{ entityType: 'user', matchType: 2, match: 'x' }] },
  { filter: [{ entityType: 'user', matchType: 3, match: null }] },
  { filter: [{ entityType: 'user', matchType: -1, match: null }] },
  {
    filter: [
      { entityType: 'user', matchType: 2, match: null },
      { entityType: 'user', matchType: 1, match: null },
    ],
  },
  {
    filter: [
      { entityType: 'user', matchType: 2, match: null },
      { entityType: 'ip', matchType: 2, match: null },
    ],
  },
  ...[0, -1, 1.5, 1e19, 2 ** 62, 1e-9, Number.POSITIVE_INFINITY].flatMap((value): Step[] => [
    { alter: [[CLIENT, { producer_byte_rate: value }]], validateOnly: true },
    { alter: [[CLIENT, { request_percentage: value }]], validateOnly: true },
    { alter: [[{ ip: '127.0.0.1' }, { connection_creation_rate: value }]], validateOnly: true },
  ]),
  { alter: [[{ ip: '127.0.0.1' }, { connection_creation_rate: 2147483648 }]] },
  { alter: [[{ ip: '127.0.0.1' }, { producer_byte_rate: 1 }]] },
  { alter: [[CLIENT, { connection_creation_rate: 1 }]] },
  { alter: [[CLIENT, { nosuch: 1 }]] },
  { alter: [[{}, { producer_byte_rate: 1 }]] },
  { alter: [[{ user: '' }, { producer_byte_rate: 1 }]] },
  { alter: [[{ group: 'g' }, { producer_byte_rate: 1 }]] },
  { alter: [[{ ip: '127.0.0.1', user: 'u' }, { connection_creation_rate: 1 }]] },
  { alter: [[{ ip: '1.2.3.456' }, { connection_creation_rate: 1 }]] },
  {
    alter: [
      [CLIENT, { producer_byte_rate: 7 }],
      [{ user: 'u' }, { request_percentage: -1 }],
    ],
  },
  { alter: [[CLIENT, { producer_byte_rate: 8, consumer_byte_rate: -8 }]] },
  { find: {} },
  {
    alter: [
      [CLIENT, { producer_byte_rate: null, consumer_byte_rate: null }],
      [{ user: 'u' }, { request_percentage: null }],
    ],
  },
  { find: {} },
  { alter: [] },
  // Nothing may be left for the tests below.
  {
    alter: [
      [{ user: null }, { controller_mutation_rate: null }],
      [{ user: 'u', 'client-id': null }, { producer_byte_rate: null }],
      [{ user: null, 'client-id': 'c' }, { producer_byte_rate: null }],
      [{ user: null, 'client-id': null }, { producer_byte_rate: null }],
      [{ ip: '127.0.0.1' }, { connection_creation_rate: null }],
      [{ ip: null }, { connection_creation_rate: null }],
    ],
  },
  { find: {} },
];

describe('the same requests', () => {
  test('get the same answers', async () => {
    const ours = await answersOf(brokers.springtide);
    expect(ours).toEqual(await answersOf(brokers['Apache Kafka'], ours));
  });
});

/** Apache Kafka may find what its controller has not told it yet: it is asked again when it finds something else than `expected`. */
async function answersOf({ bootstrapServers }: Broker, expected?: readonly string[]): Promise<string[]> {
  const [host, port] = bootstrapServers.split(':');
  const connection = await tcpTransport().connect(host, Number(port));
  const channel = new RequestChannel(connection, { clientId: 'asker', clock: systemClock, logger: silentLogger });
  const answers: string[] = [];
  for (const [index, step] of steps.entries()) {
    const ask = async () => `${JSON.stringify(step)} → ${await answerOf(channel, step)}`;
    const isRight = (answer: string) => expected === undefined || !('find' in step) || answer === expected[index];
    answers.push(await askUntil(ask, isRight));
  }
  channel.close();
  return answers;
}

async function answerOf(channel: RequestChannel, step: Step): Promise<string> {
  const options = { timeoutMs: 30_000 };
  if ('alter' in step) {
    const entries = step.alter.map(([entity, limits]) => ({
      entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
      ops: Object.entries(limits).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
    }));
    const request = { entries, validateOnly: step.validateOnly ?? false };
    const answer = await channel.send(Apis.AlterClientQuotas, 1, request, options);
    return lines(
      answer.entries.map(
        ({ entity, errorCode, errorMessage }) =>
          `${textOf(entity)} ${errorByCode(errorCode).name} ${errorMessage === null ? 'without' : 'with'} a text`,
      ),
    );
  }
  const components =
    'filter' in step
      ? step.filter
      : Object.entries(step.find).map(([entityType, match]) => ({
          entityType,
          matchType: match === undefined ? 2 : match === null ? 1 : 0,
          match: match ?? null,
        }));
  const strict = 'strict' in step ? (step.strict ?? false) : false;
  const answer = await channel.send(Apis.DescribeClientQuotas, 1, { components, strict }, options);
  if (answer.entries === null) return errorByCode(answer.errorCode).name;
  return lines(
    answer.entries.map(
      ({ entity, values }) => `${textOf(entity)} ${values.map(({ key, value }) => `${key}=${value}`).sort()}`,
    ),
  );
}

/** Neither broker promises an order. */
const lines = (items: string[]) => items.sort().join(' | ');

const textOf = (entity: readonly { entityType: string; entityName: string | null }[]) =>
  entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).sort();

describe.each(['springtide', 'Apache Kafka'] as const)('on %s', (name) => {
  const configs = (...args: string[]) =>
    kafkaTool('configs', ['--bootstrap-server', brokers[name].bootstrapServers, ...args]);

  test('kafka-configs sets, shows and removes quotas of clients, users and addresses', async () => {
    const client = ['--entity-type', 'clients', '--entity-name', 'tool'];
    const added = await configs(
      ...client,
      '--alter',
      '--add-config',
      'producer_byte_rate=1024,consumer_byte_rate=2048',
    );
    expect(added.stdout).toContain('Completed updating config for client tool.');
    const both = ['--entity-type', 'users', '--entity-name', 'anna', '--entity-type', 'clients', '--entity-default'];
    await configs(...both, '--alter', '--add-config', 'request_percentage=12.5');
    await configs(
      '--entity-type',
      'ips',
      '--entity-name',
      '10.1.2.3',
      '--alter',
      '--add-config',
      'connection_creation_rate=9',
    );
    const shown = (await configs('--entity-type', 'clients', '--entity-name', 'tool', '--describe')).stdout;
    expect(shown).toMatch(/client-id 'tool' are .*producer_byte_rate=1024\.0/);
    expect(shown).toContain('consumer_byte_rate=2048.0');
    expect((await configs(...both, '--describe')).stdout).toMatch(
      /user-principal 'anna'.*default client-id.*request_percentage=12\.5/,
    );
    expect((await configs('--entity-type', 'ips', '--describe')).stdout).toMatch(
      /10\.1\.2\.3.*connection_creation_rate=9\.0/,
    );
    await configs(...client, '--alter', '--delete-config', 'producer_byte_rate,consumer_byte_rate');
    expect((await configs(...client, '--describe')).stdout).not.toContain('byte_rate');
  });

  test('a producer beyond its quota is throttled, and says so', async () => {
    const { bootstrapServers } = brokers[name];
    await kafkaTool('topics', ['--bootstrap-server', bootstrapServers, '--create', '--topic', 'throttled']);
    await configs(
      '--entity-type',
      'clients',
      '--entity-name',
      'perf',
      '--alter',
      '--add-config',
      'producer_byte_rate=200000',
    );
    const output = await kafkaTool('producer-perf-test', [
      ...[
        '--topic',
        'throttled',
        '--num-records',
        '800',
        '--record-size',
        '1000',
        '--throughput',
        '-1',
        '--print-metrics',
      ],
      ...[
        '--producer-props',
        `bootstrap.servers=${bootstrapServers}`,
        'client.id=perf',
        'batch.size=100000',
        'linger.ms=100',
      ],
    ]);
    expect(output.stdout).toMatch(/800 records sent/);
    const throttled = /produce-throttle-time-max:\{client-id=perf\}\s*:\s*([\d.]+)/.exec(output.stdout);
    expect(Number(throttled?.[1])).toBeGreaterThan(0);
  });
});
