/**
 * producer-perf with 100 bytes into a topic of 64 partitions and into one of 10,000. The bare process has next to nothing to do for a
 * partition: its row tells what the client loses by itself.
 */
import { join } from 'node:path';
import { alternate, count, fixed, medianOf, printTable, ratioOf, target } from '../../table.ts';
import { createTopic, producerPerf, withAdmin } from './clients.ts';
import { type Contestant, startBare } from './contestants.ts';
import { writePayload } from './payload.ts';
import { type CompareOptions, type Sample, sample } from './sample.ts';
import { residentMib } from './usage.ts';

const FEW = 64;
const MANY = 10_000;
const RECORD_BYTES = 100;
const RATIO_MIN = 0.8;

const COLUMNS = [
  'broker',
  'create s',
  `${FEW}: rec/s`,
  `${MANY}: rec/s`,
  'ratio',
  `${FEW}: cpu s/M`,
  `${MANY}: cpu s/M`,
  `${FEW}: client cores`,
  `${MANY}: client cores`,
  'MiB',
  'target',
];

/** Who takes the records of each of the two topics: one broker, or two bare processes. */
interface Side {
  readonly few: Contestant;
  readonly many: Contestant;
  readonly createdSeconds: number;
}

export async function comparePartitions(
  ours: Contestant,
  kafka: Contestant,
  folder: string,
  { rounds, isFull }: CompareOptions,
): Promise<void> {
  const payloadFile = join(folder, 'payload');
  writePayload(payloadFile, RECORD_BYTES);
  const load = { records: isFull ? 3_000_000 : 1_000_000, payloadFile };
  const bare = { few: await startBare(FEW), many: await startBare(MANY), createdSeconds: Number.NaN };
  const rows: string[][] = [];
  for (const side of [await created(ours), await created(kafka), bare]) {
    const produce = (name: 'few' | 'many') =>
      sample(side[name], load.records, () => producerPerf(side[name], name, load));
    rows.push(row(side, await alternate(rounds, { few: () => produce('few'), many: () => produce('many') })));
  }
  await Promise.all([bare.few.stop(), bare.many.stop()]);
  printTable(`${count(MANY)} partitions against ${FEW}`, COLUMNS, rows);
}

/** In two steps: Apache Kafka refuses more than 10,000 records of its metadata log at a time. */
async function created(broker: Contestant): Promise<Side> {
  await createTopic(broker, 'few', FEW);
  const start = performance.now();
  await createTopic(broker, 'many', MANY / 2);
  await withAdmin(broker, async (admin) => (await admin.createPartitions({ many: MANY })).all());
  return { few: broker, many: broker, createdSeconds: (performance.now() - start) / 1000 };
}

function row({ many: broker, createdSeconds }: Side, { few, many }: Record<'few' | 'many', Sample[]>): string[] {
  const both = (pick: (s: Sample) => number, text: (value: number) => string) =>
    [few, many].map((samples) => text(medianOf(samples, pick)));
  const ratio = ratioOf(many, few, ({ rate }) => rate);
  return [
    broker.name,
    fixed(createdSeconds, 1),
    ...both(({ rate }) => rate, count),
    fixed(ratio),
    ...both(
      ({ brokerCpu }) => brokerCpu,
      (cpu) => fixed(cpu, 3),
    ),
    ...both(({ clientShare }) => clientShare, fixed),
    count(residentMib(broker.pid)),
    broker.is === 'ours' ? target(ratio >= RATIO_MIN, `>= ${RATIO_MIN}`) : '',
  ];
}
