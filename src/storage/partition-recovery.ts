/**
 * Opens the folder of a partition and brings it to a state that can be served: the same one however often it is repeated.
 *
 *   after a clean stop     the last segment is read from its last index entry on (some KiB) and checked; all else is trusted until
 *                          it is read
 *   after a crash          every segment that reaches the recovery point is read through; batches at or above the recovery point
 *                          must have the right checksum; indexes are built anew
 *
 * At the first thing that is no whole, right batch the log is cut. What is cut (unless it is all zeros) and all later segments are
 * put aside in `<topic>-<partition>.corrupt-<time>/` with a warning, never deleted. Below the recovery point, which only moves up
 * to what was synced, a wrong checksum is no reason to cut: readers of that batch get CORRUPT_MESSAGE.
 */
import type { Clock, Logger } from '#core';
import { isControlAt, lastOffsetAt, MAX_TIMESTAMP_POSITION, maxTimestampAt } from './batch-frame.ts';
import { scanBatches } from './batch-scan.ts';
import { finishSwaps } from './compaction/swap-recovery.ts';
import type { TopicConfig } from './config.ts';
import type { Disk } from './disk/disk.ts';
import {
  baseOffsetOf,
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SNAPSHOT_SUFFIX,
  TEMPORARY_SUFFIX,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from './file-names.ts';
import { readIndexFiles, rebuildIndexes } from './index-files.ts';
import { Quarantine } from './quarantine.ts';
import { Segment, type TransactionFile } from './segment.ts';
import { readTransactionFile } from './transaction-files.ts';

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
  /** Everything below was synced once. */
  readonly recoveryPoint: number;
  /**
   * The recovery point moves by whole segments, whose indexes are synced (`os`, but for flush rules). Else (`sync`) a segment that ends exactly at the
   * recovery point may have been rolled after that point was stored, and its index files may be torn.
   */
  readonly isPointOfSegments: boolean;
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
  /** The first offset of the segments that were read through, whose epochs may be news; `logEndOffset` when none was. */
  readonly readFrom: number;
  /** The first offset of those of them that may have markers of transactions; `logEndOffset` when there is none. */
  readonly markersFrom: number;
  /** Nothing had to be mended: the files are those of a clean stop. */
  readonly isIntact: boolean;
  /** Offsets of the producer snapshots in the folder, newest first. */
  readonly snapshots: readonly number[];
}

/** What was found in the folder. */
interface Contents {
  /** Base offsets of the segments, in order. */
  readonly bases: readonly number[];
  /** Those with a `.txnindex`. */
  readonly transactionBases: ReadonlySet<number>;
  /** Newest first. */
  readonly snapshots: readonly number[];
}

type Recovered = Omit<RecoveredSegments, 'snapshots'>;

export async function recoverSegments(plan: RecoveryPlan): Promise<RecoveredSegments> {
  const contents = await tidyFolder(plan);
  return { ...(await recover(plan, contents)), snapshots: contents.snapshots };
}

async function recover(plan: RecoveryPlan, contents: Contents): Promise<Recovered> {
  const { bases } = contents;
  if (bases.length === 0) return startEmpty(plan, plan.logStartOffset);
  const segments = bases.map((base, index) => openSegment(plan, contents, base, bases.at(index + 1)));
  // The last one is read next.
  for (const segment of segments.slice(0, -1)) segment.releaseFile();
  const read = plan.isClean ? trustSegments : readSegments;
  const recovered = await read(plan, segments, contents);
  if (recovered.logEndOffset >= plan.logStartOffset) return recovered;
  const quarantine = new Quarantine(plan.disk, plan.corruptFolder, plan.logger);
  plan.logger.error({ folder: plan.folder, ...offsetsOf(plan, recovered) }, 'The log ends before its start offset');
  for (const segment of recovered.segments) await quarantine.moveSegment(segment);
  return startEmpty(plan, plan.logStartOffset);
}

function offsetsOf(plan: RecoveryPlan, recovered: Recovered): object {
  return { logStartOffset: plan.logStartOffset, logEndOffset: recovered.logEndOffset };
}

