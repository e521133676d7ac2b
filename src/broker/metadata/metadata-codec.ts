/**
 * The bytes of `__cluster_metadata-0`: batches of metadata records in the versions of Kafka 4.4-IV2, and the control record with which
 * every leader begins its epoch. Records of types or versions that springtide does not use are read as `other`.
 */
import { CorruptError } from '#core';
import {
  BrokerRegistrationChangeRecord,
  buildBatch,
  ClientQuotaRecord,
  ConfigRecord,
  controlRecordKey,
  decodeMetadataRecord,
  encodeStored,
  encodeToBuffer,
  FeatureLevelRecord,
  LeaderChangeMessage,
  type MessageSchema,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RemoveTopicRecord,
  readRecords,
  TopicRecord,
} from '#protocol';
import type { MetadataRecord } from '../controller/index.ts';
import type { RecordCodec } from '../coordination/runtime.ts';

/** Most bytes that a batch of ours may have once decompressed; we write them uncompressed. */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

interface Row {
  readonly schema: MessageSchema;
  readonly version: number;
}

const rows: Readonly<Record<string, Row>> = {
  RegisterBrokerRecord: { schema: RegisterBrokerRecord, version: 4 },
  BrokerRegistrationChangeRecord: { schema: BrokerRegistrationChangeRecord, version: 2 },
  FeatureLevelRecord: { schema: FeatureLevelRecord, version: 0 },
  TopicRecord: { schema: TopicRecord, version: 0 },
  PartitionRecord: { schema: PartitionRecord, version: 2 },
  PartitionChangeRecord: { schema: PartitionChangeRecord, version: 2 },
  RemoveTopicRecord: { schema: RemoveTopicRecord, version: 0 },
  ConfigRecord: { schema: ConfigRecord, version: 0 },
  ClientQuotaRecord: { schema: ClientQuotaRecord, version: 0 },
  ProducerIdsRecord: { schema: ProducerIdsRecord, version: 0 },
};

export const metadataCodec: RecordCodec<MetadataRecord> = {
  encode(records, now) {
    const timestamp = now.wallMs;
    return buildBatch(records.map((record) => ({ key: null, value: encodeRecord(record), timestamp })));
  },
  decode(buffer, position, each) {
    const cursor = readRecords(buffer, position, { decompressedBytesMax: DECOMPRESSED_BYTES_MAX });
    for (let record = cursor.next(); record !== undefined; record = cursor.next()) {
      each(decodeRecord(record.value), record.offset);
    }
  },
};

/** What the leader of a new epoch writes first. @see KIP-595 */
export function leaderChangeBatch(nodeId: number, leaderEpoch: number, wallMs: number): Buffer {
  const voters = [{ voterId: nodeId }];
  const value = encodeToBuffer(LeaderChangeMessage, 0, { leaderId: nodeId, voters, grantingVoters: voters });
  const record = { key: controlRecordKey('leader-change'), value, timestamp: wallMs };
  return buildBatch([record], { isControl: true, partitionLeaderEpoch: leaderEpoch });
}

function encodeRecord(record: MetadataRecord): Buffer {
  const row = rows[record.type];
  return encodeStored(row.schema, row.version, record.body as never);
}

function decodeRecord(value: Buffer | null): MetadataRecord {
  if (value === null) throw new CorruptError('a metadata record without a value');
  const { name, body } = decodeMetadataRecord(value);
  return Object.hasOwn(rows, name) ? ({ type: name, body } as MetadataRecord) : { type: 'other', body: null };
}
