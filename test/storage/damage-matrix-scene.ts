/** The log that the rows of the damage matrix damage: four segments, one producer, two leader epochs, closed in order or not. */
import type { MemoryDisk, PartitionLog } from '#storage';
import { FOLDER, logPath, openLog, RECORDS, timeOf } from './damage-scene.ts';
import { fileBytes, fileNames, putFile } from './golden-folder.ts';
import { batchOf, createLog, openScene, type Scene } from './scene.ts';

export const CONFIG = { 'segment.bytes': 700, 'index.interval.bytes': 100 };
export const CORRUPT = 'CORRUPT_MESSAGE';
const PRODUCER = { producerId: 7, producerEpoch: 0 };

export type StopKind = 'clean' | 'unclean';

export interface StoppedLog {
  readonly disk: MemoryDisk;
  /** `offset=value`. */
  readonly values: readonly string[];
  readonly bases: readonly number[];
  readonly activeBase: number;
}

export async function stoppedLog(stop: StopKind): Promise<StoppedLog> {
  const scene = await openScene({ durability: 'sync' });
  const log = createLog(scene, CONFIG);
  const values: string[] = [];
  for (let i = 0; i < RECORDS; i++) {
    if (i === 0 || i === 17) log.assignEpoch(i === 0 ? 3 : 5);
    values.push(`${i}=${valueText(i)}`);
    const { error } = log.append(batchAt(i), { leaderEpoch: i < 17 ? 3 : 5, origin: 'client' });
    if (error !== undefined) throw new Error(error.name);
    if (i % 5 === 0) await scene.clock.settle();
  }
  await scene.clock.settle();
  await scene.clock.advance(1000);
  if (stop === 'clean') await scene.directory.close();
  const disk = (scene.disk as MemoryDisk).kill();
  const bases = (await fileNames(disk, FOLDER))
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number.parseInt(name, 10));
  return { disk, values, bases, activeBase: bases[bases.length - 1] };
}

/** As a crash leaves it when nothing above the active segment was known to be durable. */
export async function stoppedUnknown(): Promise<StoppedLog> {
  const stopped = await stoppedLog('unclean');
  const { disk, activeBase } = stopped;
  putFile(disk, '/data/recovery-point-offset-checkpoint', Buffer.from(`0\n1\norders 0 ${activeBase}\n`));
  return stopped;
}

/** The log of an idempotent producer: the batch with this sequence. */
export function batchAt(sequence: number): Buffer {
  return batchOf([valueText(sequence)], { ...PRODUCER, baseSequence: sequence, timestamp: timeOf(sequence) });
}

export async function start(disk: MemoryDisk): Promise<Scene & { log: PartitionLog }> {
  const config = { 'log.index.interval.bytes': CONFIG['index.interval.bytes'] };
  return openLog(disk, CONFIG, { durability: 'sync', tailBytesPerLogMax: 0, config });
}

/** Whether the next record in sequence is taken, and where; else what is told. */
export async function append(scene: Scene & { log: PartitionLog }, sequence = RECORDS): Promise<number | string> {
  const result = scene.log.append(batchAt(sequence), { leaderEpoch: 6, origin: 'client' });
  await scene.clock.settle();
  return result.error === undefined ? result.baseOffset : `${result.error.name}: ${result.errorMessage}`;
}

export function without(values: readonly string[], start: number, end: number): string[] {
  return values.map((value, offset) => (offset >= start && offset < end ? CORRUPT : value));
}

/** All files below a folder, with their content. */
export async function contents(disk: MemoryDisk, folder = '/data'): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, kind } of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    if (kind === 'directory') Object.assign(found, await contents(disk, path));
    else found[path] = (await fileBytes(disk, path)).toString('latin1');
  }
  return found;
}

export async function corruptFolders(disk: MemoryDisk): Promise<string[]> {
  return (await fileNames(disk, '/data')).filter((name) => name.includes('.corrupt-'));
}

export function flip(at: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    bytes[at < 0 ? bytes.length + at : at] ^= 0x10;
    return bytes;
  };
}

export { FOLDER, logPath, RECORDS };

function valueText(i: number): string {
  return `value-${i}`.padEnd(10 + (i % 7), '.');
}
