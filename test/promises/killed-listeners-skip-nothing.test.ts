/**
 * An application killed with SIGKILL while its listeners work skips no record after its restart, in any ack mode: what was not
 * handled comes again, in order, before anything behind it. Real processes, a real disk, one kill per mode.
 */
import { afterAll, expect, test } from '@jest/globals';
import { Program, scratchFolder } from '../processes/program.ts';

const MODES = ['record', 'batch', 'count', 'time', 'count_time', 'manual', 'manual_immediate'];
const RECORDS_PER_MODE = 450;
const RECORDS = MODES.length * RECORDS_PER_MODE;

const folder = scratchFolder();
let running: Program | undefined;

afterAll(async () => {
  await running?.stop('SIGKILL');
  folder.remove();
});

test('seven kills, one per ack mode, skip nothing and let nothing overtake', async () => {
  running = start('batch', [`--app.send=${RECORDS}`, '--app.listens=false']);
  await running.sees(/sent all/);
  await running.stop();
  /** Per partition, the offset below which everything is handled. */
  const next = [0, 0, 0];
  for (const mode of MODES) {
    const goal = sum(next) + RECORDS_PER_MODE / 2;
    running = start(mode);
    await handled(running, next, (now) => sum(now) >= goal);
    await running.stop('SIGKILL');
    account(running.output, next);
  }
  running = start('batch');
  await handled(running, next, (now) => sum(now) === RECORDS);
  account(running.output, next);
  expect(next).toEqual([RECORDS / 3, RECORDS / 3, RECORDS / 3]);
}, 120_000);

function start(ackMode: string, args: readonly string[] = []): Program {
  const settings = [
    `--springtide.broker.log.dirs=${folder.path}`,
    '--springtide.broker.listeners=PLAINTEXT://127.0.0.1:0',
    // The group waits for the members that were killed as long as their sessions last.
    '--springtide.broker.group.min.session.timeout.ms=100',
    '--spring.kafka.consumer.properties.session.timeout.ms=400',
    '--spring.kafka.consumer.heartbeat-interval=100ms',
    '--spring.kafka.consumer.max-poll-records=40',
    '--spring.kafka.consumer.auto-offset-reset=earliest',
    '--spring.kafka.listener.ack-count=7',
    '--spring.kafka.listener.ack-time=50ms',
  ];
  const options = { args: [...settings, ...args], env: { ACK_MODE: ackMode } };
  return Program.fromSource('test/promises/programs/counting-application.ts', options);
}

/** Resolves when what this program has handled so far, on top of `before`, is enough. */
async function handled(program: Program, before: readonly number[], isEnough: (now: number[]) => boolean) {
  await program.shows('enough handled records', (output) => {
    const now = [...before];
    account(output, now);
    return isEnough(now) ? now : null;
  });
}

/** Enters each `handled` line; one that comes before the records below it is an error. */
function account(output: string, next: number[]): void {
  for (const [, partition, offset] of output.matchAll(/^handled (\d) (\d+)$/gm)) {
    const of = Number(partition);
    if (Number(offset) > next[of]) throw new Error(`${partition}@${offset} was handled before ${next[of]}`);
    next[of] = Math.max(next[of], Number(offset) + 1);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
