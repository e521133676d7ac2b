/**
 * Puts a cleaned segment in the place of those it was made from. Between any two steps the power may go, and what the next start
 * finds has one meaning:
 *
 *   files                                     next start (`swap-recovery.ts`)
 *   1  N.*.cleaned synced                     drops them; the old segments are whole
 *   2  N.*.swap, names synced                 until the last `.cleaned` is gone as 1, then goes on with 3
 *   3  old ones are .deleted, names synced    removes the old ones from N on, renames N
 *   4  N.* in place, names synced             nothing to do
 *
 * Readers see the new segment from the end of step 2 on. Names are synced before step 4, for else N could come to stand beside
 * segments that it replaces.
 */
import type { Disk } from '../disk/disk.ts';
import { DELETED_SUFFIX, SWAP_SUFFIX } from '../segment/file-names.ts';
import type { Segment } from '../segment/segment.ts';

export interface Swap {
  readonly disk: Disk;
  readonly folder: string;
  readonly replaced: readonly Segment[];
  /** Complete and synced, in files that end in `.cleaned`. */
  readonly fresh: Segment;
  /** Makes readers see `fresh` instead of `replaced`. False: the log has changed meanwhile, and nothing is swapped. */
  install(): boolean;
}

/** False when it was not installed; `fresh` then still has its files, which are the caller's to remove. */
export async function swapSegments({ disk, folder, replaced, fresh, install }: Swap): Promise<boolean> {
  await disk.syncDirectory(folder);
  await fresh.move(SWAP_SUFFIX, await namesIn(disk, folder));
  await disk.syncDirectory(folder);
  if (!install()) return false;
  for (const segment of replaced) await segment.settled();
  const names = await namesIn(disk, folder);
  for (const segment of replaced) await segment.move(DELETED_SUFFIX, names);
  await disk.syncDirectory(folder);
  await fresh.move('', names);
  await disk.syncDirectory(folder);
  return true;
}

async function namesIn(disk: Disk, folder: string): Promise<ReadonlySet<string>> {
  return new Set((await disk.list(folder)).map(({ name }) => name));
}
