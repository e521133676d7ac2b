/**
 * Brings the folder of a partition out of a compaction that was cut off, ours or Apache Kafka's; repeated, it does nothing. As in
 * Kafka, a `.swap` at or above a `.cleaned` belongs to a step that had not ended and is dropped; any other is complete: the segments
 * that it was made from go, and it takes their place. Unlike Kafka, a `.swap` is checked first: a damaged one does not replace segments
 * that are still there.
 */
import type { Logger } from '#core';
import type { Disk } from '../disk/disk.ts';
import { lastOffsetAt } from '../segment/batch-frame.ts';
import { scanBatches } from '../segment/batch-scan.ts';
import {
  baseOffsetOf,
  CLEANED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SWAP_SUFFIX,
  segmentFileName,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from '../segment/file-names.ts';

export interface SwapFolder {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly folder: string;
}

const SUFFIXES = [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX, LOG_SUFFIX];

export async function finishSwaps(place: SwapFolder): Promise<void> {
  const { disk, folder, logger } = place;
  const names = new Set((await disk.list(folder)).filter(({ kind }) => kind === 'file').map(({ name }) => name));
  const swaps = basesWith(names, SWAP_SUFFIX);
  if (swaps.length === 0) return;
  const firstCleaned = Math.min(...basesWith(names, CLEANED_SUFFIX));
  for (const base of swaps) {
    const nextOffset = base >= firstCleaned ? undefined : await endOfSwap(place, names, base);
    if (nextOffset === undefined) {
      await removeAll(place, base, SWAP_SUFFIX);
      continue;
    }
    logger.info({ folder, baseOffset: base, nextOffset }, 'A compaction that was cut off is completed');
    const activeBase = activeBaseOf(names);
    for (const old of basesWith(names, '')) {
      if (old > base && old < Math.min(nextOffset, activeBase)) await removeAll(place, old, '');
    }
    await disk.syncDirectory(folder);
    await takePlace(place, names, base);
  }
  await disk.syncDirectory(folder);
}

/** Base offsets of the segments that have a file with this name suffix, ascending. */
function basesWith(names: ReadonlySet<string>, nameSuffix: string): number[] {
  const bases = new Set<number>();
  for (const name of names) {
    for (const suffix of SUFFIXES) {
      const base = baseOffsetOf(name, suffix + nameSuffix);
      if (base !== undefined) bases.add(base);
    }
  }
  return [...bases].sort((a, b) => a - b);
}

function activeBaseOf(names: ReadonlySet<string>): number {
  return Math.max(...[...names].map((name) => baseOffsetOf(name, LOG_SUFFIX) ?? -1));
}

/** The offset behind the last batch; `base` when only indexes are left to rename; undefined when it must not be used. */
async function endOfSwap(
  { disk, folder, logger }: SwapFolder,
  names: ReadonlySet<string>,
  base: number,
): Promise<number | undefined> {
  const name = segmentFileName(base, LOG_SUFFIX);
  const isInPlace = names.has(name);
  if (!names.has(name + SWAP_SUFFIX)) return isInPlace ? base : undefined;
  const file = disk.openSync(`${folder}/${name}${SWAP_SUFFIX}`, { create: false });
  try {
    let nextOffset = base;
    const range = { position: 0, endPosition: file.sizeSync(), nextOffset: base };
    const { damage, position } = await scanBatches(file, range, (buffer, at) => {
      nextOffset = lastOffsetAt(buffer, at) + 1;
      return false;
    });
    // The offset of a batch is outside its checksum. No compaction reaches into the active segment.
    const isTooFar = nextOffset > activeBaseOf(names);
    if (!isInPlace || (damage === undefined && !isTooFar)) return nextOffset;
    logger.error(
      { file: file.path, position, damage: damage ?? `it ends at offset ${nextOffset}` },
      'A damaged result of compaction is dropped; what it was made from stays',
    );
    return undefined;
  } finally {
    file.close();
  }
}

async function takePlace(
  { disk, folder }: Omit<SwapFolder, 'logger'>,
  names: ReadonlySet<string>,
  base: number,
): Promise<void> {
  const log = segmentFileName(base, LOG_SUFFIX);
  // The one that is replaced goes first: once it is gone, an index without `.swap` is one that was renamed before.
  if (names.has(log) && names.has(log + SWAP_SUFFIX)) {
    await removeAll({ disk, folder }, base, '');
    await disk.syncDirectory(folder);
  }
  for (const suffix of SUFFIXES) {
    const name = segmentFileName(base, suffix);
    if (names.has(name + SWAP_SUFFIX)) await disk.rename(`${folder}/${name}${SWAP_SUFFIX}`, `${folder}/${name}`);
  }
}

async function removeAll(
  { disk, folder }: Omit<SwapFolder, 'logger'>,
  base: number,
  nameSuffix: string,
): Promise<void> {
  for (const suffix of SUFFIXES) await disk.remove(`${folder}/${segmentFileName(base, suffix)}${nameSuffix}`);
}
