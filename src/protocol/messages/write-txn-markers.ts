/**
 * WriteTxnMarkers: from the transaction coordinator to partition leaders (KIP-98). v2 carries the transaction version.
 */
import { array, bool, type Infer, int8, int16, int32, int64, message, string } from '../schema.ts';

export const WriteTxnMarkersRequest = message(
  'WriteTxnMarkersRequest',
  { apiKey: 27, type: 'request', versions: '1-2', flexibleVersions: '1+' },
  {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ versions: '2+', ignorable: true }),
    }),
  },
);
export type WriteTxnMarkersRequest = Infer<typeof WriteTxnMarkersRequest>;

export const WriteTxnMarkersResponse = message(
  'WriteTxnMarkersResponse',
  { apiKey: 27, type: 'response', versions: '1-2', flexibleVersions: '1+' },
  {
    markers: array({
      producerId: int64(),
      topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
    }),
  },
);
export type WriteTxnMarkersResponse = Infer<typeof WriteTxnMarkersResponse>;
