/**
 * From `send` of a Java producer to `poll` of a Java consumer in the same JVM (`Latency.java`), 100 bytes, acks=all, linger 0: one record at
 * a time as Kafka's EndToEndLatency sends them (which counts whole milliseconds), and at a fixed rate.
 */
import { median } from '../../figures.ts';
import { alternate, fixed, printTable, target } from '../../table.ts';
import { createTopic, deleteTopic, javaProgram } from './clients.ts';
import type { Contestant } from './contestants.ts';
import type { CompareOptions } from './sample.ts';

const LOADS = [
  { name: 'one at a time', perSecond: 0 },
  { name: '1,000 a second', perSecond: 1_000 },
] as const;
const PERCENTILES = ['p50', 'p99', 'p99.9'] as const;

type Latencies = Record<(typeof PERCENTILES)[number], number>;

export async function compareLatency(
  ours: Contestant,
  kafka: Contestant,
  _folder: string,
  { rounds, isFull }: CompareOptions,
): Promise<void> {
  const rows: string[][] = [];
  for (const { name, perSecond } of LOADS) {
    let run = 0;
    const measure = async (broker: Contestant): Promise<Latencies> => {
      const topic = `latency-${perSecond}-${run++}`;
      await createTopic(broker, topic, 1);
      const args = [broker.bootstrapServers, topic, String(isFull ? 20_000 : 5_000), String(perSecond)];
      const output = await javaProgram('Latency.java', args);
      await deleteTopic(broker, topic);
      return JSON.parse(output) as Latencies;
    };
    const samples = await alternate(rounds, { ours: () => measure(ours), kafka: () => measure(kafka) });
    const of = (is: 'ours' | 'kafka', percentile: keyof Latencies) => median(samples[is].map((s) => s[percentile]));
    const ratio = median(samples.ours.map((sample, round) => sample.p99 / samples.kafka[round].p99));
    rows.push([
      name,
      ...PERCENTILES.flatMap((percentile) => [fixed(of('ours', percentile)), fixed(of('kafka', percentile))]),
      fixed(ratio),
      target(ratio <= 0.5, 'p99 <= 0.5'),
    ]);
  }
  const columns = PERCENTILES.flatMap((percentile) => [`${percentile} ms`, 'Kafka']);
  printTable('end to end', ['row', ...columns, 'p99 ratio', 'target'], rows);
}
