/**
 * ListOffsets: offsets by timestamp. Negative ones mean: -1 latest, -2 earliest, -3 largest timestamp (v7, KIP-734),
 * -4 earliest local (v8, KIP-405), -5 latest tiered (v9, KIP-1005), -6 earliest pending upload (v11, KIP-1023).
 */
import { array, type Infer, int8, int16, int32, int64, message, string } from '../schema.ts';

export const ListOffsetsRequest = message(
  'ListOffsetsRequest',
  { apiKey: 2, type: 'request', versions: '1-11', flexibleVersions: '6+' },
  {
    replicaId: int32(),
    isolationLevel: int8({ versions: '2+' }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ versions: '4+', default: -1, ignorable: true }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ versions: '10+', ignorable: true }),
  },
);
export type ListOffsetsRequest = Infer<typeof ListOffsetsRequest>;

export const ListOffsetsResponse = message(
  'ListOffsetsResponse',
  { apiKey: 2, type: 'response', versions: '1-11', flexibleVersions: '6+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ versions: '4+', default: -1 }),
      }),
    }),
  },
);
export type ListOffsetsResponse = Infer<typeof ListOffsetsResponse>;
