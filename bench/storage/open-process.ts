/** Opens a log directory once, and tells on stdout what that took: `open-process <folder> <partitions> clean|unclean`. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openLogs } from './scene.ts';

export interface OpenSample {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly openFiles: number;
  readonly closeSeconds: number;
}

const [folder, partitionsText, kind] = process.argv.slice(2);
if (kind === 'unclean') rmSync(join(folder, '.kafka_cleanshutdown'), { force: true });
const heapBefore = heapBytes();
const rssBefore = process.memoryUsage.rss();
const cpu = process.cpuUsage();
const start = performance.now();
const directory = await openLogs(folder, 'sync');
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
const opened = {
  seconds,
  cpuSeconds: (user + system) / 1e6,
  heapBytes: heapBytes() - heapBefore,
  rssBytes: process.memoryUsage.rss() - rssBefore,
  openFiles: existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : Number.NaN,
};
if ([...directory.logs()].length !== Number(partitionsText)) throw new Error('partitions are missing');
const closeStart = performance.now();
await directory.close();
const sample: OpenSample = { ...opened, closeSeconds: (performance.now() - closeStart) / 1000 };
process.stdout.write(JSON.stringify(sample));

function heapBytes(): number {
  gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
