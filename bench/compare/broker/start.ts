/** From the start of the process to the first answer to Metadata, on an empty folder; and what is resident when nothing was asked yet. */
import { median } from '../../figures.ts';
import { alternate, count, fixed, printTable, target } from '../../table.ts';
import { type Contestant, type Name, start } from './contestants.ts';
import type { CompareOptions } from './sample.ts';
import { residentMib } from './usage.ts';
import { WireConnection } from './wire.ts';

const READY_SECONDS_MAX = 0.3;
const IDLE_MIB_MAX = 90;
/** Until what the start left behind has settled. */
const IDLE_MS = 3_000;

interface Started {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly idleMib: number;
}

export async function compareStart(
  _ours: Contestant,
  _kafka: Contestant,
  _folder: string,
  { rounds }: CompareOptions,
): Promise<void> {
  const samples = await alternate(rounds, { ours: () => startOne('ours'), kafka: () => startOne('kafka') });
  const of = (is: 'ours' | 'kafka', pick: (started: Started) => number) => median(samples[is].map(pick));
  const row = (is: 'ours' | 'kafka', name: string, ...targets: string[]): string[] => [
    name,
    fixed(of(is, ({ seconds }) => seconds)),
    fixed(of(is, ({ cpuSeconds }) => cpuSeconds)),
    count(of(is, ({ idleMib }) => idleMib)),
    ...targets,
  ];
  const ready = of('ours', ({ seconds }) => seconds) <= READY_SECONDS_MAX;
  const small = of('ours', ({ idleMib }) => idleMib) <= IDLE_MIB_MAX;
  printTable(
    'start',
    ['broker', 'ready s', 'cpu s', 'idle MiB', 'target ready', 'target idle'],
    [
      row('ours', 'springtide', target(ready, `<= ${READY_SECONDS_MAX}`), target(small, `<= ${IDLE_MIB_MAX}`)),
      row('kafka', 'Apache Kafka 4.4.0', '', ''),
    ],
  );
}

/** Apache Kafka's folder is formatted before its clock starts. */
async function startOne(is: Name): Promise<Started> {
  const broker = await start(is);
  try {
    const connection = await WireConnection.open(broker);
    await connection.metadata();
    const seconds = (performance.now() - broker.startedMs) / 1000;
    const cpuSeconds = broker.cpuSeconds();
    connection.close();
    await new Promise((resolve) => {
      setTimeout(resolve, IDLE_MS);
    });
    return { seconds, cpuSeconds, idleMib: residentMib(broker.pid) };
  } finally {
    await broker.stop();
  }
}
