/**
 * Kafka's command-line tools, one step after the other on Apache Kafka and on our broker at the same time: each ends with the same status
 * and prints the same of both, but for what is random (ids, ports, times) and for the words of refusals. The table is printed at the end.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Table } from '../clients/table.ts';
import { kafkaTool } from '../kafka/apache-kafka.ts';
import { type BrokerName, bothBrokers, onBoth } from '../kafka/brokers.ts';
import { askUntil } from '../until.ts';
import { type Step, steps } from './steps.ts';

const isNight = process.env.SPRINGTIDE_NIGHTLY === '1';
const table = new Table();
/** What only shows is asked again: a transaction may not be over yet, and Apache Kafka may show what was before. */
const SHOWING = /(^|--)(describe|list)/;
const brokers = bothBrokers();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'springtide-tools-'));
  table.column('tools', '4.3.1');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`\n${table}\n\n`);
});

test.each(steps.filter(({ when }) => isNight || when === undefined))('$name', async (step) => {
  const isShowing = SHOWING.test(step.args);
  const takeOn = (name: BrokerName, isRight: (taken: Taken) => boolean) =>
    askUntil(
      () => take(step, brokers[name].bootstrapServers),
      (taken) => !isShowing || isRight(taken),
    );
  const took = await onBoth((name) => takeOn(name, ({ missing }) => missing === undefined));
  const ours = took.springtide;
  const isLate = isShowing && !isDeepStrictEqual(took['Apache Kafka'], ours);
  const theirs = isLate
    ? await takeOn('Apache Kafka', (taken) => isDeepStrictEqual(taken, ours))
    : took['Apache Kafka'];
  const isSame = isDeepStrictEqual(theirs, ours);
  const isExpected = theirs.status === (step.status ?? 0);
  table.set(step.name, 'tools', isExpected ? 'passed' : 'failed', isSame ? 'passed' : 'failed');
  expect(theirs).toMatchObject({ status: step.status ?? 0, missing: undefined });
  expect(ours).toEqual(theirs);
});

interface Taken {
  readonly status: number | null;
  readonly thrown?: string;
  readonly printed?: unknown;
  /** What must be printed and was not. */
  readonly missing: string | undefined;
}

async function take({ tool, args, stdin, file, see = plain }: Step, address: string): Promise<Taken> {
  const path = join(folder, `${tool}.json`);
  if (file !== undefined) writeFileSync(path, JSON.stringify(file));
  const whole = args.includes('ADDRESS') ? args : `--bootstrap-server ADDRESS ${args}`;
  const words = whole.replace('FILE', path).replace('ADDRESS', address).trim().split(' ');
  const { status, stdout, stderr } = await kafkaTool(tool, words, stdin);
  if (status !== 0) return { status, thrown: exceptionIn(stdout + stderr), missing: undefined };
  try {
    return { status, printed: see(stdout), missing: undefined };
  } catch (error) {
    return { status, missing: String(error) };
  }
}

/** Its name; the words after it are each broker's own. */
function exceptionIn(output: string): string {
  return /\b\w+(?:Exception|Error)\b(?=:)/.exec(output)?.[0] ?? output;
}

/** Lines in any order, without what differs from broker to broker; Kafka's format sets min.insync.replicas for the cluster (KIP-966). */
function plain(stdout: string): string[] {
  const lines = stdout
    .replaceAll(/\b127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replaceAll(/TopicId: \S+/g, 'TopicId: ID')
    .replaceAll(/min\.insync\.replicas=1,?/g, '')
    .replaceAll(/[\w-]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}/g, 'MEMBER')
    .replaceAll(/[ \t]+/g, ' ')
    .split('\n')
    .map((line) => line.trim());
  return lines.filter((line) => line !== '').sort();
}
