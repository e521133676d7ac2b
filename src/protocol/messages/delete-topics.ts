/** DeleteTopics. v5 error messages (KIP-599), v6 by topic id (KIP-516). */
import { array, type Infer, int16, int32, message, string, uuid } from '../schema.ts';

export const DeleteTopicsRequest = message(
  'DeleteTopicsRequest',
  { apiKey: 20, type: 'request', versions: '1-6', flexibleVersions: '4+' },
  {
    topics: array(
      { name: string({ versions: '6+', nullable: '6+', default: null }), topicId: uuid({ versions: '6+' }) },
      { versions: '6+' },
    ),
    topicNames: array(string(), { versions: '0-5', ignorable: true }),
    timeoutMs: int32(),
  },
);
export type DeleteTopicsRequest = Infer<typeof DeleteTopicsRequest>;

export const DeleteTopicsResponse = message(
  'DeleteTopicsResponse',
  { apiKey: 20, type: 'response', versions: '1-6', flexibleVersions: '4+' },
  {
    throttleTimeMs: int32({ ignorable: true }),
    responses: array({
      name: string({ nullable: '6+' }),
      topicId: uuid({ versions: '6+', ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    }),
  },
);
export type DeleteTopicsResponse = Infer<typeof DeleteTopicsResponse>;
