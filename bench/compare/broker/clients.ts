/** The clients of the bench, each to its end in a process of its own: Kafka's Java tools with the flags of their scripts, and kcat. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { Admin } from '#client';
import { classPath } from '../../../test/interop/kafka/jars.ts';
import type { Contestant } from './contestants.ts';

const TOOLS_JVM = ['-Xmx512M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:MaxInlineLevel=15'];

export interface ProducerLoad {
  readonly records: number;
  /** One record a line. */
  readonly payloadFile: string;
}

/** @returns records a second, as the tool tells */
export async function producerPerf(broker: Contestant, topic: string, load: ProducerLoad): Promise<number> {
  const output = await java('org.apache.kafka.tools.ProducerPerformance', [
    ...['--bootstrap-server', broker.bootstrapServers, '--topic', topic],
    ...['--num-records', String(load.records), '--payload-file', load.payloadFile, '--throughput', '-1'],
  ]);
  const rate = /records sent, ([\d.]+) records\/sec/.exec(output.trim().split('\n').at(-1) ?? '');
  if (rate === null) throw new Error(`producer-perf said:\n${output}`);
  return Number(rate[1]);
}

/** @returns records a second from the first fetch on, as the tool tells */
export async function consumerPerf(broker: Contestant, topic: string, records: number): Promise<number> {
  const output = await java('org.apache.kafka.tools.ConsumerPerformance', [
    ...['--bootstrap-server', broker.bootstrapServers, '--topic', topic, '--num-records', String(records)],
    ...['--timeout', '60000', '--hide-header'],
  ]);
  const columns = (output.trim().split('\n').at(-1) ?? '').split(',').map((column) => column.trim());
  if (Number(columns[4]) < records) throw new Error(`consumer-perf said:\n${output}`);
  return Number(columns[9]);
}

/** A program of one file in this folder; @returns its standard output */
export function javaProgram(file: string, args: readonly string[]): Promise<string> {
  return java(`bench/compare/broker/${file}`, args);
}

/** @param toFile where its standard output goes */
export function kcat(args: readonly string[], toFile?: string): Promise<string> {
  return run('kcat', args, toFile);
}

export async function withAdmin<T>(broker: Contestant, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = Admin.create({ 'bootstrap.servers': broker.bootstrapServers, 'default.api.timeout.ms': 300_000 });
  try {
    return await use(admin);
  } finally {
    await admin.close();
  }
}

export async function createTopic(broker: Contestant, name: string, partitionCount: number): Promise<void> {
  if (broker.is === 'bare') return;
  await withAdmin(broker, async (admin) => (await admin.createTopics([{ name, numPartitions: partitionCount }])).all());
}

export async function deleteTopic(broker: Contestant, name: string): Promise<void> {
  if (broker.is === 'bare') return;
  await withAdmin(broker, async (admin) => (await admin.deleteTopics([name])).all());
}

function java(program: string, args: readonly string[]): Promise<string> {
  return run('java', [...TOOLS_JVM, ...classPath('tools'), program, ...args]);
}

function run(command: string, args: readonly string[], toFile?: string): Promise<string> {
  const stdout = toFile === undefined ? 'pipe' : openSync(toFile, 'w');
  const child = spawn(command, args, { stdio: ['ignore', stdout, 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(Buffer.concat(output).toString());
      else reject(new Error(`${command} ${args.join(' ')} ended with ${status}:\n${Buffer.concat(errors)}`));
    });
  });
}