/** Ends or removes what a crash left unfinished. */
async function tidyFolder({ disk, folder, logger }: RecoveryPlan): Promise<Contents> {
  await finishSwaps({ disk, folder, logger });
  const files = (await disk.list(folder)).filter(({ kind }) => kind === 'file').map(({ name }) => name);
  const bases = files.map((name) => baseOffsetOf(name, LOG_SUFFIX)).filter((base) => base !== undefined);
  for (const name of files) {
    const isLeftOver = [DELETED_SUFFIX, CLEANED_SUFFIX, TEMPORARY_SUFFIX].some((suffix) => name.endsWith(suffix));
    if (isLeftOver) await disk.remove(`${folder}/${name}`);
    const suffix = [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX].find((each) => name.endsWith(each));
    const base = suffix === undefined ? undefined : baseOffsetOf(name, suffix);
    if (base === undefined || bases.includes(base)) continue;
    logger.warn({ file: `${folder}/${name}` }, 'An index without its log was removed');
    await disk.remove(`${folder}/${name}`);
  }
  const snapshots = files.map((name) => baseOffsetOf(name, SNAPSHOT_SUFFIX)).filter((offset) => offset !== undefined);
  const transactionBases = new Set(files.map((name) => baseOffsetOf(name, TXN_INDEX_SUFFIX) ?? -1));
  return { bases: bases.sort((a, b) => a - b), transactionBases, snapshots: snapshots.sort((a, b) => b - a) };
}

function openSegment(
  plan: RecoveryPlan,
  contents: Contents,
  baseOffset: number,
  nextBase: number | undefined,
): Segment {
  const { wallMs } = plan.clock.now();
  const segment = new Segment(plan.disk, plan.folder, baseOffset, wallMs, plan.newJitterShare());
  segment.adoptSize(segment.file().sizeSync());
  segment.transactionFile = transactionFileOf(contents, baseOffset, nextBase);
  return segment;
}

/** A snapshot is stored when all that is to be known of the segment that ends there has been. */
function transactionFileOf(
  { snapshots, transactionBases }: Contents,
  baseOffset: number,
  endOffset: number | undefined,
): TransactionFile {
  if (endOffset === undefined || !snapshots.includes(endOffset)) return 'doubtful';
  return transactionBases.has(baseOffset) ? 'whole' : 'none';
}

/** Its name is durable before a record counts on it: only a folder that is new has its names synced later. */
async function startEmpty(plan: RecoveryPlan, baseOffset: number): Promise<Recovered> {
  const segment = new Segment(plan.disk, plan.folder, baseOffset, plan.clock.now().wallMs, plan.newJitterShare());
  segment.create(plan.config);
  await plan.disk.syncDirectory(plan.folder);
  return {
    segments: [segment],
    logEndOffset: baseOffset,
    readFrom: baseOffset,
    markersFrom: baseOffset,
    isIntact: false,
  };
}

/** Clean stop: only the end of the last segment is read. */
async function trustSegments(plan: RecoveryPlan, segments: Segment[], contents: Contents): Promise<Recovered> {
  const active = segments[segments.length - 1];
  const fileBytes = active.writtenBytes;
  const indexes = await readIndexFiles(plan.disk, active, fileBytes, Number.POSITIVE_INFINITY, plan.config);
  if (indexes === undefined) {
    plan.logger.warn(
      { file: active.path(INDEX_SUFFIX) },
      'The index of the last segment is missing or wrong and is built anew',
    );
    const recoveryPoint = Math.max(plan.recoveryPoint, active.baseOffset);
    return readSegments({ ...plan, recoveryPoint, isPointOfSegments: true }, segments, contents);
  }
  const position = indexes.offsets.lastEntry()?.position ?? 0;
  active.adoptIndexes(indexes, position);
  if (position > 0) active.firstTimestamp = await firstTimestampOf(active);
  let logEndOffset = active.baseOffset;
  const options = { position, endPosition: fileBytes, offsetMin: active.baseOffset, crcFromOffset: 0 };
  const end = await scanBatches(active.file(), options, (buffer, at, sizeInBytes) => {
    const lastOffset = lastOffsetAt(buffer, at);
    active.note(lastOffset, maxTimestampAt(buffer, at), sizeInBytes, plan.config['index.interval.bytes'], true);
    logEndOffset = lastOffset + 1;
    return false;
  });
  if (end.damage !== undefined) {
    await cut(plan, active, end.position, fileBytes, end.damage, []);
    await active.sync(plan.clock);
  }
  const isIntact = end.damage === undefined;
  active.transactionFile = transactionFileOf(contents, active.baseOffset, logEndOffset);
  if (active.transactionFile === 'whole') await trustTransactions(plan, active, logEndOffset);
  const markersFrom = active.isTransactionsLoaded ? logEndOffset : active.baseOffset;
  return { segments, logEndOffset, readFrom: logEndOffset, markersFrom, isIntact };
}

