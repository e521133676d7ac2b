/**
 * Kafka's consumer-perf over topics that its producer-perf has filled: more than our memory tail holds, all of it in the page cache.
 * Kafka sends such bytes without looking at them (sendfile).
 */
import { alternate, printTable } from '../../table.ts';
import { consumerPerf, createTopic, deleteTopic, producerPerf } from './clients.ts';
import { comparisonColumns, comparisonRow } from './comparison.ts';
import type { Contestant } from './contestants.ts';
import { loadsOf } from './loads.ts';
import { type CompareOptions, sample } from './sample.ts';

const RECORDS = { 10: 4_000_000, 100: 2_000_000, 1024: 300_000 } as const;
const FULL_RECORDS = { 10: 10_000_000, 100: 6_000_000, 1024: 1_000_000 } as const;
const CPU_RATIO_MAX = 1;

export async function compareConsume(
  ours: Contestant,
  kafka: Contestant,
  folder: string,
  options: CompareOptions,
): Promise<void> {
  const rows: string[][] = [];
  for (const { name, recordBytes, partitionCount, payloadFile } of loadsOf(folder, options)) {
    const records = (options.isFull ? FULL_RECORDS : RECORDS)[recordBytes];
    const topic = `consume-${recordBytes}-${partitionCount}`;
    for (const broker of [ours, kafka]) {
      await createTopic(broker, topic, partitionCount);
      await producerPerf(broker, topic, { records, payloadFile });
    }
    const consume = (broker: Contestant) => sample(broker, records, () => consumerPerf(broker, topic, records));
    const samples = await alternate(options.rounds, { ours: () => consume(ours), kafka: () => consume(kafka) });
    for (const broker of [ours, kafka]) await deleteTopic(broker, topic);
    rows.push(comparisonRow(name, samples, CPU_RATIO_MAX));
  }
  printTable('consumer-perf', comparisonColumns({ hasBare: false }), rows);
}
