/**
 * OffsetCommit: store positions of a group. v6 leader epochs (KIP-320), v7 static members (KIP-345), v9 members of the
 * consumer protocol (KIP-848), v10 topic ids.
 */
import { array, type Infer, int16, int32, int64, message, string, uuid } from '../schema.ts';

export const OffsetCommitRequest = message(
  'OffsetCommitRequest',
  { apiKey: 8, type: 'request', versions: '2-10', flexibleVersions: '8+' },
  {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1, ignorable: true }),
    memberId: string({ ignorable: true }),
    groupInstanceId: string({ versions: '7+', nullable: '7+', default: null }),
    retentionTimeMs: int64({ versions: '2-4', default: -1, ignorable: true }),
    topics: array({
      name: string({ versions: '0-9', ignorable: true }),
      topicId: uuid({ versions: '10+', ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ versions: '6+', default: -1, ignorable: true }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
);
export type OffsetCommitRequest = Infer<typeof OffsetCommitRequest>;

export const OffsetCommitResponse = message(
  'OffsetCommitResponse',
  { apiKey: 8, type: 'response', versions: '2-10', flexibleVersions: '8+' },
  {
    throttleTimeMs: int32({ versions: '3+', ignorable: true }),
    topics: array({
      name: string({ versions: '0-9', ignorable: true }),
      topicId: uuid({ versions: '10+', ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
);
export type OffsetCommitResponse = Infer<typeof OffsetCommitResponse>;
