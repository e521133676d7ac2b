/** A log of several segments that was closed in order, and what readers of it get after somebody has changed its files. */
import { Errors } from '#protocol';
import type { MemoryDisk, PartitionLog } from '#storage';
import { fileBytes, fileNames, putFile } from './golden-folder.ts';
import { appendValues, createLog, openScene, type SceneOptions, START_MS, valuesIn } from './scene.ts';

export const FOLDER = '/data/orders-0';
export const RECORDS = 30;
export const SMALL = { 'segment.bytes': 700, 'index.interval.bytes': 100 };

export interface ClosedLog {
  readonly disk: MemoryDisk;
  readonly values: readonly string[];
  /** Base offsets of the segments. */
  readonly bases: readonly number[];
}

/** Batches of one record of growing size, each with its own time. */
export async function closedLog(config = SMALL, time = timeOf): Promise<ClosedLog> {
  const scene = await openScene();
  const log = createLog(scene, config);
  const values = Array.from({ length: RECORDS }, (_, i) => `value-${i}`.padEnd(10 + (i % 7), '.'));
  for (const [i, value] of values.entries()) appendValues(log, [value], { timestamp: time(i) });
  await scene.directory.close();
  const disk = scene.disk as MemoryDisk;
  const names = (await fileNames(disk, FOLDER)).filter((name) => name.endsWith('.log'));
  return {
    disk,
    values: values.map((value, i) => `${i}=${value}`),
    bases: names.map((name) => Number.parseInt(name, 10)),
  };
}

export function timeOf(offset: number): number {
  return START_MS + offset * 10;
}

export function logPath(base: number, suffix = '.log'): string {
  return `${FOLDER}/${String(base).padStart(20, '0')}${suffix}`;
}

export async function changeFile(disk: MemoryDisk, path: string, edit: (bytes: Buffer) => Buffer): Promise<void> {
  putFile(disk, path, edit(Buffer.from(await fileBytes(disk, path))));
}

/** Positions of the batches in a `.log` file, by their base offset. */
export function positionsIn(content: Buffer): Map<number, { position: number; sizeInBytes: number }> {
  const places = new Map<number, { position: number; sizeInBytes: number }>();
  for (let position = 0; position < content.length; ) {
    const sizeInBytes = content.readInt32BE(position + 8) + 12;
    places.set(Number(content.readBigInt64BE(position)), { position, sizeInBytes });
    position += sizeInBytes;
  }
  return places;
}

export async function openLog(disk: MemoryDisk, config = SMALL, options: SceneOptions = {}) {
  const scene = await openScene({ ...options, disk });
  return { ...scene, log: createLog(scene, config) };
}

/** By offset what a read there gives: the first record, or the name of the error. From the last to the first: each looks for its place. */
export async function readEach(log: PartitionLog, endOffset = log.logEndOffset): Promise<string[]> {
  const answers: string[] = [];
  for (let offset = endOffset - 1; offset >= 0; offset--) {
    const read = await log.read(offset, { bytesMax: 1, endOffsetMax: endOffset, atLeastOneBatch: true });
    answers[offset] = read.error?.name ?? valuesIn(Buffer.concat(read.records))[0] ?? 'nothing';
  }
  return answers;
}

/** All that a consumer gets that steps over what it is told to be corrupt, one offset at a time. */
export async function readOnwards(log: PartitionLog, bytesMax = 10_000): Promise<string[]> {
  const values: string[] = [];
  const { logEndOffset } = log;
  for (let offset = 0; offset < logEndOffset; ) {
    const read = await log.read(offset, { bytesMax, endOffsetMax: logEndOffset, atLeastOneBatch: true });
    if (read.error === Errors.CORRUPT_MESSAGE) offset++;
    else if (read.error !== undefined) throw new Error(`offset ${offset}: ${read.error.name}`);
    else if (read.endOffset <= offset) throw new Error(`offset ${offset}: nothing, and no error`);
    else {
      values.push(...valuesIn(Buffer.concat(read.records)).filter((text) => Number.parseInt(text, 10) >= offset));
      offset = read.endOffset;
    }
  }
  return values;
}
