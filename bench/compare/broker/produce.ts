/**
 * Kafka's producer-perf with its default settings (acks=all, idempotent, batches of 16 KiB, linger 5 ms) and fixed payloads, so that the
 * client is not busy with drawing random bytes.
 */
import { alternate, printTable } from '../../table.ts';
import { createTopic, deleteTopic, producerPerf } from './clients.ts';
import { comparisonColumns, comparisonRow } from './comparison.ts';
import { type Contestant, startBare } from './contestants.ts';
import { loadsOf } from './loads.ts';
import { type CompareOptions, type Sample, sample } from './sample.ts';

const RECORDS = { 10: 1_000_000, 100: 1_000_000, 1024: 200_000 } as const;
const FULL_RECORDS = { 10: 4_000_000, 100: 3_000_000, 1024: 800_000 } as const;
const CPU_RATIO_MAX = 0.5;

export async function compareProduce(
  ours: Contestant,
  kafka: Contestant,
  folder: string,
  options: CompareOptions,
): Promise<void> {
  const rows: string[][] = [];
  /** By the number of partitions that their topics have. */
  const bares = new Map<number, Contestant>();
  for (const { name, recordBytes, partitionCount, payloadFile } of loadsOf(folder, options)) {
    const bare = bares.get(partitionCount) ?? (await startBare(partitionCount));
    bares.set(partitionCount, bare);
    const records = (options.isFull ? FULL_RECORDS : RECORDS)[recordBytes];
    let run = 0;
    const produce = async (broker: Contestant): Promise<Sample> => {
      const topic = `produce-${recordBytes}-${partitionCount}-${run++}`;
      await createTopic(broker, topic, partitionCount);
      const result = await sample(broker, records, () => producerPerf(broker, topic, { records, payloadFile }));
      await deleteTopic(broker, topic);
      return result;
    };
    const samples = await alternate(options.rounds, {
      ours: () => produce(ours),
      kafka: () => produce(kafka),
      bare: () => produce(bare),
    });
    rows.push(comparisonRow(name, samples, CPU_RATIO_MAX));
  }
  for (const bare of bares.values()) await bare.stop();
  printTable('producer-perf', comparisonColumns({ hasBare: true }), rows);
}
