/**
 * The bytes of `__cluster_metadata-0`: batches of metadata records, each in the version that belongs to the cluster's `metadata.version`,
 * and control records of the quorum.
 */
import { CorruptError } from '#core';
import {
  buildBatch,
  type ControlType,
  controlRecordKey,
  decodeMetadataRecord,
  encodeStored,
  encodeToBuffer,
  LeaderChangeMessage,
  type RecordDraft,
  readRecords,
  storedSchemas,
} from '#protocol';
import { finalizedLevel, METADATA_VERSION, type MetadataImage, type MetadataRecord } from '../controller/index.ts';
import type { RecordCodec } from '../coordination/log-replay.ts';

/** Most bytes that a batch of ours may have once decompressed; we write them uncompressed. */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** Since which `metadata.version` a record is written in which version: the oldest Kafka of a level must read it. Others stay at 0. */
const versions: Readonly<Record<string, readonly (readonly [level: number, version: number])[]>> = {
  RegisterBrokerRecord: [
    [17, 3],
    [30, 4],
  ],
  BrokerRegistrationChangeRecord: [
    [17, 2],
    [30, 3],
  ],
  PartitionRecord: [
    [17, 1],
    [23, 2],
  ],
  PartitionChangeRecord: [
    [17, 1],
    [23, 2],
  ],
};

/** @param image whose `metadata.version` says how to write */
export function metadataCodec(image: MetadataImage): RecordCodec<MetadataRecord> {
  return {
    encode(records, now) {
      return buildBatch(recordDrafts(records, finalizedLevel(image, METADATA_VERSION), now.wallMs));
    },
    decode: decodeBatch,
  };
}

export function recordDrafts(records: readonly MetadataRecord[], level: number, timestamp: number): RecordDraft[] {
  return records.map((record) => ({ key: null, value: encodeRecord(record, level), timestamp }));
}

export function decodeBatch(
  buffer: Buffer,
  position: number,
  each: (record: MetadataRecord, offset: number) => void,
): void {
  const cursor = readRecords(buffer, position, { decompressedBytesMax: DECOMPRESSED_BYTES_MAX });
  for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
    each(decodeRecord(record.value), record.offset);
  }
}

/** What the leader of a new epoch writes first. @see KIP-595 */
export function leaderChangeBatch(nodeId: number, leaderEpoch: number, wallMs: number): Buffer {
  const voters = [{ voterId: nodeId }];
  const value = encodeToBuffer(LeaderChangeMessage, 0, { leaderId: nodeId, voters, grantingVoters: voters });
  return buildBatch([controlDraft('leader-change', value, wallMs)], {
    isControl: true,
    partitionLeaderEpoch: leaderEpoch,
  });
}

export function controlDraft(type: ControlType, value: Buffer, timestamp: number): RecordDraft {
  return { key: controlRecordKey(type), value, timestamp };
}

/** Level 0: a new log begins with its level, which is not in the image then. */
function encodeRecord({ type, body }: MetadataRecord, level: number): Buffer {
  const schema = storedSchemas.get(type)!;
  const [, version] = versions[type]?.findLast(([from], index) => level === 0 || from <= level || index === 0) ?? [
    0, 0,
  ];
  return encodeStored(schema, version, body as never);
}

function decodeRecord(value: Buffer | null): MetadataRecord {
  if (value === null) throw new CorruptError('a metadata record without a value');
  const { name, body } = decodeMetadataRecord(value);
  return { type: name, body } as MetadataRecord;
}
