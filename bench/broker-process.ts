/** The broker under measurement: ours as `springtide server`, or the rival, Apache Kafka, where its jars and Java are. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApacheKafka } from '../test/interop/kafka/apache-kafka.ts';
import { jarFolder } from '../test/interop/kafka/jars.ts';
import { end } from '../test/processes/child.ts';

const CLOCK_TICKS_PER_SECOND = 100;
const bin = join(process.cwd(), 'bin', 'springtide.mjs');

export interface BrokerProcess {
  name: string;
  bootstrapServers: string;
  pid: number;
  /** When its process was started, on the scale of `performance.now()`. */
  startedMs: number;
  /** User and system seconds so far; NaN where /proc is not. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

export async function startOurs(durability: 'sync' | 'os'): Promise<BrokerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'springtide-bench-'));
  const overrides = [
    'listeners=PLAINTEXT://127.0.0.1:0',
    `log.dirs=${folder}`,
    `springtide.broker.durability=${durability}`,
  ];
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [bin, 'server', '--log-level', 'warn', ...overrides.flatMap((o) => ['--override', o])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const bootstrapServers = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const ready = /ready[^\n]*?(127\.0\.0\.1:\d+)/.exec(output);
      if (ready) resolve(ready[1]);
    });
    child.on('exit', (status) => reject(new Error(`the server ended with ${status}: ${output}`)));
  });
  return {
    name: `springtide, ${durability}`,
    bootstrapServers,
    pid: child.pid ?? 0,
    startedMs,
    cpuSeconds: () => cpuSecondsOf(child.pid),
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function hasRival(): boolean {
  return existsSync(join(jarFolder('broker'), '.complete'));
}

/** @param jvm its flags; default: those of the tests, which are to start fast */
export async function startRival(jvm?: readonly string[]): Promise<BrokerProcess> {
  const kafka = await startApacheKafka({}, jvm);
  return {
    name: 'Apache Kafka 4.4.0',
    bootstrapServers: kafka.bootstrapServers,
    pid: kafka.pid,
    startedMs: kafka.startedMs,
    cpuSeconds: () => cpuSecondsOf(kafka.pid),
    stop: async () => {
      await kafka.stop();
      kafka.remove();
    },
  };
}

/** User and system seconds of a process so far; NaN where /proc is not. */
export function cpuSecondsOf(pid: number | undefined): number {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return Number.NaN;
  const fields = readFileSync(stat, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}
