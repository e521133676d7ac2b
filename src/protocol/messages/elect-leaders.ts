/** ElectLeaders (KIP-460): the preferred leader, or an unclean one, for some partitions or all of them. */
import { array, type Infer, int8, int16, int32, message, string } from '../schema.ts';

export const ElectLeadersRequest = message(
  'ElectLeadersRequest',
  { apiKey: 43, type: 'request', versions: '0-2', flexibleVersions: '2+' },
  {
    electionType: int8({ versions: '1+' }),
    topicPartitions: array({ topic: string(), partitions: array(int32()) }, { nullable: '0+' }),
    timeoutMs: int32({ default: 60000 }),
  },
);
export type ElectLeadersRequest = Infer<typeof ElectLeadersRequest>;

export const ElectLeadersResponse = message(
  'ElectLeadersResponse',
  { apiKey: 43, type: 'response', versions: '0-2', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: '1+' }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({ partitionId: int32(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) }),
    }),
  },
);
export type ElectLeadersResponse = Infer<typeof ElectLeadersResponse>;
