/**
 * producer-perf with 100 bytes into a topic of 64 partitions and into one of 10,000, which are created first: in two steps, as Apache Kafka
 * refuses more than 10,000 records of its metadata log at a time.
 */
import { join } from 'node:path';
import { alternate, count, fixed, medianOf, printTable, ratioOf, target } from '../../table.ts';
import { createTopic, producerPerf, withAdmin } from './clients.ts';
import type { Contestant } from './contestants.ts';
import { writePayload } from './payload.ts';
import { type CompareOptions, type Sample, sample } from './sample.ts';
import { residentMib } from './usage.ts';

const FEW = 64;
const MANY = 10_000;
const RECORD_BYTES = 100;

export async function comparePartitions(
  ours: Contestant,
  kafka: Contestant,
  folder: string,
  { rounds, isFull }: CompareOptions,
): Promise<void> {
  const payloadFile = join(folder, 'payload');
  writePayload(payloadFile, RECORD_BYTES);
  const load = { records: isFull ? 3_000_000 : 1_000_000, payloadFile };
  const rows: string[][] = [];
  for (const broker of [ours, kafka]) {
    await createTopic(broker, 'few', FEW);
    const createdSeconds = await seconds(() => createMany(broker));
    const produce = (topic: string) => sample(broker, load.records, () => producerPerf(broker, topic, load));
    const { few, many } = await alternate(rounds, { few: () => produce('few'), many: () => produce('many') });
    const ratio = ratioOf(many, few, (s: Sample) => s.rate);
    rows.push([
      broker.name,
      fixed(createdSeconds, 1),
      ...[few, many].map((samples) => count(medianOf(samples, (s) => s.rate))),
      fixed(ratio),
      ...[few, many].map((samples) =>
        fixed(
          medianOf(samples, (s) => s.brokerCpu),
          3,
        ),
      ),
      count(residentMib(broker.pid)),
      broker === ours ? target(ratio >= 0.8, '>= 0.8') : '',
    ]);
  }
  const columns = [
    'broker',
    'create s',
    '64: rec/s',
    '10,000: rec/s',
    'ratio',
    '64: cpu s/M',
    '10,000: cpu s/M',
    'MiB',
    'target',
  ];
  printTable('10,000 partitions against 64', columns, rows);
}

async function createMany(broker: Contestant): Promise<void> {
  await createTopic(broker, 'many', MANY / 2);
  await withAdmin(broker, async (admin) => (await admin.createPartitions({ many: MANY })).all());
}

async function seconds(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}
