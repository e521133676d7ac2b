/**
 * Who is compared: our broker (`springtide server`), Apache Kafka with the flags of its distribution, both acknowledging what is in the
 * page cache, and the bare Node process (`bare-broker.ts`), all with their data under the same temporary folder.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { end } from '../../../test/processes/child.ts';
import { type BrokerProcess, cpuSecondsOf, startOurs, startRival } from '../../broker-process.ts';

export type Name = 'ours' | 'kafka' | 'bare';

export interface Contestant extends BrokerProcess {
  readonly is: Name;
}

/** Those of `kafka-server-start.sh` and `kafka-run-class.sh`. */
const KAFKA_JVM = [
  '-Xms1G',
  '-Xmx1G',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
];

export async function start(is: Name): Promise<Contestant> {
  if (is === 'bare') return startBare();
  return { ...(is === 'ours' ? await startOurs('os') : await startRival(KAFKA_JVM)), is };
}

/** Partitions of every topic of the bare process: producers meet the number that the row wants. */
export async function startBare(partitionCount = 1): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'springtide-bench-'));
  const program = join(import.meta.dirname, 'bare-broker.ts');
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--conditions=springtide-src', program, folder, String(partitionCount)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.on('exit', (status) => reject(new Error(`the bare process ended with ${status}`)));
  });
  return {
    is: 'bare',
    name: 'bare Node process',
    bootstrapServers: line.replace('ready ', ''),
    pid: child.pid ?? 0,
    startedMs,
    cpuSeconds: () => cpuSecondsOf(child.pid),
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
