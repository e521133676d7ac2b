/** Which segments of a log that is opened have aborted transactions that no file tells of. */
import { TXN_INDEX_SUFFIX } from '../segment/file-names.ts';
import type { Segment } from '../segment/segment.ts';
import { readTransactionFile } from '../segment/transaction-files.ts';
import { type FolderContents, type PartitionFolder, transactionFileOf } from './partition-folder.ts';

/** Segments whose aborted transactions must be read from the batches. */
export interface UntoldTransactions {
  /** What their files tell of them, in `transactions`, is right below the newest producer snapshot at or below `snapshotMax`. */
  readonly segments: ReadonlySet<Segment>;
  readonly snapshotMax: number;
}

export const NOTHING_UNTOLD: UntoldTransactions = { segments: new Set(), snapshotMax: Number.POSITIVE_INFINITY };

/**
 * Which segments behind the newest snapshot have transactions that nobody has told yet. The file of one that is sound is complete below
 * any snapshot that lies in the segment.
 */
export async function findUntold(
  plan: PartitionFolder & { readonly isClean: boolean },
  contents: FolderContents,
  kept: readonly Segment[],
  logEndOffset: number,
): Promise<UntoldTransactions> {
  const segments = new Set<Segment>();
  const newest = contents.snapshots.find((offset) => offset <= logEndOffset) ?? 0;
  let snapshotMax = Number.POSITIVE_INFINITY;
  for (const [index, segment] of kept.entries()) {
    const { baseOffset } = segment;
    const isLast = index === kept.length - 1;
    const endOffset = isLast ? logEndOffset : kept[index + 1].baseOffset;
    if (!isLast && endOffset <= newest) continue;
    const known = transactionFileOf(contents, baseOffset, endOffset);
    const hasFile = contents.transactionBases.has(baseOffset);
    const stored = hasFile ? await readTransactionFile(plan.disk, segment, endOffset) : undefined;
    const isSound = stored !== undefined || !hasFile;
    segment.transactionFile = known;
    // More may be added to those of the last segment, so they stay in memory.
    if (stored !== undefined) segment.adoptTransactions(stored);
    if (known !== 'doubtful' && isSound) continue;
    if (!isSound) {
      const file = segment.path(TXN_INDEX_SUFFIX);
      plan.logger.warn({ file }, 'A transaction index is wrong and is built anew');
    }
    segment.transactionFile = 'doubtful';
    segments.add(segment);
    snapshotMax = Math.min(snapshotMax, isSound ? endOffset - (isLast ? 0 : 1) : baseOffset);
  }
  if (plan.isClean && segments.size > 0) {
    const text = `Producer snapshots of ${plan.folder} are missing; what they and the transaction indexes told is read from the batches`;
    plan.logger.warn({ folder: plan.folder, segmentCount: segments.size }, text);
  }
  return { segments, snapshotMax };
}
