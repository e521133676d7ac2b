/**
 * Whole brokers: programs of one client against ours and a rival, chosen by the arguments of the command (`run.ts`). Every round runs each program once against each broker, so that all see the same moods of the machine; rows are medians. The
 * rival, Apache Kafka 4.4.0, joins when `npm run test:interop` has brought its jars, and stays away with `--alone`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BrokerProcess, hasRival, startOurs, startRival } from './broker-process.ts';
import { type Figures, median } from './figures.ts';

const END_TO_END_RECORDS = 2_000;
const KNOWN = ['startup', 'send', 'listen', 'end-to-end'] as const;
type Program = (typeof KNOWN)[number];
type Sample = Figures & { brokerCpuSeconds: number };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    records: { type: 'string', default: '500000' },
    alone: { type: 'boolean', default: false },
  },
});
const programs = chosen(positionals);
const rounds = Number(options.rounds);
const records = Number(options.records);

console.log(
  `node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${rounds} rounds, medians; client and broker share the machine`,
);
if (programs.includes('startup')) await startup();
const onBrokers = programs.filter((program) => program !== 'startup');
if (onBrokers.length > 0) await compare(onBrokers);

async function startup(): Promise<void> {
  const samples: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'springtide-bench-'));
    samples.push(await runProgram('startup', [folder]));
    rmSync(folder, { recursive: true, force: true });
  }
  const [ready, first, cpu] = [
    samples.map((s) => (s.p50Ms ?? 0) / 1000),
    samples.map((s) => s.seconds),
    samples.map((s) => s.cpuSeconds),
  ];
  console.log(
    `startup      application and included broker: ready after ${text(median(ready), 3)} s, first record handled after ${text(median(first), 3)} s, cpu ${text(median(cpu), 2)} s`,
  );
}

async function compare(names: Program[]): Promise<void> {
  const brokers = [
    await startOurs('sync'),
    await startOurs('os'),
    ...(!options.alone && hasRival() ? [await startRival()] : []),
  ];
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const broker of brokers) {
      for (const name of names) {
        const key = `${name.padEnd(12)} ${broker.name.padEnd(18)}`;
        samples.set(key, [...(samples.get(key) ?? []), await sample(name, broker, round)]);
      }
    }
  }
  for (const key of [...samples.keys()].sort()) console.log(row(key, samples.get(key) ?? []));
  for (const broker of brokers) await broker.stop();
}

/** `listen` reads what a `send` of the same size wrote; every sample has a topic of its own. */
async function sample(name: Program, broker: BrokerProcess, round: number): Promise<Sample> {
  const topic = `bench-${name}-${round}`;
  if (name === 'listen') await runProgram('send', [broker.bootstrapServers, topic, String(records)]);
  const before = broker.cpuSeconds();
  const count = name === 'end-to-end' ? END_TO_END_RECORDS : records;
  const figures = await runProgram(name, [broker.bootstrapServers, topic, String(count)]);
  return { ...figures, brokerCpuSeconds: broker.cpuSeconds() - before };
}

function runProgram(name: Program, args: readonly string[]): Promise<Figures> {
  const child = spawn(process.execPath, [join('dist', 'bench', 'programs', `${name}.js`), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => {
      const line = output.trim().split('\n').at(-1) ?? '';
      if (status === 0) resolve(JSON.parse(line));
      else reject(new Error(`bench program ${name} ended with ${status}: ${output}`));
    });
  });
}

function row(key: string, samples: Sample[]): string {
  const of = (pick: (sample: Sample) => number) => median(samples.map(pick));
  const latency = Number.isNaN(of((s) => s.p50Ms ?? Number.NaN))
    ? ''
    : `, p50 ${text(
        of((s) => s.p50Ms ?? 0),
        2,
      )} ms, p99 ${text(
        of((s) => s.p99Ms ?? 0),
        2,
      )} ms`;
  const rate = Math.round(of((s) => s.records / s.seconds));
  const perMillion = (pick: (sample: Sample) => number) =>
    text(
      of((s) => (pick(s) / s.records) * 1e6),
      2,
    );
  return `${key} ${rate.toLocaleString('en').padStart(9)} records/s ${text(
    of((s) => s.bytes / s.seconds / 1e6),
    1,
  ).padStart(
    6,
  )} MB/s, cpu s/M: program ${perMillion((s) => s.cpuSeconds)}, broker ${perMillion((s) => s.brokerCpuSeconds)}${latency}`;
}

function text(value: number, digits: number): string {
  return value.toFixed(digits);
}

function chosen(names: readonly string[]): Program[] {
  const unknown = names.filter((name) => !KNOWN.includes(name as Program));
  if (unknown.length > 0) throw new Error(`unknown bench ${unknown.join(', ')}; known: ${KNOWN.join(', ')}`);
  return names.length === 0 ? [...KNOWN] : (names as Program[]);
}
