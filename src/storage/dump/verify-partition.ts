/** Checks the folder of one partition: its segments with their indexes, and the small files beside them. */
import { CorruptError, errorText } from '#core';
import type { BatchHeader } from '#protocol';
import { type EpochEntry, parseEpochs, parsePartitionMetadata } from '../directory/checkpoint-format.ts';
import { PARTITION_METADATA_FILE } from '../directory/partition-metadata.ts';
import type { Disk } from '../disk/disk.ts';
import { decodeProducerSnapshot } from '../producers/producer-snapshot.ts';
import {
  baseOffsetOf,
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SNAPSHOT_SUFFIX,
  segmentFileName,
  TIME_INDEX_SUFFIX,
  TXN_INDEX_SUFFIX,
} from '../segment/file-names.ts';
import type { Report } from './findings.ts';
import { type IndexAudit, OffsetIndexAudit, TimeIndexAudit } from './index-audit.ts';
import { TransactionIndexAudit, TransactionReplay } from './transaction-audit.ts';
import { type LogSummary, verifyLog } from './verify-log.ts';

/** A `Report` for the file of a name. */
export type ReportOn = (file: string) => Report;

export interface PartitionSummary {
  readonly segmentCount: number;
  readonly batchCount: number;
  readonly sizeInBytes: number;
  readonly startOffset: number;
  readonly endOffset: number;
}

const EPOCH_FILE = 'leader-epoch-checkpoint';

/**
 * @param isClean after a stop in order nothing may be left for the next start to add
 * @param reportOn is asked with names of files in `folder`
 */
export async function verifyPartition(
  disk: Disk,
  folder: string,
  isClean: boolean,
  reportOn: ReportOn,
): Promise<PartitionSummary> {
  const names = (await disk.list(folder)).map(({ name }) => name).sort();
  const segments = names.map((name) => baseOffsetOf(name, LOG_SUFFIX)).filter((offset) => offset !== undefined);
  await verifySmallFile(disk, folder, PARTITION_METADATA_FILE, reportOn, parsePartitionMetadata);
  const hasEpochs = names.includes(EPOCH_FILE);
  const epochs = hasEpochs ? await verifySmallFile(disk, folder, EPOCH_FILE, reportOn, parseEpochs) : undefined;
  const check = new EpochCheck(epochs ?? [], isClean ? Number.POSITIVE_INFINITY : (segments.at(-1) ?? 0));
  const transactions = new TransactionReplay();
  const total = { segmentCount: segments.length, batchCount: 0, sizeInBytes: 0 };
  const startOffset = segments.at(0) ?? 0;
  let [endOffset, lastEpoch] = [startOffset, -1];
  for (const [index, baseOffset] of segments.entries()) {
    const endOffsetMax = segments.at(index + 1) ?? Number.POSITIVE_INFINITY;
    const summary = await verifySegment(
      disk,
      folder,
      { baseOffset, endOffsetMax },
      { lastEpoch, check, transactions, names, reportOn },
    );
    total.batchCount += summary.batchCount;
    total.sizeInBytes += summary.sizeInBytes;
    ({ endOffset, lastEpoch } = summary);
  }
  reportOrphans(names, segments, reportOn);
  check.end(endOffset, reportOn(EPOCH_FILE));
  // A log to which nothing was ever written has none.
  if (!hasEpochs && total.batchCount > 0) reportOn(EPOCH_FILE)('warning', 'is missing');
  for (const name of names) {
    const offset = baseOffsetOf(name, SNAPSHOT_SUFFIX);
    if (offset !== undefined) await verifySnapshot(disk, folder, name, { offset, endOffset }, reportOn(name));
    if (name.endsWith('.checkpoint')) await verifyMetadataSnapshot(disk, folder, name, reportOn(name));
  }
  return { ...total, startOffset, endOffset };
}

interface PartitionState {
  readonly lastEpoch: number;
  readonly check: EpochCheck;
  readonly transactions: TransactionReplay;
  readonly names: readonly string[];
  readonly reportOn: ReportOn;
}

async function verifySegment(
  disk: Disk,
  folder: string,
  bounds: { baseOffset: number; endOffsetMax: number },
  { lastEpoch, check, transactions, names, reportOn }: PartitionState,
): Promise<LogSummary> {
  const { baseOffset, endOffsetMax } = bounds;
  const name = segmentFileName(baseOffset, LOG_SUFFIX);
  const report = reportOn(name);
  const isLast = endOffsetMax === Number.POSITIVE_INFINITY;
  const audits = await openAudits(disk, folder, baseOffset, { names, isLast, reportOn });
  const transactionAudit = await openTransactionAudit(disk, folder, baseOffset, { transactions, reportOn });
  const file = disk.openSync(`${folder}/${name}`, { create: false });
  try {
    const summary = await verifyLog(file, bounds, lastEpoch, report, (header, position, control) => {
      check.batch(header, position, report);
      for (const audit of audits) audit.batch(header, position);
      transactionAudit.batch(header, control);
    });
    for (const audit of audits) audit.end(summary.isWhole);
    // A snapshot is stored when all that is to be known of the segment before it has been.
    const snapshot = segmentFileName(isLast ? summary.endOffset : endOffsetMax, SNAPSHOT_SUFFIX);
    transactionAudit.end(summary.isWhole, { isComplete: names.includes(snapshot), isActive: isLast });
    return summary;
  } finally {
    file.close();
  }
}

