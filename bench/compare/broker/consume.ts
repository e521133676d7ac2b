/**
 * Kafka's consumer-perf over topics that its producer-perf has filled: more than our memory tail holds, all of it in the page cache.
 * Kafka sends such bytes without looking at them (sendfile).
 */
import { join } from 'node:path';
import { alternate, count, fixed, medianOf, printTable, ratioOf, target } from '../../table.ts';
import { consumerPerf, createTopic, deleteTopic, producerPerf } from './clients.ts';
import type { Contestant } from './contestants.ts';
import { writePayload } from './payload.ts';
import { rates, rateTarget } from './produce.ts';
import { type CompareOptions, type Sample, sample } from './sample.ts';

const RECORDS = { 10: 4_000_000, 100: 2_000_000, 1024: 300_000 } as const;
const FULL_RECORDS = { 10: 10_000_000, 100: 6_000_000, 1024: 1_000_000 } as const;
const SIZES = [10, 100, 1024] as const;
const PARTITIONS = [1, 6] as const;

export const CONSUME_COLUMNS = [
  'row',
  'records/s',
  'Kafka',
  'ratio',
  'broker cpu s/M',
  'Kafka',
  'ratio',
  'client cores',
  'peak MiB',
  'Kafka',
  'target cpu',
  'target rate',
] as const;

export async function compareConsume(
  ours: Contestant,
  kafka: Contestant,
  folder: string,
  { rounds, isFull, only }: CompareOptions,
): Promise<void> {
  const rows: string[][] = [];
  for (const partitionCount of PARTITIONS) {
    for (const size of SIZES) {
      const name = `${size} B, ${partitionCount} partitions`;
      if (!name.includes(only)) continue;
      const payloadFile = join(folder, `payload-${size}`);
      writePayload(payloadFile, size);
      const records = (isFull ? FULL_RECORDS : RECORDS)[size];
      const topic = `consume-${size}-${partitionCount}`;
      for (const broker of [ours, kafka]) {
        await createTopic(broker, topic, partitionCount);
        await producerPerf(broker, topic, { records, payloadFile });
      }
      const consume = (broker: Contestant) => sample(broker, records, () => consumerPerf(broker, topic, records));
      const samples = await alternate(rounds, { ours: () => consume(ours), kafka: () => consume(kafka) });
      rows.push(consumeRow(name, samples));
      for (const broker of [ours, kafka]) await deleteTopic(broker, topic);
    }
  }
  printTable('consumer-perf', CONSUME_COLUMNS, rows);
}

export function consumeRow(name: string, { ours, kafka }: Record<'ours' | 'kafka', Sample[]>): string[] {
  const cpu = (s: Sample) => s.brokerCpu;
  const cpuRatio = ratioOf(ours, kafka, cpu);
  const share = medianOf(ours, (s) => s.clientShare);
  return [
    name,
    ...rates(ours, kafka),
    fixed(medianOf(ours, cpu), 3),
    fixed(medianOf(kafka, cpu), 3),
    fixed(cpuRatio),
    fixed(share),
    count(medianOf(ours, (s) => s.peakMib)),
    count(medianOf(kafka, (s) => s.peakMib)),
    target(cpuRatio <= 1, '<= 1'),
    rateTarget(
      ratioOf(ours, kafka, (s) => s.rate),
      share,
    ),
  ];
}
