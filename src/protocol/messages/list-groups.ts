/** ListGroups: groups of a coordinator. v4 filter by state (KIP-518), v5 by type (KIP-848). */
import { array, type Infer, int16, int32, message, string } from '../schema.ts';

export const ListGroupsRequest = message(
  'ListGroupsRequest',
  { apiKey: 16, type: 'request', versions: '0-5', flexibleVersions: '3+' },
  { statesFilter: array(string(), { versions: '4+' }), typesFilter: array(string(), { versions: '5+' }) },
);
export type ListGroupsRequest = Infer<typeof ListGroupsRequest>;

export const ListGroupsResponse = message(
  'ListGroupsResponse',
  { apiKey: 16, type: 'response', versions: '0-5', flexibleVersions: '3+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ versions: '4+', ignorable: true }),
      groupType: string({ versions: '5+', ignorable: true }),
    }),
  },
);
export type ListGroupsResponse = Infer<typeof ListGroupsResponse>;
