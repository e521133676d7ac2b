/**
 * A snapshot of the metadata log: all that the cluster was below an end offset, in a file beside the log. Whoever has it needs no record
 * below.
 *
 *     <20 digits end offset>-<10 digits epoch of the record before it>.checkpoint
 *
 *     control batch   SnapshotHeader, and KRaftVersion and Voters where there are any
 *     batches         metadata records, offsets counted from the start of the file
 *     control batch   SnapshotFooter: without it the file is not whole
 *
 * Written under a name that ends in `.part`, synced, renamed, the directory synced: a power cut leaves none or a whole one.
 * @see KIP-630
 */
import { type Clock, CorruptError, type Logger } from '#core';
import {
  batches,
  buildBatch,
  encodeToBuffer,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  verifyBatchCrc,
} from '#protocol';
import type { Disk, DiskFile } from '#storage';
import type { MetadataRecord } from '../controller/index.ts';
import { controlDraft, decodeBatch, recordDrafts } from './metadata-codec.ts';
import { QuorumRecords } from './quorum-records.ts';

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/;
const PART_SUFFIX = '.part';
/** Encoded in one turn of the loop. */
const RECORDS_PER_BATCH = 1000;

export interface SnapshotId {
  readonly endOffset: number;
  readonly epoch: number;
}

export interface SnapshotContent extends SnapshotId {
  readonly records: readonly MetadataRecord[];
}

export function snapshotName({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`;
}

/** The snapshots in `folder`, oldest first. */
export async function listSnapshots(disk: Disk, folder: string): Promise<SnapshotId[]> {
  const ids: SnapshotId[] = [];
  for (const { name } of await disk.list(folder)) {
    const match = NAME.exec(name);
    if (match !== null) ids.push({ endOffset: Number(match[1]), epoch: Number(match[2]) });
  }
  return ids.sort((left, right) => left.endOffset - right.endOffset || left.epoch - right.epoch);
}

/** Takes away what a stop in the midst of writing left. */
export async function removeUnfinished(disk: Disk, folder: string): Promise<void> {
  for (const { name } of await disk.list(folder)) {
    if (name.endsWith(`.checkpoint${PART_SUFFIX}`)) await disk.remove(`${folder}/${name}`);
  }
}

/**
 * The newest snapshot in `folder` that is whole; undefined when there is none, or none beyond the start of the cluster. Damaged ones
 * are passed over with a warning. `quorum` learns what it says of the voters.
 */
export async function readNewestSnapshot(
  disk: Disk,
  folder: string,
  quorum: QuorumRecords,
  logger: Logger,
): Promise<SnapshotContent | undefined> {
  for (const id of (await listSnapshots(disk, folder)).reverse()) {
    const path = `${folder}/${snapshotName(id)}`;
    try {
      const records = readSnapshot((await disk.readFile(path)) ?? Buffer.alloc(0), path, quorum);
      // What Kafka's tools make before the first start has only control records that matter.
      if (id.endOffset === 0) return undefined;
      if (records.length > id.endOffset) throw new CorruptError(`${path} has more records than the log had`);
      return { ...id, records };
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      logger.warn({ file: path }, `A snapshot of the metadata is not used: ${error.message}`);
    }
  }
  return undefined;
}

function readSnapshot(bytes: Buffer, file: string, quorum: QuorumRecords): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  let isWhole = false;
  for (const { position, header } of batches(bytes)) {
    if (!verifyBatchCrc(bytes, position, header))
      throw new CorruptError(`${file} fails its checksum`, { file, position });
    if (header.isControl) isWhole = quorum.take(bytes, position);
    else decodeBatch(bytes, position, (record) => records.push(record));
  }
  if (!isWhole) throw new CorruptError(`${file} has no end`, { file });
  return records;
}

export interface SnapshotWriter {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly quorum: QuorumRecords;
  /** The `metadata.version` in whose terms records are written. */
  readonly level: number;
  /** Fulfilled when the snapshot may be seen. */
  before(): Promise<void>;
}

/** Resolves with the size of the file, in bytes, when it is durable. Leaves nothing behind when it rejects. */
export async function writeSnapshot(writer: SnapshotWriter, content: SnapshotContent): Promise<number> {
  const { disk, folder, before } = writer;
  const path = `${folder}/${snapshotName(content)}`;
  const part = path + PART_SUFFIX;
  try {
    const file = disk.openSync(part, { create: true });
    let sizeInBytes: number;
    try {
      file.truncateSync(0);
      sizeInBytes = await writeBatches(writer, content, file);
      await file.sync();
    } finally {
      file.close();
    }
    await before();
    await disk.rename(part, path);
    await disk.syncDirectory(folder);
    return sizeInBytes;
  } catch (error) {
    await disk.remove(part).catch(() => {}); // the next start takes it away
    throw error;
  }
}

async function writeBatches(
  { clock, quorum, level }: SnapshotWriter,
  { epoch, records }: SnapshotContent,
  file: DiskFile,
): Promise<number> {
  const timestamp = clock.now().wallMs;
  let position = 0;
  let baseOffset = 0;
  const write = (drafts: Parameters<typeof buildBatch>[0], isControl: boolean): void => {
    const batch = buildBatch(drafts, { baseOffset, isControl, partitionLeaderEpoch: epoch });
    file.writeSync([batch], position);
    position += batch.length;
    baseOffset += drafts.length;
  };
  const header = encodeToBuffer(SnapshotHeaderRecord, 0, { lastContainedLogTimestamp: timestamp });
  write([controlDraft('snapshot-header', header, timestamp), ...quorum.drafts(timestamp)], true);
  for (let first = 0; first < records.length; first += RECORDS_PER_BATCH) {
    write(recordDrafts(records.slice(first, first + RECORDS_PER_BATCH), level, timestamp), false);
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
  }
  write([controlDraft('snapshot-footer', encodeToBuffer(SnapshotFooterRecord, 0, {}), timestamp)], true);
  return position;
}
