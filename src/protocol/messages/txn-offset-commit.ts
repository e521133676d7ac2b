/**
 * TxnOffsetCommit: offsets that become visible with the transaction (KIP-98). v3 group generation (KIP-447), v5 adds
 * the group implicitly (KIP-890), v6 topic ids (KIP-1319).
 */
import { array, type Infer, int16, int32, int64, message, string, uuid } from '../schema.ts';

export const TxnOffsetCommitRequest = message(
  'TxnOffsetCommitRequest',
  { apiKey: 28, type: 'request', versions: '0-6', flexibleVersions: '3+' },
  {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationIdOrMemberEpoch: int32({ versions: '3+', default: -1 }),
    memberId: string({ versions: '3+' }),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
    topics: array({
      name: string({ versions: '0-5', ignorable: true }),
      topicId: uuid({ versions: '6+', ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ versions: '2+', default: -1, ignorable: true }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
);
export type TxnOffsetCommitRequest = Infer<typeof TxnOffsetCommitRequest>;

export const TxnOffsetCommitResponse = message(
  'TxnOffsetCommitResponse',
  { apiKey: 28, type: 'response', versions: '0-6', flexibleVersions: '3+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string({ versions: '0-5', ignorable: true }),
      topicId: uuid({ versions: '6+', ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
);
export type TxnOffsetCommitResponse = Infer<typeof TxnOffsetCommitResponse>;
