/**
 * Snapshots of the metadata log, which Apache Kafka writes beside it (springtide writes none): all that the cluster was below an end
 * offset. What they cover is deleted from the log in time, so a folder of Kafka's is read from its newest snapshot on.
 *
 *   <20 digits end offset>-<10 digits epoch>.checkpoint    batches: SnapshotHeader, KRaftVersion, Voters | records | SnapshotFooter
 *
 * @see KIP-630
 */
import { CorruptError, type Logger } from '#core';
import { batches, controlRecordType, readRecords, verifyBatchCrc } from '#protocol';
import type { Disk } from '#storage';
import type { MetadataRecord } from '../controller/index.ts';
import type { Snapshot } from '../coordination/runtime.ts';
import { metadataCodec } from './metadata-codec.ts';

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/;
/** Control records are a few bytes. */
const CONTROL_BYTES_MAX = 1024 * 1024;

/**
 * The newest snapshot in `folder` that is whole; undefined when there is none, or none beyond the start of the cluster. Damaged ones
 * are passed over with a warning.
 */
export async function readNewestSnapshot(
  disk: Disk,
  folder: string,
  logger: Logger,
): Promise<Snapshot<MetadataRecord> | undefined> {
  const names = (await disk.list(folder)).map(({ name }) => name).filter((name) => NAME.test(name));
  for (const name of names.sort().reverse()) {
    const endOffset = Number(name.slice(0, 20));
    if (endOffset === 0) return undefined;
    const path = `${folder}/${name}`;
    try {
      const records = readSnapshot((await disk.readFile(path)) ?? Buffer.alloc(0), path);
      if (records.length > endOffset) throw new CorruptError(`${path} has more records than the log had`);
      return { endOffset, records };
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      logger.warn({ file: path }, `A snapshot of the metadata is not used: ${error.message}`);
    }
  }
  return undefined;
}

function readSnapshot(bytes: Buffer, file: string): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  let isWhole = false;
  for (const { position, header } of batches(bytes)) {
    if (!verifyBatchCrc(bytes, position, header))
      throw new CorruptError(`${file} fails its checksum`, { file, position });
    if (header.isControl) isWhole = endsSnapshot(bytes, position);
    else metadataCodec.decode(bytes, position, (record) => records.push(record));
  }
  if (!isWhole) throw new CorruptError(`${file} has no end`, { file });
  return records;
}

function endsSnapshot(bytes: Buffer, position: number): boolean {
  const cursor = readRecords(bytes, position, { decompressedBytesMax: CONTROL_BYTES_MAX });
  const record = cursor.next();
  return record !== undefined && controlRecordType(record.key) === 'snapshot-footer';
}
