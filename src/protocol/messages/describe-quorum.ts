/**
 * DescribeQuorum: voters and observers of the metadata log (KIP-595). v1 timestamps (KIP-836), v2 directory ids
 * (KIP-853).
 */
import { array, type Infer, int16, int32, int64, message, string, structType, uint16, uuid } from '../schema.ts';

export const DescribeQuorumRequest = message(
  'DescribeQuorumRequest',
  { apiKey: 55, type: 'request', versions: '0-2', flexibleVersions: '0+' },
  { topics: array({ topicName: string(), partitions: array({ partitionIndex: int32() }) }) },
);
export type DescribeQuorumRequest = Infer<typeof DescribeQuorumRequest>;

const replicaState = structType({
  replicaId: int32(),
  replicaDirectoryId: uuid({ versions: '2+' }),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ versions: '1+', default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64({ versions: '1+', default: -1, ignorable: true }),
});

export const DescribeQuorumResponse = message(
  'DescribeQuorumResponse',
  { apiKey: 55, type: 'response', versions: '0-2', flexibleVersions: '0+' },
  {
    errorCode: int16(),
    errorMessage: string({ versions: '2+', nullable: '2+', ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ versions: '2+', nullable: '2+', ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array(
      {
        nodeId: int32({ versions: '2+' }),
        listeners: array(
          { name: string({ versions: '2+' }), host: string({ versions: '2+' }), port: uint16({ versions: '2+' }) },
          { versions: '2+' },
        ),
      },
      { versions: '2+' },
    ),
  },
);
export type DescribeQuorumResponse = Infer<typeof DescribeQuorumResponse>;
