/** Transactions in __transaction_state (KIP-98). Value v1 is flexible and remembers epochs for KIP-890. */
import { array, type Infer, int8, int16, int32, int64, message, string } from '../schema.ts';

export const TransactionLogKey = message(
  'TransactionLogKey',
  { apiKey: 0, type: 'coordinator-key', versions: '0', flexibleVersions: 'none' },
  { transactionalId: string() },
);
export type TransactionLogKey = Infer<typeof TransactionLogKey>;

export const TransactionLogValue = message(
  'TransactionLogValue',
  { apiKey: 0, type: 'coordinator-value', versions: '0-1', flexibleVersions: '1+' },
  {
    producerId: int64(),
    previousProducerId: int64({ versions: '1+', default: -1, tag: 0 }),
    nextProducerId: int64({ versions: '1+', default: -1, tag: 1 }),
    producerEpoch: int16(),
    nextProducerEpoch: int16({ versions: '1+', default: -1, tag: 3 }),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array({ topic: string(), partitionIds: array(int32()) }, { nullable: '0+' }),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16({ versions: '1+', tag: 2 }),
  },
);
export type TransactionLogValue = Infer<typeof TransactionLogValue>;
