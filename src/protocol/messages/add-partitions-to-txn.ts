/**
 * AddPartitionsToTxn (KIP-98). Up to v3 from clients; from v4 brokers verify several transactions at once (KIP-890).
 */
import { array, bool, type Infer, int16, int32, int64, message, string, structType } from '../schema.ts';

const addPartitionsToTxnTopic = structType({ name: string(), partitions: array(int32()) });

export const AddPartitionsToTxnRequest = message(
  'AddPartitionsToTxnRequest',
  { apiKey: 24, type: 'request', versions: '0-5', flexibleVersions: '3+' },
  {
    transactions: array(
      {
        transactionalId: string({ versions: '4+' }),
        producerId: int64({ versions: '4+' }),
        producerEpoch: int16({ versions: '4+' }),
        verifyOnly: bool({ versions: '4+' }),
        topics: array(addPartitionsToTxnTopic, { versions: '4+' }),
      },
      { versions: '4+' },
    ),
    v3AndBelowTransactionalId: string({ versions: '0-3' }),
    v3AndBelowProducerId: int64({ versions: '0-3' }),
    v3AndBelowProducerEpoch: int16({ versions: '0-3' }),
    v3AndBelowTopics: array(addPartitionsToTxnTopic, { versions: '0-3' }),
  },
);
export type AddPartitionsToTxnRequest = Infer<typeof AddPartitionsToTxnRequest>;

const addPartitionsToTxnPartitionResult = structType({ partitionIndex: int32(), partitionErrorCode: int16() });

const addPartitionsToTxnTopicResult = structType({
  name: string(),
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
});

export const AddPartitionsToTxnResponse = message(
  'AddPartitionsToTxnResponse',
  { apiKey: 24, type: 'response', versions: '0-5', flexibleVersions: '3+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: '4+', ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string({ versions: '4+' }),
        topicResults: array(addPartitionsToTxnTopicResult, { versions: '4+' }),
      },
      { versions: '4+' },
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult, { versions: '0-3' }),
  },
);
export type AddPartitionsToTxnResponse = Infer<typeof AddPartitionsToTxnResponse>;
