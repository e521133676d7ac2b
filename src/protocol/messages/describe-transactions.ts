/** DescribeTransactions: the state of transactional ids (KIP-664). */
import { array, type Infer, int16, int32, int64, message, string } from '../schema.ts';

export const DescribeTransactionsRequest = message(
  'DescribeTransactionsRequest',
  { apiKey: 65, type: 'request', versions: '0', flexibleVersions: '0+' },
  { transactionalIds: array(string()) },
);
export type DescribeTransactionsRequest = Infer<typeof DescribeTransactionsRequest>;

export const DescribeTransactionsResponse = message(
  'DescribeTransactionsResponse',
  { apiKey: 65, type: 'response', versions: '0', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({ topic: string(), partitions: array(int32()) }),
    }),
  },
);
export type DescribeTransactionsResponse = Infer<typeof DescribeTransactionsResponse>;
