/** A worker of Kafka Connect 4.3.1 in distributed mode, and what it is asked over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort } from '../../processes/child.ts';
import { javaFlags } from '../kafka/jars.ts';

/** As `worker_id` names it. */
type Address = string;

export interface Worker {
  readonly address: Address;
  /** Starts its process, again if there was one. */
  start(): void;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** The answer's JSON, or undefined where the worker does not answer, or not with success. */
  ask(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<unknown>;
}

/** It is not started yet. `folder`: for its properties. */
export async function newWorker(bootstrapServers: string, folder: string): Promise<Worker> {
  const address = `127.0.0.1:${await freePort()}`;
  const path = join(folder, `worker-${address.split(':')[1]}.properties`);
  const lines = Object.entries(propertiesOf(bootstrapServers, address)).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(path, lines.join(''));
  const args = [...javaFlags('connect', '256M'), 'org.apache.kafka.connect.cli.ConnectDistributed', path];
  let child: ChildProcess | undefined;
  return {
    address,
    start() {
      child = spawn('java', args, { stdio: 'ignore' });
    },
    stop: async (signal) => child && end(child, signal),
    ask: (method, target, body) => ask(`http://${address}${target}`, method, body),
  };
}

/** Members that are killed are missed early. */
function propertiesOf(bootstrapServers: string, address: Address): Record<string, string | number> {
  const topics = ['config', 'offset', 'status'].flatMap((what) => [
    [`${what}.storage.topic`, `connect-${what}`],
    [`${what}.storage.replication.factor`, -1],
  ]);
  return {
    ...Object.fromEntries(topics),
    'bootstrap.servers': bootstrapServers,
    'group.id': 'connect',
    listeners: `http://${address}`,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'exactly.once.source.support': 'enabled',
    'offset.flush.interval.ms': 1000,
    'scheduled.rebalance.max.delay.ms': 1000,
    'session.timeout.ms': 6000,
    'heartbeat.interval.ms': 1000,
  };
}

async function ask(url: string, method: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  try {
    const answer = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined; // It is starting, or was killed.
  }
}
