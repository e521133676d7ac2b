/**
 * `kcat` (librdkafka): lines of 100 bytes from a file into one partition, and out of it again. Two of its own waits are not measured:
 * it counts lines to know the end (with `-e` it waits half a second for a fetch that finds nothing), and its queue holds all of them (at
 * `queued.min.messages=100000` it stops fetching for up to a second: the less the broker needs of the cores, the sooner it is full).
 */
import { join } from 'node:path';
import { alternate, printTable } from '../../table.ts';
import { createTopic, deleteTopic, kcat } from './clients.ts';
import { comparisonColumns, comparisonRow } from './comparison.ts';
import { type Contestant, startBare } from './contestants.ts';
import { writePayload } from './payload.ts';
import { type CompareOptions, type Sample, sample } from './sample.ts';

const LINE_BYTES = 100;
const LINES = 1_000_000;
const CPU_RATIO_MAX = { in: 0.8, out: 1 } as const;

export async function compareKcat(
  ours: Contestant,
  kafka: Contestant,
  folder: string,
  { rounds }: CompareOptions,
): Promise<void> {
  const file = join(folder, 'lines');
  writePayload(file, LINE_BYTES, LINES);
  const bare = await startBare();
  let run = 0;
  const topics = new Map<Contestant, string[]>();
  const lines = (broker: Contestant, args: readonly string[], toFile?: string): Promise<Sample> =>
    sample(broker, LINES, async () => {
      const start = performance.now();
      await kcat(['-b', broker.bootstrapServers, '-q', ...args], toFile);
      return LINES / ((performance.now() - start) / 1000);
    });
  const produce = async (broker: Contestant): Promise<Sample> => {
    const topic = `kcat-${run++}`;
    await createTopic(broker, topic, 1);
    topics.set(broker, [...(topics.get(broker) ?? []), topic]);
    return lines(broker, ['-P', '-t', topic, '-p', '0', '-l', file]);
  };
  const consume = (broker: Contestant): Promise<Sample> => {
    const topic = topics.get(broker)?.[0] ?? '';
    const all = ['-o', 'beginning', '-c', `${LINES}`, '-X', `queued.min.messages=${LINES}`];
    return lines(broker, ['-C', '-t', topic, '-p', '0', ...all], '/dev/null');
  };
  const produced = await alternate(rounds, {
    ours: () => produce(ours),
    kafka: () => produce(kafka),
    bare: () => produce(bare),
  });
  const consumed = await alternate(rounds, { ours: () => consume(ours), kafka: () => consume(kafka) });
  await bare.stop();
  for (const broker of [ours, kafka]) for (const topic of topics.get(broker) ?? []) await deleteTopic(broker, topic);
  const [inColumns, outColumns] = [comparisonColumns({ hasBare: true }), comparisonColumns({ hasBare: false })];
  printTable('kcat -P -l, 1,000,000 lines of 100 B', inColumns, [comparisonRow('in', produced, CPU_RATIO_MAX.in)]);
  printTable('kcat -C -o beginning -c 1,000,000 -X queued.min.messages=1,000,000', outColumns, [
    comparisonRow('out', consumed, CPU_RATIO_MAX.out),
  ]);
}
