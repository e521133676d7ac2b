/** The foreign clients: what a machine needs for each, how it is brought, and how its program is started. */
import { join } from 'node:path';
import { isInstalled, javaFlags } from '../kafka/jars.ts';
import type { Launch } from './agent.ts';
import { bring, filesOf, isBrought, machinePath, programFolder } from './bring.ts';

export interface Client {
  readonly name: string;
  /** Of commands that must be there, with the flag that makes them print their version. */
  readonly tools: readonly (readonly [command: string, versionFlag: string])[];
  /** Why the bounded run does without it where it is not there yet. */
  readonly isCostly?: () => string | undefined;
  /** Scenarios that it does not pass on Apache Kafka either, by its own fault, with that. */
  readonly flaws?: Readonly<Record<string, string>>;
  /** Installs what is not there yet. */
  readonly bring: () => Launch;
}

/** The row of a restart in the table. */
export const RESTART = 'goes on after a restart';

const NPM_MANIFESTS = ['package.json', 'package-lock.json'] as const;

export const clients: readonly Client[] = [
  {
    name: 'java',
    tools: [['java', '-version']],
    bring: () => ({
      command: 'java',
      args: [...javaFlags('tools', '256M'), join(programFolder, 'java', 'Agent.java')],
    }),
  },
  {
    name: 'kcat',
    tools: [['kcat', '-V']],
    flaws: { [RESTART]: 'ends itself when no broker is there' },
    bring: () => ({ command: process.execPath, args: [agentOf('kcat')] }),
  },
  { name: 'confluent-kafka', tools: [['python3', '--version']], bring: () => python('confluent-kafka') },
  { name: 'aiokafka', tools: [['python3', '--version']], bring: () => python('aiokafka') },
  {
    name: 'franz-go',
    tools: [['go', 'version']],
    flaws: { 'KIP-848: a static member returns': 'ends without a word, so that its instance stays taken' },
    bring: () => go('franz-go'),
  },
  { name: 'kafka-python', tools: [['python3', '--version']], isCostly: byNight, bring: () => python('kafka-python') },
  {
    name: 'kafka-go',
    tools: [['go', 'version']],
    flaws: { 'the broker gives the time': 'gives readers the time of the producer' },
    isCostly: byNight,
    bring: () => go('kafka-go'),
  },
  { name: 'sarama', tools: [['go', 'version']], isCostly: byNight, bring: () => go('sarama') },
  { name: 'kafkajs', tools: [['npm', '--version']], bring: () => node('kafkajs') },
  {
    name: 'platformatic',
    tools: [['npm', '--version']],
    flaws: {
      [RESTART]: 'does not always find its way back to a broker that takes seconds to start',
      'the broker gives the time': 'gives readers the time of the producer',
      'group: two members rebalance': 'reads again what it was reading when the group rebalanced',
      'group: a static member returns': 'at times comes back to no partitions',
      'both protocols in one group': 'reads no further once the group has gone over to the new protocol',
      'transactions: commit, abort, read committed': 'gives readers of committed records aborted ones, too',
      'transactions: a second producer of the id fences the first': 'begins with the producer id that it never had',
    },
    bring: () => node('platformatic'),
  },
  {
    name: 'node-rdkafka',
    tools: [
      ['npm', '--version'],
      ['g++', '--version'],
      ['make', '--version'],
    ],
    isCostly: () =>
      isBrought('node-rdkafka', NPM_MANIFESTS) ? undefined : 'compiled for minutes, by npm run test:nightly',
    bring: () => ({ ...node('node-rdkafka'), command: 'node' }),
  },
];

function byNight(): string {
  return 'by npm run test:nightly';
}

/** What this machine has not, or undefined. */
export function missingFor(client: Client): string | undefined {
  const missing = client.tools.filter(([command, versionFlag]) => !isInstalled(command, versionFlag));
  return missing.length === 0 ? undefined : `this machine has no ${missing.map(([command]) => command).join(', no ')}`;
}

function python(client: string): Launch {
  const folder = bring(
    client,
    ['requirements.txt'],
    [
      ['python3', '-m', 'venv', '.'],
      [join('bin', 'pip'), 'install', '--quiet', '--no-deps', '-r', 'requirements.txt'],
    ],
  );
  return { command: join(folder, 'bin', 'python'), args: [join(programFolder, client, 'agent.py')] };
}

/** Go has its own cache of what did not change. */
function go(client: string): Launch {
  const folder = bring(client, filesOf(client), [['go', 'build', '-buildvcs=false', '-o', 'agent', '.']]);
  return { command: join(folder, 'agent'), args: [] };
}

function node(client: string): Launch {
  const folder = bring(client, NPM_MANIFESTS, [['npm', 'ci', '--no-audit', '--no-fund']]);
  const env = { SPRINGTIDE_CLIENT_FOLDER: folder, PATH: machinePath() };
  return { command: process.execPath, args: [agentOf(client)], env };
}

function agentOf(client: string): string {
  return join(programFolder, client, 'agent.mjs');
}
