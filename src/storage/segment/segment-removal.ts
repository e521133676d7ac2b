/**
 * Takes the files of segments out of a partition's folder, as Kafka does: they are renamed to `.deleted` first, so that a reader in the
 * middle of one is not disturbed, and removed later. The `.log` file is renamed last: while it is there, so is what belongs to it.
 */
import type { Disk } from '../disk/disk.ts';
import {
  baseOffsetOf,
  DELETED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from './file-names.ts';

const SEGMENT_SUFFIXES = [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX, LOG_SUFFIX];

/**
 * Renames the files of the segments with these base offsets, and the producer snapshots below `snapshotsBelow`. Durable when it
 * resolves.
 *
 * @returns the new paths, to be removed
 */
export async function renameDeleted(
  disk: Disk,
  folder: string,
  baseOffsets: readonly number[],
  snapshotsBelow: number,
): Promise<string[]> {
  const names = (await disk.list(folder)).map(({ name }) => name);
  const gone = new Set(baseOffsets);
  const files = [
    ...names.filter((name) => (baseOffsetOf(name, SNAPSHOT_SUFFIX) ?? snapshotsBelow) < snapshotsBelow),
    ...SEGMENT_SUFFIXES.flatMap((suffix) => names.filter((name) => gone.has(baseOffsetOf(name, suffix) ?? -1))),
  ];
  const paths: string[] = [];
  for (const name of files) {
    const path = `${folder}/${name}${DELETED_SUFFIX}`;
    await disk.rename(`${folder}/${name}`, path);
    paths.push(path);
  }
  await disk.syncDirectory(folder);
  return paths;
}
