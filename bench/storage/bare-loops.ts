/** The rivals: the least that anybody must do to write, sync or read the same bytes, without a log around it. */
import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync, read, readSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '#core';
import { median } from '../figures.ts';
import type { Batches } from './scene.ts';
import { type Load, placeOf } from './writers.ts';

/** Room for the head and the body of this many batches in one writev. */
const CHUNKS_PER_WRITE_MAX = 1024;

/** Seconds to write as many batches as `load` says to one file, so many per writev as are under way. */
export function writeFile(file: string, batches: Batches, { writers, inFlight, batchCount }: Load): number {
  const descriptor = openSync(file, 'w');
  const start = performance.now();
  const perWrite = Math.min(writers * inFlight, CHUNKS_PER_WRITE_MAX);
  let position = 0;
  for (let written = 0; written < batchCount; written += perWrite) {
    const chunks = slice(batches, written, Math.min(perWrite, batchCount - written));
    position += writeAt(descriptor, chunks, position);
  }
  const seconds = (performance.now() - start) / 1000;
  closeSync(descriptor);
  return seconds;
}

export interface SyncedWrites {
  readonly seconds: number;
  readonly groupMs: number;
}

/**
 * Groups of all batches under way, spread over the files as the writers of `load` spread theirs: each file that gets some is
 * written once and synced, all of a group at the same time.
 */
export async function writeAndSync(
  folder: string,
  fileCount: number,
  batches: Batches,
  load: Load,
): Promise<SyncedWrites> {
  mkdirSync(folder);
  const descriptors = Array.from({ length: fileCount }, (_, index) => openSync(join(folder, String(index)), 'w'));
  for (const descriptor of descriptors) fsyncSync(descriptor);
  const positions = new Array<number>(fileCount).fill(0);
  const groupsMs: number[] = [];
  const perGroup = load.writers * load.inFlight;
  const start = performance.now();
  for (let written = 0; written < load.batchCount; written += perGroup) {
    const groupStart = performance.now();
    const dirty = new Map<number, Buffer[]>();
    for (let index = 0; index < Math.min(perGroup, load.batchCount - written); index++) {
      const round = Math.floor((written + index) / load.writers);
      const file = placeOf(index % load.writers, round, load, fileCount);
      const chunks = dirty.get(file) ?? [];
      chunks.push(batches.list[(written + index) % batches.list.length]);
      dirty.set(file, chunks);
    }
    for (const [file, chunks] of dirty) positions[file] += writeAt(descriptors[file], chunks, positions[file]);
    await Promise.all([...dirty.keys()].map((file) => sync(descriptors[file])));
    groupsMs.push(performance.now() - groupStart);
  }
  const seconds = (performance.now() - start) / 1000;
  for (const descriptor of descriptors) closeSync(descriptor);
  return { seconds, groupMs: median(groupsMs) };
}

/** Seconds to read a file from its start to its end in pieces; with their checksum, when asked for. */
export async function readFile(file: string, pieceBytes: number, withChecksum: boolean): Promise<number> {
  const descriptor = openSync(file, 'r');
  const start = performance.now();
  let position = 0;
  let checksum = 0;
  for (let bytesRead = -1; bytesRead !== 0; position += bytesRead) {
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    bytesRead = await readAt(descriptor, piece, position);
    if (withChecksum) checksum = crc32c(piece.subarray(0, bytesRead), checksum);
  }
  const seconds = (performance.now() - start) / 1000;
  closeSync(descriptor);
  return seconds;
}

/** Milliseconds of each read of `pieceBytes` at the positions given, one after the other. */
export async function readPieces(
  descriptor: number,
  pieceBytes: number,
  positions: readonly number[],
): Promise<number[]> {
  const piecesMs: number[] = [];
  for (const position of positions) {
    const start = performance.now();
    await readAt(descriptor, Buffer.allocUnsafeSlow(pieceBytes), position);
    piecesMs.push(performance.now() - start);
  }
  return piecesMs;
}

/** Brings a file into the page cache. */
export function warm(file: string): void {
  const descriptor = openSync(file, 'r');
  const piece = Buffer.alloc(1024 * 1024);
  for (let position = 0, bytesRead = -1; bytesRead !== 0; position += bytesRead) {
    bytesRead = readSync(descriptor, piece, 0, piece.length, position);
  }
  closeSync(descriptor);
}

function slice(batches: Batches, first: number, batchCount: number): Buffer[] {
  return Array.from({ length: batchCount }, (_, index) => batches.list[(first + index) % batches.list.length]);
}

/** Whole chunks: a short write is taken for the end of the disk. */
function writeAt(descriptor: number, chunks: readonly Buffer[], position: number): number {
  const wanted = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (writevSync(descriptor, chunks, position) !== wanted) throw new Error('the disk is full');
  return wanted;
}

function sync(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(descriptor, (error) => (error ? reject(error) : resolve()));
  });
}

function readAt(descriptor: number, piece: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, piece, 0, piece.length, position, (error, bytesRead) =>
      error ? reject(error) : resolve(bytesRead),
    );
  });
}
