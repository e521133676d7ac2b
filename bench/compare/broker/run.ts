/**
 * Our broker against Apache Kafka 4.4.0, in one run, alternating, on the same disk, both acknowledging what is in the page cache. What
 * counts is CPU seconds of the broker process, read from /proc; a ratio is the median of the ratios of the rounds. Wants Linux, Java 17,
 * the jars that `npm run test:interop` brings, and for some rows kcat.
 */
import { cpus, loadavg, tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { bringJars, isInstalled } from '../../../test/interop/kafka/jars.ts';
import { inFolder } from '../../storage/scene.ts';
import { compareConnections } from './connections.ts';
import { compareConsume } from './consume.ts';
import { type Contestant, start } from './contestants.ts';
import { compareKcat } from './kcat.ts';
import { compareLatency } from './latency.ts';
import { comparePartitions } from './partitions.ts';
import { compareProduce } from './produce.ts';
import type { CompareOptions } from './sample.ts';
import { compareStart } from './start.ts';

type Compare = (ours: Contestant, kafka: Contestant, folder: string, options: CompareOptions) => Promise<void>;

const BENCHES: Readonly<Record<string, Compare>> = {
  start: compareStart,
  produce: compareProduce,
  consume: compareConsume,
  kcat: compareKcat,
  latency: compareLatency,
  connections: compareConnections,
  partitions: comparePartitions,
};

const { values, positionals } = parseArgs({
  args: process.argv.slice(4),
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    full: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});
const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0)
  throw new Error(`unknown bench ${unknown.join(', ')}; known: ${Object.keys(BENCHES).join(', ')}`);
if (!isInstalled('java', '-version')) throw new Error('Apache Kafka needs Java 17 or newer; there is no java here');
bringJars();

const options = { rounds: Number(values.rounds), isFull: values.full, only: values.only };
console.log(
  `node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${options.rounds} rounds, medians; clients and ` +
    `brokers share the machine; durability os; load ${loadavg()[0].toFixed(1)}`,
);
await inFolder(tmpdir(), async (folder) => {
  for (const name of names) {
    const ours = await start('ours');
    const kafka = await start('kafka');
    try {
      await BENCHES[name](ours, kafka, folder, options);
    } finally {
      await Promise.all([ours.stop(), kafka.stop()]);
    }
  }
});
