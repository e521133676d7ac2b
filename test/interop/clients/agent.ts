/**
 * A foreign client behind a small program of ours (`java/Agent.java`, `franz-go/main.go`, …): one process with at most one consumer and
 * one transactional producer. It reads a request a line and answers each with a line before it reads the next:
 *
 *   {"verb":"poll","ms":500}     →  {"ok":{"records":[…],"assignment":[["orders",0]]}}  or  {"error":"…"}
 *
 * The first request is `hello` with `bootstrapServers`; its answer names the client's version and what it `can` do: verbs, and
 * abilities such as a codec. What another client cannot do is no verb of it, so that scenarios that need it are not run with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { end } from '../../processes/child.ts';

const ANSWER_TIMEOUT_MS = 120_000;

export interface SentRecord {
  readonly partition?: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp?: number;
  readonly headers?: readonly (readonly [name: string, value: string | null])[];
}

export interface ReadRecord extends Required<SentRecord> {
  readonly topic: string;
  readonly offset: number;
}

/** Where reading a partition begins. */
export type Place = 'earliest' | 'latest' | number | { readonly timestamp: number };

export interface Verbs {
  hello: [{ bootstrapServers: string }, { version: string; can: readonly string[] }];
  /** The offsets of the records in their order, null where the client does not tell; what is wrong with one is the error of all. The producer stays open. */
  produce: [
    {
      topic: string;
      records: readonly SentRecord[];
      codec?: string;
      acks?: 0 | 1 | -1;
      idempotent?: boolean;
    },
    readonly number[] | null,
  ];
  /** A consumer of `topic`, or of topics that match `pattern`: by a group, or with `assign` by itself. */
  open: [
    {
      topic: string;
      pattern?: string;
      group?: string;
      assign?: readonly { partition: number; at: Place }[];
      protocol?: 'classic' | 'consumer';
      assignor?: 'range' | 'cooperative-sticky';
      instanceId?: string;
      /** Reads committed transactions only. */
      committed?: boolean;
      reset?: 'earliest' | 'latest';
      /** Of the producer whose transactions will have the offsets, for a client in which both are one. */
      transactionalId?: string;
    },
    null,
  ];
  /** What arrives until `ms` have passed, or earlier. */
  poll: [{ ms: number }, { records: readonly ReadRecord[]; assignment: readonly (readonly [string, number])[] }];
  /** Commits the positions of what was polled, and waits. */
  commit: [object, null];
  close: [object, null];
  txnOpen: [{ transactionalId: string; timeoutMs?: number }, null];
  txnBegin: [object, null];
  txnSend: [{ topic: string; records: readonly SentRecord[] }, readonly number[]];
  /** Adds the positions of the open consumer to the transaction. */
  txnOffsets: [object, null];
  txnCommit: [object, null];
  txnAbort: [object, null];
  txnClose: [object, null];
  createTopic: [{ topic: string; partitions?: number; configs?: Readonly<Record<string, string>> }, unknown];
  /** `[partition, leader, count of replicas, count of in-sync ones]` of each */
  describeTopic: [{ topic: string }, readonly (readonly number[])[]];
  listTopics: [object, readonly string[]];
  addPartitions: [{ topic: string; total: number }, unknown];
  deleteTopic: [{ topic: string }, unknown];
  /** Values with their sources, as the client names them. */
  describeConfigs: [{ topic: string }, Readonly<Record<string, string>>];
  alterConfigs: [{ topic: string; set?: Readonly<Record<string, string>>; delete?: readonly string[] }, unknown];
  /** The new begin of the log. */
  deleteRecords: [{ topic: string; partition: number; before: number }, unknown];
  listOffsets: [{ topic: string; partition: number; at: Place | 'max-timestamp' }, number];
  /** `[group, type, state]` as the client names them */
  listGroups: [object, readonly (readonly string[])[]];
  describeGroup: [{ group: string }, { state: string; members: readonly unknown[] }];
  /** By `topic-partition`. */
  groupOffsets: [{ group: string; topic: string }, Readonly<Record<string, number>>];
  alterGroupOffsets: [{ group: string; topic: string; partition: number; offset: number }, unknown];
  deleteGroupOffsets: [{ group: string; topic: string }, unknown];
  deleteGroup: [{ group: string }, unknown];
  describeCluster: [object, unknown];
}

/** What a client answered that something is wrong. */
export class AgentError extends Error {}

export interface Agent {
  readonly version: string;
  readonly can: ReadonlySet<string>;
  /** What the client complained of. */
  readonly complaints: () => string;
  /** @throws AgentError with the client's own words */
  ask<V extends keyof Verbs>(verb: V, args?: Verbs[V][0]): Promise<Verbs[V][1]>;
  stop(): Promise<void>;
}

/** How the program of a client is started. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function startAgent({ command, args, env }: Launch, bootstrapServers: string): Promise<Agent> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const complaints: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const read = () => Buffer.concat(complaints).toString();
  const answers = answersOf(child, read);
  const ask = async (verb: string, request: object = {}): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify({ verb, ...request })}\n`);
    const answer = JSON.parse(await answers()) as { ok?: unknown; error?: string };
    if (answer.error !== undefined) throw new AgentError(answer.error);
    return answer.ok;
  };
  const stop = () => end(child, 'SIGKILL');
  try {
    const { version, can } = (await ask('hello', { bootstrapServers })) as Verbs['hello'][1];
    return { version, can: new Set(can), complaints: read, ask: ask as Agent['ask'], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The next line of the child's output; rejects when the child ends, and when none comes in time. */
function answersOf(child: ChildProcess & { stdout: NodeJS.ReadableStream }, complaints: () => string) {
  let settle: { resolve(line: string): void; reject(error: Error): void } | undefined;
  const fail = (what: string) => settle?.reject(new Error(`the client ${what}:\n${complaints().slice(-2000)}`));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) settle?.resolve(line);
  });
  child.on('error', (error) => fail(`could not start, ${error.message}`));
  child.on('exit', (status, signal) => fail(`ended with ${status ?? signal}`));
  child.stdin?.on('error', () => {}); // It has ended, which 'exit' tells.
  return async (): Promise<string> => {
    const answer = new Promise<string>((resolve, reject) => (settle = { resolve, reject }));
    const timer = setTimeout(() => fail(`gave no answer for ${ANSWER_TIMEOUT_MS} ms`), ANSWER_TIMEOUT_MS);
    if (child.exitCode !== null) fail(`has ended with ${child.exitCode}`);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  };
}
