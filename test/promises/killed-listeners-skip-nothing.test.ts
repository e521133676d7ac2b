/**
 * An application killed with SIGKILL while its listeners work skips no record after its restart, in any ack mode: what was not
 * handled comes again, in order, before anything behind it. Real processes, a real disk, one kill per mode.
 */
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { JournalReader } from '../processes/journal.ts';
import { Program, scratchFolder } from '../processes/program.ts';

const MODES = ['record', 'batch', 'count', 'time', 'count_time', 'manual', 'manual_immediate'];
const RECORDS_PER_MODE = 450;
const RECORDS = MODES.length * RECORDS_PER_MODE;

const folder = scratchFolder();
const journalPath = join(folder.path, 'journal');
let running: Program | undefined;

afterAll(async () => {
  await running?.stop('SIGKILL');
  folder.remove();
});

test('seven kills, one per ack mode, skip nothing and let nothing overtake', async () => {
  running = start('batch', [`--app.send=${RECORDS}`, '--app.listens=false']);
  await running.sees(/sent all/);
  await running.stop();
  const handled = new Handled(journalPath);
  for (const mode of MODES) {
    // A test that is slow to kill may find more than that handled, all of it at worst.
    const goal = Math.min(handled.count() + RECORDS_PER_MODE / 2, RECORDS);
    running = start(mode);
    await running.shows(`${goal} handled records`, () => (handled.count() >= goal ? true : null));
    await running.stop('SIGKILL');
  }
  running = start('batch');
  await running.shows('all records handled', () => (handled.count() === RECORDS ? true : null));
  expect(handled.next).toEqual([RECORDS / 3, RECORDS / 3, RECORDS / 3]);
}, 600_000);

/** What all applications together have handled, by their journal. */
class Handled {
  /** Per partition, the offset below which everything is handled. */
  readonly next = [0, 0, 0];
  readonly #journal: JournalReader;

  constructor(path: string) {
    this.#journal = new JournalReader(path);
  }

  /** Enters what is new; a record that comes before those below it is an error. */
  count(): number {
    for (const line of this.#journal.newLines()) {
      const [partition, offset] = line.split(' ').map(Number);
      const expected = this.next[partition];
      if (offset > expected) throw new Error(`${partition}@${offset} was handled before ${expected}`);
      this.next[partition] = Math.max(expected, offset + 1);
    }
    return this.next.reduce((total, one) => total + one, 0);
  }
}

function start(ackMode: string, args: readonly string[] = []): Program {
  const settings = [
    `--springtide.broker.log.dirs=${join(folder.path, 'data')}`,
    '--springtide.broker.listeners=PLAINTEXT://127.0.0.1:0',
    // The group waits no longer for the members that were killed.
    '--springtide.broker.group.restart.grace.ms=100',
    '--spring.kafka.consumer.max-poll-records=40',
    '--spring.kafka.consumer.auto-offset-reset=earliest',
    '--spring.kafka.listener.ack-count=7',
    '--spring.kafka.listener.ack-time=50ms',
  ];
  const options = { args: [...settings, ...args], env: { ACK_MODE: ackMode, JOURNAL: journalPath } };
  return Program.fromSource('test/promises/programs/counting-application.ts', options);
}
