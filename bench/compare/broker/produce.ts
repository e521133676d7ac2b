/**
 * Kafka's producer-perf with its default settings (acks=all, idempotent, batches of 16 KiB, linger 5 ms) and fixed payloads, so that the
 * client is not busy with drawing random bytes.
 */
import { join } from 'node:path';
import { alternate, count, fixed, medianOf, printTable, ratioOf, target } from '../../table.ts';
import { createTopic, deleteTopic, producerPerf } from './clients.ts';
import { type Contestant, startBare } from './contestants.ts';
import { writePayload } from './payload.ts';
import { type CompareOptions, type Sample, sample } from './sample.ts';

const RECORDS = { 10: 1_000_000, 100: 1_000_000, 1024: 200_000 } as const;
const FULL_RECORDS = { 10: 4_000_000, 100: 3_000_000, 1024: 800_000 } as const;
const SIZES = [10, 100, 1024] as const;
const PARTITIONS = [1, 6] as const;
/** From here on the client is what limits. */
export const CLIENT_BOUND_SHARE = 0.9;

export const PRODUCE_COLUMNS = [
  'row',
  'records/s',
  'Kafka',
  'ratio',
  'broker cpu s/M',
  'Kafka',
  'ratio',
  'bare',
  'of bare',
  'client cores',
  'peak MiB',
  'Kafka',
  'target cpu',
  'target rate',
] as const;

export async function compareProduce(
  ours: Contestant,
  kafka: Contestant,
  folder: string,
  { rounds, isFull, only }: CompareOptions,
): Promise<void> {
  const rows: string[][] = [];
  for (const partitionCount of PARTITIONS) {
    const bare = await startBare(partitionCount);
    for (const size of SIZES) {
      const name = `${size} B, ${partitionCount} partitions`;
      if (!name.includes(only)) continue;
      const payloadFile = join(folder, `payload-${size}`);
      writePayload(payloadFile, size);
      const load = { records: (isFull ? FULL_RECORDS : RECORDS)[size], payloadFile };
      let run = 0;
      const produce = async (broker: Contestant): Promise<Sample> => {
        const topic = `produce-${size}-${partitionCount}-${run++}`;
        await createTopic(broker, topic, partitionCount);
        const result = await sample(broker, load.records, () => producerPerf(broker, topic, load));
        await deleteTopic(broker, topic);
        return result;
      };
      const samples = await alternate(rounds, {
        ours: () => produce(ours),
        kafka: () => produce(kafka),
        bare: () => produce(bare),
      });
      rows.push(produceRow(name, samples, 0.5));
    }
    await bare.stop();
  }
  printTable('producer-perf', PRODUCE_COLUMNS, rows);
}

/** @param cpuRatioMax of Kafka's CPU, or 1.3 times that of the bare process where that is more */
export function produceRow(
  name: string,
  { ours, kafka, bare }: Record<'ours' | 'kafka' | 'bare', Sample[]>,
  cpuRatioMax: number,
): string[] {
  const [rate, cpu] = [(s: Sample) => s.rate, (s: Sample) => s.brokerCpu];
  const cpuRatio = ratioOf(ours, kafka, cpu);
  const ofBare = ratioOf(ours, bare, cpu);
  const share = medianOf(ours, (s) => s.clientShare);
  return [
    name,
    ...rates(ours, kafka),
    fixed(medianOf(ours, cpu), 3),
    fixed(medianOf(kafka, cpu), 3),
    fixed(cpuRatio),
    fixed(medianOf(bare, cpu), 3),
    fixed(ofBare),
    fixed(share),
    count(medianOf(ours, (s) => s.peakMib)),
    count(medianOf(kafka, (s) => s.peakMib)),
    target(cpuRatio <= cpuRatioMax || ofBare <= 1.3, `<= ${cpuRatioMax} or 1.3 bare`),
    rateTarget(ratioOf(ours, kafka, rate), share),
  ];
}

export function rates(ours: readonly Sample[], kafka: readonly Sample[]): string[] {
  const rate = (s: Sample) => s.rate;
  return [count(medianOf(ours, rate)), count(medianOf(kafka, rate)), fixed(ratioOf(ours, kafka, rate))];
}

export function rateTarget(ratio: number, clientShare: number): string {
  const atLeast = clientShare < CLIENT_BOUND_SHARE ? 1.2 : 1;
  return target(ratio >= atLeast, `>= ${atLeast}`);
}
