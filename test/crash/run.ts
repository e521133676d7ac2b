/**
 * `npm run test:crash [-- --rounds 20] [--seed 7]`: the kill loop. A client process sends without end and journals what was
 * acknowledged; the broker, `springtide server` on a real disk, is killed with SIGKILL at random moments, also while it starts, and
 * started again on the same folder. After each round the log is read and held against the journal. Exit code 1 on a violation.
 *
 * The broker's durability changes from round to round, for a killed process loses nothing in either mode; `--durability` settles it.
 * With `--data <folder> --cut <command> --remount <command>` (`power-cut-mount.sh`) the power of the folder's file system is cut as
 * well: `cut` runs before the broker is killed, `remount` before it is started again. A power cut is what only `sync` survives.
 */
import { type ChildProcess, execSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Admin, KafkaConsumer, TopicPartition } from '#client';
import { seededRandom } from '#core';
import { end, freePort } from '../processes/child.ts';
import { JournalReader } from '../processes/journal.ts';
import { spawnSpringtide } from '../processes/springtide-server.ts';
import { Ledger } from './ledger.ts';

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    data: { type: 'string' },
    cut: { type: 'string' },
    remount: { type: 'string' },
    durability: { type: 'string' },
  },
});
const ROUNDS = Number(given.rounds);
const PARTITIONS = 3;
const TOPIC = 'numbers';
/** A broker lives so long after it is ready, at most; or is killed within the time that a start takes. */
const LIFE_MS_MAX = 800;
const START_MS_MAX = 500;

const random = seededRandom(Number(given.seed));
const folder = mkdtempSync(join(tmpdir(), 'springtide-crash-'));
const dataFolder = given.data ?? join(folder, 'data');
const journalPath = join(folder, 'journal');
const journal = new JournalReader(journalPath);
const port = await freePort();
const bootstrapServers = `127.0.0.1:${port}`;
const ledger = new Ledger(PARTITIONS);
const startMs: number[] = [];
let killsAtStart = 0;

console.log(`crash: ${ROUNDS} rounds, seed ${given.seed}, in ${folder}`);
let server = await start(0);
const client = await startClient();
const begunMs = performance.now();
for (let round = 1; round <= ROUNDS && ledger.violationCount === 0 && client.exitCode === null; round++) {
  await sleep(random.float() * LIFE_MS_MAX);
  if (given.cut !== undefined) cutPower(given.cut);
  await end(server, 'SIGKILL');
  if (given.remount !== undefined) execSync(given.remount, { stdio: 'inherit' });
  if (random.uint32() % 4 === 0) await killWhileStarting(round);
  server = await start(round);
  await judge();
  if (round % 20 === 0) console.log(`crash: round ${round}, ${ledger.storedCount} records`);
}
const clientDied = client.exitCode !== null;
await end(client, 'SIGTERM');
if (!clientDied) await judge();
await end(server, 'SIGTERM');
report();

/**
 * A power cut stops the process together with the disk. Shutting a file system down does not: an fdatasync that is under way then
 * may come back well, though its bytes are lost (seen with a bare loop of pwrite and fdatasync on ext4 and on XFS, Linux 6.18). So
 * the broker is frozen first, and tells nobody what it heard after the cut.
 */
function cutPower(command: string): void {
  server.kill('SIGSTOP');
  execSync(command, { stdio: 'inherit' });
}

function spawnServer(round: number): ReturnType<typeof spawnSpringtide> {
  const durability = given.durability ?? (round % 2 === 0 ? 'sync' : 'os');
  return spawnSpringtide({
    port,
    dataFolder,
    overrides: ['log.segment.bytes=1048576', `springtide.broker.durability=${durability}`],
  });
}

async function start(round: number): Promise<ChildProcess> {
  const begun = performance.now();
  const { child, ready } = spawnServer(round);
  await ready;
  startMs.push(performance.now() - begun);
  return child;
}

async function killWhileStarting(round: number): Promise<void> {
  const { child, ready } = spawnServer(round);
  const outcome = ready.catch(() => {});
  await sleep(random.float() * START_MS_MAX);
  await end(child, 'SIGKILL');
  await outcome;
  killsAtStart++;
}

async function startClient(): Promise<ChildProcess> {
  const admin = Admin.create({ 'bootstrap.servers': bootstrapServers });
  await admin.createTopics([{ name: TOPIC, numPartitions: PARTITIONS }]);
  await admin.close();
  const program = fileURLToPath(new URL('client.ts', import.meta.url));
  const args = ['--conditions=springtide-src', program, bootstrapServers, TOPIC, `${PARTITIONS}`, journalPath];
  return spawn(process.execPath, args, { stdio: 'inherit' });
}

/** Reads what is new in the journal, then what is new in the log: so whatever the journal says must be in the log. */
async function judge(): Promise<void> {
  const acknowledged = newAnswers();
  const consumer = new KafkaConsumer<null, string>({
    'bootstrap.servers': bootstrapServers,
    'enable.auto.commit': false,
    'auto.offset.reset': 'none',
    'key.deserializer': 'string',
    'value.deserializer': 'string',
  });
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => new TopicPartition(TOPIC, partition));
  consumer.assign(partitions);
  for (const tp of partitions) consumer.seek(tp, ledger.endOffset(tp.partition));
  const ends = await consumer.endOffsets(partitions);
  const endOffsets = partitions.map((tp) => ends.get(tp) ?? 0);
  // An end below what was read already would leave the loop at once, and is told by the answers.
  while (partitions.some(({ partition }) => ledger.endOffset(partition) < endOffsets[partition])) {
    for (const record of await consumer.poll(10_000)) {
      ledger.stored(record.partition, record.offset, Number.parseInt(record.value ?? '', 10));
    }
    if (ledger.violationCount > 0) break;
  }
  await consumer.close();
  const readTo = endOffsets.map((offset, partition) => {
    if (offset < ledger.endOffset(partition)) return offset;
    return ledger.endOffset(partition);
  });
  for (const answer of acknowledged) ledger.acknowledged(answer, readTo);
}

function newAnswers(): { number: number; partition: number; offset: number }[] {
  return journal.newLines().map((line) => {
    const [number, partition, offset] = line.split(' ').map(Number);
    return { number, partition, offset };
  });
}

function report(): void {
  const { lost, outOfOrder, duplicate } = ledger.violations;
  const sorted = startMs.toSorted((a, b) => a - b);
  const seconds = Math.round((performance.now() - begunMs) / 1000);
  console.log(
    [
      `crash: ${startMs.length - 1} rounds and ${killsAtStart} kills during a start, in ${seconds} s`,
      `  acknowledged ${ledger.acknowledgedCount}, stored ${ledger.storedCount}`,
      `  lost ${lost}, out of order ${outOfOrder}, duplicate ${duplicate}`,
      `  start: median ${Math.round(sorted[sorted.length >> 1])} ms, longest ${Math.round(sorted[sorted.length - 1])} ms`,
      ...ledger.examples.map((example) => `  ${example}`),
      ...(clientDied ? ['  the client gave up before the end'] : []),
    ].join('\n'),
  );
  const isGood = ledger.violationCount === 0 && !clientDied && ledger.acknowledgedCount > 0;
  if (isGood) rmSync(folder, { recursive: true, force: true });
  else console.log(`crash: FAILED, seed ${given.seed}; everything is kept in ${folder}`);
  process.exit(isGood ? 0 : 1);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
