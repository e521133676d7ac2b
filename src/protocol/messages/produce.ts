/**
 * Produce: append batches to partitions. v3 is the oldest that clients of Kafka 4 may send (KIP-896). v7 allows zstd
 * (KIP-110), v8 names refused records (KIP-467), v10 tells the new leader (KIP-951), v12 adds partitions to
 * transactions implicitly (KIP-890), v13 names topics by id (KIP-516).
 */
import { array, type Infer, int16, int32, int64, message, records, string, struct, uuid } from '../schema.ts';

export const ProduceRequest = message(
  'ProduceRequest',
  { apiKey: 0, type: 'request', versions: '3-13', flexibleVersions: '9+' },
  {
    transactionalId: string({ nullable: '3+', default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ versions: '0-12', ignorable: true }),
      topicId: uuid({ versions: '13+', ignorable: true }),
      partitionData: array({ index: int32(), records: records({ nullable: '0+' }) }),
    }),
  },
);
export type ProduceRequest = Infer<typeof ProduceRequest>;

export const ProduceResponse = message(
  'ProduceResponse',
  { apiKey: 0, type: 'response', versions: '3-13', flexibleVersions: '9+' },
  {
    responses: array({
      name: string({ versions: '0-12', ignorable: true }),
      topicId: uuid({ versions: '13+', ignorable: true }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1, ignorable: true }),
        logStartOffset: int64({ versions: '5+', default: -1, ignorable: true }),
        recordErrors: array(
          {
            batchIndex: int32({ versions: '8+' }),
            batchIndexErrorMessage: string({ versions: '8+', nullable: '8+', default: null }),
          },
          { versions: '8+', ignorable: true },
        ),
        errorMessage: string({ versions: '8+', nullable: '8+', default: null, ignorable: true }),
        currentLeader: struct(
          { leaderId: int32({ versions: '10+', default: -1 }), leaderEpoch: int32({ versions: '10+', default: -1 }) },
          { versions: '10+', tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ ignorable: true }),
    nodeEndpoints: array(
      {
        nodeId: int32({ versions: '10+' }),
        host: string({ versions: '10+' }),
        port: int32({ versions: '10+' }),
        rack: string({ versions: '10+', nullable: '10+', default: null }),
      },
      { versions: '10+', tag: 0 },
    ),
  },
);
export type ProduceResponse = Infer<typeof ProduceResponse>;
