/** Where a dump goes, and the names of the files that it is about. */
import { CorruptError, KafkaError } from '#core';
import type { Disk } from '../disk/disk.ts';

export interface DumpOutput {
  /** Takes text for standard output, with its line ends. */
  out(text: string): void;
  err(text: string): void;
  /** Resolves when more may come; undefined: at once. */
  drained(): Promise<void> | undefined;
}

/** One file to dump: a path as it was given, taken apart. */
export interface DumpFile {
  readonly path: string;
  /** With slashes at the front, for messages. */
  readonly absolutePath: string;
  readonly name: string;
  readonly suffix: string;
}

export function dumpFile(path: string, workingFolder: string): DumpFile {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  const absolutePath = path.startsWith('/') ? path : `${workingFolder}/${path}`;
  return { path, absolutePath, name, suffix: dot < 0 ? '' : name.slice(dot) };
}

/** The offset that the name of a segment file begins with. */
export function startOffset({ name }: DumpFile): number {
  const digits = name.split('.')[0];
  if (/^[+-]?\d{1,20}$/.test(digits)) return Number(digits);
  throw new KafkaError('INVALID_ARGUMENT', `For input string: "${digits}"`);
}

/** The path of the file that belongs to the same segment. */
export function siblingPath({ path, name }: DumpFile, suffix: string): string {
  return path.slice(0, path.length - name.length) + name.split('.')[0] + suffix;
}

export async function contentOf(disk: Disk, path: string): Promise<Buffer> {
  const bytes = await disk.readFile(path);
  if (bytes === undefined) throw new CorruptError(`${path} (No such file or directory)`, { file: path });
  return bytes;
}
