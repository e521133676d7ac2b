/** A thousand connections: what they hold, what they cost when nothing is said, and when each asks for metadata once a second. */
import { count, fixed, printTable } from '../../table.ts';
import type { Contestant } from './contestants.ts';
import type { CompareOptions } from './sample.ts';
import { residentMib } from './usage.ts';
import { WireConnection } from './wire.ts';

const CONNECTIONS = 1_000;
const SECONDS = 10;

export async function compareConnections(
  ours: Contestant,
  kafka: Contestant,
  _folder: string,
  _options: CompareOptions,
): Promise<void> {
  const rows: string[][] = [];
  for (const broker of [ours, kafka]) rows.push(await measure(broker));
  const columns = [
    'broker',
    'before MiB',
    'with them MiB',
    'after traffic MiB',
    'idle cpu %',
    'requests/s',
    'cpu us/request',
  ];
  printTable(`${CONNECTIONS} connections`, columns, rows);
}

async function measure(broker: Contestant): Promise<string[]> {
  const before = residentMib(broker.pid);
  const connections: WireConnection[] = [];
  for (let index = 0; index < CONNECTIONS; index++) {
    const connection = await WireConnection.open(broker);
    await connection.apiVersions();
    connections.push(connection);
  }
  const open = residentMib(broker.pid);
  const idleStart = broker.cpuSeconds();
  await sleep(SECONDS * 1000);
  const idleCpu = broker.cpuSeconds() - idleStart;
  const busyStart = broker.cpuSeconds();
  const start = performance.now();
  await Promise.all(connections.map((connection, index) => traffic(connection, index)));
  const seconds = (performance.now() - start) / 1000;
  const busyCpu = broker.cpuSeconds() - busyStart;
  const after = residentMib(broker.pid);
  for (const connection of connections) connection.close();
  const requests = CONNECTIONS * SECONDS;
  return [
    broker.name,
    count(before),
    count(open),
    count(after),
    fixed((idleCpu / SECONDS) * 100),
    count(requests / seconds),
    fixed((busyCpu / requests) * 1e6, 1),
  ];
}

async function traffic(connection: WireConnection, index: number): Promise<void> {
  await sleep(index % 1000);
  for (let second = 0; second < SECONDS; second++) {
    const start = performance.now();
    await connection.metadata();
    await sleep(Math.max(0, 1000 - (performance.now() - start)));
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
