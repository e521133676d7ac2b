/** DescribeProducers: what partition leaders remember of producers, to find transactions that hang (KIP-664). */
import { array, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const DescribeProducersRequest = message(
  'DescribeProducersRequest',
  { apiKey: 61, type: 'request', versions: '0', flexibleVersions: '0+' },
  { topics: array({ name: string(), partitionIndexes: array(int32()) }) },
);
export type DescribeProducersRequest = Infer<typeof DescribeProducersRequest>;

export const DescribeProducersResponse = message(
  'DescribeProducersResponse',
  { apiKey: 61, type: 'response', versions: '0', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  },
);
export type DescribeProducersResponse = Infer<typeof DescribeProducersResponse>;
