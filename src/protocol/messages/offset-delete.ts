/** OffsetDelete: forget positions of a group (KIP-496). Never flexible. */
import { array, type Infer, int16, int32, message, string } from '../schema.ts';

export const OffsetDeleteRequest = message(
  'OffsetDeleteRequest',
  { apiKey: 47, type: 'request', versions: '0', flexibleVersions: 'none' },
  { groupId: string(), topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }) },
);
export type OffsetDeleteRequest = Infer<typeof OffsetDeleteRequest>;

export const OffsetDeleteResponse = message(
  'OffsetDeleteResponse',
  { apiKey: 47, type: 'response', versions: '0', flexibleVersions: 'none' },
  {
    errorCode: int16(),
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
);
export type OffsetDeleteResponse = Infer<typeof OffsetDeleteResponse>;
