/**
 * Committed offsets in __consumer_offsets. Kafka writes key type 1 with value v4; type 0 is what old brokers wrote.
 */
import { type Infer, int32, int64, message, string, uuid } from '../schema.ts';

export const LegacyOffsetCommitKey = message(
  'LegacyOffsetCommitKey',
  { apiKey: 0, type: 'coordinator-key', versions: '0', flexibleVersions: 'none' },
  { group: string(), topic: string(), partition: int32() },
);
export type LegacyOffsetCommitKey = Infer<typeof LegacyOffsetCommitKey>;

export const LegacyOffsetCommitValue = message(
  'LegacyOffsetCommitValue',
  { apiKey: 0, type: 'coordinator-value', versions: '0', flexibleVersions: 'none' },
  { offset: int64(), metadata: string(), commitTimestamp: int64() },
);
export type LegacyOffsetCommitValue = Infer<typeof LegacyOffsetCommitValue>;

export const OffsetCommitKey = message(
  'OffsetCommitKey',
  { apiKey: 1, type: 'coordinator-key', versions: '0', flexibleVersions: 'none' },
  { group: string(), topic: string(), partition: int32() },
);
export type OffsetCommitKey = Infer<typeof OffsetCommitKey>;

export const OffsetCommitValue = message(
  'OffsetCommitValue',
  { apiKey: 1, type: 'coordinator-value', versions: '0-4', flexibleVersions: '4+' },
  {
    offset: int64(),
    leaderEpoch: int32({ versions: '3+', default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ versions: '1', default: -1, ignorable: true }),
    topicId: uuid({ versions: '4+', tag: 0, ignorable: true }),
  },
);
export type OffsetCommitValue = Infer<typeof OffsetCommitValue>;
