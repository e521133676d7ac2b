/**
 * Opens the folder of a partition and brings it to a state that can be served: the same one however often it is repeated, and whatever
 * step a repetition was cut off at.
 *
 * The log is read from its recovery point on (`log-survey.ts`): after a clean stop that is its end. At the first thing that is no whole,
 * right batch it is cut. What is cut (unless it is all zeros) and all later segments are put aside in
 * `<topic>-<partition>.corrupt-<time>/`, never deleted.
 *
 * Not so below what is known to have been durable: the recovery point, and the offset in the name of the newest good producer snapshot
 * (`log-trail.ts`). There nothing is cut, no file is touched, and the log is to take no records until somebody decides: the next start
 * finds the same.
 */
import type { Clock, Logger } from '#core';
import type { TopicConfig } from '../config.ts';
import type { Disk } from '../disk/disk.ts';
import { LOG_SUFFIX, SNAPSHOT_SUFFIX, segmentFileName } from '../segment/file-names.ts';
import { Segment } from '../segment/segment.ts';
import type { DamagedRange } from './damage-book.ts';
import { type Cut, type Survey, surveyLog } from './log-survey.ts';
import { durableOffsetOf, type FolderContents, newestGood, tidyFolder, transactionFileOf } from './partition-folder.ts';
import { Quarantine } from './quarantine.ts';
import { rewriteTail } from './rewrite-tail.ts';
import { findUntold, NOTHING_UNTOLD, type UntoldTransactions } from './untold-transactions.ts';

export interface RecoveryPlan {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: TopicConfig;
  /** Folder of the partition. */
  readonly folder: string;
  /** Folder for what is cut off; made when needed. */
  readonly corruptFolder: string;
  readonly isClean: boolean;
  /** Nobody is told of a record before it is synced. */
  readonly isSynced: boolean;
  /** Everything below was synced once. */
  readonly recoveryPoint: number;
  /** Segments that begin at or below this offset need not follow each other without a gap: compaction makes some. */
  readonly compactedTo: number;
  /** From the log start checkpoint. */
  readonly logStartOffset: number;
  /** From 0 to 1, for a segment. @see Segment */
  readonly newJitterShare: () => number;
}

export interface RecoveredSegments {
  /** At least one; the last one is active and has its indexes. */
  readonly segments: Segment[];
  readonly logEndOffset: number;
  /** What is damaged below what was durable: the log must take no records. */
  readonly damage: readonly DamagedRange[];
  /** The epochs of records below are in their file, which is stored before a snapshot. */
  readonly epochsTo: number;
  readonly untold: UntoldTransactions;
  /** Nothing had to be mended: the files are those of a clean stop. */
  readonly isIntact: boolean;
  /** Offsets of the producer snapshots in the folder, newest first. */
  readonly snapshots: readonly number[];
}

export async function recoverSegments(plan: RecoveryPlan): Promise<RecoveredSegments> {
  const contents = await tidyFolder(plan);
  const { bases } = contents;
  const durableOffset = await durableOffsetOf(plan, contents, plan.recoveryPoint);
  const segments = bases.map((base, index) => openSegment(plan, contents, base, bases.at(index + 1)));
  if (segments.length === 0) segments.push(await createSegment(plan, plan.logStartOffset));
  // The last one is read next.
  for (const segment of segments.slice(0, -1)) segment.releaseFile();
  const survey = await surveyLog({ ...plan, segments, durableOffset });
  if (survey.logEndOffset < plan.logStartOffset) return startAnew(plan, contents, segments, survey);
  const isCut = survey.cut !== undefined;
  if (survey.cut !== undefined) await cutOff(plan, segments, survey.cut, survey.logEndOffset);
  const kept = segments.slice(0, survey.last + 1);
  for (const segment of segments.slice(kept.length)) segment.close();
  if (isCut || (!plan.isClean && survey.damage.length === 0)) await settle(plan, kept, survey, isCut, durableOffset);
  const untold =
    survey.damage.length > 0 ? NOTHING_UNTOLD : await findUntold(plan, contents, kept, survey.logEndOffset);
  const { logEndOffset, damage, first } = survey;
  const isIntact = plan.isClean && !isCut && !survey.isIndexLost && first === segments.length - 1;
  const epochsTo = isIntact
    ? logEndOffset
    : await newestGood(
        plan,
        contents.snapshots.filter((at) => at <= logEndOffset),
      );
  return {
    segments: kept,
    snapshots: contents.snapshots,
    logEndOffset,
    damage,
    epochsTo: epochsTo ?? 0,
    untold,
    isIntact,
  };
}