async function openAudits(
  disk: Disk,
  folder: string,
  baseOffset: number,
  { names, isLast, reportOn }: { names: readonly string[]; isLast: boolean; reportOn: ReportOn },
): Promise<IndexAudit[]> {
  const audits: IndexAudit[] = [];
  for (const suffix of [INDEX_SUFFIX, TIME_INDEX_SUFFIX]) {
    const name = segmentFileName(baseOffset, suffix);
    const content = names.includes(name) ? await disk.readFile(`${folder}/${name}`) : undefined;
    if (content !== undefined) audits.push(auditOf(suffix, content, baseOffset, reportOn(name)));
    else if (!isLast) reportOn(name)('warning', 'is missing; it is built again from the log when it is needed');
  }
  return audits;
}

function auditOf(suffix: string, content: Buffer, baseOffset: number, report: Report): IndexAudit {
  const Audit = suffix === INDEX_SUFFIX ? OffsetIndexAudit : TimeIndexAudit;
  return new Audit(content, baseOffset, report);
}

async function openTransactionAudit(
  disk: Disk,
  folder: string,
  baseOffset: number,
  { transactions, reportOn }: Pick<PartitionState, 'transactions' | 'reportOn'>,
): Promise<TransactionIndexAudit> {
  const name = segmentFileName(baseOffset, TXN_INDEX_SUFFIX);
  const content = (await disk.readFile(`${folder}/${name}`)) ?? Buffer.alloc(0);
  return new TransactionIndexAudit(content, transactions, reportOn(name));
}

/** Reads a text file with its parser. Undefined, and told, when it is missing or damaged. */
export async function verifySmallFile<T>(
  disk: Disk,
  folder: string,
  name: string,
  reportOn: ReportOn,
  parse: (text: string, file: string) => T,
): Promise<T | undefined> {
  const bytes = await disk.readFile(`${folder}/${name}`);
  if (bytes === undefined) {
    reportOn(name)('warning', 'is missing');
    return undefined;
  }
  try {
    return parse(bytes.toString('utf8'), name);
  } catch (error) {
    if (!(error instanceof CorruptError || error instanceof SyntaxError)) throw error;
    reportOn(name)('damage', errorText(error));
    return undefined;
  }
}

/**
 * Holds the epochs of the batches to those of the checkpoint. Batches below its first entry are from before it was cut, and from
 * `newsFrom` on there may be epochs that it does not know yet.
 */
class EpochCheck {
  readonly #entries: readonly EpochEntry[];
  readonly #newsFrom: number;
  #next = 0;
  #told = -1;

  constructor(entries: readonly EpochEntry[], newsFrom: number) {
    this.#entries = entries;
    this.#newsFrom = newsFrom;
  }

  batch({ baseOffset, partitionLeaderEpoch: epoch }: BatchHeader, position: number, report: Report): void {
    while (this.#next < this.#entries.length && this.#entries[this.#next].startOffset <= baseOffset) this.#next++;
    const entry = this.#entries.at(this.#next - 1);
    if (this.#next === 0 || entry === undefined || epoch < 0 || epoch === entry.epoch || epoch === this.#told) return;
    if (baseOffset >= this.#newsFrom && epoch > entry.epoch && this.#next === this.#entries.length) return;
    this.#told = epoch;
    const text = `offset ${baseOffset} was written in leader epoch ${epoch}; ${EPOCH_FILE} says ${entry.epoch}`;
    report('damage', text, position);
  }

  end(endOffset: number, report: Report): void {
    for (const [index, { epoch, startOffset }] of this.#entries.entries()) {
      const last = index === 0 ? undefined : this.#entries[index - 1];
      if (last !== undefined && (epoch <= last.epoch || startOffset <= last.startOffset))
        report('damage', `epoch ${epoch} from offset ${startOffset} on does not lie behind epoch ${last.epoch}`);
      if (startOffset > endOffset)
        report('damage', `epoch ${epoch} begins at offset ${startOffset}, but the log ends at ${endOffset}`);
    }
  }
}

function reportOrphans(names: readonly string[], segments: readonly number[], reportOn: ReportOn): void {
  for (const name of names) {
    const suffix = [INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX].find((end) => name.endsWith(end));
    const offset = suffix === undefined ? undefined : baseOffsetOf(name, suffix);
    if (offset !== undefined && !segments.includes(offset)) reportOn(name)('warning', 'belongs to no log');
  }
}

async function verifySnapshot(
  disk: Disk,
  folder: string,
  name: string,
  { offset, endOffset }: { offset: number; endOffset: number },
  report: Report,
): Promise<void> {
  try {
    const entries = decodeProducerSnapshot((await disk.readFile(`${folder}/${name}`)) ?? Buffer.alloc(0), name);
    if (offset > endOffset) report('warning', `lies beyond the end of the log, ${endOffset}; it is not used`);
    for (const { producerId, batches, currentTxnFirstOffset } of entries) {
      const lastOffset = Math.max(batches.at(-1)?.lastOffset ?? -1, currentTxnFirstOffset);
      if (lastOffset >= offset)
        report('damage', `producer ${producerId} wrote offset ${lastOffset}, after the snapshot`);
    }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
    report('damage', errorText(error));
  }
}

/** A snapshot of `__cluster_metadata`: a batch with its header at the front, one with its footer at the end. */
export async function verifyMetadataSnapshot(disk: Disk, folder: string, name: string, report: Report): Promise<void> {
  const file = disk.openSync(`${folder}/${name}`, { create: false });
  const bounds = { baseOffset: 0, endOffsetMax: Number.POSITIVE_INFINITY };
  const controls: boolean[] = [];
  try {
    const summary = await verifyLog(file, bounds, -1, report, ({ isControl }) => {
      if (controls.length < 2) controls.push(isControl);
      else controls[1] = isControl;
    });
    const isFinished = controls[0] === true && controls.at(-1) === true;
    if (summary.isWhole && !isFinished) report('damage', 'lacks the header or the footer of a snapshot');
  } finally {
    file.close();
  }
}
