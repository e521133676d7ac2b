/** CreatePartitions (KIP-195). */
import { array, bool, type Infer, int16, int32, message, string } from '../schema.ts';

export const CreatePartitionsRequest = message(
  'CreatePartitionsRequest',
  { apiKey: 37, type: 'request', versions: '0-3', flexibleVersions: '2+' },
  {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({ brokerIds: array(int32()) }, { nullable: '0+' }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
);
export type CreatePartitionsRequest = Infer<typeof CreatePartitionsRequest>;

export const CreatePartitionsResponse = message(
  'CreatePartitionsResponse',
  { apiKey: 37, type: 'response', versions: '0-3', flexibleVersions: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({ name: string(), errorCode: int16(), errorMessage: string({ nullable: '0+', default: null }) }),
  },
);
export type CreatePartitionsResponse = Infer<typeof CreatePartitionsResponse>;
