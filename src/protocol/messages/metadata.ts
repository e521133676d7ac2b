/**
 * Metadata: brokers, topics and leaders. v0 asks for all topics with an empty list, later versions with null. v7
 * leader epochs, v8 authorized operations (KIP-430), v10 topic ids in the answer, v12 in the question (KIP-516), v13 a
 * top-level error (KIP-1102).
 */
import { array, bool, type Infer, int16, int32, message, string, uuid } from '../schema.ts';

export const MetadataRequest = message(
  'MetadataRequest',
  { apiKey: 3, type: 'request', versions: '0-13', flexibleVersions: '9+' },
  {
    topics: array(
      { topicId: uuid({ versions: '10+', ignorable: true }), name: string({ nullable: '10+' }) },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool({ versions: '4+', default: true }),
    includeClusterAuthorizedOperations: bool({ versions: '8-10' }),
    includeTopicAuthorizedOperations: bool({ versions: '8+' }),
  },
);
export type MetadataRequest = Infer<typeof MetadataRequest>;

export const MetadataResponse = message(
  'MetadataResponse',
  { apiKey: 3, type: 'response', versions: '0-13', flexibleVersions: '9+' },
  {
    throttleTimeMs: int32({ versions: '3+', ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ versions: '1+', nullable: '1+', default: null, ignorable: true }),
    }),
    clusterId: string({ versions: '2+', nullable: '2+', default: null, ignorable: true }),
    controllerId: int32({ versions: '1+', default: -1, ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: '12+' }),
      topicId: uuid({ versions: '10+', ignorable: true }),
      isInternal: bool({ versions: '1+', ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ versions: '7+', default: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { versions: '5+', ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ versions: '8+', default: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32({ versions: '8-10', default: -2147483648 }),
    errorCode: int16({ versions: '13+', ignorable: true }),
  },
);
export type MetadataResponse = Infer<typeof MetadataResponse>;
