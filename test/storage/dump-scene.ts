/** Scenery of the dump tests: what a dump printed, and files changed by hand. */
import {
  type Disk,
  DUMP_BYTES_MAX,
  type DumpFilesOptions,
  type DumpOutput,
  dumpFiles,
  type MemoryDisk,
} from '#storage';
import { fileBytes, putFile } from './golden-folder.ts';

export interface Dumped {
  code: number;
  out: string;
  err: string;
}

export async function dump(
  disk: Disk,
  files: string | string[],
  options: Partial<DumpFilesOptions> = {},
): Promise<Dumped> {
  const result = { code: -1, out: '', err: '' };
  const output: DumpOutput = {
    out: (text) => void (result.out += text),
    err: (text) => void (result.err += text),
    drained: () => undefined,
  };
  result.code = await dumpFiles({
    disk,
    files: [files].flat(),
    workingFolder: '/work',
    output,
    isDeep: options.decoder !== undefined,
    decoder: undefined,
    skipRecordMetadata: false,
    bytesMax: DUMP_BYTES_MAX,
    isSanityOnly: false,
    isVerifyOnly: false,
    messageBytesMax: 5 * 1024 * 1024,
    ...options,
  });
  return result;
}

/** Changes a file in place. */
export async function damage(disk: MemoryDisk, path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  putFile(disk, path, change(Buffer.from(await fileBytes(disk, path))));
}

/** The bytes with some of them replaced from `position` on. */
export function patched(position: number, ...values: number[]): (bytes: Buffer) => Buffer {
  return (bytes) => {
    bytes.set(values, position);
    return bytes;
  };
}
