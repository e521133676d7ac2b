/** DeleteRecords: move the start of logs (KIP-107). */
import { array, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const DeleteRecordsRequest = message(
  'DeleteRecordsRequest',
  { apiKey: 21, type: 'request', versions: '0-2', flexibleVersions: '2+' },
  {
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), offset: int64() }) }),
    timeoutMs: int32(),
  },
);
export type DeleteRecordsRequest = Infer<typeof DeleteRecordsRequest>;

export const DeleteRecordsResponse = message(
  'DeleteRecordsResponse',
  { apiKey: 21, type: 'response', versions: '0-2', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }),
    }),
  },
);
export type DeleteRecordsResponse = Infer<typeof DeleteRecordsResponse>;
