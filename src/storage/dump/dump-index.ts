/** Prints a `.index` file and compares it with its log. */
import { CorruptError } from '#core';
import type { Disk } from '../disk/disk.ts';
import { INDEX_SUFFIX, LOG_SUFFIX } from '../segment/file-names.ts';
import { BatchWalk } from './batch-walk.ts';
import { contentOf, type DumpFile, type DumpOutput, siblingPath, startOffset } from './dump-output.ts';
import { OffsetEntries } from './index-entries.ts';
import { LogWindow } from './log-window.ts';

export interface IndexDumpOptions {
  /** Only what Kafka checks when it starts. */
  readonly isSanityOnly: boolean;
  /** Compare, but print no entries. */
  readonly isVerifyOnly: boolean;
  readonly messageBytesMax: number;
}

/** @returns offsets of the index to those that the log has at their position, where the two differ. */
export async function dumpIndex(
  disk: Disk,
  file: DumpFile,
  options: IndexDumpOptions,
  output: DumpOutput,
): Promise<Map<number, bigint>> {
  const mismatches = new Map<number, bigint>();
  const baseOffset = startOffset(file);
  const log = disk.openSync(siblingPath(file, LOG_SUFFIX), { create: false });
  try {
    const entries = new OffsetEntries(await contentOf(disk, file.path), baseOffset);
    if (entries.count === 0) {
      output.out(`${file.path} is empty.\n`);
      return mismatches;
    }
    if (options.isSanityOnly) {
      entries.checkSanity(file.absolutePath);
      output.out(`${file.path} passed sanity check.\n`);
      return mismatches;
    }
    const window = new LogWindow(log);
    for (let index = 0; index < entries.count; index++) {
      const offset = entries.offset(index);
      // Padding: the file of an active segment is as large as it may become.
      if (offset === baseOffset && index > 0) break;
      const position = entries.position(index);
      const found = await lastOffsetAt(window, position, log.sizeSync(), log.path, options.messageBytesMax);
      if (found !== BigInt(offset)) mismatches.set(offset, found);
      if (!options.isVerifyOnly) output.out(`offset: ${offset} position: ${position}\n`);
      await output.drained();
    }
    return mismatches;
  } finally {
    log.close();
  }
}

async function lastOffsetAt(
  window: LogWindow,
  position: number,
  logBytes: number,
  path: string,
  messageBytesMax: number,
): Promise<bigint> {
  if (position < 0) throw new CorruptError(`Invalid position: ${position} in read from ${path}`);
  if (position > logBytes) throw new CorruptError(`Slice from position ${position} exceeds end position of ${path}`);
  const walk = new BatchWalk(window, position, Math.min(logBytes, position + messageBytesMax), path);
  const batch = await walk.current();
  if (batch !== undefined) return batch.lastOffset;
  throw new CorruptError(
    `The ${INDEX_SUFFIX} file points to position ${position} of ${path}, where no whole batch is.`,
  );
}