/** More may be added to those of the last segment, so they are in memory. */
async function trustTransactions({ disk, logger }: RecoveryPlan, active: Segment, logEndOffset: number): Promise<void> {
  const index = await readTransactionFile(disk, active, logEndOffset);
  if (index !== undefined) return active.adoptTransactions(index);
  active.transactionFile = 'doubtful';
  logger.warn(
    { file: active.path(TXN_INDEX_SUFFIX) },
    'The transaction index of the last segment is wrong and is built anew',
  );
}

/** After a crash: reads all segments that reach the recovery point, up to the first damage. */
async function readSegments(plan: RecoveryPlan, segments: Segment[], contents: Contents): Promise<Recovered> {
  const startMax = plan.isPointOfSegments ? plan.recoveryPoint : plan.recoveryPoint - 1;
  const first = Math.max(
    0,
    segments.findLastIndex((segment) => segment.baseOffset <= startMax),
  );
  let logEndOffset = segments[first].baseOffset;
  let markersFrom = Number.POSITIVE_INFINITY;
  for (let index = first; index < segments.length; index++) {
    const segment = segments[index];
    const fileBytes = segment.writtenBytes;
    if (index > first && segment.baseOffset > plan.compactedTo && segment.baseOffset !== logEndOffset) {
      await putAside(
        plan,
        segments.splice(index),
        `it begins at ${segment.baseOffset}, the log ends at ${logEndOffset}`,
      );
      break;
    }
    logEndOffset = segment.baseOffset;
    let hasMarkers = contents.transactionBases.has(segment.baseOffset);
    const end = await rebuildIndexes(segment, fileBytes, plan.config, plan.recoveryPoint, (buffer, at) => {
      logEndOffset = lastOffsetAt(buffer, at) + 1;
      hasMarkers ||= isControlAt(buffer, at);
      return false;
    });
    segment.transactionFile = hasMarkers ? 'doubtful' : 'none';
    if (hasMarkers) markersFrom = Math.min(markersFrom, segment.baseOffset);
    if (end.damage === undefined) continue;
    const later = segments.splice(index + 1);
    await cut(plan, segment, end.position, fileBytes, end.damage, later);
  }
  const readFrom = segments[first].baseOffset;
  await Promise.all(segments.slice(first).map((segment) => segment.sync(plan.clock)));
  for (const segment of segments.slice(first, -1)) {
    segment.finish();
    await segment.replaceIndexFiles(plan.clock);
  }
  await plan.disk.syncDirectory(plan.folder);
  return { segments, logEndOffset, readFrom, markersFrom: Math.min(markersFrom, logEndOffset), isIntact: false };
}

async function cut(
  plan: RecoveryPlan,
  segment: Segment,
  position: number,
  fileBytes: number,
  damage: string,
  later: Segment[],
): Promise<void> {
  const keptAs = await new Quarantine(plan.disk, plan.corruptFolder, plan.logger).copyTail(
    segment,
    position,
    fileBytes,
  );
  const where = { file: segment.path(LOG_SUFFIX), position, bytesCut: fileBytes - position, keptAs, damage };
  plan.logger.warn(where, `The log was cut where it has no whole batch any more: ${damage}`);
  segment.truncateFile(position);
  await putAside(plan, later, damage);
}

/**
 * What lies behind damage, or behind a gap: where nothing was compacted segments follow each other without one, so whatever was
 * there was never synced, and with it all that came after.
 */
async function putAside(plan: RecoveryPlan, segments: readonly Segment[], damage: string): Promise<void> {
  const quarantine = new Quarantine(plan.disk, plan.corruptFolder, plan.logger);
  for (const segment of segments) {
    const where = { file: segment.path(LOG_SUFFIX), keptAs: plan.corruptFolder, damage };
    plan.logger.error(where, 'A segment behind the damage was put aside');
    await quarantine.moveSegment(segment);
  }
}

async function firstTimestampOf(segment: Segment): Promise<number> {
  const head = Buffer.alloc(MAX_TIMESTAMP_POSITION + 8);
  await segment.file().read(head, 0);
  return maxTimestampAt(head, 0);
}
