/** DescribeCluster (KIP-700). v1 endpoint type (KIP-919), v2 fenced brokers (KIP-1073). */
import { array, bool, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const DescribeClusterRequest = message(
  'DescribeClusterRequest',
  { apiKey: 60, type: 'request', versions: '0-2', flexibleVersions: '0+' },
  {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ versions: '1+', default: 1 }),
    includeFencedBrokers: bool({ versions: '2+' }),
  },
);
export type DescribeClusterRequest = Infer<typeof DescribeClusterRequest>;

export const DescribeClusterResponse = message(
  'DescribeClusterResponse',
  { apiKey: 60, type: 'response', versions: '0-2', flexibleVersions: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    endpointType: int8({ versions: '1+', default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: '0+', default: null }),
      isFenced: bool({ versions: '2+' }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
);
export type DescribeClusterResponse = Infer<typeof DescribeClusterResponse>;