/** The log ends before its start offset: none of its records is anybody's any more. */
async function startAnew(
  plan: RecoveryPlan,
  { snapshots }: FolderContents,
  segments: readonly Segment[],
  survey: Survey,
): Promise<RecoveredSegments> {
  const { logStartOffset } = plan;
  const where = { folder: plan.folder, logStartOffset, logEndOffset: survey.logEndOffset };
  plan.logger.error(where, 'The log ends before its start offset; it is put aside and begins anew there');
  const quarantine = new Quarantine(plan.disk, plan.corruptFolder, plan.logger);
  await quarantine.moveFiles(
    plan.folder,
    snapshots.map((offset) => segmentFileName(offset, SNAPSHOT_SUFFIX)),
  );
  await quarantine.moveSegments(segments);
  const segment = await createSegment(plan, logStartOffset);
  return {
    segments: [segment],
    snapshots: [],
    logEndOffset: logStartOffset,
    damage: [],
    epochsTo: logStartOffset,
    untold: NOTHING_UNTOLD,
    isIntact: false,
  };
}

function openSegment(
  plan: RecoveryPlan,
  contents: FolderContents,
  baseOffset: number,
  nextBase: number | undefined,
): Segment {
  const { wallMs } = plan.clock.now();
  const segment = new Segment(plan.disk, plan.folder, baseOffset, wallMs, plan.newJitterShare());
  segment.adoptSize(segment.file().sizeSync());
  segment.transactionFile = transactionFileOf(contents, baseOffset, nextBase);
  return segment;
}

/** Its name is durable before a record counts on it: only a folder that is new has its names synced later. */
async function createSegment(plan: RecoveryPlan, baseOffset: number): Promise<Segment> {
  const segment = new Segment(plan.disk, plan.folder, baseOffset, plan.clock.now().wallMs, plan.newJitterShare());
  segment.create(plan.config);
  await plan.disk.syncDirectory(plan.folder);
  return segment;
}

/**
 * Takes away what comes behind a place. The last segment goes first and the rest of the damaged one last, so that a start after a cut in
 * between finds the same damage.
 */
export async function cutOff(
  plan: Pick<RecoveryPlan, 'disk' | 'logger' | 'folder' | 'corruptFolder'>,
  segments: readonly Segment[],
  { index, position, damage }: Cut,
  logEndOffset: number,
): Promise<void> {
  const { folder, logger } = plan;
  const quarantine = new Quarantine(plan.disk, plan.corruptFolder, logger);
  const later = segments.slice(position === undefined ? index : index + 1);
  if (later.length > 0) {
    const text = `${later.length} segments of ${folder} behind offset ${logEndOffset} are put aside: ${damage}`;
    logger.error({ folder, logEndOffset, keptIn: plan.corruptFolder }, text);
  }
  await quarantine.moveSegments(later);
  if (position === undefined) return;
  const segment = segments[index];
  const file = segment.path(LOG_SUFFIX);
  const bytesCut = segment.file().sizeSync() - position;
  const keptAs = await quarantine.copyTail(segment, position);
  const bytes = keptAs === undefined ? `${bytesCut} zeros` : `${bytesCut} bytes, kept as ${keptAs},`;
  const text = `${folder} was cut at offset ${logEndOffset}: ${bytes} from position ${position} of ${file} on are no batches (${damage})`;
  logger.warn({ file, position, bytesCut, keptAs, logEndOffset }, text);
  segment.truncateFile(position);
}

/** What was read is durable from now on, and after that its index files say so. */
async function settle(
  plan: RecoveryPlan,
  kept: readonly Segment[],
  { first, logEndOffset }: Survey,
  isCut: boolean,
  durableOffset: number,
): Promise<void> {
  if (plan.isSynced && logEndOffset > durableOffset) {
    const firstDoubtful = kept.findLastIndex(({ baseOffset }) => baseOffset <= durableOffset);
    for (const segment of kept.slice(Math.max(first, firstDoubtful))) await rewriteTail(segment, durableOffset);
  }
  await Promise.all(kept.slice(first).map((segment) => segment.sync(plan.clock)));
  for (const segment of kept.slice(first, -1)) {
    segment.finish();
    await segment.replaceIndexFiles(plan.clock);
  }
  // Its files may tell of what was cut.
  if (isCut) await kept[kept.length - 1].replaceIndexFiles(plan.clock);
  await plan.disk.syncDirectory(plan.folder);
}
