/**
 * CreateTopics. v4 defaults for partitions and replicas (KIP-464), v5 returns the configs (KIP-525), v7 the topic id
 * (KIP-516).
 */
import { array, bool, type Infer, int8, int16, int32, message, string, uuid } from '../schema.ts';

export const CreateTopicsRequest = message(
  'CreateTopicsRequest',
  { apiKey: 19, type: 'request', versions: '2-7', flexibleVersions: '5+' },
  {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: string({ nullable: '0+' }) }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool(),
  },
);
export type CreateTopicsRequest = Infer<typeof CreateTopicsRequest>;

export const CreateTopicsResponse = message(
  'CreateTopicsResponse',
  { apiKey: 19, type: 'response', versions: '2-7', flexibleVersions: '5+' },
  {
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid({ versions: '7+', ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16({ versions: '5+', tag: 0, ignorable: true }),
      numPartitions: int32({ versions: '5+', default: -1, ignorable: true }),
      replicationFactor: int16({ versions: '5+', default: -1, ignorable: true }),
      configs: array(
        {
          name: string({ versions: '5+' }),
          value: string({ versions: '5+', nullable: '5+' }),
          readOnly: bool({ versions: '5+' }),
          configSource: int8({ versions: '5+', default: -1, ignorable: true }),
          isSensitive: bool({ versions: '5+' }),
        },
        { versions: '5+', nullable: '5+', ignorable: true },
      ),
    }),
  },
);
export type CreateTopicsResponse = Infer<typeof CreateTopicsResponse>;
