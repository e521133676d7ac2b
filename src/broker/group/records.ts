/**
 * The records of `__consumer_offsets` that classic groups are made of, in Kafka's framing: a key is its int16 type and the fields, a value
 * is an int16 version and the fields in that version.
 *
 *     type   key                       value                                  written as   read
 *     0, 1   group, topic, partition   OffsetCommitValue                      v4           0–4
 *     2      group                     GroupMetadataValue                     v3           0–4
 *
 * A null value deletes. Those of groups of the consumer protocol are in `consumer/consumer-records.ts`; other types (share groups, whatever
 * comes later) are skipped. A version from the future of a type we
 * know is an error, as with Kafka: passing over a committed offset would make consumers begin somewhere else.
 */
import { ByteReader, KafkaError, ZERO_UUID } from '#core';
import {
  ConsumerProtocolSubscription,
  type Draft,
  decode,
  encodeStored,
  GroupMetadataKey,
  GroupMetadataValue,
  type Infer,
  LegacyOffsetCommitKey,
  OffsetCommitKey,
  OffsetCommitValue,
} from '#protocol';
import { type ConsumerGroupRecord, readConsumerGroupRecord } from './consumer/consumer-records.ts';
import type { CommittedOffset } from './offset-table.ts';

const OFFSET_VALUE_VERSION = 4;
const GROUP_VALUE_VERSION = 3;

const LEGACY_OFFSET_TYPE = 0;
const OFFSET_TYPE = 1;
const GROUP_TYPE = 2;

/** A group as it is stored; field names are the schema's. */
export type StoredGroup = Infer<typeof GroupMetadataValue>;

/** A record with a value. */
export interface EncodedRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** A record that deletes its key. */
export interface Tombstone {
  readonly key: Buffer;
  readonly value: null;
}

export type ReadRecord =
  | { readonly type: 'group'; readonly groupId: string; readonly stored: StoredGroup }
  | { readonly type: 'group-tombstone'; readonly groupId: string }
  | {
      readonly type: 'offset';
      readonly groupId: string;
      readonly topic: string;
      readonly partition: number;
      readonly committed: CommittedOffset;
    }
  | { readonly type: 'offset-tombstone'; readonly groupId: string; readonly topic: string; readonly partition: number }
  | { readonly type: 'consumer-group'; readonly record: ConsumerGroupRecord }
  | { readonly type: 'unknown' };

const UNKNOWN: ReadRecord = { type: 'unknown' };

export function groupRecord(groupId: string, stored: StoredGroup): EncodedRecord {
  return {
    key: groupKey(groupId),
    value: encodeStored(GroupMetadataValue, GROUP_VALUE_VERSION, stored),
  };
}

export function groupTombstone(groupId: string): Tombstone {
  return { key: groupKey(groupId), value: null };
}

export function offsetRecord(
  groupId: string,
  topic: string,
  partition: number,
  committed: CommittedOffset,
): EncodedRecord {
  const value: Draft<typeof OffsetCommitValue> = {
    offset: committed.offset,
    leaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    commitTimestamp: committed.commitTimestampMs,
    topicId: committed.topicId,
  };
  const key = offsetKey(groupId, topic, partition);
  if (committed.expireTimestampMs < 0) {
    return { key, value: encodeStored(OffsetCommitValue, OFFSET_VALUE_VERSION, value) };
  }
  // Only version 1 has room for an expiry time of the commit's own; it has neither epoch nor topic id.
  const { offset, metadata, commitTimestamp } = value;
  const expiring = { offset, metadata, commitTimestamp, expireTimestamp: committed.expireTimestampMs };
  return { key, value: encodeStored(OffsetCommitValue, 1, expiring) };
}

export function offsetTombstone(groupId: string, topic: string, partition: number): Tombstone {
  return { key: offsetKey(groupId, topic, partition), value: null };
}

/**
 * Reads any record of the topic. Byte fields are slices of the record's buffers. Throws `CorruptError` for a damaged record of a known type,
 * UNSUPPORTED_VERSION for one of a version from the future.
 */
export function readRecord(record: { readonly key: Buffer | null; readonly value: Buffer | null }): ReadRecord {
  if (record.key === null) return UNKNOWN;
  const key = new ByteReader(record.key);
  const recordType = key.int16();
  switch (recordType) {
    case LEGACY_OFFSET_TYPE:
      return readOffset(decode(LegacyOffsetCommitKey, 0, key), record.value);
    case OFFSET_TYPE:
      return readOffset(decode(OffsetCommitKey, 0, key), record.value);
    case GROUP_TYPE:
      return readGroup(decode(GroupMetadataKey, 0, key).group, record.value);
    default: {
      const consumer = readConsumerGroupRecord(recordType, key, record.value);
      return consumer === undefined ? UNKNOWN : { type: 'consumer-group', record: consumer };
    }
  }
}

/** The topics of a consumer's subscription, or undefined when the bytes are not one. Every version begins with them. */
export function readSubscribedTopics(metadata: Buffer): readonly string[] | undefined {
  try {
    const reader = new ByteReader(metadata);
    if (reader.int16() < 0) return undefined;
    return decode(ConsumerProtocolSubscription, 0, reader).topics;
  } catch (error) {
    if (error instanceof KafkaError) return undefined;
    throw error;
  }
}

function readGroup(groupId: string, value: Buffer | null): ReadRecord {
  if (value === null) return { type: 'group-tombstone', groupId };
  const reader = new ByteReader(value);
  return { type: 'group', groupId, stored: decode(GroupMetadataValue, reader.int16(), reader) };
}

function readOffset(key: { group: string; topic: string; partition: number }, value: Buffer | null): ReadRecord {
  const { group: groupId, topic, partition } = key;
  if (value === null) return { type: 'offset-tombstone', groupId, topic, partition };
  const reader = new ByteReader(value);
  const stored = decode(OffsetCommitValue, reader.int16(), reader);
  const committed: CommittedOffset = {
    offset: stored.offset,
    leaderEpoch: stored.leaderEpoch,
    metadata: stored.metadata,
    commitTimestampMs: stored.commitTimestamp,
    expireTimestampMs: stored.expireTimestamp,
    topicId: stored.topicId ?? ZERO_UUID,
  };
  return { type: 'offset', groupId, topic, partition, committed };
}

function groupKey(groupId: string): Buffer {
  return encodeStored(GroupMetadataKey, 0, { group: groupId });
}

function offsetKey(groupId: string, topic: string, partition: number): Buffer {
  return encodeStored(OffsetCommitKey, 0, { group: groupId, topic, partition });
}
